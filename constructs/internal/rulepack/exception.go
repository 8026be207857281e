package rulepack

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/vinci-go/vinci/constructs/internal/plan"
	"github.com/vinci-go/vinci/internal/privilege"
)

// Exception is one finding that somebody has a reason for.
type Exception struct {
	Rule     string // vinci/queue-tls, or cdk-nag's AwsSolutions-IAM5[Resource::*]
	Resource string // what the finding's mend line says
	Reason   string
	At       string // file:line that made it
}

// MetadataKey is where a resource's metadata holds the exceptions that its own
// construct makes, in the form of [Metadata].
const MetadataKey = "vinci"

// Metadata is what the metadata of a resource says under [MetadataKey].
func Metadata(exceptions ...Exception) map[string]any {
	var all []any
	for _, e := range exceptions {
		all = append(all, map[string]any{"rule": e.Rule, "reason": e.Reason})
	}
	return map[string]any{"allow": all}
}

// ofMetadata are the exceptions that resources carry.
func ofMetadata(stacks []*stack) []Exception {
	var all []Exception
	for _, s := range stacks {
		for _, r := range s.resources {
			for _, entry := range privilege.List(at(r.Metadata, MetadataKey, "allow")) {
				rule, _ := at(entry, "rule").(string)
				reason, _ := at(entry, "reason").(string)
				all = append(all, Exception{Rule: rule, Resource: s.name + "/" + r.id, Reason: reason, At: r.where() + ", in its metadata"})
			}
		}
	}
	return all
}

// nagReason is how long a reason must be for cdk-nag.
const nagReason = 10

// CheckExceptions says what is wrong with exceptions before anything is judged.
func CheckExceptions(all []Exception) plan.Problems {
	var problems plan.Problems
	for i, e := range all {
		problems = append(problems, e.check(all[:i])...)
	}
	return problems
}

// check says what is wrong with an exception that comes after others.
func (e Exception) check(before []Exception) plan.Problems {
	var problems plan.Problems
	add := func(what, allowed, mend string) {
		problems = append(problems, plan.Problem{
			What: fmt.Sprintf("exception from %s for %q: %s", cmp.Or(e.Rule, "no rule"), e.Resource, what), Where: e.At, Allowed: allowed, Mend: mend,
		})
	}
	const copyIt = "take over what the finding's mend line says"
	id, finding := Split(e.Rule)
	rule, found := lookup(id)
	switch nag := IsNag(id); {
	case !nag && !found:
		add("there is no such rule", "a rule of docs/rules.md, or of cdk-nag's AwsSolutions", copyIt)
	case rule.Hard:
		add("AWS refuses what the rule is about", "nothing can be excepted from it", "mend what the rule finds")
	case finding == "" && (rule.Granular || nag && slices.Contains(granular[:], id)):
		add("it is from every finding of the rule", "one finding, as in "+id+"[...]", copyIt)
	}
	if strings.TrimSpace(e.Resource) == "" {
		add("it names no resource", "one resource", copyIt)
	}
	switch n := len(strings.TrimSpace(e.Reason)); {
	case n == 0:
		add("it has no reason", "a reason", "say why this resource may be so")
	case n < nagReason && IsNag(id):
		add(fmt.Sprintf("its reason is %q", e.Reason), fmt.Sprintf("%d characters or more, for a rule of cdk-nag's", nagReason), "say why this resource may be so")
	}
	if slices.ContainsFunc(before, func(o Exception) bool { return o.Rule == e.Rule && o.Resource == e.Resource }) {
		add("it is there twice", "one exception a rule and resource", "remove one of them")
	}
	return problems
}

// IsNag reports whether a rule is one of cdk-nag's AwsSolutions pack.
func IsNag(rule string) bool { return strings.HasPrefix(rule, "AwsSolutions-") }

// Split takes a rule and the finding in brackets behind it apart:
// AwsSolutions-IAM5[Resource::*] is the rule AwsSolutions-IAM5, and Resource::*.
func Split(rule string) (id, finding string) {
	id, finding, _ = strings.Cut(rule, "[")
	return id, strings.TrimSuffix(finding, "]")
}

// granular are the rules of AwsSolutions that tell their findings apart.
var granular = [...]string{"AwsSolutions-DOC5", "AwsSolutions-IAM4", "AwsSolutions-IAM5", "AwsSolutions-OS9", "AwsSolutions-RDS16"}
