package orm

// Schema is a table's definition as a plain value. Infrastructure, clients,
// the local runtime, documentation and tools all read it; nothing else
// describes a table. Treat it as immutable. Its JSON form makes a definition
// again, see [DefineSchema].
type Schema struct {
	Name        string            `json:"name"`
	Description string            `json:"description,omitempty"`
	Hash        string            `json:"hash"`           // name of the partition key attribute
	Sort        string            `json:"sort,omitempty"` // name of the sort key attribute
	Attributes  []AttributeSchema `json:"attributes"`     // in the order of the struct's fields
	Indexes     []IndexSchema     `json:"indexes,omitempty"`
	TTL         string            `json:"ttl,omitempty"`     // name of the attribute that holds the expiry, epoch seconds
	Version     string            `json:"version,omitempty"` // name of the attribute that counts the item's changes
	Stream      bool              `json:"stream,omitempty"`  // NEW_AND_OLD_IMAGES
	Settings    Settings          `json:"settings,omitzero"` // of the table in AWS
	Type        string            `json:"type"`              // the Go type, for messages
	DefinedAt   string            `json:"-"`                 // file:line of the definition
}

// AttributeSchema describes one attribute.
type AttributeSchema struct {
	Name        string   `json:"name"`
	Description string   `json:"description,omitempty"`
	Field       string   `json:"field"`             // the Go field's name
	Type        string   `json:"type"`              // DynamoDB's type: S, N, B, BOOL, L, M, SS, NS, BS
	Go          string   `json:"go"`                // the Go field's type
	Unique      string   `json:"unique,omitempty"`  // "exact" or "normalized"
	Default     string   `json:"default,omitempty"` // as written in the tag; of text types and floats as it is stored
	DefaultFunc bool     `json:"default_func,omitempty"`
	Validate    string   `json:"validate,omitempty"`
	Enum        []string `json:"enum,omitempty"`     // the values it may have, as text
	Template    string   `json:"template,omitempty"` // of a composite key: "{tenant}#{order}"
	Stamp       string   `json:"stamp,omitempty"`    // "created" or "updated"
	Hidden      bool     `json:"hidden,omitempty"`   // in no output and no log
	Masked      bool     `json:"masked,omitempty"`   // *** in logs
}

// IndexSchema describes one secondary index.
type IndexSchema struct {
	Name       string   `json:"name"`
	Hash       string   `json:"hash"`
	Sort       string   `json:"sort,omitempty"`
	Local      bool     `json:"local,omitempty"`   // a local index shares the table's partition key
	Projection string   `json:"projection"`        // ALL, KEYS_ONLY or INCLUDE
	Include    []string `json:"include,omitempty"` // for INCLUDE
}

// Attribute finds an attribute by its DynamoDB name.
func (s *Schema) Attribute(name string) (AttributeSchema, bool) {
	for _, a := range s.Attributes {
		if a.Name == name {
			return a, true
		}
	}
	return AttributeSchema{}, false
}
