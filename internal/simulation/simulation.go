package simulation

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/vinci-go/vinci/eventlog"
)

// Options says what to simulate.
type Options struct {
	Seed    uint64
	Commits int    // commands that clients give
	About   string // keep the lines of the trace that hold one of these texts, separated by |
}

// Report is what came of a run.
type Report struct {
	Seed       uint64
	Commits    int
	Events     int // in the log
	Runs       int // of processes: commands, and invocations of functions
	Steps      int
	Calls      int // to store, bus and queues
	Refused    int // of them: failed before their effect
	Unanswered int // had their effect, and the caller was not told
	Late       int // had it after the caller was told that there is no answer
	Killed     int // processes that stopped for good

	Conflicts   int // transactions that lost against others
	Duplicates  int // messages that were put into a queue twice
	Again       int // messages that were received again
	Timers      int // that fired
	DeadLetters int

	Lasted     time.Duration // by the simulated clock
	Trace      string        // the hash of everything that happened
	Story      string        // the lines about Options.About
	Violations []Violation   // at most MaxViolations
}

// MaxViolations bounds a report: where one promise is broken, many are.
const MaxViolations = 20

// Invariant is something that must hold, whatever fails.
type Invariant string

// What must hold.
const (
	Immutable  Invariant = "what is in the log is never changed"
	Committed  Invariant = "a commit happens whole, once, and as its caller is told"
	Delivered  Invariant = "every event reaches every matching subscription"
	Once       Invariant = "transactional effects happen once"
	Leased     Invariant = "no two run a leased handler for one event at once, nor does one after success"
	InOrder    Invariant = "an ordered subscription handles the events of a stream in their order"
	Fired      Invariant = "a timer fires once, unless it was cancelled before"
	OnlyPoison Invariant = "nothing is given up but what was made poisonous"
	Ends       Invariant = "the run comes to an end"
)

// Violation is a broken promise.
type Violation struct {
	Invariant Invariant
	About     string // an event id, a stream: what to look for in the trace
	At        time.Duration
	Text      string
}

func (v Violation) String() string {
	return fmt.Sprintf("%s: %s: %s (at %v)", v.Invariant, v.About, v.Text, v.At)
}

func (r *Report) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "seed %d: %d commits, %d events, %d calls of %d processes in %v; %d calls refused, %d without answer, %d late; %d conflicts, %d processes killed, %d messages twice, %d again; %d timers fired, %d dead letters; trace %.16s\n",
		r.Seed, r.Commits, r.Events, r.Calls, r.Runs, r.Lasted.Round(time.Second), r.Refused, r.Unanswered, r.Late,
		r.Conflicts, r.Killed, r.Duplicates, r.Again, r.Timers, r.DeadLetters, r.Trace)
	for _, v := range r.Violations {
		fmt.Fprintln(&b, v)
	}
	return b.String()
}

// stepsPerCommit bounds a run that would never end.
const stepsPerCommit = 2000

// Run simulates. The error is for a simulation that could not begin.
func Run(o Options) (*Report, error) {
	w, err := newWorld(o)
	if err != nil {
		return nil, err
	}
	w.at(0, w.clients.next)
	w.at(0, w.timers.tick)
	if !w.run(stepsPerCommit * (o.Commits + 10)) {
		w.violated(Ends, "", "it goes on after %d steps", w.steps)
	} else {
		w.check()
	}
	r := &Report{
		Seed: o.Seed, Commits: w.clients.given, Events: len(w.store.memory.Items(eventlog.Events)), Runs: w.started, Steps: w.steps,
		Refused: w.faults[refused], Unanswered: w.faults[unanswered], Late: w.faults[delayed], Killed: w.killed,
		Conflicts: w.conflicts, Duplicates: w.duplicates, Again: w.again, Timers: w.fired,
		Lasted: w.now, Trace: w.trace.sum(), Story: w.trace.story(), Violations: w.violations,
	}
	for _, q := range w.queues {
		r.DeadLetters += len(q.dead)
	}
	for _, n := range w.faults {
		r.Calls += n
	}
	r.Violations = r.Violations[:min(len(r.Violations), MaxViolations)]
	return r, nil
}

// Weather is how much goes wrong in the runs of a seed, from 1 to 5.
func Weather(seed uint64) int { return newScheduler(seed, nil).weather }

func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
