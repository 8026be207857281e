package ops

import (
	"context"
	"errors"

	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/orm"
)

// generations reads those of every rebuildable subscription's read model, by the
// subscription's name.
func (o *Ops) generations(ctx context.Context) (map[string]bus.Generations, error) {
	all := map[string]bus.Generations{}
	for _, s := range o.subscriptions {
		if s.Rebuildable {
			g, err := bus.ReadGenerations(ctx, o.store, s.Name)
			if err != nil {
				return nil, err
			}
			all[s.Name] = g
		}
	}
	return all, nil
}

// generation is where a subscription's records are: the current generation of its
// read model, "" for one that has none.
func (o *Ops) generation(ctx context.Context, s *subscription) (string, error) {
	if !s.Rebuildable {
		return "", nil
	}
	g, err := bus.ReadGenerations(ctx, o.store, s.Name)
	return g.Current, err
}

// recordID is that of an event id, or of one that names its namespace already.
func (o *Ops) recordID(ctx context.Context, s *subscription, eventID string) (string, error) {
	id, namespace := bus.SplitRecordID(eventID)
	if namespace != "" {
		return eventID, nil
	}
	generation, err := o.generation(ctx, s)
	return bus.RecordID(id, generation), err
}

// live are the namespaces in which a subscription handles what comes over the bus.
func (o *Ops) live(ctx context.Context, s *subscription) ([]string, error) {
	if !s.Rebuildable {
		return []string{""}, nil
	}
	g, err := bus.ReadGenerations(ctx, o.store, s.Name)
	return g.Live(), err
}

// Replaced are the ids of the events of a subscription in whose place others were
// sent by [Ops.Edit]: a generation that is made anew must handle the others only. It
// reads the stream of the acts, strongly consistent.
func (o *Ops) Replaced(ctx context.Context, subscription string) ([]string, error) {
	var ids []string
	for e, err := range o.log.Stream(ctx, Stream(subscription), 1) {
		if err != nil {
			return nil, err
		}
		if e.Type != Edited.Name() {
			continue
		}
		edited, err := Edited.Decode(e)
		if err != nil {
			return nil, err
		}
		ids = append(ids, edited.Data.Event)
	}
	return ids, nil
}

// PassOver records, in a generation that is being made, that events are not to be
// handled in it because others have taken their place. One that has a record already
// is left as it is.
func (o *Ops) PassOver(ctx context.Context, subscription, generation string, eventIDs []string) error {
	for _, id := range eventIDs {
		e, err := o.event(ctx, "pass over", id)
		if err != nil {
			return err
		}
		e.ID = bus.RecordID(e.ID, generation)
		err = orm.Exec(ctx, o.store, bus.Deliveries.Insert(ignored(e, subscription, o.now().UTC(), "another event was sent in its place")))
		if err != nil && !errors.Is(err, orm.KindAlreadyExists) {
			return err
		}
	}
	return nil
}
