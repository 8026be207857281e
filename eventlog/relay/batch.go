package relay

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/eventlog"
)

const (
	// tries of one request; the client has its own, for what the network does.
	tries             = 5
	waitBase, waitMax = 100 * time.Millisecond, 2 * time.Second
	// answerTime is kept back of the function's time for its answer, also by a
	// request that hangs: without an answer Lambda would deliver also what was
	// published.
	answerTime = time.Second
)

// batch is the work on one delivery of the stream.
type batch struct {
	relay   *Relay
	waiting []pending // the next request
	bytes   int       // its size
	buf     []byte    // for encoding

	published, poisoned, changed int            // entries, entries, records
	byType                       map[string]int // events that were published, by their types
	lag                          time.Duration  // the longest of what was published
	firstFailed                  int            // index of the first record to be delivered again, -1: none
	reason                       string         // why the last one failed
}

// pending is an entry on its way to the bus.
type pending struct {
	entry       Entry
	public      bool   // the event's public entry
	correlation string // for log lines
	trace       string
	origin
}

// origin is where an event was read.
type origin struct {
	id        string // <stream>@<version>
	index     int    // of its record in the delivery
	sequence  string // its record's sequence number, empty for one that was read in the log
	streamARN string
}

func (b *batch) failed() bool { return b.firstFailed >= 0 }

// failAt has the stream delivered again from a record on.
func (b *batch) failAt(index int) {
	if !b.failed() || index < b.firstFailed {
		b.firstFailed = index
	}
}

// add puts the entries of one inserted item into requests.
func (b *batch) add(ctx context.Context, index int, record *events.DynamoDBEventRecord) {
	from := origin{id: idOf(record.Change.Keys), index: index, sequence: record.Change.SequenceNumber, streamARN: record.EventSourceArn}
	item, err := itemOf(record.Change.NewImage)
	if err != nil {
		b.poison(ctx, pending{origin: from}, CodeMalformedItem, err.Error())
		return
	}
	s, err := eventlog.StoredOf(item)
	if err != nil {
		b.poison(ctx, pending{origin: from}, CodeMalformedItem, err.Error())
		return
	}
	b.addStored(ctx, &s, from)
}

// addStored puts the entries of one event into requests: its own, and the public
// one when it has one. Each goes or is given up for itself.
func (b *batch) addStored(ctx context.Context, s *eventlog.Stored, from origin) {
	from.id = event.EventID(s.Stream, s.Version)
	inner, err := s.Envelope(b.relay.o.Source)
	b.addEnvelope(ctx, inner, err, pending{origin: from})
	if err != nil || b.failed() {
		return // the public entry would fail for the same reason, or comes again
	}
	public, ok, err := s.PublicEnvelope(b.relay.o.Source)
	if ok || err != nil {
		b.addEnvelope(ctx, public, err, pending{origin: from, public: true})
	}
}

// addEnvelope puts one envelope into the next request, and sends the request
// that is full without it.
func (b *batch) addEnvelope(ctx context.Context, e event.Envelope, err error, p pending) {
	if err != nil {
		b.poison(ctx, p, CodeMalformedItem, err.Error())
		return
	}
	p.entry = Entry{Source: e.Source, Type: e.Type, Time: e.Time}
	if trace, ok := event.ParseTraceParent(e.TraceParent); ok {
		p.entry.TraceHeader = trace.TraceHeader()
		p.trace = trace.TraceID
	}
	p.correlation = e.CorrelationID
	if b.buf, err = e.AppendJSON(b.buf[:0]); err != nil {
		b.poison(ctx, p, CodeMalformedItem, err.Error())
		return
	}
	p.entry.Detail = string(b.buf)
	size := p.entry.Size()
	if size > MaxBytes {
		b.poison(ctx, p, CodeTooLarge, fmt.Sprintf("the entry has %d bytes, a request takes at most %d", size, MaxBytes))
		return
	}
	if len(b.waiting) == MaxEntries || b.bytes+size > MaxBytes {
		b.send(ctx)
		if b.failed() {
			return
		}
	}
	b.waiting = append(b.waiting, p)
	b.bytes += size
}

