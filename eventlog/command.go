package eventlog

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/orm"
)

// Command names what a commit does, so that it is done once however often it is
// asked for: a request that a browser sends again, a program that runs its
// command again because no answer came. The zero Command names nothing.
//
// The record of a command is an item of [State] in the same transaction. It is
// kept for Options.CommandRetention at least; an id must not be used again for
// something else even then, since DynamoDB may remove it days later.
type Command struct {
	// ID is 1 to 255 characters of printable ASCII without blanks, unique in the
	// application: the client's Idempotency-Key with what it belongs to before it,
	// as in "checkout/8e03978e-40d5-43dd-bc93-6894a57f9324".
	ID string
	// Request is what the command was asked to do, as text that is the same each
	// time: the body of the request, for one. Only its SHA-256 is kept, to find an
	// id that is used again for something else. It may be empty.
	Request string
}

// DefaultCommandRetention is how long the record of a command is kept when
// Options.CommandRetention is zero.
const DefaultCommandRetention = 7 * 24 * time.Hour

// DuplicateCommandError says that a command with this id was done before, and
// that this one is not done because of it. Nothing was written.
//
// From [Log.Commit] it comes only when the request was another one, or the
// record cannot be read. From [Prepared.Resolve] it comes for the same request
// as well, with Same set, and First to go on with.
type DuplicateCommandError struct {
	Command string
	Same    bool   // the request is the same
	First   Commit // what was committed when the command was done; zero unless Same
	Err     error  // why the record could not be read, nil when it could

	untold bool // the store did not return the record
}

func (e *DuplicateCommandError) Error() string {
	switch {
	case e.Err != nil:
		return fmt.Sprintf("command %s: it was done before, and its record cannot be read: %v", e.Command, e.Err)
	case e.Same:
		return fmt.Sprintf("command %s: it was done before, by commit %s", e.Command, e.First.ID)
	case e.untold:
		return fmt.Sprintf("command %s: it was done before", e.Command)
	default:
		return fmt.Sprintf("command %s: it was done before with another request: a command id belongs to one request, use a new one for each", e.Command)
	}
}

// Is reports whether target is [KindDuplicate].
func (e *DuplicateCommandError) Is(target error) bool { return target == KindDuplicate }

func (e *DuplicateCommandError) Unwrap() error { return e.Err }

// check reports what is wrong with a command, nil when it may be used.
func (c *Command) check() error {
	const most = 255
	if c.ID == "" {
		if c.Request != "" {
			return errors.New("Changes.Command has a request and no id: give it the id that all tries of the command have")
		}
		return nil
	}
	if len(c.ID) > most {
		return fmt.Errorf("command id of %d characters: at most %d are allowed", len(c.ID), most)
	}
	for i := range len(c.ID) {
		if c.ID[i] <= ' ' || c.ID[i] > '~' {
			return fmt.Errorf("command id %q: allowed are printable ASCII characters without blanks", c.ID)
		}
	}
	return nil
}

// commandRecord is the Data of a command's state item: all of its commit's
// result. What the events have in common is there once.
type commandRecord struct {
	Request       string         `json:"request"` // SHA-256, hex
	Time          string         `json:"time"`    // of the first event; each further one is a nanosecond later
	CorrelationID string         `json:"correlationid"`
	CausationID   string         `json:"causationid,omitempty"`
	TenantID      string         `json:"tenantid,omitempty"`
	Actor         string         `json:"actor,omitempty"`
	TraceParent   string         `json:"traceparent,omitempty"`
	Events        []commandEvent `json:"events,omitempty"`
}

type commandEvent struct {
	ID            string `json:"id"`
	Type          string `json:"type"`
	SchemaVersion int    `json:"schemaversion"`
}

func (c *Command) digest() string {
	sum := sha256.Sum256([]byte(c.Request))
	return hex.EncodeToString(sum[:])
}

