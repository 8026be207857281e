package constructs

import (
	"slices"
	"strings"

	"github.com/vinci-go/vinci/constructs/internal/rulepack"
)

// Exception justifies one finding of a rule at one resource. What a finding says in
// its mend line is the exception to copy; the reason is yours.
//
// A rule that AWS itself enforces takes none: docs/rules.md says which. One that is
// for nothing, because nothing is found there any more, is a mistake too.
type Exception struct {
	// Rule is the rule, with the finding in brackets where it tells its findings
	// apart: "vinci/queue-tls", "AwsSolutions-IAM5[Resource::*]". Required.
	Rule string

	// Resource is the construct's path, or the stack's name and the logical id,
	// without application and deployment in front: "reports/Jobs/Queue". Required.
	Resource string

	// Reason says why this resource may be so; cdk-nag wants ten characters or more.
	// Required.
	Reason string
}

// Allow makes exceptions from the rules that every synthesis is judged by.
func (a *Application) Allow(exceptions ...Exception) {
	a.exceptions = append(a.exceptions, recorded(exceptions, callerOf())...)
}

// Allow makes exceptions from within [StackProps].Build: for what only some
// deployments have, where an exception in all of them would be for nothing.
func (d *Deployment) Allow(exceptions ...Exception) {
	d.exceptions = append(d.exceptions, recorded(exceptions, callerOf())...)
}

func recorded(exceptions []Exception, at string) []rulepack.Exception {
	var all []rulepack.Exception
	for _, e := range exceptions {
		all = append(all, rulepack.Exception{Rule: e.Rule, Resource: e.Resource, Reason: e.Reason, At: at})
	}
	return all
}

// shortly takes the folder of this machine out of where exceptions were made.
func shortly(exceptions []rulepack.Exception, dir string) []rulepack.Exception {
	all := slices.Clone(exceptions)
	for i := range all {
		all[i].At = strings.TrimPrefix(all[i].At, dir+"/")
	}
	return all
}
