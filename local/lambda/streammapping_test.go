package lambda

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

// streamFunction is a fake function that fails for poison.
type streamFunction struct {
	mu     sync.Mutex
	events [][]string // what it got, by the keys of the records
	poison map[string]bool
	report bool  // says which, instead of failing as a whole
	err    error // instead of running
	takes  time.Duration
}

func (f *streamFunction) invoke(ctx context.Context, payload []byte) (Result, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.err != nil {
		return Result{}, f.err
	}
	var event struct {
		Records []struct {
			Dynamodb struct {
				SequenceNumber string
				Keys           struct{ ID struct{ S string } }
			}
		}
	}
	if err := json.Unmarshal(payload, &event); err != nil {
		return Result{}, err
	}
	var keys, failures []string
	for _, r := range event.Records {
		keys = append(keys, r.Dynamodb.Keys.ID.S)
		if f.poison[r.Dynamodb.Keys.ID.S] {
			failures = append(failures, fmt.Sprintf(`{"itemIdentifier":%q}`, r.Dynamodb.SequenceNumber))
		}
	}
	slices.Reverse(failures) // the lowest counts, wherever it is
	f.events = append(f.events, keys)
	time.Sleep(f.takes)
	if f.report {
		return Result{RequestID: "r-" + strconv.Itoa(len(f.events)), Payload: []byte(`{"batchItemFailures":[` + strings.Join(failures, ",") + `]}`)}, nil
	}
	if len(failures) > 0 {
		return Result{RequestID: "r-" + strconv.Itoa(len(f.events)), FunctionError: "Unhandled"}, nil
	}
	return Result{Payload: []byte("null")}, nil
}

// got are the events so far, each as one word.
func (f *streamFunction) got() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var words []string
	for _, e := range f.events {
		words = append(words, strings.Join(e, ""))
	}
	return words
}

// set changes what the function does.
func (f *streamFunction) set(change func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change()
}

func newStreamMapping(s Streams, q Queues, f *streamFunction, change func(*streamMapping)) *streamMapping {
	m := &streamMapping{
		cfg: MappingConfig{ID: "relay", FunctionName: "f", SourceARN: streamARN, BatchSize: 10,
			StartingPosition: TrimHorizon, ReportBatchItemFailures: f.report},
		table: "events", streams: s, queues: q, invoke: f.invoke,
		functionARN: func() string { return "arn:aws:lambda:us-east-1:000000000000:function:f" },
		positions:   positions{id: "relay", source: streamARN},
		now:         time.Now, newID: func() string { return "id" },
		log: slog.New(slog.DiscardHandler),
	}
	if change != nil {
		change(m)
	}
	return m
}

func expectEvents(t *testing.T, f *streamFunction, want ...string) {
	t.Helper()
	synctest.Wait() // until the mapping has done what it can at this moment
	if got := f.got(); !slices.Equal(got, want) {
		t.Errorf("events %v; want %v", got, want)
	}
}

func letters(s string) []string { return strings.Split(s, "") }

func TestStreamInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, f := &fakeStreams{}, &streamFunction{}
		run(t, newStreamMapping(s, nil, f, func(m *streamMapping) { m.cfg.BatchSize = 3 }))
		s.put(letters("abcdefg")...)
		synctest.Wait()
		s.put("h")
		synctest.Wait()
		expectEvents(t, f, "abc", "def", "g", "h")
	})
}

func TestStreamWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, f := &fakeStreams{}, &streamFunction{}
		run(t, newStreamMapping(s, nil, f, func(m *streamMapping) { m.cfg.Window = 5 * time.Second; m.cfg.BatchSize = 4 }))
		s.put("a")
		time.Sleep(3 * time.Second)
		synctest.Wait()
		s.put("b")
		time.Sleep(3 * time.Second)
		synctest.Wait()
		s.put(letters("cdef")...)
		synctest.Wait()
		expectEvents(t, f, "ab", "cdef")
	})
}

func TestStreamResumes(t *testing.T) {
	dir := t.TempDir()
	in := func(m *streamMapping) { m.positions.dir = dir; m.cfg.BatchSize = 2 }
	synctest.Test(t, func(t *testing.T) {
		s, f := &fakeStreams{}, &streamFunction{}
		s.put(letters("abc")...)
		m := run(t, newStreamMapping(s, nil, f, in))
		synctest.Wait()
		m.end()
		s.put(letters("de")...)
		run(t, newStreamMapping(s, nil, f, in))
		synctest.Wait()
		expectEvents(t, f, "ab", "c", "de")

		// The position of another stream is not this one's.
		f2 := &streamFunction{}
		run(t, newStreamMapping(s, nil, f2, func(m *streamMapping) { in(m); m.positions.source += "x" }))
		synctest.Wait()
		expectEvents(t, f2, "ab", "cd", "e")
	})
}

