package eventbridge_test

import (
	"bytes"
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

	"github.com/vinci-go/vinci/event/pattern"
	"github.com/vinci-go/vinci/local/eventbridge"
	"github.com/vinci-go/vinci/local/gateway"
	"github.com/vinci-go/vinci/local/iam"
	"github.com/vinci-go/vinci/local/sqs"
)

const (
	queuePrefix = "arn:aws:sqs:us-east-1:000000000000:"
	rulePrefix  = "arn:aws:events:us-east-1:000000000000:rule/"
)

// queueFor is a queue that the rules named may send to.
func queueFor(t testing.TB, name string, rules ...string) sqs.QueueConfig {
	t.Helper()
	c := sqs.DefaultQueue(name)
	if len(rules) == 0 {
		return c
	}
	var arns []string
	for _, r := range rules {
		arns = append(arns, rulePrefix+r)
	}
	list, err := json.Marshal(arns)
	if err != nil {
		t.Fatal(err)
	}
	policy, err := iam.ParseResource(fmt.Appendf(nil, `{"Version":"2012-10-17","Statement":[
	  {"Effect":"Deny","Principal":{"AWS":"*"},"Action":"sqs:*","Resource":%[1]q,"Condition":{"Bool":{"aws:SecureTransport":"false"}}},
	  {"Effect":"Allow","Principal":{"Service":"events.amazonaws.com"},"Action":["sqs:SendMessage","sqs:GetQueueAttributes"],"Resource":%[1]q,
	   "Condition":{"ArnEquals":{"aws:SourceArn":%[2]s}}}]}`, queuePrefix+name, list))
	if err != nil {
		t.Fatal(err)
	}
	c.Policy = &policy
	return c
}

func openQueues(t testing.TB, configs ...sqs.QueueConfig) *sqs.Service {
	t.Helper()
	q, err := sqs.New(sqs.Options{})
	if err == nil {
		err = q.Apply(configs)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { q.Close() })
	return q
}

func open(t testing.TB, o eventbridge.Options, c eventbridge.Config) *eventbridge.Service {
	t.Helper()
	s := eventbridge.New(o)
	if err := s.Apply(c); err != nil {
		t.Fatal(err)
	}
	return s
}

func rule(name, pattern string, queues ...string) eventbridge.RuleConfig {
	r := eventbridge.RuleConfig{Name: name, EventBusName: "bus", EventPattern: []byte(pattern)}
	for _, q := range queues {
		r.Targets = append(r.Targets, eventbridge.TargetConfig{ID: q, ARN: queuePrefix + q})
	}
	return r
}

func put(t testing.TB, s *eventbridge.Service, entries ...eventbridge.Entry) []eventbridge.Result {
	t.Helper()
	results, err := s.PutEvents(t.Context(), entries)
	if err != nil {
		t.Fatal(err)
	}
	return results
}

