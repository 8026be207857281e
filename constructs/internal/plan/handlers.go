package plan

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/internal/names"
)

// AWS's limits for what a handler or an API may ask for.
//
// https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
// https://docs.aws.amazon.com/lambda/latest/api/API_CreateEventSourceMapping.html
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html
const (
	maxTimeout     = 15 * time.Minute
	maxAPITimeout  = 30 * time.Second
	minMemory      = 128
	maxMemory      = 10240
	maxBatchSize   = 10000
	maxWindow      = 300 * time.Second
	minConcurrency = 2
	maxConcurrency = 1000
	maxRoutes      = 300
	maxPattern     = 2048
)

func (c *checker) checkHandlers() {
	seen := map[string]Handler{}
	for _, h := range c.Handlers {
		d := h.Subscription
		if d == nil {
			c.add(Problem{
				What: "AddEventHandler got no subscription", Where: h.At,
				Allowed: "a definition made with bus.Subscription", Mend: "pass the subscription's variable, as in app.AddEventHandler(users.SendWelcome, ...)",
			})
			continue
		}
		subject := fmt.Sprintf("subscription %q", d.Name)
		at := d.DefinedAt
		if at == "" {
			at = h.At
		}
		if err := d.Err(); err != nil {
			c.addErr(subject, err, at)
		} else if err := names.Check(d.Name); err != nil {
			c.addErr(subject, err, at)
		}
		if d.Name == names.RelayFailedQueue {
			c.add(Problem{
				What: subject + ": the name belongs to a queue of the framework", Where: at,
				Allowed: "any name but " + names.RelayFailedQueue, Mend: "rename the subscription",
			})
		}
		if other, ok := seen[d.Name]; ok {
			if other.Subscription == d {
				c.add(Problem{
					What: subject + ": added twice", Where: both(other.At, h.At),
					Allowed: "one AddEventHandler a subscription", Mend: "remove one of the two calls",
				})
			} else {
				c.add(Problem{
					What: subject + ": two subscriptions have this name", Where: both(other.Subscription.DefinedAt, d.DefinedAt),
					Allowed: "one subscription a name", Mend: "rename one of them in bus.Subscription",
				})
			}
			continue
		}
		seen[d.Name] = h
		c.length("queue", c.Name.UndeliveredQueue(d.Name), names.MaxQueue, "SQS", subject, at)
		if known, of, ok := c.checkSource(d, subject, at, h.At); ok {
			c.checkSelectors(d, known, of, subject, at)
		}
		c.checkAccess(d.Access, subject, at)
		c.checkHandlerProps(h, subject)
	}
}

// checkSelectors finds a subscription to events that nobody publishes. of says whose
// the known ones are, when they are not the application's own.
func (c *checker) checkSelectors(d *bus.Definition, known map[string]event.Type, of, subject, at string) {
	add := "app.AddEvents"
	if of != "" {
		add = "app.AddEventsOf"
	}
	for _, s := range d.Selectors {
		if s == nil || s.Err() != nil {
			continue // the definition's own Err says so
		}
		if slices.ContainsFunc(slices.Collect(maps.Keys(known)), s.Matches) {
			continue
		}
		p := Problem{Where: at, Allowed: "events" + of + " that were added: " + namesOf(known)}
		if s.Rule().Exact != "" {
			p.What = fmt.Sprintf("%s: wants event %q%s, which was not added", subject, s, of)
			p.Mend = "add the event with " + add + ", or correct the subscription"
		} else {
			p.What = fmt.Sprintf("%s: pattern %q matches no event%s that was added", subject, s, of)
			p.Mend = "add the events with " + add + ", or correct the pattern"
		}
		c.add(p)
	}
	c.checkPattern(d, subject, at)
}

func (c *checker) eventNames() string { return namesOf(c.events) }

func namesOf(events map[string]event.Type) string {
	return cmp.Or(join(slices.Sorted(maps.Keys(events))), "none")
}

// checkHandlerProps compares numbers with AWS's limits.
func (c *checker) checkHandlerProps(h Handler, subject string) {
	c.checkFunctionProps(h.Function, maxTimeout, subject, h.At)
	c.between(h.BatchSize, 1, maxBatchSize, "BatchSize", "", subject, h.At)
	c.duration(h.BatchingWindow, 0, maxWindow, "BatchingWindow", subject, h.At)
	if h.BatchSize > 10 && h.BatchingWindow < time.Second {
		c.add(Problem{
			What: fmt.Sprintf("%s: BatchSize is %d and BatchingWindow %s", subject, h.BatchSize, h.BatchingWindow), Where: h.At,
			Allowed: "a batch over 10 needs a window of at least 1s", Mend: "set BatchingWindow, or leave it at zero for 1s",
		})
	}
	if h.MaxConcurrency != 0 {
		c.between(h.MaxConcurrency, minConcurrency, maxConcurrency, "MaxConcurrency", "", subject, h.At)
	}
}

func (c *checker) checkFunctionProps(f Function, longest time.Duration, subject, at string) {
	c.duration(f.Timeout, time.Second, longest, "Timeout", subject, at)
	c.between(f.Memory, minMemory, maxMemory, "Memory", " MB", subject, at)
}

func (c *checker) between(got, low, high int, prop, unit, subject, at string) {
	if got < low || got > high {
		c.add(Problem{
			What: fmt.Sprintf("%s: %s is %d%s", subject, prop, got, unit), Where: at,
			Allowed: fmt.Sprintf("%d to %d%s", low, high, unit), Mend: "correct " + prop + ", or leave it at zero for the default",
		})
	}
}

func (c *checker) duration(got, low, high time.Duration, prop, subject, at string) {
	if got < low || got > high || got%time.Second != 0 {
		c.add(Problem{
			What: fmt.Sprintf("%s: %s is %s", subject, prop, got), Where: at,
			Allowed: fmt.Sprintf("%s to %s in whole seconds", low, high), Mend: "correct " + prop + ", or leave it at zero for the default",
		})
	}
}
