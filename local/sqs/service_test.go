package sqs_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vinci-go/vinci/local/gateway"
	"github.com/vinci-go/vinci/local/sqs"
)

const prefix = "arn:aws:sqs:us-east-1:000000000000:"

func open(t testing.TB, o sqs.Options, configs ...sqs.QueueConfig) *sqs.Service {
	t.Helper()
	s, err := sqs.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := s.Apply(configs); err != nil {
		t.Fatal(err)
	}
	return s
}

func send(t testing.TB, s *sqs.Service, queue string, m sqs.Outgoing) string {
	t.Helper()
	id, err := s.Send(t.Context(), prefix+queue, m)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func receive(t testing.TB, s *sqs.Service, queue string, o sqs.ReceiveOptions) []sqs.Message {
	t.Helper()
	m, err := s.Receive(t.Context(), prefix+queue, o)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func bodies(messages []sqs.Message) []string {
	var all []string
	for _, m := range messages {
		all = append(all, m.Body)
	}
	return all
}

func code(err error) string {
	var e *gateway.Error
	if errors.As(err, &e) {
		return e.Code
	}
	return fmt.Sprint(err)
}

func ptr[T any](v T) *T { return &v }

func TestReceiveHidesUntilTheTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := sqs.DefaultQueue("q")
		s := open(t, sqs.Options{}, q)
		start := time.Now()
		id := send(t, s, "q", sqs.Outgoing{Body: "a", SenderID: "me", TraceHeader: "Root=1", GroupID: "g",
			Attributes: map[string]sqs.Attribute{"n": {DataType: "Number", StringValue: "1"}}})
		time.Sleep(time.Second)
		m := receive(t, s, "q", sqs.ReceiveOptions{})
		if len(m) != 1 || m[0].ID != id || m[0].Body != "a" || m[0].ReceiveCount != 1 || m[0].SenderID != "me" ||
			m[0].TraceHeader != "Root=1" || m[0].GroupID != "g" || m[0].Attributes["n"].StringValue != "1" || m[0].DeadLetterSourceARN != "" ||
			!m[0].SentAt.Equal(start) || !m[0].FirstReceivedAt.Equal(start.Add(time.Second)) {
			t.Fatalf("got %+v", m)
		}
		if again := receive(t, s, "q", sqs.ReceiveOptions{}); again != nil {
			t.Fatalf("a hidden message was received: %+v", again)
		}
		time.Sleep(30*time.Second - time.Nanosecond)
		if again := receive(t, s, "q", sqs.ReceiveOptions{}); again != nil {
			t.Fatalf("received too early: %+v", again)
		}
		time.Sleep(time.Nanosecond)
		again := receive(t, s, "q", sqs.ReceiveOptions{})
		if len(again) != 1 || again[0].ReceiveCount != 2 || again[0].ReceiptHandle == m[0].ReceiptHandle ||
			!again[0].FirstReceivedAt.Equal(m[0].FirstReceivedAt) || !again[0].SentAt.Equal(start) {
			t.Fatalf("got %+v", again)
		}
	})
}

func TestReceiveWakesAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t, sqs.Options{}, sqs.DefaultQueue("q"))
		got := make(chan time.Duration)
		start := time.Now()
		poll := func() {
			m, err := s.Receive(t.Context(), prefix+"q", sqs.ReceiveOptions{Wait: ptr(20 * time.Second), VisibilityTimeout: ptr(3 * time.Second)})
			if err != nil || len(m) != 1 {
				t.Errorf("got %v, %v", m, err)
			}
			got <- time.Since(start)
		}
		go poll()
		time.Sleep(5 * time.Second)
		send(t, s, "q", sqs.Outgoing{Body: "a"})
		if d := <-got; d != 5*time.Second {
			t.Errorf("woke after %v, want 5s", d)
		}
		go poll() // until the time-out of the first receive ends
		if d := <-got; d != 8*time.Second {
			t.Errorf("woke after %v, want 8s", d)
		}
		go poll()
		time.Sleep(time.Second) // at 9s
		send(t, s, "q", sqs.Outgoing{Body: "b", Delay: ptr(time.Second)})
		if d := <-got; d != 10*time.Second {
			t.Errorf("woke after %v, want 10s: when the delay ends", d)
		}
	})
}