func receive(t testing.TB, q *sqs.Service, name string) []sqs.Message {
	t.Helper()
	m, err := q.Receive(t.Context(), queuePrefix+name, sqs.ReceiveOptions{Max: 100})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

var entry = eventbridge.Entry{Source: "app", DetailType: "user.created", Detail: `{"id":1}`, EventBusName: "bus"}

// What a queue gets is EventBridge's event to the byte.
func TestPutEventsDelivers(t *testing.T) {
	queues := openQueues(t, queueFor(t, "a", "bus/r1", "bus/r2"), queueFor(t, "b", "bus/r2"), queueFor(t, "c", "bus/off", "bus/other"))
	now := time.Date(2026, 11, 20, 18, 43, 48, 999, time.FixedZone("", 3600))
	ids := 0
	s := open(t, eventbridge.Options{Queues: queues, Now: func() time.Time { return now }, NewID: func() string { ids++; return fmt.Sprint("id-", ids) }},
		eventbridge.Config{Buses: []eventbridge.BusConfig{{Name: "bus"}}, Rules: []eventbridge.RuleConfig{
			rule("r1", `{"detail-type":["user.created"]}`, "a"),
			rule("r2", `{"source":["app"],"detail-type":[{"prefix":"user."}]}`, "a", "b"),
			rule("other", `{"source":["other"]}`, "c"),
			func() eventbridge.RuleConfig {
				r := rule("off", `{"source":["app"]}`, "c")
				r.Disabled = true
				return r
			}(),
		}})
	results := put(t, s,
		eventbridge.Entry{Source: "app", DetailType: "user.created", EventBusName: "arn:aws:events:us-east-1:000000000000:event-bus/bus",
			Detail: ` { "z" : "<é>" , "a":[1.0] } `, Resources: []string{"arn:x", `"`}, TraceHeader: "Root=1", Time: time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC)},
		eventbridge.Entry{Source: "app", DetailType: "user.<activated>", Detail: `{}`, EventBusName: "bus"},
		eventbridge.Entry{Source: "app", DetailType: "user.created", Detail: `{}`}, // the default bus has no rules
	)
	if results[0].EventID != "id-1" || results[1].EventID != "id-2" || results[2].EventID != "id-3" {
		t.Fatalf("results %+v", results)
	}
	one := `{"version":"0","id":"id-1","detail-type":"user.created","source":"app","account":"000000000000","time":"2026-01-02T03:04:05Z","region":"us-east-1","resources":["arn:x","\""],"detail": { "z" : "<é>" , "a":[1.0] } }`
	two := `{"version":"0","id":"id-2","detail-type":"user.<activated>","source":"app","account":"000000000000","time":"2026-11-20T17:43:48Z","region":"us-east-1","resources":[],"detail":{}}`
	for name, want := range map[string][]string{"a": {one, one, two}, "b": {one, two}, "c": nil} {
		var got []string
		for _, m := range receive(t, queues, name) {
			got = append(got, m.Body)
			if trace := map[string]string{one: "Root=1"}[m.Body]; m.TraceHeader != trace || m.SenderID != "events.amazonaws.com" {
				t.Errorf("queue %s: trace %q, sender %q", name, m.TraceHeader, m.SenderID)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("queue %s has\n%s\nwant\n%s", name, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	}
}

func TestPutEventsFailsByEntry(t *testing.T) {
	queues := openQueues(t, queueFor(t, "a", "bus/all"))
	s := open(t, eventbridge.Options{Queues: queues}, eventbridge.Config{Buses: []eventbridge.BusConfig{{Name: "bus"}},
		Rules: []eventbridge.RuleConfig{rule("all", `{"account":["000000000000"]}`, "a")}})
	change := func(f func(*eventbridge.Entry)) eventbridge.Entry {
		e := entry
		f(&e)
		return e
	}
	tests := []struct {
		name, code string
		entry      eventbridge.Entry
	}{
		{"ok", "", entry},
		{"no source", "InvalidArgument", change(func(e *eventbridge.Entry) { e.Source = "" })},
		{"no detail type", "InvalidArgument", change(func(e *eventbridge.Entry) { e.DetailType = "" })},
		{"no detail", "InvalidArgument", change(func(e *eventbridge.Entry) { e.Detail = "" })},
		{"long detail type", "InvalidArgument", change(func(e *eventbridge.Entry) { e.DetailType = strings.Repeat("é", 129) })},
		{"detail type at the limit", "", change(func(e *eventbridge.Entry) { e.DetailType = strings.Repeat("é", 128) })},
		{"bus name", "InvalidArgument", change(func(e *eventbridge.Entry) { e.EventBusName = "a b" })},
		{"AWS's source", "NotAuthorizedForSourceException", change(func(e *eventbridge.Entry) { e.Source = "aws.ec2" })},
		{"no JSON", "MalformedDetail", change(func(e *eventbridge.Entry) { e.Detail = "{" })},
		{"no object", "MalformedDetail", change(func(e *eventbridge.Entry) { e.Detail = ` ["a"]` })},
		{"too deep", "MalformedDetail", change(func(e *eventbridge.Entry) {
			e.Detail = `{"a":` + strings.Repeat("[", 1000) + strings.Repeat("]", 1000) + `}`
		})},
		{"deep, and brackets in a text", "", change(func(e *eventbridge.Entry) {
			e.Detail = `{"a":` + strings.Repeat("[", 999) + `"\"[[["` + strings.Repeat("]", 999) + `}`
		})},
		{"no such bus", "", change(func(e *eventbridge.Entry) { e.EventBusName = "none" })},
	}
	delivered := 0
	for _, tt := range tests {
		r := put(t, s, tt.entry, entry)
		delivered++ // the second one, whatever the first
		if r[0].ErrorCode != tt.code || (tt.code == "") != (r[0].EventID != "") || (tt.code == "") != (r[0].ErrorMessage == "") || r[1].EventID == "" {
			t.Errorf("%s: got %+v, want code %q", tt.name, r, tt.code)
		}
		if tt.code == "" && tt.entry.EventBusName == "bus" {
			delivered++
		}
	}
	if got := len(receive(t, queues, "a")); got != delivered {
		t.Errorf("%d events were delivered, want %d", got, delivered)
	}
}

func TestPutEventsRefusesTheCall(t *testing.T) {
	s := eventbridge.New(eventbridge.Options{Queues: openQueues(t)})
	refused := func(entries []eventbridge.Entry) bool {
		_, err := s.PutEvents(t.Context(), entries)
		var e *gateway.Error
		return errors.As(err, &e) && e.Code == "ValidationException"
	}
	large := func(n int) eventbridge.Entry {
		e := eventbridge.Entry{Source: "s", DetailType: "t", Time: time.Unix(0, 0), Resources: []string{"r"}}
		e.Detail = `{"a":"` + strings.Repeat("x", n-len(`{"a":""}`)-3-14) + `"}`
		return e
	}
	if !refused(nil) || !refused(slices.Repeat([]eventbridge.Entry{entry}, 11)) {
		t.Error("0 and 11 entries are accepted")
	}
	if !refused([]eventbridge.Entry{large(1 << 20)}) || !refused([]eventbridge.Entry{large(1 << 19), large(1 << 19)}) {
		t.Error("1 MiB is accepted")
	}
	if refused([]eventbridge.Entry{large(1<<20 - 1)}) || refused(slices.Repeat([]eventbridge.Entry{entry}, 10)) {
		t.Error("what is within the limits is refused")
	}
	if err := s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := s.PutEvents(t.Context(), []eventbridge.Entry{entry}); !errors.Is(err, eventbridge.ErrClosed) {
		t.Errorf("after Close: error %v", err)
	}
}

// What trying again cannot mend goes to the dead-letter queue at once.
func TestDeadLetters(t *testing.T) {
	queues := openQueues(t, queueFor(t, "dead", "bus/r"), queueFor(t, "closed"), queueFor(t, "others", "bus/other"))
	var log bytes.Buffer
	o := eventbridge.Options{Queues: queues, Logger: slog.New(slog.NewTextHandler(&log, nil))}
	for target, code := range map[string]string{"none": "NO_RESOURCE", "closed": "NO_PERMISSIONS", "others": "NO_PERMISSIONS"} {
		r := rule("r", `{"source":["app"]}`, target)
		r.Targets[0].DeadLetterARN = queuePrefix + "dead"
		s := open(t, o, eventbridge.Config{Buses: []eventbridge.BusConfig{{Name: "bus"}}, Rules: []eventbridge.RuleConfig{r}})
		id := put(t, s, entry)[0].EventID
		m := receive(t, queues, "dead")
		if len(m) != 1 || !strings.Contains(m[0].Body, id) {
			t.Fatalf("target %s: the dead-letter queue has %+v", target, m)
		}
		for name, want := range map[string]string{"RULE_ARN": rulePrefix + "bus/r", "TARGET_ARN": queuePrefix + target, "ERROR_CODE": code, "RETRY_ATTEMPTS": "0", "EXHAUSTED_RETRY_CONDITION": ""} {
			if got := m[0].Attributes[name].StringValue; got != want {
				t.Errorf("target %s: %s is %q, want %q", target, name, got, want)
			}
		}
		if !strings.Contains(m[0].Attributes["ERROR_MESSAGE"].StringValue, target) || !strings.Contains(log.String(), id) {
			t.Errorf("target %s: message %q, log %s", target, m[0].Attributes["ERROR_MESSAGE"].StringValue, log.String())
		}
	}
	// Without a dead-letter queue that takes it, the log has the last word.
	for _, dead := range []string{"", "none", "closed"} {
		r := rule("r", `{"source":["app"]}`, "none")
		if dead != "" {
			r.Targets[0].DeadLetterARN = queuePrefix + dead
		}
		s := open(t, o, eventbridge.Config{Buses: []eventbridge.BusConfig{{Name: "bus"}}, Rules: []eventbridge.RuleConfig{r}})
		log.Reset()
		if id := put(t, s, entry)[0].EventID; !strings.Contains(log.String(), "is lost") || !strings.Contains(log.String(), id) {
			t.Errorf("dead-letter queue %q: log %s", dead, log.String())
		}
	}
	log.Reset()
	if put(t, eventbridge.New(o), entry); !strings.Contains(log.String(), "does not exist") {
		t.Errorf("an event for no bus: log %q", log.String())
	}
}

// failing queues fail some sends before they work.
type failing struct {
	*sqs.Service
	mu    sync.Mutex
	fails int
	sends []time.Time
}

var errDisk = errors.New("disk is full")

func (f *failing) SendAll(ctx context.Context, parcels []sqs.Parcel) []error {
	f.mu.Lock()
	defer f.mu.Unlock()
	errs := make([]error, len(parcels))
	for i, p := range parcels {
		if !strings.HasSuffix(p.QueueARN, ":dead") {
			f.sends = append(f.sends, time.Now())
			if f.fails > 0 {
				f.fails--
				errs[i] = errDisk
				continue
			}
		}
		errs[i] = f.Service.SendAll(ctx, parcels[i:i+1])[0]
	}
	return errs
}

func retryBus(t testing.TB, f *failing, p *eventbridge.RetryPolicy, log *bytes.Buffer) *eventbridge.Service {
	r := rule("r", `{"source":["app"]}`, "a")
	r.Targets[0].DeadLetterARN, r.Targets[0].Retry = queuePrefix+"dead", p
	return open(t, eventbridge.Options{Queues: f, Jitter: func() float64 { return 1 }, Logger: slog.New(slog.NewTextHandler(log, nil))},
		eventbridge.Config{Buses: []eventbridge.BusConfig{{Name: "bus"}}, Rules: []eventbridge.RuleConfig{r}})
}

func TestRetry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &failing{Service: openQueues(t, queueFor(t, "a", "bus/r"), queueFor(t, "dead", "bus/r")), fails: 4}
		s := retryBus(t, f, nil, &bytes.Buffer{})
		start := time.Now()
		if r := put(t, s, entry); r[0].EventID == "" || time.Since(start) != 0 {
			t.Fatalf("got %+v after %v, want it accepted at once", r, time.Since(start))
		}
		time.Sleep(time.Minute)
		if err := s.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		var got []time.Duration
		for _, at := range f.sends {
			got = append(got, at.Sub(start))
		}
		want := []time.Duration{0, 500 * time.Millisecond, 1500 * time.Millisecond, 3500 * time.Millisecond, 7500 * time.Millisecond}
		if !slices.Equal(got, want) {
			t.Errorf("attempts at %v, want %v", got, want)
		}
		if len(receive(t, f.Service, "a")) != 1 || len(receive(t, f.Service, "dead")) != 0 {
			t.Error("the event is not where it should be")
		}
	})
}

