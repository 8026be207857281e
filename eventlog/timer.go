package eventlog

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/orm"
)

// Timer is an event that becomes due later. It is committed with what it belongs
// to ([Changes].Timers), so that there is never one without the other, and taken
// back with what made it pointless ([Changes].Cancel).
//
// When it is due the timers function (package eventlog/timers) commits the event
// and removes the timer in one transaction: it fires once, or was cancelled, or
// was replaced, and never two of these. In AWS that function runs every minute,
// so an event comes up to a minute and a little after Due; what became due in an
// outage comes after it, the events of one stream in the order of Due. The event's
// time is when it was committed.
//
// A cancellation and the function may meet: the event may have been fired in the
// moment in which the commit that cancels it was decided. Its handler therefore
// looks whether what the timer was about is still so.
type Timer struct {
	// ID is by what the timer is cancelled or replaced, one in the whole
	// application: 1 to MaxTimerID characters of printable ASCII without blanks,
	// such as order/7f3c/unpaid. Empty: the log makes one that nobody knows, for a
	// timer that is never cancelled.
	ID string
	// Due is the earliest time at which the event is fired. The past is allowed:
	// then it is fired as soon as can be.
	Due time.Time
	// Event is what is committed then: a fact with no aggregate, or placed in a
	// stream with event.Append, because when it fires nobody is there who could
	// decide again.
	Event event.Record
	// Replace puts the timer in the place of one that has this id. Without it such
	// a one is a *TimerExistsError.
	Replace bool
}

// Limits of timers.
const (
	MaxTimerID = 256 // characters
	// TimerShards is the number of partitions that timers are spread over in the
	// index by_due, by their ids. Each takes 1,000 writes a second.
	TimerShards = 4
)

// CheckTimerID reports what is wrong with the id of a timer, nil when it may be
// used.
func CheckTimerID(id string) error {
	if id == "" || len(id) > MaxTimerID || strings.ContainsFunc(id, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return fmt.Errorf("timer id %q: allowed are 1 to %d characters of printable ASCII without blanks, like order/7f3c/unpaid", clip(id), MaxTimerID)
	}
	return nil
}

// TimerShard is the partition of the index by_due that a timer goes to.
func TimerShard(id string) string {
	h := fnv.New32a()
	h.Write([]byte(id)) // a hash.Hash never returns an error
	return timerShard(int(h.Sum32() % TimerShards))
}

func timerShard(n int) string { return StateTimer + "#" + strconv.Itoa(n) }

// timerData is a timer's StateItem.Data: the event as it will be committed, but
// for its place, and what the request brought along that set it.
type timerData struct {
	Type          string `json:"type"`
	SchemaVersion int    `json:"schema_version"`
	Stream        string `json:"stream,omitempty"`
	Data          string `json:"data"` // JSON as text: json.Marshal would change a json.RawMessage
	Public        string `json:"public,omitempty"`
	PublicVersion int    `json:"public_version,omitempty"`
	CorrelationID string `json:"correlation_id,omitempty"`
	CausationID   string `json:"causation_id,omitempty"`
	TenantID      string `json:"tenant_id,omitempty"`
	Actor         string `json:"actor,omitempty"`
	TraceParent   string `json:"traceparent,omitempty"`
}

// encodeTimer makes the text of a timer's data.
func encodeTimer(r *event.Record, flow event.Flow) (string, error) {
	b, err := json.Marshal(timerData{
		Type: r.Type, SchemaVersion: r.SchemaVersion, Stream: r.Stream, Data: string(r.Data),
		Public: string(r.Public), PublicVersion: r.PublicVersion,
		CorrelationID: flow.CorrelationID, CausationID: flow.CausationID,
		TenantID: flow.TenantID, Actor: flow.Actor, TraceParent: flow.TraceParent,
	})
	return string(b), err
}

func decodeTimer(text string) (event.Record, event.Flow, error) {
	var d timerData
	if err := json.Unmarshal([]byte(text), &d); err != nil {
		return event.Record{}, event.Flow{}, err
	}
	r := event.Record{
		Type: d.Type, SchemaVersion: d.SchemaVersion, Stream: d.Stream, Expected: event.Append,
		Data: json.RawMessage(d.Data), Public: json.RawMessage(d.Public), PublicVersion: d.PublicVersion,
	}
	flow := event.Flow{
		CorrelationID: d.CorrelationID, CausationID: d.CausationID,
		TenantID: d.TenantID, Actor: d.Actor, TraceParent: d.TraceParent,
	}
	return r, flow, CheckRecord(&r)
}

