package schedule

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// calls keeps what was due and when, in seconds since the beginning.
type calls struct {
	mu    sync.Mutex
	begin time.Time
	all   []string
	takes time.Duration
}

func (c *calls) due(_ context.Context, r RuleConfig, at time.Time) {
	c.mu.Lock()
	c.all = append(c.all, fmt.Sprintf("%s@%g", r.Name, at.Sub(c.begin).Seconds()))
	takes := c.takes
	c.mu.Unlock()
	time.Sleep(takes)
}

func (c *calls) take() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := c.all
	c.all = nil
	return all
}

func newService(t *testing.T) (*Service, *calls) {
	c := &calls{begin: time.Now()}
	s := New(Options{Due: c.due})
	t.Cleanup(func() {
		if err := s.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return s, c
}

func rule(name, expression string, every time.Duration) RuleConfig {
	return RuleConfig{Name: name, ARN: "arn:rule/" + name, Expression: expression, Every: every}
}

func apply(t *testing.T, s *Service, rules ...RuleConfig) {
	t.Helper()
	if err := s.Apply(rules); err != nil {
		t.Fatal(err)
	}
}

// run lets time pass and waits until nothing moves.
func run(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func TestRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c := newService(t)
		disabled := rule("off", "rate(1 minute)", time.Second)
		disabled.Disabled = true
		apply(t, s, rule("timers", "rate(1 minute)", time.Second), rule("two", "rate(2 minutes)", 0), rule("one", "rate(1 minute)", 0), disabled)
		run(3500 * time.Millisecond)
		if got := c.take(); !slices.Equal(got, []string{"timers@1", "timers@2", "timers@3"}) {
			t.Errorf("due were %v", got)
		}
		apply(t, s, rule("two", "rate(2 minutes)", 0), rule("one", "rate(1 minute)", 0))
		run(117 * time.Second)
		got := c.take()
		slices.Sort(got)
		if !slices.Equal(got, []string{"one@120", "one@60", "two@120"}) {
			t.Errorf("due were %v", got)
		}
	})
}

// A cron expression is never hurried.
func TestEveryIsForRates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c := newService(t)
		apply(t, s, rule("c", "cron(* * * * ? *)", time.Second))
		run(61 * time.Second) // synctest's clock begins with a whole minute
		if got := c.take(); !slices.Equal(got, []string{"c@60"}) {
			t.Errorf("due were %v", got)
		}
	})
}

// A slow call makes the rule leave out what came due meanwhile, and keeps its
// rhythm.
func TestSlowCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c := newService(t)
		c.takes = 2500 * time.Millisecond
		apply(t, s, rule("timers", "rate(1 minute)", time.Second))
		run(8 * time.Second)
		if got := c.take(); !slices.Equal(got, []string{"timers@1", "timers@4", "timers@7"}) {
			t.Errorf("due were %v", got)
		}
	})
}

func TestApply(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c := newService(t)
		apply(t, s, rule("kept", "rate(1 minute)", time.Second), rule("gone", "rate(1 minute)", time.Second), rule("changed", "rate(1 minute)", time.Second))
		run(1500 * time.Millisecond)
		c.take()
		apply(t, s, rule("kept", "rate(1 minute)", time.Second), rule("changed", "rate(2 minutes)", time.Second))
		run(time.Second)
		got := c.take()
		slices.Sort(got)
		// The kept one keeps its rhythm, the changed one begins anew.
		if !slices.Equal(got, []string{"changed@2.5", "kept@2"}) {
			t.Errorf("due were %v", got)
		}
		// What is wrong changes nothing.
		err := s.Apply([]RuleConfig{rule("bad", "rate(1 second)", 0), rule("kept", "rate(1 minute)", 0), rule("kept", "rate(1 minute)", 0)})
		for _, want := range []string{`rule "bad": schedule "rate(1 second)"`, `rule "kept": its ARN is another one's`} {
			if !errors.Is(err, ErrConfig) || !strings.Contains(err.Error(), want) {
				t.Errorf("got %v, want one that says %s", err, want)
			}
		}
		run(time.Second)
		if got := c.take(); len(got) != 2 {
			t.Errorf("due were %v", got)
		}
		apply(t, s)
		run(5 * time.Second)
		if got := c.take(); len(got) != 0 {
			t.Errorf("due were %v without rules", got)
		}
	})
}

// A call that has begun ends, also when its rule does.
func TestClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c := newService(t)
		c.takes = 10 * time.Second
		apply(t, s, rule("slow", "rate(1 minute)", time.Second))
		run(1500 * time.Millisecond)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := s.Close(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("close: %v, want it to wait no longer than it may", err)
		}
		before := time.Now()
		if err := s.Close(t.Context()); err != nil || time.Since(before) != 8500*time.Millisecond {
			t.Errorf("close: %v after %s, want the end of the call", err, time.Since(before))
		}
		if err := s.Apply(nil); !errors.Is(err, ErrClosed) {
			t.Errorf("apply after close: %v", err)
		}
		if got := c.take(); len(got) != 1 {
			t.Errorf("called %v", got)
		}
	})
}

// A clock that is set back repeats nothing.
func TestAfter(t *testing.T) {
	cron, err := Parse("cron(0/15 * * * ? *)")
	if err != nil {
		t.Fatal(err)
	}
	due := at("2026-11-21 06:00:00")
	if got := after(cron, due, due.Add(-time.Second)); !got.Equal(at("2026-11-21 06:15:00")) {
		t.Errorf("got %s", got)
	}
	if got := after(cron, due, due.Add(20*time.Minute)); !got.Equal(at("2026-11-21 06:30:00")) {
		t.Errorf("got %s", got)
	}
}

func TestWithoutDue(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	New(Options{})
}
