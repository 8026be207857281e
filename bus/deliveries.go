package bus

import (
	"fmt"
	"time"

	"github.com/vinci-go/vinci/internal/names"
	"github.com/vinci-go/vinci/orm"
)

// Status is what became of one event at one subscription.
type Status string

// The states of a delivery.
const (
	Processing Status = "processing" // a lease is held
	Succeeded  Status = "succeeded"
	Failed     Status = "failed"  // will be tried again
	Dead       Status = "dead"    // given up; it is in the dead-letter queue
	Ignored    Status = "ignored" // wanted by a wildcard, no handler for its type
)

// Settled reports whether nothing more will happen to the delivery: whoever
// receives the event again acknowledges it.
func (s Status) Settled() bool { return s == Succeeded || s == Dead || s == Ignored }

// Delivery is idempotency record, trace, audit and failure list in one: what
// became of one event at one subscription. There is none before the first
// attempt.
type Delivery struct {
	EventID      string `dynamo:"event_id,hash" index:"by_subscription,range"` // the [RecordID]
	Subscription string `dynamo:"subscription,range"`
	Status       Status `dynamo:"status"`
	// Attempts counts the runs of the handler that ended in success or failure,
	// and with [On] those that never ended. What is not the handler's doing
	// (waiting for a lease, throttling, contention) does not count.
	Attempts int `dynamo:"attempts"`
	// LeaseUntil is until when a run that is processing keeps all others away; in
	// whole seconds, because conditions compare it as a number.
	LeaseUntil time.Time `dynamo:"lease_until,unixtime,omitempty"`
	// RunID is the run that holds the lease, or that wrote the record last.
	RunID         string        `dynamo:"run_id,omitempty"`
	FirstAt       time.Time     `dynamo:"first_at"`
	LastAt        time.Time     `dynamo:"last_at"`
	Duration      time.Duration `dynamo:"duration_ns"` // of the handler in the last attempt that ended
	ErrorKind     string        `dynamo:"error_kind,omitempty"`
	ErrorMessage  string        `dynamo:"error_message,omitempty"` // at most 1,024 bytes
	EventType     string        `dynamo:"event_type"`
	CorrelationID string        `dynamo:"correlation_id"`
	// Trouble is the subscription's name while there is something to look at, and
	// absent otherwise, so that the index costs nothing when all is well.
	Trouble   string `dynamo:"trouble,omitempty" index:"by_subscription,hash"`
	ExpiresAt int64  `dynamo:"expires_at"` // epoch seconds
}

// Stuck reports whether the delivery's last run never ended: its lease ran out,
// and nobody has taken it over yet.
func (d *Delivery) Stuck(now time.Time) bool {
	return d.Status == Processing && !now.Before(d.LeaseUntil)
}

// Deliveries is the table of deliveries, one item for an event and a
// subscription. Consumers write it, and package ops when a person decides what
// becomes of an event.
//
// Its index by_subscription lists what needs attention at one subscription:
// deliveries that failed, are dead, or needed a second attempt that has not
// succeeded yet.
var Deliveries = orm.Define[Delivery, orm.Pair[string, string]](names.TableDeliveries,
	orm.Description("What became of each event at each subscription."),
	orm.TTL("expires_at"),
)

// DeliveriesBySubscription is the index of [Deliveries] that lists what needs
// attention at one subscription, by event id.
var DeliveriesBySubscription = orm.IndexOf(Deliveries,
	func(d *Delivery) *string { return &d.Trouble },
	func(d *Delivery) *string { return &d.EventID },
)

// How long a delivery record is kept.
//
// A record must outlive every way by which its event can come again, or the
// event would be handled a second time: EventBridge tries for a day, a queue
// keeps a message for up to 14 days and its dead-letter queue up to 14 days from
// the first sending, and whoever redrives needs a few days more. An event that
// is replayed from an archive can be as old as the archive.
const (
	DefaultRetention = 35 * 24 * time.Hour
	MinRetention     = 20 * 24 * time.Hour // plus what the bus's archive keeps
)

// checkRetention returns the retention that is meant, with archive added to the
// default.
func checkRetention(retention, archive time.Duration) (time.Duration, error) {
	if retention == 0 {
		retention = DefaultRetention + archive
	}
	if archive < 0 {
		return 0, fmt.Errorf("archive retention %v is negative", archive)
	}
	if least := MinRetention + archive; retention < least {
		return 0, fmt.Errorf("retention of delivery records %v: at least %v is allowed (%v and the %v that the archive keeps), or an event that comes again would be handled again", retention, least, MinRetention, archive)
	}
	return retention, nil
}
