package chaos

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/vinci-go/vinci/local/lambda"
)

// memory is a queue whose messages hide for a second when they are received.
type memory struct {
	mu       sync.Mutex
	messages []*stored
	deletes  int
}

type stored struct {
	id      string
	count   int
	visible time.Time
}

func (q *memory) put(ids ...string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, id := range ids {
		q.messages = append(q.messages, &stored{id: id})
	}
}

func (q *memory) Receive(ctx context.Context, _ string, most int, wait time.Duration) ([]lambda.Message, error) {
	end := time.Now().Add(wait)
	for {
		if out := q.take(most); len(out) > 0 {
			return out, nil
		}
		if !time.Now().Before(end) {
			return nil, nil
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func (q *memory) take(most int) (out []lambda.Message) {
	q.mu.Lock()
	defer q.mu.Unlock()
	now := time.Now()
	for _, m := range q.messages {
		if len(out) < most && !m.visible.After(now) {
			m.count++
			m.visible = now.Add(time.Second)
			out = append(out, lambda.Message{ID: m.id, ReceiptHandle: fmt.Sprint(m.id, "/", m.count), Attributes: map[string]string{"ApproximateReceiveCount": strconv.Itoa(m.count)}})
		}
	}
	return out
}

func (q *memory) find(handle string) (int, bool) {
	i := slices.IndexFunc(q.messages, func(m *stored) bool { return fmt.Sprint(m.id, "/", m.count) == handle })
	return i, i >= 0
}

func (q *memory) Delete(_ context.Context, _ string, handles ...string) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, h := range handles {
		if i, ok := q.find(h); ok {
			q.messages = slices.Delete(q.messages, i, i+1)
			q.deletes++
		}
	}
	return nil
}

func (q *memory) ChangeVisibility(_ context.Context, _, handle string, d time.Duration) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	i, ok := q.find(handle)
	if !ok {
		return fmt.Errorf("handle %s is of no message in flight", handle)
	}
	q.messages[i].visible = time.Now().Add(d)
	return nil
}

func (q *memory) Send(context.Context, string, string) error { return nil }

func plan(t testing.TB, c Config) *Plan {
	t.Helper()
	p, err := New(c, Options{})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// Whatever the rates: every message is delivered, no batch holds one twice or is too
// large, and when all is deleted nothing is left.
func TestQueuesDeliverAll(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		c := Config{Seed: rapid.Uint64().Draw(rt, "seed"), Pause: time.Millisecond}
		for _, r := range []*float64{&c.Split, &c.Shuffle, &c.Duplicate, &c.Delay} {
			*r = rapid.SampledFrom([]float64{0, 0.2, 0.7, 1}).Draw(rt, "rate")
		}
		n, most := rapid.IntRange(1, 40).Draw(rt, "messages"), rapid.IntRange(1, 10).Draw(rt, "most")
		pollers := rapid.IntRange(1, 4).Draw(rt, "pollers")
		synctest.Test(t, func(t *testing.T) {
			inner := &memory{}
			q := plan(t, c).Queues(inner)
			for i := range n {
				inner.put(fmt.Sprint("m", i))
			}
			var mu sync.Mutex
			got := map[string]int{}
			ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second) // all that comes again does so within five
			defer cancel()
			var wg sync.WaitGroup
			for range pollers {
				wg.Go(func() {
					for ctx.Err() == nil {
						batch, err := q.Receive(ctx, "q", most, 20*time.Second)
						if err != nil && ctx.Err() == nil {
							t.Error(err)
						}
						if len(batch) > most {
							t.Errorf("%d messages, at most %d were asked for", len(batch), most)
						}
						seen := map[string]bool{}
						for _, m := range batch {
							if seen[m.ID] {
								t.Errorf("%s is twice in a batch", m.ID)
							}
							seen[m.ID] = true
							mu.Lock()
							got[m.ID]++
							mu.Unlock()
							if err := q.Delete(ctx, "q", m.ReceiptHandle); err != nil {
								t.Error(err)
							}
						}
					}
				})
			}
			wg.Wait()
			if len(got) != n || len(inner.messages) != 0 {
				t.Errorf("%d of %d messages were delivered, %d are left", len(got), n, len(inner.messages))
			}
			for id, times := range got {
				if times > 4 { // twice at once, for each of two receives
					t.Errorf("%s came %d times", id, times)
				}
				if c.Duplicate == 1 && times < 2 {
					t.Errorf("%s came once", id)
				}
			}
		})
	})
}

