package simulation

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/vinci-go/vinci/eventlog/relay"
)

// eventBus is EventBridge: it takes events, and puts what rules pick into queues,
// some of it twice, some of it late.
type eventBus struct{ *world }

var _ relay.Publisher = (*eventBus)(nil)

// errNoAnswer is what a caller of the bus or of a queue knows of a call that
// failed.
var errNoAnswer = errors.New("simulation: no answer")

// send makes a call that puts something somewhere.
func (w *world) send(what string, effect func()) error {
	fail := func() error { return errNoAnswer }
	return w.call(what, true, fail, fail, func() error { effect(); return nil })
}

// Publish accepts entries, each for itself.
func (b *eventBus) Publish(_ context.Context, entries []relay.Entry) ([]relay.Result, error) {
	results := make([]relay.Result, len(entries))
	harm := b.current.faults
	err := b.send(fmt.Sprintf("put %d events", len(entries)), func() {
		for i := range entries {
			switch {
			case strings.Contains(entries[i].Detail, `"poison":"bus"`):
				results[i] = relay.Result{Code: "MalformedDetail", Message: "it is poison"}
				continue
			case b.trouble(20) && harm():
				results[i] = relay.Result{Code: "ThrottlingException", Message: "not now"}
				continue
			case b.trouble(10) && harm():
				results[i] = relay.Result{Code: "InternalFailure", Message: "nobody knows"} // and accepted nevertheless
			}
			b.accept(&entries[i])
		}
	})
	if err != nil {
		return nil, err
	}
	return results, nil
}

func (b *eventBus) accept(e *relay.Entry) {
	body := fmt.Sprintf(`{"version":"0","id":"0","detail-type":%q,"source":%q,"account":"000000000000","time":%q,"region":"us-east-1","resources":[],"detail":%s}`,
		e.Type, e.Source, e.Time.Format(time.RFC3339), e.Detail)
	for _, q := range b.queues {
		if !q.sub.Matches(e.Type) {
			continue
		}
		for first := true; first || b.trouble(60); first = false {
			wait := b.between(0, 200*time.Millisecond)
			if b.trouble(20) {
				wait = b.between(0, time.Hour)
			}
			if !first {
				b.duplicates++
			}
			b.at(wait, func() { q.add(body) })
		}
	}
}
