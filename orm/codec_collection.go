package orm

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"unsafe"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// step writes an element's place for a message.
func step(i int) string { return "[" + strconv.Itoa(i) + "]" }

// elementsOf is where the elements of the slice or array at p are, and how many.
func elementsOf(rt reflect.Type) func(unsafe.Pointer) (unsafe.Pointer, int) {
	if rt.Kind() == reflect.Array {
		n := rt.Len()
		return func(p unsafe.Pointer) (unsafe.Pointer, int) { return p, n }
	}
	return func(p unsafe.Pointer) (unsafe.Pointer, int) {
		rv := reflect.NewAt(rt, p).Elem()
		return rv.UnsafePointer(), rv.Len()
	}
}

// encodeList keeps the elements' places: an empty one is NULL or an empty text,
// unless `,omitemptyelem` drops it. A nil list is an empty one.
func (c *compiler) encodeList(rt reflect.Type, flags, come codecFlags) encoder {
	if !c.enter(rt) {
		return func(*arena, unsafe.Pointer) (types.AttributeValue, error) { return nil, unsupported(rt) }
	}
	defer c.leave()
	sub := flags & flagAllowEmptyElem
	if flags&flagOmitEmptyElem == 0 {
		sub |= flagAllowEmpty | flagNull
	}
	elem := c.encoder(rt.Elem(), sub, come|sub)
	elements, size, each := elementsOf(rt), rt.Elem().Size(), needOf(rt.Elem())
	return func(a *arena, p unsafe.Pointer) (types.AttributeValue, error) {
		at, n := elements(p)
		a.reserve(each, n)
		list := make([]types.AttributeValue, 0, n)
		for i := range n {
			av, err := elem(a, unsafe.Add(at, uintptr(i)*size))
			switch {
			case err != nil:
				return nil, within(step(i), err)
			case av != nil:
				list = append(list, av)
			case come&flagOmitEmptyElem == 0:
				list = append(list, &types.AttributeValueMemberNULL{Value: true})
			}
		}
		if len(list) == 0 && come&flagOmitEmpty != 0 {
			return nil, nil
		}
		return &types.AttributeValueMemberL{Value: list}, nil
	}
}

// decodeSlice reads a list or a set into a slice of its own.
func (c *compiler) decodeSlice(rt reflect.Type) decoder {
	if !c.enter(rt) {
		return func(unsafe.Pointer, types.AttributeValue) error { return unsupported(rt) }
	}
	defer c.leave()
	elem, size, bytes := c.decoder(rt.Elem()), rt.Elem().Size(), isBytes(rt)
	fill := func(p unsafe.Pointer, n int, value func(int) types.AttributeValue) error {
		rv := reflect.NewAt(rt, p).Elem()
		rv.Set(reflect.MakeSlice(rt, n, n))
		at := rv.UnsafePointer()
		for i := range n {
			if err := elem(unsafe.Add(at, uintptr(i)*size), value(i)); err != nil {
				return within(step(i), err)
			}
		}
		return nil
	}
	return func(p unsafe.Pointer, av types.AttributeValue) error {
		switch v := av.(type) {
		case *types.AttributeValueMemberL:
			return fill(p, len(v.Value), func(i int) types.AttributeValue { return v.Value[i] })
		case *types.AttributeValueMemberSS:
			var one types.AttributeValueMemberS
			return fill(p, len(v.Value), func(i int) types.AttributeValue { one.Value = v.Value[i]; return &one })
		case *types.AttributeValueMemberNS:
			var one types.AttributeValueMemberN
			return fill(p, len(v.Value), func(i int) types.AttributeValue { one.Value = v.Value[i]; return &one })
		case *types.AttributeValueMemberBS:
			var one types.AttributeValueMemberB
			return fill(p, len(v.Value), func(i int) types.AttributeValue { one.Value = v.Value[i]; return &one })
		case *types.AttributeValueMemberB:
			if bytes {
				*(*[]byte)(p) = slices.Clone(v.Value)
				return nil
			}
		}
		return unfit(rt, p, av)
	}
}

