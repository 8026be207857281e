package iam

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Need is one permission that a call needs: an action on a resource, and what is
// known of the request.
type Need struct {
	Action   string // as "dynamodb:PutItem"
	Resource string // the ARN, or "*" for actions that know no resource
	// Context holds the values of condition keys, as "dynamodb:LeadingKeys". Keys
	// are compared without regard to case.
	Context map[string][]string
	// More gives the values of keys that Context does not have and that cost
	// something to find out, by the key in lower case; nil for none. It may be
	// called from any goroutine, and gives the same each time.
	More func(key string) ([]string, bool)
}

// secureTransport is why a plain HTTP call counts as secure: see the package
// comment.
const secureTransport = "aws:securetransport"

func (n *Need) value(folded string) ([]string, bool) {
	for k, v := range n.Context {
		if strings.EqualFold(k, folded) {
			return v, true
		}
	}
	if n.More != nil {
		if v, ok := n.More(folded); ok {
			return v, true
		}
	}
	if folded == secureTransport {
		return []string{"true"}, true
	}
	return nil, false
}

// Policies are the identity policies of one role.
type Policies []Document

// Principal is who calls, for resource policies. One of the fields is set.
type Principal struct {
	Service    string // a service principal, as "events.amazonaws.com"
	RoleARN    string // a role of this account
	SessionARN string // the role's session (assumed-role ARN), beside RoleARN
	Account    string // the account's owner, or beside RoleARN the role's account
}

// Outcome is a decision's result.
type Outcome int

// The three results. Both denials mean no; they differ in how to mend them.
const (
	ImplicitDeny Outcome = iota // no statement allows it
	ExplicitDeny                // a statement denies it
	Allowed
)

// Decision is the answer to a [Need], with its reason.
type Decision struct {
	Need    Need
	Outcome Outcome
	// Statement is the one that allowed or denied; nil after an implicit deny.
	Statement *Statement
	// Policy is the name of the document that holds Statement.
	Policy string
	// Resource reports whether Statement stands in a resource policy.
	Resource bool
	// Near says why statements that allow the action did not apply, for people.
	Near []string
	// Hint says how to add the statement that is missing. This package leaves it
	// empty: who knows where policies come from sets it, and Explain shows it.
	Hint string
}

// Allowed reports whether the call may go on.
func (d Decision) Allowed() bool { return d.Outcome == Allowed }

// Decide judges a need against a role's policies.
func (p Policies) Decide(n Need) Decision {
	d := Decision{Need: n}
	p.decide(&d)
	p.near(&d)
	return d
}

// DecideFor judges a need against a resource's own policy, for the principal
// that calls. Context carries what the caller's service adds, as aws:SourceArn.
func (doc Document) DecideFor(who Principal, n Need) Decision {
	d := Decision{Need: n}
	doc.decide(&d, &who)
	doc.near(&d, &who)
	return d
}

// Evaluate judges a role's call on a resource that may have a policy of its own
// (nil: it has none), both in the same account: either may allow, each may deny.
func Evaluate(p Policies, resource *Document, who Principal, n Need) Decision {
	d := Decision{Need: n}
	p.decide(&d)
	if resource != nil {
		resource.decide(&d, &who)
	}
	p.near(&d)
	if resource != nil {
		resource.near(&d, &who)
	}
	return d
}

func (p Policies) decide(d *Decision) {
	for i := range p {
		p[i].decide(d, nil)
	}
}

func (p Policies) near(d *Decision) {
	for i := range p {
		p[i].near(d, nil)
	}
}

// decide adds this document's statements to a decision; an explicit deny is final. who is nil for identity
// policies.
func (doc *Document) decide(d *Decision, who *Principal) {
	if d.Outcome == ExplicitDeny {
		return
	}
	for i := range doc.Statements {
		s := &doc.Statements[i]
		if d.Outcome == Allowed && s.Effect == EffectAllow {
			continue
		}
		if !s.appliesTo(who) || !s.covers(d.Need.Action) || s.mismatch(&d.Need) != applies {
			continue
		}
		d.Statement, d.Policy, d.Resource = s, doc.label(i), who != nil
		if s.Effect == EffectDeny {
			d.Outcome = ExplicitDeny
			return
		}
		d.Outcome = Allowed
	}
}

// near tells of a denial which statements nearly allowed it. It comes last, since
// calls that are allowed need no words.
func (doc *Document) near(d *Decision, who *Principal) {
	if d.Outcome != ImplicitDeny {
		return
	}
	for i := range doc.Statements {
		s := &doc.Statements[i]
		if s.Effect != EffectAllow || !s.appliesTo(who) || !s.covers(d.Need.Action) {
			continue
		}
		if m := s.mismatch(&d.Need); m != applies {
			d.Near = append(d.Near, fmt.Sprintf("%s: %s", doc.label(i), s.explain(m, &d.Need)))
		}
	}
}

