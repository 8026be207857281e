package bus_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/eventlog"
	"github.com/vinci-go/vinci/orm"
)

func TestDefinition(t *testing.T) {
	d := bus.Subscription("count_doors", bus.To(doorOpened), bus.To(event.Match("*.noted")), bus.Reads(others), bus.Writes(counters), bus.Commits(doorNoted))
	if err := d.Err(); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(d.DefinedAt, "bus/subscription_test.go:") {
		t.Errorf("defined at %q", d.DefinedAt)
	}
	for eventType, want := range map[string]bool{"door.opened": true, "log.noted": true, "door.closed": false, "": false} {
		if got := d.Matches(eventType); got != want {
			t.Errorf("Matches(%q) = %v", eventType, got)
		}
	}
	if len(d.Access.Reads) != 1 || len(d.Access.Writes) != 1 || len(d.Access.Commits) != 1 {
		t.Errorf("access %+v", d.Access)
	}
	var a bus.Access
	for _, g := range []bus.Grant{bus.Writes(counters), bus.Reads(others, bus.Deliveries)} {
		g.Add(&a)
	}
	if err := a.Err(); err != nil || len(a.Reads) != 2 || len(a.Writes) != 1 {
		t.Errorf("access %+v: %v", a, err)
	}
}

func TestDefinitionReportsAll(t *testing.T) {
	var (
		noTable *orm.Table[counter, string]
		noEvent *event.Definition[opened]
		noKey   = orm.Define[struct{ A string }, string]("keyless")
		noWord  = event.Define[opened]("Opened")
	)
	tests := []struct {
		name string
		def  *bus.Definition
		want []string // one a problem
	}{
		{"nil", nil, []string{"the definition is nil"}},
		{"name", bus.Subscription("Send-Mail", bus.To(doorOpened)), []string{`name "Send-Mail": allowed is`}},
		{"reserved", bus.Subscription("mail_dlq", bus.To(doorOpened)), []string{`ends in "_dlq"`}},
		{"empty", bus.Subscription(""), []string{`name ""`, "it asks for no event"}},
		{"no selector", bus.Subscription("mail", bus.To()), []string{"it asks for no event: name some with bus.To"}},
		{"nil option", bus.Subscription("mail", nil, bus.To(doorOpened)), []string{"option 0 is nil"}},
		{"nil selectors", bus.Subscription("mail", bus.To(nil, noEvent)), []string{"selector 0 of bus.To is nil", "selector 1 of bus.To is nil"}},
		{"wrong selectors", bus.Subscription("mail", bus.To(event.Match("a.*.b"), noWord)), []string{`selector 0 of bus.To is wrong`, `selector 1 of bus.To is wrong`}},
		{"one selector twice", bus.Subscription("mail", bus.To(doorOpened, event.Match("door.opened"))), []string{"it asks for door.opened twice"}},
		{"nil tables and events", bus.Subscription("mail", bus.To(doorOpened), bus.Reads(nil), bus.Writes(noTable), bus.Commits(noEvent, nil), bus.Publishes(nil)),
			[]string{"event 0 of bus.Publishes is nil", "table 0 of bus.Reads is nil", "table 0 of bus.Writes is nil", "event 0 of bus.Commits is nil", "event 1 of bus.Commits is nil"}},
		{"wrong tables and events", bus.Subscription("mail", bus.To(doorOpened), bus.Writes(noKey), bus.Commits(noWord)),
			[]string{"table 0 of bus.Writes is defined wrong", "event 0 of bus.Commits is defined wrong"}},
		{"twice", bus.Subscription("mail", bus.To(doorOpened), bus.Reads(counters, counters), bus.Writes(counters), bus.Writes(counters), bus.Commits(doorNoted, doorNoted), bus.Publishes(doorNoted, doorNoted)),
			[]string{`bus.Reads names table "counters" twice`, `bus.Writes names table "counters" twice`, `bus.Commits names event "log.noted" twice`, `bus.Publishes names event "log.noted" twice`}},
		{"the framework's tables", bus.Subscription("mail", bus.To(doorOpened), bus.Writes(eventlog.Events, eventlog.State, bus.Deliveries)),
			[]string{`bus.Writes names table "events"`, `bus.Writes names table "state"`, `bus.Writes names table "deliveries"`}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := tt.def.Err()
			if !errors.Is(err, bus.KindDefinition) {
				t.Fatalf("error %v", err)
			}
			parts := []error{err}
			if joined, ok := err.(interface{ Unwrap() []error }); ok {
				parts = joined.Unwrap()
			}
			if len(parts) != len(tt.want) {
				t.Errorf("%d problems, want %d:\n%v", len(parts), len(tt.want), err)
			}
			for _, want := range tt.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("the error lacks %q:\n%v", want, err)
				}
			}
			if tt.def != nil && !strings.Contains(err.Error(), "bus/subscription_test.go:") {
				t.Errorf("the error lacks the place:\n%v", err)
			}
			if err := bus.Check(tt.def); err == nil {
				t.Error("Check finds nothing")
			}
		})
	}
}

