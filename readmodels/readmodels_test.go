package readmodels_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/domain/orders"
	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/eventlog"
	"github.com/vinci-go/vinci/ops"
	"github.com/vinci-go/vinci/orm"
	"github.com/vinci-go/vinci/orm/ormtest"
	"github.com/vinci-go/vinci/readmodel"
	"github.com/vinci-go/vinci/readmodel/rebuild"
	"github.com/vinci-go/vinci/readmodels"
	"github.com/vinci-go/vinci/tables"
)

// queues hands what is sent to the consumer at once.
type queues struct {
	ops.Queues
	consumer *bus.Consumer
}

func (q queues) Send(ctx context.Context, _ string, ms []ops.Outgoing) error {
	for _, m := range ms {
		attributes := map[string]events.SQSMessageAttribute{}
		for name, value := range m.Attributes {
			attributes[name] = events.SQSMessageAttribute{DataType: "String", StringValue: &value}
		}
		out, err := q.consumer.Handle(ctx, events.SQSEvent{Records: []events.SQSMessage{{MessageId: "m", Body: m.Body, MessageAttributes: attributes}}})
		if err != nil || len(out.BatchItemFailures) > 0 {
			return errors.Join(fmt.Errorf("not handled: %s", m.Body), err)
		}
	}
	return nil
}

type noQueue struct{}

func (noQueue) ChangeVisibility(context.Context, string, string, time.Duration) error { return nil }
func (noQueue) SendToDeadLetter(context.Context, bus.DeadLetter) error                { return nil }

// The application's read models are what their handlers make of the log in memory, and
// of it once more in a new generation, whichever events there are.
func TestModels(t *testing.T) {
	for _, c := range []struct {
		sub    *bus.Definition
		tables []rebuild.Table
		parts  []bus.Part
		items  int
	}{
		{orders.ProjectDashboard, readmodels.Dashboard(), orders.DashboardHandlers(), 4},
		{orders.ProjectSummary, readmodels.OrderSummary(), orders.SummaryHandlers(), 10},
	} {
		t.Run(c.sub.Name, func(t *testing.T) {
			now := time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)
			clock := func() time.Time { return now }
			store := ormtest.New(ormtest.Clock(clock))
			log := eventlog.New(store, eventlog.Options{Source: "shop", Now: clock})
			b, err := bus.NewInProcess(bus.InProcessOptions{Store: store, Log: log, Now: clock, Logger: slog.New(slog.DiscardHandler)}, bus.Register(c.sub, c.parts...))
			if err != nil {
				t.Fatal(err)
			}
			live(t, store, b.Follow(log), &now)

			consumer, err := bus.NewConsumer(bus.ConsumerOptions{Subscription: c.sub, Parts: c.parts, Store: store, Log: log, Queue: noQueue{}, Now: clock, Logger: slog.New(slog.DiscardHandler)})
			if err != nil {
				t.Fatal(err)
			}
			model, err := rebuild.NewModel(c.sub, c.tables, c.parts...)
			if err != nil {
				t.Fatal(err)
			}
			tool, err := rebuild.New(model, rebuild.Options{
				Application: "shop", Deployment: "test", Store: store, Log: log, Queues: queues{consumer: consumer}, From: now.AddDate(-1, 0, 0),
				Now: clock, Sleep: func(_ context.Context, d time.Duration) error { now = now.Add(d); return nil },
			})
			if err != nil {
				t.Fatal(err)
			}
			r, err := tool.Verify(t.Context(), "")
			if err != nil || !r.OK() || r.Items != c.items {
				t.Fatalf("verify: %+v, %v", r, err)
			}
			before := answers(t, store)
			ctx := event.WithFlow(t.Context(), event.Flow{Actor: "ada"})
			done, err := tool.Start(ctx)
			if err != nil || done.Generation != "g2" || done.Dropped != c.items || done.Report.Items != c.items {
				t.Fatalf("rebuild: %+v, %v", done, err)
			}
			if after := answers(t, store); after != before {
				t.Errorf("before: %s\nafter: %s", before, after)
			}
		})
	}
}

// live places orders of two tenants in two months, and does to them what may be done.
func live(t *testing.T, store orm.Store, log *eventlog.Log, now *time.Time) {
	t.Helper()
	var ids atomic.Int64
	s := orders.NewService(store, log, orders.Options{Now: func() time.Time { return *now }, NewID: func() string { return fmt.Sprintf("o%d", ids.Add(1)) }})
	for i := range 5 {
		for _, tenant := range []string{"acme", "globex"} {
			*now = now.Add(5 * time.Hour) // the first ones are of January
			v, err := s.Place(t.Context(), tenant, "", orders.PlaceOrder{CustomerID: "c", CustomerName: "Alice", Email: "alice@example.com", Currency: []string{"EUR", "USD"}[i%2],
				Items: []orders.Item{{ProductID: "p", Title: "Lamp", Price: 1000, Quantity: 1 + i}, {ProductID: "q", Title: fmt.Sprint("Bulb ", i), Price: 250, Quantity: 1}}})
			if err != nil {
				t.Fatal(err)
			}
			ctx := event.WithFlow(t.Context(), event.Flow{TenantID: tenant})
			if _, err := log.Commit(ctx, eventlog.Changes{Events: []event.Record{
				orders.Reserved.At(orders.Stream(tenant, v.OrderID), event.Append).Record(orders.InventoryReserved{OrderID: v.OrderID, Lines: []orders.Line{{ProductID: "p", Quantity: 1}}}),
			}}); err != nil {
				t.Fatal(err)
			}
			for step, do := range []func() (orders.View, error){
				func() (orders.View, error) { return s.Pay(t.Context(), tenant, v.OrderID, v.Total) },
				func() (orders.View, error) { return s.Confirm(t.Context(), tenant, v.OrderID) },
				func() (orders.View, error) {
					if i == 3 {
						return s.Cancel(t.Context(), tenant, v.OrderID, "changed my mind")
					}
					return s.Fulfil(t.Context(), tenant, v.OrderID, "TRACK")
				},
			} {
				if step >= i {
					break
				}
				*now = now.Add(time.Hour)
				if _, err := do(); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
}

// answers is all that queries say.
func answers(t *testing.T, store orm.Reader) string {
	t.Helper()
	q := orders.NewQueries(store, readmodel.NewReader(store, orders.ProjectSummary, 0), readmodel.NewReader(store, orders.ProjectDashboard, 0))
	var out []any
	for _, tenant := range []string{"acme", "globex"} {
		for _, month := range []string{"2026-01", "2026-02"} {
			m, err := q.Dashboard(t.Context(), tenant, month)
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, m)
		}
		for _, status := range orders.Statuses() {
			p, err := q.List(t.Context(), tenant, status, 0, "")
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range p.Orders {
				s.Model, s.ModelStatus, s.Version = "", "", 0
				out = append(out, s)
			}
		}
	}
	return fmt.Sprintf("%+v", out)
}

func TestModelGeneration(t *testing.T) {
	for _, g := range []string{"", "g2", "g10"} {
		if got := tables.ModelGeneration(tables.ModelKey(g, "ac#me")); got != g {
			t.Errorf("%q: %q", g, got)
		}
	}
}
