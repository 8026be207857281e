package schemacheck

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/big"
	"net/mail"
	"reflect"
	"slices"
	"strings"
	"time"
)

// Validator checks values against a schema. It is safe for concurrent use.
type Validator struct {
	document map[string]any // in which references are looked up
	schema   map[string]any
}

// New reads a schema, which is an object.
func New(schema []byte) (*Validator, error) {
	root, err := decode(schema)
	if err != nil {
		return nil, err
	}
	object, ok := root.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("the schema is no object")
	}
	return &Validator{object, object}, nil
}

// At is the validator of a schema inside the schema, by its JSON pointer, as
// /components/schemas/order.
func (v *Validator) At(pointer string) (*Validator, error) {
	s, err := v.resolve("#" + pointer)
	if err != nil {
		return nil, err
	}
	return &Validator{v.document, s}, nil
}

// Check reports the first thing that is wrong with a JSON value, nil when it satisfies
// the schema. A keyword that is not known is an error.
func (v *Validator) Check(value []byte) error {
	decoded, err := decode(value)
	if err != nil {
		return err
	}
	return v.check("", v.schema, decoded)
}

func decode(b []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	var v any
	err := d.Decode(&v)
	return v, err
}

// resolve finds what a reference inside the document means.
func (v *Validator) resolve(ref string) (map[string]any, error) {
	pointer, ok := strings.CutPrefix(ref, "#/")
	if !ok {
		return nil, fmt.Errorf("reference %s is not inside the document", ref)
	}
	here := v.document
	for token := range strings.SplitSeq(pointer, "/") {
		token = strings.NewReplacer("~1", "/", "~0", "~").Replace(token)
		next, ok := here[token].(map[string]any)
		if !ok {
			return nil, fmt.Errorf("reference %s leads nowhere", ref)
		}
		here = next
	}
	return here, nil
}

func (v *Validator) check(path string, s map[string]any, value any) error {
	if _, ok := s["$id"]; ok {
		v = &Validator{document: s} // a document of its own: its references begin here
	}
	bad := func(format string, args ...any) error {
		return fmt.Errorf("%s: %s", path, fmt.Sprintf(format, args...))
	}
	for word, want := range s {
		switch word {
		case "$schema", "$id", "title", "description", "$defs", "contentEncoding", "contentMediaType", "contentSchema", "x-encoded-by", "x-rules":
		case "$ref":
			there, err := v.resolve(want.(string))
			if err != nil {
				return bad("%v", err)
			}
			if err := v.check(path, there, value); err != nil {
				return err
			}
		case "const":
			if !reflect.DeepEqual(want, value) {
				return bad("%v is not %v", value, want)
			}
		case "oneOf":
			n := 0
			for _, one := range want.([]any) {
				if v.check(path, one.(map[string]any), value) == nil {
					n++
				}
			}
			if n != 1 {
				return bad("%d of %d alternatives hold, want one", n, len(want.([]any)))
			}
		case "anyOf":
			if !slices.ContainsFunc(want.([]any), func(one any) bool { return v.check(path, one.(map[string]any), value) == nil }) {
				return bad("none of %v", want)
			}
		case "type":
			all, ok := want.([]any)
			if !ok {
				all = []any{want}
			}
			if !slices.ContainsFunc(all, func(one any) bool { return isType(one.(string), value) }) {
				return bad("%v is no %v", value, want)
			}
		case "enum":
			if !slices.ContainsFunc(want.([]any), func(one any) bool { return reflect.DeepEqual(one, value) }) {
				return bad("%v is none of %v", value, want)
			}
		case "format":
			text, ok := value.(string)
			var err error
			switch {
			case !ok:
			case want == "email":
				_, err = mail.ParseAddress(text)
			case want == "date-time":
				_, err = time.Parse(time.RFC3339Nano, text)
			}
			if err != nil {
				return bad("%v", err)
			}
		case "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum":
			if n, ok := value.(json.Number); ok {
				c := rat(n).Cmp(rat(want.(json.Number)))
				if word == "minimum" && c < 0 || word == "maximum" && c > 0 || word == "exclusiveMinimum" && c <= 0 || word == "exclusiveMaximum" && c >= 0 {
					return bad("%s %s of %s", word, want, n)
				}
			}
		case "minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties":
			size := -1
			switch value := value.(type) {
			case string:
				if strings.HasSuffix(word, "Length") {
					size = len([]rune(value))
				}
			case []any:
				if strings.HasSuffix(word, "Items") {
					size = len(value)
				}
			case map[string]any:
				if strings.HasSuffix(word, "Properties") {
					size = len(value)
				}
			}
			n, err := want.(json.Number).Int64()
			if err != nil || size >= 0 && (strings.HasPrefix(word, "min") && size < int(n) || strings.HasPrefix(word, "max") && size > int(n)) {
				return bad("%s %s of %d, %v", word, want, size, err)
			}
		case "uniqueItems":
			list, _ := value.([]any)
			for i := range list {
				if slices.ContainsFunc(list[:i], func(other any) bool { return reflect.DeepEqual(other, list[i]) }) {
					return bad("element %d is there twice", i)
				}
			}
		case "items":
			list, _ := value.([]any)
			for i, e := range list {
				if err := v.check(fmt.Sprintf("%s[%d]", path, i), want.(map[string]any), e); err != nil {
					return err
				}
			}
		case "properties":
			object, _ := value.(map[string]any)
			for name, p := range want.(map[string]any) {
				if inner, ok := object[name]; ok {
					if err := v.check(path+"."+name, p.(map[string]any), inner); err != nil {
						return err
					}
				}
			}
		case "required":
			object, ok := value.(map[string]any)
			for _, name := range want.([]any) {
				if _, there := object[name.(string)]; ok && !there {
					return bad("%s is missing", name)
				}
			}
		case "additionalProperties":
			object, _ := value.(map[string]any)
			known, _ := s["properties"].(map[string]any)
			for name, inner := range object {
				if _, ok := known[name]; !ok {
					if err := v.check(path+"{"+name+"}", want.(map[string]any), inner); err != nil {
						return err
					}
				}
			}
		case "propertyNames":
			object, _ := value.(map[string]any)
			for name := range object {
				if err := v.check(path+"{"+name+"}", want.(map[string]any), name); err != nil {
					return err
				}
			}
		default:
			return bad("unknown keyword %s", word)
		}
	}
	return nil
}

func rat(n json.Number) *big.Rat {
	r, _ := new(big.Rat).SetString(string(n))
	return r
}

func isType(name string, value any) bool {
	switch v := value.(type) {
	case nil:
		return name == "null"
	case bool:
		return name == "boolean"
	case string:
		return name == "string"
	case json.Number:
		return name == "number" || name == "integer" && rat(v).IsInt()
	case []any:
		return name == "array"
	default:
		return name == "object"
	}
}
