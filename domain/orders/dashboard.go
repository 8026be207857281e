package orders

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/orm"
	"github.com/vinci-go/vinci/tables"
)

// monthOf is the month that an event's time is in.
func monthOf(t time.Time) string { return t.UTC().Format("2006-01") }

// changeMonth reads a month, changes it, and writes it at the version that was read.
// Whoever was outrun runs again, so additions are exact in any order.
func changeMonth(ctx context.Context, e event.Metadata, tx *bus.Tx, month string, change func(*tables.Dashboard)) error {
	model := tables.ModelKey(bus.Namespace(ctx), e.TenantID)
	d, err := tables.Dashboards.Get(ctx, tx, orm.Key(model, month))
	if errors.Is(err, orm.KindNotFound) {
		d, err = tables.Dashboard{Model: model, Month: month}, nil
	}
	if err != nil {
		return fmt.Errorf("read the dashboard of %s: %w", month, err)
	}
	if d.Revenue == nil {
		d.Revenue = map[string]int64{}
	}
	if d.Titles == nil {
		d.Titles = map[string]int64{}
	}
	change(&d)
	tx.Write(tables.Dashboards.Put(d))
	return nil
}

// DashboardHandlers make the dashboard: every number is a sum, so that neither order
// nor repetition of events changes it.
func DashboardHandlers() []bus.Part {
	return []bus.Part{
		bus.OnTx(Placed, func(ctx context.Context, e event.Event[OrderPlaced], tx *bus.Tx) error {
			return changeMonth(ctx, e.Metadata, tx, monthOf(e.Time), func(d *tables.Dashboard) {
				d.Orders++
				for _, item := range e.Data.Items {
					d.Titles[item.Title] += int64(item.Quantity)
				}
			})
		}),
		bus.OnTx(Captured, func(ctx context.Context, e event.Event[PaymentCaptured], tx *bus.Tx) error {
			return changeMonth(ctx, e.Metadata, tx, monthOf(e.Time), func(d *tables.Dashboard) {
				d.Revenue[e.Data.Paid.Currency] += e.Data.Paid.Amount
			})
		}),
		bus.OnTx(Confirmed, func(ctx context.Context, e event.Event[OrderConfirmed], tx *bus.Tx) error {
			return changeMonth(ctx, e.Metadata, tx, monthOf(e.Time), func(d *tables.Dashboard) { d.Pending++ })
		}),
		bus.OnTx(Fulfilled, func(ctx context.Context, e event.Event[OrderFulfilled], tx *bus.Tx) error {
			return changeMonth(ctx, e.Metadata, tx, monthOf(e.Data.ConfirmedAt), func(d *tables.Dashboard) { d.Pending-- })
		}),
		bus.OnTx(Cancelled, cancelledInDashboard),
	}
}

// cancelledInDashboard takes back what the order had added, in the months in which it
// had.
func cancelledInDashboard(ctx context.Context, e event.Event[OrderCancelled], tx *bus.Tx) error {
	changes := map[string][]func(*tables.Dashboard){}
	if e.Data.Refund != nil && e.Data.PaidAt != nil {
		month := monthOf(*e.Data.PaidAt)
		changes[month] = append(changes[month], func(d *tables.Dashboard) { d.Revenue[e.Data.Refund.Currency] -= e.Data.Refund.Amount })
	}
	if e.Data.ConfirmedAt != nil {
		month := monthOf(*e.Data.ConfirmedAt)
		changes[month] = append(changes[month], func(d *tables.Dashboard) { d.Pending-- })
	}
	for _, month := range slices.Sorted(maps.Keys(changes)) {
		err := changeMonth(ctx, e.Metadata, tx, month, func(d *tables.Dashboard) {
			for _, change := range changes[month] {
				change(d)
			}
		})
		if err != nil {
			return err
		}
	}
	return nil
}
