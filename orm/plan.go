package orm

import (
	"fmt"
	"maps"
	"reflect"
	"strings"
	"unsafe"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/go-playground/validator/v10"

	"github.com/vinci-go/vinci/internal/rules"
)

// field is one attribute as the client needs it.
type field struct {
	name     string // of the attribute
	goName   string // of the struct's field, for messages
	index    []int
	offset   uintptr // from the start of the item
	typ      reflect.Type
	tag      reflect.StructTag // the dynamo tag
	kind     string            // DynamoDB's type
	rule     string            // the validate tag
	unique   string
	def      reflect.Value        // the default; invalid when there is none
	ownDef   func() reflect.Value // the default made anew, where copies of def would share memory
	defFunc  func(reflect.Value)  // makes the default of each item; nil when there is none
	enum     []string             // the values it may have, as text; nil: all
	template *template            // the attribute is composed of others; nil: it is not
	stamp    string               // stampCreated or stampUpdated: the store's clock fills it
	version  bool                 // counts the item's changes
	hidden   bool
	masked   bool
	timeText bool   // a time in text, which does not sort
	floats   bool   // holds floats, which may be no numbers
	inKey    bool   // part of the primary key
	goType   string // typ as text; of a run-time definition all that is known of it
	alone    string // the rules of the validate tag that need no other field
	inside   bool   // a struct, or a pointer to one, that has validate tags inside
	optional bool   // the zero value is left out, by ,omitempty
	codec    *fieldCodec
}

// plan is a definition as the client needs it. It never changes after Define.
type plan struct {
	schema     *Schema
	raw        bool // a run-time definition: items and keys are Item, as they are stored
	fields     []field
	byName     map[string]*field
	hash, sort *field
	defaults   []*field
	uniques    []*field
	composed   []*field // those with a template
	stamps     []*field
	enums      []*field
	version    *field
	codec      *structCodec
	validate   *validator.Validate
	quick      rules.Quick // nil: the validator is always asked
	absent     *Cond       // there is no such item; shared by all inserts
}

// finish computes what encoding needs, once.
func (p *plan) finish() {
	p.compile()
	for i := range p.fields {
		f := &p.fields[i]
		f.inKey = f == p.hash || f == p.sort
		if f.def.IsValid() || f.defFunc != nil {
			p.defaults = append(p.defaults, f)
		}
		if f.unique != "" {
			p.uniques = append(p.uniques, f)
		}
		if f.template != nil {
			p.composed = append(p.composed, f)
		}
		if f.enum != nil {
			p.enums = append(p.enums, f)
		}
		if f.stamp != "" {
			p.stamps = append(p.stamps, f)
		}
		if f.version {
			p.version = f
		}
	}
	p.absent = &Cond{Op: CondNotExists, Path: p.schema.Hash}
}

// compile makes the codec of the struct; a run-time definition has none.
func (p *plan) compile() {
	if p.raw {
		return
	}
	c := compiler{structs: map[reflect.Type]*structCodec{}}
	p.codec = &structCodec{fields: make([]fieldCodec, len(p.fields))}
	for i := range p.fields {
		f := &p.fields[i]
		p.codec.fields[i] = c.compile(f.typ, f.tag, f.name, f.offset)
		f.codec = &p.codec.fields[i]
	}
	p.codec.count()
}

// encode makes the stored form of item, a pointer to the struct.
func (p *plan) encode(op string, item any) (Item, error) {
	if p.raw {
		return maps.Clone(*item.(*Item)), nil
	}
	at := reflect.ValueOf(item).UnsafePointer()
	a := &arena{}
	a.reserve(p.codec.need, 1)
	out, err := p.codec.encode(a, at)
	if err != nil {
		return nil, p.invalid(op, p.keyOf(at), err)
	}
	return out, nil
}

// decode reads a stored item into out, a pointer to the struct.
func (p *plan) decode(item Item, out any) error {
	if p.raw {
		*out.(*Item) = maps.Clone(item)
		return nil
	}
	if err := p.codec.decode(reflect.ValueOf(out).UnsafePointer(), item); err != nil {
		return p.invalid("decode", item, err)
	}
	return nil
}

// invalid is an error of the codec, of the item with this key.
func (p *plan) invalid(op string, key Item, err error) error {
	attribute, cause := located(err)
	if f := p.byName[attribute]; f != nil {
		cause = f.quiet(cause)
	}
	return &Error{Kind: KindValidation, Op: op, Table: p.schema.Name, Key: p.schema.KeyText(key), Attribute: attribute, Err: cause}
}

// keyOf is as much of the key as can be encoded, for a message.
func (p *plan) keyOf(item unsafe.Pointer) Item {
	key := Item{}
	for _, f := range []*field{p.hash, p.sort} {
		if f == nil {
			continue
		}
		if av, err := f.codec.encode(nil, unsafe.Add(item, f.offset)); err == nil && av != nil {
			key[f.name] = av
		}
	}
	return key
}

// value encodes one value of the field. It is nil for a value that is stored by
// leaving the attribute out.
func (f *field) value(v reflect.Value) (types.AttributeValue, error) {
	if !v.CanAddr() {
		own := reflect.New(f.typ).Elem()
		own.Set(v)
		v = own
	}
	av, err := f.codec.encode(nil, v.Addr().UnsafePointer())
	if err != nil {
		_, err = located(within(f.name, err))
		err = f.quiet(err)
	}
	return av, err
}

// checkNumber takes the plain decimal form that the codec writes.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html#HowItWorks.DataTypes.Number
func checkNumber(s string) error {
	digits := strings.TrimPrefix(s, "-")
	whole, fraction, _ := strings.Cut(digits, ".")
	if strings.Trim(whole+fraction, "0123456789") != "" || whole == "" {
		return fmt.Errorf("%s is no number that DynamoDB can hold", s)
	}
	_, err := ParseDecimal(s)
	return err
}
