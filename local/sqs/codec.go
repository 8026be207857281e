package sqs

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"
)

// record is the part of a message that never changes. It is written once, at
// send, and again only when the message moves to a dead-letter queue.
type record struct {
	sent       int64 // Unix milliseconds
	id         string
	body       string
	bodyMD5    string
	sender     string
	trace      string
	group      string
	dedup      string // the MessageDeduplicationId, of FIFO queues
	source     string // the ARN of the queue that it was moved from
	attributes map[string]Attribute
}

// progress is the part that changes with each receive: kept apart, so that a
// receive does not write a body of a megabyte again. A message without it was
// never received and has no delay.
type progress struct {
	visible  int64 // Unix nanoseconds
	received int64 // the last time, Unix nanoseconds
	first    int64 // the first time, Unix milliseconds
	count    int
}

const (
	recordVersion   = 2
	recordVersion1  = 1 // group behind the trace, no dedup; still read
	progressVersion = 1
	progressSize    = 1 + 4*8
)

var errCorrupt = errors.New("the stored queue data is damaged")

func (r *record) encode() []byte {
	b := make([]byte, 0, 128+len(r.id)+len(r.body)+len(r.sender)+len(r.group)+len(r.dedup)+len(r.source))
	b = append(b, recordVersion)
	b = binary.BigEndian.AppendUint64(b, uint64(r.sent))
	// The group comes first: the index needs it, and not the rest.
	for _, s := range [...]string{r.group, r.dedup, r.id, r.body, r.bodyMD5, r.sender, r.trace, r.source} {
		b = appendText(b, s)
	}
	b = binary.AppendUvarint(b, uint64(len(r.attributes)))
	if len(r.attributes) == 0 {
		return b
	}
	for _, name := range slices.Sorted(maps.Keys(r.attributes)) {
		a := r.attributes[name]
		b = appendText(b, name)
		b = appendText(b, a.DataType)
		b = appendText(b, a.StringValue)
		b = appendText(b, string(a.BinaryValue))
	}
	return b
}

// headOf reads only what the index needs of a record.
func headOf(b []byte) (sent int64, group string, err error) {
	if len(b) < 9 || b[0] != recordVersion && b[0] != recordVersion1 {
		return 0, "", fmt.Errorf("%w: a message record has an unknown form", errCorrupt)
	}
	sent = int64(binary.BigEndian.Uint64(b[1:9]))
	if b[0] == recordVersion {
		d := decoder{rest: b[9:]}
		if group = d.text(); d.failed {
			return 0, "", fmt.Errorf("%w: a message record ends at the wrong place", errCorrupt)
		}
	}
	return sent, group, nil
}

func decodeRecord(b []byte) (record, error) {
	var r record
	var err error
	if r.sent, _, err = headOf(b); err != nil {
		return record{}, err
	}
	d := decoder{rest: b[9:]}
	fields := []*string{&r.group, &r.dedup, &r.id, &r.body, &r.bodyMD5, &r.sender, &r.trace, &r.source}
	if b[0] == recordVersion1 {
		fields = []*string{&r.id, &r.body, &r.bodyMD5, &r.sender, &r.trace, &r.group, &r.source}
	}
	for _, s := range fields {
		*s = d.text()
	}
	n := d.number()
	if n > maxAttributes {
		return record{}, fmt.Errorf("%w: a message record has %d attributes", errCorrupt, n)
	}
	for range n {
		name := d.text()
		a := Attribute{DataType: d.text(), StringValue: d.text()}
		if raw := d.text(); raw != "" {
			a.BinaryValue = []byte(raw)
		}
		if r.attributes == nil {
			r.attributes = make(map[string]Attribute, n)
		}
		r.attributes[name] = a
	}
	if d.failed || len(d.rest) > 0 {
		return record{}, fmt.Errorf("%w: a message record ends at the wrong place", errCorrupt)
	}
	return r, nil
}

func appendText(b []byte, s string) []byte {
	b = binary.AppendUvarint(b, uint64(len(s)))
	return append(b, s...)
}

type decoder struct {
	rest   []byte
	failed bool
}

func (d *decoder) number() uint64 {
	n, size := binary.Uvarint(d.rest)
	if size <= 0 {
		d.failed, d.rest = true, nil
		return 0
	}
	d.rest = d.rest[size:]
	return n
}

func (d *decoder) text() string {
	n := d.number()
	if n > uint64(len(d.rest)) {
		d.failed, d.rest = true, nil
		return ""
	}
	s := string(d.rest[:n])
	d.rest = d.rest[n:]
	return s
}

func (p *progress) encode() []byte {
	b := append(make([]byte, 0, progressSize), progressVersion)
	for _, n := range []int64{p.visible, p.received, p.first, int64(p.count)} {
		b = binary.BigEndian.AppendUint64(b, uint64(n))
	}
	return b
}

func decodeProgress(b []byte) (progress, error) {
	if len(b) != progressSize || b[0] != progressVersion {
		return progress{}, fmt.Errorf("%w: a progress record has an unknown form", errCorrupt)
	}
	n := func(i int) int64 { return int64(binary.BigEndian.Uint64(b[1+8*i:])) }
	return progress{visible: n(0), received: n(1), first: n(2), count: int(n(3))}, nil
}

func (r *record) message(p progress, handle string) Message {
	return Message{
		ID: r.id, ReceiptHandle: handle, Body: r.body, MD5OfBody: r.bodyMD5, Attributes: r.attributes,
		SentAt: time.UnixMilli(r.sent), FirstReceivedAt: time.UnixMilli(p.first), ReceiveCount: p.count,
		SenderID: r.sender, TraceHeader: r.trace, GroupID: r.group, DeduplicationID: r.dedup, DeadLetterSourceARN: r.source,
	}
}

// sequenceNumber is a message's sequence as AWS writes it: 20 digits.
//
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html#API_SendMessage_ResponseSyntax
func sequenceNumber(seq uint64) string {
	// Sequences begin at the clock in nanoseconds, which has 19 digits until 2286.
	return strconv.FormatUint(10_000_000_000_000_000_000+seq, 10)
}

// messageID makes an id of AWS's form from 16 random bytes.
func messageID(b [16]byte) string {
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	s := hex.EncodeToString(b[:])
	return s[:8] + "-" + s[8:12] + "-" + s[12:16] + "-" + s[16:20] + "-" + s[20:]
}
