package sqs

import (
	"context"
	"fmt"
	"time"
)

// purgePause is how long AWS refuses a second purge.
const purgePause = 60 * time.Second

// Purge deletes the messages that the queue has now, and what a FIFO queue knows
// of earlier ones. As in AWS, it is refused when the last one was less than a
// minute ago. A restart forgets when that was.
//
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_PurgeQueue.html
func (s *Service) Purge(_ context.Context, queueARN string) error {
	q, _, err := s.find(queueARN)
	if err != nil {
		return err
	}
	q.sending.Lock() // for the deduplication table
	defer q.sending.Unlock()
	if q, err = s.open(queueARN); err != nil {
		return err
	}
	now := s.opts.Now()
	if !q.purged.IsZero() && now.Sub(q.purged) < purgePause {
		name := q.config.Name
		q.mu.Unlock()
		return errModelled("PurgeQueueInProgress", "Only one PurgeQueue operation on %s is allowed every 60 seconds.", name)
	}
	purged := q.purged
	q.purged = now
	items, ops := q.contents()
	q.mu.Unlock()
	err = s.committer.commit(ops...)

	q.mu.Lock()
	defer q.mu.Unlock()
	if err != nil {
		q.purged = purged
		return fmt.Errorf("purging queue %s: %w", queueARN, err)
	}
	for _, it := range items {
		if q.items[it.seq] == it {
			q.remove(it)
		}
	}
	q.dedup, q.attempts = dedupTable{}, nil
	return nil
}

// contents are the messages of the index, and the writes that delete them and
// what is known of earlier sends and receives. q.sending and q.mu are held.
func (q *queue) contents() ([]*item, []op) {
	items := make([]*item, 0, len(q.items))
	ops := make([]op, 0, 2*len(q.items)+len(q.dedup.entries)+len(q.attempts))
	for _, it := range q.items {
		items = append(items, it)
		ops = append(ops, deletion(q.id, it.seq)...)
	}
	for key := range q.dedup.entries {
		ops = append(ops, op{bucket: dedupBucket, key: namedKey(q.id, key)})
	}
	for id := range q.attempts {
		ops = append(ops, op{bucket: attemptsBucket, key: namedKey(q.id, id)})
	}
	return items, ops
}

func deletion(queue, seq uint64) []op {
	key := messageKey(queue, seq)
	return []op{{bucket: messagesBucket, key: key}, {bucket: progressBucket, key: key}}
}
