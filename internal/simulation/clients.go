package simulation

import (
	"context"
	"errors"
	"fmt"
	"slices"
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
	busy     int      // commands under way, or to be given again
	orders   []string // that are known to exist
	commands map[int]*command
}

// command is what a client wants to commit, and what it was told.
type command struct {
	number int // of its first event; the others follow
	kind   int
	order  string
	other  string
	poison string
	named  bool // it has a command id, and is given again when no answer came
	timer  time.Duration

	events int // of the commit
	told   answer
	ids    []string // of its events, when it was told
}

type answer int

const (
	nothing   answer = iota // no answer, or one that leaves it open
	committed               // it happened
	declined                // it did not
)

// Kinds of commands, and the numbers of a hundred that draw them.
const (
	place  = 35
	extend = 60
	ship   = 80
	double = 90
)

// numbers is how many events a command may have: each has a number of its own.
const numbers = 10

// timerNumber is the event of a command's timer.
const timerNumber = 5

// next gives the next command and asks for the one after it.
func (c *clients) next() {
	if c.given == c.commits {
		return
	}
	c.given++
	cmd := &command{number: c.given * numbers, kind: c.random.IntN(100), named: c.chance(500)}
	if len(c.orders) == 0 {
		cmd.kind = 0
	}
	cmd.order = fmt.Sprint(cmd.number)
	if cmd.kind >= place {
		recent := min(len(c.orders), 8)
		cmd.order = c.orders[len(c.orders)-1-c.random.IntN(recent)]
		cmd.other = c.orders[c.random.IntN(len(c.orders))]
	} else {
		cmd.poison = c.poison()
		if c.chance(300) {
			cmd.timer = c.between(time.Second, 3*time.Minute)
		}
	}
	c.commands[cmd.number] = cmd
	c.busy++
	c.give(cmd)
	if c.chance(5) {
		junk := c.queues[c.random.IntN(len(c.queues))]
		c.at(0, func() { junk.add(`{"no":"event"}`) })
	}
	wait := time.Duration(0)
	if !c.chance(300) {
		wait = c.between(0, 60*time.Millisecond)
	}
	c.at(wait, c.next)
}

// active reports whether there is more to come.
func (c *clients) active() bool { return c.given < c.commits || c.busy > 0 }

// give gives a command, and again when nothing came of it that its client knows
// and it has a name by which the log knows it again.
func (c *clients) give(cmd *command) {
	c.start(&task{
		name: fmt.Sprintf("client #%d", cmd.number), deadline: functionTimeout, skew: c.skew(),
		faults: func() bool { return true },
		done: func(died bool) {
			if cmd.named && (died || cmd.told == nothing) {
				cmd.told = nothing
				c.at(c.between(0, time.Minute), func() { c.give(cmd) })
				return
			}
			c.busy--
			if cmd.kind < place && cmd.told == committed {
				c.orders = append(c.orders, cmd.order)
			}
		},
	}, func() { c.act(context.Background(), cmd) })
}

// act does what the command says.
func (c *clients) act(ctx context.Context, cmd *command) {
	n, stream := cmd.number, "order/"+cmd.order
	switch {
	case cmd.kind < place:
		changes := eventlog.Changes{
			Writes: []orm.Write{orders.Insert(tally{Key: cmd.order, N: 1})},
			Events: []event.Record{placed.At(stream, event.New).Record(fact{Number: n, Customer: fmt.Sprint("customer-", n/numbers%5), Poison: cmd.poison})},
		}
		if cmd.timer > 0 {
			changes.Timers = []eventlog.Timer{{
				ID: stream, Due: epoch.Add(c.now + cmd.timer),
				Event: reminded.At(stream, event.Append).Record(fact{Number: n + timerNumber}),
			}}
		}
		c.commit(ctx, cmd, changes)
	case cmd.kind < extend:
		c.commit(ctx, cmd, eventlog.Changes{
			Writes: []orm.Write{orders.Update(cmd.order, orderSize.Add(1))},
			Events: []event.Record{extended.At(stream, event.Append).Record(fact{Number: n})},
		})
	case cmd.kind < ship:
		c.ship(ctx, cmd)
	case cmd.kind < double: // two streams, one of them twice
		changes := eventlog.Changes{
			Writes: []orm.Write{orders.Update(cmd.order, orderSize.Add(2))},
			Events: []event.Record{
				extended.At(stream, event.Append).Record(fact{Number: n}),
				extended.At(stream, event.Append).Record(fact{Number: n + 1}),
			},
		}
		if cmd.other != cmd.order {
			changes.Writes = append(changes.Writes, orders.Update(cmd.other, orderSize.Add(1)))
			changes.Events = append(changes.Events, extended.At("order/"+cmd.other, event.Append).Record(fact{Number: n + 2}))
		}
		c.commit(ctx, cmd, changes)
	default:
		c.commit(ctx, cmd, eventlog.Changes{Events: []event.Record{noted.Record(fact{Number: n})}})
	}
}

// ship decides from what the stream holds, again when it was outrun.
func (c *clients) ship(ctx context.Context, cmd *command) {
	stream := "order/" + cmd.order
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
		c.commit(ctx, cmd, eventlog.Changes{
			Writes: []orm.Write{orders.Update(cmd.order, orderSize.Add(1))},
			Events: []event.Record{shipped.At(stream, event.Expect(version)).Record(fact{Number: cmd.number, Cancels: true})},
			Cancel: []string{stream},
		})
		if cmd.told != declined {
			return
		}
	}
}

// commit commits, and notes what the client is told.
func (c *clients) commit(ctx context.Context, cmd *command, changes eventlog.Changes) {
	t := c.current
	if cmd.named {
		changes.Command = eventlog.Command{ID: fmt.Sprint("command/", cmd.number), Request: fmt.Sprint(cmd.number)}
	}
	cmd.events = len(changes.Events)
	done, err := c.log.Commit(ctx, changes)
	switch {
	case t.dead, errors.Is(err, eventlog.KindUnknown), cmd.named && passing(err):
		cmd.told = nothing
	case err != nil:
		cmd.told = declined
	default:
		cmd.told = committed
		cmd.ids = cmd.ids[:0]
		for _, m := range done.Events {
			cmd.ids = append(cmd.ids, m.ID)
		}
	}
	c.trace.note(c.scheduler, t.name, fmt.Sprintf(" was told %d (%v): %v", cmd.told, slices.Clone(cmd.ids), err))
}

// passing reports whether the store did not answer: this commit did not happen,
// and whether the command had been done before is not known.
func passing(err error) bool {
	return errors.Is(err, orm.KindUnavailable) || errors.Is(err, orm.KindThrottled) || errors.Is(err, orm.KindConflict)
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
	case n < 20:
		return project.Name
	case n < 24:
		return notify.Name
	default:
		return ""
	}
}
