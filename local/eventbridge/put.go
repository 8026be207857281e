package eventbridge

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/vinci-go/vinci/local/gateway"
)

// PutEvents accepts events and delivers them. Result i is what became of entry
// i. It returns an error of kind [*gateway.Error] (ValidationException) when the
// call as a whole is refused: no entries, more than 10, or 1 MiB and more.
//
// An entry that has an id is durable: each target has it, or the data folder has
// it for a target that is tried again. One that cannot be kept so has the code
// InternalFailure, and may have reached some of its targets.
//
// https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html
func (s *Service) PutEvents(ctx context.Context, entries []Entry) ([]Result, error) {
	if !s.begin() {
		return nil, ErrClosed
	}
	defer s.calls.Done()
	if n := len(entries); n < 1 || n > maxEntries {
		constraint := "Member must have length less than or equal to 10"
		if n < 1 {
			constraint = "Member must have length greater than or equal to 1"
		}
		return nil, invalid("1 validation error detected: Value at 'entries' with %d elements failed to satisfy constraint: %s", n, constraint)
	}
	size := 0
	for i := range entries {
		size += entries[i].size()
		if n := len(entries[i].TraceHeader); n > maxTrace {
			return nil, invalid("1 validation error detected: Value at 'entries.%d.member.traceHeader' with %d characters failed to satisfy constraint: Member must have length less than or equal to %d", i+1, n, maxTrace)
		}
	}
	if size >= maxSize {
		return nil, invalid("Total size of the entries in the request is over the limit: %d bytes, and it must be less than %d.", size, maxSize)
	}
	st := s.state.Load()
	results := make([]Result, len(entries))
	in := intake{state: st}
	for i := range entries {
		e := &entries[i]
		if failure := e.check(); failure != nil {
			results[i] = *failure
			continue
		}
		id := s.opts.NewID()
		var b *bus
		if s.mine(e.EventBusName) {
			b = st.buses[nameOf(e.EventBusName)]
		}
		results[i].EventID = id
		if b == nil {
			s.opts.Logger.Warn("an event was put on a bus that does not exist: accepted and dropped, as AWS does", "bus", e.EventBusName, "source", e.Source, "detail_type", e.DetailType, "event_bridge_id", id)
			continue
		}
		now := s.opts.Now()
		t := e.Time
		if t.IsZero() {
			t = now
		}
		err := s.match(&in, b, arrival{event: s.event(e, id, t), id: id, trace: e.TraceHeader, at: t, received: now, entry: i})
		if err != nil {
			return nil, err
		}
	}
	for i, err := range s.take(ctx, &in) {
		s.opts.Logger.Error("an event could not be kept: the caller is told to put it again", "event_bridge_id", results[i].EventID, "error", err)
		results[i] = Result{ErrorCode: CodeInternalFailure, ErrorMessage: "The event could not be stored: " + err.Error()}
	}
	return results, nil
}

func invalid(format string, args ...any) error {
	return &gateway.Error{Code: "ValidationException", Message: fmt.Sprintf(format, args...)}
}

// internal is EventBridge's answer to what is not the caller's fault.
func internal(err error) error {
	return &gateway.Error{Code: "InternalException", Message: err.Error(), Status: http.StatusInternalServerError}
}

// arrival is an event that has come to a bus.
type arrival struct {
	event    []byte
	id       string
	trace    string
	at       time.Time // the event's own time
	received time.Time
	entry    int      // of the call
	hops     int      // buses that it came through before
	replay   bool     // it comes out of an archive
	only     []string // ARNs of the rules that a replay is for; none for all
}

// intake is what is to be done with events, and by which state.
type intake struct {
	state    *state
	due      []delivery
	archives []filing
}

// filing is an event on its way to an archive.
type filing struct {
	archive *archive
	op      op
	size    int
	entry   int
}

// match adds what is to be done with one event: a delivery to the targets of
// each rule that it satisfies, and a place in each archive that wants it.
func (s *Service) match(in *intake, b *bus, a arrival) error {
	var buf [16]int
	matched, err := b.set.Match(a.event, buf[:0])
	if err != nil {
		return fmt.Errorf("matching an event against the rules of bus %s: %w", b.Name, err)
	}
	body := string(a.event)
	for _, i := range matched {
		r := b.enabled[i]
		if len(a.only) > 0 && !slices.Contains(a.only, r.ARN) {
			continue
		}
		for _, t := range r.targets {
			in.due = append(in.due, delivery{
				ruleARN: r.ARN, ruleName: r.Name, target: t, event: body, trace: a.trace, id: a.id,
				since: a.received, received: a.received, at: a.at, hops: a.hops, entry: a.entry,
			})
		}
	}
	if a.replay {
		return nil // replayed events are not archived again
	}
	for _, ar := range b.archives {
		f, err := s.file(ar, a)
		if err != nil {
			return err
		}
		if f != nil {
			in.archives = append(in.archives, *f)
		}
	}
	return nil
}

// take does it. It returns why entries could not be kept, by their index; nil when
// all are.
func (s *Service) take(ctx context.Context, in *intake) map[int]error {
	var failed map[int]error
	fail := func(entry int, err error) {
		if failed == nil {
			failed = map[int]error{}
		}
		failed[entry] = err
	}
	if err := s.archive(in.archives); err != nil {
		for _, f := range in.archives {
			fail(f.entry, err)
		}
	}
	for i, err := range s.deliver(ctx, in) {
		if err != nil {
			fail(in.due[i].entry, err)
		}
	}
	return failed
}
