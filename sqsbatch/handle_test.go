package sqsbatch_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/vinci-go/vinci/sqsbatch"
)

// One message that fails comes again alone; an error of each kind is one.
func TestPartialBatch(t *testing.T) {
	k := newKit(t, standardARN).run(func(_ context.Context, m events.SQSMessage) error {
		switch m.Body {
		case "error":
			return errBoom
		case "panic":
			panic("oh")
		case "exit":
			runtime.Goexit()
		}
		return nil
	})
	for _, body := range []string{"fine", "error", "panic", "exit", "fine"} {
		k.queue.send("", body)
	}
	if again := k.deliver(); !slices.Equal(again, []string{"m2", "m3", "m4"}) {
		t.Errorf("again %v", again)
	}
	k.want(sqsbatch.OutcomeSucceeded, sqsbatch.OutcomeFailed, sqsbatch.OutcomeFailed, sqsbatch.OutcomeFailed, sqsbatch.OutcomeSucceeded)
	for i, want := range []error{nil, errBoom, sqsbatch.KindPanic, sqsbatch.KindPanic, nil} {
		if !errors.Is(k.results[i].Err, want) {
			t.Errorf("message %d: %v, want %v", i+1, k.results[i].Err, want)
		}
	}
	for _, want := range []string{"the handler panicked", "queue=orders", "message_id=m3", "outcome=failed", "again_in_s=1"} {
		if !strings.Contains(k.logs.String(), want) {
			t.Errorf("no %q in the log:\n%s", want, k.logs.String())
		}
	}
}

// When all messages fail the function does not, or Lambda would slow down.
func TestAllFail(t *testing.T) {
	k := newKit(t, standardARN).run(func(context.Context, events.SQSMessage) error { return errBoom })
	k.queue.send("", "a")
	k.queue.send("", "b")
	if again := k.deliver(); len(again) != 2 {
		t.Errorf("again %v", again)
	}
}

func TestGrowingDelay(t *testing.T) {
	k := newKit(t, standardARN).run(func(context.Context, events.SQSMessage) error { return errBoom }, sqsbatch.Delay(2*time.Second, 10*time.Second))
	id := k.queue.send("", "x")
	for _, want := range []time.Duration{2, 4, 8, 10, 10} {
		k.deliver()
		if got := k.queue.hidden(id); got != want*time.Second {
			t.Errorf("hidden for %v, want %ds", got, want)
		}
		k.clock.advance(want * time.Second)
	}
}

func TestJitter(t *testing.T) {
	k := newKit(t, standardARN).run(func(context.Context, events.SQSMessage) error { return errBoom },
		sqsbatch.Delay(10*time.Second, time.Minute), sqsbatch.Jitter(func(d time.Duration) time.Duration { return d }))
	id := k.queue.send("", "x")
	k.deliver()
	if got := k.queue.hidden(id); got != 15*time.Second {
		t.Errorf("hidden for %v, want half of the delay more", got)
	}
}

func TestRetryAfter(t *testing.T) {
	var err error
	k := newKit(t, standardARN).run(func(context.Context, events.SQSMessage) error { return err })
	id := k.queue.send("", "x")
	for _, tt := range []struct{ after, want time.Duration }{
		{90 * time.Second, 90 * time.Second},
		{1500 * time.Millisecond, 2 * time.Second},
		{-1, time.Second},
		{24 * time.Hour, 15 * time.Minute},
	} {
		err = fmt.Errorf("wrapped: %w", sqsbatch.RetryAfter(errBoom, tt.after))
		k.deliver()
		if got := k.queue.hidden(id); got != tt.want {
			t.Errorf("%v: hidden for %v, want %v", tt.after, got, tt.want)
		}
		k.clock.advance(tt.want)
	}
	if !errors.Is(err, errBoom) || sqsbatch.RetryAfter(nil, time.Second) != nil || sqsbatch.Permanent(nil) != nil {
		t.Error("the marks hide the error, or make one of nil")
	}
}

// Without the permission to hide a message it comes again later, and nothing
// else changes.
func TestNotHidden(t *testing.T) {
	for _, fail := range []func(string) error{
		func(string) error { return errors.New("AccessDenied") },
		func(string) error { panic("oh") },
	} {
		k := newKit(t, standardARN).run(func(context.Context, events.SQSMessage) error { return errBoom })
		k.queue.fail = fail
		id := k.queue.send("", "x")
		if again := k.deliver(); len(again) != 1 || k.queue.hidden(id) != k.queue.visibility || k.results[0].Hidden != 0 {
			t.Errorf("again %v, hidden for %v, result %+v", again, k.queue.hidden(id), k.results[0])
		}
		if !strings.Contains(k.logs.String(), "message not hidden") {
			t.Errorf("log: %s", k.logs.String())
		}
	}
}

