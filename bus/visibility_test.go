package bus_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/bus/bustest"
	"github.com/vinci-go/vinci/event"
)

// A handler that may run longer than the queue hides its message is refused, when
// the program starts or, where only the invocation tells, before anything runs.
func TestVisibilityRefused(t *testing.T) {
	tests := []struct {
		name                           string
		timeout, visibility, heartbeat time.Duration
		want                           string // "": allowed
	}{
		{name: "not known", timeout: time.Hour},
		{name: "long enough", timeout: 30 * time.Second, visibility: 30 * time.Second},
		{name: "too short", timeout: 31 * time.Second, visibility: 30 * time.Second, want: "a run may last 31s, and the queue hides a message for 30s"},
		{name: "too short, with a heartbeat", timeout: time.Hour, visibility: 30 * time.Second, heartbeat: 15 * time.Second},
		{name: "a heartbeat that may be late", timeout: time.Hour, visibility: 30 * time.Second, heartbeat: 16 * time.Second, want: "allowed is up to half of it"},
		{name: "a heartbeat of what", heartbeat: time.Second, want: "Visibility is not set"},
		{name: "longer than SQS can", timeout: 13 * time.Hour, visibility: time.Minute, heartbeat: time.Second, want: "SQS hides a message for 12h0m0s in all"},
		{name: "no time-out of SQS", visibility: 13 * time.Hour, want: "which is the most that SQS knows"},
		{name: "negative", visibility: -1, want: "visibility time-out -1ns"},
		{name: "negative heartbeat", visibility: time.Minute, heartbeat: -1, want: "it cannot be negative"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := bus.NewConsumer(bus.ConsumerOptions{
				Subscription: txDoor, Parts: []bus.Part{bus.OnTx(doorOpened, countUp)},
				Timeout: tt.timeout, Visibility: tt.visibility, Heartbeat: tt.heartbeat,
			})
			text := err.Error() // there is no store
			if tt.want != "" && !strings.Contains(text, tt.want) {
				t.Errorf("the error lacks %q:\n%s", tt.want, text)
			}
			if tt.want == "" && (strings.Contains(text, "hides") || strings.Contains(text, "beat")) {
				t.Errorf("refused:\n%s", text)
			}
		})
	}
}

func TestVisibilityOfTheInvocation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		runs := 0
		k := bustest.With(t, bustest.Options{Change: func(o *bus.ConsumerOptions) { o.Visibility = 30 * time.Second }}, txDoor,
			bus.On(doorOpened, func(context.Context, event.Event[opened]) error { runs++; return nil }))
		ctx, cancel := context.WithTimeout(t.Context(), 31*time.Second)
		defer cancel()
		e := opening(k, 1)
		_, err := k.Handle(ctx, k.Message(e, 1))
		if !errors.Is(err, bus.ErrVisibility) || !strings.Contains(err.Error(), "the function has 31s left, and the queue hides its messages for 30s") {
			t.Errorf("error %v", err)
		}
		if runs != 0 || k.Delivered(e.ID) {
			t.Errorf("%d runs", runs)
		}
		time.Sleep(time.Second)
		k.DeliverIn(ctx, 1, e)
		wantDelivery(t, k.Delivery(e.ID), bus.Succeeded, 1, "")
	})
}

