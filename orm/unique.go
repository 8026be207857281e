package orm

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// The modes of a unique tag.
const (
	UniqueExact      = "exact"      // the value as it is
	UniqueNormalized = "normalized" // the value as NormalizeUnique makes it
)

// How unique values are kept. Each is an item of its own in the same table:
// its partition key is unique#<attribute>#<value>, so that DynamoDB's own
// uniqueness of keys decides, also between parallel writers.
const (
	uniquePrefix = "unique#"
	uniqueOwner  = "unique_owner" // a map: the key of the item that has the value
)

// checkUnique checks the unique tags.
func (d *definer) checkUnique() {
	found := false
	for i := range d.plan.fields {
		f := &d.plan.fields[i]
		if f.unique == "" {
			continue
		}
		found = true
		if f.unique != UniqueExact && f.unique != UniqueNormalized {
			d.problem(f.goName, fmt.Sprintf("unique:%q is unknown: allowed are %q (the value as it is) and %q (letter case, outer blanks and Unicode forms do not matter)", f.unique, UniqueExact, UniqueNormalized))
		}
		switch {
		case f.kind == "":
		case f.kind != "S" && f.kind != "N":
			d.problem(f.goName, fmt.Sprintf("%s is stored as %s and cannot be unique: strings and numbers can", f.goType, f.kind))
		case f.timeText || f.floats:
			d.problem(f.goName, fmt.Sprintf("%s cannot be unique, equal values of it may differ as they are stored: use a string or an integer", f.goType))
		case f.unique == UniqueNormalized && f.kind != "S":
			d.problem(f.goName, fmt.Sprintf("only strings are normalized, this is %s: say unique:%q", f.goType, UniqueExact))
		}
		if len(f.options("allowempty")) > 0 {
			d.problem(f.goName, "`,allowempty` would store an empty value, which only one item could have: take the option away, then an item without a value claims none")
		}
		if strings.Contains(f.name, "#") {
			d.problem(f.goName, fmt.Sprintf("a unique attribute's name cannot hold '#', %q does: it separates name and value in the table", f.name))
		}
		if f.name == d.schema.Hash && d.schema.Sort == "" {
			d.problem(f.goName, "the partition key of a table without a sort key is unique already: take the unique tag away")
		}
	}
	if !found {
		return
	}
	if h := d.plan.hash; h != nil && h.kind != "S" && h.kind != "" {
		d.problem(h.goName, fmt.Sprintf("the table has unique attributes, whose values are kept under string keys in the same table, and its partition key is %s: use a string", h.goType))
	}
	if f, ok := d.plan.byName[uniqueOwner]; ok {
		d.problem(f.goName, fmt.Sprintf("the attribute name %q is the table's own, as it has unique attributes: choose another", uniqueOwner))
	}
}

// NormalizeUnique is how a value of `unique:"normalized"` is compared: without
// outer blanks, in Unicode form NFKC, case folded (so Straße and STRASSE are
// one). The item itself keeps the value as it was written.
func NormalizeUnique(s string) string {
	s = cases.Fold().String(norm.NFKC.String(strings.TrimSpace(s)))
	// Fold swaps the two cases of Cherokee instead of joining them; and it can
	// leave what composes further, and blanks that were other characters before.
	return strings.TrimSpace(norm.NFKC.String(strings.ToLower(s)))
}

// isNothing reports whether an attribute has no value: it is absent, or NULL, as
// the option `,null` stores it.
func isNothing(av types.AttributeValue) bool {
	_, null := av.(*types.AttributeValueMemberNULL)
	return av == nil || null
}

// isUniqueValue reports whether an item of the table is one that keeps a unique
// value. An index whose partition key is the table's sort key has them too.
func (p *plan) isUniqueValue(item Item) bool {
	if len(p.uniques) == 0 {
		return false
	}
	key, ok := item[p.hash.name].(*types.AttributeValueMemberS)
	return ok && strings.HasPrefix(key.Value, uniquePrefix)
}

func uniqueText(f *field, av types.AttributeValue) (string, error) {
	var v string
	switch x := av.(type) {
	case *types.AttributeValueMemberS:
		v = x.Value
		if f.unique == UniqueNormalized {
			if v = NormalizeUnique(v); v == "" {
				return "", fmt.Errorf("a unique value cannot be blank")
			}
		}
	case *types.AttributeValueMemberN:
		v = x.Value
	default:
		return "", fmt.Errorf("%s cannot be unique", reflect.TypeOf(av))
	}
	text := uniquePrefix + f.name + "#" + v
	if len(text) > maxHashBytes {
		return "", fmt.Errorf("the value is %d bytes long, a unique one may have %d", len(v), maxHashBytes-len(text)+len(v))
	}
	return text, nil
}

// uniqueSort is the sort key of every unique item of a table that has one.
func uniqueSort(kind string) types.AttributeValue {
	switch kind {
	case "N":
		return &types.AttributeValueMemberN{Value: "0"}
	case "B":
		return &types.AttributeValueMemberB{Value: []byte(uniquePrefix)}
	}
	return &types.AttributeValueMemberS{Value: uniquePrefix}
}
