package orm

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"unsafe"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/vinci-go/vinci/internal/attrtype"
)

// The codec is compiled: what github.com/guregu/dynamo finds out by reflection
// for every item, [Define] finds out once and keeps as functions on the fields'
// addresses. The stored form is guregu's, held to it by the differential tests
// of codec_test.go. Where guregu loses a value without a word, the codec is
// stricter:
//
//   - encoding refuses what DynamoDB cannot hold: NaN, infinities, numbers beyond
//     its range, text that is no UTF-8, a time whose zone is off by broken minutes,
//     and map keys that become the same text;
//   - decoding refuses a number that the field cannot hold (guregu lets 300 become
//     44 in an int8, and 1e39 infinite in a float32) and bytes of another length
//     than the array's (guregu panics);
//   - a map with keys of different entries is read into a fresh key each time.
//
// A float's minus zero is stored as 0, which is the same number to DynamoDB, and
// would be there twice in a set. Bytes are copied both ways, so that no two values
// share them.
//
// Every such error names the attribute. Floats are rounded to the nearest one, as
// everywhere in Go: [Decimal] is the number without loss.

// encoder makes the stored form of the value at p. It is nil for a value that is
// stored by leaving it out.
type encoder func(a *arena, p unsafe.Pointer) (types.AttributeValue, error)

// arena holds the stored values of one item: one allocation for many of a kind,
// and not one each. They live as long as one of them does. A nil arena makes each
// by itself.
type arena struct {
	texts   []types.AttributeValueMemberS
	numbers []types.AttributeValueMemberN
	maps    []types.AttributeValueMemberM
	depth   int // of structs that may hold themselves
}

// need is how many values of a kind a type has.
type need struct{ texts, numbers, maps int }

func (a *arena) reserve(n need, times int) {
	if a == nil {
		return
	}
	if n := n.texts * times; n > len(a.texts) {
		a.texts = make([]types.AttributeValueMemberS, n)
	}
	if n := n.numbers * times; n > len(a.numbers) {
		a.numbers = make([]types.AttributeValueMemberN, n)
	}
	if n := n.maps * times; n > len(a.maps) {
		a.maps = make([]types.AttributeValueMemberM, n)
	}
}

func (a *arena) text(value string) types.AttributeValue {
	if a == nil || len(a.texts) == 0 {
		return &types.AttributeValueMemberS{Value: value}
	}
	v := &a.texts[0]
	a.texts = a.texts[1:]
	v.Value = value
	return v
}

func (a *arena) number(value string) types.AttributeValue {
	if a == nil || len(a.numbers) == 0 {
		return &types.AttributeValueMemberN{Value: value}
	}
	v := &a.numbers[0]
	a.numbers = a.numbers[1:]
	v.Value = value
	return v
}

func (a *arena) item(value Item) types.AttributeValue {
	if a == nil || len(a.maps) == 0 {
		return &types.AttributeValueMemberM{Value: value}
	}
	v := &a.maps[0]
	a.maps = a.maps[1:]
	v.Value = value
	return v
}

// decoder reads a stored value into the one at p.
type decoder func(p unsafe.Pointer, av types.AttributeValue) error

// codecFlags are the options of a dynamo tag.
type codecFlags uint8

const (
	flagSet codecFlags = 1 << iota
	flagOmitEmpty
	flagOmitEmptyElem
	flagAllowEmpty
	flagAllowEmptyElem
	flagNull
	flagUnixTime
)

var flagNames = map[string]codecFlags{"set": flagSet, "omitempty": flagOmitEmpty, "omitemptyelem": flagOmitEmptyElem,
	"allowempty": flagAllowEmpty, "allowemptyelem": flagAllowEmptyElem, "null": flagNull, "unixtime": flagUnixTime}

