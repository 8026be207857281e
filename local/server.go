package local

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/vinci-go/vinci/internal/listeners"
)

// ErrAddress is the kind of errors about an address to listen on.
var ErrAddress = errors.New("cannot listen")

// listen binds a loopback address. offset is added to a port that is not 0.
func listen(what, addr string, offset int) (net.Listener, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, fmt.Errorf("%w: the address of %s is %q, and must be like 127.0.0.1:8080: %w", ErrAddress, what, addr, err)
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return nil, fmt.Errorf("%w: the address of %s is %q, which other machines can reach: take 127.0.0.1", ErrAddress, what, addr)
	}
	if n, err := strconv.Atoi(port); err == nil && n != 0 {
		port = strconv.Itoa(n + offset)
	}
	l, err := net.Listen("tcp", net.JoinHostPort(host, port))
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("%w: port %s for %s is in use%s: stop the program that has it, or take another port (0 is a free one)", ErrAddress, port, what, usedBy(port))
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrAddress, what, err)
	}
	return l, nil
}

// usedBy names the process that has a port, as far as this user may know.
func usedBy(port string) string {
	n, err := strconv.Atoi(port)
	if err != nil {
		return ""
	}
	if owner, ok := listeners.Of(n); ok {
		return " by " + owner.String()
	}
	return ""
}

// server serves HTTP on a listener. Its handler can be changed while it runs.
type server struct {
	listener net.Listener
	handler  atomic.Pointer[http.Handler] // nil before serve
	http     *http.Server
	done     chan error
	base     context.Context // of every request
	cancel   context.CancelFunc

	// grace is how long requests may go on after stop before their contexts end; 0
	// means until stop's own context does. Set it before serve.
	grace time.Duration

	mu     sync.Mutex
	unused map[net.Conn]struct{} // opened, and no request has come on them yet
}

// newServer binds the address. Connections wait for serve.
func newServer(what, addr string, offset int, logger *slog.Logger) (*server, error) {
	l, err := listen(what, addr, offset)
	if err != nil {
		return nil, err
	}
	s := &server{listener: l, done: make(chan error, 1), unused: map[net.Conn]struct{}{}}
	s.base, s.cancel = context.WithCancel(context.Background())
	s.http = &http.Server{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			(*s.handler.Load()).ServeHTTP(w, r)
		}),
		ReadHeaderTimeout: 10 * time.Second,
		ConnState:         s.track,
		BaseContext:       func(net.Listener) context.Context { return s.base },
		ErrorLog:          slog.NewLogLogger(logger.Handler(), slog.LevelWarn),
	}
	return s, nil
}

func (s *server) url() string { return "http://" + s.listener.Addr().String() }

// serve answers with h from now on, instead of what it answered with before.
// failed is told when serving ends other than by stop. It is not called from
// several goroutines at once.
func (s *server) serve(h http.Handler, failed func(error)) {
	if s.handler.Swap(&h) != nil {
		return // it serves already
	}
	go func() {
		err := s.http.Serve(s.listener)
		if !errors.Is(err, http.ErrServerClosed) {
			failed(fmt.Errorf("the server on %s ended: %w", s.url(), err))
		}
		s.done <- err
	}()
}

// track knows the connections without a request. Clients open some in reserve,
// and Shutdown would give each five seconds to be used.
func (s *server) track(c net.Conn, state http.ConnState) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if state == http.StateNew {
		s.unused[c] = struct{}{}
	} else {
		delete(s.unused, c)
	}
}

func (s *server) closeUnused() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.unused {
		// It is closed or about to be: there is nothing to tell anyone.
		_ = c.Close()
	}
}

// stop takes no new connection, lets requests finish until ctx ends, and then
// cuts them off. A server that does not serve yet is only closed.
func (s *server) stop(ctx context.Context) error {
	defer s.cancel()
	if s.handler.Load() == nil {
		return s.listener.Close()
	}
	// From here on keep-alives are off: a connection that is in use is closed
	// after its request, and one that comes just now finds the listener closed.
	closed := make(chan struct{})
	s.http.RegisterOnShutdown(func() {
		s.closeUnused()
		close(closed)
	})
	if s.grace > 0 {
		defer time.AfterFunc(s.grace, s.cancel).Stop()
	}
	err := s.http.Shutdown(ctx)
	<-closed
	if err != nil {
		err = errors.Join(fmt.Errorf("requests on %s were cut off: %w", s.url(), err), s.http.Close())
	}
	<-s.done
	return err
}
