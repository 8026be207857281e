package simulation

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/eventlog"
	"github.com/vinci-go/vinci/orm"
)

// logged is an event as the log has it in the end.
type logged struct {
	event.Envelope
	fact fact
}

// check compares the end of the run with what was promised.
func (w *world) check() {
	all := w.readLog()
	w.checkCommits(all)
	w.checkDeliveries(all)
	w.checkDeadLetters(all)
	w.checkInvoices(all)
	w.checkTimers(all)
}

// readLog reads every stream, in order and without gaps.
func (w *world) readLog() map[string]logged {
	out := map[string]logged{}
	sizes := map[string]int{} // of the streams, without what timers added
	for _, item := range w.store.memory.Items(eventlog.Events) {
		stream := textOf(item["stream"])
		if _, again := sizes[stream]; again {
			continue
		}
		sizes[stream] = 0
		for e, err := range w.log.Stream(context.Background(), stream, 1) {
			if err != nil {
				w.violated(Committed, stream, "%v", err)
				break
			}
			l := logged{Envelope: e}
			if err := json.Unmarshal(e.Data, &l.fact); err != nil {
				w.violated(Committed, e.ID, "its data is not what was committed: %v", err)
			}
			out[e.ID] = l
			if e.Type != reminded.Name() {
				sizes[stream]++
			}
		}
	}
	for stream, n := range sizes {
		if order, ok := strings.CutPrefix(stream, "order/"); ok {
			if stored := w.number(orders, order); stored != n {
				w.violated(Committed, stream, "it has %d events and the item that is written with them says %d", n, stored)
			}
		}
	}
	for _, item := range w.store.memory.Items(orders) {
		if stream := "order/" + textOf(item["key"]); sizes[stream] == 0 {
			w.violated(Committed, stream, "the order is there and its events are not")
		}
	}
	return out
}

// checkCommits: what was acknowledged is there, what was declined is not, and
// nothing is there twice.
func (w *world) checkCommits(all map[string]logged) {
	times := map[int]int{}
	for _, l := range all {
		if l.fact.Number > 0 {
			times[l.fact.Number]++
		}
	}
	for n := numbers; n <= w.clients.given*numbers; n += numbers {
		c := w.clients.commands[n]
		for i := range c.events {
			got := times[n+i]
			switch {
			case got > 1:
				w.violated(Committed, fmt.Sprint("number ", n+i), "command %d is in the log %d times", n, got)
			case got != times[n]:
				w.violated(Committed, fmt.Sprint("number ", n+i), "command %d was committed in part", n)
			case c.told == committed && all[c.ids[i]].fact.Number != n+i:
				w.violated(Committed, c.ids[i], "command %d was acknowledged, and another event (or none) is there", n)
			case c.told == declined && got != 0:
				w.violated(Committed, fmt.Sprint("number ", n+i), "command %d was declined and is in the log", n)
			}
		}
	}
}

// checkDeliveries: every event has reached every subscription that wants it, and
// had its effect there once.
func (w *world) checkDeliveries(all map[string]logged) {
	counted := 0
	for _, id := range sorted(all) {
		l := all[id]
		for _, q := range w.queues {
			if !q.sub.Matches(l.Type) {
				continue
			}
			want, effect := bus.Succeeded, 1
			d := w.delivery(id, q.sub)
			switch {
			case q.sub.Ordered && l.Type == reminded.Name():
				want, effect = "", 0 // passed over without a record
			case q.sub.Ordered && l.fact.Poison == q.sub.Name:
				want, effect = bus.Ignored, 0 // skipped by a person
			case q.sub.Ordered && l.fact.Poison == "bus" && d.Status == bus.Succeeded:
				// A later event of its stream let it be found in the log.
			case l.fact.Poison == "bus":
				want, effect = "", 0
			case l.fact.Poison == q.sub.Name:
				want, effect = bus.Dead, 0
			case q.sub == count && (l.Type == shipped.Name() || l.Type == reminded.Name()):
				want, effect = bus.Ignored, 0
			}
			if d.Status != want {
				w.violated(Delivered, id, "at %s it is %q after %d attempts (%s), want %q", q.sub.Name, d.Status, d.Attempts, d.ErrorMessage, want)
			}
			switch q.sub {
			case mail, notify:
				if n := w.outside.runs[q.sub.Name+"/"+id]; n < effect {
					w.violated(Delivered, id, "%s never had its effect", q.sub.Name)
				}
			default:
				if q.sub == count {
					counted += effect
				}
				if n := w.number(effects, effectKey(q.sub, id)); n != effect {
					w.violated(Once, id, "it had its effect at %s %d times, want %d", q.sub.Name, n, effect)
				}
			}
		}
	}
	if n := w.number(effects, "all"); n != counted {
		w.violated(Once, "all", "the counter is at %d, want %d", n, counted)
	}
}

