package local

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/vinci-go/vinci/local/eventbridge"
	"github.com/vinci-go/vinci/local/gateway"
	"github.com/vinci-go/vinci/local/iam"
	"github.com/vinci-go/vinci/local/lambda"
)

// startEvents opens the event buses. They are there before functions are, which
// may put events as soon as they run.
func (r *Runtime) startEvents(p *plan) error {
	r.targets = &functionTargets{}
	finest := r.config.FinestRate
	if finest <= 0 {
		finest = time.Second
	}
	s, err := eventbridge.Open(eventbridge.Options{
		Queues: r.sqs, Functions: r.targets, RolePolicies: r.rolePolicies,
		Dir:        filepath.Join(r.config.Data, eventsFolder),
		FinestRate: finest, CallFrequently: r.callFrequently,
		Account: r.config.Account, Region: r.config.Region,
		Now: r.config.Now, Logger: r.logger.With("service", "eventbridge"),
	})
	if err != nil {
		return err
	}
	r.eventbridge = s
	return s.Apply(p.events())
}

// startSchedules begins what EventBridge does by itself. Functions are there.
func (r *Runtime) startSchedules() error { return r.eventbridge.Start() }

// rolePolicies are those of the assembly's roles.
func (r *Runtime) rolePolicies(roleARN string) (iam.Policies, bool) {
	p := r.plan.Load()
	if p == nil {
		return nil, false
	}
	policies, ok := p.roles[roleARN]
	return policies, ok
}

// callFrequently calls a function without lines for calls that had nothing to do.
func (r *Runtime) callFrequently(ctx context.Context, functionARN string, payload []byte) error {
	result, err := r.targets.service.Load().InvokeQuietly(ctx, functionARN, payload)
	if err != nil {
		return err
	}
	if result.FunctionError != "" {
		return errors.New(string(result.Payload))
	}
	return nil
}

// functionTargets is Lambda as rules see it. Event buses are there before it is.
type functionTargets struct {
	service atomic.Pointer[lambda.Service] // nil until functions have started
}

var _ eventbridge.Functions = (*functionTargets)(nil)

var errFunctionsStart = errors.New("functions have not started yet")

// InvokeAsync leaves a call with Lambda, which keeps it.
func (f *functionTargets) InvokeAsync(ctx context.Context, functionARN string, payload []byte) (string, error) {
	s := f.service.Load()
	if s == nil {
		return "", errFunctionsStart // tried again in a moment
	}
	id, err := s.InvokeAsync(ctx, functionARN, payload)
	if errors.Is(err, lambda.ErrNotFound) {
		err = &gateway.Error{Code: "ResourceNotFoundException", Message: fmt.Sprintf("Function not found: %s", functionARN)}
	}
	return id, err
}

// Exists tells a function that was deleted from one that may not be called.
func (f *functionTargets) Exists(functionARN string) bool {
	s := f.service.Load()
	return s == nil || s.Exists(functionARN)
}

// ResourcePolicy is the function's policy: its permissions.
func (f *functionTargets) ResourcePolicy(functionARN string) *iam.Document {
	if s := f.service.Load(); s != nil {
		return s.ResourcePolicy(functionARN)
	}
	return nil
}