// action puts the record, under the condition that there is none.
func (c *Command) action(commitID string, now time.Time, flow event.Flow, events []event.Envelope, keep time.Duration) (orm.Action, error) {
	r := commandRecord{
		Request: c.digest(), Time: now.Format(timeLayout),
		CorrelationID: flow.CorrelationID, CausationID: flow.CausationID,
		TenantID: flow.TenantID, Actor: flow.Actor, TraceParent: flow.TraceParent,
	}
	for i := range events {
		r.Events = append(r.Events, commandEvent{events[i].ID, events[i].Type, events[i].SchemaVersion})
	}
	data, err := json.Marshal(r)
	if err != nil {
		return orm.Action{}, fmt.Errorf("command %s: encode its record: %w", c.ID, err)
	}
	item, err := State.Encode(StateItem{
		Key: CommandKey(c.ID), Kind: StateCommand, Data: string(data), CommitID: commitID,
		ExpiresAt: now.Add(keep + time.Second - 1).Unix(), // in whole seconds, rounded up
	})
	if err != nil {
		return orm.Action{}, fmt.Errorf("command %s: encode its record: %w", c.ID, err)
	}
	s := State.Schema()
	return orm.Action{Op: orm.OpPut, Table: s, Item: item, If: &orm.Cond{Op: orm.CondNotExists, Path: s.Hash}}, nil
}

// doneBefore reads the record of a command as the error that it is. A nil item is
// one that the store did not show.
func (c *Command) doneBefore(item orm.Item, source string) *DuplicateCommandError {
	e := &DuplicateCommandError{Command: c.ID}
	if item == nil {
		e.untold = true
		return e
	}
	s, err := State.Decode(item)
	if err != nil {
		e.Err = err
		return e
	}
	var r commandRecord
	if err := json.Unmarshal([]byte(s.Data), &r); err != nil {
		e.Err = err
		return e
	}
	if e.Same = r.Request == c.digest(); !e.Same {
		return e // who does not know the request has no business with its result
	}
	first, err := time.Parse(timeLayout, r.Time)
	if err != nil {
		e.Err = err
		return e
	}
	e.First = Commit{ID: s.CommitID, Replayed: true, Events: make([]event.Metadata, len(r.Events))}
	for i, ev := range r.Events {
		stream, _, err := event.ParseID(ev.ID)
		if err != nil {
			e.Err = err
			return e
		}
		e.First.Events[i] = event.Metadata{
			ID: ev.ID, Source: source, Type: ev.Type, Subject: stream,
			Time: first.Add(time.Duration(i)).UTC(), SchemaVersion: ev.SchemaVersion,
			CorrelationID: r.CorrelationID, CausationID: r.CausationID,
			TenantID: r.TenantID, Actor: r.Actor, TraceParent: r.TraceParent,
		}
	}
	return e
}

// refused makes the final answer of a commit that was not done for the reason
// err. With a command id the reason may be that the command was done before:
// then the stream is not where it was, the item is there, and so on. So it is
// looked at before anybody hears of a conflict. attempts are those of this call.
func (l *Log) refused(ctx context.Context, c *Command, attempts []*Prepared, err error) (Commit, error) {
	if c.ID == "" || c.check() != nil {
		return Commit{}, err
	}
	var done *DuplicateCommandError
	if !errors.As(err, &done) || done.untold {
		item, readErr := l.store.Get(ctx, &orm.GetRequest{Table: State.Schema(), Key: orm.Item{State.Schema().Hash: &types.AttributeValueMemberS{Value: CommandKey(c.ID)}}})
		switch {
		case readErr != nil && (errors.Is(err, KindUnknown) || notRead(err)):
			return Commit{}, err
		case readErr != nil:
			// The first error may be the command's own doing, so it is told and not
			// wrapped: nobody may take it for the outcome.
			return Commit{}, fmt.Errorf("command %s: look whether it was done before: %w, after %v", c.ID, readErr, err)
		case item == nil:
			return Commit{}, err
		}
		done = c.doneBefore(item, l.source)
	}
	if !done.Same || done.Err != nil {
		return Commit{}, done
	}
	for _, p := range attempts {
		if p.id == done.First.ID { // an attempt of this very call, whose answer was lost
			return l.done(ctx, p), nil
		}
	}
	return done.First, nil
}
