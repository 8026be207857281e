package lambda

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"
)

// BenchmarkColdStart measures an invocation that needs a new process, and in it
// the time from the start of the process to its first poll.
func BenchmarkColdStart(b *testing.B) {
	s, _ := start(b, Options{Logs: func(LogLine) {}}, echo())
	var init time.Duration
	n := 0
	for b.Loop() {
		f := s.functions["echo"]
		b.StopTimer()
		c := f.version.cfg
		c.MemoryMB = 128 + n%2 // another configuration: the old process goes
		if err := s.Apply(b.Context(), []FunctionConfig{c}, nil); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
		result, err := s.Invoke(b.Context(), "echo", []byte(`{}`))
		if err != nil || result.FunctionError != "" {
			b.Fatal(err, string(result.Payload))
		}
		b.StopTimer()
		init += initDuration(b, result)
		n++
		b.StartTimer()
	}
	b.ReportMetric(float64(init.Microseconds())/float64(n), "µs-to-first-poll")
}

func initDuration(b *testing.B, r Result) time.Duration {
	var ms float64
	_, rest, found := cutLast(string(r.LogTail), "Init Duration: ")
	if !found {
		b.Fatalf("no init duration in %s", r.LogTail)
	}
	if _, err := fmt.Sscanf(rest, "%f ms", &ms); err != nil {
		b.Fatal(err)
	}
	return time.Duration(ms * float64(time.Millisecond))
}

func cutLast(s, sep string) (before, after string, found bool) {
	for i := len(s) - len(sep); i >= 0; i-- {
		if s[i:i+len(sep)] == sep {
			return s[:i], s[i+len(sep):], true
		}
	}
	return s, "", false
}

// BenchmarkInvoke is the overhead of an invocation of a function that does nothing.
func BenchmarkInvoke(b *testing.B) {
	s, _ := start(b, Options{Logs: func(LogLine) {}}, echo())
	for b.Loop() {
		if r, err := s.Invoke(b.Context(), "echo", []byte(`{}`)); err != nil || r.FunctionError != "" {
			b.Fatal(err, string(r.Payload))
		}
	}
}

// BenchmarkInvokeFrozen is that of one whose environment was frozen before.
func BenchmarkInvokeFrozen(b *testing.B) {
	s, _ := start(b, Options{Logs: func(LogLine) {}}, echo())
	f := s.functions["echo"]
	frozen := func() bool {
		f.mu.Lock()
		defer f.mu.Unlock()
		for e := range f.version.envs {
			return e.frozen
		}
		return false
	}
	for b.Loop() {
		if r, err := s.Invoke(b.Context(), "echo", []byte(`{}`)); err != nil || r.FunctionError != "" {
			b.Fatal(err, string(r.Payload))
		}
		b.StopTimer()
		for !frozen() {
			time.Sleep(100 * time.Microsecond)
		}
		b.StartTimer()
	}
}

func BenchmarkInvokeParallel(b *testing.B) {
	s, _ := start(b, Options{Logs: func(LogLine) {}, MaxEnvironments: 4}, echo())
	b.RunParallel(func(p *testing.PB) {
		for p.Next() {
			if r, err := s.Invoke(b.Context(), "echo", []byte(`{}`)); err != nil || r.FunctionError != "" {
				b.Error(err, string(r.Payload))
				return
			}
		}
	})
}

// benchQueue has as many messages as are wanted.
type benchQueue struct {
	left, deleted atomic.Int64
	done          chan struct{}
	total         int64
}

func (q *benchQueue) Receive(ctx context.Context, _ string, n int, _ time.Duration) ([]Message, error) {
	var batch []Message
	for range n {
		i := q.left.Add(-1)
		if i < 0 {
			break
		}
		batch = append(batch, Message{ID: fmt.Sprint(i), ReceiptHandle: fmt.Sprint(i), Body: `{"detail":{"id":"user/1@1","type":"user.created"}}`})
	}
	if len(batch) == 0 {
		<-ctx.Done()
	}
	return batch, ctx.Err()
}

func (q *benchQueue) Delete(_ context.Context, _ string, receipts ...string) error {
	if q.deleted.Add(int64(len(receipts))) == q.total {
		close(q.done)
	}
	return nil
}

func (q *benchQueue) Send(context.Context, string, string) error { return nil }

// BenchmarkQueueMapping is one message through a mapping with batches of ten:
// with a function in this process (the mapping alone) and with a real one.
func BenchmarkQueueMapping(b *testing.B) {
	mapping := MappingConfig{ID: "q", FunctionName: "echo", SourceARN: queueARN, Enabled: true, BatchSize: 10, ReportBatchItemFailures: true}
	queue := func(n int) *benchQueue {
		q := &benchQueue{done: make(chan struct{}), total: int64(n)}
		q.left.Store(int64(n))
		return q
	}
	b.Run("fake function", func(b *testing.B) {
		q := queue(b.N)
		m := &queueMapping{cfg: mapping, region: "us-east-1", queues: q, limit: func() int { return 8 }, log: slog.New(slog.DiscardHandler),
			invoke: func(context.Context, []byte) (Result, error) {
				return Result{Payload: []byte(`{"batchItemFailures":[]}`)}, nil
			}}
		ctx, cancel := context.WithCancel(context.Background())
		ended := make(chan struct{})
		go func() { defer close(ended); m.run(ctx, context.Background()) }()
		<-q.done
		cancel()
		<-ended
	})
	b.Run("real function", func(b *testing.B) {
		q := queue(b.N)
		s, _ := start(b, Options{Logs: func(LogLine) {}, Queues: q}, echo())
		if err := s.Apply(b.Context(), []FunctionConfig{echo()}, []MappingConfig{mapping}); err != nil {
			b.Fatal(err)
		}
		<-q.done
		b.StopTimer()
	})
}
