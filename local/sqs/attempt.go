package sqs

import (
	"encoding/binary"
	"fmt"
	"time"
)

// attemptInterval is how long a receive can be repeated with its id.
//
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/using-receiverequestattemptid-request-parameter.html
const attemptInterval = 5 * time.Minute

// attempt is a receive with a ReceiveRequestAttemptId.
type attempt struct {
	until    int64 // Unix nanoseconds
	messages []attemptMessage
}

// attemptMessage is a message as the receive left it. It is as it was if it still
// has this count and this time of visibility.
type attemptMessage struct {
	seq     uint64
	count   int
	visible int64
}

// repeat returns the messages of an earlier receive with that id, nil when there
// is none or when one of its messages is not as the receive left it. q.mu is held.
func (q *queue) repeat(id string, at int64) []*item {
	a := q.attempts[id]
	if a == nil || at >= a.until {
		return nil
	}
	items := make([]*item, len(a.messages))
	for i, m := range a.messages {
		it := q.items[m.seq]
		if it == nil || it.count != m.count || it.visible != m.visible || it.visible <= at {
			return nil
		}
		items[i] = it
	}
	return items
}

// remember keeps a receive for who repeats it, and forgets those that are over.
// It returns the writes that do so. q.mu is held.
func (q *queue) remember(id string, received []taken, at int64) []op {
	var ops []op
	for old, a := range q.attempts {
		if at >= a.until {
			delete(q.attempts, old)
			ops = append(ops, op{bucket: attemptsBucket, key: namedKey(q.id, old)})
		}
	}
	a := &attempt{until: at + int64(attemptInterval)}
	for _, t := range received {
		a.messages = append(a.messages, attemptMessage{seq: t.it.seq, count: t.after.count, visible: t.after.visible})
	}
	if q.attempts == nil {
		q.attempts = map[string]*attempt{}
	}
	q.attempts[id] = a
	return append(ops, op{bucket: attemptsBucket, key: namedKey(q.id, id), value: a.encode()})
}

const attemptVersion = 1

func (a *attempt) encode() []byte {
	b := make([]byte, 0, 9+24*len(a.messages))
	b = append(b, attemptVersion)
	b = binary.BigEndian.AppendUint64(b, uint64(a.until))
	for _, m := range a.messages {
		b = binary.BigEndian.AppendUint64(b, m.seq)
		b = binary.BigEndian.AppendUint64(b, uint64(m.count))
		b = binary.BigEndian.AppendUint64(b, uint64(m.visible))
	}
	return b
}

func decodeAttempt(b []byte) (*attempt, error) {
	if len(b) < 9 || (len(b)-9)%24 != 0 || b[0] != attemptVersion {
		return nil, fmt.Errorf("%w: a record of a receive has an unknown form", errCorrupt)
	}
	n := func(i int) uint64 { return binary.BigEndian.Uint64(b[i:]) }
	a := &attempt{until: int64(n(1))}
	for i := 9; i < len(b); i += 24 {
		a.messages = append(a.messages, attemptMessage{seq: n(i), count: int(n(i + 8)), visible: int64(n(i + 16))})
	}
	return a, nil
}