// send publishes what waits.
func (b *batch) send(ctx context.Context) {
	waiting := b.waiting
	b.waiting, b.bytes = b.waiting[:0], 0
	if len(waiting) > 0 {
		b.publish(ctx, waiting)
	}
}

// publish sends one request, then as often as allowed those of its entries that
// failed. It overwrites the elements of waiting.
func (b *batch) publish(ctx context.Context, waiting []pending) {
	o := &b.relay.o
	for try := 1; ; try++ {
		results, err := o.Publisher.Publish(ctx, entriesOf(waiting))
		if err == nil && len(results) != len(waiting) {
			err = fmt.Errorf("the bus gave %d results for %d entries", len(results), len(waiting))
		}
		var reason string
		if r, ok := rejected(err); ok {
			b.separate(ctx, waiting, r)
			return
		} else if err != nil {
			reason = err.Error()
		} else {
			waiting, reason = b.sort(ctx, waiting, results)
		}
		if len(waiting) == 0 {
			return
		}
		wait := min(waitMax, waitBase<<(try-1))
		wait = wait/2 + o.Jitter(wait/2)
		if try == tries || b.late(ctx, wait) || o.Sleep(ctx, wait) != nil {
			o.Logger.WarnContext(ctx, "events could not be published", "event_id", waiting[0].id, "correlation_id", waiting[0].correlation, "events", len(waiting), "tries", try, "error", reason)
			b.failAt(waiting[0].index) // they are in the order of the stream
			b.reason = reason
			return
		}
	}
}

// sort goes through the results of a request. It returns what to send again,
// and the last reason why.
func (b *batch) sort(ctx context.Context, sent []pending, results []Result) (again []pending, reason string) {
	again = sent[:0]
	for i, result := range results {
		switch {
		case result.Code == "":
			b.accepted(ctx, &sent[i])
		case hopeless(result.Code):
			b.poison(ctx, sent[i], result.Code, result.Message)
		default:
			reason = result.Code + ": " + result.Message
			again = append(again, sent[i])
		}
	}
	return again, reason
}

// separate finds out which entries of a rejected request are to blame by sending
// each alone: the others must not share its lot.
func (b *batch) separate(ctx context.Context, waiting []pending, r *RejectedError) {
	if len(waiting) == 1 {
		b.poison(ctx, waiting[0], r.Code, r.Message)
		return
	}
	for _, p := range waiting {
		b.publish(ctx, []pending{p})
		// A failure further on in the stream is no reason to leave these out.
		if b.failed() && b.firstFailed <= p.index {
			return
		}
	}
}

// poison gives an event up. If even that fails, the stream stops at it.
func (b *batch) poison(ctx context.Context, p pending, code, message string) {
	o := &b.relay.o
	f := Failure{
		EventID:        p.id,
		EventType:      p.entry.Type,
		ErrorCode:      code,
		ErrorMessage:   message,
		Public:         p.public,
		SequenceNumber: p.sequence,
		StreamARN:      p.streamARN,
		FailedAt:       o.Now().UTC(),
	}
	logger := o.Logger.With("event_id", f.EventID, "event_type", f.EventType, "correlation_id", p.correlation, "trace_id", p.trace, "error_code", code, "error", message, "public", f.Public, "sequence_number", f.SequenceNumber)
	if err := o.Failures.Send(ctx, f); err != nil {
		logger.ErrorContext(ctx, "an event cannot be published, and the failure queue does not take it", "queue_error", err.Error())
		b.failAt(p.index)
		b.reason = "the failure queue: " + err.Error()
		return
	}
	b.poisoned++
	logger.ErrorContext(ctx, "an event cannot be published: its id is in the failure queue")
}

// late reports whether there would be no time left after a wait.
func (b *batch) late(ctx context.Context, wait time.Duration) bool {
	deadline, ok := ctx.Deadline()
	return ok && b.relay.o.Now().Add(wait).After(deadline)
}

func entriesOf(waiting []pending) []Entry {
	entries := make([]Entry, len(waiting))
	for i := range waiting {
		entries[i] = waiting[i].entry
	}
	return entries
}
