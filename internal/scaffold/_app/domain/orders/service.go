package orders

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/eventlog"
	"github.com/vinci-go/vinci/orm"

	"example.com/app-name/tables"
)

// ErrInvalid is what is wrong with an order that is refused.
var ErrInvalid = errors.New("an order has a product of at most 100 characters and a quantity of 1 to 1000")

// Service decides about orders. It is safe for concurrent use.
type Service struct {
	store orm.Reader
	log   *eventlog.Log
	now   func() time.Time
	newID func() string
}

// NewService makes a service. now and newID are injected so that tests are
// deterministic; newID must never give the same id twice.
func NewService(store orm.Reader, log *eventlog.Log, now func() time.Time, newID func() string) *Service {
	return &Service{store: store, log: log, now: now, newID: newID}
}

// Place places an order. The order and its event are one transaction: there is never
// the one without the other. It fails with [ErrInvalid].
func (s *Service) Place(ctx context.Context, product string, quantity int) (tables.Order, error) {
	order := tables.Order{OrderID: s.newID(), Product: product, Quantity: quantity, PlacedAt: s.now().UTC()}
	// What an order may hold stands on the definitions of table and event.
	placed := OrderPlaced{OrderID: order.OrderID, Product: product, Quantity: quantity}
	_, err := s.log.Commit(ctx, eventlog.Changes{
		Writes: []orm.Write{tables.Orders.Insert(order)},
		Events: []event.Record{Placed.At(stream(order.OrderID), event.New).Record(placed)},
	})
	if errors.Is(err, orm.KindValidation) || errors.Is(err, event.KindValidation) {
		return tables.Order{}, ErrInvalid
	}
	if err != nil {
		return tables.Order{}, fmt.Errorf("place order: %w", err)
	}
	return order, nil
}

// Sold is how many units of a product were sold. It follows the events, and so lags
// behind the orders by a moment.
func (s *Service) Sold(ctx context.Context, product string) (int64, error) {
	sale, err := tables.Sales.Get(ctx, s.store, product)
	if errors.Is(err, orm.KindNotFound) { // nobody has ordered it yet
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("read sales of %q: %w", product, err)
	}
	return sale.Units, nil
}
