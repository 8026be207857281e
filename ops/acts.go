package ops

import (
	"context"
	"time"

	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/eventlog"
)

// Acted is an act on messages of a dead-letter queue.
type Acted struct {
	Subscription string `json:"subscription"`
	Queue        string `json:"queue"` // its physical name
	// Events are what the messages are about: delivery record ids, or SQS's message
	// ids (message:…) of messages that are no events.
	Events []string `json:"events"`
	Reason string   `json:"reason,omitempty"`
}

// SkippedEvent is an event that an ordered subscription passed over.
type SkippedEvent struct {
	Subscription string `json:"subscription"`
	Event        string `json:"event"`
	Reason       string `json:"reason,omitempty"`
}

// EditedEvent is an event that was sent anew with other data.
type EditedEvent struct {
	Subscription string `json:"subscription"`
	Event        string `json:"event"` // the old one
	By           string `json:"by"`    // the new one
	Reason       string `json:"reason,omitempty"`
}

// The phases of what takes long.
const (
	Began   = "began"
	Ended   = "ended"
	Stopped = "stopped" // before its end: by an error or by a person
)

// ReplayedEvents is a part of the log that was sent to a subscription again. Two
// events have one Replay id: one when it began, one when it ended or was stopped;
// when the second is missing, the process was killed.
type ReplayedEvents struct {
	Subscription  string    `json:"subscription"`
	Replay        string    `json:"replay"`
	Phase         string    `json:"phase"`
	Types         []string  `json:"types,omitempty"`
	From          time.Time `json:"from,omitzero"`
	To            time.Time `json:"to,omitzero"`
	Stream        string    `json:"stream,omitempty"`
	CorrelationID string    `json:"correlation_id,omitempty"`
	Again         string    `json:"again,omitempty"`
	Resumed       bool      `json:"resumed,omitempty"`
	Reason        string    `json:"reason,omitempty"`
	Sent          int       `json:"sent,omitempty"` // at the end
}

// RepublishedEvents is a part of the log that was put on the bus again.
type RepublishedEvents struct {
	Run     string    `json:"run"`
	Phase   string    `json:"phase"`
	Types   []string  `json:"types"`
	From    time.Time `json:"from"`
	To      time.Time `json:"to"`
	Resumed bool      `json:"resumed,omitempty"`
	Reason  string    `json:"reason,omitempty"`
	Events  int       `json:"events,omitempty"` // at the end
	Failed  int       `json:"failed,omitempty"` // at the end
}

// RebuiltModel is a step in making a read model anew.
type RebuiltModel struct {
	Subscription string `json:"subscription"`
	Generation   string `json:"generation"`
	Phase        string `json:"phase"`
	Reason       string `json:"reason,omitempty"`
}

// The phases of [RebuiltModel] besides Began.
const (
	Flipped = "flipped" // the generation is the current one
	Aborted = "aborted" // it was given up
	Dropped = "dropped" // its items are deleted
)

// The events of acts. They are internal: they go to nobody outside.
var (
	Redriven    = event.Define[Acted]("ops.redriven")
	Purged      = event.Define[Acted]("ops.purged")
	Skipped     = event.Define[SkippedEvent]("ops.skipped")
	Edited      = event.Define[EditedEvent]("ops.edited")
	Replayed    = event.Define[ReplayedEvents]("ops.replayed")
	Republished = event.Define[RepublishedEvents]("ops.republished")
	Rebuilt     = event.Define[RebuiltModel]("ops.rebuilt")
)

// Types are the names of the events of acts.
func Types() []string {
	return []string{Redriven.Name(), Purged.Name(), Skipped.Name(), Edited.Name(), Replayed.Name(), Republished.Name(), Rebuilt.Name(), SettingChanged.Name()}
}

// Stream is the stream of the acts on a subscription. Streams whose id begins with
// ops/ are this package's own.
func Stream(subscription string) string { return "ops/" + subscription }

// RepublishStream is the stream of acts on the whole bus. No subscription's name has
// a hyphen.
const RepublishStream = "ops/re-publish"

// actor refuses an act that nobody has done.
func actor(ctx context.Context, op, subscription string) error {
	if event.FlowFrom(ctx).Actor == "" {
		return wrong(KindInvalid, op, subscription, "nobody is named who does it: put the Actor into the context with event.WithFlow")
	}
	return nil
}

// about is the context of an act on one event: the act belongs to the event's story.
// Who acts stays who acts.
func about(ctx context.Context, e *event.Envelope) context.Context {
	if e == nil {
		return ctx
	}
	f := e.Flow()
	f.Actor = event.FlowFrom(ctx).Actor
	return event.WithFlow(ctx, f)
}

// record commits the event of an act.
func (o *Ops) record(ctx context.Context, r event.Record) (event.Metadata, error) {
	c, err := o.log.Commit(ctx, eventlog.Changes{Events: []event.Record{r}})
	if err != nil {
		return event.Metadata{}, err
	}
	return c.Events[0], nil
}