// tagFlags reads a dynamo tag: the attribute's name, which is the field's where it
// has none, and its options.
func tagFlags(tag reflect.StructTag, field string) (name string, flags codecFlags) {
	name, rest, _ := strings.Cut(tag.Get("dynamo"), ",")
	if name == "" {
		name = field
	}
	for o := range strings.SplitSeq(rest, ",") {
		flags |= flagNames[o]
	}
	return name, flags
}

// compiler makes the functions for the types of one definition.
type compiler struct {
	structs map[reflect.Type]*structCodec
	within  []reflect.Type // other types being compiled, for wrong ones that hold themselves
}

// fieldCodec is one field of a struct.
type fieldCodec struct {
	name   string
	offset uintptr
	typ    reflect.Type
	null   bool                        // a value that is left out is stored as NULL
	omit   func(p unsafe.Pointer) bool // tells the values that are left out; nil: the encoder knows
	enc    encoder
	dec    decoder
	keep   bool // a slice or map: an empty one may stay when the attribute is absent
}

// compile makes the codec of one field of a struct.
func (c *compiler) compile(typ reflect.Type, tag reflect.StructTag, field string, offset uintptr) fieldCodec {
	name, flags := tagFlags(tag, field)
	f := fieldCodec{name: name, offset: offset, typ: typ, null: flags&flagNull != 0,
		enc: c.encoder(typ, flags, flags), dec: c.decoder(typ), keep: typ.Kind() == reflect.Slice || typ.Kind() == reflect.Map}
	if flags&flagOmitEmpty != 0 {
		f.omit = zeroFunc(typ)
	}
	return f
}

// encode makes the stored form of the field at p, nil when it is left out.
func (f *fieldCodec) encode(a *arena, p unsafe.Pointer) (types.AttributeValue, error) {
	if f.omit != nil && f.omit(p) {
		return nil, nil
	}
	av, err := f.enc(a, p)
	if av == nil && err == nil && f.null {
		return &types.AttributeValueMemberNULL{Value: true}, nil
	}
	return av, err
}

// decode reads the attribute into the field at p; av is nil for an absent one.
func (f *fieldCodec) decode(p unsafe.Pointer, av types.AttributeValue) error {
	if av != nil {
		return f.dec(p, av)
	}
	rv := reflect.NewAt(f.typ, p).Elem()
	if !f.keep || rv.Len() > 0 {
		rv.SetZero()
	}
	return nil
}

// structCodec is a struct: an item, or a map inside one.
type structCodec struct {
	fields []fieldCodec
	need   need // without lists and maps, which reserve for their elements
	open   bool // being compiled
	loops  bool // may hold values of its own type, and then itself
}

var errTooDeep = fmt.Errorf("values are nested more than %d deep, or hold themselves: DynamoDB stores neither", maxDepth)

func (s *structCodec) encode(a *arena, p unsafe.Pointer) (Item, error) {
	if s.loops {
		if a == nil {
			a = &arena{}
		}
		if a.depth++; a.depth > maxDepth {
			return nil, errTooDeep
		}
		defer func() { a.depth-- }()
	}
	item := make(Item, len(s.fields))
	for i := range s.fields {
		f := &s.fields[i]
		av, err := f.encode(a, unsafe.Add(p, f.offset))
		if err != nil {
			return nil, within(f.name, err)
		}
		if av != nil {
			item[f.name] = av
		}
	}
	return item, nil
}

func (s *structCodec) decode(p unsafe.Pointer, item Item) error {
	for i := range s.fields {
		f := &s.fields[i]
		if err := f.decode(unsafe.Add(p, f.offset), item[f.name]); err != nil {
			return within(f.name, err)
		}
	}
	return nil
}

// structOf compiles a struct inside an item. Types that hold themselves, through
// a pointer or a list, find what is being made.
func (c *compiler) structOf(rt reflect.Type) *structCodec {
	if s, ok := c.structs[rt]; ok {
		s.loops = s.loops || s.open
		return s
	}
	s := &structCodec{open: true}
	c.structs[rt] = s
	defer func() { s.open = false }()
	outer := c.within
	c.within = nil
	defer func() { c.within = outer }()
	visitFields(rt, 0, func(sf reflect.StructField, offset uintptr) {
		s.fields = append(s.fields, c.compile(sf.Type, sf.Tag, sf.Name, offset))
	})
	s.count()
	return s
}

