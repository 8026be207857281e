package orm

import (
	"encoding"
	"fmt"
	"reflect"
	"strconv"
	"time"
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

// fillDefaults gives zero fields their default. item points at the struct.
func (p *plan) fillDefaults(item reflect.Value) {
	for _, f := range p.defaults {
		fv := item.Elem().FieldByIndex(f.index)
		if !fv.IsZero() {
			continue
		}
		if f.typ.Kind() != reflect.Pointer {
			fv.Set(f.def)
			continue
		}
		// Each item gets a value of its own to point at.
		own := reflect.New(f.typ.Elem())
		own.Elem().Set(f.def.Elem())
		fv.Set(own)
	}
}
