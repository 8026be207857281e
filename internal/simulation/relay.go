package simulation

import (
	"context"
	"fmt"
	"hash/fnv"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/vinci-go/vinci/eventlog"
	"github.com/vinci-go/vinci/eventlog/relay"
	"github.com/vinci-go/vinci/orm"
	"github.com/vinci-go/vinci/orm/ormtest"
)

// stream is the log's change stream and its event source mapping: shards, each
// with one invocation of the relay at a time. Worse than DynamoDB's, it repeats
// records, and swaps those that wait.
type stream struct {
	*world
	shards [3]shard
}

type shard struct {
	name    string
	waiting []events.DynamoDBEventRecord
	batch   []events.DynamoDBEventRecord // under way, until it is done
	tries   int                          // at the batch
	old     []events.DynamoDBEventRecord // a few of those that are done
	busy    bool
}

// changed takes a change of a table.
func (s *stream) changed(r ormtest.Record) {
	switch r.Table.Name {
	case eventlog.Events.Schema().Name:
		s.logged(r)
	case projections.Schema().Name:
		s.projected(r)
	}
}

// projected checks the steps of an ordered subscription.
func (s *stream) projected(r ormtest.Record) {
	from, to := 0, 0
	fmt.Sscan(numberOf(r.Old["n"]), &from) // nothing there: 0
	fmt.Sscan(numberOf(r.New["n"]), &to)
	if order := textOf(r.Key["key"]); to <= from {
		s.violated(InOrder, "order/"+order, "%s projects version %d after version %d", project.Name, to, from)
	}
}

// logged takes a change of the log.
func (s *stream) logged(r ormtest.Record) {
	id := textOf(r.Key["stream"]) + "@" + numberOf(r.Key["version"])
	if r.Event != "INSERT" {
		s.violated(Immutable, id, "an event in the log was changed: %s", r.Event)
		return
	}
	h := fnv.New32a()
	h.Write([]byte(textOf(r.Key["stream"]))) // a hash.Hash never returns an error
	at := &s.shards[h.Sum32()%uint32(len(s.shards))]
	record := events.DynamoDBEventRecord{EventName: r.Event, EventSourceArn: "arn:aws:dynamodb:us-east-1:000000000000:table/events/stream/1"}
	record.Change.SequenceNumber = fmt.Sprintf("%021d", r.Sequence)
	record.Change.Keys, record.Change.NewImage = image(r.Key), image(r.New)
	s.at(s.between(0, 50*time.Millisecond), func() {
		at.waiting = append(at.waiting, record)
		s.poll(at)
	})
}

// poll begins an invocation of the relay, unless one is under way.
func (s *stream) poll(at *shard) {
	if at.busy || len(at.batch)+len(at.waiting) == 0 {
		return
	}
	at.busy = true
	s.at(s.between(0, 100*time.Millisecond), func() { s.invoke(at) })
}

func (s *stream) invoke(at *shard) {
	if len(at.batch) == 0 {
		n := min(len(at.waiting), 1+s.random.IntN(25))
		at.batch, at.tries = append(at.batch, at.waiting[:n]...), 0
		at.waiting = at.waiting[n:]
		if len(at.old) > 0 && s.trouble(50) {
			at.batch = append(at.batch, at.old[s.random.IntN(len(at.old))])
		}
		if s.trouble(100) {
			s.random.Shuffle(len(at.batch), func(i, j int) { at.batch[i], at.batch[j] = at.batch[j], at.batch[i] })
		}
	}
	at.tries++
	var response events.DynamoDBEventResponse
	r := relay.New(relay.Options{
		Source: source, Deployment: "simulation", Publisher: s.bus, Failures: s.failures,
		Logger: silent, Now: s.clock, Jitter: s.jitter, Sleep: s.sleep,
	})
	t := &task{
		name: fmt.Sprintf("relay %s #%d", at.name, s.started), deadline: functionTimeout, skew: s.skew(),
		faults: func() bool { return at.tries < 4 },
		done: func(died bool) {
			at.busy = false
			s.answered(at, response, died)
			s.poll(at)
		},
	}
	s.start(t, func() {
		var err error
		if response, err = r.Handle(context.Background(), events.DynamoDBEvent{Records: at.batch}); err != nil {
			s.violated(Delivered, "", "the relay fails: %v", err)
		}
	})
}

// answered goes on behind what was done.
func (s *stream) answered(at *shard, response events.DynamoDBEventResponse, died bool) {
	if died {
		return // all of it again
	}
	done := len(at.batch)
	if failed := response.BatchItemFailures; len(failed) > 0 {
		for i := range at.batch {
			if at.batch[i].Change.SequenceNumber == failed[0].ItemIdentifier {
				done = i
				break
			}
		}
	}
	at.old = append(at.old, at.batch[:done]...)
	at.old = at.old[max(0, len(at.old)-50):]
	at.batch = append([]events.DynamoDBEventRecord(nil), at.batch[done:]...)
}

// failures is the relay's failure queue.
type failures struct {
	*world
	got map[string]bool // event ids
}

var _ relay.FailureQueue = (*failures)(nil)

func (f *failures) Send(_ context.Context, failure relay.Failure) error {
	return f.send("failure queue "+failure.EventID, func() { f.got[failure.EventID] = true })
}

func image(item orm.Item) map[string]events.DynamoDBAttributeValue {
	out := make(map[string]events.DynamoDBAttributeValue, len(item))
	for name, v := range item {
		switch v := v.(type) {
		case *types.AttributeValueMemberS:
			out[name] = events.NewStringAttribute(v.Value)
		case *types.AttributeValueMemberN:
			out[name] = events.NewNumberAttribute(v.Value)
		}
	}
	return out
}

func numberOf(v types.AttributeValue) string {
	if n, ok := v.(*types.AttributeValueMemberN); ok {
		return n.Value
	}
	return ""
}