func TestReceiveEndsEmpty(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := sqs.DefaultQueue("q")
		q.ReceiveWait = 7 * time.Second
		s := open(t, sqs.Options{}, q)
		start := time.Now()
		if m := receive(t, s, "q", sqs.ReceiveOptions{}); m != nil || time.Since(start) != 7*time.Second {
			t.Errorf("got %v after %v, want none after the queue's own 7s", m, time.Since(start))
		}
		start = time.Now()
		if m := receive(t, s, "q", sqs.ReceiveOptions{Wait: ptr(time.Duration(0))}); m != nil || time.Since(start) != 0 {
			t.Errorf("got %v after %v, want none at once", m, time.Since(start))
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := s.Receive(ctx, prefix+"q", sqs.ReceiveOptions{}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v, want the context's", err)
		}
		errs := make(chan error)
		for range 2 {
			go func() {
				_, err := s.Receive(context.Background(), prefix+"q", sqs.ReceiveOptions{})
				errs <- err
			}()
		}
		synctest.Wait()
		if err := s.Apply(nil); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if err := <-errs; !sqs.IsQueueDoesNotExist(err) {
				t.Errorf("error %v, want QueueDoesNotExist when the queue is removed", err)
			}
		}
	})
}

func TestCloseEndsReceives(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t, sqs.Options{}, sqs.DefaultQueue("q"))
		errs := make(chan error)
		go func() {
			_, err := s.Receive(context.Background(), prefix+"q", sqs.ReceiveOptions{Wait: ptr(20 * time.Second)})
			errs <- err
		}()
		synctest.Wait()
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if err := <-errs; !errors.Is(err, sqs.ErrClosed) {
			t.Errorf("error %v, want ErrClosed", err)
		}
		if _, err := s.Send(t.Context(), prefix+"q", sqs.Outgoing{Body: "a"}); !errors.Is(err, sqs.ErrClosed) {
			t.Errorf("error %v, want ErrClosed", err)
		}
	})
}

func TestDelete(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t, sqs.Options{}, sqs.DefaultQueue("q"), sqs.DefaultQueue("other"))
		send(t, s, "q", sqs.Outgoing{Body: "a"})
		first := receive(t, s, "q", sqs.ReceiveOptions{})[0].ReceiptHandle
		for _, bad := range []string{"", "x", first[:len(first)-4], strings.ToLower(first), first + "AAAA"} {
			if err := s.Delete(t.Context(), prefix+"q", bad); code(err) != "ReceiptHandleIsInvalid" {
				t.Errorf("handle %q: error %v", bad, err)
			}
		}
		if err := s.Delete(t.Context(), prefix+"other", first); code(err) != "ReceiptHandleIsInvalid" {
			t.Errorf("handle of another queue: error %v", err)
		}
		time.Sleep(time.Minute)
		second := receive(t, s, "q", sqs.ReceiveOptions{})[0].ReceiptHandle
		// The earlier handle succeeds and deletes nothing.
		if err := s.Delete(t.Context(), prefix+"q", first); err != nil {
			t.Error(err)
		}
		if _, inFlight, _, err := s.Counts(t.Context(), prefix+"q"); err != nil || inFlight != 1 {
			t.Errorf("%d in flight, %v; want 1", inFlight, err)
		}
		// The newest works even when its time is over.
		time.Sleep(time.Minute)
		for range 2 { // and twice
			if err := s.Delete(t.Context(), prefix+"q", second); err != nil {
				t.Error(err)
			}
		}
		if m := receive(t, s, "q", sqs.ReceiveOptions{}); m != nil {
			t.Errorf("received after the deletion: %+v", m)
		}
	})
}

func TestChangeVisibility(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t, sqs.Options{}, sqs.DefaultQueue("q"))
		send(t, s, "q", sqs.Outgoing{Body: "a"})
		h := receive(t, s, "q", sqs.ReceiveOptions{})[0].ReceiptHandle
		change := func(d time.Duration) error { return s.ChangeVisibility(t.Context(), prefix+"q", h, d) }
		if err := change(time.Hour); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour - 1)
		if m := receive(t, s, "q", sqs.ReceiveOptions{}); m != nil {
			t.Fatalf("received too early: %+v", m)
		}
		if err := change(11 * time.Hour); err != nil {
			t.Errorf("up to 12 hours in all: %v", err)
		}
		if err := change(11*time.Hour + time.Second); code(err) != sqs.CodeInvalidParameterValue {
			t.Errorf("over 12 hours in all: error %v", err)
		}
		if err := change(12*time.Hour + 1); code(err) != sqs.CodeInvalidParameterValue {
			t.Errorf("over 12 hours: error %v", err)
		}
		if err := change(0); err != nil {
			t.Fatal(err)
		}
		if err := change(0); code(err) != sqs.CodeMessageNotInflight {
			t.Errorf("a message that is not in flight: error %v", err)
		}
		if m := receive(t, s, "q", sqs.ReceiveOptions{}); len(m) != 1 || m[0].ReceiveCount != 2 {
			t.Errorf("got %+v", m)
		}
		if err := change(time.Minute); code(err) != sqs.CodeInvalidParameterValue {
			t.Errorf("an earlier handle: error %v", err)
		}
		if err := s.ChangeVisibility(t.Context(), prefix+"q", "x", 0); code(err) != "ReceiptHandleIsInvalid" {
			t.Errorf("no handle: error %v", err)
		}
	})
}

