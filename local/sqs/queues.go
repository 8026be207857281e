package sqs

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/vinci-go/vinci/local/gateway"
)

// deletedPause is how long AWS keeps a deleted queue's name from being used again.
const deletedPause = 60 * time.Second

// CreateQueue makes a queue that [Service.Apply] never removes and a restart
// keeps, and returns its ARN. A queue that is there is returned as it is, if the
// attributes that are given are its own; else the error is QueueNameExists. The
// attributes are the API's.
//
// As in AWS, a name that [Service.DeleteQueue] freed less than 60 seconds ago is
// refused with QueueDeletedRecently, unless [Options.RecreateAtOnce] is set.
//
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_CreateQueue.html
func (s *Service) CreateQueue(_ context.Context, name string, attributes, tags map[string]string) (arn string, err error) {
	c, err := newConfig(name, attributes)
	if err != nil {
		return "", err
	}
	if c.Tags, err = addTags(nil, tags); err != nil {
		return "", err
	}
	s.apply.Lock()
	defer s.apply.Unlock()
	c.ARN = s.arn(name)
	if q, old, err := s.find(c.ARN); err == nil {
		return q.arn, sameAttributes(old, attributes)
	} else if !IsQueueDoesNotExist(err) {
		return "", err
	}
	now := s.opts.Now()
	if gone, ok := s.deleted[c.ARN]; ok && now.Sub(gone) < deletedPause && !s.opts.RecreateAtOnce {
		return "", errModelled("QueueDeletedRecently", "You must wait 60 seconds after deleting a queue before you can create another with the same name.")
	}
	if err := s.checkDeadLetters(c); err != nil {
		return "", err
	}
	q := newQueue(s.nextID, c.ARN)
	q.sdk, q.created, q.modified = true, now, now
	s.mu.RLock()
	stored := s.queues[c.ARN] // what Apply does not configure any more, but is not removed yet
	s.mu.RUnlock()
	var ops []op
	if stored != nil {
		ops = s.erasure(stored)
	}
	record, err := storedQueue(q, now, c)
	if err != nil {
		return "", err
	}
	ops = append(ops, record, op{bucket: deletedBucket, key: []byte(c.ARN)})
	if err := s.committer.commit(ops...); err != nil {
		return "", fmt.Errorf("storing queue %q: %w", name, err)
	}
	delete(s.deleted, c.ARN)
	delete(s.dropped, c.ARN)
	q.configure(c)
	s.mu.Lock()
	s.nextID++
	s.queues[c.ARN] = q
	s.mu.Unlock()
	return c.ARN, nil
}

// newConfig is what CreateQueue asks for.
func newConfig(name string, attributes map[string]string) (*QueueConfig, error) {
	if name == "" {
		return nil, errValue("Value for parameter QueueName is invalid. Reason: Must specify a queue name.")
	}
	fifo := strings.EqualFold(attributes[attrFIFO], "true")
	switch {
	case fifo && !validName(name, true):
		return nil, errValue("The name of a FIFO queue can only include alphanumeric characters, hyphens, or underscores, must end with .fifo suffix and be 1 to 80 in length")
	case !fifo && attributes[attrFIFO] != "":
		return nil, errAttributeName("Unknown Attribute %s.", attrFIFO)
	case !fifo && !validName(name, false):
		return nil, errValue("Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length")
	}
	c := DefaultQueue(name)
	c.defaults()
	return &c, c.setAttributes(attributes)
}

// sameAttributes refuses attributes that are not the queue's.
func sameAttributes(c *QueueConfig, attributes map[string]string) error {
	asked := c.clone()
	if err := asked.setAttributes(attributes); err != nil {
		return err
	}
	was, is := c.attributes(), asked.attributes()
	for _, name := range slices.Sorted(maps.Keys(attributes)) {
		if was[name] != is[name] {
			return &gateway.Error{Code: "QueueNameExists", QueryCode: "QueueAlreadyExists",
				Message: "A queue already exists with the same name and a different value for attribute " + name}
		}
	}
	return nil
}

// DeleteQueue removes a queue with its messages, at once. Of a queue of
// [Service.Apply] it holds until Apply wants it otherwise or the process ends.
//
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_DeleteQueue.html
func (s *Service) DeleteQueue(_ context.Context, queueARN string) error {
	s.apply.Lock()
	defer s.apply.Unlock()
	q, _, err := s.find(queueARN)
	if err != nil {
		return err
	}
	now := s.opts.Now()
	ops := append(s.erasure(q), op{bucket: deletedBucket, key: []byte(q.arn),
		value: binary.BigEndian.AppendUint64(nil, uint64(now.UnixNano()))})
	if err := s.committer.commit(ops...); err != nil {
		return fmt.Errorf("deleting queue %s: %w", queueARN, err)
	}
	s.deleted[q.arn] = now
	if !q.sdk {
		s.dropped[q.arn] = q.applied
	}
	return s.vanish(q)
}

