package lambda

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/vinci-go/vinci/local/iam"
)

// outbox takes what destinations get.
type outbox struct {
	mu      sync.Mutex
	events  []BusEvent
	letters []letter
	changed signal
	fail    error
}

type letter struct {
	queue, body string
	attributes  map[string]MessageAttribute
}

func (o *outbox) PutEvent(_ context.Context, bus string, e BusEvent) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.fail != nil {
		return o.fail
	}
	o.events = append(o.events, e)
	o.changed.notify()
	return nil
}

func (o *outbox) deadLetter(_ context.Context, queue, body string, attributes map[string]MessageAttribute) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.letters = append(o.letters, letter{queue, body, attributes})
	o.changed.notify()
	return nil
}

// wait waits until there are so many events and letters.
func (o *outbox) wait(t *testing.T, events, letters int) ([]BusEvent, []letter) {
	t.Helper()
	deadline := time.After(20 * time.Second)
	for {
		o.mu.Lock()
		e, l, changed := slices.Clone(o.events), slices.Clone(o.letters), o.changed.wait()
		o.mu.Unlock()
		if len(e) >= events && len(l) >= letters {
			return e, l
		}
		select {
		case <-changed:
		case <-deadline:
			t.Fatalf("there are %d events and %d letters; want %d and %d", len(e), len(l), events, letters)
		}
	}
}

// kept are the asynchronous invocations in the store.
func kept(t *testing.T, s *Service) []asyncEvent {
	t.Helper()
	var all []asyncEvent
	err := s.store.scan(inAsync, func(_ string, value []byte) error {
		var e asyncEvent
		defer func() { all = append(all, e) }()
		return json.Unmarshal(value, &e)
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func awaitNone(t *testing.T, s *Service) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); len(kept(t, s)) > 0; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("left in the store: %+v", kept(t, s))
		}
	}
}

const busARN = "arn:aws:events:us-east-1:000000000000:event-bus/results"

func shortWaits(o Options) Options {
	o.RetryWaits = [2]time.Duration{time.Millisecond, 2 * time.Millisecond}
	return o
}

func async(a AsyncConfig) func(*FunctionConfig) {
	return func(c *FunctionConfig) { c.Async = &a }
}

func TestInvokeAsync(t *testing.T) {
	out := &outbox{}
	o := shortWaits(Options{Buses: out, DeadLetter: out.deadLetter, Queues: &fakeQueues{}, StateDir: t.TempDir()})
	s, logs := start(t, o, echo(async(AsyncConfig{OnSuccessARN: busARN, OnFailureARN: busARN}), func(c *FunctionConfig) { c.DeadLetterARN = deadARN }))

	good, err := s.InvokeAsync(t.Context(), echo().ARN, []byte(`{"Text":"a"}`))
	if err != nil {
		t.Fatal(err)
	}
	events, _ := out.wait(t, 1, 0)
	e := events[0]
	if e.Source != "lambda" || e.DetailType != "Lambda Function Invocation Result - Success" || !slices.Equal(e.Resources, []string{echo().ARN + ":$LATEST", busARN}) {
		t.Errorf("event: %+v", e)
	}
	var record map[string]any
	if err := json.Unmarshal(e.Detail, &record); err != nil {
		t.Fatal(err)
	}
	delete(record, "timestamp")
	payload := record["responsePayload"].(map[string]any)
	if payload["ID"] != good || payload["Text"] != "a" {
		t.Errorf("response payload: %v", payload)
	}
	delete(record, "responsePayload")
	want := fmt.Sprintf("map[requestContext:map[approximateInvokeCount:1 condition:Success functionArn:%s:$LATEST requestId:%s] requestPayload:map[Text:a] responseContext:map[executedVersion:$LATEST statusCode:200] version:1.0]", echo().ARN, good)
	if got := fmt.Sprint(record); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}

	// One that fails runs three times under the same request id.
	bad, err := s.InvokeAsync(t.Context(), "echo", []byte(`{"Do":"error","Text":"no luck"}`))
	if err != nil {
		t.Fatal(err)
	}
	events, letters := out.wait(t, 2, 1)
	for _, want := range []string{`"condition":"RetriesExhausted","approximateInvokeCount":3`, `"functionError":"Unhandled"`, `"errorMessage":"no luck"`, `"requestId":"` + bad} {
		if !strings.Contains(string(events[1].Detail), want) {
			t.Errorf("no %s in %s", want, events[1].Detail)
		}
	}
	if events[1].DetailType != "Lambda Function Invocation Result - Failure" {
		t.Errorf("detail type is %s", events[1].DetailType)
	}
	starts := 0
	for _, text := range logs.texts(bad) {
		if strings.HasPrefix(text, "START") {
			starts++
		}
	}
	if starts != 3 {
		t.Errorf("it ran %d times", starts)
	}
	l := letters[0]
	if l.queue != deadARN || l.body != `{"Do":"error","Text":"no luck"}` || l.attributes["RequestID"].StringValue != bad ||
		fmt.Sprint(l.attributes["ErrorCode"]) != "{Number 200 []}" || l.attributes["ErrorMessage"].StringValue != "no luck" {
		t.Errorf("dead letter: %+v", l)
	}
	awaitNone(t, s)

	if _, err := s.InvokeAsync(t.Context(), "absent", []byte("{}")); !errors.Is(err, ErrNotFound) {
		t.Errorf("got %v", err)
	}
	if _, err := s.InvokeAsync(t.Context(), "echo", make([]byte, MaxAsyncPayload+1)); !errors.Is(err, ErrTooLarge) {
		t.Errorf("got %v", err)
	}
}

