package lambda

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

const (
	firstPollers = 5                      // as AWS starts
	growEvery    = 200 * time.Millisecond // AWS adds 300 a minute
	longPoll     = 20 * time.Second       // the longest SQS has
	maxReceive   = 10                     // the most SQS gives at once
)

// queueMapping feeds a function from an SQS queue. Each poller takes a batch and
// waits for its invocation, so pollers are the concurrency. That a FIFO queue's group
// is in one batch at a time is the queue's doing: it gives out nothing of a group
// that is in flight.
type queueMapping struct {
	cfg     MappingConfig
	region  string
	filters filters
	queues  Queues
	invoke  invoker
	limit   func() int // how many invocations the function can run at once
	log     *slog.Logger

	wg      sync.WaitGroup
	mu      sync.Mutex
	pollers int
	busy    int // of them, those with a batch
	grown   time.Time
}

// run polls until poll is done and the batches there are then are finished.
func (q *queueMapping) run(poll, work context.Context) {
	q.mu.Lock()
	for range min(firstPollers, q.max()) {
		q.add(poll, work)
	}
	q.mu.Unlock()
	q.wg.Wait()
}

// max is how many pollers there may be; at least one, which finds out what is
// wrong when the function cannot run at all.
func (q *queueMapping) max() int {
	n := q.limit()
	if q.cfg.MaxConcurrency > 0 {
		n = min(n, q.cfg.MaxConcurrency)
	}
	return max(1, n)
}

// add starts a poller. q.mu is held.
func (q *queueMapping) add(poll, work context.Context) {
	q.pollers++
	q.wg.Go(func() { q.poller(poll, work) })
}

func (q *queueMapping) poller(poll, work context.Context) {
	retry := backoff{first: 100 * time.Millisecond, limit: 10 * time.Second}
	once := warnOnce{log: q.log}
	for poll.Err() == nil {
		batch, err := q.gather(poll)
		switch {
		case err != nil && poll.Err() != nil:
			// It was told to stop.
		case err != nil:
			once.warn("cannot receive from the queue", err)
			retry.wait(poll)
		case len(batch) == 0:
			if q.leaveIfSpare() {
				return
			}
		default:
			q.took(poll, work, len(batch))
			err := q.handle(work, batch)
			q.mu.Lock()
			q.busy--
			q.mu.Unlock()
			if err == nil {
				retry.reset()
				once.clear()
			} else if work.Err() == nil {
				once.warn("cannot invoke the function; its messages come back when their visibility time-out ends", err)
				retry.wait(poll)
			}
		}
	}
	q.mu.Lock()
	q.pollers--
	q.mu.Unlock()
}

// leaveIfSpare reports whether a poller that found nothing should end.
func (q *queueMapping) leaveIfSpare() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.pollers <= min(firstPollers, q.max()) {
		return false
	}
	q.pollers--
	return true
}

// took counts a poller as busy, and adds one when all are busy and batches are
// full: then there is more in the queue.
func (q *queueMapping) took(poll, work context.Context, n int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.busy++
	if n >= q.cfg.BatchSize && q.busy == q.pollers && q.pollers < q.max() && time.Since(q.grown) >= growEvery {
		q.grown = time.Now()
		q.add(poll, work)
	}
}

// gather takes a batch: what the queue has at once, or, with a batching window,
// as much as comes within it up to the batch size or what one event can hold.
func (q *queueMapping) gather(ctx context.Context) ([]Message, error) {
	batch, err := q.queues.Receive(ctx, q.cfg.SourceARN, min(maxReceive, q.cfg.BatchSize), longPoll)
	if err != nil || len(batch) == 0 || q.cfg.Window == 0 {
		return batch, err
	}
	bytes := 0
	for _, m := range batch {
		bytes += len(m.Body)
	}
	end := time.Now().Add(q.cfg.Window)
	for len(batch) < q.cfg.BatchSize && bytes < MaxPayload {
		wait := time.Until(end)
		if wait <= 0 {
			break
		}
		more, err := q.queues.Receive(ctx, q.cfg.SourceARN, min(maxReceive, q.cfg.BatchSize-len(batch)), min(wait, longPoll))
		if err != nil {
			// What was taken must be handled; the next poll meets the error again.
			break
		}
		for _, m := range more {
			bytes += len(m.Body)
		}
		batch = append(batch, more...)
	}
	return batch, nil
}

