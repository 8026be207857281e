package orm

import (
	"encoding"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// enum reads an enum tag: the values, separated by commas.
func (d *definer) enum(f *field, text string) {
	if f.kind == "" {
		return // its type is a problem of its own
	}
	if !enumerable(f.typ) {
		d.problem(f.goName, fmt.Sprintf("enum is for strings, integers, types of these kinds and text types, this is %s: take its enum tag away, or check it with validate", f.goType))
		return
	}
	for value := range strings.SplitSeq(text, ",") {
		value = strings.TrimSpace(value)
		if value == "" {
			d.problem(f.goName, fmt.Sprintf("enum:%q has an empty value: take the extra comma away; an attribute that may be left out is a pointer, or has `,omitempty` in its dynamo tag", text))
			continue
		}
		v, err := parseDefault(indirect(f.typ), value)
		if err == nil {
			value, err = enumText(v)
		}
		if err == nil && !utf8.ValidString(value) {
			err = errUTF8
		}
		switch {
		case err != nil:
			d.problem(f.goName, fmt.Sprintf("enum value %q is no %s: %v", value, indirect(f.typ), err))
		case slices.Contains(f.enum, value):
			d.problem(f.goName, fmt.Sprintf("enum:%q has %q twice: take one away", text, value))
		default:
			f.enum = append(f.enum, value)
		}
	}
}

// enumerable reports whether an attribute of the type can have an enum.
func enumerable(rt reflect.Type) bool {
	if rt.Kind() == reflect.Pointer {
		rt = rt.Elem()
	}
	switch {
	case rt == timeType, rt == durationType:
		return false
	case rt.Implements(textMarshaler):
		return true
	}
	switch rt.Kind() {
	case reflect.String, reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return true
	}
	return false
}

// enumText is a value as an enum tag writes it, and as it is stored.
func enumText(v reflect.Value) (string, error) {
	if m, ok := v.Interface().(encoding.TextMarshaler); ok {
		b, err := m.MarshalText()
		return string(b), err
	}
	switch {
	case v.CanInt():
		return strconv.FormatInt(v.Int(), 10), nil
	case v.CanUint():
		return strconv.FormatUint(v.Uint(), 10), nil
	}
	return v.String(), nil
}

// checkEnums compares the enums with the defaults.
func (d *definer) checkEnums() {
	for i := range d.plan.fields {
		f := &d.plan.fields[i]
		if f.enum == nil || !f.def.IsValid() {
			continue
		}
		err := error(nil)
		if d.plan.raw {
			err = f.storedInEnum(f.def.Interface().(types.AttributeValue))
		} else {
			err = f.inEnum(f.def)
		}
		if err != nil {
			d.problem(f.goName, fmt.Sprintf("its default %v", err))
		}
	}
}

// inEnum checks a value of the field's type. What is stored by leaving the
// attribute out (a nil pointer, a zero with `,omitempty`) may stay so.
func (f *field) inEnum(v reflect.Value) error {
	if f.optional && v.IsZero() {
		return nil
	}
	if v.Kind() == reflect.Pointer {
		if v.IsNil() {
			return nil
		}
		v = v.Elem()
	}
	text, err := enumText(v)
	if err != nil {
		return err
	}
	return f.amongEnum(text)
}

// storedInEnum checks a stored value.
func (f *field) storedInEnum(av types.AttributeValue) error {
	switch v := av.(type) {
	case *types.AttributeValueMemberS:
		return f.amongEnum(v.Value)
	case *types.AttributeValueMemberN:
		return f.amongEnum(v.Value)
	case nil, *types.AttributeValueMemberNULL:
		return nil
	}
	return fmt.Errorf("is stored as %s, allowed are %s", typeOf(av), list(f.enum))
}

func (f *field) amongEnum(text string) error {
	if slices.Contains(f.enum, text) {
		return nil
	}
	shown := strconv.Quote(text)
	if f.secret() {
		shown = maskText
	}
	return fmt.Errorf("%s is none of the values it may have: allowed are %s", shown, list(f.enum))
}
