package relay_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/eventlog"
	"github.com/vinci-go/vinci/eventlog/relay"
	"github.com/vinci-go/vinci/orm"
)

const streamARN = "arn:aws:dynamodb:eu-west-1:123456789012:table/shop-test-events/stream/2026-11-21T00:00:00.000"

var start = time.Date(2026, 11, 21, 5, 47, 19, 0, time.UTC)

// bus is a Publisher whose answers a test decides.
type bus struct {
	requests [][]string // event ids
	accepted []string   // event ids, in order
	entries  []relay.Entry
	// answer decides on an entry at the n-th request, from 1. nil: accepted.
	answer func(n int, id string) relay.Result
	// fail decides on a whole request.
	fail func(n int, ids []string) error
}

func (b *bus) Publish(_ context.Context, entries []relay.Entry) ([]relay.Result, error) {
	var ids []string
	size := 0
	for i := range entries {
		e, err := event.DecodeEnvelope([]byte(entries[i].Detail))
		if err != nil {
			return nil, err
		}
		if e.Source != entries[i].Source || e.Type != entries[i].Type {
			return nil, fmt.Errorf("entry %s of %s holds an envelope %s of %s", entries[i].Type, entries[i].Source, e.Type, e.Source)
		}
		ids = append(ids, entryID(e.ID, e.Source == "shop.public"))
		size += entries[i].Size()
	}
	if len(entries) == 0 || len(entries) > relay.MaxEntries || size > relay.MaxBytes {
		return nil, fmt.Errorf("a request of %d entries and %d bytes", len(entries), size)
	}
	b.requests = append(b.requests, ids)
	if b.fail != nil {
		if err := b.fail(len(b.requests), ids); err != nil {
			return nil, err
		}
	}
	results := make([]relay.Result, len(entries))
	for i, id := range ids {
		if b.answer != nil {
			results[i] = b.answer(len(b.requests), id)
		}
		if results[i].Code == "" {
			b.accepted = append(b.accepted, id)
			b.entries = append(b.entries, entries[i])
		}
	}
	return results, nil
}

// entryID names an event's own entry by its id, and its public one with a + behind.
func entryID(id string, public bool) string {
	if public {
		return id + "+"
	}
	return id
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// public gives an event a public shape.
func public(s *eventlog.Stored) { s.Public, s.PublicVersion = `{"total":5}`, 7 }

// queue is a FailureQueue whose answers a test decides.
type queue struct {
	got  []relay.Failure
	fail func(relay.Failure) error
}

func (q *queue) Send(_ context.Context, f relay.Failure) error {
	if q.fail != nil {
		if err := q.fail(f); err != nil {
			return err
		}
	}
	q.got = append(q.got, f)
	return nil
}

var errQueue = errors.New("queue is gone")

type fixture struct {
	*relay.Relay
	bus     bus
	queue   queue
	waits   []time.Duration
	now     time.Time
	logs    bytes.Buffer
	metrics bytes.Buffer
}

func newFixture() *fixture {
	f := &fixture{now: start}
	f.Relay = relay.New(relay.Options{
		Source:     "shop",
		Deployment: "test",
		Publisher:  &f.bus,
		Failures:   &f.queue,
		Logger:     slog.New(slog.NewJSONHandler(&f.logs, nil)),
		Metrics:    &f.metrics,
		Now:        func() time.Time { return f.now },
		Jitter:     func(d time.Duration) time.Duration { return d },
		Sleep: func(ctx context.Context, d time.Duration) error {
			f.waits = append(f.waits, d)
			return ctx.Err()
		},
	})
	return f
}

// handle delivers records and returns the sequence number to go on from, "" when
// all is done.
func (f *fixture) handle(t *testing.T, ctx context.Context, records ...events.DynamoDBEventRecord) string {
	t.Helper()
	resp, err := f.Handle(ctx, events.DynamoDBEvent{Records: records})
	if err != nil {
		t.Fatal(err)
	}
	if resp.BatchItemFailures == nil {
		t.Error("batchItemFailures is null: it must be a list")
	}
	if len(resp.BatchItemFailures) == 0 {
		return ""
	}
	if len(resp.BatchItemFailures) > 1 {
		t.Errorf("%d failures, a stream goes on from one", len(resp.BatchItemFailures))
	}
	return resp.BatchItemFailures[0].ItemIdentifier
}

// insert is the record of a new event order/<n>@1 with sequence number n.
func insert(t testing.TB, n int, change ...func(*eventlog.Stored)) events.DynamoDBEventRecord {
	t.Helper()
	s := eventlog.Stored{
		Stream: fmt.Sprintf("order/%d", n), Version: 1, Type: "order.placed", SchemaVersion: 2,
		Time: "2026-11-21T05:47:18.000000007Z", Data: `{"n":1}`, CorrelationID: "c", CommitID: "c",
		Bucket: "order.placed#2026-11-21#0",
	}
	for _, c := range change {
		c(&s)
	}
	item, err := eventlog.Events.Encode(s)
	if err != nil {
		t.Fatal(err)
	}
	return record(t, "INSERT", n, item)
}

func record(t testing.TB, name string, n int, item orm.Item) events.DynamoDBEventRecord {
	t.Helper()
	r := events.DynamoDBEventRecord{EventName: name, EventSourceArn: streamARN}
	r.Change.SequenceNumber = fmt.Sprintf("%021d", n)
	r.Change.Keys = image(t, eventlog.Events.Schema().KeyOf(item))
	r.Change.NewImage = image(t, item)
	return r
}

// image writes an item as Lambda gets it.
func image(t testing.TB, item orm.Item) map[string]events.DynamoDBAttributeValue {
	t.Helper()
	m := map[string]events.DynamoDBAttributeValue{}
	for name, v := range item {
		switch v := v.(type) {
		case *types.AttributeValueMemberS:
			m[name] = events.NewStringAttribute(v.Value)
		case *types.AttributeValueMemberN:
			m[name] = events.NewNumberAttribute(v.Value)
		default:
			t.Fatalf("attribute %s is a %T", name, v)
		}
	}
	return m
}

func sequence(n int) string { return fmt.Sprintf("%021d", n) }

func inserts(t testing.TB, n int) []events.DynamoDBEventRecord {
	var records []events.DynamoDBEventRecord
	for i := range n {
		records = append(records, insert(t, i))
	}
	return records
}

// ids writes event ids short: order/3@1 is 3.
func ids(of []string) string {
	var short []string
	for _, id := range of {
		short = append(short, strings.Replace(strings.TrimPrefix(id, "order/"), "@1", "", 1))
	}
	return strings.Join(short, " ")
}

func failed(q []relay.Failure) string {
	var of []string
	for _, f := range q {
		of = append(of, f.EventID)
	}
	return ids(of)
}

// lines reads JSON lines.
func lines(t *testing.T, b *bytes.Buffer) []map[string]any {
	t.Helper()
	var all []map[string]any
	d := json.NewDecoder(bytes.NewReader(b.Bytes()))
	for d.More() {
		var m map[string]any
		if err := d.Decode(&m); err != nil {
			t.Fatal(err)
		}
		all = append(all, m)
	}
	return all
}
