package sqs

import (
	"context"
	"errors"
	"fmt"
)

// Delete deletes the messages of receipt handles, with one write. As in AWS, a
// message that was deleted already is no error, and in a standard queue the handle
// of an earlier receive succeeds without deleting. A FIFO queue refuses a handle
// whose visibility time-out is over. A text that is no handle of this queue is
// [CodeReceiptHandleIsInvalid]. What is refused does not keep the others from
// being deleted.
//
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_DeleteMessage.html
func (s *Service) Delete(_ context.Context, queueARN string, receiptHandles ...string) error {
	errs, err := s.deleteAll(queueARN, receiptHandles)
	return errors.Join(append(errs, err)...)
}

// deleteAll is Delete with an error for each handle.
func (s *Service) deleteAll(queueARN string, receiptHandles []string) (errs []error, err error) {
	q, err := s.open(queueARN)
	if err != nil {
		return nil, err
	}
	errs = make([]error, len(receiptHandles))
	items := make([]*item, 0, len(receiptHandles))
	ops := make([]op, 0, 2*len(receiptHandles))
	at := s.opts.Now().UnixNano()
	for i, h := range receiptHandles {
		it, current, err := q.byHandle(h)
		switch {
		case err != nil:
			errs[i] = err
		case it == nil:
		case q.fifo && (!current || it.visible <= at):
			errs[i] = errHandleExpired(h)
		case current:
			items = append(items, it)
			ops = append(ops, deletion(q.id, it.seq)...)
		}
	}
	q.mu.Unlock()
	if err := s.committer.commit(ops...); err != nil {
		return errs, fmt.Errorf("deleting messages of queue %s: %w", queueARN, err)
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, it := range items {
		if q.items[it.seq] == it { // else somebody else was faster
			q.remove(it)
		}
	}
	if q.fifo && len(items) > 0 {
		q.wake() // what was behind it in its group can be received
	}
	return errs, nil
}

// byHandle finds the message of a handle, nil when it is gone. current is false
// when it was received again since. q.mu is held.
func (q *queue) byHandle(receiptHandle string) (it *item, current bool, err error) {
	h, ok := decodeHandle(receiptHandle)
	if !ok || h.queue != q.id {
		return nil, false, errHandle(receiptHandle)
	}
	it = q.items[h.seq]
	return it, it != nil && uint32(it.count) == h.count, nil
}
