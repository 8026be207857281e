package ops

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/orm"
)

// Deliveries is what became of an event at each subscription that has met it, by the
// subscription's name: those of the event itself, then those of each namespace that
// is named. Of a subscription whose read model has generations, those of the current
// one are the event's. An event of another application is named with that in front
// ([bus.ForeignID]). It is strongly consistent. An event that nobody has met yet has none, and
// one whose records have expired has none any more.
func (o *Ops) Deliveries(ctx context.Context, eventID string, namespaces ...string) ([]Delivery, error) {
	_, id := bus.SplitForeignID(eventID)
	if _, _, err := event.ParseID(id); err != nil {
		return nil, &Error{Kind: KindInvalid, Op: "deliveries", Err: err}
	}
	for _, n := range namespaces {
		if err := bus.CheckNamespace(n); err != nil {
			return nil, &Error{Kind: KindInvalid, Op: "deliveries", Err: err}
		}
	}
	generations, err := o.generations(ctx)
	if err != nil {
		return nil, err
	}
	return o.deliveries(ctx, generations, eventID, namespaces)
}

func (o *Ops) deliveries(ctx context.Context, generations map[string]bus.Generations, eventID string, namespaces []string) ([]Delivery, error) {
	var out []Delivery
	query := func(namespace string, want func(subscription string) bool) error {
		for d, err := range orm.QueryTable(bus.Deliveries, bus.RecordID(eventID, namespace)).All(ctx, o.store) {
			if err != nil {
				return err
			}
			if want(d.Subscription) {
				out = append(out, view(&d, o.now()))
			}
		}
		return nil
	}
	asked := map[string]bool{"": true}
	for _, g := range generations {
		asked[g.Current] = true
	}
	for _, n := range slices.Sorted(maps.Keys(asked)) {
		err := query(n, func(subscription string) bool { return generations[subscription].Current == n })
		if err != nil {
			return nil, err
		}
	}
	slices.SortStableFunc(out, func(a, b Delivery) int { return strings.Compare(a.Subscription, b.Subscription) })
	for _, n := range namespaces {
		err := query(n, func(subscription string) bool { return n != generations[subscription].Current })
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// Node is an event with what it caused.
type Node struct {
	Event      event.Envelope `json:"event"`
	Deliveries []Delivery     `json:"deliveries"`
	Caused     []*Node        `json:"caused,omitempty"` // by time
}

// Tree is all that one request caused.
type Tree struct {
	CorrelationID string  `json:"correlation_id"`
	Events        int     `json:"events"`
	Roots         []*Node `json:"roots"` // whose cause is no event of the tree, by time
	// Truncated: there are more than MaxTree events, and these are the first.
	Truncated bool `json:"truncated,omitempty"`
}

// MaxTree is the most events of a tree.
const MaxTree = 1000

// treeReads is how many events' deliveries are read at once.
const treeReads = 8

// Tree reads all events of a correlation id, and what became of each. Acts on one
// event are in its tree, too. The index that it reads is a moment behind.
//
// A tree costs a query, one batch read for each hundred events, and a query for the
// deliveries of each.
func (o *Ops) Tree(ctx context.Context, correlationID string) (Tree, error) {
	t := Tree{CorrelationID: correlationID}
	var nodes []*Node
	for e, err := range o.log.Correlation(correlationID).All(ctx) {
		if err != nil {
			return Tree{}, err
		}
		if len(nodes) == MaxTree {
			t.Truncated = true
			break
		}
		nodes = append(nodes, &Node{Event: e})
	}
	if len(nodes) == 0 {
		return Tree{}, wrong(KindUnknown, "trace", "", "no event has the correlation id %q", correlationID)
	}
	byID := make(map[string]*Node, len(nodes))
	for _, n := range nodes {
		byID[n.Event.ID] = n
	}
	t.Events = len(nodes)
	for _, n := range nodes {
		if cause := byID[n.Event.CausationID]; cause != nil && !causes(byID, n, cause) {
			cause.Caused = append(cause.Caused, n)
		} else {
			t.Roots = append(t.Roots, n)
		}
	}
	return t, o.readDeliveries(ctx, nodes)
}

// causes reports whether a is among the causes of b, or b itself: ids come from
// outside, too, and a ring would be no tree.
func causes(byID map[string]*Node, a, b *Node) bool {
	for range len(byID) + 1 {
		if b == a {
			return true
		}
		if b = byID[b.Event.CausationID]; b == nil {
			return false
		}
	}
	return true
}

func (o *Ops) readDeliveries(ctx context.Context, nodes []*Node) error {
	generations, err := o.generations(ctx)
	if err != nil {
		return err
	}
	errs := make([]error, len(nodes))
	slots := make(chan struct{}, treeReads)
	var reading sync.WaitGroup
	for i, n := range nodes {
		slots <- struct{}{}
		reading.Go(func() {
			defer func() { <-slots }()
			n.Deliveries, errs[i] = o.deliveries(ctx, generations, n.Event.ID, nil)
		})
	}
	reading.Wait()
	return errors.Join(errs...)
}

// TreeOf is the tree that an event is in.
func (o *Ops) TreeOf(ctx context.Context, eventID string) (Tree, error) {
	e, err := o.event(ctx, "trace", eventID)
	if err != nil {
		return Tree{}, err
	}
	return o.Tree(ctx, e.CorrelationID)
}

// event reads an event of the log.
func (o *Ops) event(ctx context.Context, op, eventID string) (event.Envelope, error) {
	e, err := o.log.Get(ctx, eventID)
	switch {
	case errors.Is(err, event.KindInvalid):
		return e, &Error{Kind: KindInvalid, Op: op, Err: err}
	case errors.Is(err, orm.KindNotFound):
		return e, &Error{Kind: KindUnknown, Op: op, Reason: "the log has no event " + eventID, Err: err}
	}
	return e, err
}