// Without a client nothing is asked of SQS.
func TestNoClient(t *testing.T) {
	f, err := sqsbatch.Handle(func(context.Context, events.SQSMessage) error { return errBoom })
	if err != nil {
		t.Fatal(err)
	}
	q := newQueue(standardARN, time.Now)
	q.send("", "x")
	response, err := f(t.Context(), q.receive(10))
	if err != nil || len(response.BatchItemFailures) != 1 {
		t.Errorf("%v, %v", response, err)
	}
}

func TestNoBatchOfSQS(t *testing.T) {
	k := newKit(t, standardARN).run(func(context.Context, events.SQSMessage) error { t.Error("handled"); return nil })
	for _, m := range []events.SQSMessage{
		{MessageId: "m", EventSourceARN: "arn:aws:kinesis:eu-west-1:123456789012:stream/x"},
		{EventSourceARN: standardARN},
	} {
		if _, err := k.handle(t.Context(), events.SQSEvent{Records: []events.SQSMessage{m}}); err == nil || !strings.Contains(err.Error(), "record 0") {
			t.Errorf("%+v: %v", m, err)
		}
	}
	if response, err := k.handle(t.Context(), events.SQSEvent{}); err != nil || len(response.BatchItemFailures) > 0 {
		t.Errorf("an empty batch: %v, %v", response, err)
	}
}

type order struct {
	ID    string `json:"id"`
	Total int    `json:"total"`
}

func TestJSON(t *testing.T) {
	var got order
	k := newKit(t, standardARN).run(sqsbatch.JSON(func(ctx context.Context, o order) error {
		got = o
		if m, ok := sqsbatch.MessageOf(ctx); !ok || m.MessageId != "m1" {
			t.Errorf("message %+v, %t", m, ok)
		}
		return nil
	}), sqsbatch.DeadLetterQueue(dlqARN))
	k.queue.send("", `{"id":"o1","total":7}`)
	k.queue.send("", `{"id":`)
	if again := k.deliver(); len(again) > 0 || got != (order{"o1", 7}) {
		t.Errorf("again %v, got %+v", again, got)
	}
	k.want(sqsbatch.OutcomeSucceeded, sqsbatch.OutcomeDead)
	if !errors.Is(k.results[1].Err, sqsbatch.KindUndecodable) {
		t.Error(k.results[1].Err)
	}
	if _, ok := sqsbatch.MessageOf(t.Context()); ok {
		t.Error("a message where there is none")
	}
}

// Time is divided so that an outcome can be said before the function is stopped.
func TestTimeouts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(standardARN, time.Now)
		var results []sqsbatch.Result
		f, err := sqsbatch.Handle(func(ctx context.Context, m events.SQSMessage) error {
			if m.Body == "slow" {
				<-ctx.Done()
				return ctx.Err()
			}
			return nil
		}, sqsbatch.Client(q), sqsbatch.Concurrency(1), sqsbatch.Jitter(noJitter),
			sqsbatch.Observe(func(_ context.Context, r sqsbatch.Result) { results = append(results, r) }))
		if err != nil {
			t.Fatal(err)
		}
		for _, body := range []string{"fine", "slow", "fine"} {
			q.send("", body)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		start := time.Now()
		response, err := f(ctx, q.receive(10))
		if again := failures(response); err != nil || !slices.Equal(again, []string{"m2", "m3"}) || time.Since(start) != 28*time.Second {
			t.Errorf("again %v, %v, after %v", again, err, time.Since(start))
		}
		if results[1].Outcome != sqsbatch.OutcomeFailed || !errors.Is(results[1].Err, context.DeadlineExceeded) || results[2].Outcome != sqsbatch.OutcomeNotTried {
			t.Errorf("%+v", results)
		}
	})
}

func TestMessageTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(standardARN, time.Now)
		f, err := sqsbatch.Handle(func(ctx context.Context, m events.SQSMessage) error {
			if m.Body == "slow" {
				<-ctx.Done()
				return ctx.Err()
			}
			return nil
		}, sqsbatch.Client(q), sqsbatch.Concurrency(1), sqsbatch.Timeout(3*time.Second))
		if err != nil {
			t.Fatal(err)
		}
		for _, body := range []string{"slow", "fine"} {
			q.send("", body)
		}
		start := time.Now()
		response, err := f(t.Context(), q.receive(10))
		if again := failures(response); err != nil || !slices.Equal(again, []string{"m1"}) || time.Since(start) != 3*time.Second {
			t.Errorf("again %v, %v, after %v", again, err, time.Since(start))
		}
	})
}

