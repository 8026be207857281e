package sqs

import (
	"context"
	"fmt"
	"time"
)

// Receive takes up to o.Max visible messages and hides them. When there are
// none it waits for the first, up to o.Wait, and returns none, without error,
// when none came. It returns ctx's error when ctx ends first, and an error of
// [CodeOverLimit] when 120,000 messages of the queue are in flight and it would
// not wait; as in AWS, no error but no message when it does, and in a FIFO queue.
//
// What it returns is written as received first, so that a restart neither forgets
// a receive nor makes a hidden message visible before its time.
//
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ReceiveMessage.html
func (s *Service) Receive(ctx context.Context, queueARN string, o ReceiveOptions) ([]Message, error) {
	q, config, err := s.find(queueARN)
	if err != nil {
		return nil, err
	}
	if err := o.check(config); err != nil {
		return nil, err
	}
	wait := config.ReceiveWait
	if o.Wait != nil {
		wait = *o.Wait
	}
	var deadline <-chan time.Time // made when it is needed
	for last := wait <= 0; ; {
		got, err := s.take(q, o, wait > 0, !last)
		switch {
		case err != nil || len(got.messages) > 0:
			return got.messages, err
		case got.dropped:
			continue // there may be more behind what was dropped
		case last:
			return nil, nil
		}
		if deadline == nil {
			timer := time.NewTimer(wait)
			defer timer.Stop()
			deadline = timer.C
		}
		if last, err = s.await(ctx, got, deadline); err != nil {
			return nil, err
		}
	}
}

// check refuses what SQS refuses of a receive from that queue.
func (o *ReceiveOptions) check(c *QueueConfig) error {
	if o.Max == 0 {
		o.Max = 1
	}
	switch {
	case o.Max < 1 || o.Max > maxReceive:
		return errRange("MaxNumberOfMessages", o.Max, 1, maxReceive)
	case o.VisibilityTimeout != nil && (*o.VisibilityTimeout < 0 || *o.VisibilityTimeout > maxVisibility):
		return errRange("VisibilityTimeout", int(o.VisibilityTimeout.Seconds()), 0, int(maxVisibility.Seconds()))
	case o.Wait != nil && (*o.Wait < 0 || *o.Wait > maxWait):
		return errValue("Value %d for parameter WaitTimeSeconds is invalid. Reason: Must be >= 0 and <= %d, if provided.", int(o.Wait.Seconds()), int(maxWait.Seconds()))
	case o.AttemptID == "":
	case !c.FIFO:
		return errQueueType("ReceiveRequestAttemptId", o.AttemptID)
	case !validFIFOID(o.AttemptID):
		return errFIFOID("ReceiveRequestAttemptId", o.AttemptID)
	}
	return nil
}

// await returns when the queue changed or its next message becomes visible, and
// true when the deadline came first.
func (s *Service) await(ctx context.Context, got taking, deadline <-chan time.Time) (over bool, err error) {
	var next <-chan time.Time
	if !got.next.IsZero() {
		timer := time.NewTimer(max(got.next.Sub(s.opts.Now()), 0))
		defer timer.Stop()
		next = timer.C
	}
	select {
	case <-got.changed:
	case <-next:
	case <-deadline:
		return true, nil
	case <-s.closed:
		return false, ErrClosed
	case <-ctx.Done():
		return false, ctx.Err()
	}
	return false, nil
}

// taking is what one look at a queue yields.
type taking struct {
	messages []Message
	dropped  bool // messages were visible, but expired or spent
	// For who waits: when the first hidden message becomes visible, zero when there
	// is none, and what tells of a change before.
	next    time.Time
	changed <-chan struct{}
}

// taken is a message as take found it, to be put back if the write fails.
type taken struct {
	it            *item
	before, after progress
}

// haul are the messages that take found, by what becomes of them.
type haul struct {
	received, spent, expired []taken
	deadLetters              string
	ops                      []op
}

