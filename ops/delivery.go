package ops

import (
	"time"

	"github.com/vinci-go/vinci/bus"
)

// State is what a delivery looks like to a person: its status, or what that means by
// now.
type State string

// The states of a delivery.
const (
	Processing State = "processing"
	Succeeded  State = "succeeded"
	Ignored    State = "ignored"
	Failed     State = "failed"  // will be tried again
	Dead       State = "dead"    // given up: it is in the dead-letter queue until somebody takes it out
	Stuck      State = "stuck"   // a run never ended, and nobody has taken it over yet
	Blocked    State = "blocked" // its stream waits for it, in an ordered subscription
)

// Delivery is what became of an event at a subscription.
type Delivery struct {
	EventID       string     `json:"event_id"`
	Namespace     string     `json:"namespace,omitempty"` // of a replay, see bus.Rebuildable
	Subscription  string     `json:"subscription"`
	EventType     string     `json:"event_type"`
	CorrelationID string     `json:"correlation_id"`
	Status        bus.Status `json:"status"` // as it is recorded
	State         State      `json:"state"`
	Attempts      int        `json:"attempts"`
	FirstAt       time.Time  `json:"first_at"`
	LastAt        time.Time  `json:"last_at"`
	DurationMS    float64    `json:"duration_ms"` // of the handler in the last attempt that ended
	LeaseUntil    time.Time  `json:"lease_until,omitzero"`
	ErrorKind     string     `json:"error_kind,omitempty"`
	ErrorMessage  string     `json:"error_message,omitempty"`
	ExpiresAt     time.Time  `json:"expires_at,omitzero"` // when the record is forgotten
}

// Duration is how long the handler ran in the last attempt that ended.
func (d *Delivery) Duration() time.Duration {
	return time.Duration(d.DurationMS * float64(time.Millisecond))
}

func view(d *bus.Delivery, now time.Time) Delivery {
	id, namespace := bus.SplitRecordID(d.EventID)
	v := Delivery{
		EventID: id, Namespace: namespace, Subscription: d.Subscription, EventType: d.EventType, CorrelationID: d.CorrelationID,
		Status: d.Status, State: State(d.Status), Attempts: d.Attempts, FirstAt: d.FirstAt, LastAt: d.LastAt,
		DurationMS: float64(d.Duration) / float64(time.Millisecond), LeaseUntil: d.LeaseUntil,
		ErrorKind: d.ErrorKind, ErrorMessage: d.ErrorMessage,
	}
	if d.ExpiresAt > 0 {
		v.ExpiresAt = time.Unix(d.ExpiresAt, 0).UTC()
	}
	if d.Stuck(now) {
		v.State = Stuck
	}
	return v
}
