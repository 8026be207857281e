package lambda

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestParallelStream: with a factor, batches of different items are at work at the
// same time; each item's records come in order, also when batches fail; and what is
// kept is never ahead of what is done.
func TestParallelStream(t *testing.T) {
	const items, each = 7, 20
	s := &fakeStreams{}
	for i := range each {
		for k := range items {
			s.put(fmt.Sprintf("item-%d", k)) // the key; the sequence tells the order
			_ = i
		}
	}
	var mu sync.Mutex
	seen := map[string][]int{}
	handled := map[string]bool{}
	running, most, calls := 0, 0, 0
	all := make(chan struct{})
	var m *streamMapping
	invoke := func(_ context.Context, payload []byte) (Result, error) {
		var event struct {
			Records []struct {
				DynamoDB struct {
					SequenceNumber string
					Keys           struct{ ID struct{ S string } }
				}
			}
		}
		if err := json.Unmarshal(payload, &event); err != nil {
			t.Error(err)
		}
		mu.Lock()
		running++
		most = max(most, running)
		calls++
		fail := calls%5 == 0
		mu.Unlock()
		time.Sleep(time.Millisecond) // so that others can be at work, too
		mu.Lock()
		defer mu.Unlock()
		running--
		if fail {
			return Result{FunctionError: "Unhandled"}, nil
		}
		for _, r := range event.Records {
			n, err := strconv.Atoi(r.DynamoDB.SequenceNumber)
			if err != nil {
				t.Error(err)
			}
			seen[r.DynamoDB.Keys.ID.S] = append(seen[r.DynamoDB.Keys.ID.S], n)
			handled[r.DynamoDB.SequenceNumber] = true
		}
		if len(handled) == items*each {
			close(all)
		}
		return Result{}, nil
	}
	dir := t.TempDir()
	m = newStreamMapping(s, nil, &streamFunction{}, func(m *streamMapping) {
		m.cfg.ParallelizationFactor, m.cfg.BatchSize = 3, 4
		m.invoke = invoke
		m.positions = positions{dir: dir, id: "relay", source: streamARN}
	})
	r := run(t, m)
	for done := false; !done; {
		select {
		case <-all:
			done = true
		case <-time.After(20 * time.Second):
			t.Fatal("not all came")
		case <-time.After(time.Millisecond):
		}
		position, found, err := m.positions.load()
		if err != nil {
			t.Fatal(err)
		}
		if !found {
			continue
		}
		last, err := strconv.Atoi(position)
		if err != nil {
			t.Fatal(err)
		}
		mu.Lock()
		for n := firstSequence; n <= last; n++ {
			if !handled[strconv.Itoa(n)] {
				t.Errorf("the position is %d, and %d was not handled", last, n)
			}
		}
		mu.Unlock()
	}
	r.end()
	for key, sequence := range seen {
		if !slices.IsSorted(sequence) {
			t.Errorf("%s came as %v", key, sequence)
		}
	}
	if most < 2 || most > 3 {
		t.Errorf("%d batches were at work at once; want up to 3", most)
	}
	if position, _, err := m.positions.load(); err != nil || position != strconv.Itoa(firstSequence+items*each-1) {
		t.Errorf("the position is %s (%v)", position, err)
	}
}

// TestTracker: whatever ends first, the position is that of the last record before
// which everything is done.
func TestTracker(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 40).Draw(t, "records")
		records := make([]StreamRecord, n)
		for i := range records {
			records[i].SequenceNumber = strconv.Itoa(i)
		}
		k := newTracker()
		k.add(records)
		done := make([]bool, n)
		saved := -1
		for _, i := range rapid.Permutation(slices.Collect(func(yield func(int) bool) {
			for i := range n {
				if !yield(i) {
					return
				}
			}
		})).Draw(t, "order") {
			k.finish(records[i:i+1], func(position string) { saved, _ = strconv.Atoi(position) })
			done[i] = true
			want := slices.Index(done, false)
			if want < 0 {
				want = n
			}
			if saved != want-1 {
				t.Fatalf("the position is %d; want %d", saved, want-1)
			}
		}
		if len(k.waiting)+len(k.done) != 0 {
			t.Fatalf("left: %v %v", k.waiting, k.done)
		}
	})
}