func TestStreamStopInTheMiddle(t *testing.T) {
	dir := t.TempDir()
	in := func(m *streamMapping) { m.positions.dir = dir; m.cfg.BatchSize = 2 }
	synctest.Test(t, func(t *testing.T) {
		s, f := &fakeStreams{}, &streamFunction{takes: 10 * time.Second, poison: map[string]bool{"c": true}}
		s.put(letters("abcd")...)
		m := run(t, newStreamMapping(s, nil, f, in))
		time.Sleep(5 * time.Second)
		synctest.Wait()
		m.end() // lets ab finish
		expectEvents(t, f, "ab")
		m = run(t, newStreamMapping(s, nil, f, in))
		time.Sleep(time.Minute)
		synctest.Wait()
		m.end() // in the middle of retries
		tries := len(f.got())
		f.set(func() { f.poison = nil })
		run(t, newStreamMapping(s, nil, f, in))
		time.Sleep(time.Minute)
		synctest.Wait()
		if got := f.got()[tries:]; !slices.Equal(got, []string{"cd"}) {
			t.Errorf("after the restart: %v", got)
		}
	})
}

func TestStreamLatest(t *testing.T) {
	dir := t.TempDir()
	in := func(m *streamMapping) { m.positions.dir = dir; m.cfg.StartingPosition = Latest }
	synctest.Test(t, func(t *testing.T) {
		s, f := &fakeStreams{err: errors.New("no such table")}, &streamFunction{}
		s.put("a")
		m := run(t, newStreamMapping(s, nil, f, in))
		time.Sleep(time.Minute)
		synctest.Wait()
		s.mu.Lock()
		s.err = nil
		s.mu.Unlock()
		time.Sleep(time.Minute)
		synctest.Wait()
		m.end()
		s.put("b") // after it began, though nobody was reading
		run(t, newStreamMapping(s, nil, f, in))
		synctest.Wait()
		expectEvents(t, f, "b")
	})
}

func TestStreamUnreadablePosition(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, f := &fakeStreams{}, &streamFunction{}
		s.put(letters("ab")...)
		m := newStreamMapping(s, nil, f, func(m *streamMapping) {
			m.positions.dir = t.TempDir()
			m.cfg.StartingPosition = Latest
		})
		if err := m.positions.save("101"); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(m.positions.file(), []byte(`{"sou`), 0o600); err != nil {
			t.Fatal(err)
		}
		run(t, m)
		synctest.Wait()
		expectEvents(t, f, "ab") // again rather than never
	})
}

func TestStreamRetries(t *testing.T) {
	two := 2
	for _, c := range []struct {
		name    string
		report  bool
		bisect  bool
		retries *int
		poison  string
		events  []string
		dead    []string // start, end, count of invokes
	}{
		{name: "whole batch", retries: &two, poison: "c", events: []string{"abcd", "abcd", "abcd", "e"}, dead: []string{"100-103 4 x3"}},
		{name: "bisect", bisect: true, retries: &two, poison: "c",
			events: []string{"abcd", "ab", "cd", "c", "c", "c", "d", "e"}, dead: []string{"102-102 1 x5"}},
		{name: "reported", report: true, retries: &two, poison: "c",
			events: []string{"abcd", "cd", "cd", "e"}, dead: []string{"102-103 2 x3"}},
		{name: "reported and bisect", report: true, bisect: true, retries: &two, poison: "c",
			events: []string{"abcd", "cd", "c", "c", "c", "d", "e"}, dead: []string{"102-102 1 x5"}},
		{name: "no retries", retries: new(int), poison: "a", events: []string{"abcd", "e"}, dead: []string{"100-103 4 x1"}},
		{name: "nothing fails", bisect: true, report: true, events: []string{"abcd", "e"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, q := &fakeStreams{}, &fakeQueues{}
				f := &streamFunction{report: c.report, poison: map[string]bool{c.poison: true}}
				s.put(letters("abcde")...)
				m := newStreamMapping(s, q, f, func(m *streamMapping) {
					m.cfg.BatchSize, m.cfg.BisectOnError, m.cfg.MaxRetries, m.cfg.OnFailureARN = 4, c.bisect, c.retries, deadARN
				})
				run(t, m)
				time.Sleep(time.Hour)
				synctest.Wait()
				expectEvents(t, f, c.events...)
				var dead []string
				for _, body := range q.sentBodies() {
					d := deadRecord(t, body)
					dead = append(dead, fmt.Sprintf("%s-%s %d x%d", d.DDBStreamBatchInfo.StartSequenceNumber,
						d.DDBStreamBatchInfo.EndSequenceNumber, d.DDBStreamBatchInfo.BatchSize, d.RequestContext.ApproximateInvokeCount))
				}
				if !slices.Equal(dead, c.dead) {
					t.Errorf("dead %v; want %v", dead, c.dead)
				}
			})
		})
	}
}

