package eventlogtest

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/eventlog"
	"github.com/vinci-go/vinci/orm"
)

var readChecks = []check{
	{"an event is what was committed", func(s *suite) {
		s.ctx = event.WithFlow(s.ctx, event.Flow{CorrelationID: "r1", CausationID: "c", TenantID: "acme", Actor: "ann", TraceParent: "00-a-b-01"})
		c := s.commit(changes(paidOut.At("account/1", event.New).Record(amount{N: 7, Text: "ä\n"})))
		e, err := s.log.Get(s.ctx, "account/1@1")
		if err != nil || e.Metadata != c.Events[0] || string(e.Data) != `{"n":7,"text":"ä\n"}` {
			s.Errorf("got %+v %s, %v; want %+v", e.Metadata, e.Data, err, c.Events[0])
		}
		if _, err := s.log.Get(s.ctx, "account/1@2"); !errors.Is(err, orm.KindNotFound) {
			s.Errorf("got %v, want kind %q", err, orm.KindNotFound)
		}
	}},
	{"a stream from a version on", func(s *suite) {
		for i := range 5 {
			s.commit(changes(in("account/1", event.Expect(int64(i)), i), in("account/10", event.Append, i)))
		}
		s.wantIDs("from 0", s.log.Stream(s.ctx, "account/1", 0), "account/1@1", "account/1@2", "account/1@3", "account/1@4", "account/1@5")
		s.wantIDs("from 4", s.log.Stream(s.ctx, "account/1", 4), "account/1@4", "account/1@5")
		s.wantIDs("from 6", s.log.Stream(s.ctx, "account/1", 6))
		s.wantIDs("another", s.log.Stream(s.ctx, "account/2", 1))
	}},
	{"a stream of several pages", func(s *suite) {
		text := strings.Repeat("x", 300_000) // a page has 1 MB
		for range 8 {
			s.commit(changes(paidIn.At("account/1", event.Append).Record(amount{Text: text})))
		}
		n := 0
		for e, err := range eventlog.Decoded(paidIn, s.log.Stream(s.ctx, "account/1", 1)) {
			if err != nil {
				s.Fatal(err)
			}
			if n++; e.Data.Text != text {
				s.Errorf("event %s is not what was committed", e.ID)
			}
		}
		if n != 8 {
			s.Errorf("%d events, want 8", n)
		}
	}},
}

// story commits events around midnight, one an hour from 23:00 on: of accounts 0
// to 4 in turn, every third one is a payment out.
func (s *suite) story(n int) {
	for i := range n {
		stream := fmt.Sprintf("account/%d", i%5)
		r := in(stream, event.Append, i)
		if i%3 == 2 {
			r = paidOut.At(stream, event.Append).Record(amount{N: i})
		}
		ctx := event.WithFlow(s.ctx, event.Flow{CorrelationID: fmt.Sprintf("r%d", i%2)})
		if _, err := s.log.Commit(ctx, changes(r)); err != nil {
			s.Fatal(err)
		}
		s.Advance(time.Hour)
	}
}

var historyChecks = []check{
	{"by type and time", func(s *suite) {
		from := s.Now()
		s.story(9)
		h := func(from, to time.Time, descending bool, types ...string) eventlog.History {
			return s.log.History(eventlog.HistoryQuery{Types: types, From: from, To: to, Descending: descending})
		}
		s.wantIDs("a type", h(from, time.Time{}, false, "money.paid_out").All(s.ctx), "account/2@1", "account/0@2", "account/3@2")
		s.wantIDs("newest first", h(from, time.Time{}, true, "money.paid_out").All(s.ctx), "account/3@2", "account/0@2", "account/2@1")
		s.wantIDs("two types", h(from, from.Add(4*time.Hour), false, "money.paid_out", "money.paid_in").All(s.ctx), "account/0@1", "account/1@1", "account/2@1", "account/3@1")
		s.wantIDs("over midnight", h(from.Add(time.Hour), from.Add(4*time.Hour), false, "money.paid_in").All(s.ctx), "account/1@1", "account/3@1")
		s.wantIDs("the end does not belong to it", h(from, from.Add(time.Hour), false, "money.paid_in").All(s.ctx), "account/0@1")
		s.wantIDs("nothing", h(from.Add(time.Hour), from.Add(time.Hour), false, "money.paid_in").All(s.ctx))
		s.wantIDs("a type without events", h(from, time.Time{}, false, "money.lost").All(s.ctx))
	}},
	{"by correlation", func(s *suite) {
		s.story(6)
		s.wantIDs("r1", s.log.Correlation("r1").All(s.ctx), "account/1@1", "account/3@1", "account/0@2")
		s.wantIDs("r2", s.log.Correlation("r2").All(s.ctx))
	}},
	{"events of one moment", func(s *suite) {
		// The index has no order among them, and still none comes twice.
		from := s.Now()
		want := map[string]bool{}
		for range 40 {
			want[s.commit(changes(paidIn.Record(amount{}))).Events[0].ID] = true
		}
		h := s.log.History(eventlog.HistoryQuery{Types: []string{"money.paid_in"}, From: from})
		seen := map[string]bool{}
		for c := eventlog.Cursor(""); ; {
			p, err := h.Page(s.ctx, 7, c)
			if err != nil {
				s.Fatal(err)
			}
			for _, e := range p.Events {
				if seen[e.ID] || !want[e.ID] {
					s.Fatalf("event %s comes twice, or is not among them", e.ID)
				}
				seen[e.ID] = true
			}
			if c = p.Next; c == "" {
				break
			}
		}
		if len(seen) != len(want) {
			s.Errorf("%d events, want %d", len(seen), len(want))
		}
	}},
	{"a cursor survives and fits nothing else", func(s *suite) {
		from := s.Now()
		s.story(9)
		q := eventlog.HistoryQuery{Types: []string{"money.paid_in"}, From: from}
		first, err := s.log.History(q).Page(s.ctx, 2, "")
		if err != nil || len(first.Events) != 2 || first.Next == "" {
			s.Fatalf("got %+v, %v", first, err)
		}
		s.Advance(1000 * time.Hour)
		s.wantIDs("the rest", s.newLog().History(q).StartAt(first.Next).All(s.ctx), "account/3@1", "account/4@1", "account/1@2", "account/2@2")
		q.Descending = true
		for name, h := range map[string]eventlog.History{"the other way": s.log.History(q), "by correlation": s.log.Correlation("r1")} {
			if _, err := h.Page(s.ctx, 2, first.Next); !errors.Is(err, eventlog.KindQuery) {
				s.Errorf("%s: got %v, want kind %q", name, err, eventlog.KindQuery)
			}
		}
	}},
	{"more than one batch", func(s *suite) {
		from := s.Now()
		for range 3 {
			c := eventlog.Changes{}
			for range 70 {
				c.Events = append(c.Events, in("account/1", event.Append, 1))
			}
			s.commit(c)
			s.Advance(time.Second)
		}
		n := int64(0)
		for e, err := range s.log.History(eventlog.HistoryQuery{Types: []string{"money.paid_in"}, From: from}).All(s.ctx) {
			if n++; err != nil || e.ID != event.EventID("account/1", n) {
				s.Fatalf("got %s at %d, %v", e.ID, n, err)
			}
		}
		if n != 210 {
			s.Errorf("%d events, want 210", n)
		}
	}},
}
