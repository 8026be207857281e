package simulation

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/eventlog"
	"github.com/vinci-go/vinci/orm"
)

// clients give commands, many at a time on the same few orders.
type clients struct {
	*world
	commits  int // commands to give
	given    int
	orders   []string // that are known to exist
	commands map[int]*command
}

// command is what a client wanted to commit, and what it was told.
type command struct {
	number int // of its first event; the others follow
	events int
	told   answer
	ids    []string // of its events, when it was told
}

type answer int

const (
	nothing   answer = iota // no answer, or one that leaves it open
	committed               // it happened
	declined                // it did not
)

// next gives the next command and asks for the one after it.
func (c *clients) next() {
	if c.given == c.commits {
		return
	}
	c.given++
	n := c.given * 10 // so that a command may have several events
	c.start(&task{
		name: fmt.Sprintf("client #%d", c.given), deadline: functionTimeout, skew: c.skew(),
		faults: func() bool { return true }, done: func(bool) {},
	}, func() { c.act(n) })
	if c.chance(5) {
		junk := c.queues[c.random.IntN(len(c.queues))]
		c.at(0, func() { junk.add(`{"no":"event"}`) })
	}
	c.at(c.between(0, 40*time.Millisecond), c.next)
}

// act decides what to do and does it.
func (c *clients) act(n int) {
	ctx := context.Background()
	kind := c.random.IntN(100)
	if len(c.orders) == 0 {
		kind = 0
	}
	order := fmt.Sprint(n)
	if kind >= 35 {
		recent := min(len(c.orders), 12)
		order = c.orders[len(c.orders)-1-c.random.IntN(recent)]
	}
	stream := "order/" + order
	switch {
	case kind < 35:
		told := c.commit(ctx, n, eventlog.Changes{
			Writes: []orm.Write{orders.Insert(tally{Key: order, N: 1})},
			Events: []event.Record{placed.At(stream, event.New).Record(fact{Number: n, Customer: fmt.Sprint("customer-", c.random.IntN(5)), Poison: c.poison()})},
		})
		if told == committed {
			c.orders = append(c.orders, order)
		}
	case kind < 60:
		c.commit(ctx, n, eventlog.Changes{
			Writes: []orm.Write{orders.Update(order, orderSize.Add(1))},
			Events: []event.Record{extended.At(stream, event.Append).Record(fact{Number: n})},
		})
	case kind < 80:
		c.ship(ctx, n, order)
	case kind < 90: // two streams, one of them twice
		other := c.orders[c.random.IntN(len(c.orders))]
		changes := eventlog.Changes{
			Writes: []orm.Write{orders.Update(order, orderSize.Add(2))},
			Events: []event.Record{
				extended.At(stream, event.Append).Record(fact{Number: n}),
				extended.At(stream, event.Append).Record(fact{Number: n + 1}),
			},
		}
		if other != order {
			changes.Writes = append(changes.Writes, orders.Update(other, orderSize.Add(1)))
			changes.Events = append(changes.Events, shipped.At("order/"+other, event.Append).Record(fact{Number: n + 2}))
		}
		c.commit(ctx, n, changes)
	default:
		c.commit(ctx, n, eventlog.Changes{Events: []event.Record{noted.Record(fact{Number: n})}})
	}
}

// ship decides from what the stream holds, again when it was outrun.
func (c *clients) ship(ctx context.Context, n int, order string) {
	stream := "order/" + order
	for range 4 {
		var version int64
		for e, err := range c.log.Stream(ctx, stream, 1) {
			if err != nil {
				if errors.Is(err, eventlog.KindDamaged) {
					c.violated(Committed, stream, "%v", err)
				}
				return
			}
			_, version, _ = event.ParseID(e.ID) // made by EventID
		}
		if version == 0 {
			c.violated(Committed, stream, "the order was acknowledged and its stream is empty")
			return
		}
		told := c.commit(ctx, n, eventlog.Changes{
			Writes: []orm.Write{orders.Update(order, orderSize.Add(1))},
			Events: []event.Record{shipped.At(stream, event.Expect(version)).Record(fact{Number: n})},
		})
		if told != declined {
			return
		}
	}
}

// commit commits, and notes what the client is told.
func (c *clients) commit(ctx context.Context, n int, changes eventlog.Changes) answer {
	cmd := &command{number: n, events: len(changes.Events)}
	c.commands[n] = cmd
	t := c.current
	done, err := c.log.Commit(ctx, changes)
	switch {
	case t.dead, errors.Is(err, eventlog.KindUnknown):
		cmd.told = nothing
	case err != nil:
		cmd.told = declined
	default:
		cmd.told = committed
		for _, m := range done.Events {
			cmd.ids = append(cmd.ids, m.ID)
		}
	}
	c.trace.note(c.scheduler, t.name, fmt.Sprintf("was told %d: %v", cmd.told, err))
	return cmd.told
}

// poison makes a few events impossible to handle.
func (c *clients) poison() string {
	switch n := c.random.IntN(1000); {
	case n < 4:
		return "bus"
	case n < 8:
		return count.Name
	case n < 12:
		return invoice.Name
	case n < 16:
		return mail.Name
	default:
		return ""
	}
}
