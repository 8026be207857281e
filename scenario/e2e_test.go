package scenario_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamodbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	eventbridgetypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/domain"
	"github.com/vinci-go/vinci/domain/users"
	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/eventlog"
	"github.com/vinci-go/vinci/internal/moduletest"
	"github.com/vinci-go/vinci/local/localtest"
	"github.com/vinci-go/vinci/orm"
	"github.com/vinci-go/vinci/scenario"
)

var subscriptions = []*bus.Definition{users.SendWelcome, users.CountTotal, users.CountActive}

// wanted is what `make run` prints, to the letter but for ids and durations. The
// optional line is there once somebody has followed the README.
var wanted = regexp.MustCompile(`^Created user: ([0-9a-f]{20})
Welcome email sent to alice@example\.com
Stats updated: 1 total users
Activated user: ([0-9a-f]{20})
Stats updated: 1 active users

EVENT +TYPE +SUBSCRIPTION +OUTCOME +ATTEMPTS +DURATION
(?:user/[0-9a-f]{20}@1 +user\.created +count_domain +succeeded +1 +[0-9.mµ]+s
)?user/[0-9a-f]{20}@1 +user\.created +count_total +succeeded +1 +[0-9.mµ]+s
user/[0-9a-f]{20}@1 +user\.created +send_welcome +succeeded +1 +[0-9.mµ]+s
user/[0-9a-f]{20}@2 +user\.activated +count_active +succeeded +1 +[0-9.mµ]+s
user/[0-9a-f]{20}@2 +user\.activated +count_total +ignored +[01] +[0-9.mµ]+s

Tenant acme has 10 lamps, 5 clocks and no chairs, a mail provider and a distributor
Placed order ([0-9a-f]{20}) for 40\.00 EUR: its mail will fail twice, and its distributor is slow
Placed order [0-9a-f]{20} for 25\.00 EUR; asked again under the same key: the same order
Paid, confirmed and fulfilled order [0-9a-f]{20}
Cancelled order [0-9a-f]{20} after it was paid: 37\.50 EUR go back, and so do 3 lamps
Order [0-9a-f]{20} was cancelled: there is not enough of a product: 1 of chair were wanted, 0 are there
Order [0-9a-f]{20} was cancelled: it was not paid in time
Mails sent: 5; the distributor was told of 5 orders; every signature was right
Dashboard of this month: 5 orders, revenue 25\.00 EUR, 0 to be fulfilled, first title Lamp \(9 pieces\)
Orders that are placed: 1
Orders that are fulfilled: 1
Orders that are cancelled: 3
Lamps left: 8

Reactions to order ([0-9a-f]{20}) since its POST, which was answered after [0-9.]+(?:m|µ)?s:
DONE AFTER +EVENT +SUBSCRIPTION +OUTCOME +ATTEMPTS +DURATION
[0-9.]+m?s +order\.placed +analyse_orders +succeeded +1 +[0-9.]+m?µ?s
[0-9.]+m?s +order\.placed +audit_orders +succeeded +1 +[0-9.]+m?µ?s
[0-9.]+s +order\.placed +confirm_order +succeeded +3 +[0-9.]+m?µ?s
[0-9.]+s +order\.placed +notify_distributor +succeeded +1 +[0-9.]+m?s
[0-9.]+m?s +order\.placed +project_dashboard +succeeded +1 +[0-9.]+m?µ?s
[0-9.]+m?s +order\.placed +project_summary +succeeded +1 +[0-9.]+m?µ?s
[0-9.]+m?s +order\.placed +reserve_stock +succeeded +1 +[0-9.]+m?µ?s
[0-9.]+m?s +inventory\.reserved +audit_orders +succeeded +1 +[0-9.]+m?µ?s
$`)

func TestRun(t *testing.T) {
	var stdout, stderr bytes.Buffer
	if err := scenario.Run(t.Context(), scenario.Options{Dir: "..", Timeout: time.Minute}, &stdout, &stderr); err != nil {
		t.Fatalf("%v\n%s%s", err, &stdout, &stderr)
	}
	m := wanted.FindStringSubmatch(stdout.String())
	if m == nil {
		t.Fatalf("printed:\n%s\nwanted to match:\n%s", &stdout, wanted)
	}
	if m[1] != m[2] || m[3] != m[4] {
		t.Errorf("created %s, activated %s; the mail of %s failed, the reactions are those to %s", m[1], m[2], m[3], m[4])
	}
	for _, pid := range children(t) {
		t.Errorf("process %d outlives the run", pid)
	}
}

