package lambda

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"
)

const (
	queueARN  = "arn:aws:sqs:us-east-1:000000000000:orders"
	deadARN   = "arn:aws:sqs:us-east-1:000000000000:orders_dlq"
	streamARN = "arn:aws:dynamodb:us-east-1:000000000000:table/events/stream/2026-11-21T00:00:00.000"
)

// signal wakes everybody who waits for a change. The zero value is ready.
type signal struct{ ch chan struct{} }

func (s *signal) wait() <-chan struct{} {
	if s.ch == nil {
		s.ch = make(chan struct{})
	}
	return s.ch
}

func (s *signal) notify() {
	if s.ch != nil {
		close(s.ch)
		s.ch = nil
	}
}

// fakeQueues is an SQS of one queue with messages that come back when their
// visibility time-out ends, and a list of what was sent.
type fakeQueues struct {
	mu         sync.Mutex
	visibility time.Duration
	messages   []*fakeMessage
	deleted    []string
	sent       []string
	receiveErr error
	sendErr    error
	changed    signal
	receives   int
}

type fakeMessage struct {
	Message
	visible time.Time
}

func (q *fakeQueues) put(bodies ...string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, body := range bodies {
		q.messages = append(q.messages, &fakeMessage{Message: Message{ID: "m-" + body[:min(len(body), 40)], ReceiptHandle: "r-" + body[:min(len(body), 40)], Body: body}})
	}
	q.changed.notify()
}

func (q *fakeQueues) Receive(ctx context.Context, arn string, n int, wait time.Duration) ([]Message, error) {
	if arn != queueARN || n < 1 || n > 10 || wait < 0 || wait > 20*time.Second {
		return nil, fmt.Errorf("Receive(%s, %d, %s) is not allowed", arn, n, wait)
	}
	end := time.Now().Add(wait)
	for {
		q.mu.Lock()
		q.receives++
		if q.receiveErr != nil {
			defer q.mu.Unlock()
			return nil, q.receiveErr
		}
		var taken []Message
		next := end
		for _, m := range q.messages {
			if m.visible.After(time.Now()) {
				if m.visible.Before(next) {
					next = m.visible
				}
				continue
			}
			if len(taken) < n {
				m.visible = time.Now().Add(q.visibility)
				taken = append(taken, m.Message)
			}
		}
		changed := q.changed.wait()
		q.mu.Unlock()
		if len(taken) > 0 || !time.Now().Before(end) {
			return taken, nil
		}
		select {
		case <-changed:
		case <-time.After(time.Until(next)):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (q *fakeQueues) Delete(ctx context.Context, arn string, receipts ...string) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	var wrong error
	for _, receipt := range receipts {
		i := slices.IndexFunc(q.messages, func(m *fakeMessage) bool { return m.ReceiptHandle == receipt })
		if i < 0 {
			wrong = errors.New("ReceiptHandleIsInvalid")
			continue
		}
		q.deleted = append(q.deleted, q.messages[i].Body)
		q.messages = slices.Delete(q.messages, i, i+1)
	}
	q.changed.notify()
	return wrong
}

func (q *fakeQueues) Send(_ context.Context, arn, body string) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.sendErr != nil {
		return q.sendErr
	}
	if arn != deadARN {
		return errors.New("QueueDoesNotExist: " + arn)
	}
	q.sent = append(q.sent, body)
	return nil
}

// state returns the bodies deleted so far, sorted, and how many are left.
func (q *fakeQueues) state() (deleted []string, left int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	deleted = slices.Clone(q.deleted)
	slices.Sort(deleted)
	return deleted, len(q.messages)
}

// sentBodies are the bodies sent so far.
func (q *fakeQueues) sentBodies() []string {
	q.mu.Lock()
	defer q.mu.Unlock()
	return slices.Clone(q.sent)
}

func (q *fakeQueues) fail(receive, send error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.receiveErr, q.sendErr = receive, send
	q.changed.notify()
}

// fakeStreams is a stream whose records have the sequence numbers 100, 101, ….
type fakeStreams struct {
	mu      sync.Mutex
	records []StreamRecord
	err     error
	changed signal
}

const firstSequence = 100

func (s *fakeStreams) put(texts ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, text := range texts {
		n := strconv.Itoa(firstSequence + len(s.records))
		s.records = append(s.records, StreamRecord{SequenceNumber: n, CreatedAt: time.Now(),
			JSON: fmt.Appendf(nil, `{"eventName":"INSERT","dynamodb":{"SequenceNumber":%q,"Keys":{"id":{"S":%q}}}}`, n, text)})
	}
	s.changed.notify()
}

func (s *fakeStreams) ReadStream(ctx context.Context, table, from string, n int, wait time.Duration) ([]StreamRecord, string, error) {
	if table != "events" || n < 1 {
		return nil, "", fmt.Errorf("ReadStream(%s, %s, %d) is not allowed", table, from, n)
	}
	after := 0
	if from != "" {
		sequence, err := strconv.Atoi(from)
		if err != nil {
			return nil, "", err
		}
		after = sequence - firstSequence + 1
	}
	end := time.After(wait)
	for {
		s.mu.Lock()
		err, changed := s.err, s.changed.wait()
		records := s.records[after:min(after+n, len(s.records))]
		s.mu.Unlock()
		if err != nil {
			return nil, "", err
		}
		if len(records) > 0 {
			return slices.Clone(records), records[len(records)-1].SequenceNumber, nil
		}
		select {
		case <-changed:
		case <-end:
			return nil, from, nil
		case <-ctx.Done():
			return nil, "", ctx.Err()
		}
	}
}

func (s *fakeStreams) LatestPosition(context.Context, string) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return "", s.err
	}
	if len(s.records) == 0 {
		return strconv.Itoa(firstSequence - 1), nil
	}
	return s.records[len(s.records)-1].SequenceNumber, nil
}

// running is a mapping under test.
type running struct {
	stop, cut context.CancelFunc
	done      chan struct{}
}

func run(t *testing.T, r runner) *running {
	poll, stop := context.WithCancel(context.Background())
	work, cut := context.WithCancel(context.Background())
	m := &running{stop, cut, make(chan struct{})}
	go func() {
		defer close(m.done)
		r.run(poll, work)
	}()
	t.Cleanup(func() { m.end() })
	return m
}

// end stops the mapping and waits for it.
func (m *running) end() {
	m.stop()
	<-m.done
	m.cut()
}

var (
	_ Queues        = (*fakeQueues)(nil)
	_ LatestStreams = (*fakeStreams)(nil)
)
