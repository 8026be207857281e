package capture

import (
	"encoding/json"

	"github.com/vinci-go/vinci/orm"
)

// Operation is what was done to an item, as DynamoDB names it.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_Record.html
type Operation string

// The operations.
const (
	Insert Operation = "INSERT" // there was no item of this key before
	Modify Operation = "MODIFY" // the item was changed; a write that changes nothing makes no record
	Remove Operation = "REMOVE" // the item was deleted, or expired
)

var all = []Operation{Insert, Modify, Remove}

// Filters are the patterns by which the event source mapping lets only the wanted
// operations through, nil when all are wanted. Of several, one must match.
//
// They look at which of the images has the partition key: AWS documents filters on
// the record's part "dynamodb" only, and the operation's name stands outside of it.
//
// https://docs.aws.amazon.com/lambda/latest/dg/with-ddb-filtering.html
func (d *Definition) Filters() []string {
	if len(d.Operations) == len(all) || isNil(d.Table) || d.Table.Schema() == nil {
		return nil
	}
	var patterns []string
	for _, op := range d.Operations {
		patterns = append(patterns, filter(d.Table.Schema(), op))
	}
	return patterns
}

func filter(s *orm.Schema, op Operation) string {
	hash, _ := s.Attribute(s.Hash)
	has := func(there bool) map[string]any {
		return map[string]any{s.Hash: map[string]any{hash.Type: []any{map[string]bool{"exists": there}}}}
	}
	images := map[string]any{"OldImage": has(op != Insert), "NewImage": has(op != Remove)}
	b, err := json.Marshal(map[string]any{"dynamodb": images})
	if err != nil {
		panic(err) // texts always marshal
	}
	return string(b)
}
