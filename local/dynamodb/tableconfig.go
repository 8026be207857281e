package dynamodb

import (
	"errors"
	"fmt"
	"slices"
)

// TableConfig is what a table should be, in DynamoDB's own terms.
type TableConfig struct {
	Name string // the physical one
	// Attributes are the types of the attributes that keys use: "S", "N" or "B" by
	// name. Others are not allowed, as in DynamoDB.
	Attributes    map[string]string
	Key           []KeyElement // the partition key, then the sort key if there is one
	GlobalIndexes []Index      // those with a partition key of their own
	LocalIndexes  []Index      // those with the table's partition key
	// TTLAttribute holds the expiry in epoch seconds; "" for none.
	TTLAttribute string
	// Stream is NEW_AND_OLD_IMAGES, NEW_IMAGE, OLD_IMAGE or KEYS_ONLY; "" for none.
	Stream string
	// StreamARN is the stream's name in records and policies; "" means the table's
	// ARN + "/stream/" + [StreamLabel]. The engine's own label changes each time the
	// stream is turned on, so it cannot be what a policy names.
	StreamARN string
}

// StreamLabel is the last part of a stream's ARN unless TableConfig.StreamARN says
// otherwise.
const StreamLabel = "2026-01-01T00:00:00.000"

// The two types of key elements.
const (
	Partition = "HASH"
	Sort      = "RANGE"
)

// KeyElement is one attribute of a key.
type KeyElement struct {
	AttributeName string
	KeyType       string // Partition or Sort
}

// Index is a secondary index.
type Index struct {
	Name       string
	Key        []KeyElement
	Projection string   // ALL, KEYS_ONLY or INCLUDE
	Include    []string // for INCLUDE
}

func (t *TableConfig) check() error {
	var errs []error
	if t.Name == "" {
		errs = append(errs, errors.New("it has no name"))
	}
	if len(t.Key) == 0 || t.Key[0].KeyType != Partition {
		errs = append(errs, errors.New("its key must begin with a partition key (HASH)"))
	}
	if t.Stream != "" && !slices.Contains([]string{"NEW_AND_OLD_IMAGES", "NEW_IMAGE", "OLD_IMAGE", "KEYS_ONLY"}, t.Stream) {
		errs = append(errs, fmt.Errorf("stream view %q: allowed are NEW_AND_OLD_IMAGES, NEW_IMAGE, OLD_IMAGE, KEYS_ONLY", t.Stream))
	}
	used := func(where string, key []KeyElement) {
		for _, k := range key {
			if t.Attributes[k.AttributeName] == "" {
				errs = append(errs, fmt.Errorf("%s: the type of key attribute %q is not given", where, k.AttributeName))
			}
		}
	}
	used("its key", t.Key)
	for _, i := range slices.Concat(t.GlobalIndexes, t.LocalIndexes) {
		used("index "+i.Name, i.Key)
	}
	if len(errs) > 0 {
		return fmt.Errorf("table %q: %w", t.Name, errors.Join(errs...))
	}
	return nil
}

// The wire's shapes.
type (
	wireAttribute struct{ AttributeName, AttributeType string }

	wireProjection struct {
		ProjectionType   string
		NonKeyAttributes []string `json:",omitempty"`
	}
	wireIndex struct {
		IndexName   string
		KeySchema   []KeyElement
		Projection  wireProjection
		IndexStatus string `json:",omitempty"` // in answers
	}
	wireStream struct {
		StreamEnabled  bool
		StreamViewType string `json:",omitempty"`
	}
	wireTable struct {
		TableName              string
		TableStatus            string `json:",omitempty"` // in answers
		AttributeDefinitions   []wireAttribute
		KeySchema              []KeyElement
		BillingMode            string      `json:",omitempty"` // in requests
		GlobalSecondaryIndexes []wireIndex `json:",omitempty"`
		LocalSecondaryIndexes  []wireIndex `json:",omitempty"`
		StreamSpecification    *wireStream `json:",omitempty"`
		LatestStreamArn        string      `json:",omitempty"` // in answers
	}
)

func (i Index) wire() wireIndex {
	return wireIndex{IndexName: i.Name, KeySchema: i.Key, Projection: wireProjection{ProjectionType: i.Projection, NonKeyAttributes: i.Include}}
}

// wire is the request that creates the table.
func (t *TableConfig) wire() wireTable {
	w := wireTable{TableName: t.Name, KeySchema: t.Key, BillingMode: "PAY_PER_REQUEST", AttributeDefinitions: t.definitions(t.Key)}
	for _, i := range t.GlobalIndexes {
		w.GlobalSecondaryIndexes = append(w.GlobalSecondaryIndexes, i.wire())
	}
	for _, i := range t.LocalIndexes {
		w.LocalSecondaryIndexes = append(w.LocalSecondaryIndexes, i.wire())
	}
	for _, i := range slices.Concat(t.GlobalIndexes, t.LocalIndexes) {
		w.AttributeDefinitions = merge(w.AttributeDefinitions, t.definitions(i.Key))
	}
	if t.Stream != "" {
		w.StreamSpecification = &wireStream{StreamEnabled: true, StreamViewType: t.Stream}
	}
	return w
}

func (t *TableConfig) definitions(key []KeyElement) []wireAttribute {
	var out []wireAttribute
	for _, k := range key {
		out = merge(out, []wireAttribute{{k.AttributeName, t.Attributes[k.AttributeName]}})
	}
	return out
}

func merge(a, b []wireAttribute) []wireAttribute {
	for _, x := range b {
		if !slices.Contains(a, x) {
			a = append(a, x)
		}
	}
	return a
}
