package rebuild

import (
	"context"
	"fmt"
	"strings"

	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/orm"
)

// Unhandled is an event that is not, or not rightly, in a generation.
type Unhandled struct {
	EventID   string `json:"event_id"`
	EventType string `json:"event_type"`
	// State is that of its delivery record: failed, dead, processing; or "missing"
	// when it has none, "behind" when its stream waits for another event, "fails"
	// when it is recorded as handled and its handler fails now.
	State string `json:"state"`
	Error string `json:"error,omitempty"`
}

// String is one line for people.
func (u Unhandled) String() string {
	text := fmt.Sprintf("%s %s: %s", u.EventID, u.EventType, u.State)
	if u.Error != "" {
		text += ": " + u.Error
	}
	return text
}

const (
	missing = "missing"
	behind  = "behind"
	fails   = "fails"
)

// verdict is what the records of a generation say of an event.
type verdict struct {
	settled bool
	applied bool // settled, and its effect is in the items
	dead    bool // nobody will try it any more
	why     Unhandled
}

// page is how many events are looked up at once.
const page = 100

// verdicts look events up, all of which the subscription asks for. forgets: records
// may have expired, so an old event without one counts as handled.
func (t *Tool) verdicts(ctx context.Context, generation string, forgets bool, es []event.Envelope) ([]verdict, error) {
	keys := make([]orm.Pair[string, string], len(es))
	for i, e := range es {
		keys[i] = orm.Key(bus.RecordID(e.ID, generation), t.model.sub.Name)
	}
	records, err := bus.Deliveries.GetBatch(ctx, t.Store, keys)
	if err != nil {
		return nil, err
	}
	forgotten := t.Now().Add(-bus.MinRetention)
	out := make([]verdict, len(es))
	for i, e := range es {
		v := &out[i]
		v.why = Unhandled{EventID: e.ID, EventType: e.Type, State: missing}
		switch d := records[i]; {
		case d == nil && forgets && e.Time.Before(forgotten):
			v.settled, v.applied = true, !t.replaced[e.ID]
		case d == nil:
		case d.Status == bus.Succeeded:
			v.settled, v.applied = true, true
		case d.Status == bus.Ignored:
			v.settled = true
		default:
			v.dead = d.Status == bus.Dead
			v.why.State = string(d.Status)
			v.why.Error = strings.TrimPrefix(d.ErrorKind+": "+d.ErrorMessage, ": ")
		}
	}
	return out, t.blocked(ctx, generation, es, out)
}

// blocked finds, for an ordered subscription, events without a record whose stream
// waits for another that was given up.
func (t *Tool) blocked(ctx context.Context, generation string, es []event.Envelope, of []verdict) error {
	if !t.model.sub.Ordered {
		return nil
	}
	for i, e := range es {
		v := &of[i]
		if v.settled || v.why.State != missing {
			continue
		}
		stream, _, err := event.ParseID(e.ID)
		if err != nil {
			return err
		}
		c, err := bus.ReadCheckpoint(ctx, t.Store, bus.RecordID(t.model.sub.Name, generation), stream)
		if err != nil {
			return err
		}
		if c.GivenUp() {
			v.dead, v.why.State, v.why.Error = true, behind, "its stream waits for "+c.BlockedBy
		}
	}
	return nil
}

// asked are those of some events that the subscription asks for.
func (t *Tool) asked(es []event.Envelope) ([]event.Envelope, error) {
	var out []event.Envelope
	for _, e := range es {
		askers, err := t.ops.Askers(e)
		if err != nil {
			return nil, err
		}
		if len(askers) > 0 && t.model.handles(e.Type) {
			out = append(out, e)
		}
	}
	return out, nil
}

// findReplaced looks up the events in whose place others were sent: their records
// expire, and without one they would count as applied.
func (t *Tool) findReplaced(ctx context.Context) error {
	ids, err := t.ops.Replaced(ctx, t.model.sub.Name)
	if err != nil {
		return err
	}
	t.replaced = make(map[string]bool, len(ids))
	for _, id := range ids {
		t.replaced[id] = true
	}
	return nil
}