// count sums up what one value of the struct needs.
func (s *structCodec) count() {
	for i := range s.fields {
		f := &s.fields[i]
		n := needOf(f.typ)
		s.need.texts += n.texts
		s.need.numbers += n.numbers
		s.need.maps += n.maps
	}
}

// needOf counts the values that each value of the type has for certain, or all
// but: pointers are often nil, and a list knows its length later.
func needOf(rt reflect.Type) (n need) {
	if s, ok := scalarOf(rt); ok {
		if s.number {
			return need{numbers: 1}
		}
		return need{texts: 1}
	}
	if rt.Kind() == reflect.Struct {
		n.maps = 1
		visitFields(rt, 0, func(sf reflect.StructField, _ uintptr) {
			in := needOf(sf.Type)
			n.texts += in.texts
			n.numbers += in.numbers
			n.maps += in.maps
		})
	}
	return n
}

// visitFields visits the fields that are stored, those of embedded structs too.
func visitFields(rt reflect.Type, offset uintptr, visit func(reflect.StructField, uintptr)) {
	for i := range rt.NumField() {
		sf := rt.Field(i)
		switch name, _ := tagFlags(sf.Tag, sf.Name); {
		case name == "-":
		case sf.Anonymous && sf.Type.Kind() == reflect.Struct:
			visitFields(sf.Type, offset+sf.Offset, visit)
		case sf.IsExported():
			visit(sf, offset+sf.Offset)
		}
	}
}

// enter guards against types that hold themselves without a struct between,
// which typeChecker refuses.
func (c *compiler) enter(rt reflect.Type) bool {
	if slices.Contains(c.within, rt) {
		return false
	}
	c.within = append(c.within, rt)
	return true
}

func (c *compiler) leave() { c.within = c.within[:len(c.within)-1] }

// valueError is what is wrong with a value inside a struct, a list or a map.
type valueError struct {
	steps []string // from the inside out: names, and "[2]" for elements
	err   error
}

func (e *valueError) Error() string { return e.err.Error() }

func (e *valueError) Unwrap() error { return e.err }

// within adds the next step out.
func within(step string, err error) error {
	inner, ok := err.(*valueError)
	if !ok {
		return &valueError{[]string{step}, err}
	}
	inner.steps = append(inner.steps, step)
	return inner
}

// located writes where in the attribute the error is, unless it is the whole.
func located(err error) (attribute string, cause error) {
	ve, ok := err.(*valueError)
	if !ok {
		return "", err
	}
	path := ""
	for i, step := range slices.Backward(ve.steps) {
		if i < len(ve.steps)-1 && !strings.HasPrefix(step, "[") {
			path += "."
		}
		path += step
	}
	attribute = ve.steps[len(ve.steps)-1]
	if path == attribute {
		return attribute, ve.err
	}
	return attribute, fmt.Errorf("at %s: %w", path, ve.err)
}

// typeOf is DynamoDB's name of a value's type, and Go's where it has none.
func typeOf(av types.AttributeValue) string {
	if name := attrtype.Of(av); name != "" {
		return name
	}
	return fmt.Sprintf("%T", av)
}

// unfit decodes what the type has no form for: NULL is the zero value, anything
// else an error.
func unfit(rt reflect.Type, p unsafe.Pointer, av types.AttributeValue) error {
	switch av.(type) {
	case nil:
		return nil
	case *types.AttributeValueMemberNULL:
		reflect.NewAt(rt, p).Elem().SetZero()
		return nil
	}
	return fmt.Errorf("it is stored as %s, which cannot be read into %s", typeOf(av), rt)
}
