package sqs

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Send stores a message and returns its id. When it returns, the message has
// reached the kernel: the death of the process does not lose it.
func (s *Service) Send(_ context.Context, queueARN string, m Outgoing) (messageID string, err error) {
	q, err := s.open(queueARN)
	if err != nil {
		return "", err
	}
	config := q.config
	q.mu.Unlock()
	if err := m.check(config.MaxMessageSize); err != nil {
		return "", err
	}
	return s.put(q, config, m)
}

// put stores a message that was checked.
func (s *Service) put(q *queue, config QueueConfig, m Outgoing) (string, error) {
	p, err := s.prepare(q, config, m)
	if err != nil {
		return "", err
	}
	if err := s.committer.commit(p.ops...); err != nil {
		return "", fmt.Errorf("storing a message of queue %s: %w", config.Name, err)
	}
	if !s.index(q, p.it) {
		return "", errNoQueue()
	}
	return p.id, nil
}

// Parcel is a message for one queue among others.
type Parcel struct {
	QueueARN string
	Outgoing
}

// SendAll stores many messages with one write, which takes hardly longer than
// for one. errs[i] is what [Service.Send] would return for parcels[i]; one that
// fails does not keep the others back.
func (s *Service) SendAll(_ context.Context, parcels []Parcel) (errs []error) {
	errs = make([]error, len(parcels))
	all := make([]prepared, len(parcels))
	var ops []op
	for i, p := range parcels {
		q, err := s.open(p.QueueARN)
		if err != nil {
			errs[i] = err
			continue
		}
		config := q.config
		q.mu.Unlock()
		if errs[i] = p.check(config.MaxMessageSize); errs[i] != nil {
			continue
		}
		if all[i], errs[i] = s.prepare(q, config, p.Outgoing); errs[i] == nil {
			ops = append(ops, all[i].ops...)
		}
	}
	if err := s.committer.commit(ops...); err != nil {
		for i := range errs {
			if errs[i] == nil {
				errs[i] = fmt.Errorf("storing a message of queue %s: %w", parcels[i].QueueARN, err)
			}
		}
		return errs
	}
	// All of a queue's at once, so that who waits there gets them together.
	items := map[*queue][]*item{}
	for i := range all {
		if errs[i] == nil {
			items[all[i].q] = append(items[all[i].q], all[i].it)
		}
	}
	for q, items := range items {
		if s.index(q, items...) {
			continue
		}
		for i := range all {
			if all[i].q == q {
				errs[i] = errNoQueue()
			}
		}
	}
	return errs
}

// prepared is a message about to be written.
type prepared struct {
	q   *queue
	it  *item
	id  string
	ops []op
}

// prepare makes the writes of a message that was checked.
func (s *Service) prepare(q *queue, config QueueConfig, m Outgoing) (prepared, error) {
	id, err := s.newMessageID()
	if err != nil {
		return prepared{}, err
	}
	if m.SenderID == "" {
		m.SenderID = s.opts.Account
	}
	delay := config.Delay
	if m.Delay != nil {
		delay = *m.Delay
	}
	now := s.opts.Now()
	r := record{sent: now.UnixMilli(), id: id, body: m.Body, bodyMD5: digest(m.Body), sender: m.SenderID,
		trace: m.TraceHeader, group: m.GroupID, attributes: m.Attributes}
	it := &item{seq: s.sequence.Add(1), sent: r.sent, progress: progress{visible: now.Add(delay).UnixNano()}}
	key := messageKey(q.id, it.seq)
	ops := []op{{bucket: messagesBucket, key: key, value: r.encode()}}
	if delay > 0 {
		ops = append(ops, op{bucket: progressBucket, key: key, value: it.progress.encode()})
	}
	return prepared{q, it, id, ops}, nil
}

// index makes stored messages of a queue known. It reports false, and deletes
// them, when the queue was removed in the meantime.
func (s *Service) index(q *queue, items ...*item) bool {
	q.mu.Lock()
	if q.active {
		for _, it := range items {
			q.add(it)
		}
		q.wake()
		q.mu.Unlock()
		return true
	}
	q.mu.Unlock()
	var ops []op
	for _, it := range items {
		ops = append(ops, deletion(q.id, it.seq)...)
	}
	if err := s.committer.commit(ops...); err != nil {
		s.opts.Logger.Error("messages of a removed queue could not be deleted", "queue", q.arn, "error", err)
	}
	return false
}

// Delete deletes the messages of receipt handles, with one write. As in AWS, a
// message that was deleted already is no error, and the handle of an earlier
// receive succeeds without deleting; a text that is no handle of this queue is
// [CodeReceiptHandleIsInvalid], and does not keep the others from being deleted.
//
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_DeleteMessage.html
func (s *Service) Delete(_ context.Context, queueARN string, receiptHandles ...string) error {
	q, err := s.open(queueARN)
	if err != nil {
		return err
	}
	var wrong []error
	var items []*item
	var ops []op
	for _, h := range receiptHandles {
		it, err := q.byHandle(h)
		if err != nil {
			wrong = append(wrong, err)
		} else if it != nil {
			items = append(items, it)
			ops = append(ops, deletion(q.id, it.seq)...)
		}
	}
	q.mu.Unlock()
	if err := s.committer.commit(ops...); err != nil {
		return fmt.Errorf("deleting messages of queue %s: %w", queueARN, errors.Join(append(wrong, err)...))
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, it := range items {
		if q.items[it.seq] == it { // else somebody else was faster
			q.remove(it)
		}
	}
	return errors.Join(wrong...)
}

// byHandle finds the message of a handle, nil when it is gone or was received
// again since. q.mu is held.
func (q *queue) byHandle(receiptHandle string) (*item, error) {
	h, ok := decodeHandle(receiptHandle)
	if !ok || h.queue != q.id {
		return nil, errHandle(receiptHandle)
	}
	it := q.items[h.seq]
	if it == nil || uint32(it.count) != h.count {
		return nil, nil
	}
	return it, nil
}

// ChangeVisibility hides a message in flight for d from now on; 0 makes it
// visible at once. It fails with [CodeInvalidParameterValue] when the message is
// not in flight any more, or when it would have been hidden for more than 12
// hours since it was received.
//
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ChangeMessageVisibility.html
func (s *Service) ChangeVisibility(_ context.Context, queueARN, receiptHandle string, d time.Duration) error {
	if d < 0 || d > maxVisibility {
		return errRange("VisibilityTimeout", int(d.Seconds()), 0, int(maxVisibility.Seconds()))
	}
	q, err := s.open(queueARN)
	if err != nil {
		return err
	}
	it, err := q.byHandle(receiptHandle)
	now := s.opts.Now()
	switch {
	case err != nil:
	case it == nil || it.visible <= now.UnixNano() || q.expired(it, now):
		err = errNotChangeable(receiptHandle)
	case now.Add(d).UnixNano()-it.received > int64(maxVisibility):
		err = errValue("Value %d for parameter VisibilityTimeout is invalid. Reason: Total VisibilityTimeout for the message is beyond the limit [43200 seconds].", int(d.Seconds()))
	}
	if err != nil {
		q.mu.Unlock()
		return err
	}
	before, after := it.progress, it.progress
	after.visible = now.Add(d).UnixNano()
	q.mu.Unlock()

	key := messageKey(q.id, it.seq)
	if err := s.committer.commit(op{bucket: progressBucket, key: key, value: after.encode()}); err != nil {
		return fmt.Errorf("changing the visibility of a message of queue %s: %w", queueARN, err)
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.items[it.seq] == it && it.progress == before {
		q.set(it, after)
		q.wake()
	}
	return nil
}
