package bus_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"

	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/bus/bustest"
	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/orm"
)

// A small application of its own: the framework's tests know no other.
type (
	opened  struct{ N int }
	closed  struct{ N int }
	noted   struct{ Text string }
	counter struct {
		Name  string `dynamo:"name,hash"`
		Count int    `dynamo:"count"`
	}
)

var (
	doorOpened = event.Define[opened]("door.opened")
	doorClosed = event.Define[closed]("door.closed")
	doorNoted  = event.Define[noted]("log.noted")

	counters = orm.Define[counter, string]("counters")
	others   = orm.Define[counter, string]("others")
	count    = orm.Number(counters, func(c *counter) *int { return &c.Count })
	count2   = orm.Number(others, func(c *counter) *int { return &c.Count })
)

var (
	onDoor = bus.Subscription("on_door", bus.To(doorOpened, doorClosed))
	txDoor = bus.Subscription("tx_door", bus.To(doorOpened), bus.Writes(counters), bus.Commits(doorNoted))
)

func countUp(_ context.Context, _ event.Event[opened], tx *bus.Tx) error {
	tx.Write(counters.Update("doors", count.Add(1)))
	return nil
}

// opening makes the n-th opening of a door of its own.
func opening(k *bustest.Kit, n int) event.Envelope {
	return k.Event(doorOpened.At(fmt.Sprintf("door/%d", n), event.New).Record(opened{N: n}))
}

func counted(t *testing.T, k *bustest.Kit) int {
	t.Helper()
	c, err := counters.Get(t.Context(), k.Store, "doors")
	if err != nil && !errors.Is(err, orm.KindNotFound) {
		t.Fatal(err)
	}
	return c.Count
}

// effects is the outside world of a handler made with On.
type effects struct {
	mu   sync.Mutex
	list []string
	fail error // of the next runs
}

func (f *effects) handle(_ context.Context, e event.Event[opened]) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.list = append(f.list, e.ID)
	return f.fail
}

func (f *effects) count() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.list)
}

func (f *effects) failWith(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fail = err
}

func closing(context.Context, event.Event[closed]) error { return nil }

// leasedKit is a kit of a handler that counts its effects.
func leasedKit(t *testing.T, o bustest.Options) (*bustest.Kit, *effects) {
	f := &effects{}
	return bustest.With(t, o, onDoor, bus.On(doorOpened, f.handle), bus.On(doorClosed, closing)), f
}

func wantDelivery(t *testing.T, d bus.Delivery, status bus.Status, attempts int, kind string) {
	t.Helper()
	if d.Status != status || d.Attempts != attempts || d.ErrorKind != kind {
		t.Errorf("delivery %s: %s after %d attempts, error kind %q (%s), want %s after %d, %q",
			d.EventID, d.Status, d.Attempts, d.ErrorKind, d.ErrorMessage, status, attempts, kind)
	}
}

// quiet is for tests of many runs.
func quiet(o *bus.ConsumerOptions) { o.Logger = slog.New(slog.DiscardHandler) }

var errBoom = errors.New("boom")
