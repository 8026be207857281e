package chaos

import (
	"context"
	"fmt"

	"github.com/vinci-go/vinci/local/lambda"
)

// Invoker is how HTTP APIs invoke functions.
type Invoker interface {
	// Invoke runs the function, by name or ARN, to its end.
	Invoke(ctx context.Context, function string, payload []byte) (lambda.Result, error)
}

// Invoker is inner, as harsh as the configuration says: some invocations are throttled
// ([lambda.ErrThrottled], which API Gateway answers with 503), but at most two of a
// function in a row, and some come late.
func (p *Plan) Invoker(inner Invoker) Invoker {
	if p == nil {
		return inner
	}
	return invoker{inner, p}
}

type invoker struct {
	inner Invoker
	plan  *Plan
}

// Invoke implements [Invoker].
func (i invoker) Invoke(ctx context.Context, function string, payload []byte) (lambda.Result, error) {
	p := i.plan
	who := "invocation of " + function
	p.mu.Lock()
	p.counts[who]++
	subject := fmt.Sprintf("%s #%d", who, p.counts[who])
	p.mu.Unlock()
	p.pause(ctx, subject)
	if _, yes := p.strike(Throttle, subject, who); yes {
		p.tell(Throttle, subject, "503 Service Unavailable")
		return lambda.Result{}, fmt.Errorf("invoke function %s: %w: chaos", function, lambda.ErrThrottled)
	}
	return i.inner.Invoke(ctx, function, payload)
}
