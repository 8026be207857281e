package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/domain/users"
	"github.com/vinci-go/vinci/eventlog"
	"github.com/vinci-go/vinci/internal/progress"
	"github.com/vinci-go/vinci/orm"
	"github.com/vinci-go/vinci/scenario"
)

// List prices in US dollars, us-east-1, November 2026, without free tiers.
//
// https://aws.amazon.com/dynamodb/pricing/on-demand/
// https://aws.amazon.com/eventbridge/pricing/
// https://aws.amazon.com/sqs/pricing/
// https://aws.amazon.com/lambda/pricing/
const (
	priceWriteUnits  = 0.625        // a million
	priceEvents      = 1.00         // a million custom events of up to 64 KB
	priceQueue       = 0.40         // a million requests to a standard queue
	priceInvocations = 0.20         // a million
	priceGBSecond    = 0.0000133334 // arm64
)

const (
	// functionMemory is what constructs give a function unless told otherwise.
	functionMemory = 256.0 / 1024 // GB
	costEvents     = 1000
)

// cost counts at the gateway what an event costs: requests and write units of the
// commit, the relay and a subscription of each kind. A subscription has a queue, a
// function and delivery records of its own, so that n of them cost n times as much
// as one.
func cost(ctx context.Context, o options, w io.Writer) (err error) {
	var stderr bytes.Buffer
	m := newMeter()
	stage, err := scenario.Start(ctx, scenario.Options{Dir: o.dir, Observer: m.observe}, progress.New(&stderr), io.Discard, &stderr)
	if err != nil {
		return fmt.Errorf("%w\n%s", err, &stderr)
	}
	defer func() {
		if stopErr := stage.Stop(ctx); err == nil {
			err = stopErr
		}
	}()
	b := &load{Stage: stage}

	// One event at a time: nothing shares a request or an invocation with another.
	alone, err := m.measure(b, "alone", costEvents/10, func(n int) error {
		for range n {
			id, err := b.commit(ctx)
			if err != nil {
				return err
			}
			for _, sub := range []*bus.Definition{users.CountTotal, users.SendWelcome} {
				if err := b.Delivered(ctx, id, sub, bus.Succeeded); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	together, err := m.measure(b, "in a burst", costEvents, func(n int) error {
		_, err := b.burst(ctx, n, func(ctx context.Context) error {
			_, err := b.commit(ctx)
			return err
		})
		return err
	})
	if err != nil {
		return err
	}
	sizes, err := itemSizes(ctx, b.Store)
	if err != nil {
		return err
	}
	return printCost(w, sizes, alone, together)
}

// share is what an event costs at one part of its way.
type share struct {
	requests    map[string]float64 // to AWS, by operation
	writeUnits  float64
	invocations float64
	seconds     float64 // that the functions ran
}

// counted is what was counted of events that came in one way.
type counted struct {
	name  string
	parts map[string]*share // by label: commit, relay, the subscriptions
}

// labelRelay is the relay's part, and the function's name.
const labelRelay = "relay"

// label is the part that a caller belongs to, by the name of its role.
func label(caller string) string {
	for text, label := range map[string]string{
		"relay": labelRelay, "logtimers": "timers, by the minute", "count_total": users.CountTotal.Name, "counttotal": users.CountTotal.Name,
		"send_welcome": users.SendWelcome.Name, "sendwelcome": users.SendWelcome.Name,
	} {
		if strings.Contains(strings.ToLower(caller), text) {
			return label
		}
	}
	return caller
}

// measure counts while do sends n events.
func (m *meter) measure(b *load, name string, n int, do func(int) error) (counted, error) {
	before := map[string]int{}
	for _, f := range []string{labelRelay, users.CountTotal.Name, users.SendWelcome.Name} {
		before[f] = len(b.reports(f))
	}
	m.reset()
	if err := do(n); err != nil {
		return counted{}, err
	}
	calls, writes := m.reset()
	c := counted{name: name, parts: map[string]*share{}}
	at := func(caller string) *share {
		l := label(caller)
		if c.parts[l] == nil {
			c.parts[l] = &share{requests: map[string]float64{}}
		}
		return c.parts[l]
	}
	for k, times := range calls {
		// What this program reads, it reads to see whether it is done.
		if k.caller != committer || k.operation == "TransactWriteItems" {
			at(k.caller).requests[k.operation] += float64(times) / float64(n)
		}
	}
	for k, times := range writes {
		at(k.caller).writeUnits += float64(times) / float64(n) * unitsOf(k)
	}
	for f, skip := range before {
		for _, d := range b.reports(f)[skip:] {
			at(f).invocations += 1 / float64(n)
			at(f).seconds += d.Seconds() / float64(n)
		}
	}
	return c, nil
}

// unitsOf are the write units of one action on an item of at most 1 KB, which
// those of the log and of the deliveries are here (the report says how large they
// were): one, twice that in a transaction; an event is written to two indexes as
// well. The application's own tables do not count: those writes are the handler's.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html
func unitsOf(w write) float64 {
	units := 1.0
	if w.transactional {
		units = 2
	}
	switch w.table {
	case scenario.Deployment.Table(eventlog.Events.Schema().Name):
		return units + float64(len(eventlog.Events.Schema().Indexes))
	case scenario.Deployment.Table(bus.Deliveries.Schema().Name), scenario.Deployment.Table(eventlog.State.Schema().Name):
		return units
	}
	return 0
}

// reports are how long a function's invocations took.
func (b *load) reports(function string) []time.Duration {
	var took []time.Duration
	for _, line := range b.Runtime.Lines(function) {
		if strings.HasPrefix(line.Text, "REPORT ") {
			if d, ok := reported(line.Text, "Duration"); ok {
				took = append(took, d)
			}
		}
	}
	return took
}

// itemSizes are the largest items of the tables that every event is written to.
func itemSizes(ctx context.Context, s orm.Store) (map[string]int, error) {
	sizes := map[string]int{}
	for name, schema := range map[string]*orm.Schema{"events": eventlog.Events.Schema(), "deliveries": bus.Deliveries.Schema()} {
		r := &orm.ScanRequest{Table: schema}
		for {
			page, err := s.Scan(ctx, r)
			if err != nil {
				return nil, err
			}
			for _, item := range page.Items {
				sizes[name] = max(sizes[name], orm.ItemSize(item))
			}
			if page.Next == nil {
				break
			}
			r.Start = page.Next
		}
	}
	return sizes, nil
}

// printCost prints what was counted, and the dollars of a million events.
func printCost(w io.Writer, sizes map[string]int, all ...counted) error {
	fmt.Fprintf(w, "Largest items: event %d bytes, delivery %d bytes; a write unit is 1,024.\n\n", sizes["events"], sizes["deliveries"])
	fmt.Fprintf(w, "| an event, %s | requests at the gateway | write units | invocations | function ms |\n|---|---|---|---|---|\n", "counted")
	for _, c := range all {
		for _, name := range slices.Sorted(maps.Keys(c.parts)) {
			p := c.parts[name]
			var requests []string
			for _, op := range slices.Sorted(maps.Keys(p.requests)) {
				requests = append(requests, fmt.Sprintf("%s %.2f", op, p.requests[op]))
			}
			fmt.Fprintf(w, "| %s, %s | %s | %.2f | %.2f | %.1f |\n", c.name, name, strings.Join(requests, ", "), p.writeUnits, p.invocations, p.seconds*1000)
		}
	}
	for _, c := range all {
		fmt.Fprintf(w, "\n| a million events %s, subscriptions | requests | write units | DynamoDB | EventBridge | SQS | Lambda | dollars |\n|---|---|---|---|---|---|---|---|\n", c.name)
		for _, n := range []int{0, 1, 3, 10} {
			b := c.bill(n)
			fmt.Fprintf(w, "| %d | %.2f | %.2f | %.2f | %.2f | %.2f | %.2f | **%.2f** |\n", n, b.requests, b.writeUnits, b.dynamodb, b.events, b.queue, b.lambda, b.total())
		}
	}
	_, err := fmt.Fprintf(w, `
Requests are those of an event. Dollars are list prices: write units x $%.3f, events put on the bus x $%.2f, queue requests (one that EventBridge sends,
and for each invocation one that receives and one that deletes) x $%.2f, invocations x $%.2f, all a million, and GB-seconds (%.0f MB, as long as it took
here) x $%.10f. A subscription is the mean of one with On and one with OnTx; the handler's own writes are not in it. Reads: none.

`, priceWriteUnits, priceEvents, priceQueue, priceInvocations, functionMemory*1024, priceGBSecond)
	return err
}

// bill is what a million events cost.
type bill struct {
	requests, writeUnits            float64 // of one event
	dynamodb, events, queue, lambda float64 // dollars
}

func (b bill) total() float64 { return b.dynamodb + b.events + b.queue + b.lambda }

// bill adds up for n subscriptions.
func (c counted) bill(n int) bill {
	var b bill
	add := func(name string, times float64) {
		p := c.parts[name]
		if p == nil {
			return
		}
		for _, count := range p.requests {
			b.requests += times * count
		}
		b.writeUnits += times * p.writeUnits
		b.lambda += times * (p.invocations*priceInvocations + p.seconds*functionMemory*priceGBSecond*1e6)
	}
	add(committer, 1)
	add(labelRelay, 1)
	for _, name := range []string{users.CountTotal.Name, users.SendWelcome.Name} {
		add(name, float64(n)/2)
		if p := c.parts[name]; p != nil {
			// EventBridge sends; the mapping receives and deletes once an invocation.
			b.queue += float64(n) / 2 * (1 + 2*p.invocations) * priceQueue
		}
	}
	b.dynamodb = b.writeUnits * priceWriteUnits
	b.events = priceEvents
	return b
}
