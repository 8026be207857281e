package rulepack

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/vinci-go/vinci/internal/privilege"
)

const (
	typeRule = "AWS::Events::Rule"

	pageRuleDLQ     = "https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html"
	pageRuleRetry   = "https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-retry-policy.html"
	pageRuleFIFO    = "https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_SqsParameters.html"
	pageRuleTargets = "https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutTargets.html"
	pageRuleQuota   = "https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html"
)

// EventBridge's limits, on the pages above.
const (
	maxTargets       = 5
	maxPattern       = 2048 // characters
	maxRules         = 300  // a bus; can be raised
	maxWildcardRules = 30   // a bus; cannot
)

// TargetDLQ is the rule that the framework's own schedule has an exception from.
const TargetDLQ = "vinci/target-dlq"

func eventRules() []Rule {
	return []Rule{
		{
			ID: TargetDLQ, Granular: true, Page: pageRuleDLQ,
			What: "a rule's target has a dead-letter queue, a standard one", Why: "an event that cannot be delivered is lost without it; a FIFO queue is refused", check: (*inspection).targetDLQ,
		},
		{
			ID: "vinci/target-retry", Granular: true, Page: pageRuleRetry,
			What: "delivery to a rule's target is tried again", Why: "otherwise one passing failure loses the event", check: (*inspection).targetRetry,
		},
		{
			ID: "vinci/target-fifo", Granular: true, Page: pageRuleFIFO,
			What: "a FIFO queue as a rule's target has a message group and deduplicates by content", Why: "EventBridge can send it nothing otherwise", check: (*inspection).targetFIFO,
		},
		{
			ID: "vinci/rule-targets", Page: pageRuleTargets, Hard: true,
			What: fmt.Sprintf("a rule has at most %d targets", maxTargets), Why: "EventBridge takes no more", check: (*inspection).ruleTargets,
		},
		{
			ID: "vinci/rule-pattern", Page: pageRuleQuota,
			What: fmt.Sprintf("a rule's pattern has at most %d characters", maxPattern), Why: "EventBridge takes no more, unless the quota was raised", check: (*inspection).rulePattern,
		},
		{
			ID: "vinci/bus-rules", Page: pageRuleQuota,
			What: fmt.Sprintf("a bus has at most %d rules", maxRules), Why: "it is the quota of an account in most Regions, until it is raised", check: (*inspection).busRules,
		},
		{
			ID: "vinci/bus-wildcards", Page: pageRuleQuota, Hard: true,
			What: fmt.Sprintf("at most %d rules of a bus have a wildcard in their pattern", maxWildcardRules), Why: "the quota cannot be raised", check: (*inspection).busWildcards,
		},
	}
}

// targets calls f with every target of every rule.
func (in *inspection) targets(f func(rule *resource, target any, id, name string)) {
	for _, r := range in.all(typeRule) {
		for _, target := range privilege.List(r.Properties["Targets"]) {
			id := privilege.Text(at(target, "Id"))
			f(r, target, id, fmt.Sprintf("%s, target %s", r.title("rule"), id))
		}
	}
}

func (in *inspection) targetDLQ() {
	in.targets(func(r *resource, target any, id, name string) {
		f := finding{detail: id, allowed: "DeadLetterConfig with the ARN of a standard queue", mend: "give the target a dead-letter queue that keeps 14 days"}
		arn := at(target, "DeadLetterConfig", "Arn")
		switch q := in.of(r.stack, arn, typeQueue); {
		case arn == nil:
			f.what = name + ": what cannot be delivered is lost"
		case q != nil && fifo(q), q == nil && strings.HasSuffix(privilege.Text(arn), ".fifo"):
			f.what = name + ": its dead-letter queue is a FIFO queue"
		default:
			return
		}
		in.found(r, f)
	})
}

func (in *inspection) targetRetry() {
	in.targets(func(r *resource, target any, id, name string) {
		// EventBridge tries 185 times when nothing is said.
		attempts, known := number(at(target, "RetryPolicy", "MaximumRetryAttempts"), 185)
		if known && attempts < 1 && !expression(at(target, "RetryPolicy")) {
			in.found(r, finding{
				detail: id, what: name + ": delivery is not tried again", allowed: "RetryPolicy with MaximumRetryAttempts from 1 to 185, or none: then it is 185", mend: "set MaximumRetryAttempts, or take it away",
			})
		}
	})
}

