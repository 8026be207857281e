package bus

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/eventlog"
	"github.com/vinci-go/vinci/internal/consume"
	"github.com/vinci-go/vinci/orm"
)

// Ordered makes a subscription handle the events of each stream in their order,
// one at a time. Streams do not wait for one another.
//
// Order comes from the log and not from the queue: a message only says that there
// is something to look at. The consumer takes the lease of the stream's checkpoint,
// reads the stream from there to its head, strongly consistent, and handles each
// event that the subscription asks for in turn. The checkpoint moves with each
// outcome: in the transaction of a handler made with [OnTx], right after the
// outcome of any other. So messages may come twice, late or not at all before later
// ones.
//
// The first look at a stream begins at its first event: all that the stream has
// had since is handled, also what was committed before the subscription was. What
// has a delivery record of the subscription is not handled again, so a
// subscription that becomes ordered repeats only what is older than those records
// are kept. A checkpoint is never deleted, but with its generation of a read model.
//
// An event that fails blocks its own stream: nothing behind it is handled before
// it has succeeded, and messages about the stream wait. When it is given up, it
// goes to the dead-letter queue like any other, and the stream stays blocked:
// messages about it are acknowledged, because what they are about is read from the
// log when the stream goes on. It does when the dead letter is redriven and
// succeeds, or after [Skip].
//
// Events without a handler, and those that the subscription does not ask for, are
// passed over without a record. An event that was published without the log is in
// no stream; its message goes to the dead-letter queue.
//
// It needs the log, see [ConsumerOptions]. A function given to [OnBatch] gets its
// events one by one. A transaction has two actions of the consumer's own.
func Ordered() Option { return ordered{} }

type ordered struct{}

func (ordered) apply(d *Definition) { d.Ordered = true }

// settleOrdered brings the messages of a batch to their ends: one look at each
// stream that they are about. Streams with transactional handlers are read in turn,
// as such events are handled everywhere; others at the same time.
func (c *Consumer) settleOrdered(ctx context.Context, ds []*delivery) {
	var groups [][]*delivery
	place := map[string]int{}
	for _, d := range ds {
		of := RecordID(d.stream(), d.namespace)
		at, ok := place[of]
		if !ok {
			at = len(groups)
			place[of], groups = at, append(groups, nil)
		}
		groups[at] = append(groups[at], d)
	}
	settle := func(i int) {
		for n, r := range c.look(ctx, groups[i]) {
			c.finish(ctx, groups[i][n], r)
		}
	}
	for _, h := range c.handlers {
		if h.tx {
			for i := range groups {
				settle(i)
			}
			return
		}
	}
	c.parallel(len(groups), settle)
}

// stream is the stream of a message's event, "" when it has none.
func (d *delivery) stream() string {
	stream, _, _ := event.ParseID(d.event.ID) // what is wrong with it, version says
	return stream
}

// version is the place of a message's event in its stream.
func (d *delivery) version() (int64, error) {
	if d.unreadable != nil {
		return 0, d.unreadable
	}
	_, v, err := event.ParseID(d.event.ID)
	if err != nil {
		return 0, &decodeError{fmt.Errorf("an ordered subscription handles events of the log, and this is none: %w", err)}
	}
	return v, nil
}

// look handles what there is to handle in the stream that the messages are about,
// and says what becomes of each of them.
func (c *Consumer) look(ctx context.Context, ds []*delivery) []result {
	l := &look{c: c, messages: make(map[int64]*delivery, len(ds)), told: map[int64]result{}, redriven: map[string]bool{}}
	results := make([]result, len(ds))
	versions := make([]int64, len(ds))
	for i, d := range ds {
		v, err := d.version()
		if err != nil {
			results[i] = c.guard(ctx, d, func() result {
				r := c.discard(ctx, d, err)
				c.report(ctx, d, r)
				return r
			})
			continue
		}
		versions[i] = v
		l.add(d, v)
	}
	if l.first == nil {
		return results
	}
	stop := c.guard(ctx, l.first, func() result { return l.run(ctx) })
	for i, d := range ds {
		if versions[i] == 0 {
			continue
		}
		results[i] = c.guard(ctx, d, func() result {
			r, told := l.result(ctx, d, versions[i], stop)
			if !told {
				c.report(ctx, d, r)
			}
			return r
		})
	}
	return results
}

// look is one look at one stream.
type look struct {
	c        *Consumer
	reading  *reading
	first    *delivery           // a message that says look
	messages map[int64]*delivery // by the version they are about
	newest   int64               // of those versions
	redriven map[string]bool     // the events that a person wants to be tried once more
	from     int64               // where it began
	passed   int64               // the last version that was read and is no event to be handled next
	told     map[int64]result    // of the events that were handled, or tried
	unstored bool                // that an event blocks the stream could not be recorded
	head     bool                // all of the stream was read
}

