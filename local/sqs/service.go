package sqs

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/vinci-go/vinci/local/iam"
)

// Options are the settings of [New]. The zero value keeps everything in memory.
type Options struct {
	Dir     string // the data folder; empty means memory, gone with the process
	Account string // empty means 000000000000
	Region  string // empty means us-east-1
	// Endpoint is the gateway's URL, from which queue URLs are made. nil means
	// http://localhost.
	Endpoint func() string
	Now      func() time.Time // nil means time.Now
	Random   io.Reader        // where message ids come from; nil means crypto/rand
	Logger   *slog.Logger     // nil means silence
}

// Service serves the queues of one account. It is safe for concurrent use.
type Service struct {
	opts      Options
	store     store
	committer committer

	sequence atomic.Uint64 // of the newest message
	random   sync.Mutex    // guards opts.Random

	apply  sync.Mutex // held by the one call that changes the set of queues
	mu     sync.RWMutex
	queues map[string]*queue // by ARN, also those that nothing configures
	nextID uint64
	closed chan struct{}
}

// queueRecord is what the store keeps of a queue besides its messages.
type queueRecord struct {
	ID       uint64    `json:"id"`
	Created  time.Time `json:"created"`
	Modified time.Time `json:"modified"`
}

// New opens the data folder and reads the index of the messages in it. Queues
// are served once [Service.Apply] names them.
func New(o Options) (*Service, error) {
	if o.Account == "" {
		o.Account = "000000000000"
	}
	if o.Region == "" {
		o.Region = "us-east-1"
	}
	if o.Endpoint == nil {
		o.Endpoint = func() string { return "http://localhost" }
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Random == nil {
		o.Random = rand.Reader
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	s := &Service{opts: o, queues: map[string]*queue{}, nextID: 1, closed: make(chan struct{})}
	if o.Dir == "" {
		s.store = newMemStore()
	} else {
		b, err := openBolt(o.Dir)
		if err != nil {
			return nil, err
		}
		s.store = b
	}
	s.committer.store = s.store
	// Starting at the clock keeps a sequence from being used again after a restart,
	// when the messages that had used it are gone but their handles may not be.
	s.sequence.Store(uint64(max(o.Now().UnixNano(), 0)))
	if err := s.load(); err != nil {
		return nil, errors.Join(fmt.Errorf("reading stored queues in %s: %w", o.Dir, err), s.store.close())
	}
	return s, nil
}

// load rebuilds the index.
func (s *Service) load() error {
	byID := map[uint64]*queue{}
	err := s.store.scan(queuesBucket, func(key, value []byte) error {
		var r queueRecord
		if err := json.Unmarshal(value, &r); err != nil {
			return fmt.Errorf("%w: queue %s: %w", errCorrupt, key, err)
		}
		q := newQueue(r.ID, string(key))
		q.created, q.modified = r.Created, r.Modified
		s.queues[q.arn], byID[q.id] = q, q
		s.nextID = max(s.nextID, q.id+1)
		return nil
	})
	if err != nil {
		return err
	}
	err = s.store.scan(messagesBucket, func(key, value []byte) error {
		id, seq, ok := splitKey(key)
		q := byID[id]
		if !ok || q == nil {
			return fmt.Errorf("%w: a message of an unknown queue", errCorrupt)
		}
		sent, err := sentOf(value)
		if err != nil {
			return err
		}
		q.items[seq] = &item{seq: seq, sent: sent, progress: progress{visible: sent * int64(time.Millisecond)}}
		s.sequence.Store(max(s.sequence.Load(), seq))
		return nil
	})
	if err != nil {
		return err
	}
	var orphans []op // of a receive and a deletion at the same time
	err = s.store.scan(progressBucket, func(key, value []byte) error {
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
	for _, q := range s.queues {
		for _, it := range q.items {
			q.add(it)
		}
	}
	return s.committer.commit(orphans...)
}

// Apply makes the queues be exactly those of configs: it creates, changes and
// removes. The messages of a queue that stays are not touched; those of a queue
// that goes are deleted. On an error of kind [ErrConfig], which reports all that
// is wrong at once, nothing has changed.
func (s *Service) Apply(configs []QueueConfig) error {
	s.apply.Lock()
	defer s.apply.Unlock()
	wanted := map[string]QueueConfig{}
	var errs []error
	for _, c := range configs {
		if err := c.complete(s.arn); err != nil {
			errs = append(errs, err)
		} else if _, twice := wanted[c.ARN]; twice {
			errs = append(errs, fmt.Errorf("%w: queue %q is configured twice", ErrConfig, c.Name))
		}
		wanted[c.ARN] = c
	}
	for _, arn := range slices.Sorted(maps.Keys(wanted)) {
		c := wanted[arn]
		if _, ok := wanted[c.DeadLetterARN]; c.DeadLetterARN != "" && !ok {
			errs = append(errs, fmt.Errorf("%w: queue %q: its dead-letter queue %s does not exist", ErrConfig, c.Name, c.DeadLetterARN))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	return s.replace(wanted)
}

// replace writes first and changes the index then. s.apply is held.
func (s *Service) replace(wanted map[string]QueueConfig) error {
	now := s.opts.Now()
	var ops []op
	var gone, changed []*queue
	s.mu.RLock()
	for arn, q := range s.queues {
		if _, ok := wanted[arn]; !ok {
			gone = append(gone, q)
			ops = append(ops, op{bucket: queuesBucket, key: []byte(arn)})
			ops = append(ops, q.deleteAll()...)
		}
	}
	nextID := s.nextID
	for _, arn := range slices.Sorted(maps.Keys(wanted)) {
		c := wanted[arn]
		q := s.queues[arn]
		if q == nil {
			q = newQueue(nextID, arn)
			q.created, q.modified = now, now
			nextID++
		} else if q.same(c) {
			continue
		}
		changed = append(changed, q)
		created := q.created
		value, err := json.Marshal(queueRecord{ID: q.id, Created: created, Modified: now})
		if err != nil {
			s.mu.RUnlock()
			return fmt.Errorf("storing queue %q: %w", c.Name, err)
		}
		ops = append(ops, op{bucket: queuesBucket, key: []byte(arn), value: value})
	}
	s.mu.RUnlock()
	if err := s.committer.commit(ops...); err != nil {
		return fmt.Errorf("storing queues: %w", err)
	}

	s.mu.Lock()
	s.nextID = nextID
	for _, q := range gone {
		delete(s.queues, q.arn)
	}
	for _, q := range changed {
		s.queues[q.arn] = q
	}
	s.mu.Unlock()
	var late []op // messages that arrived while their queue was being removed
	for _, q := range gone {
		q.mu.Lock()
		q.active = false
		q.wake()
		q.mu.Unlock()
		late = append(late, q.deleteAll()...)
	}
	for _, q := range changed {
		q.mu.Lock()
		q.active, q.config, q.modified = true, wanted[q.arn], now
		q.wake()
		q.mu.Unlock()
	}
	return s.committer.commit(late...)
}

// same reports whether c is what the queue is configured with already. A policy
// is compared by what it says, for each Apply parses it anew.
func (q *queue) same(c QueueConfig) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	old := q.config
	return q.active && policyJSON(old.Policy) == policyJSON(c.Policy) && maps.Equal(old.Tags, c.Tags) &&
		old.Name == c.Name && old.VisibilityTimeout == c.VisibilityTimeout && old.MessageRetention == c.MessageRetention &&
		old.Delay == c.Delay && old.ReceiveWait == c.ReceiveWait && old.MaxMessageSize == c.MaxMessageSize &&
		old.DeadLetterARN == c.DeadLetterARN && old.MaxReceiveCount == c.MaxReceiveCount
}

// deleteAll are the writes that delete the messages of the index.
func (q *queue) deleteAll() []op {
	q.mu.Lock()
	defer q.mu.Unlock()
	var ops []op
	for seq := range q.items {
		ops = append(ops, deletion(q.id, seq)...)
	}
	return ops
}

func deletion(queue, seq uint64) []op {
	key := messageKey(queue, seq)
	return []op{{bucket: messagesBucket, key: key}, {bucket: progressBucket, key: key}}
}

// Close ends every waiting receive and closes the store. Calls that come later
// fail with [ErrClosed].
func (s *Service) Close() error {
	s.apply.Lock()
	defer s.apply.Unlock()
	select {
	case <-s.closed:
		return nil
	default:
		close(s.closed)
	}
	return s.store.close()
}

func (s *Service) arn(name string) string {
	return "arn:aws:sqs:" + s.opts.Region + ":" + s.opts.Account + ":" + name
}

func (s *Service) lookup(arn string) (*queue, error) {
	select {
	case <-s.closed:
		return nil, ErrClosed
	default:
	}
	s.mu.RLock()
	q := s.queues[arn]
	s.mu.RUnlock()
	if q == nil {
		return nil, errNoQueue()
	}
	return q, nil
}

// open finds an active queue and locks it.
func (s *Service) open(arn string) (*queue, error) {
	q, err := s.lookup(arn)
	if err != nil {
		return nil, err
	}
	q.mu.Lock()
	if !q.active {
		q.mu.Unlock()
		return nil, errNoQueue()
	}
	return q, nil
}

// ResourcePolicy is the policy of the queue with that ARN, nil when it has none
// or does not exist.
func (s *Service) ResourcePolicy(arn string) *iam.Document {
	q, err := s.open(arn)
	if err != nil {
		return nil
	}
	defer q.mu.Unlock()
	return q.config.Policy
}

// Exists reports whether the queue is served.
func (s *Service) Exists(arn string) bool {
	q, err := s.open(arn)
	if err != nil {
		return false
	}
	q.mu.Unlock()
	return true
}

// Counts are how many messages of a queue are visible, in flight and delayed.
func (s *Service) Counts(_ context.Context, arn string) (visible, inFlight, delayed int, err error) {
	q, err := s.open(arn)
	if err != nil {
		return 0, 0, 0, err
	}
	defer q.mu.Unlock()
	visible, inFlight, delayed = q.counts(s.opts.Now())
	return visible, inFlight, delayed, nil
}

func (s *Service) newMessageID() (string, error) {
	var b [16]byte
	s.random.Lock()
	defer s.random.Unlock()
	if _, err := io.ReadFull(s.opts.Random, b[:]); err != nil {
		return "", fmt.Errorf("making a message id: %w", err)
	}
	return messageID(b), nil
}
