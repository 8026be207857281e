package sqs

import (
	"errors"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"
)

// Both stores do the same.
func TestStores(t *testing.T) {
	bolt, err := openBolt(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for name, s := range map[string]store{"bolt": bolt, "memory": newMemStore()} {
		t.Run(name, func(t *testing.T) {
			k := func(s string) []byte { return []byte(s) }
			if err := s.write([]op{{messagesBucket, k("b"), k("2")}, {messagesBucket, k("a"), k("1")}, {progressBucket, k("a"), k("p")}}); err != nil {
				t.Fatal(err)
			}
			if err := s.write([]op{{messagesBucket, k("a"), nil}, {messagesBucket, k("none"), nil}, {messagesBucket, k("c"), k("3")}}); err != nil {
				t.Fatal(err)
			}
			got := ""
			if err := s.read(messagesBucket, [][]byte{k("c"), k("a"), k("b")}, func(_ int, v []byte) error { got += "[" + string(v) + "]"; return nil }); err != nil || got != "[3][][2]" {
				t.Errorf("read %s, %v", got, err)
			}
			got = ""
			if err := s.scan(messagesBucket, func(key, v []byte) error { got += string(key) + string(v); return nil }); err != nil || got != "b2c3" {
				t.Errorf("scanned %s, %v", got, err)
			}
			if err := s.close(); err != nil {
				t.Fatal(err)
			}
			if err := s.write([]op{{messagesBucket, k("a"), k("1")}}); !errors.Is(err, ErrClosed) {
				t.Errorf("a write after close: error %v", err)
			}
			if err := s.read(messagesBucket, [][]byte{k("a")}, func(int, []byte) error { return nil }); !errors.Is(err, ErrClosed) {
				t.Errorf("a read after close: error %v", err)
			}
		})
	}
}

// countingStore counts writes, and fails those with the key "bad".
type countingStore struct {
	*memStore
	writes int
}

var errBad = errors.New("bad key")

func (s *countingStore) write(ops []op) error {
	s.writes++
	for _, o := range ops {
		if string(o.key) == "bad" {
			return errBad
		}
	}
	return s.memStore.write(ops)
}

// Writes that come while another is under way are one write.
func TestCommitJoinsWrites(t *testing.T) {
	s := &countingStore{memStore: newMemStore()}
	c := committer{store: s}
	c.writing.Lock() // a write is under way
	var wait sync.WaitGroup
	for i := range 10 {
		wait.Go(func() {
			if err := c.commit(op{messagesBucket, []byte{byte(i)}, []byte("v")}); err != nil {
				t.Error(err)
			}
		})
	}
	joined := func() int {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.pending == nil {
			return 0
		}
		return len(c.pending.ops)
	}
	for joined() < 10 {
		runtime.Gosched()
	}
	c.writing.Unlock()
	wait.Wait()
	if s.writes != 1 || len(s.pairs[messagesBucket]) != 10 {
		t.Errorf("%d writes of %d keys, want 1 of 10", s.writes, len(s.pairs[messagesBucket]))
	}
	if err := c.commit(op{messagesBucket, []byte("bad"), []byte("v")}); !errors.Is(err, errBad) {
		t.Errorf("error %v, want the store's", err)
	}
}

// A receive that cannot be written takes nothing.
func TestFailedReceiveIsUndone(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	s, err := New(Options{Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	q, dead := DefaultQueue("q"), DefaultQueue("dead")
	q.DeadLetterARN, q.MaxReceiveCount, q.VisibilityTimeout = s.arn("dead"), 1, time.Second
	if err := s.Apply([]QueueConfig{q, dead}); err != nil {
		t.Fatal(err)
	}
	arn := s.arn("q")
	put := func(body string) {
		if _, err := s.Send(t.Context(), arn, Outgoing{Body: body}); err != nil {
			t.Fatal(err)
		}
	}
	put("spent")
	if m, err := s.Receive(t.Context(), arn, ReceiveOptions{}); err != nil || len(m) != 1 {
		t.Fatal(m, err)
	}
	put("fresh")
	now = now.Add(2 * time.Second)

	works := s.committer.store
	s.committer.store = failingStore{works}
	if m, err := s.Receive(t.Context(), arn, ReceiveOptions{Max: 10}); !errors.Is(err, errBad) || m != nil {
		t.Fatalf("got %v, %v", m, err)
	}
	if _, err := s.Send(t.Context(), arn, Outgoing{Body: "x"}); !errors.Is(err, errBad) {
		t.Fatalf("error %v", err)
	}
	for i, err := range s.SendAll(t.Context(), []Parcel{{arn, Outgoing{Body: "x"}}, {arn, Outgoing{Body: "y"}}}) {
		if !errors.Is(err, errBad) {
			t.Errorf("parcel %d: error %v", i, err)
		}
	}
	if visible, inFlight, _, _ := s.Counts(t.Context(), arn); visible != 2 || inFlight != 0 {
		t.Errorf("%d visible, %d in flight; want 2 and 0", visible, inFlight)
	}
	s.committer.store = works
	if m, err := s.Receive(t.Context(), arn, ReceiveOptions{Max: 10}); err != nil || len(m) != 1 || m[0].Body != "fresh" || m[0].ReceiveCount != 1 {
		t.Errorf("got %+v, %v", m, err)
	}
	if visible, _, _, _ := s.Counts(t.Context(), s.arn("dead")); visible != 1 {
		t.Errorf("%d in the dead-letter queue, want 1", visible)
	}
}

// What a FIFO queue could not write it does not remember, and its groups are as
// they were.
func TestFailedFIFOCallsAreUndone(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	s, err := New(Options{Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	q, dead := DefaultQueue("q.fifo"), DefaultQueue("dead.fifo")
	q.DeadLetterARN, q.MaxReceiveCount, q.VisibilityTimeout = s.arn("dead.fifo"), 1, time.Second
	if err := s.Apply([]QueueConfig{q, dead}); err != nil {
		t.Fatal(err)
	}
	arn := s.arn("q.fifo")
	put := func(body string) error {
		_, err := s.Send(t.Context(), arn, Outgoing{Body: body, GroupID: "g", DeduplicationID: body})
		return err
	}
	take := func() (bodies []string, err error) {
		m, err := s.Receive(t.Context(), arn, ReceiveOptions{Max: 10, AttemptID: "a"})
		for i := range m {
			bodies = append(bodies, m[i].Body)
		}
		return bodies, err
	}
	works := s.committer.store
	broken := func(f func() error) {
		t.Helper()
		s.committer.store = failingStore{works}
		if err := f(); !errors.Is(err, errBad) {
			t.Errorf("error %v", err)
		}
		s.committer.store = works
	}
	broken(func() error { return put("1") })
	for _, body := range []string{"1", "2"} {
		if err := put(body); err != nil {
			t.Fatal(err)
		}
	}
	broken(func() error { _, err := take(); return err })
	if got, err := take(); err != nil || !slices.Equal(got, []string{"1", "2"}) {
		t.Fatalf("received %q, %v", got, err)
	}
	if err := put("3"); err != nil {
		t.Fatal(err)
	}
	now = now.Add(time.Second) // 1 and 2 are spent
	broken(func() error { _, err := take(); return err })
	if got, err := take(); err != nil || !slices.Equal(got, []string{"3"}) {
		t.Errorf("received %q, %v", got, err)
	}
	if visible, _, _, _ := s.Counts(t.Context(), s.arn("dead.fifo")); visible != 2 {
		t.Errorf("%d dead letters, want 2", visible)
	}
	m, err := s.Receive(t.Context(), s.arn("dead.fifo"), ReceiveOptions{Max: 10})
	if err != nil || len(m) != 2 || m[0].Body != "1" || m[1].Body != "2" {
		t.Errorf("dead letters %+v, %v", m, err)
	}
}

type failingStore struct{ store }

func (failingStore) write([]op) error { return errBad }
