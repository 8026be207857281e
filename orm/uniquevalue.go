package orm

import (
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// HoldsUniqueValue reports whether a stored item is one of the table's own, which
// keep its unique values, and no item of its users. Whoever reads through a
// [Reader] instead of a [Table] meets them.
func (s *Schema) HoldsUniqueValue(item Item) bool {
	key, ok := item[s.Hash].(*types.AttributeValueMemberS)
	return ok && s.hasUnique() && strings.HasPrefix(key.Value, uniquePrefix)
}

// WithoutUniqueValues is the filter of a [ScanRequest] that leaves these items
// out; nil for a table that has none.
func (s *Schema) WithoutUniqueValues() *Cond {
	if !s.hasUnique() {
		return nil
	}
	return &Cond{Op: CondNot, Of: []*Cond{{Op: CondBeginsWith, Path: s.Hash, Values: []types.AttributeValue{&types.AttributeValueMemberS{Value: uniquePrefix}}}}}
}

func (s *Schema) hasUnique() bool {
	for _, a := range s.Attributes {
		if a.Unique != "" {
			return true
		}
	}
	return false
}