func (l *look) add(d *delivery, version int64) {
	if l.first == nil {
		l.first = d
	}
	if l.messages[version] == nil {
		l.messages[version] = d
	}
	l.newest = max(l.newest, version)
	if d.redriven {
		l.redriven[d.event.ID] = true
	}
}

// run takes the stream's lease, handles its events in turn, and gives the lease
// back. Its result is that of the messages about what it did not come to.
func (l *look) run(ctx context.Context) result {
	c, stream := l.c, l.first.stream()
	l.reading = &reading{c: c, inv: l.first.inv, stream: stream, runID: c.newID(), key: eventlog.CheckpointKey(RecordID(l.first.subscription, l.first.namespace), stream)}
	if l.first.inv.tooLate() {
		return tooLate()
	}
	err := l.reading.claim(ctx, l.newest, l.redriven)
	l.from, l.reading.done = l.reading.stored, l.reading.stored
	if err != nil {
		return l.notOurs(err)
	}
	stop := l.read(ctx)
	if stop.outcome == outcomeUnfinished {
		return stop // the handler still runs: the lease keeps others away
	}
	if err := l.reading.release(ctx); err != nil {
		// It ends by itself, and what was done is recorded.
		c.logger.WarnContext(ctx, "the lease of a stream was not given back", "subscription", l.first.subscription, "stream", stream, "error", err.Error())
	}
	return stop
}

// notOurs is the result of a claim that did not get the lease.
func (l *look) notOurs(err error) result {
	c := l.c
	var held *heldByOther
	switch {
	case errors.Is(err, errStreamTaken):
		return result{outcome: outcomeLeased, again: true, hide: c.retryDelay(retryBase, l.first.receives)}
	case !errors.As(err, &held):
		return l.failed(err)
	}
	id, left := held.was.BlockedBy, held.was.LeaseUntil.Sub(c.now())
	switch {
	case id != "" && held.was.LeaseUntil.IsZero():
		return result{outcome: outcomeBlocked, err: blockedBy(id)}
	case id != "":
		return result{outcome: outcomeBlocked, again: true, hide: consume.Seconds(left), err: blockedBy(id)}
	default:
		// Most runs are done long before their lease ends.
		return result{outcome: outcomeLeased, again: true, hide: min(consume.Seconds(left), c.retryDelay(retryBase, l.first.receives))}
	}
}

func blockedBy(id string) error { return fmt.Errorf("the stream waits for %s", id) }

// read handles the events from the checkpoint to the head, and returns what
// stopped it; the zero result at the head.
func (l *look) read(ctx context.Context) result {
	r := l.reading
	next, stop := iter.Pull2(l.c.log.Stream(ctx, r.stream, r.done+1))
	defer stop()
	l.passed = r.done
	e, err := l.wanted(next)
	r.done = l.passed
	for e != nil {
		// What comes after it is looked for first, so that its outcome can give the
		// lease back when it is the last.
		this := *e
		l.passed++
		version := l.passed
		e, err = l.wanted(next)
		if stopped, ok := l.settle(ctx, this, version, e == nil && err == nil); !ok {
			return stopped
		}
	}
	if err != nil {
		return l.failed(err)
	}
	l.head = true
	return result{}
}

// failed is the result of a store that did not answer, of a stream that cannot be
// read, or of a lease that is gone.
func (l *look) failed(err error) result {
	if errors.Is(err, errLeaseLost) {
		return result{outcome: outcomeLeased, again: true, hide: time.Second, err: err}
	}
	return result{outcome: outcomeUnrecorded, again: true, hide: l.c.retryDelay(retryBase, l.first.receives), err: err}
}

// wanted returns the next event that is to be handled, nil at the head, and
// passes over what comes before it. The log leaves no version out.
func (l *look) wanted(next func() (event.Envelope, error, bool)) (*event.Envelope, error) {
	for {
		e, err, more := next()
		if err != nil || !more {
			return nil, err
		}
		wants, err := l.c.wants(e)
		if err != nil {
			return nil, err
		}
		if wants {
			return &e, nil
		}
		l.passed++
	}
}

