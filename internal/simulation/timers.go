package simulation

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/vinci-go/vinci/eventlog"
	"github.com/vinci-go/vinci/eventlog/timers"
)

// schedule is the scheduled rule that calls the timers function every minute. It
// may call it twice.
type schedule struct{ *world }

func (s *schedule) tick() {
	if s.clients.active() || s.waiting() {
		s.at(time.Minute, s.tick)
	}
	for first := true; first || s.trouble(50); first = false {
		s.invoke()
	}
}

// waiting reports whether there are timers.
func (s *schedule) waiting() bool {
	for _, item := range s.store.memory.Items(eventlog.State) {
		if strings.HasPrefix(textOf(item["key"]), eventlog.TimerKey("")) {
			return true
		}
	}
	return false
}

func (s *schedule) invoke() {
	f := timers.New(timers.Options{Log: s.log, Application: source, Deployment: "simulation", Concurrency: 1, Logger: silent, Now: s.clock})
	s.start(&task{
		name: fmt.Sprintf("timers #%d", s.started), deadline: functionTimeout, skew: s.skew(),
		faults: func() bool { return true }, done: func(bool) {},
	}, func() {
		a, err := f.Handle(context.Background())
		s.trace.note(s.scheduler, s.current.name, fmt.Sprintf("fired %d, gone %d, failed %d: %v", a.Fired, a.Gone, a.Failed, err))
	})
}