// A handler that does not return is left behind; no batch is begun beside it.
func TestOverrun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(standardARN, time.Now)
		let := make(chan struct{})
		results := make(chan sqsbatch.Result, 10)
		f, err := sqsbatch.Handle(func(ctx context.Context, m events.SQSMessage) error { <-let; return nil }, sqsbatch.Client(q),
			sqsbatch.Observe(func(_ context.Context, r sqsbatch.Result) { results <- r }))
		if err != nil {
			t.Fatal(err)
		}
		id := q.send("", "stuck")
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		response, err := f(ctx, q.receive(10))
		if err != nil || !slices.Equal(failures(response), []string{id}) {
			t.Errorf("%v, %v", response, err)
		}
		if r := <-results; r.Outcome != sqsbatch.OutcomeUnfinished || !errors.Is(r.Err, sqsbatch.KindUnfinished) {
			t.Errorf("%+v", r)
		}
		if got := q.hidden(id); got != 6*time.Second { // what the process may still live, and the margin
			t.Errorf("hidden for %v", got)
		}
		other := q.send("", "next")
		if _, err := f(t.Context(), q.receive(10)); !errors.Is(err, sqsbatch.ErrOverrun) {
			t.Errorf("beside a handler that still runs: %v", err)
		}
		if got := q.hidden(other); got != time.Second {
			t.Errorf("hidden for %v", got)
		}
		close(let)
		synctest.Wait()
		time.Sleep(10 * time.Second)
		response, err = f(t.Context(), q.receive(10))
		if err != nil || len(response.BatchItemFailures) > 0 {
			t.Errorf("once it has returned: %v, %v", response, err)
		}
	})
}

// As many as allowed run at once, and no more.
func TestConcurrency(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(standardARN, time.Now)
		f, err := sqsbatch.Handle(func(context.Context, events.SQSMessage) error { time.Sleep(time.Second); return nil }, sqsbatch.Concurrency(3))
		if err != nil {
			t.Fatal(err)
		}
		for range 10 {
			q.send("fair", "x") // a group of a standard queue is no order
		}
		start := time.Now()
		if _, err := f(t.Context(), q.receive(10)); err != nil || time.Since(start) != 4*time.Second {
			t.Errorf("%v after %v", err, time.Since(start))
		}
	})
}

func TestWrongOptions(t *testing.T) {
	table := sqsbatch.DefineTable("Wrong Name")
	_, err := sqsbatch.Handle(nil,
		sqsbatch.Client(nil), sqsbatch.DeadLetterQueue("https://sqs/1/x"), sqsbatch.MaxAttempts(0), sqsbatch.Concurrency(-1),
		sqsbatch.Delay(time.Millisecond, time.Second), sqsbatch.Timeout(0), sqsbatch.FunctionTimeout(-1),
		sqsbatch.Idempotent(sqsbatch.NewRecords(nil, table, sqsbatch.RecordOptions{Retention: time.Second}), nil),
		sqsbatch.Payload(nil), sqsbatch.Observe(nil), sqsbatch.Logger(nil), sqsbatch.Jitter(nil), nil)
	for _, want := range []string{"handler is nil", "Client(nil)", "DeadLetterQueue: queue ARN", "MaxAttempts(0)", "Concurrency(-1)", "Delay(1ms, 1s)", "Timeout(0s)",
		"FunctionTimeout(-1ns)", "the store is nil", "Wrong Name", "retention 1s", "key function is nil", "Payload(nil)", "Observe(nil)", "Logger(nil)", "Jitter(nil)", "option 12 is nil"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("no %q in: %v", want, err)
		}
	}
	if !errors.Is(err, sqsbatch.KindDefinition) {
		t.Error("it is not of its kind")
	}
	h := func(context.Context, events.SQSMessage) error { return nil }
	for want, options := range map[string][]sqsbatch.Option{
		"DeadLetterQueue without Client": {sqsbatch.DeadLetterQueue(dlqARN)},
		"Payload without Idempotent":     {sqsbatch.Payload(sqsbatch.WholeBody)},
		"records: wrong definition":      {sqsbatch.Idempotent(nil, byBody)},
	} {
		if _, err := sqsbatch.Handle(h, options...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("no %q in: %v", want, err)
		}
	}
	for _, nothing := range []bool{sqsbatch.JSON[order](nil) == nil, sqsbatch.JSONKey[order](nil) == nil, sqsbatch.JSONPayload[order, int](nil) == nil} {
		if !nothing {
			t.Error("something was made of a nil function, and would be found when a message comes")
		}
	}
}

// A panic of an observer costs no message.
func TestObserverPanics(t *testing.T) {
	k := newKit(t, standardARN).run(func(context.Context, events.SQSMessage) error { return nil },
		sqsbatch.Observe(func(context.Context, sqsbatch.Result) { panic("oh") }))
	k.queue.send("", "x")
	k.queue.send("", "y")
	if again := k.deliver(); len(again) > 0 || !strings.Contains(k.logs.String(), "the observer panicked") {
		t.Errorf("again %v, log %s", again, k.logs.String())
	}
}

var _ sqsbatch.SQS = (*sqs.Client)(nil)
