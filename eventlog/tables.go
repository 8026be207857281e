package eventlog

import (
	"hash/fnv"
	"strconv"
	"time"

	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/internal/names"
	"github.com/vinci-go/vinci/orm"
)

// Events is the table of the log: outbox, event store, history and replay source
// in one. An item is written once, in a transaction, and never changed.
//
// Its two indexes hold keys only, which is enough to find an event. Both are
// sorted by time, so each reads as a history.
var Events = orm.Define[Stored, orm.Pair[string, int64]](names.TableEvents,
	orm.Description("The event log: every event, once, for good."),
	orm.KeysOnly(IndexByType),
	orm.KeysOnly(IndexByCorrelation),
	orm.Stream(),
)

// The indexes of [Events].
const (
	IndexByType        = "by_type"        // bucket, then time
	IndexByCorrelation = "by_correlation" // correlation id, then time
)

// The indexes of [Events], to be queried. They hold the keys and the time of an
// event, nothing more, and are always a moment behind the table.
var (
	EventsByType = orm.IndexOf(Events,
		func(s *Stored) *string { return &s.Bucket },
		func(s *Stored) *string { return &s.Time },
	)
	EventsByCorrelation = orm.IndexOf(Events,
		func(s *Stored) *string { return &s.CorrelationID },
		func(s *Stored) *string { return &s.Time },
	)
)

// Shards is the number of partitions that the events of one type and day are
// spread over in [IndexByType]. One partition of an index takes 1,000 writes a
// second, and a full one would hold up every commit to the table.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/bp-gsi-sharding.html
const Shards = 8

// Stored is an event as it lies in the table.
type Stored struct {
	Stream        string `dynamo:"stream,hash"`
	Version       int64  `dynamo:"version,range"`
	Type          string `dynamo:"type"`
	SchemaVersion int    `dynamo:"schema_version"`
	// Time is UTC with always nine digits of a second, so that text sorts as time
	// does. RFC 3339 as Go writes it leaves zeros out and does not.
	Time          string `dynamo:"time" index:"by_type,range;by_correlation,range"`
	Data          string `dynamo:"data"` // JSON as text: what was committed is what is read, byte for byte
	CorrelationID string `dynamo:"correlation_id" index:"by_correlation,hash"`
	CausationID   string `dynamo:"causation_id,omitempty"`
	TenantID      string `dynamo:"tenant_id,omitempty"`
	Actor         string `dynamo:"actor,omitempty"`
	TraceParent   string `dynamo:"traceparent,omitempty"`
	CommitID      string `dynamo:"commit_id"`
	Bucket        string `dynamo:"bucket" index:"by_type,hash"` // type#day#shard
	// Public is what of the event may leave the application, JSON as text, in a
	// shape and a version of its own. Both are absent from an internal event.
	Public        string `dynamo:"public,omitempty"`
	PublicVersion int    `dynamo:"public_version,omitempty"`
}

// timeLayout is RFC 3339 with a fixed number of digits.
const timeLayout = "2006-01-02T15:04:05.000000000Z07:00"

// FormatTime is how a time stands in [Stored].Time: UTC with nine digits of a
// second.
func FormatTime(t time.Time) string { return t.UTC().Format(timeLayout) }

// Bucket is the partition of [IndexByType] that an event goes to: its type, the
// day (UTC) and a shard that its stream decides, type#yyyy-mm-dd#0 to 7.
func Bucket(eventType string, t time.Time, stream string) string {
	h := fnv.New32a()
	h.Write([]byte(stream)) // a hash.Hash never returns an error
	return bucket(eventType, t, int(h.Sum32()%Shards))
}

func bucket(eventType string, t time.Time, shard int) string {
	return eventType + "#" + t.UTC().Format(time.DateOnly) + "#" + strconv.Itoa(shard)
}

// Envelope is the event as it travels. source is the application: the table is
// one application's, so the items do not repeat its name.
func (s *Stored) Envelope(source string) (event.Envelope, error) {
	t, err := time.Parse(timeLayout, s.Time)
	if err != nil {
		return event.Envelope{}, &DamagedError{Stream: s.Stream, Version: s.Version, Reason: "its attribute time cannot be read", Err: err}
	}
	return event.Envelope{
		Metadata: event.Metadata{
			ID:            event.EventID(s.Stream, s.Version),
			Source:        source,
			Type:          s.Type,
			Subject:       s.Stream,
			Time:          t.UTC(),
			SchemaVersion: s.SchemaVersion,
			CorrelationID: s.CorrelationID,
			CausationID:   s.CausationID,
			TenantID:      s.TenantID,
			Actor:         s.Actor,
			TraceParent:   s.TraceParent,
		},
		Data: []byte(s.Data),
	}, nil
}
