package lambda

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// left waits until the queue has n messages.
func (q *fakeQueues) left(t testing.TB, n int) {
	t.Helper()
	deadline := time.After(20 * time.Second)
	for {
		q.mu.Lock()
		got, changed := len(q.messages), q.changed.wait()
		q.mu.Unlock()
		if got == n {
			return
		}
		select {
		case <-changed:
		case <-deadline:
			t.Fatalf("%d messages left; want %d", got, n)
		}
	}
}

func waitFile(t *testing.T, name string) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(time.Millisecond) {
		if _, err := os.Stat(name); err == nil {
			return
		} else if time.Now().After(end) {
			t.Fatal(err)
		}
	}
}

// TestMappings runs both kinds of sources with a real function.
func TestMappings(t *testing.T) {
	q, streams := &fakeQueues{visibility: time.Hour}, &fakeStreams{}
	dir := t.TempDir()
	s, logs := start(t, Options{Queues: q, Streams: streams, StateDir: dir})
	functions := []FunctionConfig{echo()}
	mappings := []MappingConfig{
		{ID: "queue", FunctionName: "echo", SourceARN: queueARN, Enabled: true, ReportBatchItemFailures: true},
		{ID: "stream", FunctionName: "echo", SourceARN: streamARN, Enabled: true, StartingPosition: TrimHorizon},
	}
	apply := func() {
		t.Helper()
		if err := s.Apply(t.Context(), functions, mappings); err != nil {
			t.Fatal(err)
		}
	}
	apply()
	q.put("a", "b", "c")
	q.left(t, 0)
	streams.put("x")
	logs.wait(t, "REPORT", 2)
	position := filepath.Join(dir, "positions", "73747265616d.json")
	waitFile(t, position)

	// Unchanged mappings go on as they are.
	before := s.mappings["queue"]
	functions[0].Env = map[string]string{"V": "2"}
	apply()
	if s.mappings["queue"] != before {
		t.Error("a new version of the function replaced its mapping")
	}
	q.put("d")
	q.left(t, 0)

	// A disabled one stops; a changed one goes on with the changed settings.
	mappings[0].Enabled = false
	apply()
	<-before.done
	q.put("e")
	mappings[0].Enabled, mappings[0].BatchSize = true, 1
	apply()
	q.left(t, 0)

	// After a restart the stream goes on where it was: at the record y.
	if err := s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	streams.put("y")
	again, logs := start(t, Options{Queues: q, Streams: streams, StateDir: dir})
	mappings = mappings[1:]
	functions[0].Env = nil
	if err := again.Apply(t.Context(), functions, mappings); err != nil {
		t.Fatal(err)
	}
	logs.wait(t, "REPORT", 1)
	if err := again.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(logs.all(), "REPORT"); n != 1 {
		t.Errorf("%d invocations after the restart; want 1", n)
	}
}

// TestMappingReplacedUnderLoad changes a mapping and its function again and
// again: no message is lost, and none is handled twice.
func TestMappingReplacedUnderLoad(t *testing.T) {
	q := &fakeQueues{visibility: time.Hour}
	s, _ := start(t, Options{Queues: q})
	for i := range 10 {
		for n := range 20 {
			q.put(fmt.Sprintf("%d-%d", i, n))
		}
		c := echo(env("V", fmt.Sprint(i)))
		m := MappingConfig{ID: "queue", FunctionName: "echo", SourceARN: queueARN, Enabled: true, BatchSize: 1 + i%5}
		if err := s.Apply(t.Context(), []FunctionConfig{c}, []MappingConfig{m}); err != nil {
			t.Fatal(err)
		}
	}
	q.left(t, 0)
	if deleted, _ := q.state(); len(deleted) != 200 {
		t.Errorf("%d handled; want 200", len(deleted))
	}
}

// TestCloseWithBatches: Close lets batches finish while it may, and then leaves
// their messages in the queue.
func TestCloseWithBatches(t *testing.T) {
	q := &fakeQueues{visibility: time.Hour}
	s, logs := start(t, Options{Queues: q}, echo())
	c := echo(env("HANG", "1"))
	m := MappingConfig{ID: "queue", FunctionName: "echo", SourceARN: queueARN, Enabled: true}
	if err := s.Apply(t.Context(), []FunctionConfig{c}, []MappingConfig{m}); err != nil {
		t.Fatal(err)
	}
	q.put("a")
	logs.wait(t, "hanging", 1)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := s.Close(ctx); !errors.Is(err, ErrInterrupted) {
		t.Errorf("got %v", err)
	}
	if deleted, left := q.state(); len(deleted) != 0 || left != 1 {
		t.Errorf("deleted %v, %d left", deleted, left)
	}
}