func TestCheck(t *testing.T) {
	fn := func(context.Context, event.Event[opened]) error { return nil }
	var noEvent *event.Definition[opened]
	family := bus.Subscription("family", bus.To(event.Match("door.*"), doorNoted))
	tests := []struct {
		name     string
		sub      *bus.Definition
		handlers []bus.Part
		want     []string
	}{
		{"all is well", onDoor, []bus.Part{bus.On(doorOpened, fn), bus.On(doorClosed, closing)}, nil},
		{"a family needs one handler", bus.Subscription("one", bus.To(event.Match("door.*"))), []bus.Part{bus.On(doorOpened, fn)}, nil},
		{"not asked for", txDoor, []bus.Part{bus.On(doorOpened, fn), bus.On(doorClosed, closing)},
			[]string{"a handler for door.closed, and the subscription (bus/fixture_test.go:"}},
		{"two for one", txDoor, []bus.Part{bus.On(doorOpened, fn), bus.OnTx(doorOpened, countUp)}, []string{"a second handler for door.opened, the first is at bus/subscription_test.go:"}},
		{"missing", onDoor, []bus.Part{bus.On(doorOpened, fn)}, []string{"it asks for door.closed and has no handler for it"}},
		{"none at all", family, nil, []string{"it asks for door.* and has no handler for any such event", "it asks for log.noted and has no handler"}},
		{"empty", txDoor, []bus.Part{bus.Handler{}, bus.On(doorOpened, fn)}, []string{"handler 0 is empty"}},
		{"no function, no event", txDoor, []bus.Part{bus.On[opened](doorOpened, nil), bus.On(noEvent, fn), bus.OnTx[opened](nil, nil)},
			[]string{"the handler for door.opened has no function", "handler 1 has no event definition", "handler 2 has no event definition"}},
		{"all at once", onDoor, []bus.Part{bus.On(doorNoted, func(context.Context, event.Event[noted]) error { return nil })},
			[]string{"a handler for log.noted", "asks for door.opened, door.closed: add it to bus.To", "it asks for door.opened and", "it asks for door.closed and"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := bus.Check(tt.sub, tt.handlers...)
			if tt.want == nil {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if !errors.Is(err, bus.KindDefinition) {
				t.Fatalf("error %v", err)
			}
			for _, want := range tt.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("the error lacks %q:\n%v", want, err)
				}
			}
		})
	}
}

func TestDeliveriesTable(t *testing.T) {
	if err := bus.Deliveries.Err(); err != nil {
		t.Fatal(err)
	}
	s := bus.Deliveries.Schema()
	if s.Name != "deliveries" || s.Hash != "event_id" || s.Sort != "subscription" || s.TTL != "expires_at" || s.Stream {
		t.Errorf("schema %+v", s)
	}
	if len(s.Indexes) != 1 || s.Indexes[0].Name != "by_subscription" || s.Indexes[0].Hash != "trouble" || s.Indexes[0].Sort != "event_id" {
		t.Errorf("indexes %+v", s.Indexes)
	}
}
