package direct

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/eventbridge"

	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/eventlog"
	"github.com/vinci-go/vinci/eventlog/relay"
	"github.com/vinci-go/vinci/internal/awsenv"
	"github.com/vinci-go/vinci/internal/names"
)

// Options says what a [Publisher] works with. Source and Bus are required.
type Options struct {
	Source string           // the application's name
	Bus    relay.Publisher  // relay.NewPublisher makes one of an EventBridge client
	Now    func() time.Time // default: time.Now
	NewID  func() string    // 1 to 36 printable ASCII, never one twice; default: 26 random characters
}

// Publisher publishes events past the log. It is safe for concurrent use.
type Publisher struct{ o Options }

// New makes a publisher. It panics when a required option is missing: such a
// program is written wrong.
func New(o Options) *Publisher {
	if o.Source == "" {
		panic("direct.New: Options.Source is empty: it is the application's name")
	}
	if o.Bus == nil {
		panic("direct.New: Options.Bus is nil")
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.NewID == nil {
		o.NewID = rand.Text
	}
	return &Publisher{o: o}
}

// FromEnv makes the publisher of the function that runs, from the environment
// variables that every function of an application gets. getenv is os.Getenv.
func FromEnv(getenv func(string) string) (*Publisher, error) {
	d, err := names.FromEnv(getenv)
	if err != nil {
		return nil, fmt.Errorf("direct publisher: %w", err)
	}
	client := eventbridge.NewFromConfig(awsenv.Config(getenv))
	return New(Options{Source: d.App, Bus: relay.NewPublisher(client, d.BusFromEnv(getenv))}), nil
}

// Stream is the first part of the ids of events that are in no log:
// direct/<random>@1.
const Stream = "direct"

// Error says which events were not published. The others were.
type Error struct {
	Failed []Failed
}

// Failed is one event that was not published.
type Failed struct {
	Index   int    // in the arguments of Publish
	Type    string // of the event
	Public  bool   // it is the public entry; the event's own went for itself
	Code    string // the bus's, such as ThrottlingException; empty: no answer came
	Message string
}

func (e *Error) Error() string {
	texts := make([]string, len(e.Failed))
	for i, f := range e.Failed {
		texts[i] = fmt.Sprintf("event %d (%s): ", f.Index, f.Type)
		if f.Code != "" {
			texts[i] += f.Code + ": "
		}
		texts[i] += f.Message
	}
	return "not published: " + strings.Join(texts, "; ")
}

// ErrInvalid is what errors.Is finds when a record cannot be published whatever
// the bus says. Then nothing was.
var ErrInvalid = errors.New("the events cannot be published")

// Publish publishes events, and their public shapes, and returns what it made of
// them, in their order. Requests hold as many as fit; one that fails is not sent
// again, but for what the client does itself against a lost connection.
//
// Correlation, cause, tenant, actor and trace come from the context; without a
// correlation id, the first event's id begins one. A record with a stream says
// what it is about, and expects nothing of it: place it with event.Append.
//
// Errors: [ErrInvalid] with everything that is wrong and nothing published; an
// *[Error] when some events were refused or got no answer.
func (p *Publisher) Publish(ctx context.Context, records ...event.Record) ([]event.Metadata, error) {
	made, entries, err := p.entries(ctx, records)
	if err != nil {
		return nil, err
	}
	var failed []Failed
	for len(entries) > 0 {
		n := fitting(entries)
		failed = append(failed, p.send(ctx, entries[:n])...)
		entries = entries[n:]
	}
	if len(failed) > 0 {
		return made, &Error{Failed: failed}
	}
	return made, nil
}

// entry is what goes to the bus for a record.
type entry struct {
	relay.Entry
	record int
	public bool
}

// entries checks the records and makes their entries.
func (p *Publisher) entries(ctx context.Context, records []event.Record) ([]event.Metadata, []entry, error) {
	var errs []error
	var made []event.Metadata
	var all []entry
	flow := event.FlowFrom(ctx)
	now := p.o.Now().UTC().Round(0)
	for i, r := range records {
		s, err := p.stored(&r, now.Add(time.Duration(i)), flow)
		if err == nil && flow.CorrelationID == "" {
			s.CorrelationID = event.EventID(s.Stream, 1)
			flow.CorrelationID = s.CorrelationID
		}
		var envelopes []event.Envelope
		if err == nil {
			envelopes, err = p.envelopes(s, r.Stream)
		}
		for k, e := range envelopes {
			b, encodeErr := e.AppendJSON(nil)
			ent := entry{Entry: relay.Entry{Source: e.Source, Type: e.Type, Detail: string(b), Time: e.Time}, record: i, public: k == 1}
			if trace, ok := event.ParseTraceParent(e.TraceParent); ok {
				ent.TraceHeader = trace.TraceHeader()
			}
			if size := ent.Size(); encodeErr == nil && size > relay.MaxBytes {
				encodeErr = fmt.Errorf("it has %d bytes encoded, at most %d are allowed: keep large data elsewhere and put its address in the event", size, relay.MaxBytes)
			}
			err = errors.Join(err, encodeErr)
			all = append(all, ent)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("event %d: %w", i, err))
			continue
		}
		made = append(made, envelopes[0].Metadata)
	}
	if len(errs) > 0 {
		return nil, nil, fmt.Errorf("%w: %w", ErrInvalid, errors.Join(errs...))
	}
	return made, all, nil
}

