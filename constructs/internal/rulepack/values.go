package rulepack

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/vinci-go/vinci/internal/privilege"
)

// at walks down a value of a template: at(properties, "LoggingConfig", "LogGroup").
func at(v any, keys ...string) any {
	for _, key := range keys {
		m, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		v = m[key]
	}
	return v
}

// expression reports whether only CloudFormation knows the value.
func expression(v any) bool {
	m, ok := v.(map[string]any)
	if !ok || len(m) != 1 {
		return false
	}
	for key := range m {
		return key == "Ref" || strings.HasPrefix(key, "Fn::")
	}
	return false
}

// is reports whether a property is true. CloudFormation takes the word, too. What
// only CloudFormation knows is not held against anybody.
func is(v any) bool { return v == true || v == "true" || expression(v) }

// number is a property that is a number, or otherwise the default.
func number(v any, otherwise float64) (n float64, known bool) {
	switch v := v.(type) {
	case nil:
		return otherwise, true
	case float64:
		return v, true
	case string: // CloudFormation takes numbers as text
		if _, err := fmt.Sscanf(v, "%g", &n); err == nil {
			return n, true
		}
	}
	return 0, false
}

// named is the physical name of a resource, when the template says it as it is.
func (r *resource) named() string {
	for _, n := range nameLimits {
		if n.of == r.Type {
			name, _ := r.Properties[n.property].(string)
			return name
		}
	}
	return ""
}

// of finds the resource that a value of r's template stands for: a Ref, an
// attribute, an ARN that ends in a name, or an output of another stack. It is nil
// when the resource is outside of the application.
func (in *inspection) of(s *stack, v any, kind string) *resource {
	if m, ok := v.(map[string]any); ok && len(m) == 1 {
		if id, ok := m["Ref"].(string); ok {
			return kindOf(s.template.Resources[id], kind)
		}
		switch path := m["Fn::GetAtt"].(type) {
		case []any:
			if id, ok := path[0].(string); ok {
				return kindOf(s.template.Resources[id], kind)
			}
		case string:
			id, _, _ := strings.Cut(path, ".")
			return kindOf(s.template.Resources[id], kind)
		}
		if name := m["Fn::ImportValue"]; name != nil {
			return in.exported(privilege.Text(name), kind)
		}
		if o, ok := m["Fn::GetStackOutput"].(map[string]any); ok {
			return in.output(o["StackName"], o["OutputName"], kind)
		}
	}
	text := privilege.Text(v)
	if whole := wholeReference.FindStringSubmatch(text); whole != nil {
		return kindOf(s.template.Resources[whole[1]], kind)
	}
	if service := strings.ToLower(strings.Split(kind, "::")[1]); strings.HasPrefix(text, "arn:") && !strings.Contains(text, ":"+service+":") {
		return nil
	}
	return in.byName[kind+" "+text[strings.LastIndexAny(text, ":/")+1:]]
}

// wholeReference is a text of Fn::Sub that is one reference: ${Queue.Arn}.
var wholeReference = regexp.MustCompile(`^\$\{([A-Za-z0-9]+)(?:\.[A-Za-z0-9.]+)?\}$`)

func kindOf(r *resource, kind string) *resource {
	if r == nil || r.Type != kind {
		return nil
	}
	return r
}

// exported finds what a stack exports under a name.
func (in *inspection) exported(name, kind string) *resource {
	for _, s := range in.stacks {
		for _, o := range s.template.Outputs {
			if o.Export.Name != nil && privilege.Text(o.Export.Name) == name {
				return in.of(s, o.Value, kind)
			}
		}
	}
	return nil
}

// output finds what a stack has as an output.
func (in *inspection) output(stackName, output any, kind string) *resource {
	name, ok := output.(string)
	if !ok {
		return nil
	}
	for _, s := range in.stacks {
		if o, ok := s.template.Outputs[name]; ok && s.name == stackName {
			return in.of(s, o.Value, kind)
		}
	}
	return nil
}
