package simulation

import (
	"container/heap"
	"context"
	"errors"
	"iter"
	"math/rand/v2"
	"time"
)

// epoch is when the simulated clock stands at first.
var epoch = time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)

// scheduler runs tasks on a simulated clock, one at a time. What happens next is
// decided by the clock, the order in which things were asked for, and one source
// of random numbers: the same seed is the same run.
type scheduler struct {
	random  *rand.Rand
	weather int           // how much goes wrong, from 1; each seed has its own
	now     time.Duration // since epoch
	due     agenda
	order   int   // of what is asked for: breaks ties
	current *task // the one that runs, nil: the scheduler itself
	started int   // tasks so far
	steps   int
	trace   *trace
	faults  [fates]int // calls by their fate
	killed  int        // processes that stopped for good

	conflicts int // transactions that lost against others
}

// task is one run of a process: an invocation of a function, or a client's
// command. It is a coroutine, which runs until it waits.
type task struct {
	name     string
	began    time.Duration
	deadline time.Duration // when the process is stopped, whatever it does
	skew     time.Duration // what its clock shows beside the true time
	faults   func() bool   // whether something may go wrong for it now
	done     func(died bool)

	wait func(struct{}) bool // back to the scheduler, until it is resumed
	next func() (struct{}, bool)
	dead bool // the process has stopped for good: nothing it does has an effect
}

// worst is the worst weather.
const worst = 5

// errStopped is what a dead process gets from every call, so that its code comes
// to an end. Nobody sees what it makes of it.
var errStopped = errors.New("simulation: the process has stopped")

func newScheduler(seed uint64, t *trace) *scheduler {
	s := &scheduler{random: rand.New(rand.NewPCG(seed, 0x76696e6369)), trace: t}
	s.weather = 1 + s.random.IntN(worst)
	return s
}

// at asks for f to be called after d.
func (s *scheduler) at(d time.Duration, f func()) {
	s.order++
	heap.Push(&s.due, appointment{s.now + d, s.order, f})
}

// start begins a task now. body is its work; it may wait with [scheduler.pause].
func (s *scheduler) start(t *task, body func()) {
	s.started++
	t.began = s.now
	if t.deadline == 0 {
		t.deadline = s.now + time.Hour
	} else {
		t.deadline += s.now
	}
	// The consumer runs a handler on a goroutine of its own and waits for it. A
	// coroutine may be left from there, too: one of the two always stands still.
	t.next, _ = iter.Pull(func(yield func(struct{}) bool) {
		t.wait = yield
		body()
	})
	s.resume(t)
}

// resume lets a task run until it waits or has ended.
func (s *scheduler) resume(t *task) {
	if !t.dead && s.now > t.deadline {
		s.kill(t, "its time is up")
	}
	before := s.current
	s.current = t
	_, waits := t.next()
	s.current = before
	if !waits {
		s.trace.note(s, t.name, "ends")
		t.done(t.dead)
	}
}

// kill stops a process for good.
func (s *scheduler) kill(t *task, why string) {
	t.dead = true
	s.killed++
	s.trace.note(s, t.name, "is killed: ", why)
}

// pause lets others run for d. A dead task does not wait.
func (s *scheduler) pause(d time.Duration) error {
	t := s.current
	if t.dead {
		return errStopped
	}
	s.at(d, func() { s.resume(t) })
	t.wait(struct{}{})
	if t.dead {
		return errStopped
	}
	return nil
}

// sleep is what the framework's options Sleep are set to.
func (s *scheduler) sleep(_ context.Context, d time.Duration) error { return s.pause(d) }

// jitter is what the framework's options Jitter are set to.
func (s *scheduler) jitter(d time.Duration) time.Duration {
	if d <= 0 {
		return 0
	}
	return time.Duration(s.random.Int64N(int64(d) + 1))
}

// clock is the time as the running process sees it.
func (s *scheduler) clock() time.Time {
	now := epoch.Add(s.now)
	if s.current != nil {
		now = now.Add(s.current.skew)
	}
	return now
}

// chance is true in so many of a thousand cases.
func (s *scheduler) chance(thousandths int) bool { return s.random.IntN(1000) < thousandths }

// trouble is true in so many of a thousand cases in the best weather, and in more
// the worse it is.
func (s *scheduler) trouble(thousandths int) bool { return s.chance(s.weather * thousandths) }

// between is a random time.
func (s *scheduler) between(least, most time.Duration) time.Duration {
	return least + s.jitter(most-least)
}

// run lets everything happen that was asked for. It reports false when that does
// not come to an end within so many steps.
func (s *scheduler) run(steps int) bool {
	for len(s.due) > 0 {
		if s.steps++; s.steps > steps {
			return false
		}
		next := heap.Pop(&s.due).(appointment)
		s.now = max(s.now, next.at)
		next.do()
	}
	return true
}

// appointment is something that was asked for.
type appointment struct {
	at    time.Duration
	order int
	do    func()
}

// agenda is a heap of appointments.
type agenda []appointment

func (a agenda) Len() int { return len(a) }
func (a agenda) Less(i, j int) bool {
	return a[i].at < a[j].at || a[i].at == a[j].at && a[i].order < a[j].order
}
func (a agenda) Swap(i, j int) { a[i], a[j] = a[j], a[i] }
func (a *agenda) Push(x any)   { *a = append(*a, x.(appointment)) }
func (a *agenda) Pop() any {
	last := len(*a) - 1
	x := (*a)[last]
	(*a)[last] = appointment{} // lets go of the function
	*a = (*a)[:last]
	return x
}
