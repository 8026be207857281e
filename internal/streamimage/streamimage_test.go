package streamimage_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/vinci-go/vinci/internal/streamimage"
)

// TestRoundTrip: an item is the same after its way through a stream's record, also
// as Lambda sends it.
func TestRoundTrip(t *testing.T) {
	item := map[string]types.AttributeValue{
		"s": &types.AttributeValueMemberS{Value: "text"}, "empty": &types.AttributeValueMemberS{Value: ""},
		"n": &types.AttributeValueMemberN{Value: "12345678901234567890.5"}, "b": &types.AttributeValueMemberB{Value: []byte{0, 255}},
		"bool": &types.AttributeValueMemberBOOL{Value: true}, "null": &types.AttributeValueMemberNULL{Value: true},
		"ss": &types.AttributeValueMemberSS{Value: []string{"a", "b"}}, "ns": &types.AttributeValueMemberNS{Value: []string{"1", "2"}},
		"bs": &types.AttributeValueMemberBS{Value: [][]byte{{1}, {2}}},
		"l": &types.AttributeValueMemberL{Value: []types.AttributeValue{
			&types.AttributeValueMemberM{Value: map[string]types.AttributeValue{"deep": &types.AttributeValueMemberN{Value: "1"}}},
		}},
	}
	image := streamimage.Image(item)
	wire, err := json.Marshal(image)
	if err != nil {
		t.Fatal(err)
	}
	var received map[string]events.DynamoDBAttributeValue
	if err := json.Unmarshal(wire, &received); err != nil {
		t.Fatal(err)
	}
	for name, image := range map[string]map[string]events.DynamoDBAttributeValue{"made": image, "received": received} {
		if got, err := streamimage.Item(image); err != nil || !reflect.DeepEqual(got, item) {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
	if streamimage.Image(nil) != nil {
		t.Error("no item has an image")
	}
}

func TestUnknown(t *testing.T) {
	image := map[string]events.DynamoDBAttributeValue{"l": events.NewListAttribute([]events.DynamoDBAttributeValue{
		events.NewMapAttribute(map[string]events.DynamoDBAttributeValue{"m": {}}),
	})}
	_, err := streamimage.Item(image)
	for _, want := range []string{`attribute "l"`, "element 0", `member "m"`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q, got %v", want, err)
		}
	}
}
