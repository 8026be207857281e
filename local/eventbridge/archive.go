package eventbridge

import (
	"encoding/binary"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/vinci-go/vinci/event/pattern"
)

// archive keeps events of a bus. It does not change but for its contents.
type archive struct {
	ArchiveConfig
	origin   origin
	id       uint64 // of its events in the store
	bus      string // the name
	created  time.Time
	pattern  *pattern.Set // of one pattern; nil for every event
	contents *contents
}

// contents counts an archive's events. EventBridge reconciles these numbers within
// a day; here they are right at once.
type contents struct {
	events atomic.Int64
	bytes  atomic.Int64
}

func (c *contents) add(events, bytes int) {
	c.events.Add(int64(events))
	c.bytes.Add(int64(bytes))
}

// archivedKey sorts an archive's events by their own time, to the second, and then
// by arrival: the order in which a replay takes them.
//
// https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_StartReplay.html
func archivedKey(archive uint64, at time.Time, n uint64) []byte {
	b := binary.BigEndian.AppendUint64(make([]byte, 0, 24), archive)
	b = append(b, second(at)...)
	return binary.BigEndian.AppendUint64(b, n)
}

// second makes a time a key, also one before 1970.
func second(t time.Time) []byte { return number(uint64(t.Unix()) + 1<<63) }

func readNumber(b []byte) uint64 { return binary.BigEndian.Uint64(b) }

// file makes the write that puts an event into an archive, nil when the archive
// does not want it.
func (s *Service) file(a *archive, e arrival) (*filing, error) {
	if a.pattern != nil {
		var buf [1]int
		matched, err := a.pattern.Match(e.event, buf[:0])
		if err != nil {
			return nil, fmt.Errorf("matching an event against archive %s: %w", a.Name, err)
		}
		if len(matched) == 0 {
			return nil, nil
		}
	}
	value := append(number(uint64(e.received.UnixNano())), e.event...)
	return &filing{a, op{archived, archivedKey(a.id, e.at, s.sequence.Add(1)), value}, len(e.event), e.entry}, nil
}

// archive puts events into archives, with one write.
func (s *Service) archive(filings []filing) error {
	if len(filings) == 0 {
		return nil
	}
	ops := make([]op, len(filings))
	for i, f := range filings {
		ops[i] = f.op
	}
	if err := s.store.write(ops...); err != nil {
		return fmt.Errorf("archiving events: %w", err)
	}
	for _, f := range filings {
		f.archive.contents.add(1, f.size)
	}
	return nil
}

// archivedEvent is an event as an archive has it.
type archivedEvent struct {
	key      []byte
	at       time.Time // to the second
	received time.Time
	body     []byte
}

var errArchived = errors.New("an archived event cannot be read")

func readArchived(key, value []byte) (archivedEvent, error) {
	if len(key) != 24 || len(value) < 8 {
		return archivedEvent{}, errArchived
	}
	return archivedEvent{
		key: key, at: time.Unix(int64(readNumber(key[8:])-1<<63), 0),
		received: time.Unix(0, int64(readNumber(value))), body: value[8:],
	}, nil
}

// loadContents counts the events of all archives, and drops those of archives that
// are gone: a process died while it dropped them.
func (s *Service) loadContents() error {
	byID := map[uint64]*archive{}
	for _, a := range s.state.Load().archives {
		byID[a.id] = a
	}
	stray := map[uint64]bool{}
	err := s.store.scan(archived, nil, nil, func(key, value []byte) (bool, error) {
		e, err := readArchived(key, value)
		if err != nil {
			return false, err
		}
		if a := byID[readNumber(key)]; a != nil {
			a.contents.add(1, len(e.body))
		} else {
			stray[readNumber(key)] = true
		}
		return true, nil
	})
	if err != nil {
		return err
	}
	for id := range stray {
		s.empty(id)
	}
	return nil
}

// chunk is how many events are read or dropped at a time.
const chunk = 500

// empty drops the events of an archive that is gone.
func (s *Service) empty(id uint64) {
	if _, _, err := s.dropEvents(id, func(archivedEvent) bool { return true }); err != nil {
		// They are found again, and dropped, when the folder is opened.
		s.opts.Logger.Error("the events of an archive that was deleted could not be dropped", "error", err)
	}
}

// dropEvents drops the events of an archive of which f says so.
func (s *Service) dropEvents(id uint64, f func(archivedEvent) bool) (events, bytes int, err error) {
	from := number(id)
	for {
		var ops []op
		size, seen := 0, 0
		err := s.store.scan(archived, number(id), from, func(key, value []byte) (bool, error) {
			if seen == chunk {
				from = append([]byte{}, key...)
				return false, nil
			}
			seen++
			e, err := readArchived(key, value)
			if err != nil {
				return false, err
			}
			if f(e) {
				ops = append(ops, op{bucket: archived, key: append([]byte{}, key...)})
				size += len(e.body)
			}
			return true, nil
		})
		if err == nil {
			err = s.store.write(ops...)
		}
		if err != nil {
			return events, bytes, err
		}
		events, bytes = events+len(ops), bytes+size
		if seen < chunk {
			return events, bytes, nil
		}
	}
}

// expired reports whether an archive keeps an event no longer.
func (a *archive) expired(e archivedEvent, now time.Time) bool {
	return a.RetentionDays > 0 && now.Sub(e.received) > time.Duration(a.RetentionDays)*24*time.Hour
}

// sweepEvery is how often events that are too old are dropped. A replay leaves
// them out at once.
const sweepEvery = time.Hour

// sweep drops what is too old, until the service is closed.
func (s *Service) sweep() {
	for {
		now := s.opts.Now()
		for _, a := range s.state.Load().archives {
			if a.RetentionDays == 0 {
				continue
			}
			events, bytes, err := s.dropEvents(a.id, func(e archivedEvent) bool { return a.expired(e, now) })
			if err != nil {
				s.opts.Logger.Error("old events of an archive could not be dropped", "archive", a.Name, "error", err)
			}
			a.contents.add(-events, -bytes)
		}
		s.sweepReplays(now)
		if !s.sleep(sweepEvery) {
			return
		}
	}
}

// events reads up to chunk events of an archive whose time is before end, from a
// key on.
func (s *Service) events(a *archive, from []byte, end time.Time) ([]archivedEvent, error) {
	var all []archivedEvent
	now := s.opts.Now()
	err := s.store.scan(archived, number(a.id), from, func(key, value []byte) (bool, error) {
		e, err := readArchived(key, value)
		if err != nil {
			return false, err
		}
		if !e.at.Before(end) || len(all) == chunk {
			return false, nil
		}
		if !a.expired(e, now) {
			e.key, e.body = append([]byte{}, key...), append([]byte{}, e.body...)
			all = append(all, e)
		}
		return true, nil
	})
	return all, err
}
