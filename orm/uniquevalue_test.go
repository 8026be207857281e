package orm

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

func TestHoldsUniqueValue(t *testing.T) {
	unique := &Schema{Hash: "id", Attributes: []AttributeSchema{{Name: "id"}, {Name: "email", Unique: UniqueExact}}}
	plain := &Schema{Hash: "id", Attributes: []AttributeSchema{{Name: "id"}}}
	own := Item{"id": &types.AttributeValueMemberS{Value: "unique#email#a"}}
	other := Item{"id": &types.AttributeValueMemberS{Value: "u1"}}
	number := Item{"id": &types.AttributeValueMemberN{Value: "1"}}
	for _, tt := range []struct {
		schema *Schema
		item   Item
		want   bool
	}{{unique, own, true}, {unique, other, false}, {unique, number, false}, {unique, Item{}, false}, {plain, own, false}} {
		if got := tt.schema.HoldsUniqueValue(tt.item); got != tt.want {
			t.Errorf("%v: %v, want %v", tt.item, got, tt.want)
		}
	}
	if plain.WithoutUniqueValues() != nil || unique.WithoutUniqueValues().Of[0].Path != "id" {
		t.Errorf("filters %v, %v", plain.WithoutUniqueValues(), unique.WithoutUniqueValues())
	}
}
