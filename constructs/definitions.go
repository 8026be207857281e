package constructs

import (
	"fmt"
	"time"

	"github.com/vinci-go/vinci/constructs/internal/plan"
	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/event/schema"
	"github.com/vinci-go/vinci/internal/definitions"
	"github.com/vinci-go/vinci/settings"
)

// writeDefinitions checks the plan and writes its tables, events, subscriptions and
// settings for a tool, with the answer to what it asks about a setting. Nothing is
// compiled and the CDK is not started: a tool may ask often.
func writeDefinitions(p *plan.Plan, file, parse string) error {
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
	if p.EventBus && !p.MakesBus() {
		f.Bus = &definitions.Bus{Application: p.Bus, Name: p.PublishesOn().Bus()}
	}
	if f.Foreign, err = foreignOf(p); err != nil {
		return fmt.Errorf("synthesize: %w", err)
	}
	for _, h := range p.Handlers {
		s := definitions.SubscriptionOf(h.Subscription, h.DeadLetterQueue)
		s.Timeout = int(orDuration(h.Function.Timeout, defaultTimeout) / time.Second)
		s.Group = p.GroupOf(h.Subscription)
		f.Subscriptions = append(f.Subscriptions, s)
	}
	var values []settings.Definition
	for _, v := range p.Values {
		values = append(values, v.Definition)
		f.Settings = append(f.Settings, definitions.SettingOf(v.Definition))
	}
	if f.Parsed, err = definitions.Answer(parse, values); err != nil {
		return fmt.Errorf("synthesize: %w", err)
	}
	if err := definitions.Write(file, f); err != nil {
		return fmt.Errorf("synthesize: %w", err)
	}
	return nil
}

// foreignOf describes the events of other applications, those of one together.
func foreignOf(p *plan.Plan) ([]*definitions.Foreign, error) {
	var all []*definitions.Foreign
	of := map[string]*definitions.Foreign{}
	for _, f := range p.Foreign {
		events, err := schema.Describe(f.Types...)
		if err != nil {
			return nil, err
		}
		if of[f.Application] == nil {
			of[f.Application] = &definitions.Foreign{Application: f.Application, Bus: f.Carrier()}
			all = append(all, of[f.Application])
		}
		of[f.Application].Events = append(of[f.Application].Events, events...)
	}
	return all, nil
}
