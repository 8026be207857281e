package bus

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda/messages"

	"github.com/vinci-go/vinci/event"
)

type rung struct{ N int }

var (
	bellRung  = event.Define[rung]("bell.rung")
	onBell    = Subscription("on_bell", To(bellRung))
	wrongBell = Subscription("Wrong-Bell", To(bellRung, event.Match("door.closed")))
)

func ring(context.Context, event.Event[rung]) error { return nil }

func TestFromEnv(t *testing.T) {
	env := map[string]string{"VINCI_APP": "app", "VINCI_DEPLOYMENT": "dev", "AWS_REGION": "us-east-1", EnvDeadLetterQueue: "app-dev-on_bell_dlq"}
	getenv := func(name string) string { return env[name] }
	c, err := fromEnv(getenv, slog.Default(), io.Discard, onBell, []Part{On(bellRung, ring)})
	if err != nil {
		t.Fatal(err)
	}
	if c.dlq != "app-dev-on_bell_dlq" || c.store == nil || c.log == nil {
		t.Errorf("consumer %+v", c)
	}
	if c.visibility != 0 || c.metrics.Application != "app" || c.metrics.Deployment != "dev" {
		t.Errorf("visibility %v, metrics %+v", c.visibility, c.metrics)
	}
	env[EnvVisibilityTimeout] = "180"
	if c, err = fromEnv(getenv, slog.Default(), io.Discard, onBell, []Part{On(bellRung, ring)}); err != nil || c.visibility != 3*time.Minute {
		t.Errorf("consumer %+v, %v", c, err)
	}
	for _, bad := range []string{"0", "-1", "3m", "43201", " 1"} {
		env[EnvVisibilityTimeout] = bad
		if _, err := fromEnv(getenv, slog.Default(), io.Discard, onBell, []Part{On(bellRung, ring)}); err == nil || !strings.Contains(err.Error(), "VINCI_VISIBILITY_TIMEOUT is \""+bad) {
			t.Errorf("visibility time-out %q: %v", bad, err)
		}
	}
	delete(env, EnvVisibilityTimeout)
	start := func() (*Consumer, error) {
		return fromEnv(getenv, slog.Default(), io.Discard, onBell, []Part{On(bellRung, ring)})
	}
	const day = 24 * time.Hour
	// Records outlive every way in which an event comes again, the archive's included.
	for _, tt := range []struct {
		deliveries, archive string
		want                time.Duration
		says                string
	}{
		{"", "", DefaultRetention, ""},
		{"", "90", DefaultRetention + 90*day, ""},
		{"110", "90", 110 * day, ""},
		{"20", "", 20 * day, ""},
		{"109", "90", 0, "at least 2640h0m0s is allowed"},
		{"19", "", 0, "at least 480h0m0s is allowed"},
		{"x", "", 0, `VINCI_DELIVERY_DAYS is "x"`},
		{"40", "-1", 0, `VINCI_ARCHIVE_DAYS is "-1"`},
		{"0", "99999999999", 0, `VINCI_DELIVERY_DAYS is "0"`},
	} {
		env[EnvDeliveryDays], env[EnvArchiveDays] = tt.deliveries, tt.archive
		switch c, err := start(); {
		case tt.says == "" && (err != nil || c.retention != tt.want):
			t.Errorf("deliveries %q, archive %q: %v, want records for %v", tt.deliveries, tt.archive, err, tt.want)
		case tt.says != "" && (err == nil || !strings.Contains(err.Error(), tt.says)):
			t.Errorf("deliveries %q, archive %q: %v, want %q", tt.deliveries, tt.archive, err, tt.says)
		}
	}
	clear := map[string]string{}
	_, err = fromEnv(func(name string) string { return clear[name] }, slog.Default(), io.Discard, wrongBell, []Part{On(bellRung, ring)})
	got := strings.Join(problems(err), "\n")
	for _, want := range []string{"Wrong-Bell", "it asks for door.closed and has no handler", "VINCI_APP"} {
		if !strings.Contains(got, want) {
			t.Errorf("the problems lack %q:\n%s", want, got)
		}
	}
}

// Start ends the process, so it runs in one of its own.
func TestStartRefuses(t *testing.T) {
	if os.Getenv("BUS_TEST_START") != "" {
		Start(wrongBell, On(bellRung, ring))
		return // and the parent sees that it did not exit
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestStartRefuses$")
	cmd.Env = append(os.Environ(), "BUS_TEST_START=1", "VINCI_APP=app", "VINCI_DEPLOYMENT=", "AWS_LAMBDA_RUNTIME_API=127.0.0.1:1")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 1 {
		t.Fatalf("exit %v\n%s", err, &stderr)
	}
	var line struct {
		Level, Msg string
		Problems   []string
	}
	if err := json.Unmarshal(stderr.Bytes(), &line); err != nil {
		t.Fatalf("%v: want one line, got\n%s", err, &stderr)
	}
	if line.Level != "ERROR" || line.Msg != "the function cannot start" || len(line.Problems) != 3 {
		t.Errorf("line %+v, want the name, the missing handler and the deployment id", line)
	}
}

func TestOverrunEndsTheProcess(t *testing.T) {
	for err, exits := range map[error]bool{nil: false, errors.New("other"): false, ErrOverrun: true} {
		_, got := endOnOverrun(func(context.Context, events.SQSEvent) (events.SQSEventResponse, error) {
			return events.SQSEventResponse{}, err
		})(t.Context(), events.SQSEvent{})
		e, ok := got.(messages.InvokeResponse_Error)
		if ok != exits || ok && !e.ShouldExit || !ok && got != err {
			t.Errorf("%v became %v", err, got)
		}
	}
}

func TestRetryDelay(t *testing.T) {
	c := &Consumer{}
	c.defaults()
	for attempt := 1; attempt <= 30; attempt++ {
		want := min(retryBase<<min(attempt-1, 20), 15*60*retryBase)
		for range 100 {
			d := c.retryDelay(retryBase, attempt)
			if d < want || d > min(want+want/2+retryBase, 15*60*retryBase) || d%retryBase != 0 {
				t.Fatalf("attempt %d: %v, want %v and at most half more, in whole seconds", attempt, d, want)
			}
		}
	}
}

func FuzzReceive(f *testing.F) {
	c, err := fromEnv(func(name string) string {
		return map[string]string{"VINCI_APP": "app", "VINCI_DEPLOYMENT": "dev"}[name]
	}, slog.Default(), io.Discard, onBell, []Part{On(bellRung, ring)})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(`{"detail":{"specversion":"1.0","id":"bell/1@1","source":"app","type":"bell.rung","time":"2026-01-01T00:00:00Z","schemaversion":1,"data":{}},"replay-name":"r"}`)
	f.Add(`{"detail":null}`)
	f.Add(`{"detail":{"id":""}}`)
	f.Add(``)
	f.Fuzz(func(t *testing.T, body string) {
		d := c.receive(&invocation{}, &events.SQSMessage{Body: body})
		if d.unreadable != nil {
			if !isPermanent(d.unreadable) || kindOf(d.unreadable) != string(KindUndecodable) {
				t.Errorf("%v is %s", d.unreadable, kindOf(d.unreadable))
			}
			return
		}
		if d.event.ID == "" || d.runID == "" {
			t.Errorf("an event without id: %+v", d.event)
		}
		// Whatever can be read can be recorded.
		if _, err := Deliveries.Insert(d.first(c)).Actions(t.Context(), nil); err != nil {
			t.Error(err)
		}
	})
}
