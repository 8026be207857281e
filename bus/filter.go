package bus

import (
	"encoding/json"
	"fmt"

	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/event/pattern"
)

// filter is what a subscription asks of the content of events. The rule has asked
// it before; here it is asked again, because a queue may hold what an older rule
// let in, and because replays and other senders go by no rule.
type filter struct {
	plain []event.Selector // that go by the type alone
	where []event.Selector // that go by the content, too
	set   *pattern.Set     // the patterns of where, as EventBridge matches them
}

// newFilter compiles the selectors of a definition without errors.
func newFilter(selectors []event.Selector) (*filter, error) {
	f := &filter{}
	var patterns []*pattern.Pattern
	for _, s := range selectors {
		by, err := byContent(s)
		switch {
		case err != nil:
			return nil, err
		case !by:
			f.plain = append(f.plain, s)
			continue
		}
		p, err := pattern.Compile(s.Pattern())
		if err != nil {
			return nil, fmt.Errorf("the selector %s: %w", s, err)
		}
		f.where, patterns = append(f.where, s), append(patterns, p)
	}
	f.set = pattern.NewSet(patterns...)
	return f, nil
}

// byContent reports whether a selector looks at more than the type.
func byContent(s event.Selector) (bool, error) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(s.Pattern(), &members); err != nil {
		return false, fmt.Errorf("the selector %s: its pattern is no JSON object: %w", s, err)
	}
	_, byType := members["detail-type"]
	return !byType || len(members) > 1, nil
}

// leavesOut reports whether the subscription asks for events of this type, but for
// none with this content. body makes the event as it is on the bus, where that is
// needed. The type alone is no matter of the filter.
func (f *filter) leavesOut(eventType string, body func() ([]byte, error)) (bool, error) {
	if matches(f.plain, eventType) || !matches(f.where, eventType) {
		return false, nil
	}
	b, err := body()
	if err != nil {
		return false, err
	}
	var buf [4]int
	picked, err := f.set.Match(b, buf[:0])
	return len(picked) == 0, err
}

func matches(selectors []event.Selector, eventType string) bool {
	for _, s := range selectors {
		if s.Matches(eventType) {
			return true
		}
	}
	return false
}

// wants reports whether the subscription has a handler for an event, and asks for
// its content.
func (c *Consumer) wants(e event.Envelope) (bool, error) {
	if c.handlers[e.Type] == nil || c.ofAnother(&e) || c.notFor(e.ID) {
		return false, nil
	}
	out, err := c.filter.leavesOut(e.Type, func() ([]byte, error) { return MessageBody(e) })
	return !out && err == nil, err
}
