package settings

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/vinci-go/vinci/internal/names"
	"github.com/vinci-go/vinci/orm"
)

// What a [Reader] does unless its options say otherwise.
const (
	// DefaultMaxAge is how long what was read counts as current.
	DefaultMaxAge = 30 * time.Second
	// DefaultTimeout is how long a read may take before what is known holds.
	DefaultTimeout = 2 * time.Second

	// retryAfter is how long a table that does not answer is left alone, unless MaxAge
	// is shorter.
	retryAfter = 5 * time.Second
)

// Options says how a [Reader] works. The zero value is good for a test; a function
// takes what [FromEnv] makes of it.
type Options struct {
	MaxAge  time.Duration // how old a value may be; zero: DefaultMaxAge
	Timeout time.Duration // of one read; zero: DefaultTimeout
	Logger  *slog.Logger  // nil: slog.Default()

	// Metrics gets log lines in CloudWatch's embedded metric format, as [MetricInvalid]
	// says; in Lambda os.Stdout. nil: there are no metrics. Application and Deployment
	// are their dimensions.
	Metrics                 io.Writer
	Application, Deployment string
}

// Reader reads settings and remembers them for a while. It is safe for concurrent use.
// Make one a process, with [NewReader] or [FromEnv].
type Reader struct {
	store   orm.Reader
	o       Options
	retry   time.Duration
	writing sync.Mutex // of metrics

	mu      sync.Mutex
	entries map[Definition]*entry
}

// entry is what a reader knows of one setting.
type entry struct {
	value  any // a T, or an object's JSON
	known  bool
	at     time.Time // when it was asked for
	flight *flight   // the read that is under way; nil: none

	failing bool      // the last read failed
	retryAt time.Time // not before
	bad     int64     // the version of a stored value that cannot be used; 0: none
}

// flight is one read, which several may wait for.
type flight struct {
	done  chan struct{}
	value any
	err   error
	// gone: whoever read has ended before the read did.
	gone bool
}

// NewReader makes a reader, by the clock of the store.
func NewReader(store orm.Reader, o Options) *Reader {
	if o.MaxAge == 0 {
		o.MaxAge = DefaultMaxAge
	}
	if o.Timeout == 0 {
		o.Timeout = DefaultTimeout
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	return &Reader{store: store, o: o, retry: min(o.MaxAge, retryAfter), entries: map[Definition]*entry{}}
}

// FromEnv is [NewReader] in a Lambda function: what o leaves open is taken from the
// environment that every function of an application gets, and metrics are lines on
// standard output. getenv is os.Getenv. The error says what is missing in the
// environment.
func FromEnv(getenv func(string) string, store orm.Reader, o Options) (*Reader, error) {
	d, err := names.FromEnv(getenv)
	if err != nil {
		return nil, &Error{Kind: KindRead, Err: err}
	}
	if o.Metrics == nil {
		o.Metrics = os.Stdout
	}
	o.Application, o.Deployment = d.App, d.ID
	return NewReader(store, o), nil
}

// value is what holds now: what is known when that is young enough, else what one read
// finds, for all who ask meanwhile.
func (r *Reader) value(ctx context.Context, s Definition) (any, error) {
	for {
		now := r.store.Now()
		r.mu.Lock()
		e := r.entries[s]
		if e == nil {
			e = &entry{}
			r.entries[s] = e
		}
		age := now.Sub(e.at)
		if e.known && (age >= 0 && age < r.o.MaxAge || e.failing && now.Before(e.retryAt) && age >= 0) {
			v := e.value
			r.mu.Unlock()
			return v, nil
		}
		f := e.flight
		leads := f == nil
		if leads {
			f = &flight{done: make(chan struct{})}
			e.flight = f
		}
		r.mu.Unlock()
		if leads {
			r.refresh(ctx, s, e, f, now)
			return f.value, f.err
		}
		select {
		case <-f.done:
			if !f.gone {
				return f.value, f.err
			}
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// refresh reads one setting and ends the flight with what holds then.
func (r *Reader) refresh(ctx context.Context, s Definition, e *entry, f *flight, now time.Time) {
	f.gone = true // unless we come to the end
	defer func() {
		r.mu.Lock()
		e.flight = nil
		r.mu.Unlock()
		close(f.done)
	}()
	within, cancel := context.WithTimeout(ctx, r.o.Timeout)
	defer cancel()
	stored, err := Read(within, r.store, s.Name())
	if err != nil {
		if ctx.Err() != nil { // it is not the table's fault
			f.err = ctx.Err()
			return
		}
		f.value, f.err = r.unread(ctx, s, e, now, err)
		f.gone = false
		return
	}
	f.value = r.read(ctx, s, e, now, stored)
	f.gone = false
}

// read takes over what the table says.
func (r *Reader) read(ctx context.Context, s Definition, e *entry, now time.Time, stored Stored) any {
	value := s.standard()
	var bad error
	switch {
	case stored.Problem != "":
		bad = errors.New(stored.Problem)
	case stored.Value != nil:
		used, err := s.use(stored.Value)
		if err == nil {
			value = used
		}
		bad = err
	}
	r.mu.Lock()
	was := *e
	if bad != nil && e.known {
		value = e.value // what was good last
	}
	e.value, e.known, e.at, e.failing, e.bad = value, true, now, false, 0
	if bad != nil {
		e.bad = stored.Version
	}
	r.mu.Unlock()
	if was.failing {
		r.o.Logger.InfoContext(ctx, "a setting can be read again", "setting", s.Name())
	}
	if bad != nil {
		if was.bad != stored.Version || stored.Version == 0 { // once a change
			r.o.Logger.ErrorContext(ctx, "a setting's stored value cannot be used: what was good before holds", "setting", s.Name(), "version", stored.Version, "by", stored.By, "error", bad)
		}
		r.count(ctx, s, MetricInvalid)
	}
	return value
}

// unread goes on with what is known, or fails when nothing is.
func (r *Reader) unread(ctx context.Context, s Definition, e *entry, now time.Time, err error) (any, error) {
	r.mu.Lock()
	was := *e
	if was.known {
		e.failing, e.retryAt = true, now.Add(r.retry)
	}
	r.mu.Unlock()
	if !was.known {
		return nil, &Error{Kind: KindRead, Setting: s.Name(), Err: hint(err)}
	}
	if !was.failing {
		r.o.Logger.WarnContext(ctx, "a setting cannot be read: what it was goes on to hold", "setting", s.Name(), "age", now.Sub(was.at).String(), "error", hint(err))
	}
	r.count(ctx, s, MetricStale)
	return was.value, nil
}

// hint says what is missing when the function's role does not allow it.
func hint(err error) error {
	if errors.Is(err, orm.KindDenied) {
		return &deniedError{err}
	}
	return err
}

type deniedError struct{ error }

func (e *deniedError) Error() string {
	return e.error.Error() + ": grant it with bus.ReadsSettings"
}
func (e *deniedError) Unwrap() error { return e.error }
