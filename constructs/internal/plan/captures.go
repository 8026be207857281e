package plan

import (
	"fmt"

	"github.com/vinci-go/vinci/internal/names"
)

// captureSubject is what a table handler is called in messages, before its name.
const captureSubject = "table handler"

// AWS's limits for a mapping from a table's stream. Two readers are as many as a
// stream serves without throttling.
//
// https://docs.aws.amazon.com/lambda/latest/api/API_CreateEventSourceMapping.html
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Streams.html
const (
	maxChangeBatch     = 10000
	maxParallel        = 10
	maxReadersOfStream = 2
)

func (c *checker) checkCaptures() {
	subscriptions := map[string]string{}
	for _, h := range c.Handlers {
		if h.Subscription != nil {
			subscriptions[h.Subscription.Name] = h.Subscription.DefinedAt
		}
	}
	seen := map[string]Capture{}
	readers := map[string]int{} // by table
	for _, h := range c.Captures {
		d := h.Definition
		if d == nil {
			c.add(Problem{
				What: "AddTableHandler got no table handler", Where: h.At,
				Allowed: "a definition made with capture.Define", Mend: "pass the definition's variable, as in app.AddTableHandler(orders.LowStock, ...)",
			})
			continue
		}
		subject := fmt.Sprintf("%s %q", captureSubject, d.Name)
		at := d.DefinedAt
		if at == "" {
			at = h.At
		}
		if err := d.Err(); err != nil {
			c.addErr(subject, err, at)
		}
		if other, ok := seen[d.Name]; ok {
			if other.Definition == d {
				c.add(Problem{
					What: subject + ": added twice", Where: both(other.At, h.At),
					Allowed: "one AddTableHandler a definition", Mend: "remove one of the two calls",
				})
			} else {
				c.add(Problem{
					What: subject + ": two table handlers have this name", Where: both(other.Definition.DefinedAt, d.DefinedAt),
					Allowed: "one table handler a name", Mend: "rename one of them in capture.Define",
				})
			}
			continue
		}
		seen[d.Name] = h
		if place, ok := subscriptions[d.Name]; ok {
			c.add(Problem{
				What: subject + ": a subscription has this name", Where: both(place, d.DefinedAt),
				Allowed: "a name for one subscription or one table handler: queues and delivery records are named after it", Mend: "rename one of the two",
			})
		}
		if !c.HasLog() {
			c.add(Problem{
				What: subject + ": the application has no event log, whose table keeps what was handled", Where: h.At,
				Allowed: "table handlers in an application with ApplicationProps.EventBus: true", Mend: "set EventBus: true, or remove the handler",
			})
		}
		c.length("failure queue", c.Name.DeadLetterQueue(d.Name), names.MaxQueue, "SQS", subject, at)
		c.checkCaptured(h, subject, at, readers)
		c.checkAccess(d.Access, subject, at)
		c.checkFunctionProps(h.Function, maxTimeout, subject, h.At)
		c.between(h.BatchSize, 1, maxChangeBatch, "BatchSize", "", subject, h.At)
		c.duration(h.BatchingWindow, 0, maxWindow, "BatchingWindow", subject, h.At)
		c.between(h.Parallel, 1, maxParallel, "Parallel", "", subject, h.At)
	}
}

// checkCaptured finds a table that is not the application's, or has too many
// readers. What is wrong with the table by itself, the definition says.
func (c *checker) checkCaptured(h Capture, subject, at string, readers map[string]int) {
	d := h.Definition
	if d.Table == nil || d.Err() != nil {
		return
	}
	s := d.Table.Schema()
	switch own, ok := c.tables[s.Name]; {
	case !ok:
		c.add(Problem{
			What: fmt.Sprintf("%s: is about table %q, which was not added", subject, s.Name), Where: at,
			Allowed: "tables that were added: " + c.tableNames(), Mend: "add the table with app.AddTable",
		})
	case own.Schema() != s:
		c.add(Problem{
			What:  fmt.Sprintf("%s: is about table %q, but another definition of that name was added", subject, s.Name),
			Where: at, Allowed: "one definition a table, defined at " + c.short(own.Schema().DefinedAt), Mend: "use the same variable in both places",
		})
	default:
		if readers[s.Name]++; readers[s.Name] > maxReadersOfStream {
			c.add(Problem{
				What: fmt.Sprintf("%s: table %q has more than %d table handlers", subject, s.Name, maxReadersOfStream), Where: h.At,
				Allowed: fmt.Sprintf("DynamoDB serves %d readers of a table's stream", maxReadersOfStream),
				Mend:    "let one handler commit an event, and subscribe to that as often as you like",
			})
		}
	}
}
