package sqs

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"time"
)

// queueRecord is what the store keeps of a queue besides its messages.
type queueRecord struct {
	ID       uint64    `json:"id"`
	Created  time.Time `json:"created"`
	Modified time.Time `json:"modified"`
	// Config is of queues that CreateQueue made; those of Apply are configured by it.
	Config *configRecord `json:"config,omitempty"`
}

// configRecord is a configuration as it is stored: in the API's own words, which
// are read with the checks that a call gets.
type configRecord struct {
	Name       string            `json:"name"`
	Attributes map[string]string `json:"attributes"`
	Tags       map[string]string `json:"tags,omitempty"`
}

// load rebuilds the index.
func (s *Service) load() error {
	byID := map[uint64]*queue{}
	for _, read := range []func(map[uint64]*queue) error{s.loadQueues, s.loadMessages, s.loadProgress, s.loadFIFO, s.loadTasks} {
		if err := read(byID); err != nil {
			return err
		}
	}
	return s.loadDeleted()
}

// loadDeleted reads which names are not free yet, and forgets those that are.
func (s *Service) loadDeleted() error {
	var over []op
	err := s.store.scan(deletedBucket, func(key, value []byte) error {
		if len(value) != 8 {
			return fmt.Errorf("%w: a deleted queue's record has an unknown form", errCorrupt)
		}
		at := time.Unix(0, int64(binary.BigEndian.Uint64(value)))
		if s.opts.Now().Sub(at) >= deletedPause {
			over = append(over, op{bucket: deletedBucket, key: bytes.Clone(key)})
		} else {
			s.deleted[string(key)] = at
		}
		return nil
	})
	if err != nil {
		return err
	}
	return s.committer.commit(over...)
}

func (s *Service) loadQueues(byID map[uint64]*queue) error {
	return s.store.scan(queuesBucket, func(key, value []byte) error {
		var r queueRecord
		if err := json.Unmarshal(value, &r); err != nil {
			return fmt.Errorf("%w: queue %s: %w", errCorrupt, key, err)
		}
		q := newQueue(r.ID, string(key))
		q.created, q.modified = r.Created, r.Modified
		if r.Config != nil {
			c, err := r.Config.config(q.arn)
			if err != nil {
				return fmt.Errorf("%w: queue %s: %w", errCorrupt, key, err)
			}
			q.sdk = true
			q.config = c
		}
		s.queues[q.arn], byID[q.id] = q, q
		s.nextID = max(s.nextID, q.id+1)
		return nil
	})
}

func (s *Service) loadMessages(byID map[uint64]*queue) error {
	return s.store.scan(messagesBucket, func(key, value []byte) error {
		id, seq, ok := splitKey(key)
		q := byID[id]
		if !ok || q == nil {
			return fmt.Errorf("%w: a message of an unknown queue", errCorrupt)
		}
		sent, groupID, err := headOf(value)
		if err != nil {
			return err
		}
		it := &item{seq: seq, sent: sent, progress: progress{visible: sent * int64(time.Millisecond)}}
		if q.fifo {
			it.group = &group{id: groupID}
		}
		q.items[seq] = it
		s.used(seq)
		return nil
	})
}

// used keeps a sequence from being used again.
func (s *Service) used(seq uint64) { s.sequence.Store(max(s.sequence.Load(), seq)) }

func (s *Service) loadProgress(byID map[uint64]*queue) error {
	var orphans []op // of a receive and a deletion at the same time
	err := s.store.scan(progressBucket, func(key, value []byte) error {
		id, seq, ok := splitKey(key)
		if !ok {
			return fmt.Errorf("%w: a progress record has an unknown key", errCorrupt)
		}
		q := byID[id]
		if q == nil || q.items[seq] == nil {
			orphans = append(orphans, op{bucket: progressBucket, key: bytes.Clone(key)})
			return nil
		}
		p, err := decodeProgress(value)
		q.items[seq].progress = p
		return err
	})
	if err != nil {
		return err
	}
	for _, q := range byID {
		for _, it := range q.items {
			q.add(it)
		}
		if q.sdk {
			q.configure(q.config)
		}
	}
	return s.committer.commit(orphans...)
}

// loadFIFO reads what FIFO queues know of earlier sends and receives.
func (s *Service) loadFIFO(byID map[uint64]*queue) error {
	var orphans []op
	err := s.store.scan(dedupBucket, func(key, value []byte) error {
		id, name, ok := splitNamedKey(key)
		e, err := decodeDedup(value)
		if !ok || err != nil {
			return fmt.Errorf("%w: a deduplication record: %w", errCorrupt, err)
		}
		q := byID[id]
		if q == nil {
			orphans = append(orphans, op{bucket: dedupBucket, key: bytes.Clone(key)})
			return nil
		}
		q.dedup.put(name, e)
		s.used(e.seq)
		return nil
	})
	if err != nil {
		return err
	}
	err = s.store.scan(attemptsBucket, func(key, value []byte) error {
		id, name, ok := splitNamedKey(key)
		a, err := decodeAttempt(value)
		if !ok || err != nil {
			return fmt.Errorf("%w: a record of a receive: %w", errCorrupt, err)
		}
		q := byID[id]
		if q == nil {
			orphans = append(orphans, op{bucket: attemptsBucket, key: bytes.Clone(key)})
			return nil
		}
		if q.attempts == nil {
			q.attempts = map[string]*attempt{}
		}
		q.attempts[name] = a
		return nil
	})
	if err != nil {
		return err
	}
	for _, q := range byID {
		q.dedup.order()
	}
	return s.committer.commit(orphans...)
}
