package ops

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/eventlog/relay"
)

// Run names something that takes long and may be gone on with.
type Run struct {
	ID      string // empty: a new one
	Resumed bool   // an earlier run of this id was stopped
}

// Republish runs a republisher on a window, and records who did it in
// [RepublishStream]. A window that is open ends now, so that a run that is gone on
// with has the same one: the window that was used is returned, for that.
//
// The error is of [KindInvalid] when the context names no Actor,
// or the republisher's.
func (o *Ops) Republish(ctx context.Context, r *relay.Republisher, w relay.Window, run Run, reason string) (relay.Progress, relay.Window, error) {
	p := relay.Progress{Cursor: w.Cursor}
	if err := actor(ctx, "republish", ""); err != nil {
		return p, w, err
	}
	if w.To.IsZero() {
		w.To = o.now().UTC()
	}
	act := RepublishedEvents{Run: run.ID, Phase: Began, Types: w.Types, From: w.From, To: w.To, Resumed: run.Resumed, Reason: reason}
	if act.Run == "" {
		act.Run = o.newID()
	}
	record := func(ctx context.Context) error {
		_, err := o.record(ctx, Republished.At(RepublishStream, event.Append).Record(act))
		return err
	}
	if err := record(ctx); err != nil {
		return p, w, err
	}
	p, err := r.Run(ctx, w)
	act.Phase, act.Events, act.Failed = Ended, p.Events, p.Failed
	if err != nil {
		act.Phase = Stopped
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
	defer cancel()
	return p, w, errors.Join(err, record(last))
}

// RelayFailures is the queue into which the relay puts what it cannot publish, for a
// republisher that runs outside of a function.
func (o *Ops) RelayFailures() relay.FailureQueue { return relayFailures{o} }

type relayFailures struct{ o *Ops }

// Send implements [relay.FailureQueue].
func (f relayFailures) Send(ctx context.Context, failure relay.Failure) error {
	if f.o.queues == nil {
		return wrong(KindInvalid, "republish", "", "Options.Queues is nil")
	}
	body, err := json.Marshal(failure)
	if err != nil {
		return fmt.Errorf("encode the failure of event %s: %w", failure.EventID, err)
	}
	return f.o.queues.Send(ctx, f.o.names.RelayFailedQueue(), []Outgoing{{Body: string(body)}})
}