func TestRetryEnds(t *testing.T) {
	for want, p := range map[string]eventbridge.RetryPolicy{
		"MaximumRetryAttempts/3":     {MaximumRetryAttempts: 3, MaximumEventAge: time.Hour},
		"MaximumRetryAttempts/0":     {MaximumRetryAttempts: 0, MaximumEventAge: time.Hour},
		"MaximumEventAgeInSeconds/6": {MaximumRetryAttempts: 185, MaximumEventAge: time.Minute},
	} {
		synctest.Test(t, func(t *testing.T) {
			f := &failing{Service: openQueues(t, queueFor(t, "a", "bus/r"), queueFor(t, "dead", "bus/r")), fails: 1000}
			var log bytes.Buffer
			s := retryBus(t, f, &p, &log)
			put(t, s, entry)
			time.Sleep(time.Hour)
			if err := s.Close(t.Context()); err != nil {
				t.Fatal(err)
			}
			m := receive(t, f.Service, "dead")
			if len(m) != 1 {
				t.Fatalf("the dead-letter queue has %d messages, want 1", len(m))
			}
			a := m[0].Attributes
			if got := a["EXHAUSTED_RETRY_CONDITION"].StringValue + "/" + a["RETRY_ATTEMPTS"].StringValue; got != want ||
				a["ERROR_CODE"].StringValue != "ERROR_FROM_TARGET" || a["ERROR_MESSAGE"].StringValue != errDisk.Error() {
				t.Errorf("attributes %v, want %s", a, want)
			}
		})
	}
}

func TestCloseGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &failing{Service: openQueues(t, queueFor(t, "a", "bus/r"), queueFor(t, "dead", "bus/r")), fails: 1000}
		var log bytes.Buffer
		s := retryBus(t, f, nil, &log)
		id := put(t, s, entry)[0].EventID
		if err := s.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(log.String(), "the runtime is stopping") || !strings.Contains(log.String(), id) {
			t.Errorf("log %s", log.String())
		}
	})
}

func TestApplyRefuses(t *testing.T) {
	s := eventbridge.New(eventbridge.Options{Queues: openQueues(t)})
	buses := []eventbridge.BusConfig{{Name: "bus"}}
	change := func(f func(*eventbridge.RuleConfig)) eventbridge.RuleConfig {
		r := rule("r", `{"source":["app"]}`, "a")
		f(&r)
		return r
	}
	target := func(f func(*eventbridge.TargetConfig)) eventbridge.RuleConfig {
		return change(func(r *eventbridge.RuleConfig) { f(&r.Targets[0]) })
	}
	for want, r := range map[string]eventbridge.RuleConfig{
		`unknown operator "regex"`: change(func(r *eventbridge.RuleConfig) { r.EventPattern = []byte(`{"a":[{"regex":"b"}]}`) }),
		"AWS allows 2048": change(func(r *eventbridge.RuleConfig) {
			r.EventPattern = []byte(`{"a":["` + strings.Repeat("x", 2048) + `"]}`)
		}),
		`bus "none" does not exist`: change(func(r *eventbridge.RuleConfig) { r.EventBusName = "none" }),
		"the name is not allowed":   change(func(r *eventbridge.RuleConfig) { r.Name = "a b" }),
		"AWS allows 5":              change(func(r *eventbridge.RuleConfig) { r.Targets = slices.Repeat(r.Targets, 6) }),
		`"a" is configured twice`:   change(func(r *eventbridge.RuleConfig) { r.Targets = slices.Repeat(r.Targets, 2) }),
		"targets of type lambda":    target(func(c *eventbridge.TargetConfig) { c.ARN = "arn:aws:lambda:us-east-1:000000000000:function:f" }),
		"targets of type states":    target(func(c *eventbridge.TargetConfig) { c.ARN = "arn:aws:states:us-east-1:000000000000:stateMachine:a:b" }),
		"not in correct format":     target(func(c *eventbridge.TargetConfig) { c.ARN = "a" }),
		"SqsParameters must be":     target(func(c *eventbridge.TargetConfig) { c.ARN += ".fifo" }),
		"dead-letter queue":         target(func(c *eventbridge.TargetConfig) { c.DeadLetterARN = "a" }),
		"the id is not allowed":     target(func(c *eventbridge.TargetConfig) { c.ID = "" }),
		"MaximumRetryAttempts is": target(func(c *eventbridge.TargetConfig) {
			c.Retry = &eventbridge.RetryPolicy{MaximumRetryAttempts: 186, MaximumEventAge: time.Hour}
		}),
		"MaximumEventAge is 0s": target(func(c *eventbridge.TargetConfig) { c.Retry = &eventbridge.RetryPolicy{} }),
	} {
		err := s.Apply(eventbridge.Config{Buses: buses, Rules: []eventbridge.RuleConfig{r}})
		if !errors.Is(err, eventbridge.ErrConfig) || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
	err := s.Apply(eventbridge.Config{Buses: []eventbridge.BusConfig{{Name: "a b"}, {Name: "bus"}, {Name: "bus"}},
		Rules: []eventbridge.RuleConfig{rule("r", `{}`), rule("q", `{"a":[1]}`), rule("q", `{"a":[1]}`)}})
	for _, want := range []string{`bus "a b"`, `bus "bus" is configured twice`, `rule "r"`, `rule "q" is configured twice`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want all at once, also %q", err, want)
		}
	}
	if !errors.Is(err, pattern.ErrInvalid) {
		t.Errorf("error %v does not say that a pattern is invalid", err)
	}
	many := make([]eventbridge.RuleConfig, 301)
	for i := range many {
		many[i] = rule(fmt.Sprint("r", i), `{"a":[1]}`)
	}
	if err := s.Apply(eventbridge.Config{Buses: buses, Rules: many}); err == nil || !strings.Contains(err.Error(), "more than 300 rules") {
		t.Errorf("error %v, want one about the quota", err)
	}
}
