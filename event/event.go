package event

import (
	"encoding/json"
	"time"
)

// Metadata is everything that an event carries besides its data. The names on
// the wire are CloudEvents', plus extension attributes in lower case.
type Metadata struct {
	ID            string    // <stream>@<version>: made once, never changes
	Source        string    // the application that committed it
	Type          string    // user.created
	Subject       string    // the stream: user/7f3c
	Time          time.Time // when it was committed, UTC
	SchemaVersion int       // the version of Data's shape, from 1
	CorrelationID string    // the same for everything that one request caused
	CausationID   string    // the event or command that caused this one
	TenantID      string
	Actor         string // who did it
	TraceParent   string // W3C trace context
}

// Event is an event of one type, decoded.
type Event[T any] struct {
	Metadata
	Data T
}

// Envelope is an event as it travels: the detail of an EventBridge event.
// Unknown members are tolerated when it is read.
type Envelope struct {
	Metadata
	Data json.RawMessage
}

// Record is an event that is to be committed: type, place and encoded data.
// Make it with [Definition.Record] or [At.Record].
type Record struct {
	Type          string
	SchemaVersion int
	Stream        string   // empty: a fact with no aggregate; the log gives it a stream of its own
	Expected      Expected // ignored when Stream is empty
	Data          json.RawMessage
	Public        json.RawMessage // the data as others see it, see [Public]; nil when the event is internal
	PublicVersion int             // the schema version of Public; 0 when the event is internal
	Err           error           // why Data could not be made; a commit returns it
}

// Expected is what a commit expects of the stream's head.
type Expected int64

// The two expectations that need no number.
const (
	Append Expected = -1 // any version: the log reads the head and retries
	New    Expected = 0  // the stream does not exist yet
)

// Expect is the version that must be the stream's last one.
func Expect(version int64) Expected { return Expected(version) }
