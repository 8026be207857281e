package schedule

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// calls keeps what was called and when, in seconds since the beginning.
type calls struct {
	mu      sync.Mutex
	begin   time.Time
	all     []string
	payload []byte
	takes   time.Duration
	err     error
}

func (c *calls) invoke(_ context.Context, arn string, payload []byte) error {
	c.mu.Lock()
	c.all = append(c.all, fmt.Sprintf("%s@%g", arn, time.Since(c.begin).Seconds()))
	c.payload = payload
	takes, err := c.takes, c.err
	c.mu.Unlock()
	time.Sleep(takes)
	return err
}

func (c *calls) take() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := c.all
	c.all = nil
	return all
}

func newService(t *testing.T, o Options) (*Service, *calls) {
	c := &calls{begin: time.Now()}
	o.Invoke = c.invoke
	o.NewID = func() string { return "id-1" }
	s := New(o)
	t.Cleanup(func() {
		if err := s.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return s, c
}

func rule(name, expression string, functions ...string) RuleConfig {
	r := RuleConfig{Name: name, ARN: "arn:rule/" + name, Expression: expression}
	for i, f := range functions {
		r.Targets = append(r.Targets, TargetConfig{ID: fmt.Sprint(i), FunctionARN: f})
	}
	return r
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
		s, c := newService(t, Options{Account: "123456789012", Region: "eu-west-1"})
		disabled := rule("off", "rate(1 minute)", "off")
		disabled.Disabled = true
		apply(t, s, rule("timers", "rate(1 minute)", "timers"), rule("two", "rate(2 minutes)", "a", "b"), disabled)
		run(3500 * time.Millisecond)
		if got := c.take(); !slices.Equal(got, []string{"timers@1", "timers@2", "timers@3"}) {
			t.Errorf("called %v", got)
		}
		var event map[string]any
		if err := json.Unmarshal(c.payload, &event); err != nil {
			t.Fatal(err)
		}
		want := map[string]any{
			"version": "0", "id": "id-1", "detail-type": "Scheduled Event", "source": "aws.events", "account": "123456789012",
			"time": c.begin.Add(3 * time.Second).UTC().Format(time.RFC3339), "region": "eu-west-1", "resources": []any{"arn:rule/timers"}, "detail": map[string]any{},
		}
		if fmt.Sprint(event) != fmt.Sprint(want) {
			t.Errorf("event %v, want %v", event, want)
		}
		run(2 * time.Minute)
		if got := c.take(); !slices.Contains(got, "a@120") || !slices.Contains(got, "b@120") {
			t.Errorf("called %v", got)
		}
	})
}

func TestFinestRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c := newService(t, Options{FinestRate: time.Minute})
		apply(t, s, rule("timers", "rate(1 minute)", "timers"))
		run(61 * time.Second)
		if got := c.take(); !slices.Equal(got, []string{"timers@60"}) {
			t.Errorf("called %v", got)
		}
	})
}

// A slow call makes the rule leave out what came due meanwhile, and keeps its
// rhythm.
func TestSlowCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c := newService(t, Options{})
		c.takes = 2500 * time.Millisecond
		apply(t, s, rule("timers", "rate(1 minute)", "timers"))
		run(8 * time.Second)
		if got := c.take(); !slices.Equal(got, []string{"timers@1", "timers@4", "timers@7"}) {
			t.Errorf("called %v", got)
		}
	})
}

func TestInputAndFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		s, c := newService(t, Options{Logger: slog.New(slog.NewTextHandler(&log, nil))})
		c.err = errors.New("it broke")
		r := rule("r", "rate(1 minute)", "f")
		r.Targets[0].Input = `{"a":1}`
		apply(t, s, r)
		run(2500 * time.Millisecond)
		if got := c.take(); len(got) != 2 || string(c.payload) != `{"a":1}` {
			t.Errorf("called %v with %s", got, c.payload)
		}
		if strings.Count(log.String(), "a scheduled call failed") != 2 || !strings.Contains(log.String(), `error="it broke"`) {
			t.Errorf("log: %s", &log)
		}
	})
}

func TestApply(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c := newService(t, Options{})
		apply(t, s, rule("kept", "rate(1 minute)", "kept"), rule("gone", "rate(1 minute)", "gone"), rule("changed", "rate(1 minute)", "old"))
		run(1500 * time.Millisecond)
		c.take()
		apply(t, s, rule("kept", "rate(1 minute)", "kept"), rule("changed", "rate(1 minute)", "new"))
		run(time.Second)
		got := c.take()
		slices.Sort(got)
		// The kept one keeps its rhythm, the changed one begins anew.
		if !slices.Equal(got, []string{"kept@2", "new@2.5"}) {
			t.Errorf("called %v", got)
		}
		// What is wrong changes nothing.
		bad := rule("bad", "rate(1 second)", "x")
		bad.Targets[0].Input = "{"
		err := s.Apply([]RuleConfig{bad, rule("kept", "rate(1 minute)", "kept"), rule("kept", "rate(1 minute)", "kept")})
		for _, want := range []string{`rule "bad": schedule "rate(1 second)"`, "the input of target \"0\" is no JSON", `rule "kept": its ARN is another one's`} {
			if !errors.Is(err, ErrConfig) || !strings.Contains(err.Error(), want) {
				t.Errorf("got %v, want one that says %s", err, want)
			}
		}
		run(time.Second)
		if got := c.take(); len(got) != 2 {
			t.Errorf("called %v", got)
		}
		apply(t, s)
		run(5 * time.Second)
		if got := c.take(); len(got) != 0 {
			t.Errorf("called %v without rules", got)
		}
	})
}

// A call that has begun ends, also when its rule does.
func TestClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, c := newService(t, Options{})
		c.takes = 10 * time.Second
		apply(t, s, rule("slow", "rate(1 minute)", "slow"))
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

func TestWithoutInvoke(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	New(Options{})
}
