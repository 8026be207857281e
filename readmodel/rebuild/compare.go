package rebuild

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/vinci-go/vinci/internal/itemtext"
	"github.com/vinci-go/vinci/orm"
)

// Difference is an attribute of an item that is not what the log says.
type Difference struct {
	Table string `json:"table"`
	Key   string `json:"key"`
	// Attribute is the name, with a dot before what is inside of a map; empty: the
	// whole item is there once only.
	Attribute string `json:"attribute,omitempty"`
	Stored    string `json:"stored"`   // "nothing" when it is not there
	Expected  string `json:"expected"` // "nothing" when it should not be there
	// Moving: the item was changed all the time, so that it could not be compared.
	Moving bool `json:"moving,omitempty"`
}

const nothing = "nothing"

// canonical is a value as text, such that equal values have equal texts: sets have no
// order.
func canonical(av types.AttributeValue) string {
	switch v := av.(type) {
	case *types.AttributeValueMemberSS:
		return itemtext.Plain(&types.AttributeValueMemberSS{Value: slices.Sorted(slices.Values(v.Value))})
	case *types.AttributeValueMemberNS:
		return itemtext.Plain(&types.AttributeValueMemberNS{Value: slices.Sorted(slices.Values(v.Value))})
	case *types.AttributeValueMemberBS:
		texts := make([]string, len(v.Value))
		for i, b := range v.Value {
			texts[i] = fmt.Sprintf("0x%x", b)
		}
		return "[" + strings.Join(slices.Sorted(slices.Values(texts)), ", ") + "]"
	case *types.AttributeValueMemberM:
		parts := make([]string, 0, len(v.Value))
		for _, name := range slices.Sorted(maps.Keys(v.Value)) {
			parts = append(parts, fmt.Sprintf("%q: %s", name, canonical(v.Value[name])))
		}
		return "{" + strings.Join(parts, ", ") + "}"
	case *types.AttributeValueMemberL:
		parts := make([]string, len(v.Value))
		for i, e := range v.Value {
			parts[i] = canonical(e)
		}
		return "[" + strings.Join(parts, ", ") + "]"
	}
	return fmt.Sprintf("%T %s", av, itemtext.Plain(av)) // "1" is not 1
}

// content is all of an item that has to be the same, as text; "" for none.
func content(s *orm.Schema, item orm.Item) string {
	if item == nil {
		return ""
	}
	kept := maps.Clone(item)
	maps.DeleteFunc(kept, func(name string, _ types.AttributeValue) bool { return counted(s, name) })
	return canonical(&types.AttributeValueMemberM{Value: kept})
}

// keyID tells an item from all others of its table.
func keyID(s *orm.Schema, item orm.Item) string {
	return canonical(&types.AttributeValueMemberM{Value: s.KeyOf(item)})
}

// differences lists what is different between two items with one key.
func differences(s *orm.Schema, key string, stored, expected orm.Item) []Difference {
	if stored == nil || expected == nil {
		return []Difference{{Table: s.Name, Key: key, Stored: whole(s, stored), Expected: whole(s, expected)}}
	}
	var out []Difference
	both := maps.Clone(stored)
	maps.Copy(both, expected)
	for _, name := range itemtext.Attributes(s, both) {
		if counted(s, name) {
			continue
		}
		inside(stored[name], expected[name], name, func(path string, is, want types.AttributeValue) {
			out = append(out, Difference{Table: s.Name, Key: key, Attribute: path, Stored: itemtext.Value(s, name, is), Expected: itemtext.Value(s, name, want)})
		})
	}
	return out
}

func whole(s *orm.Schema, item orm.Item) string {
	if item == nil {
		return nothing
	}
	return itemtext.Item(s, item)
}

// inside calls f for what is different between two values, as deep inside of maps as
// it can be named.
func inside(stored, expected types.AttributeValue, path string, f func(path string, stored, expected types.AttributeValue)) {
	a, aMap := stored.(*types.AttributeValueMemberM)
	b, bMap := expected.(*types.AttributeValueMemberM)
	if !aMap || !bMap {
		if canonical(stored) != canonical(expected) {
			f(path, stored, expected)
		}
		return
	}
	both := maps.Clone(a.Value)
	if both == nil {
		both = map[string]types.AttributeValue{}
	}
	maps.Copy(both, b.Value)
	for _, name := range slices.Sorted(maps.Keys(both)) {
		inside(a.Value[name], b.Value[name], path+"."+name, f)
	}
}
