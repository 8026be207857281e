package sqsbatch_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/vinci-go/vinci/sqsbatch"
)

// bodies is what a handler has seen, and what it fails on.
type bodies struct {
	mu   sync.Mutex
	seen []string
	fail map[string]error
}

func (b *bodies) handle(_ context.Context, m events.SQSMessage) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.seen = append(b.seen, m.Body)
	return b.fail[m.Body]
}

func (b *bodies) take() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	seen := slices.Clone(b.seen)
	b.seen = nil
	slices.Sort(seen)
	return seen
}

// The first failure of a group ends that group and no other.
func TestFIFOGroupStops(t *testing.T) {
	b := &bodies{fail: map[string]error{"a2": errBoom}}
	k := newKit(t, fifoARN).run(b.handle)
	for _, body := range []string{"a1", "b1", "a2", "b2", "a3", "a4"} {
		k.queue.send(body[:1], body)
	}
	if again := k.deliver(); !slices.Equal(again, []string{"m3", "m5", "m6"}) {
		t.Errorf("again %v", again)
	}
	k.want(sqsbatch.OutcomeSucceeded, sqsbatch.OutcomeSucceeded, sqsbatch.OutcomeFailed, sqsbatch.OutcomeSucceeded, sqsbatch.OutcomeSkipped, sqsbatch.OutcomeSkipped)
	if seen := b.take(); !slices.Equal(seen, []string{"a1", "a2", "b1", "b2"}) {
		t.Errorf("handled %v", seen)
	}
	// The rest of the group does not hold it back for longer than the one that failed.
	for _, id := range []string{"m3", "m5", "m6"} {
		if got := k.queue.hidden(id); got != time.Second {
			t.Errorf("%s is hidden for %v", id, got)
		}
	}
	k.clock.advance(time.Second)
	b.fail = nil
	if again := k.deliver(); len(again) > 0 {
		t.Errorf("again %v", again)
	}
	if seen := b.take(); !slices.Equal(seen, []string{"a2", "a3", "a4"}) {
		t.Errorf("handled %v", seen)
	}
}

// One that is given up is out of the way, as with a redrive policy.
func TestFIFODeadLetter(t *testing.T) {
	b := &bodies{fail: map[string]error{"a1": sqsbatch.Permanent(errBoom)}}
	k := newKit(t, fifoARN).run(b.handle, sqsbatch.DeadLetterQueue(fifoDLQARN))
	k.queue.send("a", "a1")
	k.queue.send("a", "a2")
	if again := k.deliver(); len(again) > 0 {
		t.Errorf("again %v", again)
	}
	k.want(sqsbatch.OutcomeDead, sqsbatch.OutcomeSucceeded)
	if sent := k.queue.letters(); len(sent) != 1 || *sent[0].MessageGroupId != "a" || *sent[0].MessageDeduplicationId != "m1" {
		t.Errorf("sent %+v", sent)
	}
}

// A group waits for one that another run holds.
func TestFIFOWaitsForLease(t *testing.T) {
	b := &bodies{}
	k := newKit(t, fifoARN)
	k.run(b.handle, sqsbatch.Idempotent(k.records, byBody))
	k.leaseTo("a1", 10*time.Minute)
	k.queue.send("a", "a1")
	k.queue.send("a", "a2")
	if again := k.deliver(); len(again) != 2 || len(b.take()) > 0 {
		t.Errorf("again %v", again)
	}
	k.want(sqsbatch.OutcomeInProgress, sqsbatch.OutcomeSkipped)
	k.clock.advance(10 * time.Minute)
	if again := k.deliver(); len(again) > 0 || !slices.Equal(b.take(), []string{"a1", "a2"}) {
		t.Errorf("again %v", again)
	}
}

// Groups are handled at the same time, and each in order.
func TestFIFOGroupsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(fifoARN, time.Now)
		b := &bodies{}
		var order []string
		f, err := sqsbatch.Handle(func(ctx context.Context, m events.SQSMessage) error {
			time.Sleep(time.Second)
			b.mu.Lock()
			order = append(order, m.Body)
			b.mu.Unlock()
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, body := range []string{"a1", "a2", "b1", "c1", "b2", "a3"} {
			q.send(body[:1], body)
		}
		start := time.Now()
		response, err := f(t.Context(), q.receive(10))
		if err != nil || len(response.BatchItemFailures) > 0 || time.Since(start) != 3*time.Second {
			t.Errorf("%v, %v after %v", response, err, time.Since(start))
		}
		for _, pair := range [][2]string{{"a1", "a2"}, {"a2", "a3"}, {"b1", "b2"}} {
			if slices.Index(order, pair[0]) > slices.Index(order, pair[1]) {
				t.Errorf("%v: %s before %s", order, pair[1], pair[0])
			}
		}
	})
}
