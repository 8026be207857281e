package sqsbatch

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/vinci-go/vinci/internal/backoff"
	"github.com/vinci-go/vinci/orm"
)

// Status is where the work under one key stands.
type Status string

// The states of a record.
const (
	Processing Status = "processing" // a lease is held
	Succeeded  Status = "succeeded"
	Failed     Status = "failed" // may be tried again at once
)

// Record is what is known of the work under one idempotency key.
type Record struct {
	Key    string `dynamo:"key,hash"`
	Status Status `dynamo:"status"`
	// Attempts counts the runs that succeeded, failed, or never ended.
	Attempts int `dynamo:"attempts"`
	// LeaseUntil is until when a run that is processing keeps all others away; in
	// whole seconds, because conditions compare it as a number.
	LeaseUntil time.Time `dynamo:"lease_until,unixtime,omitempty"`
	// RunID is the run that holds the lease, or that wrote the record last.
	RunID   string    `dynamo:"run_id"`
	FirstAt time.Time `dynamo:"first_at"`
	LastAt  time.Time `dynamo:"last_at"`
	// PayloadHash is the SHA-256 of the payload in hexadecimal; empty when payloads
	// are not compared.
	PayloadHash string `dynamo:"payload_hash,omitempty"`
	// Result is the JSON of what [Once] returned.
	Result string `dynamo:"result,omitempty"`
	// NoResult says why there is no Result though the work succeeded.
	NoResult     string `dynamo:"no_result,omitempty"`
	ErrorKind    string `dynamo:"error_kind,omitempty"`    // of the last failure
	ErrorMessage string `dynamo:"error_message,omitempty"` // at most 1,024 bytes
	ExpiresAt    int64  `dynamo:"expires_at"`              // epoch seconds
}

// Stuck reports whether the last run never ended: its lease ran out, and nobody
// has taken it over yet.
func (r *Record) Stuck(now time.Time) bool {
	return r.Status == Processing && !now.Before(r.LeaseUntil)
}

// expired reports whether the record means nothing any more. DynamoDB deletes
// what has expired some time later, often days.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/TTL.html
func (r *Record) expired(now time.Time) bool { return now.Unix() >= r.ExpiresAt }

// Table is the definition of a table of records.
type Table = orm.Table[Record, string]

// DefineTable makes the definition of a table of records: partition key "key" (S),
// expiry (TTL) by "expires_at". The store that it is used with says which table
// of AWS that is. Several functions may share a table when their keys differ.
func DefineTable(name string) *Table {
	return orm.Define[Record, string](name,
		orm.Description("What has been done under each idempotency key."),
		orm.TTL("expires_at"))
}

// How long a record is kept. It must outlive every way by which its message can
// come again, or the work would be done a second time: a queue keeps a message for
// up to 14 days, its dead-letter queue up to 14 days more, and whoever moves it
// back needs a few days.
//
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/setting-up-dead-letter-queue-retention.html
const (
	DefaultRetention = 35 * 24 * time.Hour
	MinRetention     = time.Hour
)

// RecordOptions says how records are kept. The zero value is what a program wants.
type RecordOptions struct {
	Retention time.Duration // default DefaultRetention, at least MinRetention
	// Timeout is how long a run may take whose context has no deadline, which under
	// Lambda it always has; default 15 minutes.
	Timeout time.Duration

	Now    func() time.Time                           // default: time.Now
	NewID  func() string                              // a new run id, never one twice; default: 26 random characters
	Jitter func(time.Duration) time.Duration          // a random part of a wait, from 0 to all of it; default: evenly spread
	Sleep  func(context.Context, time.Duration) error // waits, or returns the context's error; default: a timer
}

// Records keeps records in a table. It is safe for concurrent use. Make it with
// [NewRecords].
type Records struct {
	store     orm.Store
	table     *Table
	attrs     attributes
	retention time.Duration
	timeout   time.Duration
	now       func() time.Time
	newID     func() string
	jitter    func(time.Duration) time.Duration
	sleep     func(context.Context, time.Duration) error
	err       error
}

