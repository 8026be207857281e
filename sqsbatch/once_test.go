package sqsbatch_test

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/vinci-go/vinci/orm"
	"github.com/vinci-go/vinci/orm/ormtest"
	"github.com/vinci-go/vinci/sqsbatch"
)

type receipt struct {
	Number int
	Note   string
}

// The work is done once, and each caller gets what came of it.
func TestOnce(t *testing.T) {
	k := newKit(t, standardARN)
	calls := 0
	charge := func() (receipt, error) {
		return sqsbatch.Once(t.Context(), k.records, "charge/o1", []byte("7"), func(context.Context) (receipt, error) {
			calls++
			if calls == 1 {
				return receipt{Number: -1}, errBoom
			}
			return receipt{calls, "paid"}, nil
		})
	}
	if r, err := charge(); err != errBoom || r != (receipt{}) {
		t.Errorf("%+v, %v", r, err)
	}
	for range 3 {
		if r, err := charge(); err != nil || r != (receipt{2, "paid"}) {
			t.Errorf("%+v, %v", r, err)
		}
	}
	if r := k.record("charge/o1"); calls != 2 || r.Attempts != 2 || r.Result != `{"Number":2,"Note":"paid"}` {
		t.Errorf("%d calls, %+v", calls, r)
	}
	_, err := sqsbatch.Once(t.Context(), k.records, "charge/o1", []byte("8"), func(context.Context) (receipt, error) { calls++; return receipt{}, nil })
	if !errors.Is(err, sqsbatch.KindPayload) || calls != 2 {
		t.Errorf("another payload: %v", err)
	}
	_, err = sqsbatch.Once(t.Context(), k.records, "charge/o1", nil, func(context.Context) (int, error) { calls++; return 0, nil })
	if !errors.Is(err, sqsbatch.KindResult) || !strings.Contains(err.Error(), "no int") || calls != 2 {
		t.Errorf("another type: %v", err)
	}
}

// A zero result is a result.
func TestOnceNothing(t *testing.T) {
	k := newKit(t, standardARN)
	for range 2 {
		if r, err := sqsbatch.Once(t.Context(), k.records, "n", nil, func(context.Context) (*receipt, error) { return nil, nil }); err != nil || r != nil {
			t.Errorf("%v, %v", r, err)
		}
		if r, err := sqsbatch.Once(t.Context(), k.records, "s", nil, func(context.Context) (string, error) { return "", nil }); err != nil || r != "" {
			t.Errorf("%v, %v", r, err)
		}
	}
}

// Work whose result cannot be kept is still done once.
func TestOnceResultNotKept(t *testing.T) {
	k := newKit(t, standardARN)
	for _, tt := range []struct {
		key  string
		f    func(context.Context) (any, error)
		want string
	}{
		{"chan", func(context.Context) (any, error) { return make(chan int), nil }, "no JSON"},
		{"large", func(context.Context) (any, error) { return strings.Repeat("x", 360<<10), nil }, "368642 bytes"},
	} {
		calls := 0
		do := func() (any, error) {
			return sqsbatch.Once(t.Context(), k.records, tt.key, nil, func(ctx context.Context) (any, error) { calls++; return tt.f(ctx) })
		}
		if r, err := do(); err != nil || r == nil {
			t.Errorf("%s: %v", tt.key, err)
		}
		if r, err := do(); !errors.Is(err, sqsbatch.KindResult) || !strings.Contains(err.Error(), tt.want) || r != nil || calls != 1 {
			t.Errorf("%s: %d calls, %v", tt.key, calls, err)
		}
	}
	k.run((&bodies{}).handle, sqsbatch.Idempotent(k.records, byBody))
	k.queue.send("", "mixed")
	k.deliver()
	if _, err := sqsbatch.Once(t.Context(), k.records, "mixed", nil, func(context.Context) (int, error) { return 1, nil }); !errors.Is(err, sqsbatch.KindResult) || !strings.Contains(err.Error(), "keys of its own") {
		t.Error(err)
	}
}

// A panic goes on, and the lease is given back before it does.
func TestOncePanics(t *testing.T) {
	k := newKit(t, standardARN)
	ended := make(chan any, 1)
	for _, end := range []func(){func() { panic("oh") }, runtime.Goexit} {
		go func() {
			defer func() { ended <- recover() }()
			_, err := sqsbatch.Once(t.Context(), k.records, "x", nil, func(context.Context) (int, error) { end(); return 0, nil })
			t.Error("it returned", err)
		}()
		<-ended
		if r := k.record("x"); r.Status != sqsbatch.Failed || r.ErrorKind != string(sqsbatch.KindPanic) {
			t.Errorf("%+v", r)
		}
	}
	if r, err := sqsbatch.Once(t.Context(), k.records, "x", nil, func(context.Context) (int, error) { return 7, nil }); err != nil || r != 7 {
		t.Errorf("%v, %v", r, err)
	}
}

// The outcome is recorded although the context of the work has ended.
func TestOnceContextEnds(t *testing.T) {
	k := newKit(t, standardARN)
	ctx, cancel := context.WithCancel(t.Context())
	if r, err := sqsbatch.Once(ctx, k.records, "x", nil, func(context.Context) (int, error) { cancel(); return 7, nil }); err != nil || r != 7 {
		t.Errorf("%v, %v", r, err)
	}
	if r := k.record("x"); r.Status != sqsbatch.Succeeded {
		t.Errorf("%+v", r)
	}
}

