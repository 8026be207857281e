package chaos

import (
	"context"
	"fmt"
	"sync"

	"github.com/vinci-go/vinci/local/lambda"
)

// Invoker is how HTTP APIs invoke functions.
type Invoker interface {
	Invoke(ctx context.Context, function string, payload []byte) (lambda.Result, error)
}

// Invoker is inner, as harsh as the configuration says: some invocations are throttled
// ([lambda.ErrThrottled], which API Gateway answers with 503), some come late.
func (p *Plan) Invoker(inner Invoker) Invoker {
	if p == nil {
		return inner
	}
	return &invoker{inner: inner, plan: p, counts: map[string]int{}, failures: map[string]int{}}
}

type invoker struct {
	inner Invoker
	plan  *Plan

	mu       sync.Mutex
	counts   map[string]int // by function
	failures map[string]int // in a row
}

// Invoke implements [Invoker].
func (i *invoker) Invoke(ctx context.Context, function string, payload []byte) (lambda.Result, error) {
	i.mu.Lock()
	i.counts[function]++
	subject := fmt.Sprintf("invocation #%d of %s", i.counts[function], function)
	_, yes := i.plan.ask(Throttle, subject)
	if yes = yes && i.plan.failAgain(Throttle, i.failures[function]); yes {
		i.failures[function]++
	} else {
		i.failures[function] = 0
	}
	i.mu.Unlock()
	i.plan.pause(ctx, subject)
	if yes {
		i.plan.tell(Throttle, subject, "503 Service Unavailable")
		return lambda.Result{}, fmt.Errorf("invoke function %s: %w: chaos", function, lambda.ErrThrottled)
	}
	return i.inner.Invoke(ctx, function, payload)
}
