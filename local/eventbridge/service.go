package eventbridge

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	mathrand "math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/vinci-go/vinci/local/iam"
	"github.com/vinci-go/vinci/local/schedule"
	"github.com/vinci-go/vinci/local/sqs"
)

// Queues are where events go. [*sqs.Service] is one.
type Queues interface {
	// SendAll returns one error a parcel, nil for one that is stored.
	SendAll(ctx context.Context, parcels []sqs.Parcel) (errs []error)
	// ResourcePolicy is the queue's policy, nil when it has none or does not exist.
	ResourcePolicy(queueARN string) *iam.Document
	// Exists reports whether there is such a queue.
	Exists(queueARN string) bool
}

// Functions are Lambda functions as rules call them.
//
// One that also has Exists(functionARN string) bool is asked before a call, so
// that a function that was deleted is told from one that may not be called.
type Functions interface {
	// InvokeAsync stores the call: when it returns without an error, the call
	// survives the process. A [*gateway.Error] of status 429 or 5xx, and every other
	// error, may pass; one of another status will not.
	InvokeAsync(ctx context.Context, functionARN string, payload []byte) (requestID string, err error)
	// ResourcePolicy is the function's policy, nil when it has none.
	ResourcePolicy(functionARN string) *iam.Document
}

// Options are the settings of [New] and [Open].
type Options struct {
	Queues    Queues    // required
	Functions Functions // nil means that functions are no targets
	// RolePolicies are the policies of a role, which rules use to reach another
	// bus. A role that is not known is taken to have them: nil means that none is.
	RolePolicies func(roleARN string) (p iam.Policies, known bool)

	// Dir is the data folder, for [Open] only.
	Dir string

	// FinestRate is how often a scheduled rule of the assembly with rate(1 minute)
	// runs, the finest rate that EventBridge has; zero means as it says. Schedules
	// that SDK calls made run as they say.
	FinestRate time.Duration
	// CallFrequently calls a function for a rule that FinestRate hurries, and waits
	// for its end: such calls must neither pile up nor fill the logs. One that fails
	// is logged and left: the next one comes by itself. Nil means Functions.
	CallFrequently func(ctx context.Context, functionARN string, payload []byte) error

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
	store store
	state atomic.Pointer[state]
	clock *schedule.Service

	applying sync.Mutex // held by Apply; guards applied and orphans
	applied  applied
	orphans  []*rule // that SDK calls made on a bus that is not there yet

	changing sync.Mutex    // held by the one call that makes the next state
	sequence atomic.Uint64 // of waiting deliveries, archives and archived events

	replaysMu sync.Mutex
	replays   map[string]*replay

	mu      sync.Mutex // guards closed, started and the adding to work
	started bool
	closed  bool
	stop    chan struct{}
	calls   sync.WaitGroup // of PutEvents and schedules
	work    sync.WaitGroup // deliveries that are tried again, replays, the sweeper
}

// ErrClosed is returned after [Service.Close].
var ErrClosed = errors.New("the event bus service is closed")

// New returns a service that keeps everything in memory, with the bus "default"
// and no rules. It panics without Options.Queues, and with Options.Dir.
func New(o Options) *Service {
	if o.Dir != "" {
		panic("eventbridge: Options.Dir is for Open")
	}
	s := newService(o, newMemStore())
	if err := s.load(); err != nil {
		panic("eventbridge: the default bus does not compile: " + err.Error())
	}
	return s
}

// Open returns a service that keeps in Options.Dir what SDK calls make, events of
// archives, replays, and deliveries that wait to be tried again. It reads what an
// earlier process has left there. Without Options.Dir it is [New].
func Open(o Options) (*Service, error) {
	if o.Dir == "" {
		return New(o), nil
	}
	b, err := openBolt(o.Dir)
	if err != nil {
		return nil, err
	}
	s := newService(o, b)
	err = s.load()
	if err == nil {
		err = s.loadContents()
	}
	if err == nil {
		err = s.loadReplays()
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("reading stored event buses in %s: %w", o.Dir, err), b.close())
	}
	return s, nil
}

func newService(o Options, st store) *Service {
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
	s := &Service{opts: o, store: st, stop: make(chan struct{}), replays: map[string]*replay{}}
	s.clock = schedule.New(schedule.Options{Due: s.due, Now: o.Now})
	// Starting at the clock keeps a number from being used again after a restart.
	s.sequence.Store(uint64(max(o.Now().UnixNano(), 0)))
	return s
}

// Start begins what happens by itself: schedules, deliveries and replays that an
// earlier process has left, and the end of events in archives. Before it, events
// that are put are delivered already. It must be called once.
func (s *Service) Start() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return ErrClosed
	}
	s.started = true
	s.work.Go(s.sweep)
	s.mu.Unlock()
	s.changing.Lock()
	err := s.schedule(s.state.Load())
	s.changing.Unlock()
	if err != nil {
		return err
	}
	if err := s.resume(); err != nil {
		return err
	}
	s.resumeReplays()
	return nil
}

// StopSchedules ends schedules, and returns when the calls they had begun have
// ended or ctx has. Everything else goes on.
func (s *Service) StopSchedules(ctx context.Context) error { return s.clock.Close(ctx) }

// Close ends everything. Deliveries that wait to be tried again, and replays, go
// on when the data folder is opened again; without one they are lost, with a line
// in the log for each. It returns when all goroutines have ended; or when ctx has:
// then the data folder is left open, and only the end of the process closes it.
func (s *Service) Close(ctx context.Context) error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed = true
	close(s.stop)
	s.mu.Unlock()
	if err := s.clock.Close(ctx); err != nil {
		return err
	}
	done := make(chan struct{})
	go func() {
		s.calls.Wait()
		s.work.Wait()
		close(done)
	}()
	select {
	case <-done:
		return s.store.close()
	case <-ctx.Done():
		return ctx.Err()
	}
}

// begin reports false when the service is closed. After true, s.calls.Done must
// be called.
func (s *Service) begin() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	s.calls.Add(1)
	return true
}

// background runs f in a goroutine that Close waits for. It reports false when the
// service is closed.
func (s *Service) background(f func()) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	s.work.Go(f)
	return true
}

func newID() string {
	var b [16]byte
	rand.Read(b[:]) // never fails: crypto/rand ends the program instead
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	s := hex.EncodeToString(b[:])
	return s[:8] + "-" + s[8:12] + "-" + s[12:16] + "-" + s[16:20] + "-" + s[20:]
}
