package eventlogtest

import (
	"errors"
	"slices"
	"sync"

	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/eventlog"
	"github.com/vinci-go/vinci/orm"
)

// deposit is a command with an effect of each kind.
func deposit(id, request string, expected event.Expected) eventlog.Changes {
	c := changes(in("account/1", expected, 5), paidIn.Record(amount{N: 6}))
	c.Writes = []orm.Write{accounts.Update("1", balance.Add(5))}
	c.Command = eventlog.Command{ID: id, Request: request}
	return c
}

var commandChecks = []check{
	{"is done once", func(s *suite) {
		s.ctx = event.WithFlow(s.ctx, event.Flow{CorrelationID: "r1", CausationID: "c", TenantID: "acme", Actor: "ann", TraceParent: "00-a-b-01"})
		first := s.commit(deposit("d1", "5", event.New))
		again, err := s.newLog().Commit(s.ctx, deposit("d1", "5", event.New))
		if err != nil || !again.Replayed || again.ID != first.ID || !slices.Equal(again.Events, first.Events) {
			s.Errorf("got %+v, %v; want, replayed, %+v", again, err, first)
		}
		s.wantStream("account/1", 5)
		s.wantBalance("1", 5)
	}},
	{"although its own doing is in the way", func(s *suite) {
		s.commit(changes(in("account/1", event.New, 1)))
		s.commit(deposit("d1", "5", event.Expect(1)))
		again, err := s.log.Commit(s.ctx, deposit("d1", "5", event.Expect(1)))
		if err != nil || !again.Replayed {
			s.Errorf("got %+v, %v", again, err)
		}
		if _, err := s.log.Commit(s.ctx, deposit("d2", "5", event.Expect(1))); !errors.Is(err, eventlog.KindConflict) {
			s.Errorf("another command: got %v, want kind %q", err, eventlog.KindConflict)
		}
		s.wantBalance("1", 5)
	}},
	{"another request under its id", func(s *suite) {
		s.commit(deposit("d1", "5", event.New))
		var dup *eventlog.DuplicateCommandError
		if _, err := s.log.Commit(s.ctx, deposit("d1", "50", event.Append)); !errors.As(err, &dup) || !errors.Is(err, eventlog.KindDuplicate) || dup.Same {
			s.Errorf("got %v, want kind %q", err, eventlog.KindDuplicate)
		}
		s.wantStream("account/1", 5)
	}},
	{"a refused one is not remembered", func(s *suite) {
		s.commit(changes(in("account/1", event.New, 1)))
		if _, err := s.log.Commit(s.ctx, deposit("d1", "5", event.New)); !errors.Is(err, eventlog.KindConflict) {
			s.Errorf("got %v, want kind %q", err, eventlog.KindConflict)
		}
		if got := s.commit(deposit("d1", "5", event.Append)); got.Replayed {
			s.Errorf("got %+v", got)
		}
		s.wantStream("account/1", 1, 5)
	}},
	{"without an event", func(s *suite) {
		c := eventlog.Changes{Writes: []orm.Write{accounts.Update("1", balance.Add(5))}, Command: eventlog.Command{ID: "d1"}}
		first := s.commit(c)
		if again := s.commit(c); !again.Replayed || again.ID != first.ID || len(again.Events) != 0 {
			s.Errorf("got %+v, want %+v", again, first)
		}
		s.wantBalance("1", 5)
	}},
	{"resolved by who executes it", func(s *suite) {
		p, err := s.log.Prepare(s.ctx, deposit("d1", "5", event.New))
		if err != nil {
			s.Fatal(err)
		}
		for _, token := range []string{p.ID(), ""} { // the second time as if the token were forgotten
			if err := p.Resolve(s.store.Transact(s.ctx, token, p.Actions())); err != nil {
				s.Errorf("token %q: %v", token, err)
			}
		}
		q, err := s.log.Prepare(s.ctx, deposit("d1", "5", event.New))
		if err != nil {
			s.Fatal(err)
		}
		var dup *eventlog.DuplicateCommandError
		if err := q.Resolve(s.store.Transact(s.ctx, q.ID(), q.Actions())); !errors.As(err, &dup) || !dup.Same || dup.First.ID != p.ID() {
			s.Errorf("got %v, want the first commit", err)
		}
		s.wantBalance("1", 5)
	}},
	{"asked for in parallel", func(s *suite) {
		const parallel = 8
		results := make([]eventlog.Commit, parallel)
		var wg sync.WaitGroup
		for i := range parallel {
			log := s.newLog()
			wg.Go(func() {
				var err error
				if results[i], err = log.Commit(s.ctx, deposit("d1", "5", event.Append)); err != nil {
					s.Error(err)
				}
			})
		}
		wg.Wait()
		did := 0
		for _, r := range results {
			if !r.Replayed {
				did++
			}
			if r.ID != results[0].ID {
				s.Errorf("results %s and %s", r.ID, results[0].ID)
			}
		}
		if did != 1 {
			s.Errorf("%d did it, want 1", did)
		}
		s.wantStream("account/1", 5)
		s.wantBalance("1", 5)
	}},
}
