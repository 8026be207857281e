package rulepack

import (
	"fmt"

	"github.com/vinci-go/vinci/internal/privilege"
)

const (
	pageRecovery   = "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Point-in-time-recovery.html"
	pageProtection = "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/WorkingWithTables.Basics.html"
	pageDeletion   = "https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-attribute-deletionpolicy.html"
)

// Rules that a definition's settings can justify: package constructs does so.
const (
	TableRecovery   = "vinci/table-recovery"
	TableProtection = "vinci/table-protection"
	TableRetain     = "vinci/table-retain"
)

func tableRules() []Rule {
	return []Rule{
		{
			ID: TableRecovery, Lasting: true, Page: pageRecovery,
			What: "a table has point-in-time recovery", Why: "a wrong write or delete cannot be undone without it",
			check: func(in *inspection) {
				in.tables("PointInTimeRecoverySpecification.PointInTimeRecoveryEnabled", func(specification any) any {
					return at(specification, "PointInTimeRecoverySpecification", "PointInTimeRecoveryEnabled")
				},
					"no point-in-time recovery", "a definition's setting NoRecovery says why it has none")
			},
		},
		{
			ID: TableProtection, Lasting: true, Page: pageProtection,
			What: "a table has deletion protection", Why: "one call deletes it with its data otherwise",
			check: func(in *inspection) {
				in.tables("DeletionProtectionEnabled", func(specification any) any { return at(specification, "DeletionProtectionEnabled") },
					"no deletion protection", "a definition's setting NoProtection says why it has none")
			},
		},
		{
			ID: TableRetain, Lasting: true, Page: pageDeletion,
			What: "a table outlives its stack and its replacement", Why: "deleting the stack, or changing a key, deletes the data otherwise",
			check: func(in *inspection) {
				for _, r := range in.all(typeTable, typeGlobalTable) {
					if !retains(r.DeletionPolicy) || !retains(r.UpdateReplacePolicy) {
						in.found(r, finding{
							what:    fmt.Sprintf("%s: DeletionPolicy is %v and UpdateReplacePolicy is %v", r.title("table"), orDelete(r.DeletionPolicy), orDelete(r.UpdateReplacePolicy)),
							allowed: "Retain or RetainExceptOnCreate, and Retain",
							mend:    "apply awscdk.RemovalPolicy_RETAIN_ON_UPDATE_OR_DELETE; a definition's setting DeleteData says why it has none",
						})
					}
				}
			},
		},
	}
}

// tables looks at every table, and at every replica of a global one.
func (in *inspection) tables(property string, of func(specification any) any, what, setting string) {
	tell := func(r *resource) {
		in.found(r, finding{
			what:    r.title("table") + ": " + what,
			allowed: property + " is true",
			mend:    "set it; " + setting,
		})
	}
	for _, r := range in.all(typeTable) {
		if !is(of(r.Properties)) {
			tell(r)
		}
	}
	for _, r := range in.all(typeGlobalTable) {
		for _, replica := range privilege.List(r.Properties["Replicas"]) {
			if !is(of(replica)) {
				tell(r)
				break
			}
		}
	}
}

func retains(policy any) bool { return policy == "Retain" || policy == "RetainExceptOnCreate" }

// orDelete is what CloudFormation does when the template says nothing.
func orDelete(policy any) any {
	if policy == nil {
		return "Delete"
	}
	return policy
}
