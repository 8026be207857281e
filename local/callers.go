package local

import (
	"strings"

	"github.com/vinci-go/vinci/internal/names"
	"github.com/vinci-go/vinci/local/declare"
	"github.com/vinci-go/vinci/local/gateway"
	"github.com/vinci-go/vinci/local/iam"
)

// hint says which declaration would give a denied caller its permission.
func (r *Runtime) hint(c gateway.Caller, d iam.Decision) string {
	return declare.Hint(r.plan.Load().callers[c.RoleARN], d)
}

// finishCallers finds out what the functions are to the application, for messages
// about what their roles lack. Vinci's own functions know their deployment by two
// variables. What else they are shows in what calls them and where they stand.
func (p *planner) finishCallers() {
	p.plan.callers = map[string]declare.Function{}
	shared := map[string]bool{}
	for _, f := range p.functions {
		if _, again := p.plan.callers[f.config.RoleARN]; again {
			shared[f.config.RoleARN] = true
		}
		p.plan.callers[f.config.RoleARN] = p.caller(f)
	}
	for role := range shared {
		delete(p.plan.callers, role) // no single function would get the declaration
	}
}

func (p *planner) caller(f *function) declare.Function {
	d, err := names.New(f.config.Env[names.EnvApplication], f.config.Env[names.EnvDeployment])
	if err != nil {
		return declare.Function{}
	}
	at := func(parts string) bool { return strings.HasSuffix(f.resource.ConstructPath, parts) }
	own := declare.Function{Kind: declare.Own, Name: p.plan.labels[f.config.Name], Deployment: d}
	for _, m := range p.mappings {
		if m.function != f {
			continue
		}
		if q, ok := p.queues[m.config.SourceARN]; ok {
			if name, ok := strings.CutPrefix(q.config.Name, d.Name("")); ok && at("/"+name+"/Handler/Function") {
				return declare.Function{Kind: declare.Subscription, Name: name, Deployment: d}
			}
		}
		if strings.Contains(m.config.SourceARN, ":table/"+d.Table(names.TableEvents)+"/stream/") && at("/Relay/Function") {
			return declare.Function{Kind: declare.Framework, Name: own.Name, Deployment: d}
		}
	}
	if at("/Timers/Handler/Function") {
		return declare.Function{Kind: declare.Framework, Name: own.Name, Deployment: d}
	}
	for _, a := range p.apis {
		for _, i := range a.integrations {
			if i.props.IntegrationUri != f.config.ARN || !at("/Handler/Function") {
				continue
			}
			if name, ok := strings.CutPrefix(a.config.Name, d.Name("")); ok {
				return declare.Function{Kind: declare.API, Name: name, Deployment: d}
			}
		}
	}
	return own
}
