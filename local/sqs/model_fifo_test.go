package sqs_test

import (
	"cmp"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/vinci-go/vinci/local/sqs"
)

// fifoMessage is all that matters of a message of a FIFO queue.
type fifoMessage struct {
	modelMessage
	group string
}

// fifoModel is a FIFO queue and its dead-letter queue, done the slow and obvious
// way.
type fifoModel struct {
	now      time.Time
	queues   [2][]*fifoMessage // 0 moves to 1; in the order of storing
	max      int
	retain   time.Duration
	delay    time.Duration
	byGroup  bool // the scope of deduplication
	sequence int
	dedup    map[string]fifoDedup
	attempts map[string]fifoAttempt
}

type fifoDedup struct {
	until time.Time
	id    string
}

type fifoAttempt struct {
	until    time.Time
	messages []*fifoMessage
	was      []modelMessage
}

func (m *fifoModel) put(queue int, mm *fifoMessage) {
	m.sequence++
	mm.order = m.sequence
	m.queues[queue] = append(m.queues[queue], mm)
}

func (m *fifoModel) remove(queue int, mm *fifoMessage) {
	m.queues[queue] = slices.DeleteFunc(m.queues[queue], func(o *fifoMessage) bool { return o == mm })
}

// groups are the messages of each group in order; the group whose first message
// has been visible longest comes first.
func (m *fifoModel) groups(queue int) [][]*fifoMessage {
	var all [][]*fifoMessage
	for _, mm := range m.queues[queue] {
		i := slices.IndexFunc(all, func(g []*fifoMessage) bool { return g[0].group == mm.group })
		if i < 0 {
			all = append(all, []*fifoMessage{mm})
		} else {
			all[i] = append(all[i], mm)
		}
	}
	slices.SortFunc(all, func(a, b []*fifoMessage) int {
		return cmp.Or(a[0].visible.Compare(b[0].visible), cmp.Compare(a[0].order, b[0].order))
	})
	return all
}

func (m *fifoModel) receive(queue, n int, hide time.Duration, attempt string) []string {
	var got []*fifoMessage
	if a, ok := m.attempts[attempt]; ok && queue == 0 && m.now.Before(a.until) && m.untouched(a) {
		got = a.messages
		for _, mm := range got {
			mm.visible = m.now.Add(hide)
		}
	} else {
		for _, g := range m.groups(queue) {
			for _, mm := range g {
				if len(got) == n || mm.visible.After(m.now) {
					break // the rest of the group is behind it
				}
				switch {
				case m.now.Sub(mm.sent) > m.retain:
					m.remove(queue, mm)
				case queue == 0 && mm.count >= m.max:
					m.remove(0, mm)
					mm.sent, mm.visible, mm.handle, mm.old = m.now, m.now, "", ""
					m.put(1, mm)
				default:
					mm.count++
					mm.visible = m.now.Add(hide)
					got = append(got, mm)
				}
			}
		}
	}
	if attempt != "" && queue == 0 && len(got) > 0 {
		a := fifoAttempt{until: m.now.Add(5 * time.Minute), messages: got}
		for _, mm := range got {
			a.was = append(a.was, mm.modelMessage)
		}
		m.attempts[attempt] = a
	}
	var names []string
	for _, mm := range got {
		names = append(names, fmt.Sprintf("%s/%d", mm.body, mm.count))
	}
	return names
}

// untouched: every message of the receive is there and hidden as it was left.
func (m *fifoModel) untouched(a fifoAttempt) bool {
	for i, mm := range a.messages {
		if !slices.Contains(m.queues[0], mm) || mm.count != a.was[i].count || !mm.visible.Equal(a.was[i].visible) || !mm.visible.After(m.now) {
			return false
		}
	}
	return true
}