// decodeArray reads a list of at most the array's length; bytes must have just
// it, or be the empty ones that `,allowempty` stores for zeros.
func (c *compiler) decodeArray(rt reflect.Type) decoder {
	elem, size, length, bytes := c.decoder(rt.Elem()), rt.Elem().Size(), rt.Len(), isBytes(rt)
	return func(p unsafe.Pointer, av types.AttributeValue) error {
		switch v := av.(type) {
		case *types.AttributeValueMemberB:
			if !bytes {
				break
			}
			if n := len(v.Value); n != length && n != 0 {
				return fmt.Errorf("%d bytes are stored, and %s takes %d", n, rt, length)
			}
			reflect.NewAt(rt, p).Elem().SetZero()
			copy(unsafe.Slice((*byte)(p), length), v.Value)
			return nil
		case *types.AttributeValueMemberL:
			if n := len(v.Value); n > length {
				return fmt.Errorf("a list of %d is stored, and %s takes %d", n, rt, length)
			}
			reflect.NewAt(rt, p).Elem().SetZero()
			for i, e := range v.Value {
				if err := elem(unsafe.Add(p, uintptr(i)*size), e); err != nil {
					return within(step(i), err)
				}
			}
			return nil
		}
		return unfit(rt, p, av)
	}
}

var errSameKey = errors.New("two keys of the map have this text, and one entry would be lost")

// isMapKey reports whether values of the type name entries.
func isMapKey(rt reflect.Type) bool {
	return rt.Kind() == reflect.String || rt.Implements(textMarshaler)
}

// encodeMap drops entries with an empty value, unless `,allowemptyelem` keeps
// them.
func (c *compiler) encodeMap(rt reflect.Type, flags, come codecFlags) encoder {
	key, ok := scalarOf(rt.Key())
	if !ok || !isMapKey(rt.Key()) || !c.enter(rt) {
		return func(*arena, unsafe.Pointer) (types.AttributeValue, error) { return nil, unsupported(rt) }
	}
	defer c.leave()
	var sub codecFlags
	if flags&flagAllowEmptyElem != 0 {
		sub = flagAllowEmpty | flagNull | flagAllowEmptyElem
	} else if flags&flagOmitEmptyElem != 0 {
		sub = flagOmitEmpty
	}
	elem := c.encoder(rt.Elem(), sub, sub)
	return func(a *arena, p unsafe.Pointer) (types.AttributeValue, error) {
		rv := reflect.NewAt(rt, p).Elem()
		switch {
		case !rv.IsNil():
		case come&flagAllowEmpty != 0:
			return &types.AttributeValueMemberM{Value: Item{}}, nil
		case come&flagNull != 0:
			return &types.AttributeValueMemberNULL{Value: true}, nil
		default:
			return nil, nil
		}
		out := make(Item, rv.Len())
		k, v := reflect.New(rt.Key()), reflect.New(rt.Elem())
		kp, vp := k.UnsafePointer(), v.UnsafePointer()
		for it := rv.MapRange(); it.Next(); {
			k.Elem().SetIterKey(it)
			name, err := key.write(kp)
			if err != nil {
				return nil, fmt.Errorf("a key of the map: %w", err)
			}
			v.Elem().SetIterValue(it)
			av, err := elem(a, vp)
			if err != nil {
				return nil, within(name, err)
			}
			if av == nil {
				continue
			}
			if _, same := out[name]; same {
				return nil, within(name, errSameKey)
			}
			out[name] = av
		}
		if len(out) == 0 && come&flagOmitEmpty != 0 {
			return nil, nil
		}
		return &types.AttributeValueMemberM{Value: out}, nil
	}
}

// decodeMap reads a map, or a set into a map with true or struct{} as values.
func (c *compiler) decodeMap(rt reflect.Type) decoder {
	key, ok := scalarOf(rt.Key())
	if !ok || !c.enter(rt) {
		return func(unsafe.Pointer, types.AttributeValue) error { return unsupported(rt) }
	}
	defer c.leave()
	elem, named := c.decoder(rt.Elem()), isMapKey(rt.Key())
	member, set := setMember(rt)
	fill := func(p unsafe.Pointer, texts []string) error {
		m := reflect.MakeMapWithSize(rt, len(texts))
		reflect.NewAt(rt, p).Elem().Set(m)
		k := reflect.New(rt.Key())
		for _, text := range texts {
			k.Elem().SetZero()
			if err := key.read(k.UnsafePointer(), text); err != nil {
				return err
			}
			m.SetMapIndex(k.Elem(), member)
		}
		return nil
	}
	return func(p unsafe.Pointer, av types.AttributeValue) error {
		switch v := av.(type) {
		case *types.AttributeValueMemberM:
			if !named {
				break
			}
			m := reflect.MakeMapWithSize(rt, len(v.Value))
			reflect.NewAt(rt, p).Elem().Set(m)
			k, e := reflect.New(rt.Key()), reflect.New(rt.Elem())
			for name, av := range v.Value {
				k.Elem().SetZero()
				if err := key.read(k.UnsafePointer(), name); err != nil {
					return within(name, err)
				}
				e.Elem().SetZero()
				if err := elem(e.UnsafePointer(), av); err != nil {
					return within(name, err)
				}
				m.SetMapIndex(k.Elem(), e.Elem())
			}
			return nil
		case *types.AttributeValueMemberSS:
			if set && !key.number {
				return fill(p, v.Value)
			}
		case *types.AttributeValueMemberNS:
			if set && key.number {
				return fill(p, v.Value)
			}
		}
		return unfit(rt, p, av)
	}
}