// checkTimers finds what is wrong with the timers of changes, as far as that can
// be seen without the store.
func checkTimers(c *Changes) []error {
	var problems []error
	wrong := func(format string, args ...any) { problems = append(problems, fmt.Errorf(format, args...)) }
	seen := map[string]string{}
	once := func(id, what string) {
		if before, twice := seen[id]; twice {
			wrong("%s has the id %q, which is that of %s: one commit does one thing with a timer; to set it again, set it with Timer.Replace and do not cancel it", what, clip(id), before)
			return
		}
		seen[id] = what
	}
	for i := range c.Timers {
		t := &c.Timers[i]
		what := fmt.Sprintf("timer %d", i)
		switch {
		case t.ID != "":
			if err := CheckTimerID(t.ID); err != nil {
				wrong("%s: %w", what, err)
			}
			once(t.ID, what)
		case t.Replace:
			wrong("%s: Replace is set and ID is empty: name the timer that it replaces", what)
		}
		// The years that text of a fixed width can hold.
		if y := t.Due.UTC().Year(); t.Due.IsZero() || y < 1 || y > 9999 {
			wrong("%s: it is due at %s: allowed are times of the years 1 to 9999, and not the zero time", what, t.Due)
		}
		if err := CheckRecord(&t.Event); err != nil {
			wrong("%s: %w", what, err)
		} else if t.Event.Stream != "" && t.Event.Expected != event.Append {
			wrong("%s: its event %s expects stream %s at version %d: when it fires nobody can decide again; place it with event.Append, and let its handler look", what, t.Event.Type, t.Event.Stream, t.Event.Expected)
		}
	}
	for i, id := range c.Cancel {
		what := fmt.Sprintf("cancellation %d", i)
		if err := CheckTimerID(id); err != nil {
			wrong("%s: %w", what, err)
		}
		once(id, what)
	}
	return problems
}

// addTimers adds the actions of checked timers and cancellations, and returns the
// bytes of what they write.
func (p *Prepared) addTimers(ch *checked, flow event.Flow) (bytes int, err error) {
	p.timersAt = len(p.actions)
	for i := range ch.timers {
		t := &ch.timers[i]
		id := t.ID
		if id == "" {
			id = p.id + "/" + strconv.Itoa(i)
		}
		put, err := t.put(id, flow, p.id)
		if err != nil {
			return 0, err
		}
		p.timers, p.actions = append(p.timers, id), append(p.actions, put)
		bytes += put.Size()
	}
	for _, id := range ch.cancel {
		item, err := State.Encode(StateItem{Key: TimerKey(id)})
		if err != nil {
			return 0, fmt.Errorf("cancel timer %s: %w", id, err)
		}
		// Without a condition: a timer that is gone has fired or was cancelled.
		p.actions = append(p.actions, orm.Action{Op: orm.OpDelete, Table: State.Schema(), Key: State.Schema().KeyOf(item)})
	}
	return bytes, nil
}

// put is the action that sets the timer under an id.
func (t *Timer) put(id string, flow event.Flow, commitID string) (orm.Action, error) {
	if err := t.fits(id, flow); err != nil {
		return orm.Action{}, err
	}
	data, err := encodeTimer(&t.Event, flow)
	if err != nil {
		return orm.Action{}, fmt.Errorf("timer %s: encode it: %w", id, err)
	}
	item, err := State.Encode(StateItem{
		Key: TimerKey(id), Kind: StateTimer, Data: data, CommitID: commitID,
		Due: t.Due.UTC().Format(timeLayout), DueShard: TimerShard(id),
	})
	if err != nil {
		return orm.Action{}, fmt.Errorf("timer %s: encode its item: %w", id, err)
	}
	if size := orm.ItemSize(item); size > orm.MaxItemSize {
		return orm.Action{}, &TooLargeError{Event: -1, Timer: id, Type: t.Event.Type, Bytes: size}
	}
	put := orm.Action{Op: orm.OpPut, Table: State.Schema(), Item: item}
	if !t.Replace {
		put.If = &orm.Cond{Op: orm.CondNotExists, Path: State.Schema().Hash}
	}
	return put, nil
}

// fits refuses an event now that could not be committed when it is due. The
// timer's own item is another matter: there the data is text in a text, in which
// each quotation mark takes two bytes.
func (t *Timer) fits(id string, flow event.Flow) error {
	pl := &place{stream: t.Event.Stream, version: math.MaxInt64}
	longest := strings.Repeat("x", maxCommitID)
	if pl.stream == "" {
		pl.stream = "fact/" + longest
	}
	item, err := Events.Encode(stored(&t.Event, pl, t.Due.UTC(), flow, longest))
	if err != nil {
		return fmt.Errorf("timer %s: encode its event: %w", id, err)
	}
	if size := orm.ItemSize(item); size > MaxEvent {
		return &TooLargeError{Event: -1, Timer: id, Type: t.Event.Type, Bytes: size}
	}
	return nil
}

// clip keeps messages readable when somebody passes a document as an id.
func clip(s string) string {
	const most = 120
	if len(s) <= most {
		return s
	}
	return s[:most] + "…"
}
