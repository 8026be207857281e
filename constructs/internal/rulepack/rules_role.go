package rulepack

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/vinci-go/vinci/internal/privilege"
)

const (
	typeRole = "AWS::IAM::Role"

	pageLeast    = "https://docs.aws.amazon.com/IAM/latest/UserGuide/best-practices.html"
	pageIAMQuota = "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html"
)

// maxInline is the size of a role's inline policies together, in characters without
// white space.
const maxInline = 10240

func roleRules() []Rule {
	return []Rule{
		{
			ID: "vinci/role-actions", Granular: true, Page: pageLeast,
			What: "no policy allows every action of a service", Why: "it allows what AWS adds tomorrow, too", check: (*inspection).roleActions,
		},
		{
			ID: "vinci/role-resources", Granular: true, Page: pageLeast,
			What: "no policy allows an action on every resource, but for " + anywhere(), Why: "it reaches what belongs to others; those few take no resource", check: (*inspection).roleResources,
		},
		{
			ID: "vinci/role-managed", Page: pageLeast,
			What: "a function's role has no managed policy", Why: "AWS's managed policies are for every resource, and change", check: (*inspection).roleManaged,
		},
		{
			ID: "vinci/role-size", Page: pageIAMQuota, Hard: true,
			What: fmt.Sprintf("a role's inline policies have at most %d characters", maxInline), Why: "IAM takes no more", check: (*inspection).roleSize,
		},
	}
}

// anywhere is the list of what may be allowed on every resource.
func anywhere() string {
	var actions []string
	for _, u := range privilege.AnyResource() {
		actions = append(actions, u.Action)
	}
	return strings.Join(actions, ", ")
}

// documents calls f with every policy that gives something to a principal: a role's
// own, and those that are resources of their own.
func (in *inspection) documents(f func(r *resource, document any)) {
	for _, r := range in.all() {
		switch r.Type {
		case typeRole, "AWS::IAM::User", "AWS::IAM::Group":
			for _, p := range privilege.List(r.Properties["Policies"]) {
				f(r, at(p, "PolicyDocument"))
			}
		case "AWS::IAM::Policy", "AWS::IAM::ManagedPolicy", "AWS::IAM::RolePolicy", "AWS::IAM::UserPolicy", "AWS::IAM::GroupPolicy":
			f(r, r.Properties["PolicyDocument"])
		}
	}
}

func (in *inspection) roleActions() {
	in.documents(func(r *resource, document any) {
		for _, s := range in.statements(r, document) {
			for _, wide := range s.Everything() {
				in.found(r, finding{
					detail: wide,
					what:   fmt.Sprintf("%s: statement %sallows %s", r.title(kindOfPolicy(r)), sid(s), wide), allowed: "actions by name", mend: "name those that are used",
				})
			}
		}
	})
}

func (in *inspection) roleResources() {
	in.documents(func(r *resource, document any) {
		for _, s := range in.statements(r, document) {
			for _, wide := range s.Everywhere() {
				in.found(r, finding{
					detail:  wide,
					what:    fmt.Sprintf("%s: statement %sallows %s", r.title(kindOfPolicy(r)), sid(s), wide),
					allowed: "resources by ARN; \"*\" for " + anywhere(), mend: "name the resources: the methods of constructs.Deployment compute their ARNs",
				})
			}
		}
	})
}

func kindOfPolicy(r *resource) string {
	if r.Type == typeRole {
		return "role"
	}
	return "policy"
}

// sid is a statement's id with a space after it, if it has one.
func sid(s privilege.Statement) string {
	if s.Sid == "" {
		return ""
	}
	return s.Sid + " "
}

func (in *inspection) roleManaged() {
	const functions = "lambda.amazonaws.com"
	for _, r := range in.all(typeRole) {
		if policies := privilege.List(r.Properties["ManagedPolicyArns"]); len(policies) > 0 && assumedBy(r, functions) {
			var names []string
			for _, p := range policies {
				names = append(names, privilege.Text(p))
			}
			in.found(r, finding{
				what:    fmt.Sprintf("%s is a function's and has managed policies: %s", r.title("role"), strings.Join(names, ", ")),
				allowed: "inline policies", mend: "use constructs.NewFunction, or allow logs:CreateLogStream and logs:PutLogEvents on the function's log group",
			})
		}
	}
}

func (in *inspection) roleSize() {
	for _, r := range in.all(typeRole) {
		n := 0
		for _, p := range privilege.List(r.Properties["Policies"]) {
			n += in.length(r.stack, at(p, "PolicyDocument"))
		}
		for _, p := range in.all("AWS::IAM::Policy", "AWS::IAM::RolePolicy") {
			roles := privilege.List(p.Properties["Roles"])
			if p.Type == "AWS::IAM::RolePolicy" {
				roles = privilege.List(p.Properties["RoleName"])
			}
			for _, role := range roles {
				if in.of(p.stack, role, typeRole) == r {
					n += in.length(p.stack, p.Properties["PolicyDocument"])
				}
			}
		}
		in.notice(fmt.Sprintf("characters of the policies of role %s/%s", r.stack.name, r.id), n, maxInline)
		if n > maxInline {
			in.found(r, finding{
				what:    fmt.Sprintf("%s: its inline policies have about %d characters", r.title("role"), n),
				allowed: fmt.Sprintf("%d characters, without white space", maxInline), mend: "let the function do less, or divide it",
			})
		}
	}
}

// length is how long a document is when it is deployed: expressions in it are
// expanded.
func (in *inspection) length(s *stack, v any) int {
	var expand func(any) any
	expand = func(v any) any {
		if expression(v) {
			return in.expanded(s, v)
		}
		switch v := v.(type) {
		case map[string]any:
			m := map[string]any{}
			for key, x := range v {
				m[key] = expand(x)
			}
			return m
		case []any:
			l := make([]any, len(v))
			for i, x := range v {
				l[i] = expand(x)
			}
			return l
		}
		return v
	}
	return utf8.RuneCountInString(compact(expand(v)))
}