func (in *inspection) targetFIFO() {
	in.targets(func(r *resource, target any, id, name string) {
		arn := at(target, "Arn")
		q := in.of(r.stack, arn, typeQueue)
		if q == nil && !strings.HasSuffix(privilege.Text(arn), ".fifo") || q != nil && !fifo(q) {
			return
		}
		if at(target, "SqsParameters", "MessageGroupId") == nil {
			in.found(r, finding{detail: id, what: name + ": a FIFO queue, and no message group", allowed: "SqsParameters with a MessageGroupId", mend: "set it, or send to a standard queue"})
		}
		if q != nil && !is(q.Properties["ContentBasedDeduplication"]) {
			in.found(r, finding{detail: id, what: name + ": a FIFO queue that does not deduplicate by content", allowed: "ContentBasedDeduplication on the queue: a rule gives no deduplication id", mend: "set it, or send to a standard queue"})
		}
	})
}

func (in *inspection) ruleTargets() {
	for _, r := range in.all(typeRule) {
		if n := len(privilege.List(r.Properties["Targets"])); n > maxTargets {
			in.found(r, finding{
				what: fmt.Sprintf("%s has %d targets", r.title("rule"), n), allowed: fmt.Sprintf("%d targets a rule", maxTargets), mend: "make another rule with the same pattern",
			})
		}
	}
}

func (in *inspection) rulePattern() {
	for _, r := range in.all(typeRule) {
		if n := len([]rune(compact(r.Properties["EventPattern"]))); n > maxPattern {
			in.found(r, finding{
				what:    fmt.Sprintf("%s: its pattern has %d characters", r.title("rule"), n),
				allowed: fmt.Sprintf("%d characters, unless the quota \"Event pattern size\" of Amazon EventBridge was raised", maxPattern),
				mend:    "divide it over several rules",
			})
		}
	}
}

// compact is a value as JSON without spaces, as CloudFormation sends it.
func compact(v any) string {
	if v == nil {
		return ""
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil { // it came from JSON
		return ""
	}
	return strings.TrimSpace(b.String())
}

// buses are the rules by their bus, in the order of the buses' names.
func (in *inspection) buses() []*busOf {
	var all []*busOf
	for _, r := range in.all(typeRule) {
		name, value := "default", r.Properties["EventBusName"]
		bus := in.of(r.stack, value, "AWS::Events::EventBus")
		switch {
		case bus != nil && bus.named() != "":
			name = bus.named()
		case bus != nil:
			name = bus.stack.name + "/" + bus.id
		case value != nil:
			text := privilege.Text(value)
			name = text[strings.LastIndex(text, "/")+1:]
		}
		i := slices.IndexFunc(all, func(b *busOf) bool { return b.name == name })
		if i < 0 {
			i = len(all)
			all = append(all, &busOf{name: name, bus: bus})
		}
		all[i].rules = append(all[i].rules, r)
	}
	slices.SortFunc(all, func(a, b *busOf) int { return strings.Compare(a.name, b.name) })
	return all
}

type busOf struct {
	name  string
	bus   *resource // nil when it is outside of the application
	rules []*resource
}

// foundBus tells of a bus, which may be outside of the application.
func (in *inspection) foundBus(b *busOf, f finding) {
	where := "bus " + b.name
	if b.bus != nil {
		where += ", " + b.bus.where()
	}
	in.tell([]string{b.name}, where, f)
}

func (in *inspection) busRules() {
	for _, b := range in.buses() {
		in.notice("rules of bus "+b.name, len(b.rules), maxRules)
		if len(b.rules) > maxRules {
			in.foundBus(b, finding{
				what:    fmt.Sprintf("bus %q has %d rules", b.name, len(b.rules)),
				allowed: fmt.Sprintf("%d rules a bus, unless the quota was raised", maxRules),
				mend:    "raise \"Number of rules\" of Amazon EventBridge in the Service Quotas console, in every account and Region that gets a deployment, and say so with the exception below; or divide the application",
			})
		}
	}
}

func (in *inspection) busWildcards() {
	for _, b := range in.buses() {
		n := 0
		for _, r := range b.rules {
			if wildcard(r.Properties["EventPattern"]) {
				n++
			}
		}
		in.notice("rules of bus "+b.name+" with a wildcard", n, maxWildcardRules)
		if n > maxWildcardRules {
			in.foundBus(b, finding{
				what:    fmt.Sprintf("bus %q has %d rules with a wildcard in their pattern", b.name, n),
				allowed: fmt.Sprintf("%d such rules a bus: the quota cannot be raised", maxWildcardRules),
				mend:    "use prefix or suffix where it does, as event.Match(\"user.*\") becomes a prefix",
			})
		}
	}
}

// wildcard reports whether a pattern has a wildcard. A matcher is an object in a
// list: a field of that name is not meant.
func wildcard(pattern any) bool {
	switch v := pattern.(type) {
	case map[string]any:
		for _, x := range v {
			if wildcard(x) {
				return true
			}
		}
	case []any:
		for _, x := range v {
			m, ok := x.(map[string]any)
			if !ok {
				continue
			}
			if _, text := m["wildcard"].(string); text || at(m["anything-but"], "wildcard") != nil || wildcard(m) {
				return true
			}
		}
	}
	return false
}
