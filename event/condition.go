package event

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
)

// Condition is what [Where] asks of one field. Make it with a method of [Field] or
// [Meta].
type Condition struct {
	path         []string // below detail
	eventType    string   // whose data the path is of; "" for metadata
	alternatives []byte   // the array of the pattern
	text         string   // for people
	err          error
}

// String is the condition for people: data.total > 5.
func (c Condition) String() string { return c.text }

// absentToo is the alternative that holds when the field is not there.
const absentToo = `{"exists":false}`

// Eq holds when the field is v. When v is what `omitempty` or `omitzero` leaves
// out, it holds for an event without the field, too.
func (f Field[T, V]) Eq(v V) Condition { return f.In(v) }

// NotEq holds whenever Eq does not, so also for an event without the field. Of a
// list's elements ([Elem]) it asks for one that is not v.
func (f Field[T, V]) NotEq(v V) Condition {
	c := f.condition("!=")
	if c.err != nil {
		return c
	}
	lit, err := f.literal(v)
	if err != nil {
		return f.wrong("%v", err)
	}
	c.text += clip(string(lit))
	var all []string
	switch {
	case lit[0] == '"' || isNumber(lit):
		if !exact(lit) {
			return f.wrong("NotEq(%s): EventBridge compares whole numbers to 2^53 only", lit)
		}
		all = append(all, `{"anything-but":`+string(lit)+`}`)
		if f.nullable {
			all = append(all, "null")
		}
	case string(lit) == "null" && f.kind == kindText:
		all = append(all, `{"prefix":""}`) // every text
	case string(lit) == "null" && f.kind == kindBool:
		all = append(all, "true", "false")
	case string(lit) == "null":
		return f.wrong("NotEq(nil): EventBridge has no condition for it, as null is a value: let omitempty leave the field out and use Exists")
	default:
		other := "true"
		if string(lit) == "true" {
			other = "false"
		}
		all = append(all, other)
		if f.nullable {
			all = append(all, "null")
		}
	}
	if !f.leavesOut(v) && !f.element {
		all = append(all, absentToo)
	}
	return c.of(all...)
}

// In holds when the field is one of the values, each as in Eq.
func (f Field[T, V]) In(values ...V) Condition {
	c := f.condition("=")
	if c.err != nil {
		return c
	}
	if len(values) == 0 {
		return f.wrong("In() without values never holds")
	}
	var all, texts []string
	absent := false
	for _, v := range values {
		lit, err := f.literal(v)
		if err != nil {
			return f.wrong("%v", err)
		}
		texts = append(texts, clip(string(lit)))
		all = append(all, string(lit))
		absent = absent || f.leavesOut(v)
	}
	c.text += texts[0]
	if len(texts) > 1 {
		c.text = f.text() + " in (" + strings.Join(texts, ", ") + ")"
	}
	if absent {
		all = append(all, absentToo)
	}
	return c.of(all...)
}

// Prefix holds when the field is a text that begins with prefix, which may not
// be empty.
func (f Field[T, V]) Prefix(prefix string) Condition { return f.affix("prefix", prefix) }

// Suffix holds when the field is a text that ends in suffix, which may not be
// empty.
func (f Field[T, V]) Suffix(suffix string) Condition { return f.affix("suffix", suffix) }

func (f Field[T, V]) affix(op, s string) Condition {
	c := f.condition(op)
	switch {
	case c.err != nil:
		return c
	case f.kind != kindText:
		return f.wrong("%s is for texts, this is %s", op, f.goType())
	case s == "":
		return f.wrong("an empty %s would hold for every text: use Exists", op)
	}
	c.text += strconv.Quote(clip(s))
	return c.of(fmt.Sprintf(`{%q:%s}`, op, jsonText(s)))
}

// EqualFold holds when the field is s under Unicode simple case folding, as
// strings.EqualFold compares.
func (f Field[T, V]) EqualFold(s string) Condition {
	c := f.condition("equals, but for case,")
	switch {
	case c.err != nil:
		return c
	case f.kind != kindText:
		return f.wrong("EqualFold is for texts, this is %s", f.goType())
	}
	c.text += strconv.Quote(clip(s))
	all := []string{fmt.Sprintf(`{"equals-ignore-case":%s}`, jsonText(s))}
	var zero V
	if s == "" && !f.nullable && f.leavesOut(zero) {
		all = []string{`""`, absentToo}
	}
	return c.of(all...)
}

// Gt holds when the field is a number above v. Numbers are compared as binary64;
// whole numbers beyond 2^53 are refused here and never match there.
func (f Field[T, V]) Gt(v V) Condition { return f.compare(">", v) }

// Ge holds when the field is v or above; see Gt.
func (f Field[T, V]) Ge(v V) Condition { return f.compare(">=", v) }

// Lt holds when the field is a number below v; see Gt.
func (f Field[T, V]) Lt(v V) Condition { return f.compare("<", v) }

// Le holds when the field is v or below; see Gt.
func (f Field[T, V]) Le(v V) Condition { return f.compare("<=", v) }

func (f Field[T, V]) compare(op string, v V) Condition {
	c := f.condition(op)
	lit, err := f.bound(v)
	switch {
	case c.err != nil:
		return c
	case err != nil:
		return f.wrong("%s: %v", op, err)
	}
	c.text += string(lit)
	n, zero := number(lit), 0.0
	holds := op == ">" && zero > n || op == ">=" && zero >= n || op == "<" && zero < n || op == "<=" && zero <= n
	return c.of(f.orZero(holds, fmt.Sprintf(`{"numeric":[%q,%s]}`, op, lit))...)
}

