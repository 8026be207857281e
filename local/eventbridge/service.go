package eventbridge

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"log/slog"
	mathrand "math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/vinci-go/vinci/local/iam"
	"github.com/vinci-go/vinci/local/sqs"
)

// Queues are where events go. [*sqs.Service] is one.
type Queues interface {
	// SendAll returns one error a parcel, nil for one that is stored.
	SendAll(ctx context.Context, parcels []sqs.Parcel) (errs []error)
	// ResourcePolicy is the queue's policy, nil when it has none or does not exist.
	ResourcePolicy(queueARN string) *iam.Document
	Exists(queueARN string) bool
}

// Options are the settings of [New].
type Options struct {
	Queues  Queues           // required
	Account string           // empty means 000000000000
	Region  string           // empty means us-east-1
	Now     func() time.Time // nil means time.Now
	NewID   func() string    // makes event ids; nil means random UUIDs
	Jitter  func() float64   // in [0, 1), spreads retries; nil means random
	Logger  *slog.Logger     // nil means silence
}

// Service is the local EventBridge. It is safe for concurrent use.
type Service struct {
	opts  Options
	buses atomic.Pointer[map[string]*bus] // replaced as a whole by Apply

	mu      sync.Mutex // guards closed and the adding to retries
	closed  bool
	stop    chan struct{}
	retries sync.WaitGroup
}

// ErrClosed is returned by [Service.PutEvents] after [Service.Close].
var ErrClosed = errors.New("the event bus service is closed")

// New returns a service with the bus "default" and no rules. It panics without
// Options.Queues.
func New(o Options) *Service {
	if o.Queues == nil {
		panic("eventbridge: Options.Queues is missing")
	}
	if o.Account == "" {
		o.Account = "000000000000"
	}
	if o.Region == "" {
		o.Region = "us-east-1"
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.NewID == nil {
		o.NewID = newID
	}
	if o.Jitter == nil {
		o.Jitter = mathrand.Float64
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	s := &Service{opts: o, stop: make(chan struct{})}
	buses, err := s.compile(Config{})
	if err != nil {
		panic("eventbridge: the default bus does not compile: " + err.Error())
	}
	s.buses.Store(&buses)
	return s
}

// Apply makes buses and rules be exactly those of c. Events that are being put
// meanwhile meet the old rules or the new ones, never a mixture. On an error, of
// kind [ErrConfig], which reports all that is wrong at once, nothing has changed.
func (s *Service) Apply(c Config) error {
	buses, err := s.compile(c)
	if err != nil {
		return err
	}
	s.buses.Store(&buses)
	return nil
}

// Close gives up on deliveries that wait to be tried again, with a line in the
// log for each, and returns when their goroutines have ended or ctx has.
func (s *Service) Close(ctx context.Context) error {
	s.mu.Lock()
	if !s.closed {
		s.closed = true
		close(s.stop)
	}
	s.mu.Unlock()
	done := make(chan struct{})
	go func() {
		s.retries.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func newID() string {
	var b [16]byte
	rand.Read(b[:]) // never fails: crypto/rand ends the program instead
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	s := hex.EncodeToString(b[:])
	return s[:8] + "-" + s[8:12] + "-" + s[12:16] + "-" + s[16:20] + "-" + s[20:]
}
