package chaos

import (
	"fmt"
	"strings"

	"github.com/vinci-go/vinci/local/gateway"
)

// The headers by which the SDKs mark the attempts of one call.
//
// https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html
const headerInvocation = "Amz-Sdk-Invocation-Id"

// attempts are what is known of one call through its retries.
type attempts struct {
	n        int // it is the n-th call of this operation by this caller
	made     int
	failures int // in a row
}

// call is one attempt of a call.
type call struct {
	plan    *Plan
	subject string // "caller service.Operation #n", and the attempt after the first
	service string // the target's prefix, or "" for a REST call
	of      *attempts
}

// begin numbers a call. The retries of a call that an SDK makes are attempts of
// the same number, so that they do not move the numbers of others.
func (p *Plan) begin(r *gateway.Request) *call {
	service, _, _ := strings.Cut(r.HTTP.Header.Get("X-Amz-Target"), ".")
	operation := r.Operation
	if operation == "" {
		operation = r.HTTP.Method + " " + r.HTTP.URL.Path
	}
	who := nameOf(r.Caller) + " " + strings.TrimPrefix(service+"."+operation, ".")
	id := r.HTTP.Header.Get(headerInvocation)

	p.mu.Lock()
	defer p.mu.Unlock()
	var a *attempts
	if id != "" {
		a, _ = p.logical.get(who + " " + id)
	} else {
		// Who does not mark retries has one series: a call after a failed one may be
		// its retry.
		a, _ = p.logical.get(who)
	}
	switch {
	case a == nil:
		p.counts[who]++
		a = &attempts{n: p.counts[who]}
		p.logical.put(strings.TrimSuffix(who+" "+id, " "), a)
	case id == "":
		p.counts[who]++
		a.n, a.made = p.counts[who], 0
	}
	a.made++
	c := &call{plan: p, subject: fmt.Sprintf("%s #%d", who, a.n), service: service, of: a}
	if a.made > 1 {
		c.subject += fmt.Sprintf(" attempt %d", a.made)
	}
	return c
}

// nameOf is the caller in a subject: no access key, which is another in each run.
func nameOf(c gateway.Caller) string {
	if c.RoleARN == "" {
		return "owner"
	}
	return c.RoleARN[strings.LastIndexByte(c.RoleARN, '/')+1:] + "/" + c.Session
}

// fails asks whether the call as a whole fails in this way, and remembers it.
func (c *call) fails(k Kind) (roll, bool) {
	r, yes := c.plan.ask(k, c.subject)
	if !yes {
		return r, false
	}
	return r, c.fail(k)
}

// fail counts a failure, or reports false when the call has failed often enough.
func (c *call) fail(k Kind) bool {
	c.plan.mu.Lock()
	defer c.plan.mu.Unlock()
	if !c.plan.failAgain(k, c.of.failures) {
		return false
	}
	c.of.failures++
	return true
}

// passed ends a row of failures.
func (c *call) passed() {
	c.plan.mu.Lock()
	defer c.plan.mu.Unlock()
	c.of.failures = 0
}
