package orm

import (
	"fmt"
	"reflect"
	"unsafe"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// encoder compiles a type. Guregu knows the options twice: those that a type was
// prepared with, and those that come along with a value; a list hands its
// own on to its elements with the value only. Both decide, so both are here.
func (c *compiler) encoder(rt reflect.Type, flags, come codecFlags) encoder {
	if rt.Kind() == reflect.Pointer {
		return c.encodePointer(rt, flags, come)
	}
	if rt == timeType && flags&flagUnixTime != 0 {
		return encodeUnix
	}
	if s, ok := scalarOf(rt); ok {
		return encodeScalar(rt, s, come)
	}
	switch k := rt.Kind(); {
	case k == reflect.Bool:
		return encodeBool
	case isBytes(rt) && k == reflect.Slice:
		return encodeBytes(come)
	case isBytes(rt):
		return encodeByteArray(rt, come)
	case flags&flagSet != 0:
		if enc := encodeSet(rt, come); enc != nil {
			return enc
		}
	case k == reflect.Slice || k == reflect.Array:
		return c.encodeList(rt, flags, come)
	case k == reflect.Map:
		return c.encodeMap(rt, flags, come)
	case k == reflect.Struct:
		s := c.structOf(rt)
		return func(a *arena, p unsafe.Pointer) (types.AttributeValue, error) {
			item, err := s.encode(a, p)
			if err != nil {
				return nil, err
			}
			return a.item(item), nil
		}
	}
	return func(*arena, unsafe.Pointer) (types.AttributeValue, error) { return nil, unsupported(rt) }
}

// decoder compiles a type. The options play no part in reading: what is stored
// says how.
func (c *compiler) decoder(rt reflect.Type) decoder {
	if rt.Kind() == reflect.Pointer {
		return c.decodePointer(rt)
	}
	if s, ok := scalarOf(rt); ok {
		return decodeScalar(rt, s)
	}
	switch rt.Kind() {
	case reflect.Bool:
		return func(p unsafe.Pointer, av types.AttributeValue) error {
			if v, ok := av.(*types.AttributeValueMemberBOOL); ok {
				*(*bool)(p) = v.Value
				return nil
			}
			return unfit(rt, p, av)
		}
	case reflect.Slice:
		return c.decodeSlice(rt)
	case reflect.Array:
		return c.decodeArray(rt)
	case reflect.Map:
		return c.decodeMap(rt)
	case reflect.Struct:
		s := c.structOf(rt)
		return func(p unsafe.Pointer, av types.AttributeValue) error {
			if v, ok := av.(*types.AttributeValueMemberM); ok {
				return s.decode(p, v.Value)
			}
			return unfit(rt, p, av)
		}
	}
	return func(unsafe.Pointer, types.AttributeValue) error { return unsupported(rt) }
}

// unsupported is never met: such a type is a wrong definition.
func unsupported(rt reflect.Type) error {
	return fmt.Errorf("type %s is not supported: supported are %s", rt, supportedTypes)
}

func (c *compiler) encodePointer(rt reflect.Type, flags, come codecFlags) encoder {
	if !c.enter(rt) {
		return func(*arena, unsafe.Pointer) (types.AttributeValue, error) { return nil, unsupported(rt) }
	}
	defer c.leave()
	elem := c.encoder(rt.Elem(), flags, come)
	return func(a *arena, p unsafe.Pointer) (types.AttributeValue, error) {
		at := *(*unsafe.Pointer)(p)
		switch {
		case at != nil:
			return elem(a, at)
		case come&flagNull != 0:
			return &types.AttributeValueMemberNULL{Value: true}, nil
		}
		return nil, nil
	}
}

// decodePointer makes what the pointer points at, unless it is there.
func (c *compiler) decodePointer(rt reflect.Type) decoder {
	if !c.enter(rt) {
		return func(unsafe.Pointer, types.AttributeValue) error { return unsupported(rt) }
	}
	defer c.leave()
	to := rt.Elem()
	elem := c.decoder(to)
	return func(p unsafe.Pointer, av types.AttributeValue) error {
		at := (*unsafe.Pointer)(p)
		switch av.(type) {
		case nil:
			return nil
		case *types.AttributeValueMemberNULL:
			*at = nil
			return nil
		}
		if *at == nil {
			*at = reflect.New(to).UnsafePointer()
		}
		return elem(*at, av)
	}
}

func encodeBool(_ *arena, p unsafe.Pointer) (types.AttributeValue, error) {
	return &types.AttributeValueMemberBOOL{Value: *(*bool)(p)}, nil
}

// encodeBytes copies the bytes: a write is a value, and what the item it came
// from points at may be changed afterwards.
func encodeBytes(flags codecFlags) encoder {
	return func(a *arena, p unsafe.Pointer) (types.AttributeValue, error) {
		b := *(*[]byte)(p)
		switch {
		case len(b) > 0:
			return &types.AttributeValueMemberB{Value: append([]byte(nil), b...)}, nil
		case b == nil && flags&flagNull != 0:
			return &types.AttributeValueMemberNULL{Value: true}, nil
		case b != nil && flags&flagAllowEmpty != 0:
			return &types.AttributeValueMemberB{Value: []byte{}}, nil
		}
		return nil, nil
	}
}

// encodeByteArray takes an array of zeros for empty.
func encodeByteArray(rt reflect.Type, flags codecFlags) encoder {
	n := rt.Len()
	return func(a *arena, p unsafe.Pointer) (types.AttributeValue, error) {
		b := unsafe.Slice((*byte)(p), n)
		for _, x := range b {
			if x != 0 {
				return &types.AttributeValueMemberB{Value: append([]byte(nil), b...)}, nil
			}
		}
		switch {
		case flags&flagNull != 0:
			return &types.AttributeValueMemberNULL{Value: true}, nil
		case flags&flagAllowEmpty != 0:
			return &types.AttributeValueMemberB{Value: []byte{}}, nil
		}
		return nil, nil
	}
}

// zeroFunc tells which values `,omitempty` leaves out: zero ones, nil slices and
// maps, arrays and structs of nothing else, and what the type's own IsZero says.
func zeroFunc(rt reflect.Type) func(unsafe.Pointer) bool {
	value := func(is func(reflect.Value) bool) func(unsafe.Pointer) bool {
		return func(p unsafe.Pointer) bool { return is(reflect.NewAt(rt, p).Elem()) }
	}
	type isZeroer interface{ IsZero() bool }
	pointer := rt.Kind() == reflect.Pointer
	switch {
	case rt.Implements(reflect.TypeFor[isZeroer]()):
		safe := !pointer || !rt.Elem().Implements(reflect.TypeFor[isZeroer]())
		return value(func(rv reflect.Value) bool {
			if pointer && rv.IsNil() && !safe {
				return true // the method cannot be called
			}
			return rv.Interface().(isZeroer).IsZero()
		})
	case pointer:
		return value(reflect.Value.IsNil)
	case rt.Implements(textMarshaler):
		return func(unsafe.Pointer) bool { return false } // its text may be empty, which the encoder sees
	}
	switch rt.Kind() {
	case reflect.Map, reflect.Slice:
		return value(reflect.Value.IsNil)
	case reflect.Array:
		elem, size, n := zeroFunc(rt.Elem()), rt.Elem().Size(), rt.Len()
		return func(p unsafe.Pointer) bool {
			for i := range n {
				if !elem(unsafe.Add(p, uintptr(i)*size)) {
					return false
				}
			}
			return true
		}
	case reflect.Struct:
		type part struct {
			offset uintptr
			zero   func(unsafe.Pointer) bool
		}
		var parts []part
		visitFields(rt, 0, func(sf reflect.StructField, offset uintptr) {
			parts = append(parts, part{offset, zeroFunc(sf.Type)})
		})
		return func(p unsafe.Pointer) bool {
			for _, f := range parts {
				if !f.zero(unsafe.Add(p, f.offset)) {
					return false
				}
			}
			return true
		}
	}
	return value(reflect.Value.IsZero)
}
