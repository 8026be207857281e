package orm

import (
	"encoding"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"time"
	"unsafe"
)

// defaultValue parses the text of a default tag for the field's type.
func (d *definer) defaultValue(f *field, text string, opts options) {
	if opts["hash"] || opts["range"] {
		d.problem(f.goName, "a key cannot have a default: take its default tag away")
		return
	}
	if f.kind == "" {
		return // the type is a problem of its own
	}
	v, err := parseDefault(f.typ, text)
	if err != nil {
		d.problem(f.goName, fmt.Sprintf("default %q is no %s: %v", text, f.typ, err))
		return
	}
	f.def = v
	if refers(indirect(f.typ)) { // each item gets a value of its own
		f.ownDef = func() reflect.Value {
			v, err := parseDefault(f.typ, text)
			if err != nil {
				panic(fmt.Sprintf("orm: %s reads %q once and not again: %v", f.typ, text, err)) // its UnmarshalText is wrong
			}
			return v
		}
	}
}

// storeDefaults looks for defaults that could not be stored: every item that
// takes one would be refused. The codec must be there.
func (d *definer) storeDefaults() {
	if len(d.problems) > 0 {
		return // which may be what the codec could not be made of
	}
	for _, f := range d.plan.defaults {
		if !f.def.IsValid() {
			continue
		}
		if _, err := f.value(f.def); err != nil {
			d.problem(f.goName, fmt.Sprintf("its default cannot be stored: %v", err))
		}
	}
}

// defaultText is the default as the schema has it: as written, but of a text type
// or a float as it is stored.
func (f *field) defaultText(written string) string {
	if !f.def.IsValid() {
		return written
	}
	v := reflect.Indirect(f.def)
	switch {
	case f.kind == "S":
		if text, err := enumText(v); err == nil {
			return text
		}
	case v.CanFloat(): // its text may be one that only Go reads, as 0x1p-2
		if text, err := formatFloat(v.Float()); err == nil {
			return text
		}
	}
	return written
}

// refers reports whether copies of a value may share what one of them changes.
func refers(rt reflect.Type) bool {
	switch rt.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map, reflect.Interface:
		return true
	case reflect.Array:
		return refers(rt.Elem())
	case reflect.Struct:
		if rt == timeType {
			return false // its zone never changes
		}
		for i := range rt.NumField() {
			if refers(rt.Field(i).Type) {
				return true
			}
		}
	}
	return false
}

func parseDefault(rt reflect.Type, text string) (reflect.Value, error) {
	if rt.Kind() == reflect.Pointer {
		v, err := parseDefault(rt.Elem(), text)
		if err != nil {
			return reflect.Value{}, err
		}
		p := reflect.New(rt.Elem())
		p.Elem().Set(v)
		return p, nil
	}
	v := reflect.New(rt).Elem()
	if rt == durationType {
		n, err := time.ParseDuration(text)
		v.SetInt(int64(n))
		return v, err
	}
	if u, ok := v.Addr().Interface().(encoding.TextUnmarshaler); ok {
		return v, u.UnmarshalText([]byte(text))
	}
	switch rt.Kind() {
	case reflect.String:
		v.SetString(text)
	case reflect.Bool:
		b, err := strconv.ParseBool(text)
		if err != nil {
			return v, fmt.Errorf("allowed are true and false")
		}
		v.SetBool(b)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		n, err := strconv.ParseInt(text, 10, rt.Bits())
		if err != nil {
			return v, fmt.Errorf("allowed are whole numbers of %d bits", rt.Bits())
		}
		v.SetInt(n)
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		n, err := strconv.ParseUint(text, 10, rt.Bits())
		if err != nil {
			return v, fmt.Errorf("allowed are whole numbers of %d bits from 0", rt.Bits())
		}
		v.SetUint(n)
	case reflect.Float32, reflect.Float64:
		n, err := strconv.ParseFloat(text, rt.Bits())
		if err == nil {
			err = checkNumber(strconv.FormatFloat(n, 'f', -1, 64))
		}
		if err != nil {
			return v, err
		}
		v.SetFloat(n)
	default:
		return v, fmt.Errorf("a default is for strings, numbers, booleans, durations, times and text types; set it in code instead")
	}
	return v, nil
}

// DefaultFunc gives a zero field the value that newValue returns, on Insert and
// Put: a new id, a day from now. f points at the field, as with [Attr]. It may be
// a key. newValue is called once for each item, by several goroutines at once.
//
//	orm.DefaultFunc(func(u *User) *string { return &u.ID }, newID)
func DefaultFunc[T, V any](f func(*T) *V, newValue func() V) Option {
	return func(d *definer) {
		fd, why := pointedAt(d, f)
		switch {
		case why != "":
			d.problem("", "orm.DefaultFunc: "+why)
			return
		case newValue == nil:
			d.problem(fd.goName, "orm.DefaultFunc: the function that makes the value is nil")
			return
		case fd.defFunc != nil:
			d.problem(fd.goName, "orm.DefaultFunc is said twice: take one away")
		case fd.def.IsValid():
			d.problem(fd.goName, "it has a default tag and an orm.DefaultFunc: take one away")
		}
		fd.defFunc = func(v reflect.Value) { *v.Addr().Interface().(*V) = newValue() }
		d.schema.Attributes[slices.IndexFunc(d.schema.Attributes, func(a AttributeSchema) bool { return a.Name == fd.name })].DefaultFunc = true
	}
}

// pointedAt finds the field that an option's function points at, or says why
// there is none.
func pointedAt[T, V any](d *definer, f func(*T) *V) (*field, string) {
	if d.item != reflect.TypeFor[T]() {
		return nil, fmt.Sprintf("the function takes *%s, and the table's items are %s: write func(*%s)", reflect.TypeFor[T](), d.item, d.item)
	}
	item := new(T)
	if f != nil {
		if ptr := f(item); ptr != nil {
			at := uintptr(unsafe.Pointer(ptr)) - uintptr(unsafe.Pointer(item))
			for i := range d.plan.fields {
				if c := &d.plan.fields[i]; c.offset == at && c.typ == reflect.TypeFor[V]() {
					return c, ""
				}
			}
		}
	}
	return nil, fmt.Sprintf("the function does not point at an attribute: return the address of a field of %s, such as &u.%s", d.item, d.plan.fields[0].goName)
}

// fillDefaults gives zero fields their default. item points at the struct, or at
// the Item of a run-time definition, which is copied first: the map is the
// caller's.
func (p *plan) fillDefaults(item reflect.Value) {
	if p.raw {
		fillItem(item.Interface().(*Item), p.defaults)
		return
	}
	for _, f := range p.defaults {
		fv := item.Elem().FieldByIndex(f.index)
		if !fv.IsZero() {
			continue
		}
		if f.defFunc != nil {
			f.defFunc(fv)
			continue
		}
		switch {
		case f.ownDef != nil:
			fv.Set(f.ownDef())
		case f.typ.Kind() != reflect.Pointer:
			fv.Set(f.def)
		default: // each item gets a value of its own to point at
			own := reflect.New(f.typ.Elem())
			own.Elem().Set(f.def.Elem())
			fv.Set(own)
		}
	}
}
