package eventlogtest

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/eventlog"
	"github.com/vinci-go/vinci/orm"
)

// timer is one that is due so long after now, with a number in its event.
func (s *suite) timer(id string, after time.Duration, n int) eventlog.Timer {
	return eventlog.Timer{ID: id, Due: s.Now().Add(after), Event: in("account/1", event.Append, n)}
}

// dueIn lists the timers that are due after a time.
func (s *suite) dueIn(after time.Duration) (all []eventlog.DueTimer) {
	s.Helper()
	for t, err := range s.log.DueTimers(s.ctx, s.Now().Add(after)) {
		if err != nil {
			s.Fatal(err)
		}
		all = append(all, t)
	}
	return all
}

func (s *suite) wantDue(after time.Duration, want ...string) []eventlog.DueTimer {
	s.Helper()
	due := s.dueIn(after)
	var got []string
	for _, t := range due {
		got = append(got, t.ID)
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		s.Fatalf("after %s are due %v, want %v", after, got, want)
	}
	return due
}

// fire fires a timer and checks whether it did.
func (s *suite) fire(t eventlog.DueTimer, want bool) {
	s.Helper()
	if _, fired, err := s.log.Fire(s.ctx, t); err != nil || fired != want {
		s.Errorf("timer %s: fired %v, %v; want %v", t.ID, fired, err, want)
	}
}

var timerChecks = []check{
	{"fires once", func(s *suite) {
		s.ctx = event.WithFlow(s.ctx, event.Flow{CorrelationID: "r1", TenantID: "acme"})
		c := changes(in("account/1", event.New, 1))
		c.Timers = []eventlog.Timer{s.timer("t", time.Hour, 2)}
		s.commit(c)
		s.wantDue(time.Hour - 1)
		due := s.wantDue(time.Hour, "t")
		s.ctx = event.WithFlow(s.ctx, event.Flow{CorrelationID: "other"})
		s.fire(due[0], true)
		s.fire(due[0], false)
		s.wantStream("account/1", 1, 2)
		s.wantIDs("what the request caused", s.log.Correlation("r1").All(s.ctx), "account/1@1", "account/1@2")
		s.wantDue(time.Hour)
	}},
	{"goes with its commit or not at all", func(s *suite) {
		s.commit(changes(in("account/1", event.New, 1)))
		c := changes(in("account/1", event.New, 1))
		c.Timers = []eventlog.Timer{s.timer("t", 0, 2)}
		if _, err := s.log.Commit(s.ctx, c); !errors.Is(err, eventlog.KindConflict) {
			s.Errorf("got %v, want kind %q", err, eventlog.KindConflict)
		}
		s.wantDue(0)
	}},
	{"is one under its id", func(s *suite) {
		s.commit(eventlog.Changes{Timers: []eventlog.Timer{s.timer("t", time.Hour, 1)}})
		var exists *eventlog.TimerExistsError
		_, err := s.log.Commit(s.ctx, eventlog.Changes{
			Writes: []orm.Write{accounts.Put(account{ID: "1"})}, Timers: []eventlog.Timer{s.timer("t", 0, 2)},
		})
		if !errors.As(err, &exists) || exists.ID != "t" || !exists.Due.Equal(s.Now().Add(time.Hour)) {
			s.Errorf("got %v, want kind %q", err, eventlog.KindTimerExists)
		}
		if there, err := accounts.Exists(s.ctx, s.store, "1"); there || err != nil {
			s.Errorf("the write of the refused commit: %v, %v", there, err)
		}
	}},
	{"is replaced", func(s *suite) {
		s.commit(eventlog.Changes{Timers: []eventlog.Timer{s.timer("t", 0, 1)}})
		old := s.wantDue(0, "t")
		again := s.timer("t", time.Hour, 2)
		again.Replace = true
		s.commit(eventlog.Changes{Timers: []eventlog.Timer{again}})
		s.wantDue(0)
		s.fire(old[0], false)
		s.fire(s.wantDue(time.Hour, "t")[0], true)
		s.wantStream("account/1", 2)
	}},
	{"is cancelled", func(s *suite) {
		s.commit(eventlog.Changes{Timers: []eventlog.Timer{s.timer("t", 0, 1)}})
		due := s.wantDue(0, "t")
		c := changes(in("account/1", event.New, 2))
		c.Cancel = []string{"t", "never"}
		s.commit(c)
		s.fire(due[0], false)
		s.wantStream("account/1", 2)
	}},
	{"come by their due times", func(s *suite) {
		var c eventlog.Changes
		var want []string
		for i := range 40 {
			want = append(want, fmt.Sprintf("t%02d", i))
			c.Timers = append(c.Timers, s.timer(want[i], time.Duration(i)*100*time.Millisecond, i))
		}
		s.commit(c)
		s.wantDue(2*time.Second, want[:21]...)
		s.wantDue(time.Hour, want...)
	}},
	{"fired by many at once fires once", func(s *suite) {
		var timers []eventlog.Timer
		for i := range 5 {
			timers = append(timers, s.timer(fmt.Sprint("t", i), 0, i))
		}
		s.commit(eventlog.Changes{Timers: timers})
		due := s.dueIn(0)
		var mu sync.Mutex
		var wg sync.WaitGroup
		fired := map[string]int{}
		for range 8 {
			wg.Go(func() {
				for _, t := range due {
					_, ok, err := s.log.Fire(s.ctx, t)
					mu.Lock()
					if ok {
						fired[t.ID]++
					}
					// Eight writers of one stream may be outrun each time; then it is still due.
					if err != nil && !errors.Is(err, eventlog.KindConflict) {
						s.Errorf("timer %s: %v", t.ID, err)
					}
					mu.Unlock()
				}
			})
		}
		wg.Wait()
		for _, t := range s.dueIn(0) {
			s.fire(t, true)
			fired[t.ID]++
		}
		for _, t := range due {
			if fired[t.ID] != 1 {
				s.Errorf("timer %s fired %d times", t.ID, fired[t.ID])
			}
		}
	}},
}
