package rebuild

import (
	"context"
	"log/slog"

	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/eventlog"
	"github.com/vinci-go/vinci/orm"
	"github.com/vinci-go/vinci/orm/ormtest"
)

// fold is a generation that is computed in memory, by the handlers themselves.
type fold struct {
	memory *ormtest.Memory
	bus    *bus.InProcess
}

func newFold(ctx context.Context, t *Tool, generation string) (*fold, error) {
	memory := ormtest.New(ormtest.Clock(t.Now))
	ours := map[string]bool{
		eventlog.Events.Schema().Name: true, eventlog.State.Schema().Name: true, bus.Deliveries.Schema().Name: true,
	}
	for _, table := range t.model.tables {
		ours[table.schema.Name] = true
	}
	store := &overlay{Memory: memory, below: t.Store, ours: ours}
	if generation != "" {
		w, err := bus.ChangeGenerations(t.model.sub.Name, bus.Generations{Current: generation})
		if err != nil {
			return nil, err
		}
		if err := orm.Exec(ctx, memory, w); err != nil {
			return nil, err
		}
	}
	sub := *t.model.sub
	sub.Ordered = false // whoever gives it the events keeps their order
	b, err := bus.NewInProcess(bus.InProcessOptions{
		Store: store, Log: eventlog.New(store, eventlog.Options{Source: t.Application, Now: t.Now}),
		MaxAttempts: 1, Logger: slog.New(slog.DiscardHandler), Now: t.Now,
	}, bus.Register(&sub, t.model.parts...))
	if err != nil {
		return nil, err
	}
	return &fold{memory: memory, bus: b}, nil
}

// feed handles an event. The error is the handler's.
func (f *fold) feed(ctx context.Context, e event.Envelope) error {
	for _, r := range f.bus.Publish(ctx, e) {
		if r.Err != nil {
			return r.Err
		}
	}
	return ctx.Err()
}

// overlay has the tables of the model and the framework's in memory. Handlers read
// all others where they are.
type overlay struct {
	*ormtest.Memory
	below orm.Store
	ours  map[string]bool
}

var _ orm.Store = (*overlay)(nil)

func (o *overlay) reader(s *orm.Schema) orm.Reader {
	if o.ours[s.Name] {
		return o.Memory
	}
	return o.below
}

// Get implements [orm.Reader].
func (o *overlay) Get(ctx context.Context, r *orm.GetRequest) (orm.Item, error) {
	return o.reader(r.Table).Get(ctx, r)
}

// Query implements [orm.Reader].
func (o *overlay) Query(ctx context.Context, r *orm.QueryRequest) (*orm.Page, error) {
	return o.reader(r.Table).Query(ctx, r)
}

// Scan implements [orm.Reader].
func (o *overlay) Scan(ctx context.Context, r *orm.ScanRequest) (*orm.Page, error) {
	return o.reader(r.Table).Scan(ctx, r)
}

// BatchGet implements [orm.Reader].
func (o *overlay) BatchGet(ctx context.Context, r *orm.BatchGetRequest) (*orm.BatchGetResult, error) {
	return o.reader(r.Table).BatchGet(ctx, r)
}

// TransactGet implements [orm.Reader], but for the one moment: nobody else writes in
// memory.
func (o *overlay) TransactGet(ctx context.Context, gets []orm.GetRequest) ([]orm.Item, error) {
	items := make([]orm.Item, len(gets))
	for i := range gets {
		item, err := o.Get(ctx, &gets[i])
		if err != nil {
			return nil, err
		}
		items[i] = item
	}
	return items, nil
}