// erasure are the writes that delete a queue and all it has.
func (s *Service) erasure(q *queue) []op {
	q.sending.Lock()
	defer q.sending.Unlock()
	q.mu.Lock()
	defer q.mu.Unlock()
	_, ops := q.contents()
	ops = append(ops, s.tasks.erasure(q.id)...)
	return append(ops, op{bucket: queuesBucket, key: []byte(q.arn)})
}

// vanish makes a deleted queue unknown, with what came while it was being deleted.
func (s *Service) vanish(gone ...*queue) error {
	s.mu.Lock()
	for _, q := range gone {
		delete(s.queues, q.arn)
	}
	s.mu.Unlock()
	var late []op
	for _, q := range gone {
		q.mu.Lock()
		q.active.Store(false)
		q.wake()
		q.mu.Unlock()
		ops := s.erasure(q)
		late = append(late, ops[:len(ops)-1]...) // not the queue's own: the name may be another's by now
		s.tasks.forget(q.id)
	}
	return s.committer.commit(late...)
}

// SetQueueAttributes changes attributes, given in the API's words. Of a queue of
// [Service.Apply] it holds until Apply wants it otherwise or the process ends.
//
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html
func (s *Service) SetQueueAttributes(_ context.Context, queueARN string, attributes map[string]string) error {
	return s.reconfigure(queueARN, func(c *QueueConfig) error {
		if len(attributes) == 0 {
			return errMissing("Attributes")
		}
		if err := c.setAttributes(attributes); err != nil {
			return err
		}
		if attributes[attrRedrive] == "" {
			return nil
		}
		return s.checkDeadLetters(c)
	})
}

// reconfigure changes a queue's configuration.
func (s *Service) reconfigure(queueARN string, change func(*QueueConfig) error) error {
	s.apply.Lock()
	defer s.apply.Unlock()
	q, old, err := s.find(queueARN)
	if err != nil {
		return err
	}
	c := old.clone()
	if err := change(c); err != nil {
		return err
	}
	now := s.opts.Now()
	if q.sdk {
		record, err := storedQueue(q, now, c)
		if err != nil {
			return err
		}
		if err := s.committer.commit(record); err != nil {
			return fmt.Errorf("storing queue %q: %w", c.Name, err)
		}
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.modified = now
	q.configure(c)
	return nil
}

// checkDeadLetters refuses a dead-letter queue that the queue cannot have.
func (s *Service) checkDeadLetters(c *QueueConfig) error {
	if c.DeadLetterARN == "" {
		return nil
	}
	wrong := func(format string, args ...any) error {
		return errValue("Value %s for parameter RedrivePolicy is invalid. Reason: %s", c.attributes()[attrRedrive], fmt.Sprintf(format, args...))
	}
	if c.DeadLetterARN == c.ARN {
		return wrong("Dead-letter target cannot be the queue itself.")
	}
	if !strings.HasPrefix(c.DeadLetterARN, s.arn("")) {
		return wrong("Dead-letter target owner should be same as the source.")
	}
	_, dead, err := s.find(c.DeadLetterARN)
	switch {
	case IsQueueDoesNotExist(err):
		return wrong("Dead letter target does not exist.")
	case err != nil:
		return err
	case dead.FIFO != c.FIFO:
		return wrong("Dead-letter queue must be same type of queue as the source.")
	case !dead.AllowsSource(c.ARN):
		return wrong("The redrive allow policy of the dead-letter queue does not allow %s as a source queue.", c.ARN)
	}
	return nil
}

// storedQueue is the write that stores a queue; c is nil for one of Apply, which
// comes with the configuration itself. s.apply is held.
func storedQueue(q *queue, modified time.Time, c *QueueConfig) (op, error) {
	r := queueRecord{ID: q.id, Created: q.created, Modified: modified}
	if c != nil {
		r.Config = &configRecord{Name: c.Name, Attributes: c.attributes(), Tags: c.Tags}
		if c.Encryption.KMSKeyID != "" {
			delete(r.Config.Attributes, attrSSE) // it follows from the key
		}
	}
	value, err := json.Marshal(r)
	if err != nil {
		return op{}, fmt.Errorf("storing queue %s: %w", q.arn, err)
	}
	return op{bucket: queuesBucket, key: []byte(q.arn), value: value}, nil
}

// config is the configuration that was stored.
func (r *configRecord) config(arn string) (*QueueConfig, error) {
	c, err := newConfig(r.Name, r.Attributes)
	if err != nil {
		return nil, err
	}
	c.ARN, c.Tags = arn, r.Tags
	return c, nil
}
