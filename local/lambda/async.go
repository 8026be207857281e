package lambda

import (
	"cmp"
	"container/heap"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// Limits of asynchronous invocations (invocation-async in the developer guide).
const (
	// MaxAsyncPayload is the largest event of an asynchronous invocation, in bytes.
	MaxAsyncPayload = 1024 * 1024
	// maxEventAge is how long an event is kept when the function does not say less.
	maxEventAge = 6 * time.Hour
	// maxAsyncRetries is how often a failed one is tried again when the function does not say less.
	maxAsyncRetries = 2
	// throttledFirst and throttledLimit bound the waits when there is no concurrency
	// for it: they double.
	throttledFirst, throttledLimit = time.Second, 5 * time.Minute
)

// asyncEvent is an asynchronous invocation that is not over. It is what the store
// keeps.
type asyncEvent struct {
	ID       string
	Function string // its name
	Payload  []byte
	Client   string `json:",omitempty"` // the client context

	Accepted  time.Time
	Next      time.Time // when it is to be tried
	Invokes   int       // attempts in which the function ran
	Throttles int       // in a row, in which it could not
	Last      *asyncResult

	// Condition is set when the function will not be invoked again: what is left is
	// to tell the destination.
	Condition string
}

// asyncResult is what the last attempt came to.
type asyncResult struct {
	FunctionError string
	Payload       []byte
}

// The conditions in which an asynchronous invocation ends.
const (
	conditionSuccess   = "Success"
	conditionExhausted = "RetriesExhausted"
	conditionTooOld    = "EventAgeExceeded"
)

// expired reports whether the event is too old to be tried, and then ends it.
func (e *asyncEvent) expired(c *AsyncConfig, now time.Time) bool {
	age := maxEventAge
	if c != nil && c.MaxEventAge > 0 {
		age = c.MaxEventAge
	}
	if now.Sub(e.Accepted) < age {
		return false
	}
	e.Condition = conditionTooOld
	return true
}

// ran takes the result of an attempt in which the function ran.
func (e *asyncEvent) ran(c *AsyncConfig, r *asyncResult, now time.Time, waits [2]time.Duration) {
	e.Invokes++
	e.Throttles = 0
	e.Last = r
	retries := maxAsyncRetries
	if c != nil && c.MaxRetries != nil {
		retries = *c.MaxRetries
	}
	switch {
	case r.FunctionError == "":
		e.Condition = conditionSuccess
	case e.Invokes > retries:
		e.Condition = conditionExhausted
	default:
		e.Next = now.Add(waits[min(e.Invokes, len(waits))-1])
	}
}

// throttled takes an attempt in which the function could not run. It is no attempt
// of those that are counted.
func (e *asyncEvent) throttled(now time.Time) {
	wait := throttledLimit
	if e.Throttles < 9 { // 2^9 s is more than the limit
		wait = min(throttledFirst<<e.Throttles, throttledLimit)
	}
	e.Throttles++
	e.Next = now.Add(wait)
}

// asyncQueue holds asynchronous invocations and runs them when they are due. What
// is in the store is the truth; in memory is only when each of them is due.
type asyncQueue struct {
	s *Service

	mu      sync.Mutex
	due     dueHeap
	ready   map[string][]string // by function, ids that are due, in order
	running map[string]int      // by function
	parked  map[string][]string // by name of a function that is not there
	stopped bool

	changed chan struct{} // holds one
	quit    chan struct{}
	work    context.Context
	cut     context.CancelFunc
	workers sync.WaitGroup
}

type dueEvent struct {
	at       time.Time
	id       string
	function string
}

// dueHeap is a heap by time.
type dueHeap []dueEvent

func (h dueHeap) Len() int           { return len(h) }
func (h dueHeap) Less(i, j int) bool { return h[i].at.Before(h[j].at) }
func (h dueHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *dueHeap) Push(x any)        { *h = append(*h, x.(dueEvent)) }
func (h *dueHeap) Pop() any {
	old := *h
	last := old[len(old)-1]
	*h = old[:len(old)-1]
	return last
}

// newAsyncQueue reads the events that an earlier life has left.
func newAsyncQueue(s *Service) (*asyncQueue, error) {
	q := &asyncQueue{
		s: s, ready: map[string][]string{}, running: map[string]int{}, parked: map[string][]string{},
		changed: make(chan struct{}, 1), quit: make(chan struct{}),
	}
	q.work, q.cut = context.WithCancel(context.Background())
	err := s.store.scan(inAsync, func(id string, value []byte) error {
		var e asyncEvent
		if err := json.Unmarshal(value, &e); err != nil {
			return fmt.Errorf("read asynchronous invocation %s: %w", id, err)
		}
		heap.Push(&q.due, dueEvent{e.Next, id, e.Function})
		return nil
	})
	return q, err
}

// start runs the queue until stop.
func (q *asyncQueue) start() {
	q.workers.Go(func() {
		for {
			timer := time.NewTimer(q.dispatch(q.s.now()))
			select {
			case <-timer.C:
			case <-q.changed:
			case <-q.quit:
				timer.Stop()
				return
			}
			timer.Stop()
		}
	})
}

// idleWait is how long the queue sleeps that has nothing.
const idleWait = time.Hour

// dispatch starts what is due, as far as the functions can run it, and returns how
// long there is nothing more.
func (q *asyncQueue) dispatch(now time.Time) time.Duration {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.stopped {
		return idleWait
	}
	for len(q.due) > 0 && !q.due[0].at.After(now) {
		e := heap.Pop(&q.due).(dueEvent)
		q.ready[e.function] = append(q.ready[e.function], e.id)
	}
	for function, ids := range q.ready {
		d, _ := q.s.lookup(function)
		if d == nil {
			q.parked[function] = append(q.parked[function], ids...)
			delete(q.ready, function)
			continue
		}
		// One at least: it finds that there is no concurrency at all.
		for limit := max(1, q.s.concurrency(function)); len(ids) > 0 && q.running[function] < limit; ids = ids[1:] {
			id := ids[0]
			q.running[function]++
			q.workers.Go(func() { q.run(id, function) })
		}
		if q.ready[function] = ids; len(ids) == 0 {
			delete(q.ready, function)
		}
	}
	if len(q.due) == 0 {
		return idleWait
	}
	return min(idleWait, q.due[0].at.Sub(now))
}

// poke makes the queue look again.
func (q *asyncQueue) poke() {
	select {
	case q.changed <- struct{}{}:
	default: // it will
	}
}

// wake is called when functions have changed: some that events wait for may be there.
func (q *asyncQueue) wake() {
	q.mu.Lock()
	for function, ids := range q.parked {
		if d, _ := q.s.lookup(function); d != nil {
			q.ready[function] = append(q.ready[function], ids...)
			delete(q.parked, function)
		}
	}
	q.mu.Unlock()
	q.poke()
}

// stop starts nothing more, and waits for what runs until ctx is done, when it is
// cut short: it is tried again in the next life.
func (q *asyncQueue) stop(ctx context.Context) {
	q.mu.Lock()
	q.stopped = true
	q.mu.Unlock()
	close(q.quit)
	done := make(chan struct{})
	go func() { q.workers.Wait(); close(done) }()
	select {
	case <-done:
	case <-ctx.Done():
		q.cut()
		<-done
	}
	q.cut()
}

// InvokeAsync accepts an event for a function, by its name or ARN, and returns the
// request id under which it runs. When it returns the event is in Options.StateDir
// and outlives this process. The function is tried again when it fails, at most
// twice and as its AsyncConfig says; what becomes of it goes to its destinations.
// Delivery is at least once.
//
// Errors: ErrNotFound, ErrTooLarge (over MaxAsyncPayload), ErrClosed, and those of
// the disk.
func (s *Service) InvokeAsync(ctx context.Context, functionARN string, payload []byte) (requestID string, err error) {
	id := s.newID()
	if err := s.enqueue(ctx, functionARN, payload, invokeOptions{id: id}); err != nil {
		return "", fmt.Errorf("invoke function %s asynchronously: %w", functionARN, err)
	}
	return id, nil
}

func (s *Service) enqueue(ctx context.Context, function string, payload []byte, o invokeOptions) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if s.isClosed() {
		return ErrClosed
	}
	if len(payload) > MaxAsyncPayload {
		return fmt.Errorf("%w: %d bytes; at most %d are allowed", ErrTooLarge, len(payload), MaxAsyncPayload)
	}
	d, err := s.lookup(function)
	if err != nil {
		return errors.Join(ErrNotFound, err)
	}
	now := s.now()
	e := &asyncEvent{ID: o.id, Function: d.Config.Name, Payload: payload, Client: o.client, Accepted: now, Next: now}
	q := s.async
	if err := q.save(e, q.s.store.put); err != nil {
		return err
	}
	q.mu.Lock()
	q.ready[e.Function] = append(q.ready[e.Function], e.ID)
	q.mu.Unlock()
	q.poke()
	return nil
}

