package sqs

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"slices"
	"time"
)

// dedupInterval is how long a deduplication id is remembered.
//
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/FIFO-queues-exactly-once-processing.html
const dedupInterval = 5 * time.Minute

// dedupEntry is an accepted message, for who sends it again.
type dedupEntry struct {
	until int64  // Unix nanoseconds
	seq   uint64 // of the message
	id    string // of the message
}

// dedupTable are the deduplication ids of a FIFO queue's last 5 minutes. It does
// not matter whether the messages are still there.
type dedupTable struct {
	entries map[string]dedupEntry
	oldest  []string // keys by the time of their end
}

// dedupKey is what a message is known by: a deduplication id, in its group if that
// is the queue's scope. No id has a zero byte.
func dedupKey(c *QueueConfig, group, id string) string {
	if c.DeduplicationScope == scopeGroup {
		return group + "\x00" + id
	}
	return id
}

// contentID is the deduplication id that follows from a body.
func contentID(body string) string {
	sum := sha256.Sum256([]byte(body))
	return hex.EncodeToString(sum[:])
}

// lookup finds the message that was sent with the key before.
func (t *dedupTable) lookup(key string, now int64) (dedupEntry, bool) {
	e, ok := t.entries[key]
	return e, ok && now < e.until
}

func (t *dedupTable) put(key string, e dedupEntry) {
	if t.entries == nil {
		t.entries = map[string]dedupEntry{}
	}
	t.entries[key] = e
	t.oldest = append(t.oldest, key)
}

// take undoes a put, which was the last.
func (t *dedupTable) take(key string) {
	delete(t.entries, key)
	if n := len(t.oldest) - 1; n >= 0 && t.oldest[n] == key {
		t.oldest = t.oldest[:n]
	}
}

// expire forgets what is over, and returns the writes that do so.
func (t *dedupTable) expire(queue uint64, now int64) []op {
	var ops []op
	for len(t.oldest) > 0 {
		key := t.oldest[0]
		if e, ok := t.entries[key]; ok {
			if now < e.until {
				break
			}
			delete(t.entries, key)
			ops = append(ops, op{bucket: dedupBucket, key: namedKey(queue, key)})
		}
		t.oldest = t.oldest[1:]
	}
	return ops
}

// order sorts what was loaded.
func (t *dedupTable) order() {
	slices.SortFunc(t.oldest, func(a, b string) int {
		x, y := t.entries[a].until, t.entries[b].until
		switch {
		case x < y:
			return -1
		case x > y:
			return 1
		}
		return 0
	})
}

const dedupVersion = 1

func (e *dedupEntry) encode() []byte {
	b := make([]byte, 0, 17+len(e.id))
	b = append(b, dedupVersion)
	b = binary.BigEndian.AppendUint64(b, uint64(e.until))
	b = binary.BigEndian.AppendUint64(b, e.seq)
	return append(b, e.id...)
}

func decodeDedup(b []byte) (dedupEntry, error) {
	if len(b) < 17 || b[0] != dedupVersion {
		return dedupEntry{}, fmt.Errorf("%w: a deduplication record has an unknown form", errCorrupt)
	}
	return dedupEntry{until: int64(binary.BigEndian.Uint64(b[1:])), seq: binary.BigEndian.Uint64(b[9:]), id: string(b[17:])}, nil
}
