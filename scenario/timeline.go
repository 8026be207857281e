package scenario

import (
	"context"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/orm"
)

// Reaction is what became of one event at one subscription.
type Reaction struct {
	Event    event.Envelope
	Delivery bus.Delivery
}

// Timeline reads the reactions to all events of a stream: in the order of the stream,
// those to one event by the subscription's name.
func (s *Stage) Timeline(ctx context.Context, stream string) ([]Reaction, error) {
	var all []Reaction
	for e, err := range s.Log.Stream(ctx, stream, 1) {
		if err != nil {
			return nil, err
		}
		for d, err := range orm.QueryTable(bus.Deliveries, e.ID).All(ctx, s.Store) {
			if err != nil {
				return nil, err
			}
			all = append(all, Reaction{e, d})
		}
	}
	return all, nil
}

// printTimeline prints when each reaction was done, since a moment.
func printTimeline(out io.Writer, since time.Time, reactions []Reaction) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "DONE AFTER\tEVENT\tSUBSCRIPTION\tOUTCOME\tATTEMPTS\tDURATION")
	for _, r := range reactions {
		d := r.Delivery
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%d\t%s\n", d.LastAt.Sub(since).Round(time.Millisecond), r.Event.Type, d.Subscription, d.Status, d.Attempts, d.Duration.Round(10*time.Microsecond))
	}
	return w.Flush()
}

// Settled waits until every one of the subscriptions that asks for an event of the
// stream has an outcome, and fails when one is dead.
func (s *Stage) Settled(ctx context.Context, stream string, subs []*bus.Definition) error {
	for {
		missing, err := s.missing(ctx, stream, subs)
		if err != nil || missing == "" {
			return err
		}
		if err := wait(ctx); err != nil {
			return fmt.Errorf("nothing came of %s in time", missing)
		}
	}
}

// missing names what has no outcome yet.
func (s *Stage) missing(ctx context.Context, stream string, subs []*bus.Definition) (string, error) {
	for e, err := range s.Log.Stream(ctx, stream, 1) {
		if err != nil {
			return "", err
		}
		var settled []string
		for d, err := range orm.QueryTable(bus.Deliveries, e.ID).All(ctx, s.Store) {
			if err != nil {
				return "", err
			}
			if d.Status == bus.Dead {
				return "", fmt.Errorf("%s %s at %s is dead after %d attempts: %s", e.Type, e.ID, d.Subscription, d.Attempts, d.ErrorMessage)
			}
			if d.Status.Settled() {
				settled = append(settled, d.Subscription)
			}
		}
		for _, sub := range subs {
			if sub.Matches(e.Type) && !slices.Contains(settled, sub.Name) {
				return e.Type + " " + e.ID + " at " + sub.Name, nil
			}
		}
	}
	return "", nil
}
