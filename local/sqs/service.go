package sqs

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
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
	// RecreateAtOnce lets CreateQueue make a queue whose name was deleted less than
	// 60 seconds ago, which AWS refuses with QueueDeletedRecently.
	RecreateAtOnce bool
}

// Service serves the queues of one account. It is safe for concurrent use.
type Service struct {
	opts      Options
	store     store
	committer committer

	sequence atomic.Uint64 // of the newest message
	random   sync.Mutex    // guards opts.Random

	// apply is held by the one call that changes the set of queues or their
	// configuration. It guards dropped and deleted.
	apply   sync.Mutex
	dropped map[string]*QueueConfig // of Apply's queues, those that DeleteQueue removed since
	deleted map[string]time.Time    // by ARN, when DeleteQueue was called

	mu     sync.RWMutex      // taken last: nobody who holds it waits for another lock
	queues map[string]*queue // by ARN, also those that nothing configures
	nextID uint64

	tasks  tasks
	closed chan struct{}
}

// New opens the data folder and reads the index of the messages in it. Queues that
// CreateQueue made are served at once, others once [Service.Apply] names them.
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
	s := &Service{opts: o, queues: map[string]*queue{}, nextID: 1, closed: make(chan struct{}),
		dropped: map[string]*QueueConfig{}, deleted: map[string]time.Time{}}
	s.tasks.bySource = map[uint64][]*task{}
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

// Close ends every waiting receive and every task, and closes the store. Calls
// that come later fail with [ErrClosed]. Tasks go on when the folder is opened
// again.
func (s *Service) Close() error {
	s.apply.Lock()
	defer s.apply.Unlock()
	select {
	case <-s.closed:
		return nil
	default:
		close(s.closed)
	}
	s.tasks.running.Wait()
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
	if q == nil || !q.active.Load() {
		return nil, errNoQueue()
	}
	return q, nil
}

// lookupActive reports whether the queue is served.
func (s *Service) lookupActive(arn string) bool {
	_, err := s.lookup(arn)
	return err == nil
}

// open finds an active queue and locks it.
func (s *Service) open(arn string) (*queue, error) {
	q, err := s.lookup(arn)
	if err != nil {
		return nil, err
	}
	q.mu.Lock()
	if !q.active.Load() {
		q.mu.Unlock()
		return nil, errNoQueue()
	}
	return q, nil
}

// find finds an active queue and its configuration, which is not to be changed.
func (s *Service) find(arn string) (*queue, *QueueConfig, error) {
	q, err := s.open(arn)
	if err != nil {
		return nil, nil, err
	}
	c := q.config
	q.mu.Unlock()
	return q, c, nil
}

// all are the active queues with their configurations.
func (s *Service) all() map[*queue]*QueueConfig {
	s.mu.RLock()
	queues := make([]*queue, 0, len(s.queues))
	for _, q := range s.queues {
		queues = append(queues, q)
	}
	s.mu.RUnlock()
	active := make(map[*queue]*QueueConfig, len(queues))
	for _, q := range queues {
		q.mu.Lock()
		if q.active.Load() {
			active[q] = q.config
		}
		q.mu.Unlock()
	}
	return active
}

// ResourcePolicy is the policy of the queue with that ARN, nil when it has none
// or does not exist.
func (s *Service) ResourcePolicy(arn string) *iam.Document {
	_, c, err := s.find(arn)
	if err != nil {
		return nil
	}
	return c.Policy
}

// Exists reports whether the queue is served.
func (s *Service) Exists(arn string) bool { return s.lookupActive(arn) }

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
