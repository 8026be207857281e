package capturetest

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/capture"
	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/eventlog"
	"github.com/vinci-go/vinci/internal/streamimage"
	"github.com/vinci-go/vinci/orm"
	"github.com/vinci-go/vinci/orm/ormtest"
)

// What a kit works with unless the test says otherwise.
const (
	Source       = "capturetest" // of the events that are committed
	FailureQueue = "capturetest_dlq"
)

// Start is when a kit's clock stands at first.
var Start = time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)

// Kit is a consumer of a table's changes with all that it needs. Its methods fail the
// test, at once, when they cannot do what they say; so they may be called from the
// test's own goroutine only, as testing.T demands.
type Kit struct {
	// Store holds the application's tables and the framework's. Its hooks make it
	// fail.
	Store *ormtest.Memory
	// Log commits to the same store.
	Log *eventlog.Log
	// Consumer is what the kit delivers to.
	Consumer *capture.Consumer

	t     testing.TB
	name  string // of the handler
	table string // that it is about

	mu        sync.Mutex
	now       time.Time
	records   []events.DynamoDBEventRecord
	delivered int // of records
	committed []event.Envelope
	letters   []bus.DeadLetter
	fail      func() error
}

// Options changes a kit. The zero value is the default.
type Options struct {
	// Store is used in place of an empty one, for handlers that need the store before
	// the kit is made. What is written to it before is not captured.
	Store *ormtest.Memory
	// Change may change what the consumer is made with.
	Change func(*capture.ConsumerOptions)
}

// New makes a kit that runs a table handler, as [capture.Start] does. The test fails
// when they do not fit.
func New(t testing.TB, def *capture.Definition, parts ...capture.Part) *Kit {
	t.Helper()
	return With(t, Options{}, def, parts...)
}

// With is [New] with options.
func With(t testing.TB, o Options, def *capture.Definition, parts ...capture.Part) *Kit {
	t.Helper()
	k := &Kit{t: t, Store: o.Store, now: Start}
	if k.Store == nil {
		k.Store = ormtest.New(ormtest.Clock(k.Now))
	}
	k.Log = eventlog.New(k.Store, eventlog.Options{Source: Source, Now: k.Now, Jitter: none, Sleep: k.sleep})
	co := capture.ConsumerOptions{
		Definition: def, Parts: parts, Store: k.Store, Log: k.Log,
		FailureQueue: failures{k}, QueueName: FailureQueue,
		Now: k.Now, Jitter: none, Sleep: k.sleep,
		Logger: slog.New(slog.NewTextHandler(t.Output(), nil)),
	}
	if o.Change != nil {
		o.Change(&co)
	}
	consumer, err := capture.NewConsumer(co)
	if err != nil {
		t.Fatalf("capturetest: %v", err)
	}
	k.Consumer, k.name = consumer, def.Name
	table := def.Table.Schema()
	k.table = table.Name
	k.Store.Subscribe(func(r ormtest.Record) { k.changed(table, r) })
	return k
}

func none(time.Duration) time.Duration { return 0 }

// sleep moves the clock in place of waiting.
func (k *Kit) sleep(ctx context.Context, d time.Duration) error {
	k.Advance(d)
	return ctx.Err()
}

// Now is the kit's time.
func (k *Kit) Now() time.Time {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.now
}

// Advance moves the kit's clock, so that leases run out.
func (k *Kit) Advance(d time.Duration) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.now = k.now.Add(d)
}

// changed takes a change of a table of the store.
func (k *Kit) changed(captured *orm.Schema, r ormtest.Record) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if r.Table == eventlog.Events.Schema() {
		s, err := eventlog.StoredOf(r.New)
		if err == nil {
			var e event.Envelope
			if e, err = s.Envelope(Source); err == nil {
				k.committed = append(k.committed, e)
			}
		}
		if err != nil {
			k.t.Errorf("capturetest: an event in the log: %v", err)
		}
	}
	if r.Table == captured {
		k.records = append(k.records, recordOf(r, k.now))
	}
}

// recordOf is a change as a Lambda function gets it.
func recordOf(r ormtest.Record, at time.Time) events.DynamoDBEventRecord {
	out := events.DynamoDBEventRecord{
		EventID: fmt.Sprintf("%032x", r.Sequence), EventName: r.Event, EventSource: "aws:dynamodb", EventVersion: "1.1", AWSRegion: "us-east-1",
		EventSourceArn: "arn:aws:dynamodb:us-east-1:000000000000:table/" + r.Table.Name + "/stream/2026-03-01T12:00:00.000",
	}
	out.Change = events.DynamoDBStreamRecord{
		ApproximateCreationDateTime: events.SecondsEpochTime{Time: at.Truncate(time.Second)},
		Keys:                        streamimage.Image(r.Key), OldImage: streamimage.Image(r.Old), NewImage: streamimage.Image(r.New),
		SequenceNumber: fmt.Sprintf("%021d", r.Sequence), StreamViewType: string(events.DynamoDBStreamViewTypeNewAndOldImages),
	}
	return out
}

