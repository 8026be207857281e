package schema

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
)

// dialect is what the files say they are.
const dialect = "https://json-schema.org/draft/2020-12/schema"

// node is a JSON Schema, as much of it as Go types need.
type node struct {
	Dialect     string  `json:"$schema,omitempty"`
	Title       string  `json:"title,omitempty"`
	Description string  `json:"description,omitempty"`
	Ref         string  `json:"$ref,omitempty"`
	AnyOf       []*node `json:"anyOf,omitempty"` // a reference, or null

	Type             names             `json:"type,omitempty"` // empty: any value
	Enum             []json.RawMessage `json:"enum,omitempty"`
	Format           string            `json:"format,omitempty"`
	ContentEncoding  string            `json:"contentEncoding,omitempty"`
	ContentMediaType string            `json:"contentMediaType,omitempty"`
	ContentSchema    *node             `json:"contentSchema,omitempty"`
	MinLength        *int64            `json:"minLength,omitempty"`
	MaxLength        *int64            `json:"maxLength,omitempty"`
	Minimum          *json.Number      `json:"minimum,omitempty"`
	Maximum          *json.Number      `json:"maximum,omitempty"`
	ExclusiveMinimum *json.Number      `json:"exclusiveMinimum,omitempty"`
	ExclusiveMaximum *json.Number      `json:"exclusiveMaximum,omitempty"`

	MinItems    *int64 `json:"minItems,omitempty"`
	MaxItems    *int64 `json:"maxItems,omitempty"`
	UniqueItems bool   `json:"uniqueItems,omitempty"`
	Items       *node  `json:"items,omitempty"`

	MinProperties        *int64           `json:"minProperties,omitempty"`
	MaxProperties        *int64           `json:"maxProperties,omitempty"`
	Properties           map[string]*node `json:"properties,omitempty"` // encoding/json sorts them
	Required             []string         `json:"required,omitempty"`   // sorted
	PropertyNames        *node            `json:"propertyNames,omitempty"`
	AdditionalProperties *node            `json:"additionalProperties,omitempty"`

	// By is the Go type that encodes itself as this value, in a way of its own.
	By    string           `json:"x-encoded-by,omitempty"`
	Rules []string         `json:"x-rules,omitempty"` // validate tags that no keyword says
	Defs  map[string]*node `json:"$defs,omitempty"`
}

// names is one JSON type, or several as a list.
type names []string

func (n names) MarshalJSON() ([]byte, error) {
	if len(n) == 1 {
		return json.Marshal(n[0])
	}
	return json.Marshal([]string(n))
}

func (n *names) UnmarshalJSON(b []byte) error {
	var one string
	if err := json.Unmarshal(b, &one); err == nil {
		*n = names{one}
		return nil
	}
	return json.Unmarshal(b, (*[]string)(n))
}

// encode is the file's content, for people and for reviews.
func encode(n *node) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(n); err != nil {
		return nil, fmt.Errorf("encode a schema: %w", err)
	}
	return b.Bytes(), nil
}

// parse reads what encode wrote. A keyword that it does not know is an error,
// because it could not be compared.
func parse(b []byte) (*node, error) {
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	n := &node{}
	if err := d.Decode(n); err != nil {
		return nil, fmt.Errorf("it is no schema of an event (%w): it is written by `vinci schemas lock`, not by hand", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something follows the schema: it is written by `vinci schemas lock`, not by hand")
	}
	return n, nil
}

// nullable allows null beside what n is.
func (n *node) nullable() *node {
	switch {
	case n.Ref != "":
		return &node{AnyOf: []*node{n, {Type: names{"null"}}}}
	case len(n.Type) > 0 && !slices.Contains(n.Type, "null"):
		n.Type = append(n.Type, "null")
	}
	return n // any value is one already
}

// notNull takes null away again.
func (n *node) notNull() {
	if len(n.AnyOf) > 0 {
		*n = *n.AnyOf[0]
		return
	}
	n.Type = slices.DeleteFunc(n.Type, func(t string) bool { return t == "null" })
}

// canonical writes a schema as encode does, however it is indented.
func canonical(b []byte) ([]byte, error) {
	n, err := parse(b)
	if err != nil {
		return nil, err
	}
	return encode(n)
}
