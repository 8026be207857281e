package eventbridge_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/vinci-go/vinci/local/eventbridge"
	"github.com/vinci-go/vinci/local/iam"
	"github.com/vinci-go/vinci/local/sqs"
)

// crashDir makes this test program the helper that TestKill kills.
const crashDir = "VINCI_TEST_EVENTBRIDGE_CRASH_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(crashDir); dir != "" {
		if err := putUntilKilled(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	os.Exit(m.Run())
}

// refusing queues are there, and take nothing.
type refusing struct{ policy *iam.Document }

func (r refusing) SendAll(_ context.Context, parcels []sqs.Parcel) []error {
	errs := make([]error, len(parcels))
	for i := range errs {
		errs[i] = errDisk
	}
	return errs
}
func (r refusing) ResourcePolicy(string) *iam.Document { return r.policy }
func (r refusing) Exists(string) bool                  { return true }

func openPolicy() (*iam.Document, error) {
	d, err := iam.ParseResource([]byte(`{"Statement":{"Effect":"Allow","Principal":{"Service":"events.amazonaws.com"},"Action":"sqs:SendMessage","Resource":"*"}}`))
	return &d, err
}

// putUntilKilled puts events whose target takes nothing, and prints the id of each
// that was accepted. What is defined was made by SDK calls.
func putUntilKilled(dir string) error {
	policy, err := openPolicy()
	if err != nil {
		return err
	}
	s, err := eventbridge.Open(eventbridge.Options{Queues: refusing{policy}, Dir: dir})
	if err != nil {
		return err
	}
	if err := s.Start(); err != nil {
		return err
	}
	for _, c := range []struct{ operation, body string }{
		{"CreateEventBus", `{"Name":"bus"}`},
		{"PutRule", `{"Name":"r","EventBusName":"bus","EventPattern":"{\"source\":[\"app\"]}"}`},
		{"PutTargets", `{"Rule":"r","EventBusName":"bus","Targets":[{"Id":"q","Arn":"` + queuePrefix + `a"}]}`},
		{"CreateArchive", `{"ArchiveName":"kept","EventSourceArn":"` + busPrefix + `bus"}`},
	} {
		if status, answer := serveCall(s, c.operation, c.body); status != 200 {
			return fmt.Errorf("%s: %s", c.operation, answer)
		}
	}
	failed := make(chan error)
	for range 3 {
		go func() {
			for i := 0; ; i++ {
				entries := make([]eventbridge.Entry, 1+i%3)
				for j := range entries {
					entries[j] = eventbridge.Entry{Source: "app", DetailType: "t", Detail: `{"text":"` + strings.Repeat("x", i%2000) + `"}`, EventBusName: "bus"}
				}
				results, err := s.PutEvents(context.Background(), entries)
				if err != nil {
					failed <- err
					return
				}
				var line strings.Builder
				for _, r := range results {
					if r.EventID == "" {
						failed <- errors.New(r.ErrorMessage)
						return
					}
					fmt.Fprintln(&line, r.EventID)
				}
				fmt.Print(line.String()) // one write: lines are there whole or not at all
			}
		}()
	}
	return <-failed
}

// A process that is killed at any time loses no event that it accepted: not the
// delivery that waits, not the archived copy, and none of what SDK calls made.
func TestKill(t *testing.T) {
	for round := range 3 {
		dir := t.TempDir()
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), crashDir+"="+dir)
		var errs bytes.Buffer
		cmd.Stderr = &errs
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		accepted := map[string]bool{}
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			accepted[lines.Text()] = true
			if len(accepted) == 150+200*round {
				if err := cmd.Process.Kill(); err != nil {
					t.Fatal(err)
				}
			}
		}
		_ = cmd.Wait() // it was killed
		if len(accepted) < 150+200*round {
			t.Fatalf("the helper ended by itself after %d events: %s", len(accepted), &errs)
		}
		checkAfterKill(t, dir, accepted)
	}
}

func checkAfterKill(t *testing.T, dir string, accepted map[string]bool) {
	t.Helper()
	policy, err := openPolicy()
	if err != nil {
		t.Fatal(err)
	}
	k := &keeping{policy: policy}
	s, err := eventbridge.Open(eventbridge.Options{Queues: k, Dir: dir, Jitter: func() float64 { return 0 }})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.Close(context.Background()); err != nil {
			t.Error(err)
		}
	}()
	if n := s.Archived("kept"); n < int64(len(accepted)) {
		t.Errorf("the archive has %d events, and %d were accepted", n, len(accepted))
	}
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	missing := len(accepted)
	for deadline := time.Now().Add(20 * time.Second); missing > 0 && time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		k.mu.Lock()
		delivered := map[string]bool{}
		for _, p := range k.sent {
			_, rest, _ := strings.Cut(p.Body, `"id":"`)
			delivered[rest[:36]] = true
		}
		k.mu.Unlock()
		missing = 0
		for id := range accepted {
			if !delivered[id] {
				missing++
			}
		}
	}
	if missing > 0 {
		t.Errorf("%d of %d accepted events were not delivered after the restart", missing, len(accepted))
	}
	ok(t, s, "DescribeRule", `{"Name":"r","EventBusName":"bus"}`)
	// Then nothing waits any more.
	for deadline := time.Now().Add(10 * time.Second); s.Waiting(t) > 0; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d deliveries wait though all were made", s.Waiting(t))
		}
	}
	if err := s.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	if len(k.sent) > len(accepted)+9 { // three calls of three entries were under way when it was killed
		t.Errorf("%d deliveries of %d events", len(k.sent), len(accepted))
	}
}