// Write executes writes, as one transaction, and keeps their changes for delivery.
func (k *Kit) Write(writes ...orm.Write) {
	k.t.Helper()
	if err := orm.Exec(k.t.Context(), k.Store, writes...); err != nil {
		k.t.Fatalf("capturetest: %v", err)
	}
}

// Records are the changes of the table so far, in their order, as a function gets
// them.
func (k *Kit) Records() []events.DynamoDBEventRecord {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.Clone(k.records)
}

// Deliver delivers the changes that have not been delivered yet, in one invocation,
// and from the first that failed on again until all are done, and then those that
// came of it. The test fails when that takes over 100 invocations. It returns how
// many it took.
func (k *Kit) Deliver() (invocations int) {
	k.t.Helper()
	for {
		k.mu.Lock()
		waiting := slices.Clone(k.records[k.delivered:])
		k.delivered = len(k.records)
		k.mu.Unlock()
		if len(waiting) == 0 {
			return invocations
		}
		invocations += k.DeliverRecords(waiting...)
	}
}

// DeliverAgain delivers all changes so far once more, in invocations of size records
// each. With size 0 it is one.
func (k *Kit) DeliverAgain(size int) {
	k.t.Helper()
	records := k.Records()
	if size <= 0 {
		size = max(1, len(records))
	}
	for part := range slices.Chunk(records, size) {
		k.DeliverRecords(part...)
	}
	k.Deliver()
}

// DeliverRecords delivers records in one invocation, and from the first that failed
// on again until all are done. It returns how many invocations it took.
func (k *Kit) DeliverRecords(records ...events.DynamoDBEventRecord) (invocations int) {
	k.t.Helper()
	const most = 100
	for len(records) > 0 {
		if invocations++; invocations > most {
			k.t.Fatalf("capturetest: %s is not done with %d records after %d invocations", k.name, len(records), most)
		}
		failed, err := k.Handle(k.t.Context(), records...)
		if err != nil {
			k.t.Fatalf("capturetest: %v", err)
		}
		if failed < 0 {
			break
		}
		records = records[failed:]
	}
	return invocations
}

// Handle is one invocation, whose time-out is the deadline of ctx. failed is the index
// of the first record that must come again, -1 when none must. The error is the
// consumer's.
func (k *Kit) Handle(ctx context.Context, records ...events.DynamoDBEventRecord) (failed int, err error) {
	k.t.Helper()
	resp, err := k.Consumer.Handle(ctx, events.DynamoDBEvent{Records: records})
	if err != nil || len(resp.BatchItemFailures) == 0 {
		return -1, err
	}
	number := resp.BatchItemFailures[0].ItemIdentifier
	failed = slices.IndexFunc(records, func(r events.DynamoDBEventRecord) bool { return r.Change.SequenceNumber == number })
	if failed < 0 || len(resp.BatchItemFailures) > 1 {
		k.t.Fatalf("capturetest: the answer names %v, want one record of the batch", resp.BatchItemFailures)
	}
	return failed, nil
}

// Committed are the events that were committed to the kit's store, in their order.
func (k *Kit) Committed() []event.Envelope {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.Clone(k.committed)
}

// Delivery is the record of a change at the handler. The test fails when there is
// none.
func (k *Kit) Delivery(r events.DynamoDBEventRecord) bus.Delivery {
	k.t.Helper()
	d, err := bus.Deliveries.Get(context.Background(), k.Store, orm.Key(capture.RecordID(k.table, r.EventID), k.name))
	if err != nil {
		k.t.Fatalf("capturetest: the delivery of %s at %s: %v", r.EventID, k.name, err)
	}
	return d
}

// Failures are the messages in the failure queue, in their order.
func (k *Kit) Failures() []bus.DeadLetter {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.Clone(k.letters)
}

// FailQueue makes the failure queue fail with what f returns, as long as that is an
// error; nil takes f away.
func (k *Kit) FailQueue(f func() error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.fail = f
}

type failures struct{ k *Kit }

// Send implements [capture.FailureQueue].
func (f failures) Send(ctx context.Context, m bus.DeadLetter) error {
	f.k.mu.Lock()
	defer f.k.mu.Unlock()
	if f.k.fail != nil {
		if err := f.k.fail(); err != nil {
			return err
		}
	}
	f.k.letters = append(f.k.letters, m)
	return ctx.Err()
}