func (doc *Document) label(i int) string {
	name := doc.Name
	if name == "" {
		name = "policy"
	}
	if sid := doc.Statements[i].SID; sid != "" {
		return name + ", statement " + sid
	}
	return name + ", statement " + strconv.Itoa(i+1)
}

func (s *Statement) appliesTo(who *Principal) bool {
	if who == nil || s.Principals == nil {
		return who == nil && s.Principals == nil
	}
	if s.Principals.Any {
		return true
	}
	if who.Service != "" {
		return slices.Contains(s.Principals.Services, who.Service)
	}
	for _, p := range s.Principals.AWS {
		switch {
		case p == who.RoleARN && p != "", p == who.SessionARN && p != "":
			return true
		case who.Account != "" && (p == who.Account || strings.HasPrefix(p, "arn:") && strings.HasSuffix(p, ":iam::"+who.Account+":root")):
			return true
		}
	}
	return false
}

func (s *Statement) covers(action string) bool {
	if len(s.NotActions) > 0 {
		return !anyLike(likeAction, s.NotActions, action)
	}
	return anyLike(likeAction, s.Actions, action)
}

// mismatch is the index of the condition that does not hold, or one of these.
const (
	applies       = -1
	otherResource = -2
)

// mismatch says why the statement does not apply to a call of an action that it
// covers. A resource policy may leave Resource out.
func (s *Statement) mismatch(n *Need) int {
	switch {
	case len(s.NotResources) > 0:
		if anyLike(likeARN, s.NotResources, n.Resource) {
			return otherResource
		}
	case len(s.Resources) > 0:
		if !anyLike(likeARN, s.Resources, n.Resource) {
			return otherResource
		}
	}
	for i := range s.conditions {
		if !s.conditions[i].holds(n) {
			return i
		}
	}
	return applies
}

func (s *Statement) explain(mismatch int, n *Need) string {
	if mismatch == otherResource {
		if len(s.NotResources) > 0 {
			return "its NotResource excludes " + n.Resource
		}
		return "its Resource is " + strings.Join(s.Resources, ", ")
	}
	c := &s.conditions[mismatch]
	got, ok := n.value(c.folded)
	if !ok {
		return fmt.Sprintf("its condition %s does not hold: the call has no %s", c, c.key)
	}
	return fmt.Sprintf("its condition %s does not hold: %s is %q", c, c.key, got)
}

// Missing is the JSON of the narrowest statement that would allow the call, "" if
// it is allowed or explicitly denied (then a statement must go, not come).
//
// Of the context it asks for dynamodb:EnclosingOperation only: that is what tells
// a write inside a transaction from one outside, and a statement made from a call
// in a transaction should not allow more than that.
func (d Decision) Missing() string {
	if d.Outcome != ImplicitDeny {
		return ""
	}
	s := struct {
		Effect, Action, Resource string
		Condition                map[string]map[string]string `json:",omitempty"`
	}{Effect: EffectAllow, Action: d.Need.Action, Resource: d.Need.Resource}
	for _, k := range sortedKeys(d.Need.Context) {
		if v := d.Need.Context[k]; strings.EqualFold(k, "dynamodb:EnclosingOperation") && len(v) == 1 {
			s.Condition = map[string]map[string]string{"StringEquals": {k: v[0]}}
		}
	}
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(s); err != nil { // cannot fail: strings only
		return ""
	}
	return strings.TrimSpace(b.String())
}

// Reason says in AWS's words why a call is denied, "" when it is allowed. It
// stands after "…is not authorized to perform: ACTION on resource: ARN".
func (d Decision) Reason() string {
	switch {
	case d.Outcome == Allowed:
		return ""
	case d.Outcome == ExplicitDeny && d.Resource:
		return "with an explicit deny in a resource-based policy"
	case d.Outcome == ExplicitDeny:
		return "with an explicit deny in an identity-based policy"
	default:
		return fmt.Sprintf("because no identity-based policy allows the %s action", d.Need.Action)
	}
}

// Explain says for people which statement decided, or what to add.
func (d Decision) Explain() string {
	var b strings.Builder
	switch d.Outcome {
	case Allowed:
		fmt.Fprintf(&b, "allowed by %s", d.Policy)
	case ExplicitDeny:
		fmt.Fprintf(&b, "denied by %s: %s", d.Policy, d.Statement.JSON())
	default:
		fmt.Fprintf(&b, "missing statement: %s", d.Missing())
		if d.Hint != "" {
			fmt.Fprintf(&b, "; %s", d.Hint)
		}
		for _, near := range d.Near {
			fmt.Fprintf(&b, "; %s", near)
		}
	}
	return b.String()
}
