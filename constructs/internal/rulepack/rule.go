package rulepack

import "slices"

// Rule is one rule of the pack.
type Rule struct {
	ID   string // vinci/queue-tls
	What string // what it asks for
	Why  string
	Page string // AWS's, where it comes from
	Hard bool   // AWS refuses what it finds: there is no exception from it

	// Granular rules tell the findings at one resource apart: an exception is from
	// one of them, as in vinci/role-resources[sqs:ListQueues on *].
	Granular bool

	// Lasting rules are for what keeps data: an ephemeral deployment is not judged.
	Lasting bool

	check func(*inspection)
}

// Rules are all rules, in the order of docs/rules.md.
func Rules() []Rule {
	return slices.Concat(tableRules(), queueRules(), eventRules(), mappingRules(), functionRules(), roleRules(), limitRules())
}

func lookup(id string) (Rule, bool) {
	rules := Rules()
	i := slices.IndexFunc(rules, func(r Rule) bool { return r.ID == id })
	if i < 0 {
		return Rule{}, false
	}
	return rules[i], true
}