// save writes an event with one of the store's ways: one that was accepted before is
// replaced, so that it stays away when its function is deleted meanwhile.
func (q *asyncQueue) save(e *asyncEvent, write func(bucket, string, []byte) error) error {
	b, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("keep an asynchronous invocation: %w", err)
	}
	return write(inAsync, e.ID, b)
}

// run makes one attempt and what follows from it.
func (q *asyncQueue) run(id, function string) {
	defer func() {
		q.mu.Lock()
		if q.running[function]--; q.running[function] == 0 {
			delete(q.running, function)
		}
		q.mu.Unlock()
		q.poke()
	}()
	log := q.s.logger.With("function", function, "request", id)
	b, err := q.s.store.get(inAsync, id)
	if err != nil || b == nil {
		if err != nil && !errors.Is(err, ErrClosed) {
			log.Error("an asynchronous invocation cannot be read; it is tried again at the next start", "error", err)
		}
		return
	}
	var e asyncEvent
	if err := json.Unmarshal(b, &e); err != nil {
		log.Error("an asynchronous invocation cannot be read", "error", err)
		return
	}
	d, _ := q.s.lookup(function)
	if d == nil { // it went in this moment
		q.later(dueEvent{q.s.now(), id, function})
		return
	}
	if e.Condition == "" {
		q.attempt(d, &e)
		if q.work.Err() != nil {
			return // as if it had not been tried
		}
	}
	if e.Condition == "" {
		if err := q.save(&e, q.s.store.replace); err != nil {
			log.Error("an attempt of an asynchronous invocation cannot be kept: a restart makes it again", "error", err)
		}
		q.later(dueEvent{e.Next, id, function})
		return
	}
	q.end(d, &e)
}

