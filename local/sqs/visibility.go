package sqs

import (
	"context"
	"fmt"
	"time"
)

// ChangeVisibility hides a message in flight for d from now on; 0 makes it
// visible at once. It fails with [CodeMessageNotInflight] when the message is
// visible again, and with [CodeInvalidParameterValue] when it is gone or was
// received again, or when it would have been hidden for more than 12 hours since
// it was received.
//
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ChangeMessageVisibility.html
func (s *Service) ChangeVisibility(_ context.Context, queueARN, receiptHandle string, d time.Duration) error {
	errs, err := s.changeAll(queueARN, []change{{receiptHandle, d}})
	if err != nil {
		return err
	}
	return errs[0]
}

// change is a change of visibility.
type change struct {
	handle  string
	timeout time.Duration
}

// changeAll makes changes with one write. errs has an error for each.
func (s *Service) changeAll(queueARN string, changes []change) (errs []error, err error) {
	q, err := s.open(queueARN)
	if err != nil {
		return nil, err
	}
	now := s.opts.Now()
	errs = make([]error, len(changes))
	made := make([]taken, 0, len(changes))
	ops := make([]op, 0, len(changes))
	for i, c := range changes {
		it, err := q.changeable(c, now)
		if err != nil {
			errs[i] = err
			continue
		}
		t := taken{it: it, before: it.progress, after: it.progress}
		t.after.visible = now.Add(c.timeout).UnixNano()
		made = append(made, t)
		ops = append(ops, op{bucket: progressBucket, key: messageKey(q.id, it.seq), value: t.after.encode()})
	}
	q.mu.Unlock()
	if err := s.committer.commit(ops...); err != nil {
		return nil, fmt.Errorf("changing the visibility of messages of queue %s: %w", queueARN, err)
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, t := range made {
		// Another change of the same receipt may have come in between, and the later one
		// counts; after another receipt this one's handle is worth nothing.
		if q.items[t.it.seq] == t.it && t.it.count == t.before.count {
			q.set(t.it, t.after)
			q.shelf.moved(t.it)
		}
	}
	if len(made) > 0 {
		q.wake()
	}
	return errs, nil
}

// changeable finds the message that a change is for. q.mu is held.
func (q *queue) changeable(c change, now time.Time) (*item, error) {
	if c.timeout < 0 || c.timeout > maxVisibility {
		return nil, errRange("VisibilityTimeout", int(c.timeout.Seconds()), 0, int(maxVisibility.Seconds()))
	}
	it, current, err := q.byHandle(c.handle)
	switch {
	case err != nil:
		return nil, err
	case it == nil || !current || q.expired(it, now):
		return nil, errNotChangeable(c.handle)
	case it.visible <= now.UnixNano():
		return nil, errNotInflight()
	case now.Add(c.timeout).UnixNano()-it.progress.received > int64(maxVisibility):
		return nil, errValue("Value %d for parameter VisibilityTimeout is invalid. Reason: Total VisibilityTimeout for the message is beyond the limit [43200 seconds].", int(c.timeout.Seconds()))
	}
	return it, nil
}
