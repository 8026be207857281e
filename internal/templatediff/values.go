package templatediff

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// PropertyChange is one place in a resource that is different.
type PropertyChange struct {
	Path string `json:"path"`          // Policies[0].PolicyDocument.Statement[2].Action
	Old  string `json:"old,omitempty"` // JSON; "" when it was not there
	New  string `json:"new,omitempty"` // JSON; "" when it is not there any more
}

// differences lists the places in which two values differ, those of objects by name,
// those of lists by what identifies an element, or by position.
func differences(path string, before, after any) []PropertyChange {
	if text(before) == text(after) {
		return nil
	}
	switch old := before.(type) {
	case map[string]any:
		if now, ok := after.(map[string]any); ok && !intrinsic(old) && !intrinsic(now) {
			var out []PropertyChange
			for _, key := range union(old, now) {
				out = append(out, differences(join(path, key), old[key], now[key])...)
			}
			return out
		}
	case []any:
		if now, ok := after.([]any); ok {
			return listDifferences(path, old, now)
		}
	}
	return []PropertyChange{{Path: path, Old: text(before), New: text(after)}}
}

func listDifferences(path string, old, now []any) []PropertyChange {
	if id := identity(append(slices.Clone(old), now...)); id != nil {
		before, after := map[string]any{}, map[string]any{}
		for _, e := range old {
			before[id(e)] = e
		}
		for _, e := range now {
			after[id(e)] = e
		}
		var out []PropertyChange
		if len(before) == len(old) && len(after) == len(now) {
			for _, key := range union(before, after) {
				out = append(out, differences(path+"["+key+"]", before[key], after[key])...)
			}
			if len(out) > 0 {
				return out
			}
			// Only the order is another one.
			return []PropertyChange{{Path: path, Old: text(old), New: text(now)}}
		}
	}
	var out []PropertyChange
	for i := range max(len(old), len(now)) {
		var a, b any
		if i < len(old) {
			a = old[i]
		}
		if i < len(now) {
			b = now[i]
		}
		out = append(out, differences(fmt.Sprintf("%s[%d]", path, i), a, b)...)
	}
	return out
}

// identity says how the elements of a list are told apart wherever they stand: all
// by one property that names them, or all as plain text. It is nil when there is no
// such way.
func identity(all []any) func(any) string {
	for _, key := range []string{"Sid", "IndexName", "AttributeName", "PolicyName", "Key", "Id", "Region", "Name"} {
		if every(all, func(e any) bool {
			object, _ := e.(map[string]any)
			name, ok := object[key].(string)
			return ok && name != ""
		}) {
			return func(e any) string { return e.(map[string]any)[key].(string) }
		}
	}
	if every(all, func(e any) bool { _, ok := e.(string); return ok }) {
		return func(e any) string { return e.(string) }
	}
	return nil
}

func every(all []any, holds func(any) bool) bool {
	return !slices.ContainsFunc(all, func(e any) bool { return !holds(e) })
}

// intrinsic reports whether the object is a function of CloudFormation's.
func intrinsic(v map[string]any) bool {
	if len(v) != 1 {
		return false
	}
	for key := range v {
		return key == "Ref" || strings.HasPrefix(key, "Fn::")
	}
	return false
}

// text is a value as JSON in one line, keys in order; "" for none.
func text(v any) string {
	if v == nil {
		return ""
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return fmt.Sprint(v) // cannot be: it was read from JSON
	}
	return strings.TrimSuffix(b.String(), "\n")
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// top is the property at the top that a path is in.
func top(path string) string {
	end := strings.IndexAny(path, ".[")
	if end < 0 {
		return path
	}
	return path[:end]
}

func union[V any](a, b map[string]V) []string {
	keys := slices.Collect(maps.Keys(a))
	for k := range b {
		if _, ok := a[k]; !ok {
			keys = append(keys, k)
		}
	}
	slices.Sort(keys)
	return keys
}

// refers reports whether a value refers to the resource of a logical id.
func refers(v any, id string) bool {
	switch v := v.(type) {
	case []any:
		return slices.ContainsFunc(v, func(e any) bool { return refers(e, id) })
	case map[string]any:
		for key, arg := range v {
			switch key {
			case "Ref":
				if arg == id {
					return true
				}
			case "Fn::GetAtt":
				name, _ := arg.(string)
				if list, ok := arg.([]any); ok && len(list) > 0 {
					name, _ = list[0].(string)
				}
				if first, _, _ := strings.Cut(name, "."); first == id {
					return true
				}
			case "Fn::Sub":
				format, _ := arg.(string)
				if list, ok := arg.([]any); ok && len(list) > 0 {
					format, _ = list[0].(string)
				}
				if strings.Contains(format, "${"+id+"}") || strings.Contains(format, "${"+id+".") {
					return true
				}
			}
			if refers(arg, id) {
				return true
			}
		}
	}
	return false
}
