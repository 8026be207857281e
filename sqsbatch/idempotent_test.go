package sqsbatch_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/vinci-go/vinci/orm"
	"github.com/vinci-go/vinci/orm/ormtest"
	"github.com/vinci-go/vinci/sqsbatch"
)

// leaseTo makes a record whose run is somebody else's.
func (k *kit) leaseTo(key string, d time.Duration) {
	k.t.Helper()
	now := k.clock.now()
	err := orm.Exec(context.Background(), k.store, handled.Put(sqsbatch.Record{Key: key, Status: sqsbatch.Processing, Attempts: 1,
		LeaseUntil: now.Add(d), RunID: "somebody", FirstAt: now, LastAt: now, ExpiresAt: now.Add(48 * time.Hour).Unix()}))
	if err != nil {
		k.t.Fatal(err)
	}
}

// The same suite on the memory store and on a DynamoDB engine.
func TestStores(t *testing.T) {
	t.Run("memory", func(t *testing.T) { testStore(t, ormtest.New()) })
	t.Run("engine", func(t *testing.T) { testStore(t, ormtest.StartEngine(t).Store(t, handled)) })
}

func testStore(t *testing.T, store orm.Store) {
	b := &bodies{}
	k := newKit(t, standardARN)
	records := k.newRecords(store)
	k.run(b.handle, sqsbatch.Idempotent(records, byBody), sqsbatch.DeadLetterQueue(dlqARN))
	get := func(key string) sqsbatch.Record {
		r, err := handled.Get(t.Context(), store, key)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	k.queue.send("", "x")
	k.deliver()
	k.want(sqsbatch.OutcomeSucceeded)
	if r := get("x"); r.Status != sqsbatch.Succeeded || r.Attempts != 1 || !r.LeaseUntil.IsZero() || r.PayloadHash == "" || r.ExpiresAt != k.clock.now().Add(sqsbatch.DefaultRetention).Unix() {
		t.Errorf("%+v", r)
	}
	k.queue.send("", "x")
	k.deliver()
	k.want(sqsbatch.OutcomeDuplicate)

	b.fail = map[string]error{"y": errBoom}
	k.queue.send("", "y")
	k.deliver()
	k.want(sqsbatch.OutcomeFailed)
	if r := get("y"); r.Status != sqsbatch.Failed || r.ErrorKind != "failed" || r.ErrorMessage != "boom" || !r.LeaseUntil.IsZero() {
		t.Errorf("%+v", r)
	}
	b.fail = nil
	k.clock.advance(time.Second)
	k.deliver()
	k.want(sqsbatch.OutcomeSucceeded)
	if r := get("y"); r.Status != sqsbatch.Succeeded || r.Attempts != 2 || r.ErrorKind != "" || r.ErrorMessage != "" {
		t.Errorf("%+v", r)
	}
	if n := len(b.take()); n != 3 {
		t.Errorf("%d runs, want 3", n)
	}

	// What has expired and is not deleted yet means nothing.
	k.clock.advance(sqsbatch.DefaultRetention)
	k.queue.send("", "x")
	k.deliver()
	k.want(sqsbatch.OutcomeSucceeded)
	if r := get("x"); r.Attempts != 1 || !r.FirstAt.Equal(k.clock.now()) {
		t.Errorf("%+v", r)
	}
}

// A message whose key another run holds is hidden until that run must have ended,
// and no attempt is counted.
func TestLease(t *testing.T) {
	b := &bodies{}
	k := newKit(t, standardARN)
	k.run(b.handle, sqsbatch.Idempotent(k.records, byBody), sqsbatch.DeadLetterQueue(dlqARN), sqsbatch.MaxAttempts(2))
	k.leaseTo("x", 30*time.Second)
	id := k.queue.send("", "x")
	for range 5 {
		k.deliver()
		k.want(sqsbatch.OutcomeInProgress)
		if got := k.queue.hidden(id); got != 30*time.Second {
			t.Errorf("hidden for %v", got)
		}
		k.clock.advance(30 * time.Second)
		k.leaseTo("x", 30*time.Second) // another duplicate was faster
	}
	k.clock.advance(30 * time.Second)
	k.deliver()
	k.want(sqsbatch.OutcomeSucceeded)
	if r := k.record("x"); r.Attempts != 2 || len(b.take()) != 1 {
		t.Errorf("%+v", r)
	}
}

// The lease lasts as long as the process may: until the function's deadline.
func TestLeaseDuration(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := ormtest.New()
		records := sqsbatch.NewRecords(store, handled, sqsbatch.RecordOptions{})
		start := time.Now()
		f, err := sqsbatch.Handle(func(ctx context.Context, m events.SQSMessage) error {
			r, err := handled.Get(ctx, store, "x")
			if err != nil || r.LeaseUntil.Sub(start) < 35*time.Second || r.LeaseUntil.Sub(start) > 36*time.Second {
				t.Errorf("%+v, %v", r, err)
			}
			// A step of the handler has the function's time, not the message's.
			_, err = sqsbatch.Once(ctx, records, "step", nil, func(ctx context.Context) (int, error) {
				r, err := handled.Get(ctx, store, "step")
				if err != nil || r.LeaseUntil.Sub(start) < 35*time.Second {
					t.Errorf("%+v, %v", r, err)
				}
				return 0, nil
			})
			return err
		}, sqsbatch.Idempotent(records, byBody), sqsbatch.Timeout(time.Second))
		if err != nil {
			t.Fatal(err)
		}
		q := newQueue(standardARN, time.Now)
		q.send("", "x")
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		if response, err := f(ctx, q.receive(1)); err != nil || len(response.BatchItemFailures) > 0 {
			t.Errorf("%v, %v", response, err)
		}
	})
}

