package relay

import (
	"fmt"
	"strconv"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/eventlog"
	"github.com/vinci-go/vinci/orm"
)

// itemOf turns a record's image into an item as the store has it. Lambda's Go
// library and the SDK have a type of their own for the same thing.
func itemOf(image map[string]events.DynamoDBAttributeValue) (orm.Item, error) {
	if len(image) == 0 {
		return nil, fmt.Errorf("the record has no new image: the table's stream must be NEW_IMAGE or NEW_AND_OLD_IMAGES")
	}
	item := make(orm.Item, len(image))
	for name, v := range image {
		value, err := valueOf(v)
		if err != nil {
			return nil, fmt.Errorf("attribute %q: %w", name, err)
		}
		item[name] = value
	}
	return item, nil
}

func valueOf(v events.DynamoDBAttributeValue) (types.AttributeValue, error) {
	switch v.DataType() {
	case events.DataTypeString:
		return &types.AttributeValueMemberS{Value: v.String()}, nil
	case events.DataTypeNumber:
		return &types.AttributeValueMemberN{Value: v.Number()}, nil
	case events.DataTypeBinary:
		return &types.AttributeValueMemberB{Value: v.Binary()}, nil
	case events.DataTypeBoolean:
		return &types.AttributeValueMemberBOOL{Value: v.Boolean()}, nil
	case events.DataTypeNull:
		return &types.AttributeValueMemberNULL{Value: true}, nil
	case events.DataTypeStringSet:
		return &types.AttributeValueMemberSS{Value: v.StringSet()}, nil
	case events.DataTypeNumberSet:
		return &types.AttributeValueMemberNS{Value: v.NumberSet()}, nil
	case events.DataTypeBinarySet:
		return &types.AttributeValueMemberBS{Value: v.BinarySet()}, nil
	case events.DataTypeList:
		list := make([]types.AttributeValue, len(v.List()))
		for i, element := range v.List() {
			value, err := valueOf(element)
			if err != nil {
				return nil, fmt.Errorf("element %d: %w", i, err)
			}
			list[i] = value
		}
		return &types.AttributeValueMemberL{Value: list}, nil
	case events.DataTypeMap:
		m := make(map[string]types.AttributeValue, len(v.Map()))
		for name, member := range v.Map() {
			value, err := valueOf(member)
			if err != nil {
				return nil, fmt.Errorf("member %q: %w", name, err)
			}
			m[name] = value
		}
		return &types.AttributeValueMemberM{Value: m}, nil
	default:
		return nil, fmt.Errorf("its DynamoDB type %d is not known", v.DataType())
	}
}

// idOf is the event's id from its key, which is all that a record is sure to
// have. It is empty when the key is no stream and version.
func idOf(keys map[string]events.DynamoDBAttributeValue) string {
	s := eventlog.Events.Schema()
	stream, version := keys[s.Hash], keys[s.Sort]
	if stream.DataType() != events.DataTypeString || version.DataType() != events.DataTypeNumber {
		return ""
	}
	n, err := strconv.ParseInt(version.Number(), 10, 64)
	if err != nil {
		return ""
	}
	return event.EventID(stream.String(), n)
}
