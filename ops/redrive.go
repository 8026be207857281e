package ops

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/eventlog"
)

// Pick says which messages of a box an act is about.
type Pick struct {
	// All is all that wait when the act begins, and what comes meanwhile; but a
	// message that was redriven and has come back is left.
	All bool
	// IDs are those of some messages: event ids, ids as [DeadLetter.ID] has them, or
	// SQS's message ids. Either All or IDs.
	IDs    []string
	Box    Box    // default: DeadLetters
	Reason string // for the record, may be empty
	// Rate is the most messages a second that are redriven; 0: as fast as it goes.
	Rate int
	// Progress is called after each step and for every ten messages that are looked
	// at, from the goroutine of the act.
	Progress func(Done)
}

// Done is what an act on messages has done.
type Done struct {
	Messages int      `json:"messages"`
	Events   []string `json:"events"`            // as DeadLetter.ID says
	Missing  []string `json:"missing,omitempty"` // ids that were picked and not found
	// Looked is how many messages were received to find them, some of them twice.
	Looked int `json:"-"`
}

// Redrive moves messages back to the queue of their subscription, where each is tried
// once more, also when it had been given up. It is sent before it is deleted: after a
// break it may be in both queues, which is harmless.
//
// The error is of [KindUnknown] without such a subscription or dead-letter queue, of
// [KindInvalid] for a pick that is none or when the context names no Actor, or the
// log's or the queues'; what was done until then comes with it.
func (o *Ops) Redrive(ctx context.Context, subscription string, p Pick) (Done, error) {
	pace := o.pace(p.Rate)
	return o.work(ctx, "redrive", subscription, p, Redriven, true, func(ctx context.Context, s *subscriptionBox, letters []DeadLetter) error {
		for some := range slices.Chunk(letters, pace.step()) {
			out := make([]Outgoing, len(some))
			for i := range some {
				out[i] = Outgoing{Body: some[i].Body, Attributes: redriven(s.name, some[i].Attributes[bus.AttrNamespace])}
			}
			if err := o.queues.Send(ctx, o.names.Queue(s.name), out); err != nil {
				return err
			}
			if err := s.delete(ctx, some); err != nil {
				return err
			}
			if err := pace.wait(ctx, len(some)); err != nil {
				return err
			}
		}
		return nil
	})
}

// redriven are the attributes by which a consumer knows that a person wants an event
// to be tried once more, although it was given up. Those that said why it was are
// left behind: the next failure has reasons of its own.
func redriven(subscription, namespace string) map[string]string {
	a := map[string]string{bus.AttrSubscription: subscription}
	if namespace != "" {
		a[bus.AttrNamespace] = namespace
	}
	return a
}

// Purge deletes messages for good. Their events stay in the log, and their delivery
// records say dead until they expire, so that a [Replay] still finds them.
// Errors are those of [Ops.Redrive].
func (o *Ops) Purge(ctx context.Context, subscription string, p Pick) (Done, error) {
	return o.work(ctx, "purge", subscription, p, Purged, false, func(ctx context.Context, s *subscriptionBox, letters []DeadLetter) error {
		return s.delete(ctx, letters)
	})
}

// subscriptionBox is a box that is worked on.
type subscriptionBox struct {
	o        *Ops
	name     string // of the subscription
	from     string // the application whose events it gets, "" for its own
	queue    string
	progress func(Done)
	done     Done
	taken    map[string]bool // message ids that are out of the queue
	acted    map[string]bool // ids of letters
}

func (s *subscriptionBox) delete(ctx context.Context, letters []DeadLetter) error {
	if err := s.o.queues.Delete(ctx, s.queue, messagesOf(letters)); err != nil {
		return err
	}
	for i := range letters {
		s.taken[letters[i].MessageID], s.acted[letters[i].ID()] = true, true
		s.done.Messages++
		s.done.Events = append(s.done.Events, letters[i].ID())
	}
	if s.progress != nil {
		s.progress(s.done)
	}
	return nil
}

func messagesOf(letters []DeadLetter) []Message {
	out := make([]Message, len(letters))
	for i := range letters {
		out[i] = letters[i].message
	}
	return out
}

// names reports whether a pick has a letter by one of its names.
func (p *Pick) names(l *DeadLetter) (string, bool) {
	for _, id := range []string{l.ID(), l.EventID, l.MessageID} {
		if id != "" && slices.Contains(p.IDs, id) {
			return id, true
		}
	}
	return "", false
}

