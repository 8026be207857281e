package sqs

import "fmt"

// moves prepares to move messages to the dead-letter queue. They keep their id,
// contents, receive count and the time they were first sent, as in AWS, so that
// the dead-letter queue's retention counts from there.
//
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-dead-letter-queues.html
func (s *Service) moves(q *queue, spent []taken, deadLetters string) (to *queue, moved []*item, ops []op, err error) {
	if len(spent) == 0 {
		return nil, nil, nil, nil
	}
	if to, err = s.open(deadLetters); err != nil {
		return nil, nil, nil, fmt.Errorf("moving messages to dead-letter queue %s: %w", deadLetters, err)
	}
	to.mu.Unlock()
	keys := make([][]byte, len(spent))
	for i, t := range spent {
		keys[i] = messageKey(q.id, t.it.seq)
	}
	now := s.opts.Now().UnixNano()
	err = s.store.read(messagesBucket, keys, func(i int, value []byte) error {
		if value == nil {
			return nil // deleted in the meantime
		}
		r, err := decodeRecord(value)
		if err != nil {
			return err
		}
		r.source = q.arn
		p := spent[i].before
		p.visible = now
		it := &item{seq: s.sequence.Add(1), sent: r.sent, progress: p}
		key := messageKey(to.id, it.seq)
		ops = append(ops, deletion(q.id, spent[i].it.seq)...)
		ops = append(ops, op{bucket: messagesBucket, key: key, value: r.encode()}, op{bucket: progressBucket, key: key, value: p.encode()})
		moved = append(moved, it)
		return nil
	})
	return to, moved, ops, err
}

// restore puts back what take took, when it could not be written.
func (q *queue) restore(received, spent, expired []taken) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, t := range received {
		if q.items[t.it.seq] == t.it && t.it.progress == t.after {
			q.set(t.it, t.before)
		}
	}
	for _, gone := range [][]taken{spent, expired} {
		for _, t := range gone {
			q.add(t.it)
		}
	}
	q.wake()
}
