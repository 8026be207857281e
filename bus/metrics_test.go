package bus_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/bus/bustest"
	"github.com/vinci-go/vinci/event"
)

var update = flag.Bool("update", false, "write golden files anew")

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s (run with -update to accept):\n%s\nwant\n%s", path, got, want)
	}
}

// lines is a writer that tells whether each line came in one call.
type lines struct {
	bytes.Buffer
	mu     sync.Mutex
	writes int
	fail   error
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.writes++
	if l.fail != nil {
		return 0, l.fail
	}
	return l.Buffer.Write(p)
}

// measured is a kit whose handlers answer by the number of the door: 1 fails, 2
// fails for good, and each run takes that many seconds.
func measured(t *testing.T, out *lines) *bustest.Kit {
	var k *bustest.Kit
	k = bustest.With(t, bustest.Options{Change: func(o *bus.ConsumerOptions) {
		o.Metrics = bus.Metrics{Writer: out, Application: "doors", Deployment: "dev"}
		o.Concurrency = 1
	}}, bus.Subscription("measured", bus.To(event.Match("door.*"))),
		bus.OnTx(doorOpened, func(_ context.Context, e event.Event[opened], _ *bus.Tx) error {
			k.Advance(time.Duration(e.Data.N) * time.Second)
			switch e.Data.N {
			case 1:
				return errBoom
			case 2:
				return bus.Permanent(errBoom)
			}
			return nil
		}))
	return k
}

func TestMetrics(t *testing.T) {
	var out lines
	k := measured(t, &out)
	es := openings(k, 4)
	k.Advance(1500 * time.Millisecond) // the lag so far
	batch := []events.SQSMessage{
		k.Message(es[0], 1), k.Message(es[1], 1), k.Message(es[2], 1), k.Message(es[3], 1),
		k.Message(es[0], 2), // a duplicate
		k.Raw("no event", 1),
		k.Message(k.Event(doorClosed.Record(closed{})), 1), // ignored, which is not counted
	}
	if _, err := k.Handle(t.Context(), batch...); err != nil {
		t.Fatal(err)
	}
	k.Deliver(es[0]) // only a duplicate
	k.Deliver(k.Event(doorClosed.Record(closed{})))
	golden(t, "metrics.golden", out.Bytes())
	if out.writes != 2 {
		t.Errorf("%d writes, want one a line, and none where nothing is to be said", out.writes)
	}
}

// CloudWatch takes at most 100 numbers of a name in one line.
func TestMetricsOfManyEvents(t *testing.T) {
	var out lines
	k := measured(t, &out)
	const n = 205
	es := make([]event.Envelope, n)
	for i := range es {
		es[i] = k.Event(doorOpened.Record(opened{}))
	}
	k.Deliver(es...)
	handled, seen := 0, 0
	for dec := json.NewDecoder(&out.Buffer); dec.More(); {
		var line struct {
			Handled         int
			DurationMs, Lag []int
		}
		if err := dec.Decode(&line); err != nil {
			t.Fatal(err)
		}
		if len(line.DurationMs) > 100 || len(line.Lag) != len(line.DurationMs) {
			t.Errorf("%d durations, %d lags", len(line.DurationMs), len(line.Lag))
		}
		handled += line.Handled
		seen += len(line.Lag)
	}
	if handled != n || seen != n || out.writes != 3 {
		t.Errorf("%d handled, %d numbers in %d lines, want %d in 3", handled, seen, out.writes, n)
	}
}

// A metric that cannot be written costs no event.
func TestMetricsCannotBeWritten(t *testing.T) {
	out := lines{fail: errors.New("disk full")}
	k := measured(t, &out)
	e := opening(k, 0)
	if r := k.Deliver(e)[0]; r.Again {
		t.Errorf("receipt %+v", r)
	}
	wantDelivery(t, k.Delivery(e.ID), bus.Succeeded, 1, "")
}
