package itemtext

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/vinci-go/vinci/orm"
)

func TestItem(t *testing.T) {
	table := &orm.Schema{Name: "users", Hash: "id", Attributes: []orm.AttributeSchema{{Name: "id"}, {Name: "name"}, {Name: "password", Hidden: true}, {Name: "iban", Masked: true}}}
	str := func(v string) types.AttributeValue { return &types.AttributeValueMemberS{Value: v} }
	item := orm.Item{
		"zip": str("1"), "name": str("Ann\n"), "id": str("u1"), "password": str("secret"), "iban": str("secret"),
		"m": &types.AttributeValueMemberM{Value: orm.Item{
			"b": &types.AttributeValueMemberBOOL{Value: true}, "a": &types.AttributeValueMemberBS{Value: [][]byte{{1}}},
			"l": &types.AttributeValueMemberL{Value: []types.AttributeValue{&types.AttributeValueMemberN{Value: "1.5"}, &types.AttributeValueMemberNULL{Value: true}}},
			"n": &types.AttributeValueMemberNS{Value: []string{"1", "2"}}, "s": &types.AttributeValueMemberSS{Value: []string{"x"}}, "y": &types.AttributeValueMemberB{Value: []byte{255}},
		}},
	}
	want := `id = "u1", name = "Ann\n", iban = ***, m = {"a": [0x01], "b": true, "l": [1.5, null], "n": [1, 2], "s": ["x"], "y": 0xff}, zip = "1"`
	if got := Item(table, item); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if got := Value(table, "password", str("secret")); got != "***" {
		t.Errorf("a hidden value is shown: %s", got)
	}
	if got := Value(table, "name", str(strings.Repeat("ü", 500))); len(got) > maxValue+3 || !strings.HasSuffix(got, "ü…") {
		t.Errorf("a long value: %s", got)
	}
}