// fifoQueue gives out, of each group, what comes first, and nothing while something
// of the group is in flight, as SQS does.
type fifoQueue struct {
	fakeQueues
	mu       sync.Mutex
	messages []Message
	flying   map[string]time.Time // by receipt handle
}

const fifoARN = queueARN + ".fifo"

func (q *fifoQueue) Receive(ctx context.Context, _ string, n int, _ time.Duration) ([]Message, error) {
	q.mu.Lock()
	var taken []Message
	closed := map[string]bool{}
	for _, m := range q.messages {
		if q.flying[m.ReceiptHandle].After(time.Now()) {
			closed[m.Attributes["MessageGroupId"]] = true
		}
	}
	for _, m := range q.messages {
		if len(taken) < n && !closed[m.Attributes["MessageGroupId"]] {
			q.flying[m.ReceiptHandle] = time.Now().Add(20 * time.Millisecond)
			taken = append(taken, m)
		}
	}
	q.mu.Unlock()
	if len(taken) == 0 {
		select {
		case <-time.After(time.Millisecond):
		case <-ctx.Done():
		}
	}
	return taken, nil
}

func (q *fifoQueue) Delete(_ context.Context, _ string, receipts ...string) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.messages = slices.DeleteFunc(q.messages, func(m Message) bool { return slices.Contains(receipts, m.ReceiptHandle) })
	return nil
}

// TestFIFOMapping: each group is handled in order although batches fail.
func TestFIFOMapping(t *testing.T) {
	const groups, each = 4, 25
	q := &fifoQueue{flying: map[string]time.Time{}}
	for i := range each {
		for g := range groups {
			id := fmt.Sprintf("g%d-%02d", g, i)
			q.messages = append(q.messages, Message{ID: id, ReceiptHandle: id, Body: id, Attributes: map[string]string{"MessageGroupId": fmt.Sprintf("g%d", g)}})
		}
	}
	var mu sync.Mutex
	seen := map[string][]string{}
	calls, total := 0, 0
	all := make(chan struct{})
	m := newQueueMapping(q, &fakeFunction{}, func(m *queueMapping) {
		m.queues = q
		m.cfg.SourceARN = fifoARN
		m.invoke = func(_ context.Context, payload []byte) (Result, error) {
			var event struct {
				Records []struct {
					MessageID  string
					Attributes struct{ MessageGroupID string }
				}
			}
			if err := json.Unmarshal(payload, &event); err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			if calls++; calls%4 == 0 {
				return Result{FunctionError: "Unhandled"}, nil
			}
			for _, r := range event.Records {
				g := r.Attributes.MessageGroupID
				seen[g] = append(seen[g], r.MessageID)
				total++
			}
			if total == groups*each {
				close(all)
			}
			return Result{}, nil
		}
	})
	run(t, m)
	select {
	case <-all:
	case <-time.After(20 * time.Second):
		t.Fatal("not all came")
	}
	mu.Lock()
	defer mu.Unlock()
	for g, ids := range seen {
		if !slices.IsSorted(ids) || len(ids) != each {
			t.Errorf("group %s came as %v", g, ids)
		}
	}
}

// TestFIFOSplit: when a batch is more than one event holds, what follows a failed
// message in its group waits with it.
func TestFIFOSplit(t *testing.T) {
	message := func(id, group string) Message {
		return Message{ID: id, Attributes: map[string]string{"MessageGroupId": group}}
	}
	records := []json.RawMessage{json.RawMessage("1"), json.RawMessage("2"), json.RawMessage("3")}
	left, kept, sizes := withoutGroups([]Message{message("x", "a")}, []Message{message("1", "a"), message("2", "b"), message("3", "a")}, records, []int{1, 2, 3})
	if len(left) != 1 || left[0].ID != "2" || string(kept[0]) != "2" || !slices.Equal(sizes, []int{2}) {
		t.Errorf("got %v %s %v", left, kept, sizes)
	}
}
