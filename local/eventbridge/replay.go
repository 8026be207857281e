package eventbridge

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// The states of a replay.
//
// https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_DescribeReplay.html
const (
	replayStarting   = "STARTING"
	replayRunning    = "RUNNING"
	replayCancelling = "CANCELLING"
	replayCompleted  = "COMPLETED"
	replayCancelled  = "CANCELLED"
	replayFailed     = "FAILED"
)

// AWS's limits. Replays are forgotten after 90 days.
//
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-replay-archived-event.html
const (
	maxReplays   = 10 // active ones
	replayKept   = 90 * 24 * time.Hour
	maxReplayLen = 64
)

// replay puts events of an archive on their bus again. Service.replaysMu guards
// it.
type replay struct {
	Name, Description    string
	Archive, Bus         string // ARNs
	FilterARNs           []string
	EventStart, EventEnd time.Time
	Started, Ended       time.Time
	LastReplayed         time.Time // of the last event's own time
	State, Reason        string
	Next                 []byte // the key to go on from
}

func (r *replay) active() bool {
	return r.State == replayStarting || r.State == replayRunning || r.State == replayCancelling
}

// saveReplay writes a replay. s.replaysMu is held.
func (s *Service) saveReplay(r *replay) error {
	value, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("encoding a replay: %w", err)
	}
	return s.store.write(op{replayed, names(r.Name), value})
}

func (s *Service) loadReplays() error {
	return s.store.scan(replayed, nil, nil, func(_, value []byte) (bool, error) {
		r := &replay{}
		if err := json.Unmarshal(value, r); err != nil {
			return false, fmt.Errorf("a replay: %w", err)
		}
		s.replays[r.Name] = r
		return true, nil
	})
}

// resumeReplays goes on where an earlier process stopped.
func (s *Service) resumeReplays() {
	s.replaysMu.Lock()
	defer s.replaysMu.Unlock()
	for _, r := range s.replays {
		if r.active() {
			s.background(func() { s.runReplay(r) })
		}
	}
}

// sweepReplays forgets replays that ended long ago.
func (s *Service) sweepReplays(now time.Time) {
	s.replaysMu.Lock()
	defer s.replaysMu.Unlock()
	for _, name := range slices.Sorted(maps.Keys(s.replays)) {
		r := s.replays[name]
		if r.active() || now.Sub(r.Ended) < replayKept {
			continue
		}
		if err := s.store.write(op{bucket: replayed, key: names(name)}); err != nil {
			s.opts.Logger.Error("an old replay could not be forgotten", "replay", name, "error", err)
			continue
		}
		delete(s.replays, name)
	}
}

// startReplay checks and starts a replay.
func (s *Service) startReplay(r *replay) error {
	s.replaysMu.Lock()
	defer s.replaysMu.Unlock()
	if s.replays[r.Name] != nil {
		return exists("Replay %s already exists.", r.Name)
	}
	active := 0
	for _, other := range s.replays {
		if other.active() {
			active++
		}
	}
	if active >= maxReplays {
		return limitExceeded()
	}
	r.State, r.Started = replayStarting, s.opts.Now()
	if err := s.saveReplay(r); err != nil {
		return err
	}
	s.replays[r.Name] = r
	s.background(func() { s.runReplay(r) }) // when the service is closing, it starts with the next process
	return nil
}

// cancelReplay asks a replay to end.
func (s *Service) cancelReplay(name string) (*replay, error) {
	s.replaysMu.Lock()
	defer s.replaysMu.Unlock()
	r := s.replays[name]
	if r == nil {
		return nil, notFound("Replay %s does not exist.", name)
	}
	if r.State != replayStarting && r.State != replayRunning {
		return nil, fail("IllegalStatusException", "Replay %s is not in a valid state for this operation.", name)
	}
	before := r.State
	r.State = replayCancelling
	if err := s.saveReplay(r); err != nil {
		r.State = before
		return nil, err
	}
	c := *r
	return &c, nil
}