// A step that fails is named, and the log of its function is shown.
func TestRunShowsWhatFailed(t *testing.T) {
	dir := moduletest.Copy(t, "..")
	moduletest.Replace(t, filepath.Join(dir, "domain", "users", "mailer.go"), "return nil\n", `return errors.New("the mail provider is down")`+"\n")
	moduletest.Replace(t, filepath.Join(dir, "domain", "users", "mailer.go"), `"context"`, "\"context\"\n\t\"errors\"")
	var stdout, stderr bytes.Buffer
	err := scenario.Run(t.Context(), scenario.Options{Dir: dir, Timeout: 5 * time.Second}, &stdout, &stderr)
	if err == nil || !strings.Contains(err.Error(), "step send the welcome mail: ") {
		t.Errorf("error %v, want one that names the step", err)
	}
	if !regexp.MustCompile(`log of function send_welcome:\n(.*\n)*.*the mail provider is down`).MatchString(stderr.String()) {
		t.Errorf("the function's log is not shown:\n%s", &stderr)
	}
	if !regexp.MustCompile(`^Created user: [0-9a-f]{20}\n$`).MatchString(stdout.String()) {
		t.Errorf("printed %q, want the one step that worked", &stdout)
	}
	for _, pid := range children(t) {
		t.Errorf("process %d outlives the run", pid)
	}
}

// system is one running application that the tests below share, with the numbers
// that its counters must show.
type system struct {
	*scenario.Stage
	dynamodb    *dynamodb.Client
	eventbridge *eventbridge.Client
	sqs         *sqs.Client

	total, active atomic.Int64
}

func TestSystem(t *testing.T) {
	t.Cleanup(func() { // after the application has been stopped
		for _, pid := range children(t) {
			t.Errorf("process %d outlives the runtime", pid)
		}
	})
	app := localtest.Start(t, localtest.Options{})
	stage, err := scenario.Connect(app.URL(t), app.Endpoint(), app.Credentials())
	if err != nil {
		t.Fatal(err)
	}
	stage.Runtime = app.Runtime()
	config := app.AWS()
	s := &system{
		Stage:       stage,
		dynamodb:    dynamodb.NewFromConfig(config),
		eventbridge: eventbridge.NewFromConfig(config),
		sqs:         sqs.NewFromConfig(config),
	}
	// In this order, since they share the counters.
	t.Run("one of 50 parallel registrations wins", s.testUnique)
	t.Run("bad input writes nothing", s.testBadInput)
	t.Run("duplicates count once", s.testDuplicates)
	t.Run("what is no event goes to the dead-letter queue with the reason", s.testPoison)
	t.Run("50 parallel duplicates of each event count once", s.testManyDuplicates)
	t.Run("a burst through killed functions", s.testBurst)
}

