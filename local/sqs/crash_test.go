package sqs_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vinci-go/vinci/local/sqs"
)

// crashDir makes this test program the helper that TestKill kills, crashFIFO the
// one of TestKillFIFO; its value goes into deduplication ids.
const (
	crashDir  = "VINCI_TEST_SQS_CRASH_DIR"
	crashFIFO = "VINCI_TEST_SQS_CRASH_FIFO"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(crashDir); dir != "" {
		work := func() error { return sendUntilKilled(dir) }
		if round := os.Getenv(crashFIFO); round != "" {
			work = func() error { return sendInOrderUntilKilled(dir, round) }
		}
		if err := work(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	os.Exit(m.Run())
}

// sendUntilKilled sends, receives and deletes from several goroutines, and
// prints each acknowledged effect on a line of its own.
func sendUntilKilled(dir string) error {
	s, err := sqs.New(sqs.Options{Dir: dir})
	if err != nil {
		return err
	}
	q, dead := sqs.DefaultQueue("q"), sqs.DefaultQueue("dead")
	q.VisibilityTimeout, q.DeadLetterARN, q.MaxReceiveCount = 0, prefix+"dead", 2
	if err := s.Apply([]sqs.QueueConfig{q, dead}); err != nil {
		return err
	}
	var out sync.Mutex
	say := func(what, id string) {
		out.Lock()
		defer out.Unlock()
		fmt.Printf("%s %s .\n", what, id) // one write: a line is there whole or not at all
	}
	failed := make(chan error)
	ctx := context.Background()
	for range 4 {
		go func() {
			for i := 0; ; i++ {
				id, err := s.Send(ctx, prefix+"q", sqs.Outgoing{Body: strings.Repeat("body ", 1+i%500)})
				if err != nil {
					failed <- err
					return
				}
				say("sent", id)
				if i%3 != 0 {
					continue
				}
				m, err := s.Receive(ctx, prefix+"q", sqs.ReceiveOptions{}) // now and then moves to the dead-letter queue
				if err != nil {
					failed <- err
					return
				}
				if len(m) == 0 || i%2 == 0 {
					continue
				}
				say("deleting", m[0].ID) // from here on it may be gone
				if err := s.Delete(ctx, prefix+"q", m[0].ReceiptHandle); err != nil {
					failed <- err
					return
				}
			}
		}()
	}
	return <-failed
}

// After kill -9 under load every acknowledged message is there, in its queue or
// in the dead-letter queue, in exactly one of them and once.
func TestKill(t *testing.T) {
	dir := t.TempDir()
	sent, gone := map[string]bool{}, map[string]bool{}
	for round := range 4 {
		killWhileSending(t, dir, sent, gone)
		q, dead := sqs.DefaultQueue("q"), sqs.DefaultQueue("dead")
		s := open(t, sqs.Options{Dir: dir}, q, dead)
		found := map[string]int{}
		for _, queue := range []string{"q", "dead"} {
			for _, m := range receive(t, s, queue, sqs.ReceiveOptions{Max: 10_000, VisibilityTimeout: ptr(time.Duration(0))}) {
				found[m.ID]++
				if !strings.HasPrefix(m.Body, "body ") || m.ReceiveCount < 1 {
					t.Fatalf("a message came back damaged: %+v", m)
				}
			}
		}
		for id := range sent {
			if n := found[id]; n != 1 && !gone[id] {
				t.Fatalf("round %d: acknowledged message %s is there %d times, want once (%d sent, %d found)", round, id, n, len(sent), len(found))
			}
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if len(sent) < 100 || len(gone) < 10 {
		t.Errorf("only %d messages were sent and %d deleted: the test proves too little", len(sent), len(gone))
	}
}

// killWhileSending runs the helper, kills it after some hundred lines, and adds
// what it had acknowledged to sent and gone.
func killWhileSending(t *testing.T, dir string, sent, gone map[string]bool) {
	t.Helper()
	killHelper(t, 600, func(what string, fields []string) {
		switch what {
		case "sent":
			sent[fields[0]] = true
		case "deleting":
			gone[fields[0]] = true
		}
	}, crashDir+"="+dir)
}

// killHelper runs this test program as a helper, shows its lines, and kills it
// after some. A line is a word, a message's id and perhaps more.
func killHelper(t *testing.T, after int, show func(what string, fields []string), env ...string) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), env...)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	killed := false
	for n := 0; lines.Scan(); n++ {
		fields := strings.Fields(lines.Text())
		if len(fields) < 3 || fields[len(fields)-1] != "." || len(fields[1]) != 36 {
			continue // the last line may be cut
		}
		show(fields[0], fields[1:len(fields)-1])
		if n == after {
			killed = true
			if err := cmd.Process.Kill(); err != nil { // SIGKILL
				t.Fatal(err)
			}
		}
	}
	if err := cmd.Wait(); !killed || err == nil {
		t.Fatalf("the helper ended by itself: %v", err)
	}
}

// sendInOrderUntilKilled makes a FIFO queue by a call and sends to three groups,
// each in its order, while somebody receives and deletes a part.
func sendInOrderUntilKilled(dir, round string) error {
	s, err := sqs.New(sqs.Options{Dir: dir})
	if err != nil {
		return err
	}
	ctx := context.Background()
	arn, err := s.CreateQueue(ctx, "q.fifo", map[string]string{"FifoQueue": "true", "VisibilityTimeout": "60"}, map[string]string{"made": "by a call"})
	if err != nil {
		return err
	}
	var out sync.Mutex
	say := func(words ...any) {
		out.Lock()
		defer out.Unlock()
		fmt.Println(append(words, ".")...)
	}
	failed := make(chan error)
	for _, group := range []string{"a", "b", "c"} {
		go func() {
			for i := 0; ; i++ {
				dedup := fmt.Sprint(round, "-", group, "-", i)
				id, err := s.Send(ctx, arn, sqs.Outgoing{Body: fmt.Sprint(round, " ", i), GroupID: group, DeduplicationID: dedup})
				if err != nil {
					failed <- err
					return
				}
				say("sent", id, group, dedup)
			}
		}()
	}
	go func() {
		for i := 0; ; i++ {
			m, err := s.Receive(ctx, arn, sqs.ReceiveOptions{Wait: ptr(20 * time.Second)})
			if err != nil || len(m) == 0 {
				failed <- fmt.Errorf("received %v: %w", m, err)
				return
			}
			say("received", m[0].ID)
			if i%50 == 49 {
				continue // its group is blocked from now on
			}
			say("deleting", m[0].ID)
			if err := s.Delete(ctx, arn, m[0].ReceiptHandle); err != nil {
				failed <- err
				return
			}
		}
	}()
	return <-failed
}

// After kill -9 a FIFO queue that a call made is there, with every acknowledged
// message once and in the order of its group; what was in flight is hidden until
// its time-out ends; and what was sent is still not sent again.
func TestKillFIFO(t *testing.T) {
	dir := t.TempDir()
	type sent struct{ id, group, dedup string }
	order := map[string][]string{} // ids by group
	known := map[string]bool{}
	gone, flying := map[string]bool{}, map[string]bool{}
	for round := range 4 {
		var last sent
		killHelper(t, 500, func(what string, f []string) {
			switch what {
			case "sent":
				last = sent{f[0], f[1], f[2]}
				order[f[1]] = append(order[f[1]], f[0])
				known[f[0]] = true
			case "received":
				flying[f[0]] = true
			case "deleting":
				gone[f[0]] = true
			}
		}, crashDir+"="+dir, crashFIFO+"="+fmt.Sprint("r", round))

		var later time.Duration
		s, err := sqs.New(sqs.Options{Dir: dir, Now: func() time.Time { return time.Now().Add(later) }})
		if err != nil {
			t.Fatal(err)
		}
		const arn = prefix + "q.fifo"
		if id, err := s.Send(t.Context(), arn, sqs.Outgoing{Body: "again", GroupID: last.group, DeduplicationID: last.dedup}); err != nil || id != last.id {
			t.Fatalf("round %d: sent again: %s, %v; want the first one's id %s", round, id, err, last.id)
		}
		look := func() map[string][]string {
			messages, err := s.Receive(t.Context(), arn, sqs.ReceiveOptions{Max: 10_000, VisibilityTimeout: ptr(time.Duration(0)), Wait: ptr(time.Duration(0))})
			if err != nil {
				t.Fatal(err)
			}
			found := map[string][]string{}
			for _, m := range messages {
				if m.Body == "again" {
					t.Fatal("a duplicate was stored")
				}
				if known[m.ID] { // else it was not acknowledged when the end came
					found[m.GroupID] = append(found[m.GroupID], m.ID)
				}
			}
			return found
		}
		for _, ids := range look() {
			for _, id := range ids {
				if flying[id] {
					t.Fatalf("round %d: message %s, which is in flight, is visible too early", round, id)
				}
			}
		}
		later = time.Minute
		found := look()
		for group, ids := range order {
			rest := found[group]
			for _, id := range ids {
				switch {
				case len(rest) > 0 && rest[0] == id:
					rest = rest[1:]
				case !gone[id]:
					t.Fatalf("round %d: message %s of group %s is lost, or not in its place", round, id, group)
				}
			}
			if len(rest) > 0 {
				t.Fatalf("round %d: group %s has %d messages out of order or twice", round, group, len(rest))
			}
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		clear(flying) // their count of receives has changed, and with it what is hidden
	}
	if len(known) < 400 || len(gone) < 50 {
		t.Errorf("only %d messages were sent and %d deleted: the test proves too little", len(known), len(gone))
	}
}

// What is in flight stays hidden over a restart, until its own deadline.
func TestRestartKeepsDeadlines(t *testing.T) {
	dir := t.TempDir()
	now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	o := sqs.Options{Dir: dir, Now: func() time.Time { return now }}
	q := sqs.DefaultQueue("q")
	s := open(t, o, q)
	first := now
	send(t, s, "q", sqs.Outgoing{Body: "flying", Attributes: map[string]sqs.Attribute{"b": {DataType: "Binary", BinaryValue: []byte{0, 1}}}})
	got := receive(t, s, "q", sqs.ReceiveOptions{})
	send(t, s, "q", sqs.Outgoing{Body: "delayed", Delay: ptr(time.Minute)})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}

	now = now.Add(30*time.Second - 1)
	s = open(t, o, q)
	if visible, inFlight, delayed, err := s.Counts(t.Context(), prefix+"q"); err != nil || visible != 0 || inFlight != 1 || delayed != 1 {
		t.Fatalf("%d visible, %d in flight, %d delayed, %v; want 0, 1, 1", visible, inFlight, delayed, err)
	}
	now = now.Add(1)
	again := receive(t, s, "q", sqs.ReceiveOptions{Max: 10})
	if len(again) != 1 || again[0].ID != got[0].ID || again[0].ReceiveCount != 2 || !again[0].SentAt.Equal(first) ||
		!again[0].FirstReceivedAt.Equal(first) || string(again[0].Attributes["b"].BinaryValue) != "\x00\x01" {
		t.Fatalf("got %+v", again)
	}
	// A handle outlives the restart too.
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, o, q)
	if err := s.Delete(t.Context(), prefix+"q", again[0].ReceiptHandle); err != nil {
		t.Fatal(err)
	}
	now = now.Add(time.Hour)
	if m := receive(t, s, "q", sqs.ReceiveOptions{Max: 10}); len(m) != 1 || m[0].Body != "delayed" {
		t.Errorf("got %+v, want only the delayed message", m)
	}
}
