package itemtext

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/vinci-go/vinci/orm"
)

// secret stands for a value that is not shown.
const secret = "***"

// maxValue is how much of a value is written.
const maxValue = 120 // bytes

// Value writes the value of one of the table's attributes, or of something inside
// it: *** where the attribute is masked or hidden, and the beginning of a long
// one.
func Value(table *orm.Schema, attribute string, av types.AttributeValue) string {
	if a, ok := table.Attribute(attribute); ok && (a.Masked || a.Hidden) {
		return secret
	}
	text := Plain(av)
	if len(text) <= maxValue {
		return text
	}
	cut := maxValue
	for text[cut]&0xc0 == 0x80 { // inside a character
		cut--
	}
	return text[:cut] + "…"
}

// Attributes are the names of an item's attributes in the order of the
// definition, then those that the definition does not have, by name.
func Attributes(table *orm.Schema, item orm.Item) []string {
	names := make([]string, 0, len(item))
	for _, a := range table.Attributes {
		if _, ok := item[a.Name]; ok {
			names = append(names, a.Name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(item)) {
		if _, ok := table.Attribute(name); !ok {
			names = append(names, name)
		}
	}
	return names
}

// Item writes an item without the attributes that the definition hides.
func Item(table *orm.Schema, item orm.Item) string {
	var parts []string
	for _, name := range Attributes(table, item) {
		if a, ok := table.Attribute(name); ok && a.Hidden {
			continue
		}
		parts = append(parts, name+" = "+Value(table, name, item[name]))
	}
	return strings.Join(parts, ", ")
}

// Plain writes any value whole: sets as lists, bytes in hexadecimal.
func Plain(av types.AttributeValue) string {
	switch v := av.(type) {
	case *types.AttributeValueMemberS:
		return strconv.Quote(v.Value)
	case *types.AttributeValueMemberN:
		return v.Value
	case *types.AttributeValueMemberBOOL:
		return strconv.FormatBool(v.Value)
	case *types.AttributeValueMemberNULL:
		return "null"
	case *types.AttributeValueMemberB:
		return fmt.Sprintf("0x%x", v.Value)
	case *types.AttributeValueMemberSS:
		return list(v.Value, strconv.Quote)
	case *types.AttributeValueMemberNS:
		return list(v.Value, func(n string) string { return n })
	case *types.AttributeValueMemberBS:
		return list(v.Value, func(b []byte) string { return fmt.Sprintf("0x%x", b) })
	case *types.AttributeValueMemberL:
		return list(v.Value, Plain)
	case *types.AttributeValueMemberM:
		parts := make([]string, 0, len(v.Value))
		for _, name := range slices.Sorted(maps.Keys(v.Value)) {
			parts = append(parts, strconv.Quote(name)+": "+Plain(v.Value[name]))
		}
		return "{" + strings.Join(parts, ", ") + "}"
	}
	return "nothing"
}

func list[E any](elements []E, text func(E) string) string {
	parts := make([]string, len(elements))
	for i, e := range elements {
		parts[i] = text(e)
	}
	return "[" + strings.Join(parts, ", ") + "]"
}
