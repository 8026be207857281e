package lambda

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// fakeFunction stands for a function. It keeps the bodies of each event it got.
type fakeFunction struct {
	mu      sync.Mutex
	events  [][]string
	raw     []byte // the last event
	running int
	peak    int
	takes   time.Duration
	answer  func(bodies []string) (Result, error)
}

func (f *fakeFunction) invoke(ctx context.Context, payload []byte) (Result, error) {
	var event struct{ Records []struct{ Body string } }
	if err := json.Unmarshal(payload, &event); err != nil {
		return Result{}, err
	}
	var bodies []string
	for _, r := range event.Records {
		bodies = append(bodies, r.Body)
	}
	f.mu.Lock()
	f.events = append(f.events, bodies)
	f.raw = payload
	f.running++
	f.peak = max(f.peak, f.running)
	takes := f.takes
	f.mu.Unlock()
	defer func() {
		f.mu.Lock()
		f.running--
		f.mu.Unlock()
	}()
	select {
	case <-time.After(takes):
	case <-ctx.Done():
		return Result{}, ctx.Err()
	}
	if f.answer != nil {
		return f.answer(bodies)
	}
	return Result{Payload: []byte("null")}, nil
}

// got are the events so far, and now how many run.
func (f *fakeFunction) got() [][]string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.events)
}

func (f *fakeFunction) now() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.running
}

func newQueueMapping(q Queues, f *fakeFunction, change func(*queueMapping)) *queueMapping {
	m := &queueMapping{
		cfg:    MappingConfig{ID: "m", FunctionName: "f", SourceARN: queueARN, BatchSize: 10},
		region: "us-east-1", queues: q, invoke: f.invoke, limit: func() int { return 8 },
		log: slog.New(slog.DiscardHandler),
	}
	if change != nil {
		change(m)
	}
	return m
}

func bodies(n int) []string {
	var list []string
	for i := range n {
		list = append(list, fmt.Sprintf("%03d", i))
	}
	return list
}

func TestSQSEvent(t *testing.T) {
	text := "text"
	m := Message{
		ID: "059f36b4", ReceiptHandle: "AQEB", Body: `{"a":"<1>"}`, MD5OfBody: "e4e6", MD5OfMessageAttributes: "c5d6",
		Attributes: map[string]string{"ApproximateReceiveCount": "1", "SentTimestamp": "1545082649183"},
		MessageAttributes: map[string]MessageAttribute{
			"kind": {DataType: "String", StringValue: text},
			"raw":  {DataType: "Binary", BinaryValue: []byte{1, 2}},
		},
	}
	record, err := marshal(newSQSRecord(m, queueARN, "us-east-1"))
	if err != nil {
		t.Fatal(err)
	}
	got := eventOf([]json.RawMessage{record})
	want := `{"Records":[{"messageId":"059f36b4","receiptHandle":"AQEB","body":"{\"a\":\"<1>\"}",` +
		`"attributes":{"ApproximateReceiveCount":"1","SentTimestamp":"1545082649183"},` +
		`"messageAttributes":{"kind":{"stringValue":"text","stringListValues":[],"binaryListValues":[],"dataType":"String"},` +
		`"raw":{"binaryValue":"AQI=","stringListValues":[],"binaryListValues":[],"dataType":"Binary"}},` +
		`"md5OfMessageAttributes":"c5d6","md5OfBody":"e4e6","eventSource":"aws:sqs","eventSourceARN":"` + queueARN + `","awsRegion":"us-east-1"}]}`
	if string(got) != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// TestBatchItemFailures is the table of services-sqs-errorhandling.
func TestBatchItemFailures(t *testing.T) {
	all, none := []string{"a", "b", "c"}, []string(nil)
	for _, c := range []struct {
		name    string
		result  Result
		report  bool
		deleted []string
	}{
		{"success", Result{Payload: []byte(`{"batchItemFailures":[]}`)}, true, all},
		{"null list", Result{Payload: []byte(`{"batchItemFailures":null}`)}, true, all},
		{"empty object", Result{Payload: []byte(` {} `)}, true, all},
		{"null", Result{Payload: []byte(`null`)}, true, all},
		{"empty answer", Result{}, true, all},
		{"one failed", Result{Payload: []byte(`{"batchItemFailures":[{"itemIdentifier":"m-b"}]}`)}, true, []string{"a", "c"}},
		{"named twice", Result{Payload: []byte(`{"batchItemFailures":[{"itemIdentifier":"m-b"},{"itemIdentifier":"m-b"}]}`)}, true, []string{"a", "c"}},
		{"all failed", Result{Payload: []byte(`{"batchItemFailures":[{"itemIdentifier":"m-a"},{"itemIdentifier":"m-b"},{"itemIdentifier":"m-c"}]}`)}, true, none},
		{"unknown id", Result{Payload: []byte(`{"batchItemFailures":[{"itemIdentifier":"m-b"},{"itemIdentifier":"other"}]}`)}, true, none},
		{"empty id", Result{Payload: []byte(`{"batchItemFailures":[{"itemIdentifier":""}]}`)}, true, none},
		{"null id", Result{Payload: []byte(`{"batchItemFailures":[{"itemIdentifier":null}]}`)}, true, none},
		{"number id", Result{Payload: []byte(`{"batchItemFailures":[{"itemIdentifier":1}]}`)}, true, none},
		{"wrong key", Result{Payload: []byte(`{"batchItemFailures":[{"ItemIdentifier":"m-b"}]}`)}, true, none},
		{"null item", Result{Payload: []byte(`{"batchItemFailures":[null]}`)}, true, none},
		{"no list", Result{Payload: []byte(`{"batchItemFailures":"m-b"}`)}, true, none},
		{"no JSON", Result{Payload: []byte(`oops`)}, true, none},
		{"not asked for", Result{Payload: []byte(`{"batchItemFailures":[{"itemIdentifier":"m-b"}]}`)}, false, all},
		{"function error", Result{FunctionError: "Unhandled", Payload: []byte(`{}`)}, true, none},
		{"function error, not asked for", Result{FunctionError: "Unhandled", Payload: []byte(`null`)}, false, none},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				q := &fakeQueues{visibility: time.Hour}
				f := &fakeFunction{answer: func([]string) (Result, error) { return c.result, nil }}
				q.put("a", "b", "c")
				run(t, newQueueMapping(q, f, func(m *queueMapping) { m.cfg.ReportBatchItemFailures = c.report }))
				time.Sleep(time.Minute)
				synctest.Wait()
				if deleted, left := q.state(); !slices.Equal(deleted, c.deleted) || left != 3-len(c.deleted) {
					t.Errorf("deleted %v, %d left; want %v", deleted, left, c.deleted)
				}
				if len(f.got()) != 1 {
					t.Errorf("events: %v", f.got())
				}
			})
		})
	}
}

func TestFailedMessagesComeBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := &fakeQueues{visibility: 30 * time.Second}
		tries := 0
		f := &fakeFunction{answer: func(bodies []string) (Result, error) {
			if tries++; tries < 3 {
				return Result{FunctionError: "Unhandled"}, nil
			}
			return Result{}, nil
		}}
		q.put("a")
		run(t, newQueueMapping(q, f, nil))
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		if deleted, _ := q.state(); len(deleted) != 1 || tries != 3 {
			t.Errorf("deleted %v after %d tries", deleted, tries)
		}
	})
}

func TestWindowGathers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := &fakeQueues{visibility: time.Hour}
		f := &fakeFunction{}
		run(t, newQueueMapping(q, f, func(m *queueMapping) {
			m.cfg.BatchSize, m.cfg.Window = 25, 5*time.Second
			m.limit = func() int { return 1 }
		}))
		all := bodies(32)
		q.put(all[:12]...)
		time.Sleep(3 * time.Second)
		synctest.Wait()
		q.put(all[12:20]...)
		synctest.Wait()
		if len(f.got()) != 0 {
			t.Fatalf("the window is open and there is an event of %d", len(f.got()[0]))
		}
		time.Sleep(3 * time.Second) // the window ends 5 s after the first
		if len(f.got()) != 1 || len(f.got()[0]) != 20 {
			t.Fatalf("events: %v", f.got())
		}
		q.put(append(bodies(32)[20:], "x", "y", "z", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10")...) // 25 in all
		synctest.Wait()
		if len(f.got()) != 2 || len(f.got()[1]) != 25 {
			t.Fatalf("a full batch should go at once: %d events, %d", len(f.got()), len(f.got()[len(f.got())-1]))
		}
	})
}

func TestWindowEndsWithStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := &fakeQueues{visibility: time.Hour}
		f := &fakeFunction{}
		m := run(t, newQueueMapping(q, f, func(m *queueMapping) {
			m.cfg.BatchSize, m.cfg.Window = 100, 300*time.Second
			m.limit = func() int { return 1 }
		}))
		q.put("a", "b")
		synctest.Wait()
		m.end()
		if deleted, _ := q.state(); len(deleted) != 2 {
			t.Errorf("what was gathered was not handled: %v", deleted)
		}
	})
}

func TestQueueFilters(t *testing.T) {
	for _, c := range []struct {
		pattern string
		invoked []string
	}{
		{`{"body":{"kind":["x"]}}`, []string{`{"kind":"x"}`}},
		{`{"body":["plain"]}`, []string{`plain`}},
		{`{"body":[{"prefix":"p"}]}`, []string{`plain`}},
		{`{"messageId":[{"prefix":"m-{"}]}`, []string{`{"kind":"x"}`, `{"kind":"y"}`}},
	} {
		t.Run(c.pattern, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				fs, err := compileFilters([]string{c.pattern})
				if err != nil {
					t.Fatal(err)
				}
				q := &fakeQueues{visibility: time.Hour}
				f := &fakeFunction{}
				q.put(`{"kind":"x"}`, `{"kind":"y"}`, `plain`, `{broken`)
				if c.pattern == `{"messageId":[{"prefix":"m-{"}]}` {
					c.invoked = append(c.invoked, `{broken`)
				}
				run(t, newQueueMapping(q, f, func(m *queueMapping) { m.filters = fs }))
				synctest.Wait()
				if len(f.got()) != 1 || !slices.Equal(f.got()[0], c.invoked) {
					t.Errorf("events: %v", f.got())
				}
				if _, left := q.state(); left != 0 {
					t.Errorf("%d left: what does not match is deleted", left)
				}
			})
		})
	}
}

