package readmodel

import (
	"context"
	"sync"
	"time"

	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/orm"
)

// Pointer says which generations a read model has.
type Pointer = bus.Generations

// Read reads the pointer of a subscription's read model, strongly consistent. That of
// a model that was never rebuilt is the zero Pointer, whose current generation is "".
// The error is the store's.
func Read(ctx context.Context, r orm.Reader, sub *bus.Definition) (Pointer, error) {
	return bus.ReadGenerations(ctx, r, sub.Name)
}

// MaxAge is the longest that a [Reader] believes what it has read. A generation is
// deleted no sooner than that, and the time of a request, after it was current.
const MaxAge = 10 * time.Second

// Reader knows the current generation of a read model. It is safe for concurrent use.
// Make it with [NewReader].
type Reader struct {
	store  orm.Reader
	sub    string
	maxAge time.Duration

	mu         sync.Mutex
	generation string
	at         time.Time // when it was asked for, by the store's clock; zero: never
}

// NewReader makes a reader that asks again when what it knows is older than maxAge,
// which counts as [MaxAge] when it is longer. 0: it asks each time.
func NewReader(store orm.Reader, sub *bus.Definition, maxAge time.Duration) *Reader {
	return &Reader{store: store, sub: sub.Name, maxAge: min(maxAge, MaxAge)}
}

// Generation is the current generation, "" for the first one. Several goroutines may
// ask the store at once. The error is the store's: nothing older is answered then.
func (r *Reader) Generation(ctx context.Context) (string, error) {
	now := r.store.Now()
	r.mu.Lock()
	generation, age := r.generation, now.Sub(r.at)
	known := !r.at.IsZero() && age >= 0 && age < r.maxAge
	r.mu.Unlock()
	if known {
		return generation, nil
	}
	g, err := bus.ReadGenerations(ctx, r.store, r.sub)
	if err != nil {
		return "", err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.at.IsZero() || !now.Before(r.at) { // else another has asked later than we
		r.generation, r.at = g.Current, now
	}
	return g.Current, nil
}
