package orm

import (
	"encoding"
	"fmt"
	"reflect"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/guregu/dynamo/v2"
)

var (
	timeType            = reflect.TypeFor[time.Time]()
	durationType        = reflect.TypeFor[time.Duration]()
	textMarshaler       = reflect.TypeFor[encoding.TextMarshaler]()
	textUnmarshaler     = reflect.TypeFor[encoding.TextUnmarshaler]()
	valueMarshalers     = []reflect.Type{reflect.TypeFor[dynamo.Marshaler](), reflect.TypeFor[dynamo.Unmarshaler](), reflect.TypeFor[attributevalue.Marshaler](), reflect.TypeFor[attributevalue.Unmarshaler]()}
	itemMarshalers      = []reflect.Type{reflect.TypeFor[dynamo.ItemMarshaler](), reflect.TypeFor[dynamo.ItemUnmarshaler]()}
	supportedTypes      = "string, bool, integers, floats, orm.Decimal, []byte, time.Time, time.Duration, slices, arrays, maps and structs of these, pointers to them, and types with MarshalText and UnmarshalText"
	errTextOneDirection = "has only one of MarshalText (on the value) and UnmarshalText (on the pointer): it needs both, or neither"
)

// customItem says which method takes the encoding of whole items away from the
// codec, if one does.
func customItem(rt reflect.Type) string {
	for _, m := range itemMarshalers {
		if rt.Implements(m) || reflect.PointerTo(rt).Implements(m) {
			return "implements " + m.String()
		}
	}
	return ""
}

// embeds reports whether the codec takes an embedded field of this type apart.
func embeds(rt reflect.Type) bool {
	return rt.Kind() == reflect.Struct || rt.Kind() == reflect.Pointer && rt.Elem().Kind() == reflect.Struct
}

// marshals reports whether values of the type have a form of their own.
func marshals(rt reflect.Type) bool {
	p := reflect.PointerTo(rt)
	for _, m := range append([]reflect.Type{textMarshaler, textUnmarshaler}, valueMarshalers...) {
		if p.Implements(m) {
			return true
		}
	}
	return false
}

// indirect is what a pointer points at. One is enough: pointers to pointers are
// refused, and some of them never end.
func indirect(rt reflect.Type) reflect.Type {
	if rt.Kind() == reflect.Pointer {
		return rt.Elem()
	}
	return rt
}

func isBytes(rt reflect.Type) bool {
	return (rt.Kind() == reflect.Slice || rt.Kind() == reflect.Array) && rt.Elem().Kind() == reflect.Uint8
}

// position is where a type stands: the codec treats empty values differently in
// each.
type position uint8

const (
	atField position = iota
	inList
	inMap
)

// typeChecker finds the DynamoDB type of a Go type, and what the codec could
// not store or would lose.
type typeChecker struct {
	problem func(where, what string)
	within  []reflect.Type // being looked at, for types that hold themselves
	floats  bool           // a float was met
}

// kind is the DynamoDB type of rt, empty when it has none.
func (c *typeChecker) kind(rt reflect.Type, o options, at position, where string) string {
	if rt.Kind() == reflect.Pointer {
		if el := rt.Elem(); at == atField && (el.Kind() == reflect.String || isBytes(el)) && !marshals(el) && !o["allowempty"] && !o["omitempty"] {
			c.problem(where, fmt.Sprintf("a %s that points at an empty value would be stored like nil: add `,allowempty` to keep the two apart, or `,omitempty` when they mean the same", rt))
		}
		if at == atField && o["set"] && !o["omitempty"] {
			c.problem(where, fmt.Sprintf("a %s that points at an empty set would be stored like nil, as DynamoDB has no empty set: use %s, or add `,omitempty` when they mean the same", rt, rt.Elem()))
		}
		rt = rt.Elem()
	}
	return c.value(rt, o, at, where)
}

