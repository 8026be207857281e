package local

import (
	"context"
	"sync"
	"time"
)

// LogLine is one line that a function wrote.
type LogLine struct {
	Time time.Time
	// Function is the short name by which its developer knows it: send_welcome.
	Function  string
	RequestID string // of the invocation; "" outside one
	Text      string // without the line break
}

// maxLines is how many lines are kept of each function: the newest.
const maxLines = 10_000

// Logs are the lines of all functions: those so far, and those to come. It may
// be used by many goroutines, and after Stop.
type Logs struct {
	mu     sync.Mutex
	lines  map[string]*ring
	wakers map[chan struct{}]struct{} // each has a buffer of one
	recent ring                       // of all functions, in order, for subscribers
	first  int                        // number of the oldest line in recent
	closed bool
}

func newLogs() *Logs {
	return &Logs{lines: map[string]*ring{}, wakers: map[chan struct{}]struct{}{}}
}

// ring keeps the newest maxLines lines.
type ring struct {
	lines []LogLine
	next  int // where the next one goes once it is full
}

func (r *ring) add(l LogLine) (full bool) {
	if len(r.lines) < maxLines {
		r.lines = append(r.lines, l)
		return false
	}
	r.lines[r.next] = l
	r.next = (r.next + 1) % maxLines
	return true
}

// at is the i-th line from the oldest.
func (r *ring) at(i int) LogLine { return r.lines[(r.next+i)%len(r.lines)] }

func (r *ring) all() []LogLine {
	out := make([]LogLine, 0, len(r.lines))
	for i := range r.lines {
		out = append(out, r.at(i))
	}
	return out
}

func (l *Logs) add(line LogLine) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return
	}
	r := l.lines[line.Function]
	if r == nil {
		r = &ring{}
		l.lines[line.Function] = r
	}
	r.add(line)
	if l.recent.add(line) {
		l.first++
	}
	l.wake()
}

func (l *Logs) wake() {
	for w := range l.wakers {
		select {
		case w <- struct{}{}:
		default: // it has been woken already
		}
	}
}

// Lines are all lines so far of a function, by its short name, oldest first; of
// more than 10,000 the newest. It is empty for a function that has written
// nothing.
func (l *Logs) Lines(function string) []LogLine {
	l.mu.Lock()
	defer l.mu.Unlock()
	if r := l.lines[function]; r != nil {
		return r.all()
	}
	return nil
}

// All are the newest lines of all functions, up to 10,000, in the order written.
func (l *Logs) All() []LogLine {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.recent.all()
}

// Subscribe delivers every line written from now on, of all functions in the
// order written, until ctx ends or the runtime has stopped and all is delivered:
// then the channel is closed. A subscriber that falls more than 10,000 lines
// behind misses the oldest of them; it never holds up a function.
func (l *Logs) Subscribe(ctx context.Context) <-chan LogLine {
	out := make(chan LogLine)
	waker := make(chan struct{}, 1)
	l.mu.Lock()
	l.wakers[waker] = struct{}{}
	next := l.first + len(l.recent.lines)
	l.mu.Unlock()
	go func() {
		defer close(out)
		defer func() {
			l.mu.Lock()
			delete(l.wakers, waker)
			l.mu.Unlock()
		}()
		for {
			batch, closed := l.since(&next)
			for _, line := range batch {
				select {
				case out <- line:
				case <-ctx.Done():
					return
				}
			}
			if len(batch) > 0 {
				continue
			}
			if closed {
				return
			}
			select {
			case <-waker:
			case <-ctx.Done():
				return
			}
		}
	}()
	return out
}

// since copies a few of the lines from number *next on, and moves it past them.
func (l *Logs) since(next *int) (batch []LogLine, closed bool) {
	const few = 256
	l.mu.Lock()
	defer l.mu.Unlock()
	*next = max(*next, l.first)
	end := min(l.first+len(l.recent.lines), *next+few)
	for ; *next < end; *next++ {
		batch = append(batch, l.recent.at(*next-l.first))
	}
	return batch, l.closed
}

func (l *Logs) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	l.wake()
}
