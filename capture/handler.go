package capture

import (
	"context"

	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/internal/capturing"
	"github.com/vinci-go/vinci/internal/place"
	"github.com/vinci-go/vinci/orm"
)

// Part is what runs a definition: its handler, made with [On] or [OnTx], and
// middleware, made with [Use].
type Part interface{ addTo(*parts) }

// Interface guards.
var (
	_ Part = Handler{}
	_ Part = use(nil)
)

// parts are Parts sorted by what they are.
type parts struct {
	handlers []Handler
	use      []bus.Middleware
	nils     []int
}

func sorted(list []Part) parts {
	var p parts
	for i, part := range list {
		if isNil(part) {
			p.nils = append(p.nils, i)
			continue
		}
		part.addTo(&p)
	}
	return p
}

// Handler is a function for the changes of one table. Make it with [On] or [OnTx].
// It is a value, safe for concurrent use when its function is.
type Handler struct {
	table orm.Definition
	made  capturing.Handler[*bus.Tx]
}

func (h Handler) addTo(p *parts) { p.handlers = append(p.handlers, h) }

// On handles the changes of a table at least once, under a lease, as [bus.On] does
// with events. It is for effects outside DynamoDB, such as mails and calls of other
// services; [bus.IdempotencyKey] is the same each time that a change comes.
//
// fn may be called for changes of several items at once, at most ten of a batch,
// never for two of the same item.
func On[T, K any](table *orm.Table[T, K], fn func(context.Context, Change[T]) error) Handler {
	h := handler(table)
	h.made.Place = place.Caller()
	if fn != nil && table != nil {
		h.made.Run = func(ctx context.Context, v any, _ *bus.Tx) error {
			c, err := changeOf(table, v.(*record))
			if err != nil {
				return &capturing.Undecodable{Err: err}
			}
			return fn(ctx, c)
		}
	}
	return h
}

// OnTx handles the changes of a table exactly once, as far as DynamoDB goes, as
// [bus.OnTx] does with events: what fn gives to tx and the change's delivery record
// are one transaction, so that a second delivery writes nothing.
//
// fn may run several times for one change, each with a fresh tx: it must have no
// effect outside it. Changes of one batch are handled in turn.
//
// A write to the captured table makes a change of its own, which comes as well.
func OnTx[T, K any](table *orm.Table[T, K], fn func(context.Context, Change[T], *bus.Tx) error) Handler {
	h := handler(table)
	h.made.Place, h.made.Tx = place.Caller(), true
	if fn != nil && table != nil {
		h.made.Run = func(ctx context.Context, v any, tx *bus.Tx) error {
			c, err := changeOf(table, v.(*record))
			if err != nil {
				return &capturing.Undecodable{Err: err}
			}
			return fn(ctx, c, tx)
		}
	}
	return h
}

func handler[T, K any](table *orm.Table[T, K]) Handler {
	if table == nil {
		return Handler{}
	}
	return Handler{table: table}
}

// Use adds middleware around the handler, as [bus.Use] does. The event that it sees
// stands for the change: its id is the [RecordID], its type the table's name and the
// operation (inventory.modify), and it has no data.
func Use(mw ...bus.Middleware) Part { return use(mw) }

type use []bus.Middleware

func (u use) addTo(p *parts) { p.use = append(p.use, u...) }
