package local

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/vinci-go/vinci/internal/names"
	"github.com/vinci-go/vinci/local/declare"
	"github.com/vinci-go/vinci/local/dynamodb"
	"github.com/vinci-go/vinci/local/gateway"
	"github.com/vinci-go/vinci/local/iam"
	"github.com/vinci-go/vinci/local/lambda"
	"github.com/vinci-go/vinci/local/sqs"
)

var errReached = errors.New("reached")

// reached are queues and streams that say that they were.
type reached struct{}

func (reached) Receive(context.Context, string, int, time.Duration) ([]lambda.Message, error) {
	return nil, errReached
}
func (reached) Delete(context.Context, string, ...string) error        { return errReached }
func (reached) Send(context.Context, string, string) error             { return errReached }
func (reached) LatestPosition(context.Context, string) (string, error) { return "", errReached }
func (reached) ReadStream(context.Context, string, string, int, time.Duration) ([]lambda.StreamRecord, string, error) {
	return nil, "", errReached
}

// Lambda polls with what the function's role allows now, not with what it allowed
// when the mapping was made.
func TestPollsAreJudged(t *testing.T) {
	const (
		role     = "arn:aws:iam::000000000000:role/r"
		queueARN = "arn:aws:sqs:us-east-1:000000000000:shop-local-welcome"
		stream   = "arn:aws:dynamodb:us-east-1:000000000000:table/users/stream/1"
	)
	queues, err := sqs.New(sqs.Options{Account: "000000000000", Region: "us-east-1"})
	if err != nil {
		t.Fatal(err)
	}
	defer queues.Close()
	functions, err := lambda.New(lambda.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer functions.Close(t.Context())
	config := lambda.FunctionConfig{
		Name: "f", ARN: "arn:aws:lambda:us-east-1:000000000000:function:f", RoleARN: role, Dir: filepath.Join(app(t), "asset.c0de"),
		Handler: "bootstrap", Runtime: "provided.al2023", Timeout: time.Second, MemoryMB: 128,
	}
	if err := functions.Apply(t.Context(), []lambda.FunctionConfig{config}, nil); err != nil {
		t.Fatal(err)
	}
	var calls []gateway.Call
	r := &Runtime{sqs: queues, lambda: functions, credentials: gateway.NewCredentials(gateway.CredentialsOptions{}), config: Config{Account: "000000000000", Polls: func(c gateway.Call) { calls = append(calls, c) }}}
	r.plan.Store(&plan{
		functions: []lambda.FunctionConfig{config},
		tables:    []dynamodb.TableConfig{{Name: "users", StreamARN: stream}},
		callers:   map[string]declare.Function{role: {Kind: declare.Subscription, Name: "welcome", Deployment: names.Deployment{App: "shop", ID: "local"}}},
	})
	q, s := r.polledQueues(reached{}), r.polledStreams(reached{})
	ctx := lambda.WithPoller(t.Context(), "f")
	ops := map[string]func(context.Context) error{
		"Receive": func(ctx context.Context) error { _, err := q.Receive(ctx, queueARN, 1, 0); return err },
		"Delete":  func(ctx context.Context) error { return q.Delete(ctx, queueARN, "h") },
		"Send":    func(ctx context.Context) error { return q.Send(ctx, queueARN+"_dlq", "body") },
		"ReadStream": func(ctx context.Context) error {
			_, _, err := s.ReadStream(ctx, "users", "", 1, 0)
			return err
		},
	}
	allow := func(resource string, actions ...string) iam.Document {
		d, err := iam.Parse([]byte(`{"Statement":{"Effect":"Allow","Action":["` + strings.Join(actions, `","`) + `"],"Resource":"` + resource + `"}}`))
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	for _, c := range []struct {
		op     string
		policy iam.Document
		denied string // the action; "" for none
	}{
		{"Receive", allow(queueARN, "sqs:ReceiveMessage", "sqs:GetQueueAttributes"), ""},
		{"Receive", allow(queueARN, "sqs:GetQueueAttributes"), "sqs:ReceiveMessage"},
		{"Receive", allow(queueARN, "sqs:ReceiveMessage"), "sqs:GetQueueAttributes"},
		{"Delete", allow(queueARN, "sqs:DeleteMessage"), ""},
		{"Delete", allow(queueARN, "sqs:ReceiveMessage"), "sqs:DeleteMessage"},
		{"Send", allow(queueARN+"_dlq", "sqs:SendMessage"), ""},
		{"Send", allow(queueARN, "sqs:SendMessage"), "sqs:SendMessage"},
		{"ReadStream", allow(stream, "dynamodb:DescribeStream", "dynamodb:GetShardIterator", "dynamodb:GetRecords"), ""},
		{"ReadStream", allow(stream, "dynamodb:DescribeStream", "dynamodb:GetShardIterator"), "dynamodb:GetRecords"},
	} {
		r.credentials.SetRoles(map[string]iam.Policies{role: {c.policy}})
		calls = nil
		err := ops[c.op](ctx)
		var denied *gateway.Error
		switch {
		case c.denied == "" && !errors.Is(err, errReached):
			t.Errorf("%s: %v", c.op, err)
		case c.denied != "" && (!errors.As(err, &denied) || denied.Code != "AccessDeniedException" || !strings.Contains(denied.Message, "assumed-role/r/f is not authorized to perform: "+c.denied)):
			t.Errorf("%s: %v, want %s denied", c.op, err, c.denied)
		}
		last := calls[len(calls)-1]
		if (last.Denied != nil) != (c.denied != "") || last.Caller.RoleARN != role || len(last.Needs) != 1 || c.denied != "" && last.Needs[0].Action != c.denied {
			t.Errorf("%s: told %+v", c.op, last)
		}
		if c.denied == "sqs:SendMessage" && !strings.Contains(denied.Message, `add DeadLetterQueue: true to the constructs.EventHandlerProps of subscription "welcome"`) {
			t.Errorf("no hint: %v", denied)
		}
		// What is not done for a mapping, or for a role that the assembly does not have,
		// is nobody's to judge here.
		if err := ops[c.op](t.Context()); !errors.Is(err, errReached) {
			t.Errorf("%s by nobody: %v", c.op, err)
		}
		if err := ops[c.op](lambda.WithPoller(t.Context(), "another")); !errors.Is(err, errReached) {
			t.Errorf("%s by an unknown function: %v", c.op, err)
		}
	}
}
