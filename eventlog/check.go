package eventlog

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/orm"
)

// maxFlow keeps what a request brings along far below DynamoDB's 2,048 bytes for
// a partition key: a correlation id is one, and may come from a header.
const maxFlow = 256

// checked is changes with nothing wrong that can be seen without the store.
type checked struct {
	actions []orm.Action // of the caller's writes
	bytes   int          // of the caller's writes
	events  []event.Record
	timers  []Timer
	cancel  []string
	command *Command // nil: none
}

// check makes the actions of the writes, from what is stored now, and finds
// everything that is wrong with the changes at once. Another error than an
// *InvalidError or *TooLargeError is the store's: the changes may be right.
func (l *Log) check(ctx context.Context, c Changes) (*checked, error) {
	var problems []error
	ch := &checked{events: c.Events, timers: c.Timers, cancel: c.Cancel}
	for i, w := range c.Writes {
		if w == nil {
			problems = append(problems, fmt.Errorf("write %d is nil", i))
			continue
		}
		actions, err := w.Actions(ctx, l.store)
		if notRead(err) {
			return nil, fmt.Errorf("write %d: %w", i, err)
		}
		if err != nil {
			problems = append(problems, fmt.Errorf("write %d: %w", i, err))
			continue
		}
		for _, a := range actions {
			if a.Table.Name == Events.Schema().Name {
				problems = append(problems, fmt.Errorf("write %d is to the table %q: the log is written through Changes.Events only", i, a.Table.Name))
			}
			ch.bytes += a.Size()
		}
		ch.actions = append(ch.actions, actions...)
	}
	first := map[string]event.Expected{}
	last := map[string]event.Expected{}
	for i := range c.Events {
		r := &c.Events[i]
		if err := CheckRecord(r); err != nil {
			problems = append(problems, fmt.Errorf("event %d: %w", i, err))
			continue
		}
		if r.Stream == "" {
			continue
		}
		if err := consecutive(r, first, last); err != nil {
			problems = append(problems, fmt.Errorf("event %d: %w", i, err))
		}
	}
	problems = append(problems, checkTimers(&c)...)
	own := len(c.Events) + len(c.Timers) + len(c.Cancel) // actions of the log's own
	if err := c.Command.check(); err != nil {
		problems = append(problems, err)
	} else if c.Command.ID != "" {
		command := c.Command // alone: the changes need not outlive the call
		ch.command = &command
		own++
	}
	if len(c.Writes)+own == 0 {
		problems = append(problems, fmt.Errorf("there is nothing to commit: neither a write nor an event nor a timer"))
	}
	if len(problems) > 0 {
		return nil, &InvalidError{Problems: problems}
	}
	if n := len(ch.actions) + own; n > MaxActions {
		return nil, &TooLargeError{Event: -1, Actions: n}
	}
	return ch, nil
}

// notRead reports whether a write could not be made because the store did not
// say what it depends on. That is no mistake in the write.
func notRead(err error) bool {
	for _, k := range []error{orm.KindUnavailable, orm.KindThrottled, orm.KindConflict, orm.KindDenied, orm.KindNoTable, context.Canceled, context.DeadlineExceeded} {
		if errors.Is(err, k) {
			return true
		}
	}
	return false
}

// CheckRecord reports what is wrong with a record, nil when it may be committed.
// Records made by a definition are right; one made by hand may be anything. The
// error is the record's own, or an *[event.Error].
func CheckRecord(r *event.Record) error {
	if r.Err != nil {
		return r.Err
	}
	if err := event.CheckType(r.Type); err != nil {
		return err
	}
	bad := func(reason string) error {
		return &event.Error{Kind: event.KindInvalid, Op: "record", Type: r.Type, Reason: reason}
	}
	if r.SchemaVersion < 1 {
		return bad(fmt.Sprintf("schema version %d: allowed are whole numbers from 1", r.SchemaVersion))
	}
	if !isObject(r.Data) {
		return bad("its data is no JSON object")
	}
	if (len(r.Public) > 0) != (r.PublicVersion != 0) || r.PublicVersion < 0 {
		return bad(fmt.Sprintf("%d bytes of public data with public version %d: a public event has both, an internal one neither", len(r.Public), r.PublicVersion))
	}
	if len(r.Public) > 0 && !isObject(r.Public) {
		return bad("its public data is no JSON object")
	}
	if r.Stream == "" {
		return nil
	}
	if r.Expected < event.Append {
		return bad(fmt.Sprintf("expected version %d: allowed are event.Append, event.New and event.Expect(n) with n from 1", r.Expected))
	}
	return event.CheckStream(r.Stream)
}

func isObject(data []byte) bool {
	d := bytes.TrimLeft(data, " \t\r\n")
	return len(d) > 0 && d[0] == '{' && json.Valid(d) && utf8.Valid(d)
}

// consecutive checks what the second and later events of one stream expect. The
// first one decides for the stream; the others follow it, and may say so with
// the same expectation, with Append, or with the version before their own.
func consecutive(r *event.Record, first, last map[string]event.Expected) error {
	began, later := first[r.Stream]
	if !later {
		first[r.Stream], last[r.Stream] = r.Expected, r.Expected
		return nil
	}
	before := event.Append // the version before this one, unknown when appending
	if began != event.Append {
		last[r.Stream]++
		before = last[r.Stream]
	}
	if r.Expected == began || r.Expected == event.Append || r.Expected == before {
		return nil
	}
	return &event.Error{Kind: event.KindInvalid, Op: "record", Type: r.Type,
		Reason: fmt.Sprintf("it expects stream %s at version %d, and an earlier event of this commit already decided where the stream is: allowed are event.Append and what the first event of the stream expects", r.Stream, r.Expected)}
}

// flowOf reads the context's flow and checks that it can be stored.
func flowOf(ctx context.Context) (event.Flow, error) {
	f := event.FlowFrom(ctx)
	var problems []error
	for _, m := range [...]struct{ name, value string }{
		{"correlation id", f.CorrelationID}, {"causation id", f.CausationID},
		{"tenant id", f.TenantID}, {"actor", f.Actor}, {"traceparent", f.TraceParent},
	} {
		if len(m.value) > maxFlow {
			problems = append(problems, fmt.Errorf("the context's %s has %d bytes, at most %d are allowed", m.name, len(m.value), maxFlow))
		} else if !utf8.ValidString(m.value) {
			problems = append(problems, fmt.Errorf("the context's %s is no valid UTF-8", m.name))
		}
	}
	if len(problems) > 0 {
		return event.Flow{}, &InvalidError{Problems: problems}
	}
	return f, nil
}

// maxCommitID is the longest ClientRequestToken.
const maxCommitID = 36

// checkCommitID guards against an Options.NewID that does not keep its promise.
func checkCommitID(id string) error {
	if id == "" || len(id) > maxCommitID || event.CheckStream("fact/"+id) != nil {
		return &InvalidError{Problems: []error{fmt.Errorf("commit id %q from Options.NewID: allowed are 1 to %d characters of printable ASCII without blanks", id, maxCommitID)}}
	}
	return nil
}
