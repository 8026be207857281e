package schema

import (
	"encoding/json"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/vinci-go/vinci/internal/jsonfields"
	checks "github.com/vinci-go/vinci/internal/rules"
)

// applyRules adds the rules of a field's validate tag to its schema. It reports
// whether they ask for the field to be there: its empty value breaks them.
func applyRules(p *node, f jsonfields.Field, optional bool) (required bool) {
	tag := f.Tag.Get("validate")
	if tag == "" || tag == "-" {
		return false
	}
	// Define has tried the rules, so none of them panics.
	required = checks.New("json").Var(reflect.Zero(f.Type).Interface(), checks.Alone(tag)) != nil
	rules := strings.Split(tag, ",")
	if i := slices.IndexFunc(rules, func(r string) bool { return r == "omitempty" || r == "omitnil" || r == "omitzero" }); i >= 0 && !optional && f.Type.Kind() != reflect.Pointer {
		// The empty value can be there and need not keep the rules: no keyword
		// says that.
		p.Rules = append(p.Rules, strings.Join(rules, ","))
		return false
	}
	apply(p, f.Type, rules)
	return required
}

// apply adds the rules up to dive to n, those behind it to what n holds.
func apply(n *node, t reflect.Type, rules []string) {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
		if rules[0] == "required" { // a pointer that is not nil, whatever it points at
			n.notNull()
			rules = rules[1:]
		}
		if len(rules) == 0 {
			return
		}
	}
	for i, rule := range rules {
		if rule == "dive" {
			dive(n, t, rules[i+1:])
			return
		}
		if !keyword(n, t, rule) {
			n.Rules = append(n.Rules, rule)
		}
	}
}

// dive applies rules to the elements of a list or the values of a map.
func dive(n *node, t reflect.Type, rules []string) {
	if len(rules) == 0 {
		return
	}
	if rules[0] == "keys" {
		end := slices.Index(rules, "endkeys")
		if end < 0 {
			end = len(rules) - 1
		}
		if keys := rules[1:end]; len(keys) > 0 {
			if n.PropertyNames == nil {
				n.PropertyNames = &node{Type: names{"string"}}
			}
			names := n.PropertyNames
			if names.ContentSchema != nil { // a whole number, written as a text
				names = names.ContentSchema
			}
			apply(names, t.Key(), keys)
		}
		if rules = rules[end+1:]; len(rules) == 0 {
			return
		}
	}
	if n.Items == nil && n.AdditionalProperties == nil {
		n.Rules = append(n.Rules, "dive,"+strings.Join(rules, ","))
		return
	}
	inside := n.Items
	if inside == nil {
		inside = n.AdditionalProperties
	}
	apply(inside, t.Elem(), rules)
}

// formats are the rules that JSON Schema has a format for. Never written to.
var formats = map[string]string{
	"email": "email", "uri": "uri", "url": "uri", "uuid": "uuid", "uuid4": "uuid",
	"hostname": "hostname", "hostname_rfc1123": "hostname", "ipv4": "ipv4", "ipv6": "ipv6",
}

// keyword says a rule in JSON Schema's own words, false when it has none.
func keyword(n *node, t reflect.Type, rule string) bool {
	name, param, _ := strings.Cut(rule, "=")
	switch {
	case name == "omitempty" || name == "omitnil" || name == "omitzero":
		return true // what is there is not empty
	case strings.Contains(rule, "|"):
		return false
	case t == reflect.TypeFor[time.Time]() || jsonfields.EncodesItself(t):
		return false
	}
	switch k := t.Kind(); {
	case k == reflect.String || jsonfields.EncodesAsText(t):
		return k == reflect.String && text(n, name, param, rule)
	case k >= reflect.Int && k <= reflect.Float64:
		return t != reflect.TypeFor[time.Duration]() && numberRule(n, name, param)
	case k == reflect.Slice && n.ContentEncoding == "":
		if name == "unique" && param == "" {
			n.UniqueItems = true
			return true
		}
		return size(n, name, param, &n.MinItems, &n.MaxItems)
	case k == reflect.Map:
		return size(n, name, param, &n.MinProperties, &n.MaxProperties)
	}
	return false
}

func text(n *node, name, param, rule string) bool {
	if name == "required" {
		name, param = "min", "1"
	}
	if f := formats[rule]; f != "" && n.Format == "" {
		n.Format = f
		return f == rule // uuid4 is more than a uuid: the rule itself is kept, too
	}
	if name == "oneof" && n.Enum == nil && !strings.Contains(param, "'") {
		for v := range strings.FieldsSeq(param) {
			b, err := json.Marshal(v)
			if err != nil {
				return false
			}
			n.Enum = append(n.Enum, b)
		}
		return n.Enum != nil
	}
	return size(n, name, param, &n.MinLength, &n.MaxLength)
}

// size is for what has a length.
func size(n *node, name, param string, least, most **int64) bool {
	if name == "required" { // of a list or map: not nil
		n.notNull()
		return true
	}
	v, err := strconv.ParseInt(param, 10, 64)
	if err != nil {
		return false
	}
	low, high := false, false
	switch name {
	case "min", "gte":
		low = true
	case "gt":
		low, v = true, v+1
	case "max", "lte":
		high = true
	case "lt":
		high, v = true, v-1
	case "len", "eq":
		if name == "eq" && least == &n.MinLength {
			return false // of a text: the text itself
		}
		low, high = true, true
	default:
		return false
	}
	if low && (*least == nil || **least < v) {
		lowest := v
		*least = &lowest
	}
	if high && (*most == nil || **most > v) {
		highest := v
		*most = &highest
	}
	if low && v > 0 {
		n.notNull() // nil has no length
	}
	return true
}

func numberRule(n *node, name, param string) bool {
	var v json.Number
	if name == "oneof" && n.Enum == nil {
		var all []json.RawMessage
		for p := range strings.FieldsSeq(param) {
			if json.Unmarshal([]byte(p), &v) != nil || p[0] == '"' {
				return false
			}
			all = append(all, json.RawMessage(p))
		}
		n.Enum = all
		return all != nil
	}
	if json.Unmarshal([]byte(param), &v) != nil || param[0] == '"' || v == "" {
		return false
	}
	switch name {
	case "min", "gte":
		nearer(&n.Minimum, v, 1)
	case "max", "lte":
		nearer(&n.Maximum, v, -1)
	case "gt":
		n.ExclusiveMinimum = &v
	case "lt":
		n.ExclusiveMaximum = &v
	case "len", "eq":
		nearer(&n.Minimum, v, 1)
		nearer(&n.Maximum, v, -1)
	default:
		return false
	}
	return true
}

// nearer sets a bound unless the one that is there leaves less room: that of a
// small integer type. up is 1 for a lower bound, -1 for an upper one.
func nearer(bound **json.Number, v json.Number, up float64) {
	if *bound == nil || (value(v)-value(**bound))*up > 0 {
		*bound = &v
	}
}

// value is the number, as near as a binary64 comes.
func value(n json.Number) float64 {
	f, _ := n.Float64() // beyond its range it is infinite, which is right here
	return f
}