func TestRedrive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, dead := sqs.DefaultQueue("q"), sqs.DefaultQueue("dead")
		q.DeadLetterARN, q.MaxReceiveCount = prefix+"dead", 2
		s := open(t, sqs.Options{}, q, dead)
		start := time.Now()
		id := send(t, s, "q", sqs.Outgoing{Body: "a", Attributes: map[string]sqs.Attribute{"k": {DataType: "String", StringValue: "v"}}})
		for range 2 {
			if m := receive(t, s, "q", sqs.ReceiveOptions{}); len(m) != 1 {
				t.Fatalf("got %v", m)
			}
			time.Sleep(30 * time.Second)
		}
		moved := make(chan []sqs.Message)
		go func() { moved <- receive(t, s, "dead", sqs.ReceiveOptions{Wait: ptr(20 * time.Second)}) }()
		synctest.Wait()
		send(t, s, "q", sqs.Outgoing{Body: "b"})
		if got := bodies(receive(t, s, "q", sqs.ReceiveOptions{Max: 10})); !slices.Equal(got, []string{"b"}) {
			t.Errorf("got %v, want the message behind the one that moved", got)
		}
		m := <-moved
		if len(m) != 1 || m[0].ID != id || m[0].DeadLetterSourceARN != prefix+"q" || !m[0].SentAt.Equal(start) || m[0].ReceiveCount != 3 ||
			m[0].Attributes["k"].StringValue != "v" || m[0].SystemAttributes()["DeadLetterQueueSourceArn"] != prefix+"q" {
			t.Fatalf("in the dead-letter queue: %+v", m)
		}
		if visible, inFlight, _, _ := s.Counts(t.Context(), prefix+"q"); visible != 0 || inFlight != 1 {
			t.Errorf("%d visible and %d in flight in the source, want 0 and 1", visible, inFlight)
		}
		if err := s.Delete(t.Context(), prefix+"dead", m[0].ReceiptHandle); err != nil {
			t.Error(err)
		}
	})
}

func TestRetentionCountsFromTheFirstSending(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, dead := sqs.DefaultQueue("q"), sqs.DefaultQueue("dead")
		q.DeadLetterARN, q.MaxReceiveCount, q.VisibilityTimeout = prefix+"dead", 1, 0
		dead.MessageRetention = 2 * time.Minute
		s := open(t, sqs.Options{}, q, dead)
		send(t, s, "q", sqs.Outgoing{Body: "a"})
		time.Sleep(time.Minute)
		receive(t, s, "q", sqs.ReceiveOptions{})
		receive(t, s, "q", sqs.ReceiveOptions{}) // moves it
		if visible, _, _, _ := s.Counts(t.Context(), prefix+"dead"); visible != 1 {
			t.Fatalf("%d in the dead-letter queue, want 1", visible)
		}
		time.Sleep(time.Minute + time.Millisecond)
		if visible, _, _, _ := s.Counts(t.Context(), prefix+"dead"); visible != 0 {
			t.Errorf("%d counted after the retention, want 0", visible)
		}
		send(t, s, "dead", sqs.Outgoing{Body: "b"})
		if got := bodies(receive(t, s, "dead", sqs.ReceiveOptions{})); !slices.Equal(got, []string{"b"}) {
			t.Errorf("got %v, want what is not expired", got)
		}
	})
}

func TestDelayAndCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := sqs.DefaultQueue("q")
		q.Delay = time.Minute
		s := open(t, sqs.Options{}, q)
		send(t, s, "q", sqs.Outgoing{Body: "late"})
		send(t, s, "q", sqs.Outgoing{Body: "now", Delay: ptr(time.Duration(0))})
		send(t, s, "q", sqs.Outgoing{Body: "flying", Delay: ptr(time.Duration(0))})
		if got := bodies(receive(t, s, "q", sqs.ReceiveOptions{})); !slices.Equal(got, []string{"now"}) {
			t.Errorf("got %v, want the older of the two that are not delayed", got)
		}
		visible, inFlight, delayed, err := s.Counts(t.Context(), prefix+"q")
		if err != nil || visible != 1 || inFlight != 1 || delayed != 1 {
			t.Errorf("%d visible, %d in flight, %d delayed, %v; want 1 of each", visible, inFlight, delayed, err)
		}
		time.Sleep(time.Minute)
		if got := bodies(receive(t, s, "q", sqs.ReceiveOptions{Max: 10})); !slices.Equal(got, []string{"flying", "now", "late"}) {
			t.Errorf("got %v", got)
		}
	})
}

// What is sent together is there together, in order; what is refused keeps
// nothing else back.
func TestSendAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		small := sqs.DefaultQueue("small")
		small.MaxMessageSize = 1024
		s := open(t, sqs.Options{}, sqs.DefaultQueue("q"), small)
		got := make(chan []sqs.Message)
		go func() {
			m, err := s.Receive(t.Context(), prefix+"q", sqs.ReceiveOptions{Max: 10, Wait: ptr(20 * time.Second)})
			if err != nil {
				t.Error(err)
			}
			got <- m
		}()
		synctest.Wait()
		parcel := func(queue, body string) sqs.Parcel {
			return sqs.Parcel{QueueARN: prefix + queue, Outgoing: sqs.Outgoing{Body: body}}
		}
		errs := s.SendAll(t.Context(), []sqs.Parcel{
			parcel("q", "a"), parcel("small", strings.Repeat("x", 1025)), parcel("small", "s"), parcel("none", "n"), parcel("q", "b"),
			{QueueARN: prefix + "q", Outgoing: sqs.Outgoing{Body: "late", Delay: ptr(time.Second)}},
		})
		if len(errs) != 6 || errs[0] != nil || errs[1] == nil || errs[2] != nil || !sqs.IsQueueDoesNotExist(errs[3]) || errs[4] != nil || errs[5] != nil {
			t.Fatalf("errors: %v", errs)
		}
		if m := bodies(<-got); !slices.Equal(m, []string{"a", "b"}) {
			t.Errorf("q: %q", m)
		}
		if m := bodies(receive(t, s, "small", sqs.ReceiveOptions{Max: 10})); !slices.Equal(m, []string{"s"}) {
			t.Errorf("small: %q", m)
		}
		time.Sleep(time.Second)
		if m := bodies(receive(t, s, "q", sqs.ReceiveOptions{Max: 10})); !slices.Equal(m, []string{"late"}) {
			t.Errorf("q later: %q", m)
		}
		if errs := s.SendAll(t.Context(), nil); len(errs) != 0 {
			t.Errorf("of nothing: %v", errs)
		}
	})
}

// A handle that is wrong does not keep the others from being deleted.
func TestDeleteMany(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t, sqs.Options{}, sqs.DefaultQueue("q"))
		for _, body := range []string{"a", "b", "c"} {
			send(t, s, "q", sqs.Outgoing{Body: body})
		}
		m := receive(t, s, "q", sqs.ReceiveOptions{Max: 10})
		err := s.Delete(t.Context(), prefix+"q", m[0].ReceiptHandle, "nonsense", m[2].ReceiptHandle, m[2].ReceiptHandle)
		if code(err) != sqs.CodeReceiptHandleIsInvalid {
			t.Errorf("error %v", err)
		}
		time.Sleep(time.Minute)
		if left := bodies(receive(t, s, "q", sqs.ReceiveOptions{Max: 10})); !slices.Equal(left, []string{"b"}) {
			t.Errorf("left: %q", left)
		}
	})
}

