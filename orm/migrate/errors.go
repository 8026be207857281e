package migrate

import (
	"errors"
	"fmt"

	"github.com/vinci-go/vinci/orm"
)

// What ends a run before its end. Test for one with errors.Is.
var (
	// ErrStopped: the context ended. The next run goes on from here; errors.Is
	// finds the context's error, too.
	ErrStopped = errors.New("stopped")
	// ErrFailures: the run came to its end or to MaxFailures, and items have
	// failed. The next run tries them again.
	ErrFailures = errors.New("items failed")
	// ErrRunning: another process runs this migration.
	ErrRunning = errors.New("the migration is running")
	// ErrCheckpoint: the checkpoint belongs to something else.
	ErrCheckpoint = errors.New("the checkpoint does not fit")
)

// errPrint: what a dry run has to say cannot be written.
var errPrint = errors.New("print what would be written")

// verdict says what an error of one item means for the run.
type verdict int

const (
	fails    verdict = iota // the item has failed, the run goes on
	outrun                  // somebody else was quicker: with the item as it is now it may go
	passing                 // nobody's fault, and may be over soon
	hopeless                // every other item would fare the same
)

func judge(err error) verdict {
	switch {
	case errors.Is(err, errPrint), errors.Is(err, orm.KindNoTable), errors.Is(err, orm.KindDenied), errors.Is(err, orm.KindDefinition):
		return hopeless
	case errors.Is(err, orm.KindThrottled), errors.Is(err, orm.KindUnavailable):
		return passing
	case orm.Only(err, orm.KindConditionFailed, orm.KindChanged, orm.KindVersionConflict, orm.KindConflict):
		return outrun
	}
	return fails
}

// Failure is one item that could not be handled.
type Failure struct {
	Key    string  `json:"key"` // for people
	Reason string  `json:"reason"`
	Item   itemKey `json:"item"`
}

// String is the item's key and the reason.
func (f Failure) String() string { return fmt.Sprintf("%s: %s", f.Key, f.Reason) }