// work does something with all picked messages, a part at a time: it records what it
// is about to do, then does it. comeBack: an event that was acted on may be in the
// queue again, as a message of another id, and is left there then.
func (o *Ops) work(ctx context.Context, op, subscription string, p Pick, def *event.Definition[Acted], comeBack bool, act func(context.Context, *subscriptionBox, []DeadLetter) error) (_ Done, err error) {
	sub, err := o.withQueues(op, subscription)
	if err != nil {
		return Done{}, err
	}
	if err := actor(ctx, op, subscription); err != nil {
		return Done{}, err
	}
	if p.All == (len(p.IDs) > 0) {
		return Done{}, wrong(KindInvalid, op, subscription, "say which messages: either all, or the ids of some")
	}
	if p.Rate < 0 {
		return Done{}, wrong(KindInvalid, op, subscription, "rate %d: allowed are 0 and more", p.Rate)
	}
	s := &subscriptionBox{o: o, name: sub.Name, from: sub.From, queue: o.box(p.Box, sub.Name), progress: p.Progress, taken: map[string]bool{}, acted: map[string]bool{}}
	found := map[string]bool{}
	want := func(m *Message) bool {
		if s.done.Looked++; s.done.Looked%maxEntries == 0 && s.progress != nil {
			s.progress(s.done)
		}
		l := letter(*m, sub.From)
		fresh := !s.taken[m.ID] && !(comeBack && s.acted[l.ID()])
		if p.All {
			return fresh
		}
		id, ok := p.names(&l)
		if ok {
			found[id] = true
		}
		return ok && fresh
	}
	var held []Message // to be given back
	defer func() {
		held = slices.DeleteFunc(held, func(m Message) bool { return s.taken[m.ID] })
		err = o.noBox(errors.Join(err, o.release(ctx, s.queue, held)), op, sub.Name, p.Box)
	}()
	most := 0 // ids may be anywhere in the queue, and twice
	if p.All {
		most = chunk
	}
	for {
		wanted, rest, err := o.sweep(ctx, s.queue, most, want)
		held = append(append(held, wanted...), rest...)
		if err != nil {
			return s.done, err
		}
		if len(wanted) == 0 {
			break
		}
		for some := range slices.Chunk(wanted, chunk) {
			if err := o.workOn(ctx, s, some, p.Reason, def, act); err != nil {
				return s.done, err
			}
		}
		held = slices.DeleteFunc(held, func(m Message) bool { return s.taken[m.ID] })
	}
	for _, id := range p.IDs {
		if !found[id] {
			s.done.Missing = append(s.done.Missing, id)
		}
	}
	return s.done, nil
}

func (o *Ops) workOn(ctx context.Context, s *subscriptionBox, messages []Message, reason string, def *event.Definition[Acted], act func(context.Context, *subscriptionBox, []DeadLetter) error) error {
	letters := make([]DeadLetter, len(messages))
	acted := Acted{Subscription: s.name, Queue: s.queue, Reason: reason}
	for i, m := range messages {
		letters[i] = letter(m, s.from)
		acted.Events = append(acted.Events, letters[i].ID())
	}
	story := ctx
	if len(letters) == 1 {
		story = about(ctx, letters[0].Event)
		if s.from != "" && letters[0].Event != nil {
			f := event.FlowFrom(story)
			f.CausationID = letters[0].EventID
			story = event.WithFlow(ctx, f)
		}
	}
	record := def.At(Stream(s.name), event.Append).Record(acted)
	_, err := o.record(story, record)
	if errors.Is(err, eventlog.KindInvalid) {
		// An event that is none of ours may have a story that the log does not take.
		_, err = o.record(ctx, record)
	}
	if err != nil {
		return err
	}
	return act(ctx, s, letters)
}

// remove deletes all letters about an event; a box that is not there has none.
func (o *Ops) remove(ctx context.Context, queue string, recordIDs ...string) (err error) {
	wanted, rest, err := o.sweep(ctx, queue, 0, func(m *Message) bool { l := letter(*m, ""); return slices.Contains(recordIDs, l.ID()) })
	defer func() { err = errors.Join(err, o.release(ctx, queue, rest)) }()
	if isAbsent(err) {
		return nil
	}
	if err != nil || len(wanted) == 0 {
		return err
	}
	return o.queues.Delete(ctx, queue, wanted)
}

// pace keeps to a rate over steps of at most ten.
type pace struct {
	o     *Ops
	rate  int
	began time.Time
}

func (o *Ops) pace(rate int) *pace { return &pace{o: o, rate: rate, began: o.now()} }

func (p *pace) step() int {
	if p.rate == 0 {
		return maxEntries
	}
	return max(1, min(p.rate, maxEntries))
}

// wait waits until the next step is due.
func (p *pace) wait(ctx context.Context, done int) error {
	if p.rate > 0 {
		due := time.Duration(done) * time.Second / time.Duration(p.rate)
		if left := due - p.o.now().Sub(p.began); left > 0 {
			if err := p.o.sleep(ctx, left); err != nil {
				return err
			}
		}
		p.began = p.o.now()
	}
	return ctx.Err()
}
