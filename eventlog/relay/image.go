package relay

import (
	"fmt"
	"strconv"

	"github.com/aws/aws-lambda-go/events"

	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/eventlog"
	"github.com/vinci-go/vinci/internal/streamimage"
	"github.com/vinci-go/vinci/orm"
)

// itemOf turns a record's image into an item as the store has it.
func itemOf(image map[string]events.DynamoDBAttributeValue) (orm.Item, error) {
	if len(image) == 0 {
		return nil, fmt.Errorf("the record has no new image: the table's stream must be NEW_IMAGE or NEW_AND_OLD_IMAGES")
	}
	return streamimage.Item(image)
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