// setMember is what marks a member in a map that is a set; ok is false when the
// type cannot be one.
func setMember(rt reflect.Type) (v reflect.Value, ok bool) {
	e := rt.Elem()
	switch {
	case e.Kind() == reflect.Bool:
		return reflect.ValueOf(true).Convert(e), true
	case e.Kind() == reflect.Struct && e.NumField() == 0:
		return reflect.Zero(e), true
	}
	return v, false
}

var errTwice = errors.New("a member is there twice, and DynamoDB refuses such a set")

// encodeSet makes SS, NS and BS; nil when the type cannot be a set. An empty set
// is left out: DynamoDB has none.
func encodeSet(rt reflect.Type, flags codecFlags) encoder {
	drop := flags&flagOmitEmptyElem != 0
	switch rt.Kind() {
	case reflect.Slice:
		if e := rt.Elem(); e.Kind() == reflect.Slice && isBytes(e) && !e.Implements(textMarshaler) {
			return encodeBinarySet(drop)
		}
		s, ok := scalarOf(rt.Elem())
		if !ok {
			return nil
		}
		elements, size, empty := elementsOf(rt), rt.Elem().Size(), emptyMember(rt.Elem())
		return func(a *arena, p unsafe.Pointer) (types.AttributeValue, error) {
			at, n := elements(p)
			texts := make([]string, 0, n)
			for i := range n {
				text, err := s.write(unsafe.Add(at, uintptr(i)*size))
				if err != nil {
					return nil, within(step(i), err)
				}
				if !drop || !empty(text) {
					texts = append(texts, text)
				}
			}
			return textSet(s.number, texts)
		}
	case reflect.Map:
		s, ok := scalarOf(rt.Key())
		member, set := setMember(rt)
		if !ok || !set {
			return nil
		}
		flagged, empty := member.Kind() == reflect.Bool, emptyMember(rt.Key())
		return func(a *arena, p unsafe.Pointer) (types.AttributeValue, error) {
			rv := reflect.NewAt(rt, p).Elem()
			texts := make([]string, 0, rv.Len())
			k := reflect.New(rt.Key())
			for it := rv.MapRange(); it.Next(); {
				if flagged && !it.Value().Bool() {
					continue
				}
				k.Elem().SetIterKey(it)
				text, err := s.write(k.UnsafePointer())
				if err != nil {
					return nil, err
				}
				if !drop || !empty(text) {
					texts = append(texts, text)
				}
			}
			return textSet(s.number, texts)
		}
	}
	return nil
}

// emptyMember tells what `,omitemptyelem` drops from a set: empty texts and
// zeros.
func emptyMember(rt reflect.Type) func(string) bool {
	if s, _ := scalarOf(rt); s.number {
		return func(text string) bool { return text == "0" }
	}
	return func(text string) bool { return text == "" }
}

func textSet(number bool, texts []string) (types.AttributeValue, error) {
	switch {
	case len(texts) == 0:
		return nil, nil
	case repeats(len(texts), func(i int) string { return texts[i] }):
		return nil, errTwice
	case number:
		return &types.AttributeValueMemberNS{Value: texts}, nil
	}
	return &types.AttributeValueMemberSS{Value: texts}, nil
}

func encodeBinarySet(drop bool) encoder {
	return func(a *arena, p unsafe.Pointer) (types.AttributeValue, error) {
		all := *(*[][]byte)(p)
		set := make([][]byte, 0, len(all))
		for _, b := range all {
			if !drop || len(b) > 0 {
				set = append(set, slices.Clone(b))
			}
		}
		switch {
		case len(set) == 0:
			return nil, nil
		case repeats(len(set), func(i int) string { return string(set[i]) }):
			return nil, errTwice
		}
		return &types.AttributeValueMemberBS{Value: set}, nil
	}
}

// repeats reports whether one of n texts is there twice.
func repeats(n int, text func(int) string) bool {
	if n < 2 {
		return false
	}
	seen := make(map[string]struct{}, n)
	for i := range n {
		seen[text(i)] = struct{}{}
	}
	return len(seen) < n
}
