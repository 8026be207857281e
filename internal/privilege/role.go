package privilege

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Role is a role of a template with what its inline policies say.
type Role struct {
	ID         string // logical id
	Managed    bool   // it has managed policies besides
	Statements []Statement
}

// Roles reads the roles of a template, by logical id. A policy that is a resource of
// its own belongs to roles that it names, which may be in another template: it is an
// error, because the list of statements would not be whole.
func Roles(template []byte) ([]Role, error) {
	var t struct {
		Resources map[string]struct {
			Type       string
			Properties struct {
				ManagedPolicyArns any
				Policies          []struct{ PolicyDocument any }
			}
		}
	}
	if err := json.Unmarshal(template, &t); err != nil {
		return nil, fmt.Errorf("read the roles of a template: %w", err)
	}
	var all []Role
	for _, id := range slices.Sorted(maps.Keys(t.Resources)) {
		r := t.Resources[id]
		switch r.Type {
		case "AWS::IAM::Policy", "AWS::IAM::ManagedPolicy", "AWS::IAM::RolePolicy":
			return nil, fmt.Errorf("read the roles of a template: %s is an %s, and no role's own policy", id, r.Type)
		case "AWS::IAM::Role":
			role := Role{ID: id, Managed: r.Properties.ManagedPolicyArns != nil}
			for _, p := range r.Properties.Policies {
				statements, err := Read(p.PolicyDocument)
				if err != nil {
					return nil, fmt.Errorf("role %s: %w", id, err)
				}
				role.Statements = append(role.Statements, statements...)
			}
			all = append(all, role)
		}
	}
	return all, nil
}

// Wildcards lists what a role allows by a wildcard: an action, or a resource, but for
// "*" where the list of [AnyResource] has the action. It asks for more than the rules
// that an application is judged by do.
func (r Role) Wildcards() []string {
	var found []string
	for _, s := range r.Statements {
		wide := slices.Concat(s.Everything(), s.Everywhere())
		for _, action := range s.Actions {
			if strings.ContainsAny(action, "*?") && !slices.Contains(wide, action) {
				wide = append(wide, action)
			}
		}
		for _, resource := range s.Resources {
			if text := Text(resource); !all(text) && strings.ContainsAny(text, "*?") {
				wide = append(wide, text)
			}
		}
		for _, w := range wide {
			found = append(found, s.Sid+": "+w)
		}
	}
	return found
}

// String lists the statements as a review reads them, a line for what each allows,
// one for each resource, and one for the condition.
func (r Role) String() string {
	var b strings.Builder
	for _, s := range r.Statements {
		fmt.Fprintf(&b, "  %s %s %s", s.Effect, s.Sid, strings.Join(s.Actions, " "))
		for _, resource := range s.Resources {
			fmt.Fprintf(&b, "\n    on %s", strings.ReplaceAll(Text(resource), "arn:${AWS::Partition}:", ""))
		}
		if s.Condition != nil {
			condition, err := json.Marshal(s.Condition)
			if err != nil { // it came from JSON
				condition = []byte(err.Error())
			}
			fmt.Fprintf(&b, "\n    when %s", condition)
		}
		b.WriteByte('\n')
	}
	return b.String()
}
