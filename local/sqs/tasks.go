package sqs

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"
)

// The states of a task. AWS's CANCELLING is never seen here: a task is cancelled
// between two moves.
const (
	taskRunning   = "RUNNING"
	taskCompleted = "COMPLETED"
	taskCancelled = "CANCELLED"
	taskFailed    = "FAILED"
)

// keptTasks is how many tasks of a queue are remembered, as many as can be listed.
const keptTasks = 10

// taskRecord is a message move task as it is stored.
type taskRecord struct {
	ID          string    `json:"id"`
	Source      string    `json:"source"` // ARNs
	Destination string    `json:"destination,omitempty"`
	Rate        int       `json:"rate,omitempty"` // messages a second; 0 for as fast as it goes
	Started     time.Time `json:"started"`
	Last        uint64    `json:"last"` // the newest message's sequence at the start; what comes later stays
	ToMove      int       `json:"to_move"`
	Moved       int       `json:"moved"`
	Status      string    `json:"status"`
	Failure     string    `json:"failure,omitempty"`
}

// task is a message move task.
type task struct {
	queue uint64 // of the source
	id    string
	rate  int

	mu      sync.Mutex // held over each move and its write
	record  taskRecord
	working bool          // a goroutine moves
	stopped chan struct{} // closed when it shall not go on
}

func newTask(queue uint64, r taskRecord) *task {
	return &task{queue: queue, id: r.ID, rate: r.Rate, record: r}
}

func (t *task) key() []byte { return namedKey(t.queue, t.id) }

// write stores the task's state. t.mu is held.
func (t *task) write(r taskRecord) (op, error) {
	value, err := json.Marshal(r)
	if err != nil {
		return op{}, fmt.Errorf("storing a message move task: %w", err)
	}
	return op{bucket: tasksBucket, key: t.key(), value: value}, nil
}

// tasks are the message move tasks of all queues.
type tasks struct {
	mu       sync.Mutex
	bySource map[uint64][]*task // the newest last
	running  sync.WaitGroup
}

func (ts *tasks) of(queue uint64) []*task {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	return slices.Clone(ts.bySource[queue])
}

// erasure are the writes that delete a queue's tasks.
func (ts *tasks) erasure(queue uint64) []op {
	var ops []op
	for _, t := range ts.of(queue) {
		ops = append(ops, op{bucket: tasksBucket, key: t.key()})
	}
	return ops
}

// forget ends the tasks of a queue that was deleted.
func (ts *tasks) forget(queue uint64) {
	ts.mu.Lock()
	gone := ts.bySource[queue]
	delete(ts.bySource, queue)
	ts.mu.Unlock()
	for _, t := range gone {
		t.mu.Lock()
		t.stop()
		t.mu.Unlock()
	}
}

// stop ends the goroutine. t.mu is held.
func (t *task) stop() {
	if t.working {
		t.working = false
		close(t.stopped)
	}
}

// loadTasks reads the tasks. Those that were running go on with Apply.
func (s *Service) loadTasks(byID map[uint64]*queue) error {
	var orphans []op
	err := s.store.scan(tasksBucket, func(key, value []byte) error {
		id, _, ok := splitNamedKey(key)
		if !ok {
			return fmt.Errorf("%w: a task has an unknown key", errCorrupt)
		}
		if byID[id] == nil {
			orphans = append(orphans, op{bucket: tasksBucket, key: bytes.Clone(key)})
			return nil
		}
		var r taskRecord
		if err := json.Unmarshal(value, &r); err != nil {
			return fmt.Errorf("%w: task %s: %w", errCorrupt, key, err)
		}
		s.tasks.bySource[id] = append(s.tasks.bySource[id], newTask(id, r))
		return nil
	})
	if err != nil {
		return err
	}
	for _, all := range s.tasks.bySource {
		slices.SortFunc(all, func(a, b *task) int { return cmp.Compare(a.record.Last, b.record.Last) })
	}
	return s.committer.commit(orphans...)
}

// resumeTasks starts what is running and has no goroutine. s.apply is held.
func (s *Service) resumeTasks() {
	s.tasks.mu.Lock()
	defer s.tasks.mu.Unlock()
	for _, all := range s.tasks.bySource {
		for _, t := range all {
			t.mu.Lock()
			if t.record.Status == taskRunning && !t.working && s.lookupActive(t.record.Source) {
				s.work(t)
			}
			t.mu.Unlock()
		}
	}
}

// work starts a task's goroutine. t.mu is held, and s.apply, so that Close waits.
func (s *Service) work(t *task) {
	t.working, t.stopped = true, make(chan struct{})
	stopped := t.stopped
	s.tasks.running.Go(func() { s.move(t, stopped) })
}

// The pace of a task without a rate, and how often one with a rate moves.
const (
	unratedBatch = 100
	ratedTick    = 100 * time.Millisecond
)

// move moves the messages of a task.
func (s *Service) move(t *task, stopped <-chan struct{}) {
	batch, pause := unratedBatch, time.Duration(0)
	if t.rate > 0 {
		// So many at once that about ten moves a second are enough.
		batch = max(t.rate*int(ratedTick)/int(time.Second), 1)
		pause = time.Duration(batch) * time.Second / time.Duration(t.rate)
	}
	timer := time.NewTimer(pause)
	defer timer.Stop()
	for {
		select {
		case <-stopped:
			return
		case <-s.closed:
			return
		case <-timer.C:
		}
		if done := s.moveSome(t, batch); done {
			return
		}
		timer.Reset(pause)
	}
}

