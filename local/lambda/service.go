package lambda

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/vinci-go/vinci/local/iam"
)

// Service runs functions and event source mappings. It is safe for use by many
// goroutines. Close it, or processes are left until this process ends.
type Service struct {
	opts    Options
	logger  *slog.Logger
	spawner *spawner
	running sync.WaitGroup // environments, counted before they start

	tmp string // environments' temporary files

	initTimeout time.Duration // shorter in tests

	applying sync.Mutex // one Apply or Close at a time

	store store
	async *asyncQueue
	ops   map[string]operation // of the REST API

	// What the assembly last said, by name and by id. They belong to applying.
	started        bool
	wanted         map[string]*definition
	wantedMappings map[string]*mappingDefinition

	mu          sync.RWMutex
	closed      bool
	definitions map[string]*definition        // by name; replaced, not changed, with applying held
	functions   map[string]*function          // by name and by ARN
	draining    []*function                   // removed, and perhaps still running
	mappingDefs map[string]*mappingDefinition // as definitions
	mappings    map[string]*mapping           // those that run, by id
	stopping    map[string]*mapping           // by id, the last one that was told to stop
	deleted     map[string]*mappingDefinition // by id, mappings that end
}

// New returns a service without functions. It starts nothing but the thread
// that functions are started from.
func New(o Options) (*Service, error) {
	if o.Account == "" {
		o.Account = "000000000000"
	}
	if o.Region == "" {
		o.Region = "us-east-1"
	}
	if o.MaxEnvironments == 0 {
		o.MaxEnvironments = max(8, 4*runtime.GOMAXPROCS(0))
	}
	if o.IdleTimeout == 0 {
		o.IdleTimeout = 5 * time.Minute
	}
	if o.MaxEnvironments < 0 || o.IdleTimeout < 0 {
		return nil, fmt.Errorf("lambda: %w: MaxEnvironments and IdleTimeout cannot be negative", ErrInvalid)
	}
	if o.RetryWaits == [2]time.Duration{} {
		o.RetryWaits = [2]time.Duration{time.Minute, 2 * time.Minute}
	}
	if o.AccountConcurrency == 0 {
		o.AccountConcurrency = 1000
	}
	if o.Allows == nil {
		o.Allows = func(string, iam.Need) *iam.Decision { return nil }
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Logs == nil {
		o.Logs = func(LogLine) {}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	s := &Service{
		opts: o, logger: o.Logger, spawner: newSpawner(), initTimeout: initTimeout,
		functions:   map[string]*function{},
		mappings:    map[string]*mapping{},
		stopping:    map[string]*mapping{},
		definitions: map[string]*definition{}, mappingDefs: map[string]*mappingDefinition{},
		deleted: map[string]*mappingDefinition{},
		ops:     operations(),
	}
	if err := s.openTemp(); err != nil {
		s.spawner.close()
		return nil, err
	}
	var err error
	if s.store, err = openStore(o.StateDir); err != nil {
		s.spawner.close()
		return nil, fmt.Errorf("lambda: %w", err)
	}
	if s.async, err = newAsyncQueue(s); err == nil {
		err = s.load(context.Background())
	}
	if err != nil {
		s.spawner.close()
		return nil, errors.Join(fmt.Errorf("lambda: %w", err), s.store.close())
	}
	if !o.StartLater {
		s.Start()
	}
	return s, nil
}

// Start runs event source mappings and asynchronous invocations, those of an earlier
// life, too. It is for Options.StartLater; a second call does nothing.
func (s *Service) Start() {
	s.applying.Lock()
	defer s.applying.Unlock()
	if s.started || s.isClosed() {
		return
	}
	s.started = true
	s.reconcile(s.definitions, s.mappingDefs)
	s.async.start()
}

func (s *Service) now() time.Time { return s.opts.Now() }
func (s *Service) logs(l LogLine) { s.opts.Logs(l) }
func (s *Service) random(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails: crypto/rand ends the program instead
	return hex.EncodeToString(b)
}

// newID makes a request id: a random UUID.
func (s *Service) newID() string {
	if s.opts.NewID != nil {
		return s.opts.NewID()
	}
	return s.newUUID()
}

// newUUID makes a random UUID.
func (s *Service) newUUID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // as above
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	h := hex.EncodeToString(b[:])
	return strings.Join([]string{h[:8], h[8:12], h[12:16], h[16:20], h[20:]}, "-")
}

// newLogStream names a log stream as Lambda does.
func (s *Service) newLogStream() string {
	return s.now().UTC().Format("2006/01/02") + "/[$LATEST]" + s.random(16)
}

// Invoke runs the function of that name or ARN and waits for its end, or until
// ctx is done; then the function itself runs on. An error means that there is no
// Result: ErrNotFound, ErrThrottled, ErrTooLarge, ErrClosed, or ctx's error.
// What the function did wrong is in the Result.
func (s *Service) Invoke(ctx context.Context, function string, payload []byte) (Result, error) {
	return s.invoke(ctx, function, payload, invokeOptions{})
}

// InvokeQuietly is Invoke for calls that come all the time and seldom have
// something to do: an invocation that writes nothing and does not fail leaves no
// START, END and REPORT line.
func (s *Service) InvokeQuietly(ctx context.Context, function string, payload []byte) (Result, error) {
	return s.invoke(ctx, function, payload, invokeOptions{quiet: true})
}

func (s *Service) invoke(ctx context.Context, function string, payload []byte, o invokeOptions) (Result, error) {
	if len(payload) > MaxPayload {
		return Result{}, fmt.Errorf("invoke function %s: %w: %d bytes; at most %d are allowed",
			function, ErrTooLarge, len(payload), MaxPayload)
	}
	s.mu.RLock()
	f, ok := s.functions[function]
	closed := s.closed
	s.mu.RUnlock()
	switch {
	case closed:
		return Result{}, fmt.Errorf("invoke function %s: %w", function, ErrClosed)
	case !ok:
		return Result{}, fmt.Errorf("invoke function %s: %w", function, ErrNotFound)
	}
	return f.invoke(ctx, o, payload)
}

// Close stops the mappings and refuses new invocations, lets those that run
// finish until ctx is done, then kills what is left. It returns when every
// process is gone, with ErrInterrupted when invocations were cut short.
func (s *Service) Close(ctx context.Context) error {
	s.applying.Lock()
	defer s.applying.Unlock()
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.mu.Unlock()

	// The mappings and asynchronous invocations first: what they have is finished,
	// not dropped.
	s.stopMappings(ctx)
	s.async.stop(ctx)

	s.mu.Lock()
	s.closed = true
	all := s.draining
	for _, f := range s.functions {
		if !slices.Contains(all, f) {
			all = append(all, f)
		}
	}
	s.mu.Unlock()
	for _, f := range all {
		f.replace(nil, fmt.Errorf("invoke function %s: %w", f.name, ErrClosed))
	}

	gone := make(chan struct{})
	go func() { s.running.Wait(); close(gone) }()
	cut := 0
	select {
	case <-gone:
	case <-ctx.Done():
		for _, f := range all {
			cut += f.kill()
		}
		<-gone
	}
	s.spawner.close()
	s.removeTemp(s.tmp)
	err := s.store.close()
	if cut > 0 {
		return errors.Join(fmt.Errorf("close functions: %w: %d had not finished", ErrInterrupted, cut), err)
	}
	return err
}

// errRemoved is why a function that is gone refuses.
func errRemoved(name string) error {
	return fmt.Errorf("invoke function %s: %w: it was removed", name, ErrNotFound)
}

// joinErrors is errors.Join with what was being done in front.
func joinErrors(doing string, errs []error) error {
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	return nil
}
