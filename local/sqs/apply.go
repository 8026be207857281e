package sqs

import (
	"errors"
	"fmt"
	"maps"
	"slices"
)

// Apply makes the queues be those of configs: it creates, changes and removes. The
// messages of a queue that stays are not touched; those of a queue that goes are
// deleted. Queues that [Service.CreateQueue] made stay, unless configs wants the
// name: then the queue is Apply's from now on, with its messages.
//
// A queue that has been changed or deleted by a call keeps the change while its
// configuration is the one that Apply gave before. On an error of kind
// [ErrConfig], which reports all that is wrong at once, nothing has changed.
//
// Tasks that a restart interrupted go on now.
func (s *Service) Apply(configs []QueueConfig) error {
	s.apply.Lock()
	defer s.apply.Unlock()
	wanted := map[string]*QueueConfig{}
	var errs []error
	for _, c := range configs {
		if err := c.complete(s.arn); err != nil {
			errs = append(errs, err)
		} else if wanted[c.ARN] != nil {
			errs = append(errs, fmt.Errorf("%w: queue %q is configured twice", ErrConfig, c.Name))
		}
		wanted[c.ARN] = &c
	}
	for _, arn := range slices.Sorted(maps.Keys(wanted)) {
		errs = append(errs, s.checkRedrive(wanted[arn], wanted))
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	if err := s.replace(wanted); err != nil {
		return err
	}
	s.resumeTasks()
	return nil
}

// checkRedrive refuses a dead-letter queue that is not there, or that does not
// want this source.
func (s *Service) checkRedrive(c *QueueConfig, wanted map[string]*QueueConfig) error {
	if c.DeadLetterARN == "" {
		return nil
	}
	dead := wanted[c.DeadLetterARN]
	if q, made, err := s.find(c.DeadLetterARN); dead == nil && err == nil && q.sdk {
		dead = made
	}
	switch {
	case dead == nil:
		return fmt.Errorf("%w: queue %q: its dead-letter queue %s does not exist", ErrConfig, c.Name, c.DeadLetterARN)
	case !dead.AllowsSource(c.ARN):
		return fmt.Errorf("%w: queue %q: the RedriveAllowPolicy of its dead-letter queue %q does not allow it", ErrConfig, c.Name, dead.Name)
	}
	return nil
}

// replace writes first and changes the index then. s.apply is held.
func (s *Service) replace(wanted map[string]*QueueConfig) error {
	now := s.opts.Now()
	s.mu.RLock()
	queues, nextID := maps.Clone(s.queues), s.nextID
	s.mu.RUnlock()
	var ops []op
	var gone, changed []*queue
	for arn, q := range queues {
		if wanted[arn] == nil && !q.sdk {
			gone = append(gone, q)
			if n := q.length(); n > 0 { // it may be a restart without the assembly
				s.opts.Logger.Warn("a queue is no longer in the assembly: it is deleted with its messages", "queue", arn, "messages", n)
			}
			ops = append(ops, s.erasure(q)...)
		}
	}
	for _, arn := range slices.Sorted(maps.Keys(wanted)) {
		c, q := wanted[arn], queues[arn]
		switch {
		case q == nil && s.dropped[arn].same(c):
			continue // a call deleted it, and nothing new is wanted
		case q == nil:
			q = newQueue(nextID, arn)
			q.created = now
			nextID++
		case !q.sdk && q.active.Load() && q.applied.same(c):
			continue
		}
		changed = append(changed, q)
		record, err := storedQueue(q, now, nil)
		if err != nil {
			return err
		}
		ops = append(ops, record)
	}
	if err := s.committer.commit(ops...); err != nil {
		return fmt.Errorf("storing queues: %w", err)
	}

	s.mu.Lock()
	s.nextID = nextID
	for _, q := range changed {
		s.queues[q.arn] = q
	}
	s.mu.Unlock()
	for _, q := range changed {
		q.mu.Lock()
		q.sdk, q.modified, q.applied = false, now, wanted[q.arn]
		q.configure(wanted[q.arn])
		q.mu.Unlock()
	}
	for arn := range s.dropped {
		if s.queues[arn] != nil || wanted[arn] == nil {
			delete(s.dropped, arn)
		}
	}
	return s.vanish(gone...)
}