// An event that waits is on the disk when the service is closed, with its count
// of attempts, and so is one on its way to a dead-letter queue that fails.
func TestWaitingSurvives(t *testing.T) {
	policy, err := openPolicy()
	if err != nil {
		t.Fatal(err)
	}
	for name, target := range map[string]string{
		"to its target":            `{"Id":"q","Arn":"` + queuePrefix + `a"}`,
		"to its dead-letter queue": `{"Id":"q","Arn":"` + functionPrefix + `gone","DeadLetterConfig":{"Arn":"` + queuePrefix + `dead"}}`,
	} {
		t.Run(name, func(t *testing.T) {
			var log bytes.Buffer
			o := eventbridge.Options{Queues: refusing{policy}, Functions: &functions{}, Dir: t.TempDir(), Logger: slog.New(slog.NewTextHandler(&log, nil))}
			s := started(t, o)
			ok(t, s, "PutRule", `{"Name":"r","EventPattern":"{\"source\":[\"app\"]}"}`)
			ok(t, s, "PutTargets", `{"Rule":"r","Targets":[`+target+`]}`)
			id := put(t, s, eventbridge.Entry{Source: "app", DetailType: "t", Detail: "{}"})[0].EventID
			if err := s.Close(context.Background()); err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(log.String(), "waits on the disk") || strings.Contains(log.String(), "is lost") {
				t.Errorf("log %s", &log)
			}
			k := &keeping{policy: policy}
			o.Queues = k
			s = started(t, o)
			for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
				k.mu.Lock()
				n := len(k.sent)
				k.mu.Unlock()
				if n > 0 {
					break
				}
			}
			if err := s.Close(context.Background()); err != nil {
				t.Fatal(err)
			}
			if len(k.sent) != 1 || !strings.Contains(k.sent[0].Body, id) {
				t.Fatalf("sent %+v", k.sent)
			}
			if name == "to its dead-letter queue" && k.sent[0].Attributes["ERROR_CODE"].StringValue != "NO_RESOURCE" {
				t.Errorf("attributes %+v", k.sent[0].Attributes)
			}
		})
	}
}

// A replay that was cut short goes on where it was.
func TestReplaySurvives(t *testing.T) {
	g := &gate{Service: openQueues(t, freeQueues(t, "a")...), waits: make(chan struct{}, 1)}
	o := eventbridge.Options{Queues: g, Dir: t.TempDir()}
	s := started(t, o)
	ok(t, s, "PutRule", `{"Name":"r","EventPattern":"{\"source\":[\"app\"],\"replay-name\":[{\"exists\":true}]}"}`)
	ok(t, s, "PutTargets", `{"Rule":"r","Targets":[{"Id":"q","Arn":"`+queuePrefix+`a"}]}`)
	ok(t, s, "CreateArchive", `{"ArchiveName":"kept","EventSourceArn":"`+busPrefix+`default"}`)
	const events = 90
	for range events {
		put(t, s, eventbridge.Entry{Source: "app", DetailType: "t", Detail: "{}", Time: start})
	}
	g.mu.Lock()
	hold := make(chan struct{})
	g.closed = hold
	g.mu.Unlock()
	ok(t, s, "StartReplay", fmt.Sprintf(`{"ReplayName":"r","EventSourceArn":"%skept","EventStartTime":%d,"EventEndTime":%d,"Destination":{"Arn":"%sdefault"}}`, archivePrefix, start.Unix(), start.Unix()+1, busPrefix))
	<-g.waits
	closing := make(chan error)
	go func() { closing <- s.Close(context.Background()) }()
	for { // Close has begun while the replay is in the middle of a step
		_, err := s.PutEvents(t.Context(), []eventbridge.Entry{{Source: "x", DetailType: "t", Detail: "{}", EventBusName: "none"}})
		if errors.Is(err, eventbridge.ErrClosed) {
			break
		}
	}
	g.mu.Lock()
	g.closed = nil
	g.mu.Unlock()
	close(hold)
	if err := <-closing; err != nil {
		t.Fatal(err)
	}
	before := len(receive(t, g.Service, "a"))
	s = started(t, o)
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		if strings.Contains(ok(t, s, "DescribeReplay", `{"ReplayName":"r"}`), `"State":"COMPLETED"`) {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the replay does not end")
		}
	}
	if after := len(receive(t, g.Service, "a")); before == 0 || before == events || before+after != events {
		t.Errorf("%d events before the restart and %d after it, of %d", before, after, events)
	}
}

// When the disk refuses a delivery that must wait, the entry fails and the caller
// puts it again.
func TestNothingIsAcceptedThatCannotBeKept(t *testing.T) {
	policy, err := openPolicy()
	if err != nil {
		t.Fatal(err)
	}
	o := eventbridge.Options{Queues: refusing{policy}, Dir: t.TempDir()}
	s := started(t, o)
	ok(t, s, "PutRule", `{"Name":"r","EventPattern":"{\"source\":[\"app\"]}"}`)
	ok(t, s, "PutTargets", `{"Rule":"r","Targets":[{"Id":"q","Arn":"`+queuePrefix+`a"}]}`)
	s.CloseStore()
	r := put(t, s, eventbridge.Entry{Source: "app", DetailType: "t", Detail: "{}"}, eventbridge.Entry{Source: "other", DetailType: "t", Detail: "{}"})
	if r[0].ErrorCode != "InternalFailure" || r[0].EventID != "" || r[1].EventID == "" {
		t.Errorf("got %+v", r)
	}
}
