package chaos

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// Decision is one decision to be harsh. Decisions to leave something alone are
// not told.
type Decision struct {
	Kind Kind
	// Subject is what it was decided about, and together with the seed and the kind
	// all that it was decided by.
	Subject string
	// What is what happens.
	What string
}

// String is the decision on one line.
func (d Decision) String() string { return fmt.Sprintf("%s: %s: %s", d.Kind, d.Subject, d.What) }

// Options are the settings of [New] beside the [Config]. The zero value is usable.
type Options struct {
	// Log is told each decision, from the goroutine that it is about; nil for none.
	// It must be quick and must not call the Plan.
	Log func(Decision)
	// Functions are the names of the functions that have a role; nil for none.
	Functions func(roleARN string) []string
	// Queues are the ARNs of the queues that a function's mappings read; nil for none.
	// A function is not killed while it may have a message of theirs for the third
	// time.
	Queues func(function string) []string
	// Show makes a message in flight visible after a while, as ChangeVisibility does;
	// nil when the queues cannot: then a message comes once more when its visibility
	// time-out ends.
	Show func(ctx context.Context, queueURL, receiptHandle string, after time.Duration) error
	// Sleep waits, or until ctx is done; nil for the real one.
	Sleep func(ctx context.Context, d time.Duration)
}

// Plan makes the decisions and carries them out in the wrappers that it gives:
// [Plan.Around], [Plan.Queues], [Plan.Streams], [Plan.Invoker]. A nil Plan's wrappers
// change nothing. It is safe for concurrent use.
type Plan struct {
	config Config
	opts   Options
	kill   atomic.Pointer[Killer]

	mu         sync.Mutex
	counts     map[string]int                  // of calls, by who and what
	logical    *recent[string, *attempts]      // calls by the SDK's invocation id
	streaks    *recent[string, int]            // of failures, by what failed
	lost       *recent[string, bool]           // tokens of transactions whose answer was lost
	deliveries *recent[string, int]            // by message id, to SDK users
	handles    *recent[string, delivery]       // by receipt handle
	third      map[string]map[string]time.Time // when messages were received for the third time or more, by queue and id
	copies     map[string][]copied             // messages to be delivered once more, by ReceiveMessage call
}

// remembered bounds each memory of a Plan. What is forgotten is decided about as
// if it were new.
const remembered = 8192

// New makes a plan of a configuration. Errors are of kind [ErrConfig].
func New(c Config, o Options) (*Plan, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	if o.Log == nil {
		o.Log = func(Decision) {}
	}
	if o.Functions == nil {
		o.Functions = func(string) []string { return nil }
	}
	if o.Queues == nil {
		o.Queues = func(string) []string { return nil }
	}
	if o.Sleep == nil {
		o.Sleep = sleep
	}
	return &Plan{
		config: c, opts: o,
		counts:     map[string]int{},
		logical:    newRecent[string, *attempts](remembered),
		streaks:    newRecent[string, int](remembered),
		lost:       newRecent[string, bool](remembered),
		deliveries: newRecent[string, int](remembered),
		handles:    newRecent[string, delivery](remembered),
		copies:     map[string][]copied{},
		third:      map[string]map[string]time.Time{},
	}, nil
}

// Killer kills one of n processes, the one that pick chooses: of those of a function
// that have an invocation, or of all there are when function is "". victim is the
// function whose process it was, and ok is false when there was none.
type Killer func(function string, pick func(n int) int) (victim string, ok bool)

// KillWith says how a process is killed. Before it is called nothing is killed.
func (p *Plan) KillWith(kill Killer) {
	if p != nil {
		p.kill.Store(&kill)
	}
}

// roll is what chance says to one question: four numbers that depend on the seed,
// the kind and the subject and on nothing else.
type roll [4]uint64

func (p *Plan) roll(k Kind, subject string) roll {
	h := sha256.New()
	var seed [8]byte
	binary.LittleEndian.PutUint64(seed[:], p.config.Seed)
	h.Write(seed[:]) // a hash takes everything
	h.Write([]byte(k))
	h.Write([]byte{0})
	h.Write([]byte(subject))
	var r roll
	sum := h.Sum(nil)
	for i := range r {
		r[i] = binary.LittleEndian.Uint64(sum[8*i:])
	}
	return r
}

// fraction is the i-th number as one from 0 up to 1, and never 1.
func (r roll) fraction(i int) float64 { return float64(r[i]>>11) / (1 << 53) }

// hits is true in that part of the cases: never at 0, always at 1.
func (r roll) hits(rate float64) bool { return r.fraction(0) < rate }

// below is from 0 to n-1.
func (r roll) below(n int) int { return int(r[1] % uint64(n)) }

// ask rolls for a kind at its rate. The subject is what decides.
func (p *Plan) ask(k Kind, subject string) (roll, bool) {
	r := p.roll(k, subject)
	return r, r.hits(*p.config.rate(k))
}

func (p *Plan) tell(k Kind, subject, format string, args ...any) {
	p.opts.Log(Decision{Kind: k, Subject: subject, What: fmt.Sprintf(format, args...)})
}

// pause waits if chance says so.
func (p *Plan) pause(ctx context.Context, subject string) {
	r, yes := p.ask(Delay, subject)
	if !yes {
		return
	}
	d := p.length(r, p.config.Pause)
	p.tell(Delay, subject, "%s", d)
	p.opts.Sleep(ctx, d)
}

// length is a time above 0 and up to most.
func (p *Plan) length(r roll, most time.Duration) time.Duration {
	return max(time.Microsecond, time.Duration(r.fraction(2)*float64(most))).Truncate(time.Microsecond)
}

func sleep(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// bearable is how often in a row one thing fails: the SDKs try three times by
// default, so the third must succeed.
//
// https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html
const bearable = 2

// failAgain reports whether what has failed so often in a row may fail once more.
// At rate 1 it always may: then nothing is meant to get through.
func (p *Plan) failAgain(k Kind, failures int) bool {
	return failures < bearable || *p.config.rate(k) == 1
}

// strike asks for a kind about something that fails by itself, as an entry of a
// batch or an item of a transaction. identity is what stays the same when it is
// tried again; it is spared after two failures in a row.
func (p *Plan) strike(k Kind, subject, identity string) (roll, bool) {
	r, yes := p.ask(k, subject)
	return r, p.bears(k, identity, yes)
}

// bears counts one more failure of what identity names, and reports false when there
// is none, or when it failed often enough.
func (p *Plan) bears(k Kind, identity string, fails bool) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	n, _ := p.streaks.get(identity)
	if !fails || !p.failAgain(k, n) {
		p.streaks.remove(identity)
		return false
	}
	p.streaks.put(identity, n+1)
	return true
}