func TestSendRefuses(t *testing.T) {
	small := sqs.DefaultQueue("small")
	small.MaxMessageSize = 1024
	s := open(t, sqs.Options{}, small)
	attributes := func(name, kind, value string) map[string]sqs.Attribute {
		return map[string]sqs.Attribute{name: {DataType: kind, StringValue: value}}
	}
	many := map[string]sqs.Attribute{}
	for i := range 11 {
		many[fmt.Sprint(i)] = sqs.Attribute{DataType: "String", StringValue: "x"}
	}
	tests := []struct {
		name string
		m    sqs.Outgoing
		want string
	}{
		{"no body", sqs.Outgoing{}, "MissingRequiredParameterException"},
		{"control character", sqs.Outgoing{Body: "a\x00"}, sqs.CodeInvalidMessageContents},
		{"no character", sqs.Outgoing{Body: "a\uFFFE"}, sqs.CodeInvalidMessageContents},
		{"no UTF-8", sqs.Outgoing{Body: "a\xff"}, sqs.CodeInvalidMessageContents},
		{"too long", sqs.Outgoing{Body: strings.Repeat("x", 1025)}, sqs.CodeInvalidParameterValue},
		{"too long with attributes", sqs.Outgoing{Body: strings.Repeat("x", 1020), Attributes: attributes("n", "String", "v")}, sqs.CodeInvalidParameterValue},
		{"delay", sqs.Outgoing{Body: "a", Delay: ptr(901 * time.Second)}, sqs.CodeInvalidParameterValue},
		{"negative delay", sqs.Outgoing{Body: "a", Delay: ptr(-time.Second)}, sqs.CodeInvalidParameterValue},
		{"eleven attributes", sqs.Outgoing{Body: "a", Attributes: many}, sqs.CodeInvalidParameterValue},
		{"attribute name", sqs.Outgoing{Body: "a", Attributes: attributes("a..b", "String", "v")}, sqs.CodeInvalidParameterValue},
		{"reserved name", sqs.Outgoing{Body: "a", Attributes: attributes("AWS.x", "String", "v")}, sqs.CodeInvalidParameterValue},
		{"attribute type", sqs.Outgoing{Body: "a", Attributes: attributes("n", "Text", "v")}, sqs.CodeInvalidParameterValue},
		{"empty attribute", sqs.Outgoing{Body: "a", Attributes: attributes("n", "String.x", "")}, sqs.CodeInvalidParameterValue},
		{"no number", sqs.Outgoing{Body: "a", Attributes: attributes("n", "Number", "one")}, sqs.CodeInvalidParameterValue},
		{"empty binary", sqs.Outgoing{Body: "a", Attributes: attributes("n", "Binary", "v")}, sqs.CodeInvalidParameterValue},
	}
	for _, tt := range tests {
		if _, err := s.Send(t.Context(), prefix+"small", tt.m); code(err) != tt.want {
			t.Errorf("%s: error %v, want %s", tt.name, err, tt.want)
		}
	}
	if _, err := s.Send(t.Context(), prefix+"none", sqs.Outgoing{Body: "a"}); !sqs.IsQueueDoesNotExist(err) {
		t.Errorf("unknown queue: error %v", err)
	}
	send(t, s, "small", sqs.Outgoing{Body: strings.Repeat("x", 1024)})
	send(t, s, "small", sqs.Outgoing{Body: "\t\n\r\U0001F600\uFFFD"})
}

func TestReceiveRefuses(t *testing.T) {
	s := open(t, sqs.Options{}, sqs.DefaultQueue("q"))
	for name, o := range map[string]sqs.ReceiveOptions{
		"max":              {Max: -1},
		"max above":        {Max: 10_001},
		"timeout":          {VisibilityTimeout: ptr(12*time.Hour + 1)},
		"negative timeout": {VisibilityTimeout: ptr(-time.Second)},
		"wait":             {Wait: ptr(21 * time.Second)},
		"negative wait":    {Wait: ptr(-time.Second)},
	} {
		if _, err := s.Receive(t.Context(), prefix+"q", o); code(err) != sqs.CodeInvalidParameterValue {
			t.Errorf("%s: error %v", name, err)
		}
	}
	if _, err := s.Receive(t.Context(), prefix+"none", sqs.ReceiveOptions{}); !sqs.IsQueueDoesNotExist(err) {
		t.Errorf("unknown queue: error %v", err)
	}
}

func TestPurge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t, sqs.Options{}, sqs.DefaultQueue("q"))
		send(t, s, "q", sqs.Outgoing{Body: "a"})
		send(t, s, "q", sqs.Outgoing{Body: "b"})
		receive(t, s, "q", sqs.ReceiveOptions{})
		if err := s.Purge(t.Context(), prefix+"q"); err != nil {
			t.Fatal(err)
		}
		time.Sleep(59 * time.Second)
		if m := receive(t, s, "q", sqs.ReceiveOptions{Max: 10}); m != nil {
			t.Errorf("received after the purge: %+v", m)
		}
		if err := s.Purge(t.Context(), prefix+"q"); code(err) != "PurgeQueueInProgress" {
			t.Errorf("a second purge: error %v", err)
		}
		time.Sleep(time.Second)
		if err := s.Purge(t.Context(), prefix+"q"); err != nil {
			t.Error(err)
		}
	})
}

