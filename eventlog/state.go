package eventlog

import (
	"time"

	"github.com/vinci-go/vinci/internal/names"
	"github.com/vinci-go/vinci/orm"
)

// State is the table of what the framework remembers beside the log, each kind
// of item under a prefix of its own: see the constants of StateItem.Kind.
//
// Its index by_due lists what becomes due, and holds nothing else.
var State = orm.Define[StateItem, string](names.TableState,
	orm.Description("What the framework remembers beside the log."),
	orm.TTL("expires_at"),
)

// StateItem is an item of [State]. Which attributes it has depends on its kind.
type StateItem struct {
	Key  string `dynamo:"key,hash"` // made by one of the functions below: kind/…
	Kind string `dynamo:"kind"`
	Data string `dynamo:"data,omitempty"` // JSON as text, of the kind's own shape
	// CommitID is the commit that wrote the item, where one did.
	CommitID string `dynamo:"commit_id,omitempty"`
	// Position is a version of a stream: the last one that was handled, or that is
	// in a snapshot.
	Position int64 `dynamo:"position,omitempty"`
	// RunID is the run that holds the lease, or that wrote the item last.
	RunID string `dynamo:"run_id,omitempty"`
	// LeaseUntil is until when that run keeps others away; in whole seconds,
	// because conditions compare it as a number.
	LeaseUntil time.Time `dynamo:"lease_until,unixtime,omitempty"`
	BlockedBy  string    `dynamo:"blocked_by,omitempty"` // id of the event that a stream waits for
	// Due is UTC with always nine digits of a second, so that text sorts as time
	// does.
	Due       string `dynamo:"due,omitempty" index:"by_due,range"`
	DueShard  string `dynamo:"due_shard,omitempty" index:"by_due,hash"`
	ExpiresAt int64  `dynamo:"expires_at,omitempty"` // epoch seconds, zero: never
}

// StateByDue is the index of [State] that lists what becomes due in one shard,
// by time. It holds whole items.
var StateByDue = orm.IndexOf(State,
	func(s *StateItem) *string { return &s.DueShard },
	func(s *StateItem) *string { return &s.Due },
)

// The kinds of item in [State].
const (
	StateCommand    = "command"    // a command that was done: its result
	StateTimer      = "timer"      // an event that is due later
	StateCheckpoint = "checkpoint" // how far a subscription has read a stream
	StateSnapshot   = "snapshot"   // what a stream came to, up to a version
	StateReplay     = "replay"     // how far a replay has come
	StateModel      = "readmodel"  // which generations a read model has
	StateSetting    = "setting"    // a value that can be changed while the application runs
)

// CommandKey is the key of the record of a command.
func CommandKey(id string) string { return StateCommand + "/" + id }

// TimerKey is the key of a timer.
func TimerKey(id string) string { return StateTimer + "/" + id }

// CheckpointKey is the key of a subscription's place in a stream. A
// subscription's name has no slash, so no two places have one key.
func CheckpointKey(subscription, stream string) string {
	return StateCheckpoint + "/" + subscription + "/" + stream
}

// SnapshotKey is the key of a stream's snapshot of one name, which has no slash.
func SnapshotKey(name, stream string) string { return StateSnapshot + "/" + name + "/" + stream }

// ReplayKey is the key of a replay.
func ReplayKey(id string) string { return StateReplay + "/" + id }

// ModelKey is the key of what says which generations the read model of a
// subscription has.
func ModelKey(subscription string) string { return StateModel + "/" + subscription }

// SettingKey is the key of a setting's value.
func SettingKey(name string) string { return StateSetting + "/" + name }
