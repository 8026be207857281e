package capture

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/internal/streamimage"
	"github.com/vinci-go/vinci/orm"
)

// Change is one change of one item of a table.
type Change[T any] struct {
	Operation Operation
	// Before and After are the item as it was and as it became: nil for Insert and
	// Remove respectively. They are the handler's own.
	Before, After *T
	Key           orm.Item // the item's primary key as it is stored
	// At is when the change was made, to the second: DynamoDB says no more.
	At time.Time
	// SequenceNumber rises with each change of one item. Between items it says
	// nothing.
	SequenceNumber string
	// EventID is DynamoDB's own id of the change, the same each time that it comes.
	EventID string
	// ID is the [RecordID]: of the change's delivery record, and the causation id of
	// what is committed because of it.
	ID string
	// Expired: it is no program that removed the item, but its time to live.
	Expired bool
}

// Item is the item as it is after the change, or as it was before it was removed.
func (c *Change[T]) Item() *T {
	if c.After != nil {
		return c.After
	}
	return c.Before
}

// RecordID is how a change of a table is known in deliveries, logs and as a cause:
// change/<table>/<event id>. The event id is the one of DynamoDB, which is globally
// unique, where a sequence number is only one of its shard.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_Record.html
func RecordID(table, eventID string) string { return "change/" + table + "/" + eventID }

// record is a change as it comes, before its items are read.
type record struct {
	op                   Operation
	key, before, after   orm.Item
	at                   time.Time
	sequence, eventID    string
	id, table, streamARN string
	expired              bool
	err                  error // why it cannot be read
}

// recordOf takes a stream's record apart. What is wrong with it is in err, so that
// the change can be given up by its key.
func recordOf(s *orm.Schema, r *events.DynamoDBEventRecord) *record {
	out := &record{
		op: Operation(r.EventName), at: r.Change.ApproximateCreationDateTime.UTC(), table: s.Name,
		sequence: r.Change.SequenceNumber, eventID: r.EventID, streamARN: r.EventSourceArn,
	}
	if out.eventID == "" {
		out.eventID = out.sequence // which DynamoDB never leaves out either
	}
	out.id = RecordID(s.Name, out.eventID)
	// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/time-to-live-ttl-streams.html
	out.expired = out.op == Remove && r.UserIdentity != nil && r.UserIdentity.Type == "Service" && r.UserIdentity.PrincipalID == "dynamodb.amazonaws.com"
	var errs []error
	read := func(what string, image map[string]events.DynamoDBAttributeValue, wanted bool) orm.Item {
		if !wanted {
			return nil
		}
		if len(image) == 0 {
			errs = append(errs, fmt.Errorf("the record of a change %s has no %s: the table's stream must be NEW_AND_OLD_IMAGES", out.op, what))
			return nil
		}
		item, err := streamimage.Item(image)
		if err != nil {
			errs = append(errs, fmt.Errorf("the record's %s: %w", what, err))
		}
		return item
	}
	out.key = read("Keys", r.Change.Keys, true)
	known := slices.Contains(all, out.op)
	if !known {
		errs = append(errs, fmt.Errorf("the record's eventName is %q: known are INSERT, MODIFY and REMOVE", r.EventName))
	}
	out.before = read("OldImage", r.Change.OldImage, known && out.op != Insert)
	out.after = read("NewImage", r.Change.NewImage, known && out.op != Remove)
	out.err = errors.Join(errs...)
	return out
}

// changeOf reads the items of a change as the table's definition says.
func changeOf[T, K any](t *orm.Table[T, K], r *record) (Change[T], error) {
	c := Change[T]{Operation: r.op, Key: r.key, At: r.at, SequenceNumber: r.sequence, EventID: r.eventID, ID: r.id, Expired: r.expired}
	if r.err != nil {
		return c, r.err
	}
	for _, image := range []struct {
		what string
		item orm.Item
		to   **T
	}{{"before", r.before, &c.Before}, {"after", r.after, &c.After}} {
		if image.item == nil {
			continue
		}
		item, err := t.Decode(image.item)
		if err != nil {
			return c, fmt.Errorf("the item %s the change: %w", image.what, err)
		}
		*image.to = &item
	}
	return c, nil
}

// envelope is what the record is to package bus: an event without data, that begins
// a request of its own. Nothing in a stream says which request changed the item.
func (r *record) envelope(tenant string) event.Envelope {
	e := event.Envelope{}
	e.ID, e.Type, e.Time, e.CorrelationID = r.id, r.table+"."+strings.ToLower(string(r.op)), r.at, r.id
	for _, item := range []orm.Item{r.after, r.before} {
		if v, ok := item[tenant].(*types.AttributeValueMemberS); ok && tenant != "" {
			e.TenantID = v.Value
			break
		}
	}
	return e
}

// item tells the items of a table apart.
func (r *record) item(s *orm.Schema) string {
	text := keyPart(r.key[s.Hash])
	if s.Sort != "" {
		text += keyPart(r.key[s.Sort])
	}
	return text
}

func keyPart(v types.AttributeValue) string {
	switch v := v.(type) {
	case *types.AttributeValueMemberS:
		return strconv.Quote(v.Value)
	case *types.AttributeValueMemberN:
		return "N" + v.Value
	case *types.AttributeValueMemberB:
		return "B" + strconv.Quote(string(v.Value))
	default:
		return "?"
	}
}