// A handler that does not return keeps its lease; when it has ended, its attempt
// counts and the message is handled again.
func TestLeaseOfOverrun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := ormtest.New()
		records := sqsbatch.NewRecords(store, handled, sqsbatch.RecordOptions{})
		let := make(chan struct{})
		defer close(let)
		f, err := sqsbatch.Handle(func(context.Context, events.SQSMessage) error { <-let; return nil }, sqsbatch.Idempotent(records, byBody))
		if err != nil {
			t.Fatal(err)
		}
		q := newQueue(standardARN, time.Now)
		q.send("", "x")
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		if response, err := f(ctx, q.receive(1)); err != nil || len(response.BatchItemFailures) != 1 {
			t.Errorf("%v, %v", response, err)
		}
		if r, err := handled.Get(t.Context(), store, "x"); err != nil || r.Status != sqsbatch.Processing {
			t.Errorf("%+v, %v", r, err)
		}
		// A new process.
		time.Sleep(10 * time.Second)
		runs := 0
		f, err = sqsbatch.Handle(func(context.Context, events.SQSMessage) error { runs++; return nil }, sqsbatch.Idempotent(records, byBody))
		if err != nil {
			t.Fatal(err)
		}
		q.messages[0].visibleAt = time.Now()
		if response, err := f(t.Context(), q.receive(1)); err != nil || len(response.BatchItemFailures) > 0 || runs != 1 {
			t.Errorf("%v, %v, %d runs", response, err, runs)
		}
		if r, err := handled.Get(t.Context(), store, "x"); err != nil || r.Status != sqsbatch.Succeeded || r.Attempts != 2 {
			t.Errorf("%+v, %v", r, err)
		}
	})
}

func TestPayload(t *testing.T) {
	id := sqsbatch.JSONKey(func(o order) string { return o.ID })
	tests := []struct {
		name    string
		options []sqsbatch.Option
		want    sqsbatch.Outcome
	}{
		{"the whole body by default", nil, sqsbatch.OutcomeDead},
		{"whole body", []sqsbatch.Option{sqsbatch.Payload(sqsbatch.WholeBody)}, sqsbatch.OutcomeDead},
		{"any", []sqsbatch.Option{sqsbatch.Payload(sqsbatch.AnyPayload)}, sqsbatch.OutcomeDuplicate},
		{"a part that is the same", []sqsbatch.Option{sqsbatch.Payload(sqsbatch.JSONPayload(func(o order) string { return o.ID }))}, sqsbatch.OutcomeDuplicate},
		{"a part that is not", []sqsbatch.Option{sqsbatch.Payload(sqsbatch.JSONPayload(func(o order) int { return o.Total }))}, sqsbatch.OutcomeDead},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := &bodies{}
			k := newKit(t, standardARN)
			k.run(b.handle, append(tt.options, sqsbatch.Idempotent(k.records, id), sqsbatch.DeadLetterQueue(dlqARN))...)
			k.queue.send("", `{"id":"o1","total":1}`)
			k.deliver()
			k.want(sqsbatch.OutcomeSucceeded)
			k.queue.send("", `{"id":"o1","total":2}`)
			k.deliver()
			k.want(tt.want)
			if tt.want == sqsbatch.OutcomeDead && !errors.Is(k.results[0].Err, sqsbatch.KindPayload) {
				t.Error(k.results[0].Err)
			}
			if len(b.take()) != 1 {
				t.Error("it was handled again")
			}
		})
	}
}

