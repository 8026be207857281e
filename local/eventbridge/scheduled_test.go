package eventbridge_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vinci-go/vinci/local/eventbridge"
	"github.com/vinci-go/vinci/local/gateway"
	"github.com/vinci-go/vinci/local/sqs"
)

// call makes a call without a network, so that synctest's clock passes.
func call(t testing.TB, s *eventbridge.Service, operation, body string) (status int, answer string) {
	t.Helper()
	return serveCall(s, operation, body)
}

func serveCall(s *eventbridge.Service, operation, body string) (status int, answer string) {
	r := httptest.NewRequest("POST", "/", strings.NewReader(body))
	r.Header.Set("X-Amz-Target", "AWSEvents."+operation)
	r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	w := httptest.NewRecorder()
	s.Serve(w, &gateway.Request{HTTP: r, Body: []byte(body), Operation: operation, ID: "request"})
	return w.Code, w.Body.String()
}

func ok(t testing.TB, s *eventbridge.Service, operation, body string) string {
	t.Helper()
	status, answer := call(t, s, operation, body)
	if status != 200 {
		t.Fatalf("%s %s: %d %s", operation, body, status, answer)
	}
	return answer
}

// times are when messages came, in seconds since a time.
func times(t testing.TB, q *sqs.Service, queue string, since time.Time) []string {
	t.Helper()
	var all []string
	for _, m := range receive(t, q, queue) {
		var e struct{ Time time.Time }
		if err := json.Unmarshal([]byte(m.Body), &e); err != nil {
			t.Fatal(err)
		}
		all = append(all, fmt.Sprint(e.Time.Sub(since).Seconds()))
		if err := q.Delete(t.Context(), queuePrefix+queue, m.ReceiptHandle); err != nil {
			t.Fatal(err)
		}
	}
	slices.Sort(all)
	return all
}

func started(t testing.TB, o eventbridge.Options) *eventbridge.Service {
	t.Helper()
	s, err := eventbridge.Open(o)
	if err == nil {
		err = s.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return s
}

// Schedules that SDK calls make run as they say, to queues and functions, with
// every input; those of the assembly may be hurried.
func TestSchedules(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := openQueues(t, freeQueues(t, "sdk", "assembly", "hurried")...)
		f := (&functions{}).allow(t, "f", "*").allow(t, "often", "*")
		var mu sync.Mutex
		var often []string
		s := started(t, eventbridge.Options{Queues: q, Functions: f, FinestRate: 10 * time.Second, CallFrequently: func(_ context.Context, arn string, payload []byte) error {
			mu.Lock()
			defer mu.Unlock()
			often = append(often, string(payload))
			return nil
		}})
		target := func(queue string) eventbridge.TargetConfig {
			return eventbridge.TargetConfig{ID: queue, ARN: queuePrefix + queue}
		}
		err := s.Apply(eventbridge.Config{Rules: []eventbridge.RuleConfig{
			{Name: "hurried", ScheduleExpression: "rate(1 minute)", Targets: []eventbridge.TargetConfig{target("hurried"), {ID: "f", ARN: functionPrefix + "often", Input: `{"often":1}`}}},
			{Name: "assembly", ScheduleExpression: "rate(2 minutes)", Targets: []eventbridge.TargetConfig{target("assembly")}},
		}})
		if err != nil {
			t.Fatal(err)
		}
		begin := time.Now()
		ok(t, s, "PutRule", `{"Name":"sdk","ScheduleExpression":"rate(1 minute)"}`)
		ok(t, s, "PutTargets", `{"Rule":"sdk","Targets":[{"Id":"q","Arn":"`+queuePrefix+`sdk"},{"Id":"f","Arn":"`+functionPrefix+`f","Input":"{\"x\":1}"},
			{"Id":"g","Arn":"`+functionPrefix+`f","InputTransformer":{"InputPathsMap":{"t":"$.detail-type"},"InputTemplate":"\"<t> <aws.events.rule-name>\""}}]}`)
		time.Sleep(125 * time.Second)
		synctest.Wait()
		if got := times(t, q, "sdk", begin); !slices.Equal(got, []string{"120", "60"}) {
			t.Errorf("the SDK's rule ran at %v", got)
		}
		if got := times(t, q, "hurried", begin); len(got) != 12 {
			t.Errorf("the hurried rule ran at %v", got)
		}
		if got := times(t, q, "assembly", begin); !slices.Equal(got, []string{"120"}) {
			t.Errorf("the assembly's rule ran at %v", got)
		}
		calls := f.called()
		slices.Sort(calls)
		if want := []string{`f "Scheduled Event sdk"`, `f "Scheduled Event sdk"`, `f {"x":1}`, `f {"x":1}`}; !slices.Equal(calls, want) {
			t.Errorf("called %q", calls)
		}
		if len(often) != 12 || often[0] != `{"often":1}` {
			t.Errorf("called often with %q", often)
		}

		ok(t, s, "DisableRule", `{"Name":"sdk"}`)
		time.Sleep(10 * time.Minute)
		if got := times(t, q, "sdk", begin); len(got) != 0 {
			t.Errorf("a disabled rule ran at %v", got)
		}
		ok(t, s, "EnableRule", `{"Name":"sdk"}`)
		time.Sleep(61 * time.Second)
		if got := times(t, q, "sdk", begin); len(got) != 1 {
			t.Errorf("the rule ran at %v", got)
		}
		ok(t, s, "PutRule", `{"Name":"sdk","ScheduleExpression":"cron(0 * * * ? *)"}`)
		time.Sleep(time.Hour)
		if got := times(t, q, "sdk", begin); len(got) != 1 {
			t.Errorf("the rule ran at %v", got)
		}
		if err := s.StopSchedules(context.Background()); err != nil {
			t.Fatal(err)
		}
		for len(times(t, q, "hurried", begin)) > 0 {
		}
		time.Sleep(time.Hour)
		if got := times(t, q, "hurried", begin); len(got) != 0 {
			t.Errorf("after the end it ran at %v", got)
		}
	})
}