func (c *typeChecker) value(rt reflect.Type, o options, at position, where string) string {
	if rt == decimalType {
		return c.decimal(o, at, where)
	}
	ptr := reflect.PointerTo(rt)
	for _, m := range valueMarshalers {
		if ptr.Implements(m) {
			c.problem(where, fmt.Sprintf("%s implements %s, so its DynamoDB type cannot be known: implement encoding.TextMarshaler and TextUnmarshaler instead", rt, m))
			return ""
		}
	}
	if rt == timeType {
		if o["unixtime"] {
			return "N"
		}
		return "S"
	}
	if o["unixtime"] && at == atField {
		c.problem(where, fmt.Sprintf("`,unixtime` is for time.Time, this is %s", rt))
	}
	if o["set"] && at == atField {
		if rt.Implements(textMarshaler) {
			c.problem(where, fmt.Sprintf("`,set` does not fit %s, which is stored as the text of its MarshalText: take it away", rt))
		}
		return c.set(rt, where)
	}
	// MarshalText on the pointer does not count: the codec calls it on nil too.
	encodes := rt.Implements(textMarshaler)
	switch {
	case encodes != ptr.Implements(textUnmarshaler):
		c.problem(where, rt.String()+" "+errTextOneDirection)
		return ""
	case encodes:
		return "S"
	}
	return c.plain(rt, o, at, where)
}

// decimal is a number, though its methods write text.
func (c *typeChecker) decimal(o options, at position, where string) string {
	for _, no := range []string{"set", "unixtime"} {
		if o[no] && at == atField {
			c.problem(where, fmt.Sprintf("`,%s` does not fit orm.Decimal, which is one number: take it away", no))
		}
	}
	return "N"
}

// plain is for types without methods of their own.
func (c *typeChecker) plain(rt reflect.Type, o options, at position, where string) string {
	switch rt.Kind() {
	case reflect.Pointer:
		c.problem(where, fmt.Sprintf("a pointer to the pointer %s is not supported: one is enough to tell a value from none", rt))
	case reflect.Bool:
		return "BOOL"
	case reflect.Float32, reflect.Float64:
		c.floats = true
		return "N"
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return "N"
	case reflect.String:
		return "S"
	case reflect.Slice, reflect.Array:
		if rt.Elem().Kind() == reflect.Uint8 {
			return "B"
		}
		c.inside(rt, where, func() { c.kind(rt.Elem(), o.elements(), inList, where+"[]") })
		return "L"
	case reflect.Map:
		c.inside(rt, where, func() { c.mapping(rt, o, where) })
		return "M"
	case reflect.Struct:
		c.structure(rt, where)
		return "M"
	case reflect.Interface:
		c.problem(where, fmt.Sprintf("the interface %s is not supported, a reader could not know what to make of the value: use a concrete type; supported are %s", rt, supportedTypes))
	default:
		c.problem(where, fmt.Sprintf("type %s is not supported: supported are %s", rt, supportedTypes))
	}
	return ""
}

// inside looks into a list or map, unless that holds itself.
func (c *typeChecker) inside(rt reflect.Type, where string, look func()) {
	if slices.Contains(c.within, rt) {
		if rt.Name() != "" { // else a struct is between, which holds itself by it
			c.problem(where, fmt.Sprintf("%s holds itself, and nothing else could ever be stored in it", rt))
		}
		return
	}
	c.within = append(c.within, rt)
	look()
	c.within = c.within[:len(c.within)-1]
}

// elements are the options that reach the elements of a list or map.
func (o options) elements() options {
	return options{"allowemptyelem": o["allowemptyelem"], "omitemptyelem": o["omitemptyelem"]}
}

func (c *typeChecker) mapping(rt reflect.Type, o options, where string) {
	k := rt.Key()
	if k.Kind() != reflect.String && !k.Implements(textMarshaler) {
		c.problem(where, fmt.Sprintf("map key type %s is not supported: DynamoDB's maps have string keys", k))
	} else if k.Implements(textMarshaler) != reflect.PointerTo(k).Implements(textUnmarshaler) {
		c.problem(where, fmt.Sprintf("map key type %s %s", k, errTextOneDirection))
	}
	e := rt.Elem()
	empty := e.Kind() == reflect.String || e.Kind() == reflect.Pointer || e.Kind() == reflect.Map || isBytes(e) || e != timeType && e != decimalType && e.Implements(textMarshaler)
	if empty && !o["allowemptyelem"] && !o["omitemptyelem"] {
		c.problem(where, fmt.Sprintf("entries of %s with an empty value would not be stored: add `,allowemptyelem` to its dynamo tag to keep them, or `,omitemptyelem` to drop them", rt))
	}
	c.kind(e, o.elements(), inMap, where+"[]")
}