// TestInvokeAsyncChain: another function and a queue as destinations.
func TestInvokeAsyncChain(t *testing.T) {
	q := &fakeQueues{}
	next := echo(named("next"), async(AsyncConfig{OnSuccessARN: deadARN}))
	s, _ := start(t, shortWaits(Options{Queues: q}), echo(async(AsyncConfig{OnSuccessARN: next.ARN})), next)
	id, err := s.InvokeAsync(t.Context(), "echo", []byte(`{}`))
	if err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(20 * time.Second); len(q.sentBodies()) == 0; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("no record came")
		}
	}
	// The second record holds the first as its request.
	if body := q.sentBodies()[0]; !strings.Contains(body, `"requestPayload":{"version":"1.0"`) || !strings.Contains(body, id) {
		t.Errorf("got %s", body)
	}
	awaitNone(t, s)
}

// TestInvokeAsyncRefusals: no concurrency at all ends an event at once, and a
// destination that the role may not use gets nothing.
func TestInvokeAsyncRefusals(t *testing.T) {
	out := &outbox{}
	o := shortWaits(Options{Buses: out, DeadLetter: out.deadLetter, Queues: &fakeQueues{}})
	o.Allows = func(_ string, n iam.Need) *iam.Decision {
		if n.Action == "events:PutEvents" {
			return &iam.Decision{Need: n}
		}
		return nil
	}
	s, _ := start(t, o, echo(reserved(0), async(AsyncConfig{OnFailureARN: busARN}), func(c *FunctionConfig) { c.DeadLetterARN = deadARN }))
	if _, err := s.InvokeAsync(t.Context(), "echo", []byte(`{}`)); err != nil {
		t.Fatal(err)
	}
	events, letters := out.wait(t, 0, 1)
	if len(events) != 0 || letters[0].attributes["ErrorCode"].StringValue != "429" {
		t.Errorf("got %+v and %+v", events, letters)
	}
	awaitNone(t, s)
}