// stored is a record as the log would hold it, in a stream of its own.
func (p *Publisher) stored(r *event.Record, t time.Time, flow event.Flow) (*eventlog.Stored, error) {
	if err := eventlog.CheckRecord(r); err != nil {
		return nil, err
	}
	if r.Stream != "" && r.Expected != event.Append {
		return nil, fmt.Errorf("%s expects stream %s at version %d, and nothing checks that without the log: place it with event.Append, or commit it", r.Type, r.Stream, r.Expected)
	}
	stream := Stream + "/" + p.o.NewID()
	if err := event.CheckStream(stream); err != nil {
		return nil, fmt.Errorf("Options.NewID: %w", err)
	}
	return &eventlog.Stored{
		Stream: stream, Version: 1, Type: r.Type, SchemaVersion: r.SchemaVersion,
		Time: eventlog.FormatTime(t), Data: string(r.Data), Public: string(r.Public), PublicVersion: r.PublicVersion,
		CorrelationID: flow.CorrelationID, CausationID: flow.CausationID, TenantID: flow.TenantID, Actor: flow.Actor, TraceParent: flow.TraceParent,
	}, nil
}

// envelopes are the event as it travels, and its public shape if it has one, with
// what it is about as subject.
func (p *Publisher) envelopes(s *eventlog.Stored, about string) ([]event.Envelope, error) {
	inner, err := s.Envelope(p.o.Source)
	if err != nil {
		return nil, err
	}
	all := []event.Envelope{inner}
	public, ok, err := s.PublicEnvelope(p.o.Source)
	if err != nil {
		return nil, err
	}
	if ok {
		all = append(all, public)
	}
	if about != "" {
		for i := range all {
			all[i].Subject = about
		}
	}
	return all, nil
}

// fitting is how many of the entries one request takes, at least one.
func fitting(entries []entry) int {
	bytes := 0
	for n := range entries {
		bytes += entries[n].Size()
		if n == relay.MaxEntries || bytes > relay.MaxBytes {
			return max(1, n)
		}
	}
	return len(entries)
}

// send makes one request and returns what failed of it.
func (p *Publisher) send(ctx context.Context, entries []entry) (failed []Failed) {
	request := make([]relay.Entry, len(entries))
	for i := range entries {
		request[i] = entries[i].Entry
	}
	fail := func(i int, code, message string) {
		failed = append(failed, Failed{Index: entries[i].record, Type: entries[i].Type, Public: entries[i].public, Code: code, Message: message})
	}
	results, err := p.o.Bus.Publish(ctx, request)
	if err == nil && len(results) != len(entries) {
		err = fmt.Errorf("the bus gave %d results for %d entries", len(results), len(entries))
	}
	for i := range entries {
		switch {
		case err != nil:
			var rejected *relay.RejectedError
			code := ""
			if errors.As(err, &rejected) {
				code = rejected.Code
			}
			fail(i, code, err.Error())
		case results[i].Code != "":
			fail(i, results[i].Code, results[i].Message)
		}
	}
	return failed
}