type deadLetter struct {
	RequestContext struct {
		Condition              string
		ApproximateInvokeCount int
	}
	DDBStreamBatchInfo struct {
		StartSequenceNumber, EndSequenceNumber string
		BatchSize                              int
	}
}

func deadRecord(t *testing.T, body string) (d deadLetter) {
	t.Helper()
	if err := json.Unmarshal([]byte(body), &d); err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	return d
}

func TestStreamFailureRecord(t *testing.T) {
	at := time.Date(2019, 11, 14, 0, 13, 19, 500_000_000, time.UTC)
	m := newStreamMapping(nil, nil, &streamFunction{}, func(m *streamMapping) {
		m.now = func() time.Time { return time.Date(2019, 11, 14, 0, 13, 49, 717_000_000, time.UTC) }
	})
	records := []StreamRecord{{SequenceNumber: "800", CreatedAt: at}, {SequenceNumber: "801", CreatedAt: at.Add(time.Second)}}
	got := m.failureRecord(&streamBatch{invokes: 3, last: &Result{RequestID: "316aa6d0", FunctionError: "Unhandled"}}, records, "RetryAttemptsExhausted")
	want := `{"requestContext":{"requestId":"316aa6d0","functionArn":"arn:aws:lambda:us-east-1:000000000000:function:f",` +
		`"condition":"RetryAttemptsExhausted","approximateInvokeCount":3},` +
		`"responseContext":{"statusCode":200,"executedVersion":"$LATEST","functionError":"Unhandled"},` +
		`"version":"1.0","timestamp":"2019-11-14T00:13:49.717Z","DDBStreamBatchInfo":{"shardId":"` + shardID + `",` +
		`"startSequenceNumber":"800","endSequenceNumber":"801",` +
		`"approximateArrivalOfFirstRecord":"2019-11-14T00:13:19Z","approximateArrivalOfLastRecord":"2019-11-14T00:13:20Z",` +
		`"batchSize":2,"streamArn":"` + streamARN + `"}}`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	// Never invoked: there is no response, and the request id is a new one.
	if got := m.failureRecord(&streamBatch{}, records, "RecordAgeExceeded"); strings.Contains(got, "responseContext") || !strings.Contains(got, `"requestId":"id"`) {
		t.Errorf("got %s", got)
	}
}

func TestStreamRecordAge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, q := &fakeStreams{}, &fakeQueues{}
		f := &streamFunction{err: ErrThrottled} // does not run, which costs no retry
		s.put(letters("ab")...)
		run(t, newStreamMapping(s, q, f, func(m *streamMapping) {
			m.cfg.MaxRetries, m.cfg.MaxRecordAge, m.cfg.OnFailureARN = new(int), 10*time.Minute, deadARN
		}))
		time.Sleep(8 * time.Minute)
		synctest.Wait()
		s.put(letters("c")...)
		if len(q.sentBodies()) != 0 {
			t.Fatalf("discarded early: %v", q.sentBodies())
		}
		time.Sleep(4 * time.Minute)
		synctest.Wait()
		if len(q.sentBodies()) != 1 {
			t.Fatalf("dead: %v", q.sentBodies())
		}
		d := deadRecord(t, q.sentBodies()[0])
		if d.RequestContext.Condition != "RecordAgeExceeded" || d.DDBStreamBatchInfo.EndSequenceNumber != "101" || d.RequestContext.ApproximateInvokeCount != 0 {
			t.Errorf("got %s", q.sentBodies()[0])
		}
		f.set(func() { f.err = nil })
		time.Sleep(time.Minute)
		synctest.Wait()
		expectEvents(t, f, "c")
	})
}

func TestStreamFailureDestinationDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		s, q := &fakeStreams{}, &fakeQueues{}
		f := &streamFunction{poison: map[string]bool{"a": true}}
		q.fail(nil, errors.New("down"))
		s.put(letters("ab")...)
		in := func(m *streamMapping) {
			m.cfg.BatchSize, m.cfg.MaxRetries, m.cfg.OnFailureARN, m.positions.dir = 1, new(int), deadARN, dir
		}
		m := run(t, newStreamMapping(s, q, f, in))
		time.Sleep(time.Minute)
		synctest.Wait()
		expectEvents(t, f, "a") // b waits: the word of a must not be lost
		m.end()
		q.fail(nil, nil)
		run(t, newStreamMapping(s, q, f, in))
		time.Sleep(time.Minute)
		synctest.Wait()
		expectEvents(t, f, "a", "a", "b")
		if len(q.sentBodies()) != 1 {
			t.Errorf("dead: %v", q.sentBodies())
		}
	})
}