// Between holds when the field is low, high or a number between them; see Gt.
func (f Field[T, V]) Between(low, high V) Condition {
	c := f.condition("between")
	l, err := f.bound(low)
	h, err2 := f.bound(high)
	if err == nil {
		err = err2
	}
	switch {
	case c.err != nil:
		return c
	case err != nil:
		return f.wrong("Between: %v", err)
	case number(l) > number(h):
		return f.wrong("Between(%s, %s): the lower bound is above the upper one", l, h)
	}
	c.text += fmt.Sprintf("%s and %s", l, h)
	pattern := fmt.Sprintf(`{"numeric":[">=",%s,"<=",%s]}`, l, h)
	if number(l) == number(h) { // which is no range for EventBridge
		pattern = fmt.Sprintf(`{"numeric":["=",%s]}`, l)
	}
	return c.of(f.orZero(number(l) <= 0 && 0 <= number(h), pattern)...)
}

// orZero adds absence where a zero that the condition holds for is left out.
func (f Field[T, V]) orZero(holds bool, pattern string) []string {
	var zero V
	if holds && !f.nullable && f.leavesOut(zero) {
		return []string{pattern, absentToo}
	}
	return []string{pattern}
}

// Exists holds when the event has the field. null is a value; an empty list is
// none.
func (f Field[T, V]) Exists() Condition { return f.existence("exists", `{"exists":true}`) }

// NotExists holds when the event does not have the field.
func (f Field[T, V]) NotExists() Condition { return f.existence("does not exist", absentToo) }

func (f Field[T, V]) existence(text, alternative string) Condition {
	c := f.condition(text)
	if c.err != nil {
		return c
	}
	c.text = f.text() + " " + text
	return c.of(alternative)
}

func (c Condition) of(alternatives ...string) Condition {
	c.alternatives = []byte("[" + strings.Join(alternatives, ",") + "]")
	return c
}

// condition begins one about the field.
func (f Field[T, V]) condition(op string) Condition {
	c := Condition{path: f.path, eventType: f.eventType, text: f.text() + " " + op + " ", err: f.err}
	switch {
	case c.err != nil:
	case len(f.path) == 0:
		c.err = fmt.Errorf("an event.Field must be made by event.Path")
	case f.kind == kindObject:
		return f.wrong("%s is an object, which a pattern does not compare: name a field inside it", f.goType())
	case f.kind == kindList && !f.element:
		return f.wrong("%s is a list: ask for one of its elements with event.Elem", f.goType())
	}
	return c
}

// literal is v as it is in an event.
func (f Field[T, V]) literal(v V) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(&v); err != nil {
		return nil, err
	}
	lit := bytes.TrimRight(b.Bytes(), "\n")
	if f.quoted && string(lit) != "null" {
		lit = jsonText(string(lit))
	}
	if lit[0] == '{' || lit[0] == '[' {
		return nil, fmt.Errorf("it is encoded as %s, which a pattern does not compare", clip(string(lit)))
	}
	return lit, nil
}

// bound is v as a number that EventBridge compares by value.
func (f Field[T, V]) bound(v V) ([]byte, error) {
	if f.err != nil {
		return nil, f.err
	}
	if f.kind != kindNumber {
		return nil, fmt.Errorf("only numbers have an order for EventBridge, this is %s", f.goType())
	}
	lit, err := f.literal(v)
	switch {
	case err != nil:
		return nil, err
	case !isNumber(lit):
		return nil, fmt.Errorf("%s is no number", lit)
	case !exact(lit):
		return nil, fmt.Errorf("%s: EventBridge compares whole numbers to 2^53 only", lit)
	}
	return lit, nil
}

// leavesOut reports whether encoding/json leaves the field out when it is v.
func (f Field[T, V]) leavesOut(v V) bool {
	rv := reflect.ValueOf(&v).Elem()
	switch {
	case f.element:
		return false
	case f.omitZero && isZero(rv):
		return true
	case !f.omitEmpty:
		return false
	}
	switch rv.Kind() {
	case reflect.Struct:
		return false
	case reflect.Slice, reflect.Map, reflect.Array, reflect.String:
		return rv.Len() == 0
	default:
		return rv.IsZero()
	}
}

// isZero goes by a method IsZero where there is one, as `omitzero` does.
func isZero(rv reflect.Value) bool {
	type zeroer interface{ IsZero() bool }
	if rv.Kind() == reflect.Pointer && rv.IsNil() {
		return true
	}
	if z, ok := rv.Interface().(zeroer); ok {
		return z.IsZero()
	}
	if z, ok := rv.Addr().Interface().(zeroer); ok {
		return z.IsZero()
	}
	return rv.IsZero()
}

func (f Field[T, V]) wrong(format string, args ...any) Condition {
	return Condition{path: f.path, eventType: f.eventType, text: f.text(), err: fmt.Errorf("%s: %s", f.text(), fmt.Sprintf(format, args...))}
}

func (f Field[T, V]) text() string { return strings.Join(f.path, ".") }

func (f Field[T, V]) goType() reflect.Type { return reflect.TypeFor[V]() }

func isNumber(lit []byte) bool { return lit[0] == '-' || '0' <= lit[0] && lit[0] <= '9' }

// number is the value of a JSON number.
func number(lit []byte) float64 {
	n, err := strconv.ParseFloat(string(lit), 64)
	if err != nil {
		return math.Inf(1) // only its range can be wrong
	}
	return n
}

// exact reports whether EventBridge compares the literal by its value: whole
// numbers that a binary64 holds. Others that encoding/json writes are the
// shortest spelling of a binary64.
func exact(lit []byte) bool {
	if !isNumber(lit) || bytes.ContainsAny(lit, ".eE") {
		return true
	}
	n, err := strconv.ParseInt(string(lit), 10, 64)
	return err == nil && -1<<53 <= n && n <= 1<<53
}
