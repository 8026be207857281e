package constructs

import (
	"fmt"
	"time"

	"github.com/vinci-go/vinci/constructs/internal/plan"
	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/event/schema"
	"github.com/vinci-go/vinci/internal/definitions"
)

// writeDefinitions checks the plan and writes its tables, events and subscriptions for a tool. Nothing is
// compiled and the CDK is not started: a tool may ask often.
func writeDefinitions(p *plan.Plan, file string) error {
	if problems := p.Check(); len(problems) > 0 {
		return &invalid{app: p.Name, problems: problems}
	}
	var types []event.Type
	for _, e := range p.Events {
		types = append(types, e.Type)
	}
	events, err := schema.Describe(types...)
	if err != nil {
		return fmt.Errorf("synthesize: %w", err)
	}
	f := &definitions.File{Application: p.Name.App, Tables: p.Schemas(), Events: events}
	for _, h := range p.Handlers {
		s := definitions.SubscriptionOf(h.Subscription, h.DeadLetterQueue)
		s.Timeout = int(orDuration(h.Function.Timeout, defaultTimeout) / time.Second)
		s.Group = p.GroupOf(h.Subscription)
		f.Subscriptions = append(f.Subscriptions, s)
	}
	if err := definitions.Write(file, f); err != nil {
		return fmt.Errorf("synthesize: %w", err)
	}
	return nil
}
