package ops

import (
	"context"
	"iter"

	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/event"
)

// Trouble is a delivery that needs attention, or will if it goes on like this.
type Trouble struct {
	Delivery
	// Stream is what waits for the event, when it blocks one.
	Stream string `json:"stream,omitempty"`
	// GivenUp: nobody tries it any more until a person does something about it.
	GivenUp bool `json:"given_up,omitempty"`
}

// Trouble is the deliveries of a subscription that need attention, by event id:
//
//   - failed: it will be tried again.
//   - dead: it is given up, and in the dead-letter queue until somebody redrives or
//     purges it. Its record stays until it succeeds or expires.
//   - stuck: a run never ended, and no other has begun.
//   - blocked: it failed or is dead, and its stream waits for it.
//   - processing: it runs for the second time or more.
//
// The index that it reads is a moment behind, and has a delivery from its first
// failure or its second attempt on: a first attempt that never ended is listed once
// the queue has handed the message out again. For an ordered subscription the
// checkpoint of each event's stream is read besides. What is left in a generation of
// a read model that is neither current nor being made concerns nobody any more, and is
// not listed.
func (o *Ops) Trouble(ctx context.Context, subscription string) iter.Seq2[Trouble, error] {
	return func(yield func(Trouble, error) bool) {
		s, err := o.subscription("trouble", subscription)
		if err != nil {
			yield(Trouble{}, err)
			return
		}
		var g bus.Generations
		if s.Rebuildable {
			if g, err = bus.ReadGenerations(ctx, o.store, s.Name); err != nil {
				yield(Trouble{}, err)
				return
			}
		}
		for d, err := range bus.DeliveriesBySubscription.Query(s.Name).All(ctx, o.store) {
			var t Trouble
			if err == nil {
				if _, namespace := bus.SplitRecordID(d.EventID); g.Over(namespace) {
					continue
				}
				t, err = o.trouble(ctx, s, &d)
			}
			if !yield(t, err) || err != nil {
				return
			}
		}
	}
}

func (o *Ops) trouble(ctx context.Context, s *subscription, d *bus.Delivery) (Trouble, error) {
	t := Trouble{Delivery: view(d, o.now()), GivenUp: d.Status == bus.Dead}
	if !s.Ordered {
		return t, nil
	}
	stream, _, err := event.ParseID(t.EventID)
	if err != nil {
		return t, nil // it was published without the log, and blocks nothing
	}
	c, err := bus.ReadCheckpoint(ctx, o.store, bus.RecordID(s.Name, t.Namespace), stream)
	if err != nil {
		return Trouble{}, err
	}
	if c.BlockedBy == t.EventID {
		t.State, t.Stream, t.GivenUp = Blocked, stream, c.GivenUp()
	}
	return t, nil
}

// Backlog is about how many messages a subscription's queues hold. DeadLetters is
// nil when it has no dead-letter queue.
type Backlog struct {
	Queue       Depth  `json:"queue"`
	DeadLetters *Depth `json:"dead_letters,omitempty"`
	Undelivered Depth  `json:"undelivered"`
}

// Backlog asks how many messages a subscription's queues hold.
func (o *Ops) Backlog(ctx context.Context, subscription string) (Backlog, error) {
	s, err := o.withQueues("backlog", subscription)
	if err != nil {
		return Backlog{}, err
	}
	var b Backlog
	if b.Queue, err = o.queues.Depth(ctx, o.names.Queue(s.Name)); err != nil {
		return Backlog{}, err
	}
	if b.Undelivered, err = o.queues.Depth(ctx, o.names.UndeliveredQueue(s.Name)); err != nil {
		return Backlog{}, err
	}
	dead, err := o.queues.Depth(ctx, o.names.DeadLetterQueue(s.Name))
	switch {
	case isAbsent(err):
		return b, nil
	case err != nil:
		return Backlog{}, err
	}
	b.DeadLetters = &dead
	return b, nil
}