// checkDeadLetters: what was made poisonous is where it can be found, and
// nothing else is there.
func (w *world) checkDeadLetters(all map[string]logged) {
	for id := range w.failures.got {
		if all[id].fact.Poison != "bus" {
			w.violated(OnlyPoison, id, "it is in the relay's failure queue")
		}
	}
	for _, id := range sorted(all) {
		if all[id].fact.Poison == "bus" && !w.failures.got[id] {
			w.violated(Delivered, id, "the bus does not take it, and it is not in the failure queue")
		}
	}
	for _, q := range w.queues {
		buried := map[string]bool{}
		junk := 0
		for _, d := range q.dead {
			id := d.Attributes[bus.AttrEventID]
			if d.Attributes[bus.AttrErrorKind] == "" {
				w.violated(OnlyPoison, id, "a dead letter of %s has no reason", q.sub.Name)
			}
			if id == "" {
				junk++
				continue
			}
			buried[id] = true
			if all[id].fact.Poison != q.sub.Name {
				w.violated(OnlyPoison, id, "it is in the dead-letter queue of %s: %s", q.sub.Name, d.Attributes[bus.AttrErrorMessage])
			}
		}
		if junk < q.junk {
			w.violated(Delivered, q.sub.Name, "%d messages that are no events, %d of them in the dead-letter queue", q.junk, junk)
		}
		for _, id := range sorted(all) {
			if l := all[id]; l.fact.Poison == q.sub.Name && q.sub.Matches(l.Type) && !buried[id] {
				w.violated(Delivered, id, "it is poison for %s and not in its dead-letter queue", q.sub.Name)
			}
		}
	}
}

// checkInvoices: each order led to one invoice, and each invoice to one step of
// the customer's balance.
func (w *world) checkInvoices(all map[string]logged) {
	made, customers := map[int]int{}, map[string]int{}
	for _, l := range all {
		if l.Type == invoiced.Name() {
			made[-l.fact.Number]++
		}
	}
	for _, id := range sorted(all) {
		l := all[id]
		if l.Type != placed.Name() {
			continue
		}
		want := 1
		if l.fact.Poison == "bus" || l.fact.Poison == invoice.Name {
			want = 0
		}
		customers[l.fact.Customer] += want
		if n := made[l.fact.Number]; n != want {
			w.violated(Once, id, "it led to %d invoices, want %d", n, want)
		}
	}
	for customer, n := range customers {
		if got := w.number(balances, customer); got != n {
			w.violated(Once, customer, "the balance is %d after %d invoices", got, n)
		}
	}
}

// checkTimers: the timer of each order has fired, once, unless the order was
// shipped before.
func (w *world) checkTimers(all map[string]logged) {
	fired, cancelled := map[int]int64{}, map[string]int64{} // at which version of the stream
	for _, id := range sorted(all) {
		l := all[id]
		_, version, _ := event.ParseID(id) // made by EventID
		if l.Type == reminded.Name() {
			if fired[l.fact.Number] != 0 {
				w.violated(Fired, id, "the timer fired before, at version %d", fired[l.fact.Number])
			}
			fired[l.fact.Number] = version
			w.fired++
		}
		if before, ok := cancelled[l.Subject]; l.fact.Cancels && (!ok || version < before) {
			cancelled[l.Subject] = version
		}
	}
	for _, id := range sorted(all) {
		l := all[id]
		c := w.clients.commands[l.fact.Number]
		if l.Type != placed.Name() || c.timer == 0 {
			continue
		}
		at, was := cancelled[l.Subject]
		switch n := fired[l.fact.Number+timerNumber]; {
		case n == 0 && !was:
			w.violated(Fired, l.Subject, "the timer never fired")
		case was && n > at:
			w.violated(Fired, l.Subject, "the timer fired at version %d, and was cancelled at version %d", n, at)
		}
	}
}

// number reads a tally from outside.
func (w *world) number(t *orm.Table[tally, string], key string) int {
	item, err := t.Get(context.Background(), w.store.memory, key)
	if err != nil && !errors.Is(err, orm.KindNotFound) {
		w.violated(Once, key, "%v", err)
	}
	return item.N
}