// A handler that meets a lease inside itself is not to blame.
func TestOnceInProgress(t *testing.T) {
	for _, idempotent := range []bool{false, true} {
		k := newKit(t, standardARN)
		options := []sqsbatch.Option{sqsbatch.DeadLetterQueue(dlqARN), sqsbatch.MaxAttempts(1)}
		if idempotent {
			options = append(options, sqsbatch.Idempotent(k.records, byBody))
		}
		k.run(func(ctx context.Context, m events.SQSMessage) error {
			_, err := sqsbatch.Once(ctx, k.records, "step", nil, func(context.Context) (int, error) { return 1, nil })
			return err
		}, options...)
		id := k.queue.send("", "x")
		k.leaseTo("step", time.Hour)
		k.deliver()
		k.want(sqsbatch.OutcomeInProgress)
		if idempotent {
			if r := k.record("x"); r.Status != sqsbatch.Failed || r.Attempts != 0 {
				t.Errorf("%+v", r)
			}
			if got := k.queue.hidden(id); got != time.Hour {
				t.Errorf("hidden for %v", got)
			}
		}
		k.clock.advance(2 * time.Hour)
		k.deliver()
		k.want(sqsbatch.OutcomeSucceeded)
	}
}

// A run whose lease ran out meanwhile gives what the faster one recorded.
func TestOnceOvertaken(t *testing.T) {
	k := newKit(t, standardARN)
	work := func(f func() int) (int, error) {
		return sqsbatch.Once(t.Context(), k.records, "x", nil, func(context.Context) (int, error) { return f(), nil })
	}
	r, err := work(func() int {
		k.clock.advance(time.Hour)
		if r, err := work(func() int { return 2 }); r != 2 || err != nil {
			t.Errorf("%d, %v", r, err)
		}
		return 1
	})
	if r != 2 || err != nil {
		t.Errorf("%d, %v", r, err)
	}
	if r := k.record("x"); r.Result != "2" || r.Attempts != 2 {
		t.Errorf("%+v", r)
	}
}

// A run whose lease ran out cannot give back the lease of the one that took over.
func TestOnceOvertakenFails(t *testing.T) {
	k := newKit(t, standardARN)
	started, end, ended := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	_, err := sqsbatch.Once(t.Context(), k.records, "x", nil, func(context.Context) (int, error) {
		k.clock.advance(time.Hour)
		go func() {
			_, err := sqsbatch.Once(t.Context(), k.records, "x", nil, func(context.Context) (int, error) {
				close(started)
				<-end
				return 2, nil
			})
			ended <- err
		}()
		<-started
		return 0, errBoom
	})
	if !errors.Is(err, errBoom) || !errors.Is(err, sqsbatch.KindInProgress) {
		t.Error(err)
	}
	if r := k.record("x"); r.Status != sqsbatch.Processing || !r.LeaseUntil.After(k.clock.now()) {
		t.Errorf("%+v", r)
	}
	close(end)
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if r := k.record("x"); r.Status != sqsbatch.Succeeded || r.Result != "2" {
		t.Errorf("%+v", r)
	}
}

func TestOnceStoreFails(t *testing.T) {
	k := newKit(t, standardARN)
	k.store.Before(func(c ormtest.Call) error { return &orm.Error{Kind: orm.KindDenied, Op: c.Op} })
	if _, err := sqsbatch.Once(t.Context(), k.records, "x", nil, func(context.Context) (int, error) { t.Error("called"); return 0, nil }); !errors.Is(err, sqsbatch.KindRecord) {
		t.Error(err)
	}
	if _, err := sqsbatch.Once(t.Context(), nil, "x", nil, func(context.Context) (int, error) { return 0, nil }); !errors.Is(err, sqsbatch.KindDefinition) {
		t.Error(err)
	}
	k.store.Before(nil)
	if _, err := sqsbatch.Once(t.Context(), k.records, "", nil, func(context.Context) (int, error) { return 0, nil }); !errors.Is(err, sqsbatch.KindKey) {
		t.Error(err)
	}
}

// Two runs have seen that the work failed and want to do it again: one of them does.
func TestTakenOverByOneOnly(t *testing.T) {
	store := ormtest.New()
	records := sqsbatch.NewRecords(store, handled, sqsbatch.RecordOptions{})
	runs := 0
	work := func(context.Context) (int, error) {
		if runs++; runs == 1 {
			return 0, errBoom
		}
		return runs, nil
	}
	if _, err := sqsbatch.Once(t.Context(), records, "k", nil, work); !errors.Is(err, errBoom) {
		t.Fatal(err)
	}
	store.Before(func(c ormtest.Call) error {
		if c.Op == "do" && c.Actions[0].Op == orm.OpUpdate { // the first run's take-over is on its way
			store.Before(nil)
			if n, err := sqsbatch.Once(t.Context(), records, "k", nil, work); n != 2 || err != nil {
				t.Errorf("the other run: %d, %v", n, err)
			}
		}
		return nil
	})
	if n, err := sqsbatch.Once(t.Context(), records, "k", nil, work); n != 2 || err != nil || runs != 2 {
		t.Errorf("%d, %v after %d runs; want the other's result", n, err, runs)
	}
}
