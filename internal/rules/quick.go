package rules

import (
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
	"unsafe"
)

// quickCheck says at once that a field's value satisfies its rules. It may be
// wrong in one way only: what it does not accept, the validator still may.
//
// github.com/go-playground/validator takes about as long for an item of ten
// fields as encoding it. Nearly every item is right, and nearly every rule is
// simple: then it is not asked at all, and stays the only one who refuses.
type quickCheck struct {
	offset uintptr
	ok     func(p unsafe.Pointer) bool
}

// Quick are the rules of a struct, compiled; nil when some are not simple. It is
// safe for concurrent use.
type Quick []quickCheck

// CompileQuick compiles the rules of the struct type rt.
func CompileQuick(rt reflect.Type) Quick {
	checks, ok := quickChecks(rt, 0)
	if !ok {
		return nil
	}
	if checks == nil {
		checks = []quickCheck{} // no rules at all: everything satisfies them
	}
	return checks
}

// quickChecks compiles the rules of a struct; ok is false when some are not
// simple.
func quickChecks(rt reflect.Type, offset uintptr) (checks []quickCheck, ok bool) {
	for i := range rt.NumField() {
		sf := rt.Field(i)
		rule, ruled := sf.Tag.Lookup("validate")
		switch {
		case rule == "-" || !ruled && !Has(sf.Type):
		case ruled:
			accept := quickRules(sf.Type, rule)
			if accept == nil || !sf.IsExported() {
				return nil, false
			}
			checks = append(checks, quickCheck{offset + sf.Offset, accept})
		case sf.Type.Kind() == reflect.Struct:
			inner, ok := quickChecks(sf.Type, offset+sf.Offset)
			if !ok {
				return nil, false
			}
			checks = append(checks, inner...)
		default:
			return nil, false
		}
	}
	return checks, true
}

// quickRules compiles one validate tag; nil when it has a rule that is not
// simple.
func quickRules(rt reflect.Type, rule string) func(unsafe.Pointer) bool {
	rules := strings.Split(rule, ",")
	optional := rules[0] == "omitempty"
	if optional {
		rules = rules[1:]
	}
	if rt.Kind() == reflect.Pointer {
		if !optional {
			return nil
		}
		return func(p unsafe.Pointer) bool { return *(*unsafe.Pointer)(p) == nil }
	}
	var all []func(unsafe.Pointer) bool
	for _, one := range rules {
		ok := quickRule(rt, one)
		if ok == nil {
			return nil
		}
		all = append(all, ok)
	}
	given := quickRule(rt, "required")
	if given == nil {
		return nil
	}
	return func(p unsafe.Pointer) bool {
		if optional && !given(p) {
			return true
		}
		for _, ok := range all {
			if !ok(p) {
				return false
			}
		}
		return true
	}
}

func quickRule(rt reflect.Type, rule string) func(unsafe.Pointer) bool {
	name, param, _ := strings.Cut(rule, "=")
	text := rt.Kind() == reflect.String
	switch {
	case rule == "required" && text:
		return func(p unsafe.Pointer) bool { return *(*string)(p) != "" }
	case rule == "required":
		return quickRequired(rt)
	case rule == "email" && text:
		return func(p unsafe.Pointer) bool { return plainEmail(*(*string)(p)) }
	case name == "oneof" && text && !strings.ContainsAny(param, "'|") && !strings.Contains(param, "0x"):
		values := strings.Fields(param)
		return func(p unsafe.Pointer) bool { return slices.Contains(values, *(*string)(p)) }
	}
	size := quickSize(rt)
	n, err := strconv.ParseInt(param, 10, 64)
	if size == nil || err != nil || strconv.FormatInt(n, 10) != param {
		return nil
	}
	switch name {
	case "min", "gte":
		return func(p unsafe.Pointer) bool { return size(p) >= n }
	case "max", "lte":
		return func(p unsafe.Pointer) bool { return size(p) <= n }
	case "gt":
		return func(p unsafe.Pointer) bool { return size(p) > n }
	case "lt":
		return func(p unsafe.Pointer) bool { return size(p) < n }
	case "len":
		return func(p unsafe.Pointer) bool { return size(p) == n }
	}
	return nil
}

// quickRequired asks for a value: of a slice or map any that is not nil.
func quickRequired(rt reflect.Type) func(unsafe.Pointer) bool {
	switch k := rt.Kind(); {
	case k == reflect.Slice || k == reflect.Map:
		return func(p unsafe.Pointer) bool { return !reflect.NewAt(rt, p).Elem().IsNil() }
	case k <= reflect.Float64 || rt == reflect.TypeFor[time.Time]():
		return func(p unsafe.Pointer) bool { return !reflect.NewAt(rt, p).Elem().IsZero() }
	}
	return nil
}

// quickSize is what bounds are about: characters, elements or the number itself.
func quickSize(rt reflect.Type) func(unsafe.Pointer) int64 {
	switch k := rt.Kind(); {
	case k == reflect.String:
		return func(p unsafe.Pointer) int64 { return int64(utf8.RuneCountInString(*(*string)(p))) }
	case k == reflect.Slice || k == reflect.Map:
		return func(p unsafe.Pointer) int64 { return int64(reflect.NewAt(rt, p).Elem().Len()) }
	case k >= reflect.Int && k <= reflect.Int64 && rt != reflect.TypeFor[time.Duration](): // whose bounds are texts
		return func(p unsafe.Pointer) int64 { return reflect.NewAt(rt, p).Elem().Int() }
	}
	return nil
}

// plainEmail knows the addresses that nearly everybody has: words of letters,
// digits and ._%+- in front, a host name of ASCII labels behind.
func plainEmail(s string) bool {
	at := strings.IndexByte(s, '@')
	if at < 0 || len(s) > 254 {
		return false
	}
	before := byte('.')
	for i := range at {
		c := s[i]
		if !(isLetter(c) || isDigit(c) || c == '_' || c == '%' || c == '+' || c == '-' || c == '.' && before != '.') {
			return false
		}
		before = c
	}
	if before == '.' {
		return false
	}
	dots, last := 0, false // last: the label so far is of letters only
	before = '.'
	for i := at + 1; i < len(s); i++ {
		c := s[i]
		switch {
		case c == '.' && before != '.' && before != '-':
			dots, last = dots+1, true
		case c == '-' && before != '.', isDigit(c):
			last = false
		case !isLetter(c):
			return false
		}
		before = c
	}
	return dots > 0 && last && before != '.'
}

func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// Accepts reports whether the value at p surely satisfies all rules. A false
// answer says nothing: ask the validator then.
func (q Quick) Accepts(p unsafe.Pointer) bool {
	for i := range q {
		if c := &q[i]; !c.ok(unsafe.Add(p, c.offset)) {
			return false
		}
	}
	return q != nil
}
