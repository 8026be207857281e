package chaos_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/vinci-go/vinci/local/chaos"
	bus "github.com/vinci-go/vinci/local/eventbridge"
	"github.com/vinci-go/vinci/local/gateway"
	"github.com/vinci-go/vinci/local/iam"
	"github.com/vinci-go/vinci/local/sqs"
)

const (
	roleARN  = "arn:aws:iam::000000000000:role/app-local-count"
	function = "app-local-count"
)

// only is a configuration of some rates, as Parse reads them.
func only(t testing.TB, seed, rates string) chaos.Config {
	t.Helper()
	c, err := chaos.Parse(seed + ",all=0," + rates)
	if err != nil {
		t.Fatal(err)
	}
	c.Pause = time.Millisecond
	return c
}

// tables is a DynamoDB that does everything it is asked, remembers it, and answers
// nothing in particular.
type tables struct {
	mu   sync.Mutex
	done []done
}

type done struct {
	operation string
	body      map[string]any
}

func (s *tables) Prefixes() []string {
	return []string{"DynamoDB_20120810", "DynamoDBStreams_20120810"}
}

func (s *tables) Needs(string, []byte) ([]iam.Need, error) { return nil, nil }

func (s *tables) Serve(w http.ResponseWriter, r *gateway.Request) {
	d := done{operation: r.Operation}
	if err := json.Unmarshal(r.Body, &d.body); err != nil {
		gateway.WriteError(w, r, gateway.Malformed(err))
		return
	}
	s.mu.Lock()
	s.done = append(s.done, d)
	s.mu.Unlock()
	switch r.Operation {
	case "BatchWriteItem":
		gateway.WriteJSON(w, r, map[string]any{"UnprocessedItems": map[string]any{}})
	case "BatchGetItem":
		gateway.WriteJSON(w, r, map[string]any{"Responses": map[string]any{}, "UnprocessedKeys": map[string]any{}})
	default:
		gateway.WriteJSON(w, r, nil)
	}
}

// all are the bodies of the calls of an operation that had their effect.
func (s *tables) all(operation string) []map[string]any {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []map[string]any
	for _, d := range s.done {
		if d.operation == operation {
			all = append(all, d.body)
		}
	}
	return all
}

// fixture is a gateway under chaos.
type fixture struct {
	plan        *chaos.Plan
	tables      *tables
	queues      *sqs.Service
	credentials *gateway.Credentials
	url         string

	mu        sync.Mutex
	decisions []chaos.Decision
	slept     []time.Duration
	attempts  int // HTTP requests
}

func newFixture(t testing.TB, c chaos.Config, queues ...string) *fixture {
	t.Helper()
	f := &fixture{tables: &tables{}, credentials: gateway.NewCredentials(gateway.CredentialsOptions{})}
	f.credentials.SetRoles(map[string]iam.Policies{roleARN: {}})
	var err error
	f.plan, err = chaos.New(c, chaos.Options{
		Log: func(d chaos.Decision) {
			f.mu.Lock()
			defer f.mu.Unlock()
			f.decisions = append(f.decisions, d)
		},
		Functions: func(arn string) []string {
			if arn == roleARN {
				return []string{function}
			}
			return nil
		},
		Queues: func(f string) []string {
			if f == function {
				return []string{functionQueue}
			}
			return nil
		},
		Show: func(ctx context.Context, queueURL, handle string, _ time.Duration) error {
			return f.queues.ChangeVisibility(ctx, "arn:aws:sqs:us-east-1:000000000000:"+queueURL[strings.LastIndexByte(queueURL, '/')+1:], handle, 0)
		},
		Sleep: func(_ context.Context, d time.Duration) {
			f.mu.Lock()
			defer f.mu.Unlock()
			f.slept = append(f.slept, d)
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if f.queues, err = sqs.New(sqs.Options{Endpoint: func() string { return f.url }}); err != nil {
		t.Fatal(err)
	}
	var configs []sqs.QueueConfig
	for _, name := range queues {
		q := sqs.DefaultQueue(name)
		configs = append(configs, q)
	}
	if err := f.queues.Apply(configs); err != nil {
		t.Fatal(err)
	}
	h := gateway.New(gateway.Options{
		Services:    []gateway.Service{f.tables, f.queues, bus.New(bus.Options{Queues: f.queues})},
		Credentials: f.credentials, Around: f.plan.Around,
	})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f.mu.Lock()
		f.attempts++
		f.mu.Unlock()
		h.ServeHTTP(w, r)
	}))
	t.Cleanup(func() {
		server.Close()
		if err := f.queues.Close(); err != nil {
			t.Error(err)
		}
	})
	f.url = server.URL
	return f
}

// told are the decisions of a kind, as text without the kind.
func (f *fixture) told(k chaos.Kind) []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var all []string
	for _, d := range f.decisions {
		if d.Kind == k {
			all = append(all, d.Subject+": "+d.What)
		}
	}
	return all
}

func (f *fixture) count() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.attempts
}

// sdk is the configuration of clients with the SDK's own retries, but for the
// waits.
func (f *fixture) sdk(k gateway.Keys) aws.Config {
	return aws.Config{
		Region: "us-east-1", BaseEndpoint: &f.url,
		Retryer: func() aws.Retryer {
			return retry.NewStandard(func(o *retry.StandardOptions) { o.MaxBackoff = time.Millisecond })
		},
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: k.AccessKeyID, SecretAccessKey: k.SecretAccessKey, SessionToken: k.SessionToken}, nil
		}),
	}
}

func (f *fixture) db() *dynamodb.Client { return dynamodb.NewFromConfig(f.sdk(f.credentials.Owner())) }

// function is the client of a function.
func (f *fixture) function() *dynamodb.Client {
	return dynamodb.NewFromConfig(f.sdk(f.credentials.Issue(roleARN, function)))
}

func (f *fixture) sqs() *awssqs.Client { return awssqs.NewFromConfig(f.sdk(f.credentials.Owner())) }

func (f *fixture) events() *eventbridge.Client {
	return eventbridge.NewFromConfig(f.sdk(f.credentials.Owner()))
}

func (f *fixture) queueURL(name string) *string { return aws.String(f.url + "/000000000000/" + name) }

// send sends messages and returns their ids in order.
func (f *fixture) send(t *testing.T, queue string, bodies ...string) (ids []string) {
	t.Helper()
	for _, body := range bodies {
		id, err := f.queues.Send(t.Context(), "arn:aws:sqs:us-east-1:000000000000:"+queue, sqs.Outgoing{Body: body})
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, id)
	}
	return ids
}

func sorted(s []string) []string {
	s = slices.Clone(s)
	slices.Sort(s)
	return s
}

// around is a call that the gateway would have let through.
func (f *fixture) around(w http.ResponseWriter, r *http.Request) {
	f.plan.Around(w, &gateway.Request{HTTP: r, ID: "the-id"}, func(w http.ResponseWriter, r *gateway.Request) { gateway.WriteJSON(w, r, nil) })
}
