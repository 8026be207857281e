package sqs

import (
	"context"
	"fmt"
	"time"
)

// Receive takes up to o.Max visible messages and hides them. When there are
// none it waits for the first, up to o.Wait, and returns none, without error,
// when none came. It returns ctx's error when ctx ends first.
//
// What it returns is written as received first, so that a restart neither forgets
// a receive nor makes a hidden message visible before its time.
func (s *Service) Receive(ctx context.Context, queueARN string, o ReceiveOptions) ([]Message, error) {
	if o.Max == 0 {
		o.Max = 1
	}
	if o.Max < 1 || o.Max > maxReceive {
		return nil, errRange("MaxNumberOfMessages", o.Max, 1, maxReceive)
	}
	if v := o.VisibilityTimeout; v != nil && (*v < 0 || *v > maxVisibility) {
		return nil, errRange("VisibilityTimeout", int(v.Seconds()), 0, int(maxVisibility.Seconds()))
	}
	if v := o.Wait; v != nil && (*v < 0 || *v > maxWait) {
		return nil, errRange("WaitTimeSeconds", int(v.Seconds()), 0, int(maxWait.Seconds()))
	}
	q, err := s.open(queueARN)
	if err != nil {
		return nil, err
	}
	wait := q.config.ReceiveWait
	q.mu.Unlock()
	if o.Wait != nil {
		wait = *o.Wait
	}
	deadline := s.opts.Now().Add(wait)
	for {
		got, next, err := s.take(q, o)
		if err != nil || len(got.messages) > 0 {
			return got.messages, err
		}
		if got.dropped {
			continue // there may be more behind what was dropped
		}
		left := deadline.Sub(s.opts.Now())
		if left <= 0 {
			return nil, nil
		}
		if err := s.await(ctx, got.changed, next, left); err != nil {
			return nil, err
		}
	}
}

// await returns when the queue changed, when its next message becomes visible,
// or when left is over.
func (s *Service) await(ctx context.Context, changed <-chan struct{}, next time.Time, left time.Duration) error {
	if !next.IsZero() {
		left = min(left, max(next.Sub(s.opts.Now()), 0))
	}
	timer := time.NewTimer(left)
	defer timer.Stop()
	select {
	case <-changed:
	case <-timer.C:
	case <-s.closed:
		return ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	}
	return nil
}

// taking is what one look at a queue yields.
type taking struct {
	messages []Message
	dropped  bool // messages were visible, but expired or spent
	changed  <-chan struct{}
}

// taken is a message as take found it, to be put back if the write fails.
type taken struct {
	it            *item
	before, after progress
}

// take receives what is visible now. next is when the first hidden message
// becomes visible, zero when there is none.
func (s *Service) take(q *queue, o ReceiveOptions) (taking, time.Time, error) {
	now := s.opts.Now()
	q.mu.Lock()
	if !q.active {
		q.mu.Unlock()
		return taking{}, time.Time{}, errNoQueue()
	}
	got := taking{changed: q.changed}
	hide := q.config.VisibilityTimeout
	if o.VisibilityTimeout != nil {
		hide = *o.VisibilityTimeout
	}
	received, spent, expired := q.pick(now, o.Max)
	// With a timeout of 0 a message stays visible, but goes behind the others.
	for i := range received {
		t := &received[i]
		t.after = progress{visible: now.Add(hide).UnixNano(), received: now.UnixNano(), first: t.before.first, count: t.before.count + 1}
		if t.before.count == 0 {
			t.after.first = now.UnixMilli()
		}
		t.it.progress = t.after
		q.add(t.it)
	}
	deadLetters := q.config.DeadLetterARN
	var next time.Time
	if len(q.order) > 0 {
		next = time.Unix(0, q.order[0].visible)
	}
	q.mu.Unlock()

	got.dropped = len(spent)+len(expired) > 0
	if len(received) == 0 && !got.dropped {
		return got, next, nil
	}
	if err := s.finish(q, &got, received, spent, expired, deadLetters); err != nil {
		q.restore(received, spent, expired)
		return taking{}, time.Time{}, fmt.Errorf("receiving from queue %s: %w", q.arn, err)
	}
	return got, next, nil
}

// pick removes up to n visible messages from the index, and with them those in
// front that were received often enough or are too old. q.mu is held.
func (q *queue) pick(now time.Time, n int) (received, spent, expired []taken) {
	at := now.UnixNano()
	for len(received) < n && len(q.order) > 0 && q.order[0].visible <= at {
		it := q.order[0]
		t := taken{it: it, before: it.progress}
		q.remove(it)
		switch {
		case q.expired(it, now):
			expired = append(expired, t)
		case q.spent(it):
			spent = append(spent, t)
		default:
			received = append(received, t)
		}
	}
	return received, spent, expired
}

// finish writes what was taken and reads its contents.
func (s *Service) finish(q *queue, got *taking, received, spent, expired []taken, deadLetters string) error {
	to, moved, ops, err := s.moves(q, spent, deadLetters)
	if err != nil {
		return err
	}
	for _, t := range expired {
		ops = append(ops, deletion(q.id, t.it.seq)...)
	}
	keys := make([][]byte, len(received))
	for i, t := range received {
		keys[i] = messageKey(q.id, t.it.seq)
	}
	got.messages = make([]Message, 0, len(received))
	err = s.store.read(messagesBucket, keys, func(i int, value []byte) error {
		t := received[i]
		if value == nil { // deleted between pick and here
			got.dropped = true
			return nil
		}
		r, err := decodeRecord(value)
		if err != nil {
			return err
		}
		h := handle{queue: q.id, seq: t.it.seq, count: uint32(t.after.count)}
		got.messages = append(got.messages, r.message(t.after, h.encode()))
		ops = append(ops, op{bucket: progressBucket, key: keys[i], value: t.after.encode()})
		return nil
	})
	if err != nil {
		return err
	}
	if err := s.committer.commit(ops...); err != nil {
		return err
	}
	if len(moved) > 0 {
		s.index(to, moved...)
	}
	return nil
}
