package ops_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/ops"
)

// Whatever call to a queue fails, before or after its effect, and however often
// somebody tries again by redriving or by a replay: no event is lost, each is handled
// once, and each act is on record before its effect.
func TestNothingIsLost(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		f, h := charging(t)
		n := rapid.IntRange(1, 25).Draw(rt, "events")
		es := f.dead(h, n)
		// Some of the messages are there twice, and some are gone, if it is a replay that
		// mends it in the end; else redriving alone must lose none.
		replays := rapid.Bool().Draw(rt, "replays")
		for i, m := range slices.Clone(f.queues.held[dlq("charge")]) {
			switch rapid.IntRange(0, 4).Draw(rt, fmt.Sprint("message ", i)) {
			case 0:
				f.queues.put(dlq("charge"), ops.Message{Body: m.Body, Attributes: m.Attributes})
			case 1:
				if !replays {
					continue
				}
				f.queues.held[dlq("charge")] = slices.DeleteFunc(f.queues.held[dlq("charge")], func(x *queued) bool { return x == m })
			}
		}
		failing := true
		f.queues.fail = func(op, queue string) error {
			if failing && queue != "" && rapid.IntRange(0, 9).Draw(rt, op) == 0 {
				return errors.New("the line is cut")
			}
			return nil
		}
		for range 3 {
			failing = true
			var err error
			if replays && rapid.Bool().Draw(rt, "replay") {
				acts := len(f.acts("charge"))
				var p ops.ReplayProgress
				p, err = f.ops.Replay(f.ctx, "charge", ops.Replay{Selection: ops.Selection{Types: []string{"order.placed"}, From: es[0].Time}, Rate: 7})
				if p.Sent > 0 && len(f.acts("charge")) != acts+2 {
					rt.Fatalf("a replay sent %d and left no record", p.Sent)
				}
			} else {
				acts := len(f.acts("charge"))
				var done ops.Done
				done, err = f.ops.Redrive(f.ctx, "charge", ops.Pick{All: true})
				if done.Messages > 0 && len(f.acts("charge")) == acts {
					rt.Fatalf("%d messages were redriven and nothing is on record", done.Messages)
				}
			}
			failing = false
			if err != nil && !strings.Contains(err.Error(), "the line is cut") {
				rt.Fatal(err)
			}
			f.advance(10 * time.Minute) // what was left hidden is visible again
			if rapid.Bool().Draw(rt, "work") {
				f.work()
			}
		}
		// The last word has one that is not disturbed.
		if !replays {
			if _, err := f.ops.Redrive(f.ctx, "charge", ops.Pick{All: true}); err != nil {
				rt.Fatal(err)
			}
		} else if _, err := f.ops.Replay(f.ctx, "charge", ops.Replay{Selection: ops.Selection{Types: []string{"order.placed"}, From: es[0].Time}}); err != nil {
			rt.Fatal(err)
		}
		f.work()
		handled := slices.Sorted(slices.Values(h.handled))
		var want []string
		for _, e := range es {
			want = append(want, e.ID)
		}
		slices.Sort(want)
		if !slices.Equal(handled, want) {
			rt.Fatalf("handled %v\nwant %v", handled, want)
		}
		// And what is still in the dead-letter queue does nothing any more.
		if _, err := f.ops.Redrive(f.ctx, "charge", ops.Pick{All: true}); err != nil {
			rt.Fatal(err)
		}
		f.work()
		if len(h.handled) != len(want) {
			rt.Fatalf("handled %d times", len(h.handled))
		}
	})
}

// A consumer that gets what ops sends knows it for what the relay sent.
func TestWhatIsSentIsWhatEventBridgeSends(t *testing.T) {
	f, _ := charging(t)
	e := f.commit(placed.At(at(1), event.New).Record(order{Number: 7, City: "Ulm"}))[0]
	if _, err := f.ops.Replay(f.ctx, "charge", ops.Replay{Selection: ops.Selection{Stream: at(1)}}); err != nil {
		t.Fatal(err)
	}
	sent := f.queues.held[queue("charge")][0]
	want := f.first.Message(e, 1)
	if sent.Body != want.Body {
		t.Errorf("sent %s\nwant %s", sent.Body, want.Body)
	}
	if sent.Attributes[bus.AttrSubscription] != "charge" || len(sent.Attributes) != 1 {
		t.Errorf("attributes %v", sent.Attributes)
	}
}
