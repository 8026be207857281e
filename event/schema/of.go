package schema

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/internal/jsonfields"
)

// Of is the JSON Schema of the newest data of t. The same definition has the same
// bytes. The error is about a definition that is wrong, [event.Type.Err].
func Of(t event.Type) ([]byte, error) { return ofVersion(t, t.Version()) }

// OfPublic is the JSON Schema of what others see of t; nil when the event is
// internal.
func OfPublic(t event.Type) ([]byte, error) {
	if err := t.Err(); err != nil {
		return nil, err
	}
	if t.PublicType() == nil {
		return nil, nil
	}
	return ofType(t.PublicType(), fmt.Sprintf("%s, as others see it, version %d", t.Name(), t.PublicVersion()), t.Description())
}

// ofVersion is the schema of what data of a version is read into.
func ofVersion(t event.Type, version int) ([]byte, error) {
	if err := t.Err(); err != nil {
		return nil, err
	}
	shape := t.Shape(version)
	if shape == nil {
		return nil, fmt.Errorf("schema of %s: this program does not read version %d", t.Name(), version)
	}
	return ofType(shape, fmt.Sprintf("%s version %d", t.Name(), version), t.Description())
}

func ofType(t reflect.Type, title, description string) ([]byte, error) {
	if t.Kind() != reflect.Struct {
		return nil, errors.New("schema: data is a struct, this is " + t.String())
	}
	g := generator{recursive: map[reflect.Type]bool{}, names: map[reflect.Type]string{}, defs: map[string]*node{}}
	g.find(t, nil)
	n := g.of(t)
	n.Dialect, n.Title, n.Description = dialect, title, description
	if len(g.defs) > 0 {
		n.Defs = g.defs
	}
	return encode(n)
}

// generator makes nodes of Go types. Types that hold themselves become $defs, the
// others stand where they are used.
type generator struct {
	recursive map[reflect.Type]bool
	names     map[reflect.Type]string
	defs      map[string]*node
}

// find marks the struct types that can be reached from themselves.
func (g *generator) find(t reflect.Type, within []reflect.Type) {
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Array, reflect.Map:
		g.find(t.Elem(), within)
	case reflect.Struct:
		if jsonfields.EncodesItself(t) || jsonfields.EncodesAsText(t) {
			return
		}
		if slices.Contains(within, t) {
			g.recursive[t] = true
			return
		}
		for _, f := range jsonfields.Of(t) {
			g.find(f.Type, append(within[:len(within):len(within)], t))
		}
	}
}

// of is the schema of what encoding/json makes of a t.
func (g *generator) of(t reflect.Type) *node {
	switch {
	case t.Kind() == reflect.Pointer:
		return g.of(t.Elem()).nullable()
	case t == reflect.TypeFor[time.Time]():
		return &node{Type: names{"string"}, Format: "date-time"}
	case t == reflect.TypeFor[json.Number]():
		return &node{Type: names{"number"}}
	case t == reflect.TypeFor[json.RawMessage]():
		return &node{}
	case jsonfields.EncodesItself(t):
		return &node{By: t.String()}
	case jsonfields.EncodesAsText(t):
		return &node{Type: names{"string"}, By: t.String()}
	}
	switch k := t.Kind(); k {
	case reflect.String:
		return &node{Type: names{"string"}}
	case reflect.Bool:
		return &node{Type: names{"boolean"}}
	case reflect.Float64:
		return &node{Type: names{"number"}}
	case reflect.Float32:
		most := strconv.FormatFloat(math.MaxFloat32, 'g', -1, 64)
		return &node{Type: names{"number"}, Minimum: numeral("-" + most), Maximum: numeral(most)}
	case reflect.Slice:
		if e := t.Elem(); e.Kind() == reflect.Uint8 && !jsonfields.EncodesItself(e) && !jsonfields.EncodesAsText(e) {
			return (&node{Type: names{"string"}, ContentEncoding: "base64"}).nullable()
		}
		return (&node{Type: names{"array"}, Items: g.of(t.Elem())}).nullable()
	case reflect.Array:
		n := int64(t.Len())
		return &node{Type: names{"array"}, Items: g.of(t.Elem()), MinItems: &n, MaxItems: &n}
	case reflect.Map:
		n := &node{Type: names{"object"}, PropertyNames: keys(t.Key()), AdditionalProperties: g.of(t.Elem())}
		return n.nullable()
	case reflect.Struct:
		return g.ofStruct(t)
	case reflect.Interface:
		return &node{}
	default:
		return integer(k)
	}
}

// keys is what the names in a map of such keys are, nil for any text.
func keys(t reflect.Type) *node {
	switch {
	case t.Kind() == reflect.String:
		return nil
	case jsonfields.EncodesAsText(t):
		return &node{Type: names{"string"}, By: t.String()}
	default: // a whole number, or event.Define had refused it
		return quoted(integer(t.Kind()))
	}
}

// quoted is a value that is written as a text.
func quoted(n *node) *node {
	return &node{Type: names{"string"}, ContentMediaType: "application/json", ContentSchema: n}
}

// integer bounds what is less than 64 bits. 64 bits are what readers take for a
// whole number, but not all of them those without a sign.
func integer(k reflect.Kind) *node {
	n := &node{Type: names{"integer"}}
	bits := map[reflect.Kind]int{reflect.Int8: 8, reflect.Int16: 16, reflect.Int32: 32, reflect.Uint8: 8, reflect.Uint16: 16, reflect.Uint32: 32}[k]
	unsigned := k >= reflect.Uint && k <= reflect.Uintptr
	switch {
	case unsigned:
		n.Minimum = numeral("0")
		if bits > 0 {
			n.Maximum = numeral(strconv.FormatUint(1<<bits-1, 10))
		} else {
			n.Format = "uint64"
		}
	case bits > 0:
		n.Minimum = numeral(strconv.FormatInt(-1<<(bits-1), 10))
		n.Maximum = numeral(strconv.FormatInt(1<<(bits-1)-1, 10))
	}
	return n
}

func numeral(s string) *json.Number {
	n := json.Number(s)
	return &n
}

func (g *generator) ofStruct(t reflect.Type) *node {
	if !g.recursive[t] {
		return g.object(t)
	}
	name, known := g.names[t]
	if !known {
		name = g.name(t)
		g.names[t] = name
		g.defs[name] = &node{} // taken, should the struct come again inside
		g.defs[name] = g.object(t)
	}
	return &node{Ref: "#/$defs/" + name}
}

// name is the type's, in letters that need no escape in a reference.
func (g *generator) name(t reflect.Type) string {
	word := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_' {
			return r
		}
		return -1
	}, t.Name())
	if word == "" {
		word = "object"
	}
	name := word
	for i := 2; g.defs[name] != nil; i++ {
		name = word + strconv.Itoa(i)
	}
	return name
}

func (g *generator) object(t reflect.Type) *node {
	n := &node{Type: names{"object"}}
	for _, f := range jsonfields.Of(t) {
		if n.Properties == nil {
			n.Properties = map[string]*node{}
		}
		p := g.of(f.Type)
		if f.Quoted {
			p = quoted(p)
		}
		optional := f.Optional()
		if f.OmitEmpty || f.OmitZero {
			p.notNull() // nil is left out
		}
		if !f.Quoted {
			optional = !applyRules(p, f, optional) && optional
		}
		if d := f.Tag.Get("description"); d != "" {
			p.Description = d
		}
		n.Properties[f.Name] = p
		if !optional {
			n.Required = append(n.Required, f.Name)
		}
	}
	slices.Sort(n.Required)
	return n
}