func TestApplyRefuses(t *testing.T) {
	s := open(t, sqs.Options{}, sqs.DefaultQueue("old"))
	change := func(f func(*sqs.QueueConfig)) sqs.QueueConfig {
		c := sqs.DefaultQueue("q")
		f(&c)
		return c
	}
	for want, c := range map[string]sqs.QueueConfig{
		"must be a FIFO queue": change(func(c *sqs.QueueConfig) { c.Name = "q.fifo" }),
		"for a FIFO queue":     change(func(c *sqs.QueueConfig) { c.FIFO = true }),
		"name is not allowed":  change(func(c *sqs.QueueConfig) { c.Name = "a b" }),
		"VisibilityTimeout":    change(func(c *sqs.QueueConfig) { c.VisibilityTimeout = 13 * time.Hour }),
		"MessageRetention":     change(func(c *sqs.QueueConfig) { c.MessageRetention = time.Second }),
		"Delay":                change(func(c *sqs.QueueConfig) { c.Delay = time.Hour }),
		"ReceiveWait":          change(func(c *sqs.QueueConfig) { c.ReceiveWait = time.Hour }),
		"MaxMessageSize":       change(func(c *sqs.QueueConfig) { c.MaxMessageSize = 1 }),
		"no dead-letter queue": change(func(c *sqs.QueueConfig) { c.MaxReceiveCount = 1 }),
		"1 to 1000":            change(func(c *sqs.QueueConfig) { c.DeadLetterARN = prefix + "old" }),
		"its own":              change(func(c *sqs.QueueConfig) { c.DeadLetterARN, c.MaxReceiveCount = prefix+"q", 1 }),
		"none does not exist":  change(func(c *sqs.QueueConfig) { c.DeadLetterARN, c.MaxReceiveCount = prefix+"none", 1 }),
	} {
		err := s.Apply([]sqs.QueueConfig{c})
		if !errors.Is(err, sqs.ErrConfig) || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
	err := s.Apply([]sqs.QueueConfig{{Name: "a b"}, {Name: "c.fifo"}, sqs.DefaultQueue("d"), sqs.DefaultQueue("d")})
	for _, want := range []string{"a b", "c.fifo", `"d" is configured twice`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want all at once, also %q", err, want)
		}
	}
	if !s.Exists(prefix + "old") {
		t.Error("a refused configuration removed a queue")
	}
}

func TestApplyKeepsContents(t *testing.T) {
	dir := t.TempDir()
	a, b := sqs.DefaultQueue("a"), sqs.DefaultQueue("b")
	s := open(t, sqs.Options{Dir: dir}, a, b)
	send(t, s, "a", sqs.Outgoing{Body: "in a"})
	send(t, s, "b", sqs.Outgoing{Body: "in b"})
	a.VisibilityTimeout = 0
	if err := s.Apply([]sqs.QueueConfig{a}); err != nil {
		t.Fatal(err)
	}
	for range 2 { // it stays visible
		if got := bodies(receive(t, s, "a", sqs.ReceiveOptions{})); !slices.Equal(got, []string{"in a"}) {
			t.Errorf("got %v, want the message kept and the new time-out", got)
		}
	}
	if _, err := s.Receive(t.Context(), prefix+"b", sqs.ReceiveOptions{}); !sqs.IsQueueDoesNotExist(err) {
		t.Errorf("a removed queue: error %v", err)
	}
	// A queue of the same name is a new queue, also after a restart.
	if err := s.Apply([]sqs.QueueConfig{a, b}); err != nil {
		t.Fatal(err)
	}
	if m := receive(t, s, "b", sqs.ReceiveOptions{}); m != nil {
		t.Errorf("the contents of a removed queue came back: %+v", m)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, sqs.Options{Dir: dir}, a, b)
	if got := bodies(receive(t, s, "a", sqs.ReceiveOptions{})); !slices.Equal(got, []string{"in a"}) {
		t.Errorf("after a restart: got %v", got)
	}
	if m := receive(t, s, "b", sqs.ReceiveOptions{}); m != nil {
		t.Errorf("after a restart the contents of a removed queue came back: %+v", m)
	}
}

func TestDataFolderInUse(t *testing.T) {
	dir := t.TempDir()
	open(t, sqs.Options{Dir: dir})
	if _, err := sqs.New(sqs.Options{Dir: dir}); err == nil || !strings.Contains(err.Error(), "another process") {
		t.Errorf("error %v, want one that says who has it", err)
	}
}
