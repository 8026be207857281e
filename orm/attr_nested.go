package orm

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unsafe"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	fieldprobe "github.com/vinci-go/vinci/internal/probe"
	"github.com/vinci-go/vinci/internal/rules"
)

// nested is what an [Attribute] means inside an attribute of the table.
type nested struct {
	into     []Step
	goName   string
	kind     string // DynamoDB's type
	timeText bool   // a time in text, which does not sort
	leaf     *field // the struct field; nil for an element of a list or map
	value    func(reflect.Value) (types.AttributeValue, error)
}

// probe calls f with an empty item, of which as much is filled as f needs to
// follow its pointers.
func probe[T, V any](op string, f func(*T) *V) (*T, *V) {
	item, ptr, err := fieldprobe.Call(f, opens)
	if err != nil {
		panic(fmt.Sprintf("%s: %v", op, err))
	}
	return item, ptr
}

// opens reports whether a struct type is stored as the map of its fields.
func opens(rt reflect.Type) bool { return rt.Kind() == reflect.Struct && !marshals(rt) }

// fieldAt is the table's attribute at ptr in item, nil when there is none. It is
// known by its place and its type: a struct and its first field are at the same
// place.
func (p *plan) fieldAt(op string, item, ptr any, typ reflect.Type) *field {
	base, at := reflect.ValueOf(item).Pointer(), reflect.ValueOf(ptr).Pointer()
	if at == 0 {
		return nil
	}
	var found *field
	for i := range p.fields {
		f := &p.fields[i]
		if base+f.offset != at || f.typ != typ {
			continue
		}
		if found != nil {
			panic(onePlace(op, found.goName, f.goName, typ))
		}
		found = f
	}
	return found
}

// onePlace is about fields of a type that takes no room: only they share their
// place with others of their type.
func onePlace(op, a, b string, typ reflect.Type) string {
	return fmt.Sprintf("%s: %s and %s are at one place in memory, as their type %s takes no room, so they cannot be told apart", op, a, b, typ)
}

// nestedAt is what is at ptr inside an attribute of item; nil when it is not in
// one.
func (p *plan) nestedAt(op string, item, ptr any, typ reflect.Type) (*field, *nested) {
	n := findNested(op, item, ptr, typ)
	if n == nil || len(n.into) < 2 {
		return nil, nil
	}
	root := p.byName[n.into[0].Name]
	n.into = n.into[1:]
	return root, n
}

// findNested finds the field at ptr in what item points at.
func findNested(op string, item, ptr any, typ reflect.Type) *nested {
	s := search{at: reflect.ValueOf(ptr).UnsafePointer(), typ: typ}
	if s.at == nil {
		return nil
	}
	s.value(reflect.ValueOf(item).Elem(), nil, "")
	if len(s.found) > 1 {
		panic(onePlace(op, s.found[0].goName, s.found[1].goName, typ))
	}
	if len(s.found) == 0 {
		return nil
	}
	return s.found[0]
}

// search looks for the field at an address.
type search struct {
	at    unsafe.Pointer
	typ   reflect.Type
	found []*nested
}

// value looks into a struct, or into what a pointer leads to.
func (s *search) value(rv reflect.Value, into []Step, goName string) {
	if rv.Kind() == reflect.Pointer {
		rv = rv.Elem()
	}
	if rv.IsValid() && opens(rv.Type()) {
		s.fields(rv, into, goName)
	}
}

func (s *search) fields(rv reflect.Value, into []Step, prefix string) {
	rt := rv.Type()
	for i := range rt.NumField() {
		sf := rt.Field(i)
		tags, err := parseTag(sf.Tag)
		if err != nil {
			continue // Define reports it
		}
		d := definer{item: rt, schema: &Schema{}}
		name, opts := d.dynamoTag(sf.Name, sf, tags)
		goName := prefix + sf.Name
		switch {
		case name == "-":
		case sf.Anonymous && sf.Type.Kind() == reflect.Struct:
			s.fields(rv.Field(i), into, goName+".")
		case sf.IsExported():
			here := append(slices.Clone(into), Step{Name: name})
			if sf.Type == s.typ && rv.Field(i).Addr().UnsafePointer() == s.at {
				f := nestedField(sf, goName, name, tags, opts)
				s.found = append(s.found, &nested{into: here, goName: goName, kind: f.kind, timeText: f.timeText, leaf: f, value: f.value})
			}
			s.value(rv.Field(i), here, goName+".")
		}
	}
}

// nestedField is a field of a struct inside an item: as the codec stores it, by
// its own dynamo tag, and with its own rules.
func nestedField(sf reflect.StructField, goName, name string, tags []tag, opts options) *field {
	f := &field{name: name, goName: goName, typ: sf.Type, goType: sf.Type.String(), tag: dynamoTagText(tags)}
	f.rule, _ = lookup(tags, "validate")
	f.alone = rules.Alone(f.rule)
	f.inside = indirect(f.typ).Kind() == reflect.Struct && rules.Has(f.typ)
	c := typeChecker{problem: func(string, string) {}} // Define has told them
	f.kind = c.kind(sf.Type, opts, atField, "")
	f.floats = c.floats
	f.timeText = indirect(sf.Type) == timeType && !opts["unixtime"]
	codecs := compiler{structs: map[reflect.Type]*structCodec{}}
	codec := codecs.compile(f.typ, f.tag, name, 0)
	f.codec = &codec
	return f
}

// Field goes on into a struct: to a field of an element of a list, of an entry
// of a map, or of any attribute that is a struct.
//
//	price := orm.Field(lines.At(0), func(l *Line) *int { return &l.Price })
//
// It panics when f does not point at a field of V, as [Attr] does.
func Field[T, V, W any](a Attribute[T, V], f func(*V) *W) Attribute[T, W] {
	out := Attribute[T, W]{table: a.table, plan: a.plan, f: a.f, err: a.usable()}
	if out.err != nil {
		return out
	}
	item, ptr := probe("orm.Field", f)
	n := findNested("orm.Field", item, ptr, reflect.TypeFor[W]())
	if n == nil {
		panic(fmt.Sprintf("orm.Field: the function does not point at a field of %s, which attribute %s of table %q (%s) is: return the address of one of its fields",
			reflect.TypeFor[V](), a.path(), a.table, a.plan.schema.DefinedAt))
	}
	n.into = slices.Concat(a.into(), n.into)
	n.goName = a.goName() + "." + n.goName
	out.in = n
	return out
}

// pathText writes a document path for people.
func pathText(attribute string, into []Step) string {
	if len(into) == 0 {
		return attribute
	}
	var b strings.Builder
	b.WriteString(attribute)
	for _, s := range into {
		if s.Name != "" {
			b.WriteString("." + s.Name)
		} else {
			b.WriteString("[" + strconv.Itoa(s.Index) + "]")
		}
	}
	return b.String()
}