func TestLargeBatchIsSplit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := &fakeQueues{visibility: time.Hour}
		f := &fakeFunction{}
		const megabyte = 1 << 20
		for i := range 10 {
			q.put(strings.Repeat(string(rune('a'+i)), megabyte))
		}
		run(t, newQueueMapping(q, f, func(m *queueMapping) { m.limit = func() int { return 1 } }))
		synctest.Wait()
		if deleted, left := q.state(); len(deleted) != 10 || left != 0 {
			t.Errorf("%d deleted, %d left", len(deleted), left)
		}
		if len(f.got()) != 2 || len(f.got()[0]) != 5 || len(f.raw) > MaxPayload {
			t.Errorf("%d events, the first of %d", len(f.got()), len(f.got()[0]))
		}
	})
}

func TestPollersGrowAndShrink(t *testing.T) {
	for _, c := range []struct {
		limit, maxConcurrency, first, peak int
	}{
		{limit: 8, first: 5, peak: 8},
		{limit: 50, maxConcurrency: 7, first: 5, peak: 7},
		{limit: 50, maxConcurrency: 2, first: 2, peak: 2},
		{limit: 1, first: 1, peak: 1},
		{limit: 0, first: 1, peak: 1},
	} {
		t.Run(fmt.Sprintf("%+v", c), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				q := &fakeQueues{visibility: time.Hour}
				f := &fakeFunction{takes: time.Second}
				q.put(bodies(500)...)
				m := newQueueMapping(q, f, func(m *queueMapping) {
					m.limit = func() int { return c.limit }
					m.cfg.MaxConcurrency = c.maxConcurrency
				})
				run(t, m)
				synctest.Wait()
				if f.now() > c.first+1 || f.now() < c.first {
					t.Errorf("%d at the start; want %d", f.now(), c.first)
				}
				time.Sleep(10 * time.Minute)
				synctest.Wait()
				if deleted, left := q.state(); len(deleted) != 500 || left != 0 {
					t.Errorf("%d handled, %d left", len(deleted), left)
				}
				if f.peak != c.peak {
					t.Errorf("peak is %d; want %d", f.peak, c.peak)
				}
				m.mu.Lock()
				defer m.mu.Unlock()
				if m.pollers != c.first || m.busy != 0 {
					t.Errorf("in the end there are %d pollers, %d busy; want %d", m.pollers, m.busy, c.first)
				}
			})
		})
	}
}

func TestQueueStopFinishesBatches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := &fakeQueues{visibility: time.Hour}
		f := &fakeFunction{takes: 10 * time.Second}
		q.put("a", "b")
		m := run(t, newQueueMapping(q, f, nil))
		time.Sleep(5 * time.Second)
		synctest.Wait()
		m.stop()
		q.put("later")
		began := time.Now()
		<-m.done
		if took := time.Since(began); took != 5*time.Second {
			t.Errorf("stop took %s", took)
		}
		if deleted, left := q.state(); len(deleted) != 2 || left != 1 {
			t.Errorf("deleted %v, %d left", deleted, left)
		}
	})
}

func TestQueueCut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := &fakeQueues{visibility: time.Hour}
		f := &fakeFunction{takes: time.Hour}
		q.put("a")
		m := run(t, newQueueMapping(q, f, nil))
		synctest.Wait()
		m.stop()
		m.cut()
		<-m.done
		if deleted, left := q.state(); len(deleted) != 0 || left != 1 {
			t.Errorf("deleted %v, %d left: an unfinished message must stay", deleted, left)
		}
	})
}

func TestQueueTroubles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log strings.Builder
		q := &fakeQueues{visibility: 10 * time.Second}
		calls := 0
		f := &fakeFunction{answer: func([]string) (Result, error) {
			if calls++; calls <= 2 {
				return Result{}, ErrThrottled
			}
			return Result{}, nil
		}}
		q.fail(errors.New("QueueDoesNotExist"), nil)
		run(t, newQueueMapping(q, f, func(m *queueMapping) {
			m.limit = func() int { return 1 }
			m.log = slog.New(slog.NewTextHandler(&log, nil))
		}))
		time.Sleep(time.Hour)
		synctest.Wait()
		q.mu.Lock()
		if receives := q.receives; receives > 500 {
			t.Errorf("%d receives in an hour of errors", receives)
		}
		q.mu.Unlock()
		if n := strings.Count(log.String(), "QueueDoesNotExist"); n != 1 {
			t.Errorf("the error was logged %d times", n)
		}
		q.fail(nil, nil)
		q.put("a")
		time.Sleep(time.Minute)
		synctest.Wait()
		if deleted, left := q.state(); len(deleted) != 1 || left != 0 || calls != 3 {
			t.Errorf("deleted %v, %d left, %d calls", deleted, left, calls)
		}
	})
}
