package local

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/vinci-go/vinci/local/chaos"
	"github.com/vinci-go/vinci/local/gateway"
	"github.com/vinci-go/vinci/local/lambda"
)

// planChaos makes the plan that Config.Chaos asks for.
func (r *Runtime) planChaos() error {
	if r.config.Chaos == nil {
		return nil
	}
	log := r.logger.With("service", "chaos")
	var err error
	r.chaos, err = chaos.New(*r.config.Chaos, chaos.Options{
		Log: func(d chaos.Decision) {
			log.Debug("chaos", "kind", d.Kind, "subject", d.Subject, "what", d.What)
			if r.config.ChaosLog != nil {
				r.config.ChaosLog(d)
			}
		},
		Functions: r.functionsOf,
		Queues:    r.queuesOf,
		Show: func(ctx context.Context, queueURL, handle string, after time.Duration) error {
			name := queueURL[strings.LastIndexByte(queueURL, '/')+1:]
			return r.sqs.ChangeVisibility(ctx, "arn:aws:sqs:"+r.config.Region+":"+r.config.Account+":"+name, handle, after)
		},
	})
	return err
}

// around is what the gateway needs of the plan, nil without one.
func (r *Runtime) around() func(http.ResponseWriter, *gateway.Request, func(http.ResponseWriter, *gateway.Request)) {
	if r.chaos == nil {
		return nil
	}
	return r.chaos.Around
}

// functionsOf are the names of the functions that have a role.
func (r *Runtime) functionsOf(roleARN string) []string {
	p := r.plan.Load()
	if roleARN == "" || p == nil {
		return nil
	}
	var names []string
	for _, f := range p.functions {
		if f.RoleARN == roleARN {
			names = append(names, f.Name)
		}
	}
	return names
}

// queuesOf are the queues that a function's mappings read.
func (r *Runtime) queuesOf(function string) []string {
	p := r.plan.Load()
	if p == nil {
		return nil
	}
	var arns []string
	for _, m := range p.mappings {
		if m.FunctionName == function && strings.Contains(m.SourceARN, ":sqs:") {
			arns = append(arns, m.SourceARN)
		}
	}
	return arns
}

// killer kills processes of a service's functions.
func killer(s *lambda.Service) chaos.Killer {
	return func(function string, pick func(n int) int) (string, bool) {
		if function == "" {
			return s.KillOne(pick)
		}
		return function, s.KillBusy(function, pick)
	}
}