func TestStreamFilters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fs, err := compileFilters([]string{`{"dynamodb":{"Keys":{"id":{"S":["b"]}}}}`, `{"dynamodb":{"Keys":{"id":{"S":["d"]}}},"eventName":["INSERT"]}`})
		if err != nil {
			t.Fatal(err)
		}
		dir := t.TempDir()
		s, f := &fakeStreams{}, &streamFunction{}
		s.put(letters("abcde")...)
		in := func(m *streamMapping) { m.filters, m.positions.dir = fs, dir }
		m := run(t, newStreamMapping(s, nil, f, in))
		synctest.Wait()
		m.end()
		run(t, newStreamMapping(s, nil, f, in))
		synctest.Wait()
		expectEvents(t, f, "bd")
	})
}

func TestStreamEventSize(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, f := &fakeStreams{}, &streamFunction{}
		var keys []string
		for i := range 20 {
			keys = append(keys, strings.Repeat(string(rune('a'+i)), 400*1024))
		}
		s.put(keys...)
		run(t, newStreamMapping(s, nil, f, func(m *streamMapping) { m.cfg.BatchSize = 100 }))
		synctest.Wait()
		if len(f.got()) != 2 || len(f.events[0])+len(f.events[1]) != 20 {
			t.Errorf("%d events", len(f.got()))
		}
	})
}

// TestStreamProperties: whatever is poison, and whatever the settings, each
// healthy record is handled, in order, unless it was discarded with poison; all
// poison is discarded; and with bisection nothing healthy is.
func TestStreamProperties(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		n := rapid.IntRange(1, 30).Draw(rt, "records")
		size := rapid.IntRange(1, 12).Draw(rt, "batch size")
		poisoned := rapid.SliceOfN(rapid.Bool(), n, n).Draw(rt, "poison")
		report := rapid.Bool().Draw(rt, "report")
		bisect := rapid.Bool().Draw(rt, "bisect")
		retries := rapid.IntRange(0, 3).Draw(rt, "retries")

		var trouble []string
		synctest.Test(t, func(t *testing.T) {
			s, q := &fakeStreams{}, &fakeQueues{}
			f := &streamFunction{report: report, poison: map[string]bool{}}
			var keys []string
			for i, bad := range poisoned {
				key := fmt.Sprintf("%02d", i)
				keys = append(keys, key)
				f.poison[key] = bad
			}
			s.put(keys...)
			m := newStreamMapping(s, q, f, func(m *streamMapping) {
				m.cfg.BatchSize, m.cfg.BisectOnError, m.cfg.MaxRetries, m.cfg.OnFailureARN = size, bisect, &retries, deadARN
			})
			r := run(t, m)
			time.Sleep(time.Hour)
			synctest.Wait()
			r.end()
			if want := strconv.Itoa(firstSequence + n - 1); m.position != want {
				trouble = append(trouble, "the position is "+m.position+", not "+want)
			}
			discarded := map[string]bool{}
			for _, body := range q.sentBodies() {
				d := deadRecord(t, body)
				from, _ := strconv.Atoi(d.DDBStreamBatchInfo.StartSequenceNumber)
				to, _ := strconv.Atoi(d.DDBStreamBatchInfo.EndSequenceNumber)
				for i := from; i <= to; i++ {
					key := keys[i-firstSequence]
					if discarded[key] {
						trouble = append(trouble, key+" was discarded twice")
					}
					discarded[key] = true
				}
			}
			seen := map[string]bool{}
			last := ""
			for _, event := range f.events {
				for _, key := range event {
					if !seen[key] && key < last {
						trouble = append(trouble, key+" came first after "+last)
					}
					seen[key] = true
					last = max(last, key)
				}
			}
			for _, key := range keys {
				switch {
				case !seen[key]:
					trouble = append(trouble, key+" never came")
				case f.poison[key] && !discarded[key]:
					trouble = append(trouble, key+" failed and was not discarded")
				case bisect && !f.poison[key] && discarded[key]:
					trouble = append(trouble, key+" is healthy and was discarded")
				}
			}
		})
		if len(trouble) > 0 {
			rt.Fatal(strings.Join(trouble, "\n"))
		}
	})
}