// TestInvokeAsyncThrottled: an event for which there is no concurrency waits, and
// that is no attempt.
func TestInvokeAsyncThrottled(t *testing.T) {
	out := &outbox{}
	s, logs := start(t, shortWaits(Options{Buses: out}), echo(reserved(1), async(AsyncConfig{OnSuccessARN: busARN, MaxRetries: new(int)})))
	gate := filepath.Join(t.TempDir(), "gate")
	done := make(chan struct{})
	go func() { defer close(done); call(t, s, request{Do: "wait", Text: gate}) }()
	logs.wait(t, "waiting", 1)
	if _, err := s.InvokeAsync(t.Context(), "echo", []byte(`{}`)); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(time.Millisecond) {
		if all := kept(t, s); len(all) == 1 && all[0].Throttles > 0 {
			if all[0].Invokes != 0 || all[0].Condition != "" {
				t.Errorf("kept %+v", all[0])
			}
			break
		}
		if time.Now().After(end) {
			t.Fatal("it was not throttled")
		}
	}
	if err := os.WriteFile(gate, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	<-done
	events, _ := out.wait(t, 1, 0)
	if !strings.Contains(string(events[0].Detail), `"condition":"Success","approximateInvokeCount":1`) {
		t.Errorf("got %s", events[0].Detail)
	}
}

// TestInvokeAsyncOutlives: what was accepted runs in the next life, also for a
// function that is there only then; what is decided is not decided again.
func TestInvokeAsyncOutlives(t *testing.T) {
	o := shortWaits(Options{StateDir: t.TempDir(), StartLater: true})
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Apply(t.Context(), []FunctionConfig{echo()}, nil); err != nil {
		t.Fatal(err)
	}
	id, err := s.InvokeAsync(t.Context(), "echo", []byte(`{"Do":"log","N":1}`))
	if err != nil {
		t.Fatal(err)
	}
	decided := &asyncEvent{ID: "decided", Function: "echo", Payload: []byte(`{"Do":"log","N":1}`), Condition: conditionExhausted, Invokes: 3}
	if err := s.async.save(decided, s.store.put); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(t.Context()); err != nil { // it was never started
		t.Fatal(err)
	}
	out := &outbox{}
	o.Buses, o.StartLater = out, false
	s, logs := start(t, o)
	time.Sleep(20 * time.Millisecond) // nothing may run: the function is not there yet
	if len(kept(t, s)) != 2 {
		t.Fatalf("kept %+v", kept(t, s))
	}
	if err := s.Apply(t.Context(), []FunctionConfig{echo(async(AsyncConfig{OnFailureARN: busARN}))}, nil); err != nil {
		t.Fatal(err)
	}
	if l := logs.wait(t, "line 0", 1); l.RequestID != id {
		t.Errorf("it ran as %s; want %s", l.RequestID, id)
	}
	events, _ := out.wait(t, 1, 0)
	if !strings.Contains(string(events[0].Detail), `"requestId":"decided"`) {
		t.Errorf("got %s", events[0].Detail)
	}
	awaitNone(t, s)
	if texts := logs.texts("decided"); len(texts) > 0 {
		t.Errorf("what was decided ran again: %v", texts)
	}
}

// TestAsyncModel: any course of attempts against AWS's rules, told in another way.
func TestAsyncModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		waits := [2]time.Duration{time.Minute, 2 * time.Minute}
		var c *AsyncConfig
		retries, age := 2, 6*time.Hour
		if rapid.Bool().Draw(t, "configured") {
			c = &AsyncConfig{}
			if rapid.Bool().Draw(t, "with retries") {
				retries = rapid.IntRange(0, 2).Draw(t, "retries")
				c.MaxRetries = &retries
			}
			if rapid.Bool().Draw(t, "with age") {
				age = time.Duration(rapid.IntRange(60, 21600).Draw(t, "age")) * time.Second
				c.MaxEventAge = age
			}
		}
		began := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
		now := began
		e := &asyncEvent{Accepted: now, Next: now}
		failures, throttles := 0, 0
		for range 200 {
			now = e.Next
			// The model: too old wins, then success, then the retries.
			if now.Sub(began) >= age {
				if !e.expired(c, now) || e.Condition != conditionTooOld {
					t.Fatalf("at %s of %s it is not too old", now.Sub(began), age)
				}
				return
			}
			if e.expired(c, now) {
				t.Fatalf("at %s of %s it is too old", now.Sub(began), age)
			}
			switch rapid.SampledFrom([]string{"throttled", "failed", "ok"}).Draw(t, "attempt") {
			case "throttled":
				e.throttled(now)
				want := min(time.Second<<min(throttles, 20), 5*time.Minute)
				if got := e.Next.Sub(now); got != want {
					t.Fatalf("throttled %d times: the wait is %s; want %s", throttles, got, want)
				}
				throttles++
			case "failed":
				throttles = 0
				failures++
				e.ran(c, &asyncResult{FunctionError: "Unhandled"}, now, waits)
				if over := failures > retries; over != (e.Condition == conditionExhausted) {
					t.Fatalf("after %d failures with %d retries: %q", failures, retries, e.Condition)
				} else if over {
					return
				}
				if got, want := e.Next.Sub(now), time.Duration(failures)*time.Minute; got != want {
					t.Fatalf("after %d failures the wait is %s; want %s", failures, got, want)
				}
			case "ok":
				e.ran(c, &asyncResult{}, now, waits)
				if e.Condition != conditionSuccess || e.Invokes != failures+1 {
					t.Fatalf("got %+v", e)
				}
				return
			}
		}
	})
}
