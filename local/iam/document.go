package iam

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"sort"
	"strings"
)

// ErrInvalid is the kind of every error of this package's parsers: the document
// is malformed, or uses an element that is not served here.
var ErrInvalid = errors.New("invalid policy document")

// The two values of a statement's Effect.
const (
	EffectAllow = "Allow"
	EffectDeny  = "Deny"
)

// Document is one parsed policy. The zero Document has no statement and allows
// nothing.
//
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements.html
type Document struct {
	// Name is what messages call this policy. It is no part of the document: the
	// loader sets it, for example to the policy's logical id.
	Name string
	// Version is "2012-10-17" or "2008-10-17"; absent means the latter.
	Version    string
	ID         string
	Statements []Statement
}

// Statement is one statement of a policy. Exactly one of Actions and NotActions
// is set, and at most one of Resources and NotResources.
type Statement struct {
	SID          string
	Effect       string
	Principals   *Principals // nil in identity policies
	Actions      []string
	NotActions   []string
	Resources    []string
	NotResources []string

	conditions []condition
	source     json.RawMessage
}

// JSON is the statement as it was written, compacted.
func (s *Statement) JSON() string { return string(s.source) }

// Principals is a statement's Principal element.
type Principals struct {
	Any      bool     // "*" or {"AWS":"*"}
	AWS      []string // account ids, account root ARNs, role ARNs, session ARNs
	Services []string // service principals, as "events.amazonaws.com"
}

// Parse reads an identity policy, that is one without Principal. Intrinsic
// functions must be resolved before. Errors are of kind [ErrInvalid] and say
// which statement is wrong.
func Parse(raw []byte) (Document, error) {
	return parseKind(raw, func(s *Statement) error {
		if s.Principals != nil {
			return errors.New("an identity policy has no Principal: it belongs to a role, which is the caller")
		}
		if s.Resources == nil && s.NotResources == nil {
			return errors.New("no Resource is given")
		}
		return nil
	})
}

// ParseResource reads a resource policy, that is one whose statements all have a
// Principal, such as a queue's.
func ParseResource(raw []byte) (Document, error) {
	return parseKind(raw, func(s *Statement) error {
		if s.Principals == nil {
			return errors.New("no Principal is given: a resource policy says who is allowed or denied")
		}
		return nil
	})
}

func parseKind(raw []byte, check func(*Statement) error) (Document, error) {
	var d Document
	if err := d.UnmarshalJSON(raw); err != nil {
		return Document{}, err
	}
	for i := range d.Statements {
		if err := check(&d.Statements[i]); err != nil {
			return Document{}, statementError(&d.Statements[i], i, err)
		}
	}
	return d, nil
}