// moveSome moves up to n messages, and reports whether the task is over.
func (s *Service) moveSome(t *task, n int) (done bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.record.Status != taskRunning || !t.working {
		return true
	}
	next := t.record
	picked, err := s.pickForMove(t, n)
	switch {
	case err != nil:
	case len(picked) == 0:
		next.Status = taskCompleted
	default:
		err = s.moveThese(t, &next, picked)
	}
	if reason := failureOf(err); reason != "" {
		next = t.record
		next.Status, next.Failure = taskFailed, reason
		err = nil
	}
	if err == nil && next.Status != taskRunning {
		var o op
		if o, err = t.write(next); err == nil {
			err = s.committer.commit(o)
		}
	}
	if err != nil {
		// The store is closed or broken: the task is still running in it, and goes on
		// when the folder is opened again.
		s.opts.Logger.Error("a message move task was interrupted", "source", t.record.Source, "task", t.id, "error", err)
		t.stop()
		return true
	}
	t.record = next
	if next.Status != taskRunning {
		t.stop()
	}
	return next.Status != taskRunning
}

// failure is an error that ends a task for good.
type failure string

func (f failure) Error() string { return string(f) }

// AWS's reasons.
const (
	failedQueue  failure = legacy + "NonExistentQueue"
	failedSource failure = "CouldNotDetermineMessageSource"
)

func failureOf(err error) string {
	if f, ok := err.(failure); ok {
		return string(f)
	}
	if IsQueueDoesNotExist(err) {
		return string(failedQueue)
	}
	return ""
}

// pickForMove takes messages from the source's index that are visible and were
// there when the task began, the oldest arrivals first.
func (s *Service) pickForMove(t *task, n int) ([]taken, error) {
	q, err := s.open(t.record.Source)
	if err != nil {
		return nil, err
	}
	defer q.mu.Unlock()
	var picked []taken
	now := s.opts.Now()
	q.shelf.pick(now.UnixNano(), func(it *item) verdict {
		switch {
		case len(picked) == n:
			return stop
		case it.seq > t.record.Last || q.expired(it, now):
			return stays
		}
		picked = append(picked, taken{it: it, before: it.progress})
		q.forget(it)
		return goes
	})
	return picked, nil
}

// moveThese writes the moves and the task's new state at once.
func (s *Service) moveThese(t *task, next *taskRecord, picked []taken) (err error) {
	q, _, err := s.find(t.record.Source)
	if err != nil {
		return err
	}
	to := map[string]*arrivals{}
	defer func() {
		for _, a := range to {
			a.unlock()
		}
		if err != nil {
			q.restore(&haul{spent: picked})
		}
	}()
	destinations := make([]string, len(picked))
	records := make([]record, len(picked))
	keys := make([][]byte, len(picked))
	for i, p := range picked {
		keys[i] = messageKey(q.id, p.it.seq)
	}
	err = s.store.read(messagesBucket, keys, func(i int, value []byte) (err error) {
		if value == nil {
			return nil // deleted in the meantime
		}
		if records[i], err = decodeRecord(value); err != nil {
			return err
		}
		if destinations[i] = cmp.Or(t.record.Destination, records[i].source); destinations[i] == "" {
			return failedSource
		}
		return nil
	})
	if err != nil {
		return err
	}
	arns, err := s.inOrder(destinations)
	if err != nil {
		return err
	}
	for _, arn := range arns {
		a, err := s.arrive(arn)
		if err != nil {
			return err
		}
		to[arn] = a
	}
	var ops []op
	for i, p := range picked {
		if a := to[destinations[i]]; a != nil {
			if err := s.sendAgain(a, &records[i]); err != nil {
				return err
			}
			next.Moved++
		}
		ops = append(ops, deletion(q.id, p.it.seq)...)
	}
	for _, a := range to {
		ops = append(ops, a.ops...)
	}
	o, err := t.write(*next)
	if err != nil {
		return err
	}
	if err := s.committer.commit(append(ops, o)...); err != nil {
		return err
	}
	for _, a := range to {
		s.settle(a)
	}
	return nil
}

// inOrder are the queues of a list, each once, in the order in which FIFO queues
// are locked: see lockFIFO. Empty names are left out.
func (s *Service) inOrder(arns []string) ([]string, error) {
	ids := map[string]uint64{}
	for _, arn := range arns {
		if arn == "" {
			continue
		}
		q, err := s.lookup(arn)
		if err != nil {
			return nil, err
		}
		ids[arn] = q.id
	}
	return slices.SortedFunc(maps.Keys(ids), func(a, b string) int { return cmp.Compare(ids[a], ids[b]) }), nil
}

// sendAgain makes a new message of one that was in a dead-letter queue: contents
// and sender are the same, the id and the time of sending are new, and it was
// never received.
//
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-configure-dead-letter-queue-redrive.html
func (s *Service) sendAgain(a *arrivals, r *record) (err error) {
	if r.id, err = s.newMessageID(); err != nil {
		return err
	}
	now := s.opts.Now()
	r.sent, r.source = now.UnixMilli(), ""
	a.to.mu.Lock()
	delay := a.to.config.Delay
	a.to.mu.Unlock()
	p := progress{visible: now.Add(delay).UnixNano()}
	if a.to.fifo {
		p.visible = r.sent*int64(time.Millisecond) + int64(delay)
	}
	s.addArrival(a, r, p)
	return nil
}