// Only what has succeeded binds: a mended message takes the place of one that
// failed.
func TestPayloadOfFailure(t *testing.T) {
	b := &bodies{fail: map[string]error{`{"id":"o1","total":-1}`: errBoom}}
	k := newKit(t, standardARN)
	k.run(b.handle, sqsbatch.Idempotent(k.records, sqsbatch.JSONKey(func(o order) string { return o.ID })), sqsbatch.DeadLetterQueue(dlqARN))
	k.queue.send("", `{"id":"o1","total":-1}`)
	k.deliver()
	k.want(sqsbatch.OutcomeFailed)
	k.queue.send("", `{"id":"o1","total":1}`)
	k.deliver()
	k.want(sqsbatch.OutcomeSucceeded)
	k.clock.advance(time.Second)
	k.deliver()
	k.want(sqsbatch.OutcomeDead)
	if !errors.Is(k.results[0].Err, sqsbatch.KindPayload) {
		t.Error(k.results[0].Err)
	}
}

func TestKeys(t *testing.T) {
	for name, key := range map[string]func(events.SQSMessage) (string, error){
		"error": func(events.SQSMessage) (string, error) { return "", errBoom },
		"empty": func(events.SQSMessage) (string, error) { return "", nil },
		"long":  func(events.SQSMessage) (string, error) { return strings.Repeat("x", 2049), nil },
	} {
		k := newKit(t, standardARN)
		k.run(func(context.Context, events.SQSMessage) error { t.Error("handled"); return nil }, sqsbatch.Idempotent(k.records, key), sqsbatch.DeadLetterQueue(dlqARN))
		k.queue.send("", "x")
		k.deliver()
		k.want(sqsbatch.OutcomeDead)
		if !errors.Is(k.results[0].Err, sqsbatch.KindKey) || len(k.results[0].Err.Error()) > 600 {
			t.Errorf("%s: %v", name, k.results[0].Err)
		}
	}
	k := newKit(t, standardARN)
	k.run((&bodies{}).handle, sqsbatch.Idempotent(k.records, func(events.SQSMessage) (string, error) { panic("oh") }))
	k.queue.send("", "x")
	k.deliver()
	k.want(sqsbatch.OutcomeFailed)
	if !errors.Is(k.results[0].Err, sqsbatch.KindPanic) {
		t.Error(k.results[0].Err)
	}
}

// A message that stops the process is given up after its attempts, although
// nobody was left to say so; moved back, it is tried once more.
func TestAttemptsThatNeverEnd(t *testing.T) {
	runs := 0
	k := newKit(t, standardARN)
	k.run(func(context.Context, events.SQSMessage) error { runs++; return nil }, sqsbatch.Idempotent(k.records, byBody), sqsbatch.DeadLetterQueue(dlqARN), sqsbatch.MaxAttempts(3))
	for n := 1; n <= 3; n++ {
		now := k.clock.now()
		if err := orm.Exec(t.Context(), k.store, handled.Put(sqsbatch.Record{Key: "x", Status: sqsbatch.Processing, Attempts: n, LeaseUntil: now.Add(-time.Second), RunID: fmt.Sprint("run", n), FirstAt: now, LastAt: now, ExpiresAt: now.Add(time.Hour).Unix()})); err != nil {
			t.Fatal(err)
		}
	}
	k.queue.send("", "x")
	k.deliver()
	k.want(sqsbatch.OutcomeDead)
	if r := k.record("x"); runs != 0 || r.Status != sqsbatch.Failed || r.ErrorKind != string(sqsbatch.KindUnfinished) {
		t.Errorf("%d runs, %+v", runs, r)
	}
	if sent := k.queue.letters(); *sent[0].MessageAttributes[sqsbatch.AttrAttempts].StringValue != "3" {
		t.Errorf("%+v", sent[0])
	}
	k.queue.send("", "x")
	k.deliver()
	k.want(sqsbatch.OutcomeSucceeded)
	if runs != 1 {
		t.Errorf("%d runs", runs)
	}
}

