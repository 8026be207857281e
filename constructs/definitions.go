package constructs

import (
	"fmt"

	"github.com/vinci-go/vinci/constructs/internal/plan"
	"github.com/vinci-go/vinci/internal/definitions"
)

// writeDefinitions checks the plan and writes its tables for a tool. Nothing is
// compiled and the CDK is not started: a tool may ask often.
func writeDefinitions(p *plan.Plan, file string) error {
	if problems := p.Check(); len(problems) > 0 {
		return &invalid{app: p.Name, problems: problems}
	}
	f := &definitions.File{Application: p.Name.App, Tables: p.Schemas()}
	if err := definitions.Write(file, f); err != nil {
		return fmt.Errorf("synthesize: %w", err)
	}
	return nil
}
