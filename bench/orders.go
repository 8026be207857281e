package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/vinci-go/vinci/domain/orders"
	"github.com/vinci-go/vinci/internal/progress"
	"github.com/vinci-go/vinci/orm"
	"github.com/vinci-go/vinci/scenario"
	"github.com/vinci-go/vinci/tables"
)

// What the order context is loaded with.
const (
	shops   = 20 // tenants
	workers = 16 // that place orders one after another, for the rate
)

// placing is how long the orders at a steady rate go on, and those as fast as they
// are taken.
type placing struct {
	rate   int
	steady time.Duration
	burst  time.Duration
}

// placeOrders measures orders through the whole of the reference application, with all
// nine subscriptions: the time of POST /orders at a steady rate, the time from there
// until the tenant's dashboard counts the order, and how many orders a second go
// through.
//
// At the steady rate each order is sent when its time has come, whether those before
// were answered or not, so a queue that builds up is in the figures.
func placeOrders(ctx context.Context, o options, w io.Writer) (err error) {
	var stderr bytes.Buffer
	stage, err := scenario.Start(ctx, scenario.Options{Dir: o.dir}, progress.New(&stderr), io.Discard, &stderr)
	if err != nil {
		return fmt.Errorf("%w\n%s", err, &stderr)
	}
	defer func() { err = errors.Join(err, stage.Stop(ctx)) }()
	m := &orderLoad{Stage: stage, month: time.Now().UTC().Format("2006-01")}
	if err := m.prepare(ctx); err != nil {
		return err
	}
	if err := m.steady(ctx, o.placing.rate, o.placing.steady, w); err != nil {
		return err
	}
	return m.burst(ctx, o.placing.burst, w)
}

// orderLoad places orders and watches the dashboards.
type orderLoad struct {
	*scenario.Stage
	month  string // in which all of it happens
	next   atomic.Int64
	placed [shops]atomic.Int64 // that were answered
}

func shop(i int64) string { return fmt.Sprintf("shop-%02d", i%shops) }

// prepare sets stock, and wakes every function with an order of each tenant.
func (m *orderLoad) prepare(ctx context.Context) error {
	for i := range int64(shops) {
		r := scenario.Request{Method: "PUT", Path: "/inventory/lamp", Tenant: shop(i), Body: map[string]int{"available": 1_000_000_000}}
		if err := m.Do(ctx, r, nil, 200); err != nil {
			return err
		}
		if _, err := m.place(ctx); err != nil {
			return err
		}
	}
	return m.caughtUp(ctx)
}

// place places the next order and returns its tenant.
func (m *orderLoad) place(ctx context.Context) (i int64, err error) {
	i = m.next.Add(1) % shops
	r := scenario.Request{Method: "POST", Path: "/orders", Tenant: shop(i), Body: orders.PlaceOrder{
		CustomerID: "c1", CustomerName: "Customer", Email: "customer@example.com", Currency: "EUR",
		Items: []orders.Item{{ProductID: "lamp", Title: "Lamp", Price: 1250, Quantity: 2}},
	}}
	if err := m.Do(ctx, r, nil, 201); err != nil {
		return 0, err
	}
	m.placed[i].Add(1)
	return i, nil
}

// counted is how many orders the dashboard of a tenant shows.
func (m *orderLoad) counted(ctx context.Context, i int64) (int64, error) {
	d, err := tables.Dashboards.Get(ctx, m.Store, orm.Key(tables.ModelKey("", shop(i)), m.month))
	if errors.Is(err, orm.KindNotFound) {
		return 0, nil
	}
	return d.Orders, err
}

// look is how often a dashboard is looked at, and so how exact its time is.
const look = 10 * time.Millisecond

// await waits until the dashboard of a tenant counts so many orders.
func (m *orderLoad) await(ctx context.Context, i, orders int64) error {
	for {
		n, err := m.counted(ctx, i)
		if err != nil || n >= orders {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(look):
		}
	}
}

// caughtUp waits until the dashboards count every order that was answered.
func (m *orderLoad) caughtUp(ctx context.Context) error {
	for i := range int64(shops) {
		if err := m.await(ctx, i, m.placed[i].Load()); err != nil {
			return err
		}
	}
	return nil
}

// samples are durations that several goroutines take.
type samples struct {
	mu  sync.Mutex
	all []time.Duration
}

func (s *samples) add(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all = append(s.all, d)
}

// steady places rate orders a second. An order counts as shown when its tenant's
// dashboard counts as many orders as had been answered with it.
func (m *orderLoad) steady(ctx context.Context, rate int, how time.Duration, w io.Writer) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var posts, shown samples
	var running sync.WaitGroup
	tick := time.NewTicker(time.Second / time.Duration(rate))
	defer tick.Stop()
	total := int(how.Seconds() * float64(rate))
	for range total {
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
		running.Go(func() {
			began := time.Now()
			i, err := m.place(ctx)
			if err == nil {
				posts.add(time.Since(began))
				err = m.await(ctx, i, m.placed[i].Load())
			}
			if err != nil {
				stop(err)
				return
			}
			shown.add(time.Since(began))
		})
	}
	running.Wait()
	if err := context.Cause(ctx); err != nil {
		return err
	}
	fmt.Fprintf(w, "| %d orders at %d/s, %d tenants, 9 subscriptions | p50 | p99 |\n|---|---|---|\n", total, rate, shops)
	for _, row := range []struct {
		name string
		of   *samples
	}{{"POST /orders until its answer", &posts}, {"POST /orders until the dashboard counts it", &shown}} {
		fmt.Fprintf(w, "| %s | %s | %s |\n", row.name, percentile(row.of.all, 0.5).Round(100*time.Microsecond), percentile(row.of.all, 0.99).Round(100*time.Microsecond))
	}
	fmt.Fprintln(w)
	return nil
}

// burst places orders as fast as they are taken.
func (m *orderLoad) burst(ctx context.Context, how time.Duration, w io.Writer) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var n atomic.Int64
	var running sync.WaitGroup
	began := time.Now()
	for range workers {
		running.Go(func() {
			for time.Since(began) < how && ctx.Err() == nil {
				if _, err := m.place(ctx); err != nil {
					stop(err)
					return
				}
				n.Add(1)
			}
		})
	}
	running.Wait()
	if err := context.Cause(ctx); err != nil {
		return err
	}
	answered := time.Since(began)
	if err := m.caughtUp(ctx); err != nil {
		return err
	}
	shown := time.Since(began)
	fmt.Fprintf(w, "| %d orders as fast as %d clients place them | orders/s |\n|---|---|\n", n.Load(), workers)
	fmt.Fprintf(w, "| answered | %.0f |\n| counted by the dashboards | %.0f |\n\n", float64(n.Load())/answered.Seconds(), float64(n.Load())/shown.Seconds())
	return nil
}