// A FIFO queue does what the model does, whatever is done in whatever order, and
// over restarts.
func TestFIFOAgreesWithModel(t *testing.T) {
	dir := t.TempDir()
	run := 0
	rapid.Check(t, func(t *rapid.T) {
		run++
		m := &fifoModel{now: time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC), max: rapid.IntRange(1, 3).Draw(t, "maxReceiveCount"), retain: 8 * time.Minute,
			delay: time.Duration(rapid.IntRange(0, 1).Draw(t, "delay")) * 20 * time.Second, byGroup: rapid.Bool().Draw(t, "scope"),
			dedup: map[string]fifoDedup{}, attempts: map[string]fifoAttempt{}}
		o := sqs.Options{Now: func() time.Time { return m.now }, Dir: fmt.Sprint(dir, "/", run)}
		q, dead := sqs.DefaultQueue("0.fifo"), sqs.DefaultQueue("1.fifo")
		q.DeadLetterARN, q.MaxReceiveCount, q.Delay = prefix+"1.fifo", m.max, m.delay
		q.MessageRetention, dead.MessageRetention = m.retain, m.retain
		if m.byGroup {
			q.DeduplicationScope = "messageGroup"
		}
		start := func() *sqs.Service {
			s, err := sqs.New(o)
			if err == nil {
				err = s.Apply([]sqs.QueueConfig{q, dead})
			}
			if err != nil {
				t.Fatal(err)
			}
			return s
		}
		s := start()
		defer func() { s.Close() }()
		ctx := t.Context()
		arn := func(queue int) string { return prefix + fmt.Sprint(queue) + ".fifo" }
		pick := func(t *rapid.T) (int, *fifoMessage) {
			queue := rapid.IntRange(0, 1).Draw(t, "queue")
			var with []*fifoMessage
			for _, mm := range m.queues[queue] {
				if mm.handle != "" {
					with = append(with, mm)
				}
			}
			if len(with) == 0 {
				t.Skip("nothing was received")
			}
			return queue, rapid.SampledFrom(with).Draw(t, "message")
		}
		t.Repeat(map[string]func(*rapid.T){
			"send": func(t *rapid.T) {
				mm := &fifoMessage{group: rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "group")}
				mm.body, mm.sent, mm.visible = fmt.Sprint("m", m.sequence), m.now, m.now.Add(m.delay)
				id := fmt.Sprint("d", rapid.IntRange(0, 20).Draw(t, "deduplication id"))
				got, err := s.Send(ctx, arn(0), sqs.Outgoing{Body: mm.body, GroupID: mm.group, DeduplicationID: id})
				if err != nil {
					t.Fatal(err)
				}
				if m.byGroup {
					id = mm.group + id
				}
				if known, ok := m.dedup[id]; ok && m.now.Before(known.until) {
					if got != known.id {
						t.Fatalf("a duplicate has id %s, want %s", got, known.id)
					}
					return
				}
				m.dedup[id] = fifoDedup{m.now.Add(5 * time.Minute), got}
				m.put(0, mm)
			},
			"receive": func(t *rapid.T) {
				queue, n := rapid.IntRange(0, 1).Draw(t, "queue"), rapid.IntRange(1, 4).Draw(t, "max")
				hide := time.Duration(rapid.IntRange(0, 3).Draw(t, "timeout")) * 20 * time.Second
				options := sqs.ReceiveOptions{Max: n, VisibilityTimeout: &hide, Wait: ptr(time.Duration(0))}
				if queue == 0 {
					options.AttemptID = rapid.SampledFrom([]string{"", "", "x", "y"}).Draw(t, "attempt")
				}
				got, err := s.Receive(ctx, arn(queue), options)
				if err != nil {
					t.Fatal(err)
				}
				want := m.receive(queue, n, hide, options.AttemptID)
				var have []string
				for _, g := range got {
					have = append(have, fmt.Sprintf("%s/%d", g.Body, g.ReceiveCount))
					for _, mm := range m.queues[queue] {
						if mm.body == g.Body && mm.handle != g.ReceiptHandle {
							mm.old, mm.handle = mm.handle, g.ReceiptHandle
						}
					}
				}
				if !slices.Equal(have, want) {
					t.Fatalf("received %v, want %v", have, want)
				}
			},
			"delete": func(t *rapid.T) {
				queue, mm := pick(t)
				handle := mm.handle
				if mm.old != "" && rapid.Bool().Draw(t, "old handle") {
					handle = mm.old
				}
				err := s.Delete(ctx, arn(queue), handle)
				valid := handle == mm.handle && mm.visible.After(m.now)
				if (err == nil) != valid {
					t.Fatalf("valid: %v, error %v", valid, err)
				}
				if valid {
					m.remove(queue, mm)
				}
			},
			"change": func(t *rapid.T) {
				queue, mm := pick(t)
				d := time.Duration(rapid.IntRange(0, 3).Draw(t, "timeout")) * 20 * time.Second
				err := s.ChangeVisibility(ctx, arn(queue), mm.handle, d)
				inFlight := mm.visible.After(m.now) && m.now.Sub(mm.sent) <= m.retain
				if (err == nil) != inFlight {
					t.Fatalf("in flight: %v, error %v", inFlight, err)
				}
				if inFlight {
					mm.visible = m.now.Add(d)
				}
			},
			"time": func(t *rapid.T) {
				m.now = m.now.Add(time.Duration(rapid.IntRange(1, 4).Draw(t, "step")) * 20 * time.Second)
			},
			"restart": func(t *rapid.T) {
				if err := s.Close(); err != nil {
					t.Fatal(err)
				}
				s = start()
			},
			"": func(t *rapid.T) {
				for queue := range m.queues {
					want := [3]int{}
					for _, mm := range m.queues[queue] {
						switch {
						case m.now.Sub(mm.sent) > m.retain:
						case !mm.visible.After(m.now):
							want[0]++
						case mm.count > 0:
							want[1]++
						default:
							want[2]++
						}
					}
					visible, inFlight, delayed, err := s.Counts(ctx, arn(queue))
					if got := [3]int{visible, inFlight, delayed}; err != nil || got != want {
						t.Fatalf("queue %d has %v (visible, in flight, delayed), %v; want %v", queue, got, err, want)
					}
				}
			},
		})
	})
}
