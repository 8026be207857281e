package assembly

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// at is a place in a template: where a value stands, for messages.
type at struct {
	stack    *stack
	id       string // resource, output or condition
	property string
}

func (w at) key(name string) at {
	if w.property != "" {
		name = w.property + "." + name
	}
	w.property = name
	return w
}

func (w at) index(i int) at {
	w.property = fmt.Sprintf("%s[%d]", w.property, i)
	return w
}

func (w at) fail(kind error, format string, args ...any) {
	w.stack.world.errs = append(w.stack.world.errs, &Error{
		Stack: w.stack.name, LogicalID: w.id, ConstructPath: w.stack.paths[w.id],
		Property: w.property, Kind: kind, Reason: fmt.Sprintf(format, args...),
	})
}

// nothing is the type of [noValue].
type nothing struct{}

// noValue is what {"Ref": "AWS::NoValue"} gives: it removes the property or the
// list element that holds it.
var noValue any = nothing{}

// value resolves v and everything in it. When it cannot, it has added an error
// and gives false.
func (s *stack) value(where at, v any) (any, bool) {
	switch v := v.(type) {
	case nil:
		where.fail(ErrInvalid, "null is not allowed in a template")
		return nil, false
	case string:
		if strings.Contains(v, "{{resolve:") {
			where.fail(ErrUnresolved, "dynamic reference %q: its value is in an AWS service that is not served here", v)
			return nil, false
		}
		return v, true
	case []any:
		list := make([]any, 0, len(v))
		good := true
		for i, e := range v {
			r, ok := s.value(where.index(i), e)
			good = good && ok
			if ok && r != noValue {
				list = append(list, r)
			}
		}
		return list, good
	case map[string]any:
		if len(v) == 1 {
			for name, arg := range v {
				if name == "Ref" || strings.HasPrefix(name, "Fn::") {
					return s.call(where, name, arg)
				}
			}
		}
		object := make(map[string]any, len(v))
		good := true
		for _, name := range slices.Sorted(maps.Keys(v)) {
			r, ok := s.value(where.key(name), v[name])
			good = good && ok
			if ok && r != noValue {
				object[name] = r
			}
		}
		return object, good
	default: // json.Number, bool
		return v, true
	}
}

// text resolves v to a string; numbers and booleans count as their text, as in
// CloudFormation.
func (s *stack) text(where at, v any) (string, bool) {
	r, ok := s.value(where, v)
	if !ok {
		return "", false
	}
	switch r := r.(type) {
	case string:
		return r, true
	case json.Number:
		return r.String(), true
	case bool:
		return fmt.Sprint(r), true
	}
	where.fail(ErrInvalid, "is %s, and must be text", describe(r))
	return "", false
}

// list resolves v to a list.
func (s *stack) list(where at, v any) ([]any, bool) {
	r, ok := s.value(where, v)
	if !ok {
		return nil, false
	}
	if l, ok := r.([]any); ok {
		return l, true
	}
	where.fail(ErrInvalid, "is %s, and must be a list", describe(r))
	return nil, false
}

func describe(v any) string {
	switch v.(type) {
	case string:
		return "text"
	case json.Number:
		return "a number"
	case bool:
		return "a boolean"
	case []any:
		return "a list"
	case map[string]any:
		return "an object"
	case nothing:
		return "AWS::NoValue"
	default:
		return fmt.Sprintf("%T", v)
	}
}

// ref is {"Ref": name}: a pseudo parameter, a parameter or a resource.
func (s *stack) ref(where at, name string) (any, bool) {
	if v, ok := s.pseudo(name); ok {
		return v, true
	}
	if strings.HasPrefix(name, "AWS::") {
		where.fail(ErrUnresolved, "pseudo parameter %s has no value here", name)
		return nil, false
	}
	if p, ok := s.template.Parameters[name]; ok {
		return s.parameter(where, name, p)
	}
	ident := s.identify(where, name)
	if ident == nil {
		return nil, false
	}
	return ident.ref(), true
}

// pseudo gives the pseudo parameters.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/pseudo-parameter-reference.html
func (s *stack) pseudo(name string) (any, bool) {
	env := s.world.env
	switch name {
	case "AWS::AccountId":
		return env.Account, true
	case "AWS::Region":
		return env.Region, true
	case "AWS::Partition":
		return env.Partition, true
	case "AWS::URLSuffix":
		return env.urlSuffix(), true
	case "AWS::StackName":
		return s.name, true
	case "AWS::StackId":
		return env.Arn("cloudformation", "stack/"+s.name+"/"+uuid("stack", s.name)), true
	case "AWS::NotificationARNs":
		return []any{}, true
	case "AWS::NoValue":
		return noValue, true
	}
	return nil, false
}

func (s *stack) parameter(where at, name string, p parameter) (any, bool) {
	if strings.HasPrefix(p.Type, "AWS::SSM::Parameter::") {
		where.fail(ErrUnresolved, "parameter %s is read from SSM Parameter Store, which is not served here", name)
		return nil, false
	}
	var text string
	switch d := p.Default.(type) {
	case string:
		text = d
	case json.Number:
		text = d.String()
	case bool:
		text = fmt.Sprint(d)
	case nil:
		where.fail(ErrUnresolved, "parameter %s has no default, and a local run gives parameters no values", name)
		return nil, false
	default:
		where.fail(ErrInvalid, "the default of parameter %s is %s", name, describe(d))
		return nil, false
	}
	if p.Type == "CommaDelimitedList" || strings.HasPrefix(p.Type, "List<") {
		var list []any
		for part := range strings.SplitSeq(text, ",") {
			list = append(list, strings.TrimSpace(part))
		}
		return list, true
	}
	return text, true
}

// getAtt is {"Fn::GetAtt": [id, attribute]}.
func (s *stack) getAtt(where at, id, attribute string) (any, bool) {
	ident := s.identify(where, id)
	if ident == nil {
		return nil, false
	}
	return ident.attribute(where, attribute)
}

// output resolves an output of this stack once, for itself and for others.
func (s *stack) output(where at, id string) (any, bool) {
	o, ok := s.template.Outputs[id]
	if !ok {
		where.fail(ErrUnresolved, "stack %s has no output %s", s.name, id)
		return nil, false
	}
	l := s.outputs[id]
	if l == nil {
		l = &lazy[any]{}
		s.outputs[id] = l
	}
	switch l.state {
	case 1:
		where.fail(ErrInvalid, "output %s of stack %s refers to itself", id, s.name)
		return nil, false
	case 0:
		l.state = 1
		l.value, l.ok = s.value(at{stack: s, id: id, property: "Value"}, o.Value)
		l.state = 2
	}
	if l.value == noValue {
		where.fail(ErrUnresolved, "output %s of stack %s is AWS::NoValue", id, s.name)
		return nil, false
	}
	return l.value, l.ok
}
