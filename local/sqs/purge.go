package sqs

import (
	"context"
	"fmt"
	"time"
)

// purgePause is how long AWS refuses a second purge.
const purgePause = 60 * time.Second

// Purge deletes the messages that the queue has now. As in AWS, it is refused
// when the last one was less than a minute ago.
//
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_PurgeQueue.html
func (s *Service) Purge(_ context.Context, queueARN string) error {
	q, err := s.open(queueARN)
	if err != nil {
		return err
	}
	now := s.opts.Now()
	if !q.purged.IsZero() && now.Sub(q.purged) < purgePause {
		name := q.config.Name
		q.mu.Unlock()
		return errModelled("PurgeQueueInProgress", "Only one PurgeQueue operation on %s is allowed every 60 seconds.", name)
	}
	var ops []op
	items := make([]*item, 0, len(q.items))
	for seq, it := range q.items {
		items = append(items, it)
		ops = append(ops, deletion(q.id, seq)...)
	}
	q.mu.Unlock()
	if err := s.committer.commit(ops...); err != nil {
		return fmt.Errorf("purging queue %s: %w", queueARN, err)
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.purged = now
	for _, it := range items {
		if q.items[it.seq] == it {
			q.remove(it)
		}
	}
	return nil
}