// attributes are those that are written one by one.
type attributes struct {
	status                      orm.Attribute[Record, Status]
	attempts                    orm.NumberAttribute[Record, int]
	leaseUntil, firstAt, lastAt orm.Attribute[Record, time.Time]
	runID, payloadHash          orm.Attribute[Record, string]
	result, noResult            orm.Attribute[Record, string]
	errorKind, errorMessage     orm.Attribute[Record, string]
	expiresAt                   orm.NumberAttribute[Record, int64]
}

// NewRecords keeps records in the table of that definition. It does not panic:
// what is wrong is in Err, and in the error of whatever uses the records.
func NewRecords(store orm.Store, table *Table, o RecordOptions) *Records {
	r := &Records{store: store, table: table, retention: o.Retention, timeout: o.Timeout, now: o.Now, newID: o.NewID, jitter: o.Jitter, sleep: o.Sleep}
	var errs []error
	wrong := func(format string, args ...any) {
		errs = append(errs, &Error{Kind: KindDefinition, Op: "records", Reason: fmt.Sprintf(format, args...)})
	}
	if store == nil {
		wrong("the store is nil: orm.NewDynamoDB makes one of a *dynamodb.Client, ormtest.New one in memory")
	}
	switch {
	case table == nil:
		wrong("the table is nil: sqsbatch.DefineTable makes one")
	case table.Err() != nil:
		errs = append(errs, table.Err())
	default:
		r.attrs = attributesOf(table)
	}
	if r.retention == 0 {
		r.retention = DefaultRetention
	}
	if r.retention < MinRetention {
		wrong("retention %v: at least %v is allowed, and less than what queue and dead-letter queue keep lets a message that comes again be handled again", o.Retention, MinRetention)
	}
	if r.timeout == 0 {
		r.timeout = defaultTimeout
	}
	if r.timeout < 0 {
		wrong("timeout %v: it cannot be negative", o.Timeout)
	}
	if r.now == nil {
		r.now = time.Now
	}
	if r.newID == nil {
		r.newID = rand.Text
	}
	if r.jitter == nil {
		r.jitter = backoff.Jitter
	}
	if r.sleep == nil {
		r.sleep = backoff.Sleep
	}
	r.err = errors.Join(errs...)
	return r
}

func attributesOf(t *Table) attributes {
	return attributes{
		status:       orm.Attr(t, func(r *Record) *Status { return &r.Status }),
		attempts:     orm.Number(t, func(r *Record) *int { return &r.Attempts }),
		leaseUntil:   orm.Attr(t, func(r *Record) *time.Time { return &r.LeaseUntil }),
		firstAt:      orm.Attr(t, func(r *Record) *time.Time { return &r.FirstAt }),
		lastAt:       orm.Attr(t, func(r *Record) *time.Time { return &r.LastAt }),
		runID:        orm.Attr(t, func(r *Record) *string { return &r.RunID }),
		payloadHash:  orm.Attr(t, func(r *Record) *string { return &r.PayloadHash }),
		result:       orm.Attr(t, func(r *Record) *string { return &r.Result }),
		noResult:     orm.Attr(t, func(r *Record) *string { return &r.NoResult }),
		errorKind:    orm.Attr(t, func(r *Record) *string { return &r.ErrorKind }),
		errorMessage: orm.Attr(t, func(r *Record) *string { return &r.ErrorMessage }),
		expiresAt:    orm.Number(t, func(r *Record) *int64 { return &r.ExpiresAt }),
	}
}

// Err reports everything that is wrong with the records, nil when nothing is.
func (r *Records) Err() error {
	if r == nil {
		return &Error{Kind: KindDefinition, Op: "records", Reason: "they are nil: sqsbatch.NewRecords makes them"}
	}
	return r.err
}
