package assembly

import (
	"encoding/base64"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// maxText bounds what Fn::Join and Fn::Sub may make: a template of a few lines
// can otherwise ask for text of any length. CloudFormation allows a whole
// template 1 MB.
const maxText = 1 << 20

// call runs an intrinsic function.
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference.html
func (s *stack) call(where at, name string, arg any) (any, bool) {
	args, _ := arg.([]any)
	text, isText := arg.(string)
	switch name {
	case "Ref":
		if isText {
			return s.ref(where, text)
		}
	case "Fn::GetAtt":
		if id, attribute, ok := strings.Cut(text, "."); ok {
			return s.getAtt(where, id, attribute)
		}
		if len(args) == 2 {
			id, ok := args[0].(string)
			attribute, ok2 := s.text(where, args[1])
			if ok && ok2 {
				return s.getAtt(where, id, attribute)
			}
			if !ok2 {
				return nil, false
			}
		}
	case "Fn::Join":
		if separator, ok := first(args).(string); ok && len(args) == 2 {
			return s.join(where, separator, args[1])
		}
	case "Fn::Sub":
		if isText {
			return s.sub(where, text, nil)
		}
		if format, ok := first(args).(string); ok && len(args) == 2 {
			if variables, ok := args[1].(map[string]any); ok {
				return s.sub(where, format, variables)
			}
		}
	case "Fn::Select":
		if len(args) == 2 {
			return s.selectOne(where, args[0], args[1])
		}
	case "Fn::Split":
		if separator, ok := first(args).(string); ok && len(args) == 2 && separator != "" {
			return s.split(where, separator, args[1])
		}
	case "Fn::If":
		if condition, ok := first(args).(string); ok && len(args) == 3 {
			if s.condition(where, condition) {
				return s.value(where, args[1])
			}
			return s.value(where, args[2])
		}
	case "Fn::FindInMap":
		if len(args) == 3 {
			return s.findInMap(where, args)
		}
	case "Fn::Base64":
		plain, ok := s.text(where, arg)
		return base64.StdEncoding.EncodeToString([]byte(plain)), ok
	case "Fn::ImportValue":
		return s.importValue(where, arg)
	case "Fn::GetStackOutput":
		if object, ok := arg.(map[string]any); ok {
			return s.getStackOutput(where, object)
		}
	default:
		where.fail(ErrUnresolved, "function %s is not known here", name)
		return nil, false
	}
	where.fail(ErrInvalid, "%s has arguments of a wrong number or kind", name)
	return nil, false
}

func first(args []any) any {
	if len(args) == 0 {
		return nil
	}
	return args[0]
}

func (s *stack) join(where at, separator string, arg any) (any, bool) {
	list, ok := s.list(where, arg)
	if !ok {
		return nil, false
	}
	var b strings.Builder
	for i, e := range list {
		if i > 0 {
			b.WriteString(separator)
		}
		part, ok := s.text(where.index(i), e)
		if !ok {
			return nil, false
		}
		b.WriteString(part)
		if b.Len() > maxText {
			where.fail(ErrInvalid, "Fn::Join makes more than %d bytes", maxText)
			return nil, false
		}
	}
	return b.String(), true
}

// subPart is a piece of a Fn::Sub format: plain text, or a variable.
type subPart struct{ text, variable string }

// splitSub takes a Fn::Sub format apart. "${!x}" is the text "${x}".
func splitSub(format string) []subPart {
	var parts []subPart
	for {
		before, rest, found := strings.Cut(format, "${")
		if !found {
			return append(parts, subPart{text: format})
		}
		name, after, closed := strings.Cut(rest, "}")
		if !closed {
			return append(parts, subPart{text: format})
		}
		parts = append(parts, subPart{text: before})
		if literal, ok := strings.CutPrefix(name, "!"); ok {
			parts = append(parts, subPart{text: "${" + literal + "}"})
		} else {
			parts = append(parts, subPart{variable: strings.TrimSpace(name)})
		}
		format = after
	}
}

func (s *stack) sub(where at, format string, variables map[string]any) (any, bool) {
	var b strings.Builder
	for _, part := range splitSub(format) {
		if part.variable == "" {
			b.WriteString(part.text)
		} else {
			v, ok := s.subVariable(where, part.variable, variables)
			if !ok {
				return nil, false
			}
			b.WriteString(v)
		}
		if b.Len() > maxText {
			where.fail(ErrInvalid, "Fn::Sub makes more than %d bytes", maxText)
			return nil, false
		}
	}
	return b.String(), true
}

func (s *stack) subVariable(where at, name string, variables map[string]any) (string, bool) {
	if v, ok := variables[name]; ok {
		return s.text(where, v)
	}
	var v any
	var ok bool
	if id, attribute, dotted := strings.Cut(name, "."); dotted {
		v, ok = s.getAtt(where, id, attribute)
	} else {
		v, ok = s.ref(where, name)
	}
	if !ok {
		return "", false
	}
	return s.text(where, v)
}

func (s *stack) selectOne(where at, index, from any) (any, bool) {
	n, ok := s.text(where, index)
	if !ok {
		return nil, false
	}
	list, ok := s.list(where, from)
	if !ok {
		return nil, false
	}
	i, err := strconv.Atoi(n)
	if err != nil || i < 0 || i >= len(list) {
		where.fail(ErrInvalid, "Fn::Select asks for element %q of a list of %d", n, len(list))
		return nil, false
	}
	return list[i], true
}

func (s *stack) split(where at, separator string, arg any) (any, bool) {
	text, ok := s.text(where, arg)
	if !ok {
		return nil, false
	}
	var list []any
	for part := range strings.SplitSeq(text, separator) {
		list = append(list, part)
	}
	return list, true
}

func (s *stack) findInMap(where at, args []any) (any, bool) {
	var keys [3]string
	for i, a := range args {
		var ok bool
		if keys[i], ok = s.text(where, a); !ok {
			return nil, false
		}
	}
	v, ok := s.template.Mappings[keys[0]][keys[1]][keys[2]]
	if !ok {
		where.fail(ErrUnresolved, "Fn::FindInMap: mapping %s has no %s, %s", keys[0], keys[1], keys[2])
		return nil, false
	}
	switch v.(type) {
	case string, json.Number, bool, []any:
		return v, true
	}
	where.fail(ErrInvalid, "Fn::FindInMap: %s, %s, %s is %s", keys[0], keys[1], keys[2], describe(v))
	return nil, false
}

// importValue finds the export of any stack of the assembly.
func (s *stack) importValue(where at, arg any) (any, bool) {
	name, ok := s.text(where, arg)
	if !ok {
		return nil, false
	}
	e, ok := s.world.allExports()[name]
	if !ok {
		where.fail(ErrUnresolved, "Fn::ImportValue: no stack of this assembly exports %q", name)
		return nil, false
	}
	return e.stack.output(where, e.output)
}

func (w *world) allExports() map[string]exported {
	if w.exports != nil {
		return w.exports
	}
	w.exports = map[string]exported{} // set first: an export's name may not import
	for _, s := range w.order {
		for _, id := range slices.Sorted(maps.Keys(s.template.Outputs)) {
			o := s.template.Outputs[id]
			if o.Export.Name == nil {
				continue
			}
			where := at{stack: s, id: id, property: "Export.Name"}
			name, ok := s.text(where, o.Export.Name)
			if !ok {
				continue
			}
			if other, ok := w.exports[name]; ok {
				where.fail(ErrInvalid, "stack %s exports %q already", other.stack.name, name)
				continue
			}
			w.exports[name] = exported{stack: s, output: id}
		}
	}
	return w.exports
}

// getStackOutput reads another stack's output; the CDK writes it for weak
// references between stacks.
func (s *stack) getStackOutput(where at, arg map[string]any) (any, bool) {
	read := map[string]string{}
	for _, key := range []string{"StackName", "OutputName", "Region"} {
		v, ok := arg[key]
		if !ok {
			continue
		}
		if read[key], ok = s.text(where, v); !ok {
			return nil, false
		}
	}
	for _, key := range slices.Sorted(maps.Keys(arg)) {
		if _, ok := read[key]; !ok {
			where.fail(ErrUnresolved, "Fn::GetStackOutput with %s reaches outside this account", key)
			return nil, false
		}
	}
	if region := read["Region"]; region != "" && region != s.world.env.Region {
		where.fail(ErrUnresolved, "Fn::GetStackOutput reads from region %s, and this runs as %s", region, s.world.env.Region)
		return nil, false
	}
	other, ok := s.world.stacks[read["StackName"]]
	if !ok {
		where.fail(ErrUnresolved, "Fn::GetStackOutput: this assembly has no stack %q", read["StackName"])
		return nil, false
	}
	return other.output(where, read["OutputName"])
}