// The event is EventBridge's.
func TestScheduledEvent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := openQueues(t, freeQueues(t, "a")...)
		s := started(t, eventbridge.Options{Queues: q, NewID: func() string { return "id-1" }})
		ok(t, s, "PutRule", `{"Name":"r","ScheduleExpression":"rate(1 minute)","EventPattern":"{\"source\":[\"app\"]}"}`)
		ok(t, s, "PutTargets", `{"Rule":"r","Targets":[{"Id":"q","Arn":"`+queuePrefix+`a"}]}`)
		begin := time.Now()
		time.Sleep(time.Minute)
		synctest.Wait()
		want := `{"version":"0","id":"id-1","detail-type":"Scheduled Event","source":"aws.events","account":"000000000000","time":"` + begin.Add(time.Minute).UTC().Format(time.RFC3339) +
			`","region":"us-east-1","resources":["` + rulePrefix + `r"],"detail":{}}`
		if m := receive(t, q, "a"); len(m) != 1 || m[0].Body != want {
			t.Errorf("got %+v, want %s", m, want)
		}
		// The rule's pattern works beside its schedule.
		put(t, s, eventbridge.Entry{Source: "app", DetailType: "t", Detail: "{}"})
		if m := receive(t, q, "a"); len(m) != 1 || !strings.Contains(m[0].Body, `"source":"app"`) {
			t.Errorf("got %+v", m)
		}
	})
}

func TestFrequentCallFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := (&functions{}).allow(t, "f", "*")
		var log bytes.Buffer
		s := started(t, eventbridge.Options{Queues: openQueues(t), Functions: f, FinestRate: time.Second, Logger: slog.New(slog.NewTextHandler(&log, nil)),
			CallFrequently: func(context.Context, string, []byte) error { return errors.New("it broke") }})
		rule := func(function string) eventbridge.RuleConfig {
			return eventbridge.RuleConfig{Name: function, ScheduleExpression: "rate(1 minute)", Targets: []eventbridge.TargetConfig{{ID: "f", ARN: functionPrefix + function}}}
		}
		if err := s.Apply(eventbridge.Config{Rules: []eventbridge.RuleConfig{rule("f"), rule("closed")}}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2500 * time.Millisecond)
		if err := s.StopSchedules(context.Background()); err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(log.String(), `error="it broke"`); n != 2 {
			t.Errorf("%d lines: %s", n, &log)
		}
		if n := strings.Count(log.String(), "has no policy that allows"); n != 2 {
			t.Errorf("%d lines: %s", n, &log)
		}
	})
}
