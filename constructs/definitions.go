package constructs

import (
	"fmt"

	"github.com/vinci-go/vinci/constructs/internal/plan"
	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/event/schema"
	"github.com/vinci-go/vinci/internal/definitions"
)

// writeDefinitions checks the plan and writes its tables and events for a tool. Nothing is
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
	if err := definitions.Write(file, f); err != nil {
		return fmt.Errorf("synthesize: %w", err)
	}
	return nil
}