// post sends a registration and returns status and answer.
func (s *system) post(ctx context.Context, path, body string) (int, map[string]any, error) {
	req, err := http.NewRequestWithContext(ctx, "POST", s.API+path, strings.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	var doc map[string]any
	if err := json.NewDecoder(resp.Body).Decode(&doc); err != nil {
		return 0, nil, fmt.Errorf("status %d: %w", resp.StatusCode, err)
	}
	return resp.StatusCode, doc, nil
}

func (s *system) testUnique(t *testing.T) {
	const parallel = 50
	var mu sync.Mutex
	status := map[int]int{}
	var winner string
	var wg sync.WaitGroup
	for i := range parallel {
		wg.Go(func() {
			email := "bob@example.com"
			if i%2 == 1 {
				email = "Bob@Example.Com"
			}
			code, doc, err := s.post(t.Context(), "/users", fmt.Sprintf(`{"email":%q,"name":"Bob"}`, email))
			if err != nil {
				t.Error(err)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			status[code]++
			if code == 201 {
				winner = doc["user_id"].(string)
			}
		})
	}
	wg.Wait()
	if status[201] != 1 || status[409] != parallel-1 {
		t.Fatalf("answers by status: %v, want one 201 and %d times 409", status, parallel-1)
	}
	s.total.Add(1)
	s.settled(t, winner, 1)
}

func (s *system) testBadInput(t *testing.T) {
	before := s.count(t, scenario.Deployment.Table("users")) + s.count(t, scenario.Deployment.Table("events"))
	for _, tt := range []struct{ body, field string }{
		{`{"name":"Carol"}`, "email"},
		{`{"email":"carol","name":"Carol"}`, "email"},
		{`{"email":"carol@example.com","name":" "}`, "name"},
		{`{"email":"carol@example.com","name":"Carol","admin":true}`, "admin"},
	} {
		code, doc, err := s.post(t.Context(), "/users", tt.body)
		if err != nil || code != 400 || doc["field"] != tt.field || doc["title"] != "Bad Request" {
			t.Errorf("%s: status %d, %v, %v", tt.body, code, doc, err)
		}
	}
	if after := s.count(t, scenario.Deployment.Table("users")) + s.count(t, scenario.Deployment.Table("events")); after != before {
		t.Errorf("%d items before, %d after", before, after)
	}
}

func (s *system) testDuplicates(t *testing.T) {
	code, doc, err := s.post(t.Context(), "/users", `{"email":"dora@example.com","name":"Dora"}`)
	if err != nil || code != 201 {
		t.Fatalf("register: %d %v %v", code, doc, err)
	}
	s.total.Add(1)
	id := doc["user_id"].(string)
	envelope := s.settled(t, id, 1)

	detail, err := json.Marshal(envelope)
	if err != nil {
		t.Fatal(err)
	}
	// EventBridge may deliver an event again, under a new id of its own.
	var wg sync.WaitGroup
	for range 30 {
		wg.Go(func() {
			out, err := s.eventbridge.PutEvents(t.Context(), &eventbridge.PutEventsInput{Entries: []eventbridgetypes.PutEventsRequestEntry{{
				EventBusName: aws.String(scenario.Deployment.Bus()),
				Source:       aws.String(domain.Application),
				DetailType:   aws.String(envelope.Type),
				Detail:       aws.String(string(detail)),
			}}})
			if err != nil || out.FailedEntryCount != 0 {
				t.Errorf("put event: %v %v", err, out)
			}
		})
	}
	wg.Wait()
	s.drained(t)
	s.checkStats(t)
	for _, sub := range []*bus.Definition{users.SendWelcome, users.CountTotal} {
		d, err := bus.Deliveries.Get(t.Context(), s.Store, orm.Key(envelope.ID, sub.Name))
		if err != nil || d.Status != bus.Succeeded || d.Attempts != 1 {
			t.Errorf("%s: %+v %v, want one successful attempt", sub.Name, d, err)
		}
	}
}

// testManyDuplicates publishes each of many events 50 times, all at once: the
// counter ends at their number.
func (s *system) testManyDuplicates(t *testing.T) {
	events, writers := 5, 5
	if full {
		events, writers = 1000, 20
	}
	const duplicates, request = 50, 10
	ids := make(chan string)
	var wg sync.WaitGroup
	for range writers {
		wg.Go(func() {
			for id := range ids {
				c, err := s.Log.Commit(t.Context(), eventlog.Changes{Events: []event.Record{
					users.Created.At("user/"+id, event.New).Record(users.UserCreated{UserID: id, Email: id + "@example.com", Name: "User"}),
				}})
				if err != nil {
					t.Error(err)
					continue
				}
				s.total.Add(1)
				e, err := s.Event(t.Context(), c.Events[0].Subject, 1)
				if err != nil {
					t.Error(err)
					continue
				}
				detail, err := json.Marshal(e)
				if err != nil {
					t.Error(err)
					continue
				}
				entries := make([]eventbridgetypes.PutEventsRequestEntry, request)
				for i := range entries {
					entries[i] = eventbridgetypes.PutEventsRequestEntry{
						EventBusName: aws.String(scenario.Deployment.Bus()), Source: aws.String(domain.Application),
						DetailType: aws.String(e.Type), Detail: aws.String(string(detail)),
					}
				}
				var same sync.WaitGroup
				for range duplicates / request {
					same.Go(func() {
						out, err := s.eventbridge.PutEvents(t.Context(), &eventbridge.PutEventsInput{Entries: entries})
						if err != nil || out.FailedEntryCount != 0 {
							t.Errorf("put events: %v %v", err, out)
						}
					})
				}
				same.Wait()
			}
		})
	}
	began := time.Now()
	for n := range events {
		ids <- fmt.Sprintf("duplicate%d", n)
	}
	close(ids)
	wg.Wait()
	// Duplicates at send_welcome that met the lease of another wait for its end, and
	// the next test for them.
	s.drained(t, users.CountTotal)
	s.checkStats(t)
	t.Logf("%d messages to each of two subscriptions in %v", events*(duplicates+1), time.Since(began).Round(time.Millisecond))
}

func (s *system) testPoison(t *testing.T) {
	out, err := s.eventbridge.PutEvents(t.Context(), &eventbridge.PutEventsInput{Entries: []eventbridgetypes.PutEventsRequestEntry{{
		EventBusName: aws.String(scenario.Deployment.Bus()),
		Source:       aws.String(domain.Application),
		DetailType:   aws.String(users.Activated.Name()),
		Detail:       aws.String(`{"no":"envelope"}`),
	}}})
	if err != nil || out.FailedEntryCount != 0 {
		t.Fatalf("put event: %v %v", err, out)
	}
	for _, sub := range []*bus.Definition{users.CountTotal, users.CountActive} {
		queue := scenario.Deployment.DeadLetterQueue(sub.Name)
		url, err := s.sqs.GetQueueUrl(t.Context(), &sqs.GetQueueUrlInput{QueueName: aws.String(queue)})
		if err != nil {
			t.Fatal(err)
		}
		got, err := s.sqs.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{
			QueueUrl: url.QueueUrl, WaitTimeSeconds: 20, MessageAttributeNames: []string{"All"},
		})
		if err != nil || len(got.Messages) != 1 {
			t.Fatalf("%s: %d messages, %v; want the poison", queue, len(got.Messages), err)
		}
		m := got.Messages[0]
		if !strings.Contains(*m.Body, `"no":"envelope"`) {
			t.Errorf("%s holds %s", queue, *m.Body)
		}
		for _, name := range []string{bus.AttrErrorKind, bus.AttrErrorMessage} {
			if a, ok := m.MessageAttributes[name]; !ok || *a.StringValue == "" {
				t.Errorf("%s: attribute %s is missing: %v", queue, name, m.MessageAttributes)
			}
		}
	}
	s.drained(t)
	s.checkStats(t)
}

// testBurst registers and activates many users at once and kills function
// processes meanwhile: every counter must come out right.
func (s *system) testBurst(t *testing.T) {
	const parallel = 40
	ids := make([]string, parallel)
	var wg sync.WaitGroup
	for i := range parallel {
		wg.Go(func() {
			body := fmt.Sprintf(`{"email":"user%d@example.com","name":"User %d"}`, i, i)
			code, doc, err := s.post(t.Context(), "/users", body)
			if err != nil || code != 201 {
				t.Errorf("register: %d %v %v", code, doc, err)
				return
			}
			s.total.Add(1)
			ids[i] = doc["user_id"].(string)
			code, doc, err = s.post(t.Context(), "/users/"+ids[i]+"/activate", "")
			if err != nil || code != 200 {
				t.Errorf("activate: %d %v %v", code, doc, err)
				return
			}
			s.active.Add(1)
		})
	}
	wg.Wait()
	// The counters' processes die while they work the queues off.
	killed := 0
	for range 3 {
		for _, function := range []string{users.CountTotal.Name, users.CountActive.Name} {
			for _, pid := range s.Runtime.Processes(function) {
				if err := syscall.Kill(pid, syscall.SIGKILL); err == nil {
					killed++
				}
			}
		}
	}
	t.Logf("killed %d processes", killed)
	for _, id := range ids {
		if id != "" {
			s.settled(t, id, 1)
			s.settled(t, id, 2)
		}
	}
	s.drained(t)
	s.checkStats(t)
}

// settled waits until every subscription that wants the event has an outcome,
// and returns the event.
func (s *system) settled(t *testing.T, userID string, version int64) event.Envelope {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	e, err := s.Event(ctx, "user/"+userID, version)
	if err != nil {
		t.Fatal(err)
	}
	for _, sub := range subscriptions {
		if !sub.Matches(e.Type) {
			continue
		}
		want := bus.Succeeded
		if sub == users.CountTotal && e.Type == users.Activated.Name() {
			want = bus.Ignored
		}
		if err := s.Delivered(ctx, e.ID, sub, want); err != nil {
			t.Fatal(err)
		}
	}
	return e
}

// drained waits until the queues of subscriptions hold no message, in flight or
// not; all of them, when none is named.
func (s *system) drained(t *testing.T, subs ...*bus.Definition) {
	t.Helper()
	if len(subs) == 0 {
		subs = subscriptions
	}
	for _, sub := range subs {
		for {
			empty, err := s.Empty(t.Context(), sub)
			if err != nil {
				t.Fatal(err)
			}
			if empty {
				break
			}
			time.Sleep(20 * time.Millisecond) // between two looks at a condition that nothing signals
		}
	}
}

func (s *system) checkStats(t *testing.T) {
	t.Helper()
	var stats struct {
		TotalUsers  int64 `json:"total_users"`
		ActiveUsers int64 `json:"active_users"`
	}
	if err := s.Call(t.Context(), "GET", "/stats", nil, &stats, 200); err != nil {
		t.Fatal(err)
	}
	if stats.TotalUsers != s.total.Load() || stats.ActiveUsers != s.active.Load() {
		t.Errorf("stats %+v, want %d total and %d active", stats, s.total.Load(), s.active.Load())
	}
}

// count returns how many items a table holds.
func (s *system) count(t *testing.T, table string) int {
	t.Helper()
	n := 0
	pages := dynamodb.NewScanPaginator(s.dynamodb, &dynamodb.ScanInput{TableName: aws.String(table), Select: dynamodbtypes.SelectCount})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		n += int(page.Count)
	}
	return n
}
