package timers_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/eventlog"
	"github.com/vinci-go/vinci/eventlog/timers"
)

// slow is a log that takes its time: fire is called for each timer.
type slow struct {
	due  []eventlog.DueTimer
	fire func(eventlog.DueTimer) error

	mu    sync.Mutex
	fired map[string][]string // ids of timers by stream, in order
	now   int
	most  int // at once
}

func (s *slow) DueTimers(context.Context, time.Time) iter.Seq2[eventlog.DueTimer, error] {
	return func(yield func(eventlog.DueTimer, error) bool) {
		for _, t := range s.due {
			if !yield(t, nil) {
				return
			}
		}
	}
}

func (s *slow) Fire(_ context.Context, t eventlog.DueTimer) (eventlog.Commit, bool, error) {
	s.mu.Lock()
	s.now++
	s.most = max(s.most, s.now)
	s.mu.Unlock()
	err := s.fire(t)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now--
	if err != nil {
		return eventlog.Commit{}, false, err
	}
	if s.fired == nil {
		s.fired = map[string][]string{}
	}
	s.fired[t.Stream] = append(s.fired[t.Stream], t.ID)
	return eventlog.Commit{Events: make([]event.Metadata, 1)}, true, nil
}

// deal makes timers of some streams in turn, as they are due.
func deal(timers, streams int) (all []eventlog.DueTimer) {
	for i := range timers {
		all = append(all, eventlog.DueTimer{ID: fmt.Sprint(i), Stream: fmt.Sprint("order/", i%streams), Due: start})
	}
	return all
}

func (s *slow) handler(concurrency int) *timers.Timers {
	return timers.New(timers.Options{Log: s, Concurrency: concurrency, Logger: slog.New(slog.DiscardHandler)})
}

// While one waits for the store others go on, but never two of one stream, and
// those in their order.
func TestAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &slow{due: deal(1000, 20), fire: func(d eventlog.DueTimer) error {
			time.Sleep(time.Duration(1+number(t, "order/"+d.ID)*7919%19) * time.Millisecond) // 10 ms on average
			return nil
		}}
		began := time.Now()
		a, err := s.handler(0).Handle(t.Context())
		if err != nil || a.Fired != 1000 || a.Left {
			t.Errorf("got %+v, %v", a, err)
		}
		// One after the other they would take ten seconds.
		if took := time.Since(began); s.most != timers.DefaultConcurrency || took > 10*time.Second/3 {
			t.Errorf("%d at once, in %s", s.most, took)
		}
		for stream, ids := range s.fired {
			for i, id := range ids {
				if id != fmt.Sprint(i*20+number(t, stream)) {
					t.Errorf("%s: fired %v, not in their order", stream, ids)
					break
				}
			}
		}
	})
}

func number(t *testing.T, stream string) (n int) {
	t.Helper()
	if _, err := fmt.Sscanf(stream, "order/%d", &n); err != nil {
		t.Fatal(err)
	}
	return n
}

// With one at a time the order is that of the due times, whatever the stream.
func TestOneAtATime(t *testing.T) {
	var order []string
	s := &slow{due: deal(50, 7)}
	s.fire = func(d eventlog.DueTimer) error { order = append(order, d.ID); return nil } // a race, were there two
	if a, err := s.handler(1).Handle(t.Context()); err != nil || a.Fired != 50 || s.most != 1 {
		t.Errorf("got %+v, %v, %d at once", a, err, s.most)
	}
	if !slices.IsSortedFunc(order, func(a, b string) int { return number(t, "order/"+a) - number(t, "order/"+b) }) {
		t.Errorf("fired %v", order)
	}
}

// A stream that hangs holds up the others of its lane, and no more.
func TestOneHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &slow{due: deal(80, 80)}
		s.fire = func(d eventlog.DueTimer) error {
			if d.ID == "0" {
				time.Sleep(time.Minute)
				return errors.New("no answer")
			}
			time.Sleep(10 * time.Millisecond)
			return nil
		}
		ctx, cancel := context.WithTimeout(t.Context(), 55*time.Second)
		defer cancel()
		began, soon := time.Now(), 0
		was := s.fire
		s.fire = func(d eventlog.DueTimer) error {
			err := was(d)
			if time.Since(began) < time.Second {
				s.mu.Lock()
				soon++
				s.mu.Unlock()
			}
			return err
		}
		a, err := s.handler(8).Handle(ctx)
		if err == nil || a.Failed != 1 || a.Fired != soon || soon < 80/2 || !a.Left {
			t.Errorf("got %+v, %v; %d fired within a second", a, err, soon)
		}
	})
}

// Timers that wait for their turn when the time is up are left, not tried.
func TestTimeIsUpForThoseThatWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &slow{due: deal(200, 1), fire: func(eventlog.DueTimer) error { time.Sleep(time.Second); return nil }}
		ctx, cancel := context.WithTimeout(t.Context(), 55*time.Second)
		defer cancel()
		began := time.Now()
		a, err := s.handler(8).Handle(ctx)
		if err != nil || !a.Left || a.Fired < 50 || time.Since(began) > 54*time.Second {
			t.Errorf("got %+v, %v after %s", a, err, time.Since(began))
		}
	})
}

// The same with the log itself: two calls at once, all of it fired once.
func TestCallsAtOnce(t *testing.T) {
	f := newFixture()
	for stream := range 12 {
		f.set(t, fmt.Sprintf("order/%d", stream), 0, time.Second, 2*time.Second, 3*time.Second)
	}
	f.now = start.Add(time.Minute)
	now := f.now
	var wg sync.WaitGroup
	answers := make([]timers.Answer, 2)
	for i := range answers {
		wg.Go(func() {
			h := timers.New(timers.Options{Log: f.log, Logger: slog.New(slog.DiscardHandler), Now: func() time.Time { return now }})
			var err error
			if answers[i], err = h.Handle(context.Background()); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if got := answers[0].Fired + answers[1].Fired; got != 48 {
		t.Errorf("%d fired, want 48: %+v", got, answers)
	}
	for stream := range 12 {
		// Each call keeps the order; of two at once the one may overtake the other.
		got := f.numbers(t, fmt.Sprintf("order/%d", stream))
		slices.Sort(got)
		if !slices.Equal(got, []int{0, 1, 2, 3}) {
			t.Errorf("order/%d has %v", stream, got)
		}
	}
}

func TestNegativeConcurrency(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	timers.New(timers.Options{Log: &slow{}, Concurrency: -1})
}