// runReplay ends with the replay completed, cancelled or failed, or with the
// service: then it goes on in the next process, after the last events that are
// known to be replayed.
func (s *Service) runReplay(r *replay) {
	err := s.replay(r)
	if errors.Is(err, errStopped) {
		return
	}
	s.replaysMu.Lock()
	defer s.replaysMu.Unlock()
	switch {
	case err != nil:
		r.State, r.Reason = replayFailed, err.Error()
	case r.State == replayCancelling:
		r.State = replayCancelled
	default:
		r.State = replayCompleted
	}
	r.Ended = s.opts.Now()
	if err := s.saveReplay(r); err != nil {
		s.opts.Logger.Error("the end of a replay could not be written: it will run again after a restart", "replay", r.Name, "error", err)
	}
}

var errStopped = errors.New("the service is closed")

// proceed moves a replay on, and reports whether it is to go on. The mark is saved
// with it.
func (s *Service) proceed(r *replay, last time.Time, next []byte) (bool, error) {
	s.replaysMu.Lock()
	defer s.replaysMu.Unlock()
	if next != nil {
		r.Next, r.LastReplayed = next, last
	}
	if r.State == replayCancelling {
		return false, nil
	}
	r.State = replayRunning
	return true, s.saveReplay(r)
}

// step of a replay: so many events at most between two looks at whether it was
// cancelled.
const replayStep = 25

func (s *Service) replay(r *replay) error {
	more, err := s.proceed(r, time.Time{}, nil)
	if err != nil || !more {
		return err
	}
	s.replaysMu.Lock()
	name, archiveARN, only, end := r.Name, r.Archive, r.FilterARNs, r.EventEnd
	start, from := r.EventStart, r.Next
	s.replaysMu.Unlock()
	for {
		st := s.state.Load()
		a := st.archives[strings.TrimPrefix(archiveARN, s.archiveARN(""))]
		if a == nil {
			return fmt.Errorf("archive %s does not exist any more", archiveARN)
		}
		b := st.buses[a.bus]
		if b == nil {
			return fmt.Errorf("event bus %s does not exist any more", a.bus)
		}
		if from == nil {
			// An event of a part of a second counts by its whole second.
			first := start.Truncate(time.Second)
			if first.Before(start) {
				first = first.Add(time.Second)
			}
			from = archivedKey(a.id, first, 0)
		}
		events, err := s.events(a, from, end)
		if err != nil {
			return err
		}
		if len(events) == 0 {
			return nil
		}
		for batch := range slices.Chunk(events, replayStep) {
			if !s.sleep(0) {
				return errStopped
			}
			if err := s.replayEvents(st, b, batch, name, only); err != nil {
				return err
			}
			last := batch[len(batch)-1]
			from = append(slices.Clone(last.key), 0) // the first key behind it
			if more, err := s.proceed(r, last.at, from); err != nil || !more {
				return err
			}
		}
	}
}

// replayEvents puts events on the bus, for the rules named, or for all.
func (s *Service) replayEvents(st *state, b *bus, events []archivedEvent, name string, only []string) error {
	in := intake{state: st}
	for _, e := range events {
		body := withReplayName(e.body, name)
		var known struct {
			ID string `json:"id"`
		}
		if err := json.Unmarshal(body, &known); err != nil {
			return fmt.Errorf("%w: %w", errArchived, err)
		}
		if err := s.match(&in, b, arrival{event: body, id: known.ID, at: e.at, received: s.opts.Now(), replay: true, only: only}); err != nil {
			return err
		}
	}
	for _, err := range s.take(context.Background(), &in) {
		return err
	}
	return nil
}

// withReplayName says in an event which replay it is of. The member stands where
// EventBridge has it, before resources.
//
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-replay-archived-event.html
func withReplayName(event []byte, name string) []byte {
	member := append(append([]byte(`"replay-name":`), text(name)...), ',')
	// Within a text the quotes would be escaped, so this is the envelope's member.
	at := bytes.Index(event, []byte(`,"resources":[`))
	if at < 0 {
		at = bytes.IndexByte(event, '{')
		if rest := bytes.TrimSpace(event[at+1:]); len(rest) > 0 && rest[0] == '}' {
			member = bytes.TrimSuffix(member, []byte(","))
		}
	}
	return slices.Concat(event[:at+1], member, event[at+1:])
}