// UnmarshalJSON reads a policy of either kind. [Parse] and [ParseResource] also
// check what their kind demands.
func (d *Document) UnmarshalJSON(raw []byte) error {
	var wire struct {
		Version   string
		ID        string `json:"Id"`
		Statement oneOrMany[json.RawMessage]
	}
	if err := strict(raw, &wire); err != nil {
		return fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	switch wire.Version {
	case "", "2008-10-17", "2012-10-17":
	default:
		return fmt.Errorf("%w: Version %q: allowed are 2012-10-17 and 2008-10-17", ErrInvalid, wire.Version)
	}
	out := Document{Name: d.Name, Version: wire.Version, ID: wire.ID}
	for i, raw := range wire.Statement {
		s, err := parseStatement(raw)
		if err != nil {
			return statementError(&s, i, err)
		}
		out.Statements = append(out.Statements, s)
	}
	*d = out
	return nil
}

func statementError(s *Statement, i int, err error) error {
	if s.SID != "" {
		return fmt.Errorf("%w: statement %d (%s): %w", ErrInvalid, i+1, s.SID, err)
	}
	return fmt.Errorf("%w: statement %d: %w", ErrInvalid, i+1, err)
}

func parseStatement(raw json.RawMessage) (Statement, error) {
	var wire struct {
		Sid, Effect                              string
		Principal                                json.RawMessage
		NotPrincipal                             json.RawMessage
		Action, NotAction, Resource, NotResource oneOrMany[string]
		Condition                                map[string]map[string]oneOrMany[conditionValue]
	}
	if err := strict(raw, &wire); err != nil {
		return Statement{}, err
	}
	s := Statement{
		SID: wire.Sid, Effect: wire.Effect,
		Actions: wire.Action, NotActions: wire.NotAction,
		Resources: wire.Resource, NotResources: wire.NotResource,
	}
	if s.Effect != EffectAllow && s.Effect != EffectDeny {
		return s, fmt.Errorf("the Effect is %q: allowed are Allow and Deny", s.Effect)
	}
	if (len(s.Actions) == 0) == (len(s.NotActions) == 0) {
		return s, errors.New("exactly one of Action and NotAction must be given")
	}
	if len(s.Resources) > 0 && len(s.NotResources) > 0 {
		return s, errors.New("at most one of Resource and NotResource may be given")
	}
	for _, a := range append(append([]string(nil), s.Actions...), s.NotActions...) {
		if a != "*" && !strings.Contains(a, ":") {
			return s, fmt.Errorf("action %q: want SERVICE:ACTION, as in sqs:SendMessage, or *", a)
		}
	}
	for _, r := range append(append([]string(nil), s.Resources...), s.NotResources...) {
		if r != "*" && !strings.HasPrefix(r, "arn:") {
			return s, fmt.Errorf("resource %q: want an ARN, or *", r)
		}
		if err := noVariable(r); err != nil {
			return s, err
		}
	}
	if len(wire.NotPrincipal) > 0 {
		return s, errors.New("NotPrincipal is not served locally: name the principals with Principal, or deny with a condition on aws:PrincipalArn")
	}
	var err error
	if s.Principals, err = parsePrincipals(wire.Principal); err != nil {
		return s, err
	}
	if s.conditions, err = parseConditions(wire.Condition); err != nil {
		return s, err
	}
	s.source = compact(raw)
	return s, nil
}

func parsePrincipals(raw json.RawMessage) (*Principals, error) {
	if len(raw) == 0 || string(raw) == "null" {
		return nil, nil
	}
	var all string
	if json.Unmarshal(raw, &all) == nil {
		if all != "*" {
			return nil, fmt.Errorf(`the Principal is %q: want "*" or {"AWS": …} or {"Service": …}`, all)
		}
		return &Principals{Any: true}, nil
	}
	var wire struct{ AWS, Service oneOrMany[string] }
	if err := strict(raw, &wire); err != nil {
		return nil, fmt.Errorf("of a Principal, AWS and Service are served: %w", err)
	}
	if len(wire.AWS)+len(wire.Service) == 0 {
		return nil, errors.New("the Principal names nobody")
	}
	p := &Principals{Services: wire.Service}
	for _, a := range wire.AWS {
		if a == "*" {
			p.Any = true
			continue
		}
		p.AWS = append(p.AWS, a)
	}
	return p, nil
}

// noVariable refuses policy variables. Without their values a statement would be
// compared with the text "${…}" and silently match nothing.
func noVariable(s string) error {
	if strings.Contains(s, "${") {
		return fmt.Errorf("%q holds a policy variable: they are not served locally, write the value", s)
	}
	return nil
}

// oneOrMany is a JSON value that may be written alone or in an array. An array
// must not be empty: IAM refuses that too.
type oneOrMany[T any] []T

func (o *oneOrMany[T]) UnmarshalJSON(raw []byte) error {
	trimmed := bytes.TrimSpace(raw)
	if len(trimmed) > 0 && trimmed[0] == '[' {
		var many []T
		if err := json.Unmarshal(trimmed, &many); err != nil {
			return err
		}
		if len(many) == 0 {
			return errors.New("an empty list is not allowed")
		}
		*o = many
		return nil
	}
	if string(trimmed) == "null" {
		return errors.New("null is not allowed")
	}
	var one T
	if err := json.Unmarshal(trimmed, &one); err != nil {
		return err
	}
	*o = []T{one}
	return nil
}

// strict decodes one JSON value and refuses unknown fields and anything after it.
func strict(raw []byte, v any) error {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	if err := dec.Decode(v); err != nil {
		return err
	}
	if dec.More() {
		return errors.New("text after the end of the JSON value")
	}
	return nil
}

func compact(raw []byte) []byte {
	var b bytes.Buffer
	if json.Compact(&b, raw) != nil { // cannot fail: raw was just decoded
		return raw
	}
	return b.Bytes()
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}
