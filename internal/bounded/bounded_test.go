package bounded

import (
	"context"
	"errors"
	"runtime"
	"testing"
	"testing/synctest"
	"time"
)

func TestWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		for _, tt := range []struct{ time, soft, hard time.Duration }{
			{10 * time.Second, 9 * time.Second, 9500 * time.Millisecond},
			{15 * time.Minute, 15*time.Minute - 2*time.Second, 15*time.Minute - time.Second},
		} {
			ctx, cancel := context.WithTimeout(t.Context(), tt.time)
			given, own := WindowOf(ctx, time.Hour), WindowOf(t.Context(), tt.time)
			cancel()
			for _, w := range []Window{given, own} {
				if w.Soft.Sub(start) != tt.soft || w.Hard.Sub(start) != tt.hard || w.Deadline.Sub(start) != tt.time {
					t.Errorf("%v: soft %v, hard %v", tt.time, w.Soft.Sub(start), w.Hard.Sub(start))
				}
				if w.Lease() != tt.time+LeaseMargin || w.Over() {
					t.Errorf("%v: lease %v, over %t", tt.time, w.Lease(), w.Over())
				}
			}
		}
		ctx, cancel := context.WithTimeout(t.Context(), 0)
		defer cancel()
		if w := WindowOf(ctx, time.Hour); !w.Over() || w.Lease() != LeaseMargin {
			t.Errorf("no time left: over %t, lease %v", w.Over(), w.Lease())
		}
	})
}

func TestShorter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := WindowOf(t.Context(), 100*time.Second)
		start := time.Now()
		if s := w.Shorter(10 * time.Second); s.Soft.Sub(start) != 10*time.Second || s.Hard.Sub(start) != 11*time.Second || s.Deadline != w.Deadline || s.Lease() != w.Lease() {
			t.Errorf("%+v", s)
		}
		if s := w.Shorter(time.Hour); s != w {
			t.Errorf("%+v is not %+v", s, w)
		}
	})
}

func TestRun(t *testing.T) {
	boom := errors.New("boom")
	synctest.Test(t, func(t *testing.T) {
		var r Runner
		w := WindowOf(t.Context(), 10*time.Second)
		if err, done := r.Run(t.Context(), w, func(context.Context) error { return boom }); err != boom || !done {
			t.Errorf("%v, %t", err, done)
		}
		if err, done := r.Run(t.Context(), w, func(context.Context) error { runtime.Goexit(); return nil }); err != ErrExited || !done {
			t.Errorf("%v, %t", err, done)
		}
		start := time.Now()
		err, done := r.Run(t.Context(), w, func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() })
		if !errors.Is(err, context.DeadlineExceeded) || !done || time.Since(start) != 9*time.Second || r.Overrunning() {
			t.Errorf("%v, %t after %v", err, done, time.Since(start))
		}
		w, start = WindowOf(t.Context(), 10*time.Second), time.Now()
		let := make(chan struct{})
		err, done = r.Run(t.Context(), w, func(context.Context) error { <-let; return nil })
		if err != nil || done || time.Since(start) != 9500*time.Millisecond || !r.Overrunning() {
			t.Errorf("%v, %t after %v", err, done, time.Since(start))
		}
		close(let)
		synctest.Wait()
		if r.Overrunning() {
			t.Error("it has returned")
		}
	})
}
