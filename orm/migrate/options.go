package migrate

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"time"

	"github.com/vinci-go/vinci/internal/backoff"
	"github.com/vinci-go/vinci/internal/names"
	"github.com/vinci-go/vinci/orm"
)

// What [Options] mean when they are zero.
const (
	DefaultRate        = 100 // items a second
	DefaultPageSize    = 100 // items
	DefaultMaxFailures = 100 // items
)

// MaxSegments is how many segments a scan may have.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_Scan.html
const MaxSegments = 1_000_000

// MaxTries is how often one item is tried that others change at the same time,
// and how often a request is made that is throttled or not answered.
const MaxTries = 8

// Func says how one item is changed: by no write, when it is as it should be, or
// by writes that happen together, to its own table or to others. It must be
// repeatable (see the package documentation), and safe for concurrent use when
// the run has several segments. Its context does not end when the run is
// stopped: the item in hand is finished first.
type Func[T any] func(ctx context.Context, item T) ([]orm.Write, error)

// Options say how a migration runs. Store and Checkpoint are required.
type Options struct {
	Store      orm.Store
	Deployment string // whose table it is, for the checkpoint and for messages
	Checkpoint string // the file that keeps where the run is; its folder is made

	Rate        float64 // items a second at most; 0: DefaultRate; below 0: no limit
	Segments    int     // parts of the table that are read side by side; 0: as the checkpoint has, else 1
	PageSize    int     // items read at once, and between two checkpoints of a segment; 0: DefaultPageSize
	MaxFailures int     // the run stops when so many items have failed; 0: DefaultMaxFailures
	DryRun      bool    // write nothing, print what would be written; from the beginning, and the checkpoint stays as it is
	Restart     bool    // forget the checkpoint
	TableID     string  // DynamoDB's own id of the table, which no other table has, also when it is made anew with the same name; empty: not known
	Items       int64   // about how many items the table has, for the progress; 0: not known

	Output   io.Writer // what a dry run would write, and the summary; nil: nothing
	Progress io.Writer // how far it is; nil: nothing
	Terminal bool      // Progress is one: one line, written anew

	Now   func() time.Time                           // nil: time.Now
	Sleep func(context.Context, time.Duration) error // nil: waits, or ends early with the context's error
}

func (o Options) withDefaults() Options {
	if o.Rate == 0 {
		o.Rate = DefaultRate
	}
	if o.PageSize == 0 {
		o.PageSize = DefaultPageSize
	}
	if o.MaxFailures == 0 {
		o.MaxFailures = DefaultMaxFailures
	}
	if o.Output == nil {
		o.Output = io.Discard
	}
	if o.Progress == nil {
		o.Progress = io.Discard
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Sleep == nil {
		o.Sleep = backoff.Sleep
	}
	return o
}

// check reports everything that is wrong with the options at once.
func (o Options) check(name string) error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if err := names.Check(name); err != nil {
		bad("migration: %w", err)
	}
	if o.Store == nil {
		bad("Options.Store is missing")
	}
	if o.Checkpoint == "" && !o.DryRun {
		bad("Options.Checkpoint is missing: name the file that keeps where the run is")
	}
	if math.IsNaN(o.Rate) || o.Rate > 0 && o.Rate < 0.001 {
		bad("a rate of %v items a second: allowed are 0.001 and more, and -1 for no limit", o.Rate)
	}
	if o.Segments < 0 || o.Segments > MaxSegments {
		bad("%d segments: allowed are 1 to %d", o.Segments, MaxSegments)
	}
	if o.PageSize < 0 || o.PageSize > 1_000_000 {
		bad("a page of %d items: allowed are 1 to 1000000", o.PageSize)
	}
	if o.MaxFailures < 0 {
		bad("at most %d failures: allowed are 1 and more", o.MaxFailures)
	}
	return errors.Join(errs...)
}
