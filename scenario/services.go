package scenario

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/vinci-go/vinci/domain/orders"
)

// Service is an HTTP service of a tenant's own (a mail provider, a distributor) that
// the application calls: a real server on this machine. It verifies each signature.
type Service struct {
	Secret string
	URL    string
	server *http.Server
	ended  chan error

	mu     sync.Mutex
	calls  []ServiceCall
	answer func(ServiceCall) int // the status; nil: always 200
}

// ServiceCall is one call of a service.
type ServiceCall struct {
	OrderID string
	Key     string // the idempotency key
	Nth     int    // call about this order, from 1
	Signed  bool   // rightly
	At      time.Time
	Status  int // what was answered
	Body    []byte
}

// NewService starts a service on a free port. answer, which may be nil, decides what
// is answered; it may take its time. Close ends the service.
func NewService(secret string, answer func(ServiceCall) int) (*Service, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("start an HTTP service: %w", err)
	}
	s := &Service{Secret: secret, URL: "http://" + l.Addr().String(), answer: answer, ended: make(chan error, 1)}
	s.server = &http.Server{Handler: http.HandlerFunc(s.serve), ReadHeaderTimeout: 10 * time.Second}
	go func() { s.ended <- s.server.Serve(l) }()
	return s, nil
}

// Close ends the service.
func (s *Service) Close() error {
	err := s.server.Close()
	if ended := <-s.ended; !errors.Is(ended, http.ErrServerClosed) {
		err = errors.Join(err, ended)
	}
	return err
}

// Calls are those that came until now.
func (s *Service) Calls() []ServiceCall {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]ServiceCall(nil), s.calls...)
}

// About are the calls about one order, in their order.
func (s *Service) About(orderID string) []ServiceCall {
	var about []ServiceCall
	for _, c := range s.Calls() {
		if c.OrderID == orderID {
			about = append(about, c)
		}
	}
	return about
}

// maxAge is how old a signature may be.
const maxAge = 5 * time.Minute

func (s *Service) serve(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	var about struct {
		OrderID string `json:"order_id"`
	}
	if err != nil || json.Unmarshal(body, &about) != nil {
		http.Error(w, "that is no JSON", http.StatusBadRequest)
		return
	}
	c := ServiceCall{
		OrderID: about.OrderID, Key: r.Header.Get(orders.HeaderIdempotency), At: time.Now(), Status: http.StatusOK, Body: body,
		Signed: orders.Verify(s.Secret, r.Header, body, time.Now(), maxAge),
	}
	if !c.Signed {
		c.Status = http.StatusUnauthorized
	}
	place := s.note(&c)
	if c.Signed && s.answer != nil {
		c.Status = s.answer(c)
	}
	s.mu.Lock()
	s.calls[place].Status = c.Status
	s.mu.Unlock()
	if c.Status != http.StatusOK {
		http.Error(w, http.StatusText(c.Status), c.Status)
	}
}

// note keeps a call and says which one about its order it is.
func (s *Service) note(c *ServiceCall) (place int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c.Nth = 1
	for _, before := range s.calls {
		if before.OrderID == c.OrderID {
			c.Nth++
		}
	}
	s.calls = append(s.calls, *c)
	return len(s.calls) - 1
}
