package orm

import (
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/go-playground/validator/v10"
	"github.com/guregu/dynamo/v2"
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
	def      reflect.Value // the default; invalid when there is none
	timeText bool          // a time in text, which does not sort
	floats   bool          // holds floats, which may be no numbers
	times    bool          // holds times in text
	inKey    bool          // part of the primary key
	wrapper  reflect.Type  // a struct of this one field, to encode a value by itself
	simple   bool          // a string, integer or boolean without options or methods
}

// plan is a definition as the client needs it. It never changes after Define.
type plan struct {
	schema     *Schema
	fields     []field
	byName     map[string]*field
	hash, sort *field
	defaults   []*field
	uniques    []*field
	checked    []*field // to look at for numbers and times that cannot be stored
	validate   *validator.Validate
}

// finish computes what encoding needs, once.
func (p *plan) finish() {
	for i := range p.fields {
		f := &p.fields[i]
		f.inKey = f == p.hash || f == p.sort
		if f.kind != "" {
			f.wrapper = reflect.StructOf([]reflect.StructField{{Name: "V", Type: f.typ, Tag: f.tag}})
		}
		if f.def.IsValid() {
			p.defaults = append(p.defaults, f)
		}
		if f.unique != "" {
			p.uniques = append(p.uniques, f)
		}
		if f.floats || f.times {
			p.checked = append(p.checked, f)
		}
	}
}

// encode makes the stored form of item, a pointer to the struct.
func (p *plan) encode(op string, item any) (Item, error) {
	out, err := dynamo.MarshalItem(item)
	if err != nil {
		return nil, &Error{Kind: KindValidation, Op: op, Table: p.schema.Name, Err: err}
	}
	if len(p.checked) == 0 {
		return out, nil
	}
	rv := reflect.ValueOf(item).Elem()
	for _, f := range p.checked {
		err := f.storable(rv.FieldByIndex(f.index), out[f.name])
		if err != nil {
			return nil, &Error{Kind: KindValidation, Op: op, Table: p.schema.Name, Key: p.schema.KeyText(out), Attribute: f.name, Err: err}
		}
	}
	return out, nil
}

func (p *plan) decode(item Item, out any) error {
	if err := dynamo.UnmarshalItem(item, out); err != nil {
		return &Error{Kind: KindValidation, Op: "decode", Table: p.schema.Name, Key: p.schema.KeyText(item), Err: fmt.Errorf("into %s: %w", p.schema.Type, err)}
	}
	return nil
}

// storable looks for what the codec lets through and DynamoDB cannot hold.
func (f *field) storable(rv reflect.Value, av types.AttributeValue) error {
	if f.times {
		if err := checkTimes(rv); err != nil {
			return err
		}
	}
	if f.floats {
		return checkNumbers(av)
	}
	return nil
}

// value encodes one value of the field. It is nil for a value that is stored by
// leaving the attribute out.
func (f *field) value(v reflect.Value) (types.AttributeValue, error) {
	if f.simple {
		return simpleValue(v), nil
	}
	w := reflect.New(f.wrapper)
	w.Elem().Field(0).Set(v)
	item, err := dynamo.MarshalItem(w.Interface())
	if err != nil {
		return nil, err
	}
	for _, av := range item { // at most one
		if err := f.storable(v, av); err != nil {
			return nil, err
		}
		return av, nil
	}
	return nil, nil
}

// isSimple reports whether simpleValue encodes the type as the codec does.
func isSimple(rt reflect.Type, o options) bool {
	return len(o) == 0 && !marshals(rt) && (rt.Kind() == reflect.String || rt.Kind() == reflect.Bool || rt.Kind() >= reflect.Int && rt.Kind() <= reflect.Uint64)
}

// simpleValue spares keys, conditions and changes of the usual types the way
// through the codec.
func simpleValue(v reflect.Value) types.AttributeValue {
	switch {
	case v.Kind() == reflect.Bool:
		return &types.AttributeValueMemberBOOL{Value: v.Bool()}
	case v.CanInt():
		return &types.AttributeValueMemberN{Value: strconv.FormatInt(v.Int(), 10)}
	case v.CanUint():
		return &types.AttributeValueMemberN{Value: strconv.FormatUint(v.Uint(), 10)}
	case v.String() == "":
		return nil // left out
	}
	return &types.AttributeValueMemberS{Value: v.String()}
}

// checkTimes refuses a time whose zone's offset is not of whole minutes, as
// some zones had before 1972: RFC 3339 cannot write it, and the text would be
// another instant.
func checkTimes(rv reflect.Value) error {
	if !rv.IsValid() {
		return nil
	}
	if rv.Type() == timeType {
		var offset int
		if rv.CanAddr() { // saves copying it to the heap
			_, offset = rv.Addr().Interface().(*time.Time).Zone()
		} else {
			_, offset = rv.Interface().(time.Time).Zone()
		}
		if offset%60 != 0 {
			return fmt.Errorf("the time's zone is %d s off UTC, and RFC 3339 knows whole minutes only: convert it with UTC()", offset)
		}
		return nil
	}
	switch rv.Kind() {
	case reflect.Pointer:
		return checkTimes(rv.Elem())
	case reflect.Struct:
		for i := range rv.NumField() {
			if rv.Type().Field(i).IsExported() {
				if err := checkTimes(rv.Field(i)); err != nil {
					return err
				}
			}
		}
	case reflect.Slice, reflect.Array:
		if isBytes(rv.Type()) {
			return nil
		}
		for i := range rv.Len() {
			if err := checkTimes(rv.Index(i)); err != nil {
				return err
			}
		}
	case reflect.Map:
		for it := rv.MapRange(); it.Next(); {
			if err := errors.Join(checkTimes(it.Key()), checkTimes(it.Value())); err != nil {
				return err
			}
		}
	}
	return nil
}

// checkNumbers refuses numbers that DynamoDB cannot hold, before it does.
func checkNumbers(av types.AttributeValue) error {
	switch v := av.(type) {
	case *types.AttributeValueMemberN:
		return checkNumber(v.Value)
	case *types.AttributeValueMemberNS:
		for _, n := range v.Value {
			if err := checkNumber(n); err != nil {
				return err
			}
		}
	case *types.AttributeValueMemberL:
		for _, e := range v.Value {
			if err := checkNumbers(e); err != nil {
				return err
			}
		}
	case *types.AttributeValueMemberM:
		for _, e := range v.Value {
			if err := checkNumbers(e); err != nil {
				return err
			}
		}
	}
	return nil
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
	all := strings.TrimLeft(whole+fraction, "0")
	if all == "" {
		return nil // zero
	}
	exponent := len(all) - 1 - len(fraction) // of the first digit
	if n := len(strings.TrimRight(all, "0")); n > 38 {
		return fmt.Errorf("the number has %d significant digits, DynamoDB keeps 38", n)
	}
	if exponent > 125 || exponent < -130 {
		return fmt.Errorf("the number is about 1e%d, DynamoDB holds 1e-130 to 9.99e125", exponent)
	}
	return nil
}
