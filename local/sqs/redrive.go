package sqs

import "fmt"

// arrivals are messages on their way from one queue into another.
type arrivals struct {
	to     *queue
	items  []*item
	ops    []op
	unlock func() // of to's sends
}

// arrive prepares that a queue gets the messages of other queues. Until unlock is
// called, nobody sends to it if it is a FIFO queue.
func (s *Service) arrive(arn string) (*arrivals, error) {
	to, _, err := s.find(arn)
	if err != nil {
		return nil, err
	}
	a := &arrivals{to: to, unlock: func() {}}
	if to.fifo {
		to.sending.Lock()
		a.unlock = to.sending.Unlock
	}
	return a, nil
}

// add makes the writes for a message.
func (s *Service) addArrival(a *arrivals, r *record, p progress) {
	it := &item{seq: s.sequence.Add(1), sent: r.sent, progress: p}
	if a.to.fifo {
		it.group = &group{id: r.group}
	}
	key := messageKey(a.to.id, it.seq)
	a.ops = append(a.ops, op{bucket: messagesBucket, key: key, value: r.encode()})
	if p != (progress{visible: p.visible}) || !a.to.fifo {
		a.ops = append(a.ops, op{bucket: progressBucket, key: key, value: p.encode()})
	}
	a.items = append(a.items, it)
}

// settle makes messages known that have arrived. If the queue was removed in the
// meantime they are deleted with it.
func (s *Service) settle(a *arrivals) {
	if len(a.items) == 0 {
		return
	}
	a.to.mu.Lock()
	active := a.to.active.Load()
	if active {
		for _, it := range a.items {
			a.to.add(it)
		}
		a.to.wake()
	}
	a.to.mu.Unlock()
	if active {
		return
	}
	var late []op
	for _, it := range a.items {
		late = append(late, deletion(a.to.id, it.seq)...)
	}
	if err := s.committer.commit(late...); err != nil {
		s.opts.Logger.Error("messages of a removed queue could not be deleted", "queue", a.to.arn, "error", err)
	}
}

// bury prepares to move messages that were received often enough to the
// dead-letter queue. They keep their id, contents and receive count. Of a standard
// queue they keep the time they were first sent, so that the dead-letter queue's
// retention counts from there; of a FIFO queue the time begins anew, and the
// deduplication id becomes the message's own id, so that none is lost because it
// has another's.
//
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-dead-letter-queues.html
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-configure-dead-letter-queue-redrive.html
func (s *Service) bury(q *queue, h *haul) (*arrivals, error) {
	if len(h.spent) == 0 {
		return &arrivals{unlock: func() {}}, nil
	}
	a, err := s.arrive(h.deadLetters)
	if err != nil {
		return nil, fmt.Errorf("moving messages to dead-letter queue %s: %w", h.deadLetters, err)
	}
	keys := make([][]byte, len(h.spent))
	for i, t := range h.spent {
		keys[i] = messageKey(q.id, t.it.seq)
	}
	now := s.opts.Now()
	err = s.store.read(messagesBucket, keys, func(i int, value []byte) error {
		if value == nil {
			return nil // deleted in the meantime
		}
		r, err := decodeRecord(value)
		if err != nil {
			return err
		}
		r.source = q.arn
		p := h.spent[i].before
		p.visible = now.UnixNano()
		if q.fifo {
			r.sent, r.dedup = now.UnixMilli(), r.id
		}
		a.ops = append(a.ops, deletion(q.id, h.spent[i].it.seq)...)
		s.addArrival(a, &r, p)
		return nil
	})
	if err != nil {
		a.unlock()
		return nil, err
	}
	return a, nil
}