// handle filters a batch and invokes the function with it, in several events
// when it is over the payload limit. The error is the first of those that kept
// the function from running.
func (q *queueMapping) handle(ctx context.Context, batch []Message) error {
	var messages, unwanted []Message
	var records []json.RawMessage
	var sizes []int
	for _, m := range batch {
		record := newSQSRecord(m, q.cfg.SourceARN, q.region)
		takes, err := q.filters.takesMessage(record)
		if err != nil {
			// Neither wanted nor unwanted: it comes again, and is not deleted.
			q.log.Warn("cannot filter a message; it comes again", "message", m.ID, "error", err)
			continue
		}
		if !takes {
			unwanted = append(unwanted, m)
			continue
		}
		b, err := marshal(record)
		if err != nil {
			return err
		}
		messages, records, sizes = append(messages, m), append(records, b), append(sizes, len(b))
	}
	q.delete(ctx, unwanted) // for good: a filter is no way to leave them to others
	var first error
	for len(messages) > 0 {
		n := fitting(sizes)
		left, err := q.runEvent(ctx, messages[:n], records[:n])
		if err != nil && first == nil {
			first = err
		}
		messages, records, sizes = messages[n:], records[n:], sizes[n:]
		if isFIFO(q.cfg.SourceARN) && len(left) > 0 {
			messages, records, sizes = withoutGroups(left, messages, records, sizes)
		}
	}
	return first
}

// withoutGroups leaves out the messages of the groups that failed: in a FIFO queue
// nothing of a group passes one that comes back.
func withoutGroups(failed, messages []Message, records []json.RawMessage, sizes []int) ([]Message, []json.RawMessage, []int) {
	groups := map[string]bool{}
	for _, m := range failed {
		groups[m.Attributes["MessageGroupId"]] = true
	}
	n := 0
	for i, m := range messages {
		if !groups[m.Attributes["MessageGroupId"]] {
			messages[n], records[n], sizes[n] = m, records[i], sizes[i]
			n++
		}
	}
	return messages[:n], records[:n], sizes[:n]
}

// runEvent invokes the function with one event, deletes what it handled and returns
// the rest, which is left alone: it comes back when its visibility time-out ends,
// which the function may have changed.
func (q *queueMapping) runEvent(ctx context.Context, messages []Message, records []json.RawMessage) (left []Message, err error) {
	result, err := q.invoke(ctx, eventOf(records))
	if err != nil {
		return messages, err
	}
	if result.FunctionError != "" {
		return messages, nil
	}
	failed := map[string]bool{}
	if q.cfg.ReportBatchItemFailures {
		ids, err := failedItems(result.Payload)
		if err == nil {
			err = unknownIDs(ids, messages)
		}
		if err != nil {
			q.log.Warn("the whole batch counts as failed", "request", result.RequestID, "error", err)
			return messages, nil
		}
		for _, id := range ids {
			failed[id] = true
		}
	}
	var handled []Message
	for _, m := range messages {
		if failed[m.ID] {
			left = append(left, m)
		} else {
			handled = append(handled, m)
		}
	}
	q.delete(ctx, handled)
	return left, nil
}

func (q *queueMapping) delete(ctx context.Context, messages []Message) {
	if len(messages) == 0 {
		return
	}
	handles := make([]string, len(messages))
	for i, m := range messages {
		handles[i] = m.ReceiptHandle
	}
	if err := q.queues.Delete(ctx, q.cfg.SourceARN, handles...); err != nil {
		q.log.Warn("cannot delete handled messages; some of them will come again", "messages", len(messages), "first", messages[0].ID, "error", err)
	}
}

// unknownIDs refuses identifiers of messages that were not in the event.
func unknownIDs(ids []string, messages []Message) error {
	known := make(map[string]bool, len(messages))
	for _, m := range messages {
		known[m.ID] = true
	}
	for _, id := range ids {
		if !known[id] {
			return fmt.Errorf("itemIdentifier %q is no message of the batch", id)
		}
	}
	return nil
}
