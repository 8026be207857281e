package privilege

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Statement is one statement of a policy in a template, where a resource may be an
// expression of CloudFormation's.
type Statement struct {
	Sid          string
	Effect       string // Allow or Deny
	Actions      []string
	NotActions   []string
	Resources    []any // text, or an expression such as {"Fn::GetAtt": [...]}
	NotResources []any
	Principal    any // of a resource's policy
	Condition    map[string]any
}

// Read takes a policy document apart: what a template has below PolicyDocument.
func Read(document any) ([]Statement, error) {
	b, err := json.Marshal(document)
	if err != nil {
		return nil, fmt.Errorf("read a policy document: %w", err)
	}
	var d struct{ Statement json.RawMessage }
	if err := json.Unmarshal(b, &d); err != nil {
		return nil, fmt.Errorf("read a policy document: %w", err)
	}
	var raw []struct {
		Sid, Effect                              string
		Action, NotAction, Resource, NotResource any
		Principal                                any
		Condition                                map[string]any
	}
	if len(d.Statement) > 0 && d.Statement[0] == '{' { // one statement needs no list
		d.Statement = slices.Concat([]byte("["), d.Statement, []byte("]"))
	}
	if len(d.Statement) > 0 {
		if err := json.Unmarshal(d.Statement, &raw); err != nil {
			return nil, fmt.Errorf("read the statements of a policy document: %w", err)
		}
	}
	all := make([]Statement, len(raw))
	for i, r := range raw {
		all[i] = Statement{
			Sid: r.Sid, Effect: r.Effect, Principal: r.Principal, Condition: r.Condition,
			Actions: texts(r.Action), NotActions: texts(r.NotAction), Resources: List(r.Resource), NotResources: List(r.NotResource),
		}
	}
	return all, nil
}

// List is a value of a template that may stand alone or in a list.
func List(v any) []any {
	switch v := v.(type) {
	case nil:
		return nil
	case []any:
		return v
	}
	return []any{v}
}

func texts(v any) []string {
	var all []string
	for _, x := range List(v) {
		all = append(all, Text(x))
	}
	return all
}

// Text is a value of a policy as text: an expression with its placeholders in it,
// and JSON where it cannot be written so.
func Text(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case map[string]any:
		if text, ok := v["Fn::Sub"].(string); ok {
			return text
		}
		if parts, ok := v["Fn::Sub"].([]any); ok && len(parts) == 2 {
			return substituted(parts[0], parts[1])
		}
		if path, ok := v["Fn::GetAtt"].([]any); ok && len(path) == 2 {
			return fmt.Sprintf("%v.%v", path[0], path[1])
		}
		if parts, ok := v["Fn::Join"].([]any); ok && len(parts) == 2 {
			if separator, ok := parts[0].(string); ok {
				return strings.Join(texts(parts[1]), separator)
			}
		}
		if ref, ok := v["Ref"].(string); ok {
			return "${" + ref + "}"
		}
	}
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(b)
}

// substituted is the text of an Fn::Sub that has variables of its own.
func substituted(text, variables any) string {
	all, _ := variables.(map[string]any)
	var pairs []string
	for _, name := range slices.Sorted(maps.Keys(all)) {
		pairs = append(pairs, "${"+name+"}", Text(all[name]))
	}
	return strings.NewReplacer(pairs...).Replace(Text(text))
}