// The rest of a split batch, and a copy, go to a poller that waits already.
func TestSplitWakes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		inner := &memory{}
		q := plan(t, Config{Seed: 1, Split: 1, Pause: 1}).Queues(inner)
		began := time.Now()
		got := make(chan int)
		for range 3 {
			go func() {
				batch, err := q.Receive(t.Context(), "q", 10, 20*time.Second)
				if err != nil {
					t.Error(err)
				}
				got <- len(batch)
			}()
		}
		synctest.Wait()
		inner.put("a", "b", "c")
		if n := <-got + <-got; n != 3 {
			t.Errorf("two pollers got %d messages, want 1 and 2", n)
		}
		if d := time.Since(began); d > 100*time.Millisecond {
			t.Errorf("that took %s", d)
		}
		inner.put("d") // for the third
		<-got
	})
}

// What no poller takes in time is left to the visibility time-out.
func TestHeldMessagesAreNotKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		inner := &memory{}
		q := plan(t, Config{Seed: 1, Split: 1, Pause: 1}).Queues(inner)
		inner.put("a", "b")
		if batch, err := q.Receive(t.Context(), "q", 10, 0); err != nil || len(batch) != 1 {
			t.Fatalf("%v, %v", batch, err)
		}
		time.Sleep(heldFor + time.Second)
		batch, err := q.Receive(t.Context(), "q", 10, 0)
		if err != nil || len(batch) != 1 || batch[0].Attributes["ApproximateReceiveCount"] != "2" {
			t.Errorf("%v, %v; want a message that was received again", batch, err)
		}
	})
}

func TestMappedFIFO(t *testing.T) {
	inner := &memory{}
	q := plan(t, Config{Seed: 1, Split: 1, Shuffle: 1, Duplicate: 1, Pause: 1}).Queues(inner)
	inner.put("a", "b", "c")
	batch, err := q.Receive(t.Context(), "arn:q.fifo", 10, 0)
	var ids []string
	for _, m := range batch {
		ids = append(ids, m.ID)
		if err := q.Delete(t.Context(), "arn:q.fifo", m.ReceiptHandle); err != nil {
			t.Error(err)
		}
	}
	if strings.Join(ids, "") != "abc" || err != nil || inner.deletes != 3 {
		t.Errorf("%v, %v, %d deletes", ids, err, inner.deletes)
	}
}

// log is a stream of records.
type log []lambda.StreamRecord

func (l log) ReadStream(ctx context.Context, _, from string, most int, wait time.Duration) ([]lambda.StreamRecord, string, error) {
	at := 0
	if from != "" {
		n, err := strconv.Atoi(from)
		if err != nil {
			return nil, "", err
		}
		at = n + 1
	}
	out := l[at:min(len(l), at+most)]
	if len(out) == 0 {
		return nil, from, nil
	}
	return out, out[len(out)-1].SequenceNumber, nil
}

func (l log) LatestPosition(context.Context, string) (string, error) {
	return strconv.Itoa(len(l) - 1), nil
}

func record(n int, item string) lambda.StreamRecord {
	return lambda.StreamRecord{SequenceNumber: strconv.Itoa(n), JSON: fmt.Appendf(nil, `{"dynamodb":{"Keys":{"b":{"N":"1"},"a":{"S":%q}},"SequenceNumber":"%d"}}`, item, n)}
}

// Whatever the rates, and wherever a reader begins anew: the shards together have
// every record, each item's in their order, and a shard goes back by one batch at
// most.
func TestStreamsDeliverAll(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := Config{Seed: rapid.Uint64().Draw(t, "seed"), Pause: time.Nanosecond}
		for _, r := range []*float64{&c.Split, &c.Shuffle, &c.Duplicate, &c.Delay} {
			*r = rapid.SampledFrom([]float64{0, 0.2, 0.7, 1}).Draw(t, "rate")
		}
		p, err := New(c, Options{})
		if err != nil {
			t.Fatal(err)
		}
		var all log
		items := map[string]string{}
		for i := range rapid.IntRange(0, 300).Draw(t, "records") {
			item := fmt.Sprint("item", rapid.IntRange(0, 9).Draw(t, "item"))
			all = append(all, record(i, item))
			items[strconv.Itoa(i)] = item
		}
		most := rapid.IntRange(1, 20).Draw(t, "batch size")
		next := map[string]int{} // the newest record of an item
		seen := map[string]bool{}
		for i, s := range p.Streams(all).(lambda.ShardedStreams).Shards("t") {
			position, before := "", ""
			for {
				if rapid.IntRange(0, 9).Draw(t, "restart") == 0 { // it forgets all but its position
					s = p.Streams(all).(lambda.ShardedStreams).Shards("t")[i]
				}
				records, to, err := s.ReadStream(context.Background(), "t", position, most, 0)
				if err != nil {
					t.Fatal(err)
				}
				if len(records) == 0 {
					if to != position {
						t.Fatalf("no records, and the position goes from %q to %q", position, to)
					}
					break
				}
				if len(records) > most || records[len(records)-1].SequenceNumber != to {
					t.Fatalf("%d records of at most %d, the last is %s, the position %s", len(records), most, records[len(records)-1].SequenceNumber, to)
				}
				last := -1
				for _, r := range records {
					n, err := strconv.Atoi(r.SequenceNumber)
					if err != nil || n <= last {
						t.Fatalf("record %s after %d", r.SequenceNumber, last)
					}
					if b, err := strconv.Atoi(before); before != "" && (err != nil || n <= b) {
						t.Fatalf("record %d comes again, more than a batch behind %s", n, position)
					}
					last = n
					if !seen[r.SequenceNumber] {
						seen[r.SequenceNumber] = true
						item := items[r.SequenceNumber]
						if next[item] > n {
							t.Fatalf("record %d of %s comes after %d", n, item, next[item])
						}
						next[item] = n
					}
				}
				before, position = position, to
			}
		}
		if len(seen) != len(all) {
			t.Fatalf("%d of %d records were delivered", len(seen), len(all))
		}
	})
}