func (c *typeChecker) structure(rt reflect.Type, where string) {
	for _, t := range c.within {
		if t == rt {
			return
		}
	}
	c.within = append(c.within, rt)
	defer func() { c.within = c.within[:len(c.within)-1] }()
	seen := map[string]string{}
	if n := c.nested(rt, where, 1, seen); n == 0 {
		c.problem(where, fmt.Sprintf("%s has no exported field to store: export some, or give it MarshalText and UnmarshalText", rt))
	}
}

// nested checks the fields of a struct inside the item and counts them.
func (c *typeChecker) nested(rt reflect.Type, where string, depth int, seen map[string]string) (n int) {
	for i := range rt.NumField() {
		sf := rt.Field(i)
		at := where + "." + sf.Name
		tags, err := parseTag(sf.Tag)
		if err != nil {
			c.problem(at, err.Error())
			continue
		}
		for _, what := range nestedTags(tags) {
			c.problem(at, what)
		}
		d := definer{item: rt, schema: &Schema{}}
		name, o := d.dynamoTag(sf.Name, sf, tags)
		for _, p := range d.problems {
			c.problem(at, p.(*definitionError).what)
		}
		switch {
		case name == "-":
			continue
		case sf.Anonymous && embeds(sf.Type):
			if sf.Type.Kind() == reflect.Pointer || marshals(sf.Type) || depth >= maxEmbedding {
				c.problem(at, fmt.Sprintf("%s cannot be embedded here: give the field a name", sf.Type))
				continue
			}
			n += c.nested(sf.Type, at, depth+1, seen)
			continue
		case !sf.IsExported():
			continue
		}
		if o["hash"] || o["range"] {
			c.problem(at, "a key of the table cannot be inside another attribute: move the field to the item's struct")
		}
		if !utf8.ValidString(name) {
			c.problem(at, wrongName(name))
		}
		if other, ok := seen[name]; ok {
			c.problem(at, fmt.Sprintf("%q is also the name of field %s: give one of them another name in its dynamo tag", name, other))
		}
		seen[name] = sf.Name
		n++
		c.kind(sf.Type, o, atField, at)
	}
	return n
}

// set is the DynamoDB type of a field with the option `,set`.
func (c *typeChecker) set(rt reflect.Type, where string) string {
	const allowed = "a set is []E, map[E]bool or map[E]struct{} with strings or numbers as E, or [][]byte"
	var e reflect.Type
	switch rt.Kind() {
	case reflect.Slice:
		if e = rt.Elem(); e.Kind() == reflect.Slice && isBytes(e) && !marshals(e) {
			return "BS"
		}
	case reflect.Map:
		e = rt.Key()
		if v := rt.Elem(); v.Kind() != reflect.Bool && (v.Kind() != reflect.Struct || v.NumField() > 0) {
			c.problem(where, fmt.Sprintf("%s cannot be a set: %s", rt, allowed))
			return ""
		}
	default:
		c.problem(where, fmt.Sprintf("%s cannot be a set: %s", rt, allowed))
		return ""
	}
	if e == decimalType {
		return "NS"
	}
	text := e.Implements(textMarshaler)
	switch {
	case text != reflect.PointerTo(e).Implements(textUnmarshaler):
		c.problem(where, e.String()+" "+errTextOneDirection)
		return ""
	case text:
		return "SS"
	}
	switch e.Kind() {
	case reflect.String:
		return "SS"
	case reflect.Float32, reflect.Float64:
		c.floats = true
		return "NS"
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uint:
		return "NS"
	case reflect.Uint8:
		if rt.Kind() == reflect.Map {
			return "NS"
		}
	}
	c.problem(where, fmt.Sprintf("%s cannot be a set: %s", rt, allowed))
	return ""
}
