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

// modelMessage is all that matters of a message.
type modelMessage struct {
	body    string
	sent    time.Time
	visible time.Time
	count   int
	handle  string // of the last receive
	old     string // of the one before
	order   int    // ties between equal times are taken in the order of storing
}

// model is a queue and its dead-letter queue, done the slow and obvious way.
type model struct {
	now      time.Time
	queues   [2][]*modelMessage // 0 moves to 1
	max      int
	retain   time.Duration
	sequence int
}

func (m *model) put(queue int, mm *modelMessage) {
	m.sequence++
	mm.order = m.sequence
	m.queues[queue] = append(m.queues[queue], mm)
}

func (m *model) remove(queue int, mm *modelMessage) {
	m.queues[queue] = slices.DeleteFunc(m.queues[queue], func(o *modelMessage) bool { return o == mm })
}

func (m *model) receive(queue, n int, hide time.Duration) []string {
	candidates := slices.Clone(m.queues[queue])
	slices.SortFunc(candidates, func(a, b *modelMessage) int {
		return cmp.Or(a.visible.Compare(b.visible), cmp.Compare(a.order, b.order))
	})
	var got []string
	for _, mm := range candidates {
		switch {
		case len(got) == n || mm.visible.After(m.now):
		case m.now.Sub(mm.sent) > m.retain:
			m.remove(queue, mm)
		case queue == 0 && mm.count >= m.max:
			m.remove(0, mm)
			mm.visible, mm.handle, mm.old = m.now, "", ""
			m.put(1, mm)
		default:
			mm.count++
			mm.visible = m.now.Add(hide)
			got = append(got, fmt.Sprintf("%s/%d", mm.body, mm.count))
		}
	}
	return got
}

// The service does what the model does, whatever is done in whatever order, and
// over restarts.
func TestServiceAgreesWithModel(t *testing.T) {
	dir := t.TempDir()
	run := 0
	rapid.Check(t, func(t *rapid.T) {
		run++
		m := &model{now: time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC), max: rapid.IntRange(1, 3).Draw(t, "maxReceiveCount"), retain: 5 * time.Minute}
		o := sqs.Options{Now: func() time.Time { return m.now }, Dir: fmt.Sprint(dir, "/", run)}
		q, dead := sqs.DefaultQueue("0"), sqs.DefaultQueue("1")
		q.DeadLetterARN, q.MaxReceiveCount = prefix+"1", m.max
		q.MessageRetention, dead.MessageRetention = m.retain, m.retain
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
		which := rapid.IntRange(0, 1)
		pick := func(t *rapid.T) (int, *modelMessage) {
			queue := which.Draw(t, "queue")
			var with []*modelMessage
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
		arn := func(queue int) string { return prefix + fmt.Sprint(queue) }
		t.Repeat(map[string]func(*rapid.T){
			"send": func(t *rapid.T) {
				queue := which.Draw(t, "queue")
				delay := time.Duration(rapid.IntRange(0, 3).Draw(t, "delay")) * 20 * time.Second
				mm := &modelMessage{body: fmt.Sprint("m", m.sequence), sent: m.now, visible: m.now.Add(delay)}
				if _, err := s.Send(ctx, arn(queue), sqs.Outgoing{Body: mm.body, Delay: &delay}); err != nil {
					t.Fatal(err)
				}
				m.put(queue, mm)
			},
			"receive": func(t *rapid.T) {
				queue, n := which.Draw(t, "queue"), rapid.IntRange(1, 4).Draw(t, "max")
				hide := time.Duration(rapid.IntRange(0, 3).Draw(t, "timeout")) * 20 * time.Second
				zero := time.Duration(0)
				got, err := s.Receive(ctx, arn(queue), sqs.ReceiveOptions{Max: n, VisibilityTimeout: &hide, Wait: &zero})
				if err != nil {
					t.Fatal(err)
				}
				want := m.receive(queue, n, hide)
				// An empty look is repeated behind dropped messages, which the model
				// does in one.
				var have []string
				for _, g := range got {
					have = append(have, fmt.Sprintf("%s/%d", g.Body, g.ReceiveCount))
					for _, mm := range m.queues[queue] {
						if mm.body == g.Body {
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
				if err := s.Delete(ctx, arn(queue), handle); err != nil {
					t.Fatal(err)
				}
				if handle == mm.handle {
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