// Without Shuffle a stream has one shard, with it several that all have something.
func TestShards(t *testing.T) {
	var all log
	for i := range 100 {
		all = append(all, record(i, fmt.Sprint(i)))
	}
	for shuffle, want := range map[float64]int{0: 1, 0.8: shards} {
		for i, s := range plan(t, Config{Seed: 3, Shuffle: shuffle, Pause: 1}).Streams(all).(lambda.ShardedStreams).Shards("t") {
			if i >= want {
				t.Fatalf("%d shards, want %d", i+1, want)
			}
			if records, _, err := s.ReadStream(t.Context(), "t", "", 1000, 0); err != nil || len(records) == 0 {
				t.Errorf("shard %d of %d: %d records, %v", i, want, len(records), err)
			}
			if at, err := s.LatestPosition(t.Context(), "t"); at != "99" || err != nil {
				t.Errorf("latest is %s, %v", at, err)
			}
		}
	}
}

// A read within a batch's window never brings records of the batch again.
func TestWindowIsNotRepeated(t *testing.T) {
	var all log
	for i := range 10 {
		all = append(all, record(i, "x"))
	}
	s := plan(t, Config{Seed: 3, Duplicate: 1, Pause: 1}).Streams(all).(lambda.ShardedStreams).Shards("t")[0]
	read := func(from string, most int) string {
		records, _, err := s.ReadStream(t.Context(), "t", from, most, 0)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, r := range records {
			got = append(got, r.SequenceNumber)
		}
		return strings.Join(got, "")
	}
	if got := []string{read("", 4), read("3", 2), read("5", 4), read("7", 4)}; strings.Join(got, " ") != "0123 45 4567 6789" && strings.Join(got, " ") != "0123 45 4567 4567" {
		t.Errorf("read %q", got)
	}
}

type constant struct{}

func (constant) Invoke(context.Context, string, []byte) (lambda.Result, error) {
	return lambda.Result{RequestID: "r"}, nil
}

func TestInvoker(t *testing.T) {
	i := plan(t, Config{Seed: 1, Throttle: 0.9, Pause: 1}).Invoker(constant{})
	row, longest, throttled := 0, 0, 0
	for range 50 {
		r, err := i.Invoke(t.Context(), "f", nil)
		switch {
		case err == nil && r.RequestID == "r":
			row = 0
		case strings.Contains(fmt.Sprint(err), lambda.ErrThrottled.Error()):
			throttled++
			row++
			longest = max(longest, row)
		default:
			t.Fatal(err)
		}
	}
	if longest != 2 || throttled < 20 {
		t.Errorf("%d invocations of 50 were throttled, %d in a row", throttled, longest)
	}
}

// A nil plan changes nothing.
func TestNilPlan(t *testing.T) {
	var p *Plan
	q, s, i := &memory{}, log{}, constant{}
	if p.Queues(q) != lambda.Queues(q) || len(p.Streams(s).(log)) != 0 || p.Invoker(i) != Invoker(i) {
		t.Error("a nil plan wraps")
	}
	p.KillWith(nil)
}

func TestRecentForgetsTheOldest(t *testing.T) {
	r := newRecent[int, int](3)
	for i := range 5 {
		r.put(i, i)
		r.put(i, -i)
	}
	if _, ok := r.get(1); ok || len(r.values) != 3 || r.values[4] != -4 {
		t.Errorf("%v", r.values)
	}
	r.remove(4)
	if _, ok := r.get(4); ok {
		t.Error("a removed key is there")
	}
}