// attempt invokes the function, unless the event is too old or the function may not
// run at all.
func (q *asyncQueue) attempt(d *definition, e *asyncEvent) {
	now := q.s.now()
	if e.expired(d.Config.Async, now) {
		return
	}
	if r := d.Config.Reserved; r != nil && *r == 0 {
		// AWS then gives up at once (invocation-async-retain-records).
		e.Condition = conditionExhausted
		return
	}
	result, err := q.s.invoke(q.work, d.Config.Name, e.Payload, invokeOptions{id: e.ID, client: e.Client})
	if err != nil {
		e.throttled(q.s.now())
		return
	}
	e.ran(d.Config.Async, &asyncResult{result.FunctionError, result.Payload}, q.s.now(), q.s.opts.RetryWaits)
}

func (q *asyncQueue) later(e dueEvent) {
	q.mu.Lock()
	heap.Push(&q.due, e)
	q.mu.Unlock()
	q.poke()
}

// end tells destinations and forgets the event. What is decided is kept before:
// a process that dies now does not invoke the function once more, but may tell the
// destination twice.
func (q *asyncQueue) end(d *definition, e *asyncEvent) {
	log := q.s.logger.With("function", d.Config.Name, "request", e.ID)
	if e.Condition != conditionSuccess {
		log.Warn("an asynchronous invocation failed for good", "condition", e.Condition, "invokes", e.Invokes)
	}
	if d.tells(e) {
		if err := q.save(e, q.s.store.replace); err != nil {
			log.Error("the end of an asynchronous invocation cannot be kept: a restart invokes it again", "error", err)
		}
		if !q.tell(d, e) {
			return
		}
	}
	if err := q.s.store.delete(inAsync, e.ID); err != nil {
		log.Error("an asynchronous invocation that is over cannot be removed: a restart makes it again", "error", err)
	}
}

// forget drops the events of a function that was deleted.
func (q *asyncQueue) forget(function string) error {
	var ids []string
	err := q.s.store.scan(inAsync, func(id string, value []byte) error {
		var e struct{ Function string }
		if err := json.Unmarshal(value, &e); err != nil {
			return err
		}
		if e.Function == function {
			ids = append(ids, id)
		}
		return nil
	})
	for _, id := range ids {
		err = cmp.Or(err, q.s.store.delete(inAsync, id))
	}
	q.mu.Lock()
	delete(q.parked, function)
	delete(q.ready, function)
	q.due = slices.DeleteFunc(q.due, func(e dueEvent) bool { return e.function == function })
	heap.Init(&q.due)
	q.mu.Unlock()
	return err
}