// settle handles one event, after which the stream is done up to l.passed. last:
// there is none after it. It is ok to go on; otherwise the result is that of the
// messages behind.
func (l *look) settle(ctx context.Context, e event.Envelope, version int64, last bool) (stop result, ok bool) {
	c, r := l.c, l.reading
	if !c.now().Before(r.lease) {
		return tooLate(), false
	}
	d, err := l.delivery(e, version)
	if err != nil {
		return l.failed(err), false
	}
	if r.crashed {
		r.crashed = false
		if dead, is := l.afterCrash(ctx, d); is {
			l.told[version] = dead
			return l.stop(ctx, d, dead), false
		}
	}
	if d.handler.tx {
		d.joins = []orm.Write{r.moved(l.passed, last)}
	}
	got := c.settle(ctx, d)
	l.told[version] = got
	switch {
	case got.outcome == outcomeSucceeded && d.handler.tx:
		r.done, r.stored, r.released = l.passed, l.passed, last
	case got.outcome == outcomeSucceeded, got.outcome == outcomeDuplicate && got.was != Dead:
		if err := r.move(ctx, l.passed, last); err != nil {
			// Its record says that it is done: whoever comes next passes over it.
			return l.failed(err), false
		}
		r.done = l.passed
	default:
		return l.stop(ctx, d, got), false
	}
	return result{}, true
}

// delivery is an event of the stream on its way, with the message about it if that
// is here, and otherwise with one made for it.
func (l *look) delivery(e event.Envelope, version int64) (*delivery, error) {
	d := l.c.accept(l.first.inv, e)
	d.receives, d.replay, d.subscription, d.namespace = l.first.receives, l.first.replay, l.first.subscription, l.first.namespace
	d.redriven = l.redriven[e.ID]
	switch own := l.messages[version]; {
	case own != nil:
		d.message, d.receives = own.message, own.receives
	case l.first.message != nil:
		body, err := MessageBody(e)
		if err != nil {
			return nil, err
		}
		d.message = &events.SQSMessage{MessageId: l.first.message.MessageId, EventSourceARN: l.first.message.EventSourceARN, Body: string(body)}
	}
	return d, nil
}

// afterCrash counts the attempt of a run that took the stream's lease and never
// came back. What it was at is not known for sure, but an event that ends the
// process each time is the next one each time. Handlers under a lease of their own
// count by its record. dead: there may be no further attempt.
func (l *look) afterCrash(ctx context.Context, d *delivery) (r result, dead bool) {
	if !d.handler.tx {
		return result{}, false
	}
	c := l.c
	rec, err := c.write(ctx, d, Failed, d.failed(c, errUnfinished, 0, true))
	d.runID = c.newID() // this run has an attempt of its own
	if err != nil || rec.Attempts < c.maxAttempts {
		return result{}, false // what is wrong with the record, its next write says
	}
	r = c.bury(ctx, d, rec, errUnfinished)
	c.report(ctx, d, r)
	return r, true
}

var errUnfinished = &Error{Kind: KindUnfinished, Op: "handle", Reason: "the run before never ended: the process crashed or was stopped"}

// stop ends a look at an event that was not handled, which blocks the stream when
// it failed.
func (l *look) stop(ctx context.Context, d *delivery, got result) result {
	r, behind := l.reading, result{outcome: outcomeBlocked, again: got.again, hide: got.hide, err: blockedBy(d.event.ID)}
	var err error
	switch got.outcome {
	case outcomeFailed:
		err = r.block(ctx, d.event.ID, l.c.now().Add(got.hide))
	case outcomeDead, outcomeDuplicate: // of a dead one
		err = r.block(ctx, d.event.ID, time.Time{})
	default: // leased, unfinished, unrecorded, not tried: nothing is known against it
		behind.outcome, behind.err = got.outcome, got.err
	}
	if err != nil {
		l.unstored = true
		return l.failed(fmt.Errorf("record that %s blocks the stream: %w", d.event.ID, err))
	}
	return behind
}

// result is what becomes of one message. told: its event was handled or tried in
// this look, which has been reported.
func (l *look) result(ctx context.Context, d *delivery, version int64, stop result) (r result, told bool) {
	got, tried := l.told[version]
	own := tried && l.messages[version] == d
	switch {
	case version <= l.reading.done && own:
		return result{outcome: got.outcome}, true
	case version <= l.from, version <= l.reading.done && tried:
		return result{outcome: outcomeDuplicate}, false
	case version <= l.reading.done:
		return result{outcome: outcomeIgnored}, false
	case own && !l.unstored && got.outcome != outcomeSucceeded && got.outcome != outcomeDuplicate:
		return got, true
	case l.head:
		err := fmt.Errorf("the log has no event %s: it was published without the log, which has no order, or is another application's", d.event.ID)
		return l.c.discard(ctx, d, &decodeError{err}), false
	default:
		return stop, false
	}
}

func tooLate() result {
	return result{outcome: outcomeNotTried, again: true, hide: time.Second, err: errTooLate}
}