// When the record cannot be written nothing is lost, and the handler is not to
// blame.
func TestStoreFails(t *testing.T) {
	b := &bodies{}
	k := newKit(t, standardARN)
	k.run(b.handle, sqsbatch.Idempotent(k.records, byBody), sqsbatch.DeadLetterQueue(dlqARN), sqsbatch.MaxAttempts(2))
	k.store.Before(func(c ormtest.Call) error { return &orm.Error{Kind: orm.KindDenied, Op: c.Op} })
	k.queue.send("", "x")
	for range 4 {
		k.deliver()
		k.want(sqsbatch.OutcomeFailed)
		if !errors.Is(k.results[0].Err, sqsbatch.KindRecord) || !errors.Is(k.results[0].Err, orm.KindDenied) {
			t.Error(k.results[0].Err)
		}
		k.clock.advance(time.Hour)
	}
	if len(b.take()) > 0 || len(k.queue.letters()) > 0 {
		t.Error("handled, or given up")
	}
	// The claim is written, the outcome is not.
	calls := 0
	k.store.Before(func(c ormtest.Call) error {
		if calls++; calls > 1 {
			return &orm.Error{Kind: orm.KindThrottled, Op: c.Op}
		}
		return nil
	})
	k.deliver()
	k.want(sqsbatch.OutcomeUnrecorded)
	if calls != 4 || len(b.take()) != 1 {
		t.Errorf("%d calls", calls)
	}
	k.store.Before(nil)
	k.clock.advance(time.Minute)
	k.deliver() // the lease keeps it away
	k.want()
	k.clock.advance(15 * time.Minute)
	k.deliver()
	k.want(sqsbatch.OutcomeSucceeded)
}

// A lost answer is found in the record, and no work is done twice for it.
func TestLostAnswers(t *testing.T) {
	b := &bodies{}
	k := newKit(t, standardARN)
	k.run(b.handle, sqsbatch.Idempotent(k.records, byBody))
	calls := 0
	k.store.After(func(c ormtest.Call) error {
		calls++
		return &orm.Error{Kind: orm.KindUnavailable, Op: c.Op}
	})
	k.queue.send("", "x")
	k.deliver()
	k.store.After(nil)
	k.want(sqsbatch.OutcomeSucceeded)
	if r := k.record("x"); r.Status != sqsbatch.Succeeded || r.Attempts != 1 || len(b.take()) != 1 || calls != 2 {
		t.Errorf("%+v, %d calls", r, calls)
	}
	// That of a failure: the lease is given back all the same.
	b.fail = map[string]error{"y": errBoom}
	calls = 0
	k.store.After(func(c ormtest.Call) error {
		if calls++; calls == 2 {
			return &orm.Error{Kind: orm.KindUnavailable, Op: c.Op}
		}
		return nil
	})
	id := k.queue.send("", "y")
	k.deliver()
	k.want(sqsbatch.OutcomeFailed)
	if got := k.queue.hidden(id); got != time.Second {
		t.Errorf("hidden for %v", got)
	}
}

// Two writes for a first delivery, one for a duplicate, no read.
func TestRequests(t *testing.T) {
	k := newKit(t, standardARN)
	k.run((&bodies{}).handle, sqsbatch.Idempotent(k.records, byBody))
	var ops []string
	k.store.Before(func(c ormtest.Call) error { ops = append(ops, c.Op); return nil })
	for _, want := range []string{"do do", "do"} {
		ops = nil
		k.queue.send("", "x")
		k.deliver()
		if got := strings.Join(ops, " "); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

// 20 consumers, 50 duplicates of each of 20 messages: the work is done once.
func TestParallelDuplicates(t *testing.T) {
	const consumers, keys, duplicates = 20, 20, 50
	store := ormtest.New()
	records := sqsbatch.NewRecords(store, handled, sqsbatch.RecordOptions{Sleep: noSleep})
	var mu sync.Mutex
	runs := map[string]int{}
	f, err := sqsbatch.Handle(func(_ context.Context, m events.SQSMessage) error {
		mu.Lock()
		defer mu.Unlock()
		runs[m.Body]++
		return nil
	}, sqsbatch.Idempotent(records, byBody))
	if err != nil {
		t.Fatal(err)
	}
	q := newQueue(standardARN, time.Now)
	for range duplicates {
		for i := range keys {
			q.send("", fmt.Sprint("key", i))
		}
	}
	all := make(chan events.SQSEvent, duplicates*keys)
	var left sync.WaitGroup
	for {
		batch := q.receive(10)
		if len(batch.Records) == 0 {
			break
		}
		left.Add(len(batch.Records))
		all <- batch
	}
	for range consumers {
		go func() {
			for batch := range all {
				response, err := f(context.Background(), batch)
				if err != nil {
					t.Error(err)
				}
				again := failures(response)
				left.Add(len(again) - len(batch.Records))
				for _, m := range batch.Records {
					for _, id := range again {
						if id == m.MessageId {
							all <- events.SQSEvent{Records: []events.SQSMessage{m}}
						}
					}
				}
			}
		}()
	}
	left.Wait()
	close(all)
	for i := range keys {
		if n := runs[fmt.Sprint("key", i)]; n != 1 {
			t.Errorf("key %d was handled %d times", i, n)
		}
	}
}