// take receives what is visible now. long is set for every look of a long poll,
// waits for those after which it waits.
func (s *Service) take(q *queue, o ReceiveOptions, long, waits bool) (taking, error) {
	now := s.opts.Now()
	q.mu.Lock()
	if !q.active.Load() {
		q.mu.Unlock()
		return taking{}, errNoQueue()
	}
	var h haul
	full := q.full(now)
	if !full {
		h = q.pick(now, o, s.usable(q))
	}
	var got taking
	if len(h.received)+len(h.spent)+len(h.expired) == 0 {
		if waits {
			got.changed = q.change()
			if at, ok := q.shelf.next(); ok && !full {
				got.next = time.Unix(0, at)
			}
		}
		q.mu.Unlock()
		if full && !long && !q.fifo {
			return taking{}, errOverLimit("Too many messages in flight: at most %d messages of a queue can be received and not deleted.", maxInFlight)
		}
		return got, nil
	}
	q.mu.Unlock()

	got.dropped = len(h.spent)+len(h.expired) > 0
	if err := s.finish(q, &got, &h); err != nil {
		q.restore(&h)
		return taking{}, fmt.Errorf("receiving from queue %s: %w", q.arn, err)
	}
	return got, nil
}

// usable is the queue's dead-letter queue, empty when it has none or when it was
// deleted: then messages stay where they are, and are received on and on.
func (s *Service) usable(q *queue) string {
	if arn := q.config.DeadLetterARN; arn != "" && s.lookupActive(arn) {
		return arn
	}
	return ""
}

// pick hides up to o.Max visible messages, and removes from the index those in
// front that were received often enough or are too old. q.mu is held.
func (q *queue) pick(now time.Time, o ReceiveOptions, deadLetters string) haul {
	h := haul{deadLetters: deadLetters}
	at := now.UnixNano()
	hide := q.config.VisibilityTimeout
	if o.VisibilityTimeout != nil {
		hide = *o.VisibilityTimeout
	}
	until := now.Add(hide).UnixNano()
	if again := q.repeat(o.AttemptID, at); again != nil {
		for _, it := range again {
			t := taken{it: it, before: it.progress, after: it.progress}
			t.after.visible = until
			q.set(it, t.after)
			q.shelf.moved(it)
			h.received = append(h.received, t)
		}
		h.ops = q.remember(o.AttemptID, h.received, at)
		return h
	}
	q.shelf.pick(at, func(it *item) verdict {
		t := taken{it: it, before: it.progress}
		switch {
		case len(h.received) == o.Max:
			return stop
		case q.expired(it, now):
			h.expired = append(h.expired, t)
		case deadLetters != "" && q.spent(it):
			h.spent = append(h.spent, t)
		default:
			t.after = progress{visible: until, received: at, first: it.first, count: it.count + 1}
			if it.fresh() {
				t.after.first = now.UnixMilli()
			}
			q.set(it, t.after)
			h.received = append(h.received, t)
			return stays
		}
		q.forget(it)
		return goes
	})
	if o.AttemptID != "" && len(h.received) > 0 {
		h.ops = q.remember(o.AttemptID, h.received, at)
	}
	return h
}

// finish writes what was taken and reads its contents.
func (s *Service) finish(q *queue, got *taking, h *haul) error {
	dead, err := s.bury(q, h)
	if err != nil {
		return err
	}
	defer dead.unlock()
	for _, t := range h.expired {
		h.ops = append(h.ops, deletion(q.id, t.it.seq)...)
	}
	keys := make([][]byte, len(h.received))
	for i, t := range h.received {
		keys[i] = messageKey(q.id, t.it.seq)
	}
	got.messages = make([]Message, 0, len(h.received))
	err = s.store.read(messagesBucket, keys, func(i int, value []byte) error {
		t := h.received[i]
		if value == nil { // deleted between pick and here
			got.dropped = true
			return nil
		}
		r, err := decodeRecord(value)
		if err != nil {
			return err
		}
		handle := handle{queue: q.id, seq: t.it.seq, count: uint32(t.after.count)}
		m := r.message(t.after, handle.encode())
		if q.fifo {
			m.SequenceNumber = sequenceNumber(t.it.seq)
		}
		got.messages = append(got.messages, m)
		h.ops = append(h.ops, op{bucket: progressBucket, key: keys[i], value: t.after.encode()})
		return nil
	})
	if err != nil {
		return err
	}
	if err := s.committer.commit(append(h.ops, dead.ops...)...); err != nil {
		return err
	}
	s.settle(dead)
	return nil
}

// restore puts back what take took, when it could not be written.
func (q *queue) restore(h *haul) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, t := range h.received {
		if q.items[t.it.seq] == t.it && t.it.progress == t.after {
			q.set(t.it, t.before)
			q.shelf.moved(t.it)
		}
	}
	for _, gone := range [][]taken{h.spent, h.expired} {
		for _, t := range gone {
			q.add(t.it)
		}
	}
	q.wake()
}
