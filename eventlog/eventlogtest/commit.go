package eventlogtest

import (
	"errors"
	"strings"
	"sync"

	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/eventlog"
	"github.com/vinci-go/vinci/orm"
)

var commitChecks = []check{
	{"everything or nothing", func(s *suite) {
		c := changes(in("account/1", event.New, 1), in("account/2", event.New, 2), in("account/1", event.Append, 3))
		c.Writes = []orm.Write{accounts.Insert(account{ID: "1", Owner: "ann"})}
		got := s.commit(c)
		if len(got.Events) != 3 || got.Events[2].ID != "account/1@2" || got.Replayed {
			s.Errorf("got %+v", got)
		}
		s.wantStream("account/1", 1, 3)
		s.wantStream("account/2", 2)

		// A unique value that is taken: neither the write nor an event.
		c = changes(in("account/3", event.New, 1))
		c.Writes = []orm.Write{accounts.Insert(account{ID: "3", Owner: "ann"})}
		if _, err := s.log.Commit(s.ctx, c); !errors.Is(err, orm.KindAlreadyExists) || errors.Is(err, eventlog.KindConflict) {
			s.Errorf("got %v, want kind %q and no conflict", err, orm.KindAlreadyExists)
		}
		s.wantStream("account/3")
		// A stream that is elsewhere: neither an event nor the write.
		c = changes(in("account/1", event.New, 9), in("account/4", event.New, 9))
		c.Writes = []orm.Write{accounts.Insert(account{ID: "4"})}
		if _, err := s.log.Commit(s.ctx, c); !errors.Is(err, eventlog.KindConflict) {
			s.Errorf("got %v, want kind %q", err, eventlog.KindConflict)
		}
		s.wantStream("account/4")
		if _, err := accounts.Get(s.ctx, s.store, "4"); !errors.Is(err, orm.KindNotFound) {
			s.Errorf("got %v, want kind %q", err, orm.KindNotFound)
		}
	}},
	{"expected versions", func(s *suite) {
		s.commit(changes(in("account/1", event.New, 1), in("account/1", event.New, 2)))
		for expected, want := range map[event.Expected]int64{event.New: 2, event.Expect(1): 2, event.Expect(3): 2} {
			var conflict *eventlog.ConflictError
			if _, err := s.log.Commit(s.ctx, changes(in("account/1", expected, 9))); !errors.As(err, &conflict) || conflict.Current != want || conflict.Stream != "account/1" {
				s.Errorf("expected %d: got %v, want a conflict at %d", expected, err, want)
			}
		}
		s.commit(changes(in("account/1", event.Expect(2), 3)))
		s.commit(changes(in("account/1", event.Append, 4)))
		s.wantStream("account/1", 1, 2, 3, 4)
	}},
	{"two that decided from the same", func(s *suite) {
		// Both are prepared before either is written: the store has to decide.
		s.commit(changes(in("account/1", event.New, 1)))
		first, err := s.log.Prepare(s.ctx, changes(in("account/1", event.Expect(1), 2)))
		if err != nil {
			s.Fatal(err)
		}
		second, err := s.newLog().Prepare(s.ctx, changes(in("account/1", event.Expect(1), 3)))
		if err != nil {
			s.Fatal(err)
		}
		if err := first.Resolve(s.store.Transact(s.ctx, first.ID(), first.Actions())); err != nil {
			s.Error(err)
		}
		var conflict *eventlog.ConflictError
		if err := second.Resolve(s.store.Transact(s.ctx, second.ID(), second.Actions())); !errors.As(err, &conflict) || conflict.Current < 2 {
			s.Errorf("got %v, want a conflict", err)
		}
		// Repeated, with its token and without: it had happened.
		for _, token := range []string{first.ID(), ""} {
			if err := first.Resolve(s.store.Transact(s.ctx, token, first.Actions())); err != nil {
				s.Errorf("repeated with token %q: %v", token, err)
			}
		}
		s.wantStream("account/1", 1, 2)
	}},
	{"refused before anything is written", func(s *suite) {
		many := eventlog.Changes{}
		for range eventlog.MaxActions + 1 {
			many.Events = append(many.Events, in("account/1", event.New, 1))
		}
		var large *eventlog.TooLargeError
		if _, err := s.log.Commit(s.ctx, many); !errors.As(err, &large) || large.Actions != eventlog.MaxActions+1 {
			s.Errorf("too many actions: got %v", err)
		}
		big := changes(in("account/1", event.New, 1), paidIn.At("account/1", event.New).Record(amount{Text: strings.Repeat("x", eventlog.MaxEvent)}))
		if _, err := s.log.Commit(s.ctx, big); !errors.As(err, &large) || large.Event != 1 || large.Bytes <= eventlog.MaxEvent {
			s.Errorf("a large event: got %v", err)
		}
		if _, err := s.log.Commit(s.ctx, eventlog.Changes{}); !errors.Is(err, eventlog.KindInvalid) {
			s.Errorf("nothing: got %v", err)
		}
		s.wantStream("account/1")
	}},
	{"the most that is allowed", func(s *suite) {
		c := eventlog.Changes{}
		want := make([]int, eventlog.MaxActions)
		for i := range want {
			want[i] = i
			c.Events = append(c.Events, in("account/1", event.New, i))
		}
		s.commit(c)
		s.wantStream("account/1", want...)
	}},
	{"parallel appends", func(s *suite) {
		const writers, each = 4, 5
		var wg sync.WaitGroup
		for range writers {
			log := s.newLog()
			wg.Go(func() {
				for range each {
					c := changes(in("account/1", event.Append, 1))
					c.Writes = []orm.Write{accounts.Update("1", balance.Add(1))}
					if _, err := log.Commit(s.ctx, c); err != nil {
						s.Error(err)
					}
				}
			})
		}
		wg.Wait()
		want := make([]int, writers*each)
		for i := range want {
			want[i] = 1
		}
		s.wantStream("account/1", want...)
		s.wantBalance("1", writers*each)
	}},
}