// Without a deadline of the context the consumer's own time-out ends a handler,
// and it is no longer than the queue hides the message.
func TestTimeoutWithoutDeadline(t *testing.T) {
	tests := []struct {
		name                string
		timeout, visibility time.Duration
		want                time.Duration // until the handler's context ends
	}{
		{"default", 0, 0, 15*time.Minute - 2*time.Second},
		{"set", time.Hour, 0, time.Hour - 2*time.Second},
		{"by the queue", 0, time.Minute, 58 * time.Second},
		{"shorter than the queue", 10 * time.Second, time.Minute, 9 * time.Second},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				k := bustest.With(t, bustest.Options{Change: func(o *bus.ConsumerOptions) { o.Timeout, o.Visibility = tt.timeout, tt.visibility }}, txDoor,
					bus.On(doorOpened, func(ctx context.Context, _ event.Event[opened]) error { <-ctx.Done(); return ctx.Err() }))
				began := time.Now()
				e := opening(k, 1)
				if _, err := k.Handle(context.Background(), k.Message(e, 1)); err != nil {
					t.Fatal(err)
				}
				if took := time.Since(began); took != tt.want {
					t.Errorf("the handler had %v, want %v", took, tt.want)
				}
				wantDelivery(t, k.Delivery(e.ID), bus.Failed, 1, "time-out")
			})
		})
	}
}

// beats records every change of visibility with the time of the call.
type beats struct {
	mu    sync.Mutex
	began time.Time
	calls []string
	fail  error
	slow  time.Duration
}

func (b *beats) ChangeVisibility(ctx context.Context, _, receipt string, d time.Duration) error {
	b.mu.Lock()
	b.calls = append(b.calls, fmt.Sprintf("%s at %v for %v", receipt, time.Since(b.began), d))
	slow := b.slow
	b.mu.Unlock()
	if slow > 0 {
		time.Sleep(slow)
	}
	return b.fail
}

func (b *beats) SendToDeadLetter(context.Context, bus.DeadLetter) error { return nil }

// Messages are hidden anew while they are worked on or wait for their turn, and
// not any more once they are done with: what a failed one is hidden for stays.
func TestHeartbeat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := &beats{began: time.Now()}
		k := bustest.With(t, bustest.Options{Change: func(o *bus.ConsumerOptions) {
			o.Visibility, o.Heartbeat, o.Queue, o.Concurrency = 30*time.Second, 10*time.Second, q, 1
		}}, txDoor, bus.OnTx(doorOpened, func(_ context.Context, e event.Event[opened], _ *bus.Tx) error {
			time.Sleep(12 * time.Second)
			if e.Data.N == 1 {
				return errBoom
			}
			return nil
		}))
		if _, err := k.Handle(t.Context(), k.Message(opening(k, 1), 1), k.Message(opening(k, 2), 1)); err != nil {
			t.Fatal(err)
		}
		want := []string{
			"receipt-1 at 10s for 30s", "receipt-2 at 10s for 30s",
			"receipt-1 at 12s for 1s",
			"receipt-2 at 20s for 30s",
		}
		if fmt.Sprint(q.calls) != fmt.Sprint(want) {
			t.Errorf("calls\n%s\nwant\n%s", strings.Join(q.calls, "\n"), strings.Join(want, "\n"))
		}
		time.Sleep(time.Hour) // and none later
		if len(q.calls) != len(want) {
			t.Errorf("calls after the end: %v", q.calls[len(want):])
		}
	})
}

// A beat that is on its way when the message is done with does not undo what the
// result asks for, and one that fails is no failure.
func TestHeartbeatIsNotTheLastWord(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := &beats{began: time.Now(), fail: errBoom, slow: 5 * time.Second}
		k := bustest.With(t, bustest.Options{Change: func(o *bus.ConsumerOptions) {
			o.Visibility, o.Heartbeat, o.Queue = 30*time.Second, 10*time.Second, q
		}}, txDoor, bus.On(doorOpened, func(context.Context, event.Event[opened]) error {
			time.Sleep(11 * time.Second)
			return errBoom
		}))
		e := opening(k, 1)
		if _, err := k.Handle(t.Context(), k.Message(e, 1)); err != nil {
			t.Fatal(err)
		}
		if want := []string{"receipt-1 at 10s for 30s", "receipt-1 at 15s for 1s"}; fmt.Sprint(q.calls) != fmt.Sprint(want) {
			t.Errorf("calls %v, want %v", q.calls, want)
		}
		wantDelivery(t, k.Delivery(e.ID), bus.Failed, 1, "failed")
	})
}
