package sqs_test

import (
	"context"
	"errors"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/vinci-go/vinci/local/gateway"
	"github.com/vinci-go/vinci/local/sqs"
)

// The conformance suite: what AWS's documentation and its answers promise of SQS,
// one subtest for each rule, spoken through the SDK's client and the gateway.
// Run `go test -v -run TestConformance` to read the promises.

// api is what the suite uses of the SDK's client, all of the service.
type api interface {
	AddPermission(context.Context, *awssqs.AddPermissionInput, ...func(*awssqs.Options)) (*awssqs.AddPermissionOutput, error)
	CancelMessageMoveTask(context.Context, *awssqs.CancelMessageMoveTaskInput, ...func(*awssqs.Options)) (*awssqs.CancelMessageMoveTaskOutput, error)
	ChangeMessageVisibility(context.Context, *awssqs.ChangeMessageVisibilityInput, ...func(*awssqs.Options)) (*awssqs.ChangeMessageVisibilityOutput, error)
	ChangeMessageVisibilityBatch(context.Context, *awssqs.ChangeMessageVisibilityBatchInput, ...func(*awssqs.Options)) (*awssqs.ChangeMessageVisibilityBatchOutput, error)
	CreateQueue(context.Context, *awssqs.CreateQueueInput, ...func(*awssqs.Options)) (*awssqs.CreateQueueOutput, error)
	DeleteMessage(context.Context, *awssqs.DeleteMessageInput, ...func(*awssqs.Options)) (*awssqs.DeleteMessageOutput, error)
	DeleteMessageBatch(context.Context, *awssqs.DeleteMessageBatchInput, ...func(*awssqs.Options)) (*awssqs.DeleteMessageBatchOutput, error)
	DeleteQueue(context.Context, *awssqs.DeleteQueueInput, ...func(*awssqs.Options)) (*awssqs.DeleteQueueOutput, error)
	GetQueueAttributes(context.Context, *awssqs.GetQueueAttributesInput, ...func(*awssqs.Options)) (*awssqs.GetQueueAttributesOutput, error)
	GetQueueUrl(context.Context, *awssqs.GetQueueUrlInput, ...func(*awssqs.Options)) (*awssqs.GetQueueUrlOutput, error)
	ListDeadLetterSourceQueues(context.Context, *awssqs.ListDeadLetterSourceQueuesInput, ...func(*awssqs.Options)) (*awssqs.ListDeadLetterSourceQueuesOutput, error)
	ListMessageMoveTasks(context.Context, *awssqs.ListMessageMoveTasksInput, ...func(*awssqs.Options)) (*awssqs.ListMessageMoveTasksOutput, error)
	ListQueues(context.Context, *awssqs.ListQueuesInput, ...func(*awssqs.Options)) (*awssqs.ListQueuesOutput, error)
	ListQueueTags(context.Context, *awssqs.ListQueueTagsInput, ...func(*awssqs.Options)) (*awssqs.ListQueueTagsOutput, error)
	PurgeQueue(context.Context, *awssqs.PurgeQueueInput, ...func(*awssqs.Options)) (*awssqs.PurgeQueueOutput, error)
	ReceiveMessage(context.Context, *awssqs.ReceiveMessageInput, ...func(*awssqs.Options)) (*awssqs.ReceiveMessageOutput, error)
	RemovePermission(context.Context, *awssqs.RemovePermissionInput, ...func(*awssqs.Options)) (*awssqs.RemovePermissionOutput, error)
	SendMessage(context.Context, *awssqs.SendMessageInput, ...func(*awssqs.Options)) (*awssqs.SendMessageOutput, error)
	SendMessageBatch(context.Context, *awssqs.SendMessageBatchInput, ...func(*awssqs.Options)) (*awssqs.SendMessageBatchOutput, error)
	SetQueueAttributes(context.Context, *awssqs.SetQueueAttributesInput, ...func(*awssqs.Options)) (*awssqs.SetQueueAttributesOutput, error)
	StartMessageMoveTask(context.Context, *awssqs.StartMessageMoveTaskInput, ...func(*awssqs.Options)) (*awssqs.StartMessageMoveTaskOutput, error)
	TagQueue(context.Context, *awssqs.TagQueueInput, ...func(*awssqs.Options)) (*awssqs.TagQueueOutput, error)
	UntagQueue(context.Context, *awssqs.UntagQueueInput, ...func(*awssqs.Options)) (*awssqs.UntagQueueOutput, error)
}

// rule is one promise.
type rule struct {
	name  string
	check func(t *testing.T, f *fixture)
}

func checkRules(t *testing.T, rules []rule) {
	t.Helper()
	for _, r := range rules {
		t.Run(r.name, func(t *testing.T) { r.check(t, newFixture(t)) })
	}
}

// fixture is an account without queues, with a clock that the test moves.
type fixture struct {
	api
	service *sqs.Service
	keys    *gateway.Credentials
	url     string
	clock   atomic.Int64 // Unix nanoseconds
}

func newFixture(t testing.TB) *fixture {
	t.Helper()
	f := &fixture{}
	f.clock.Store(time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC).UnixNano())
	f.service = open(t, sqs.Options{Endpoint: func() string { return f.url }, Now: f.now})
	f.keys = gateway.NewCredentials(gateway.CredentialsOptions{})
	server := httptest.NewServer(gateway.New(gateway.Options{Services: []gateway.Service{f.service}, Credentials: f.keys}))
	t.Cleanup(server.Close)
	f.url = server.URL
	f.api = client(f.url, f.keys.Owner())
	return f
}

func (f *fixture) now() time.Time { return time.Unix(0, f.clock.Load()) }

// wait moves the clock.
func (f *fixture) wait(d time.Duration) { f.clock.Add(int64(d)) }

// queue makes a queue and returns its URL. Attributes are pairs.
func (f *fixture) queue(t testing.TB, name string, attributes ...string) *string {
	t.Helper()
	in := &awssqs.CreateQueueInput{QueueName: &name, Attributes: pairs(attributes)}
	if strings.HasSuffix(name, ".fifo") {
		in.Attributes["FifoQueue"] = "true"
	}
	out, err := f.CreateQueue(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	return out.QueueUrl
}

func pairs(list []string) map[string]string {
	m := map[string]string{}
	for i := 0; i+1 < len(list); i += 2 {
		m[list[i]] = list[i+1]
	}
	return m
}

func (f *fixture) set(t testing.TB, url *string, attributes ...string) {
	t.Helper()
	if _, err := f.SetQueueAttributes(t.Context(), &awssqs.SetQueueAttributesInput{QueueUrl: url, Attributes: pairs(attributes)}); err != nil {
		t.Fatal(err)
	}
}

// attribute is one of a queue's attributes, empty when it is not shown.
func (f *fixture) attribute(t testing.TB, url *string, name string) string {
	t.Helper()
	out, err := f.GetQueueAttributes(t.Context(), &awssqs.GetQueueAttributesInput{QueueUrl: url, AttributeNames: []types.QueueAttributeName{types.QueueAttributeName(name)}})
	if err != nil {
		t.Fatal(err)
	}
	return out.Attributes[name]
}

// put sends a body; more may change the request.
func (f *fixture) put(t testing.TB, url *string, body string, more ...func(*awssqs.SendMessageInput)) *awssqs.SendMessageOutput {
	t.Helper()
	in := &awssqs.SendMessageInput{QueueUrl: url, MessageBody: &body}
	for _, m := range more {
		m(in)
	}
	out, err := f.SendMessage(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// in makes a message a member of a group, and deduplicates it by its body, or by
// the id that follows.
func in(group string, id ...string) func(*awssqs.SendMessageInput) {
	return func(m *awssqs.SendMessageInput) {
		m.MessageGroupId = &group
		m.MessageDeduplicationId = aws.String(strings.Join(append(id, ""), ""))
		if len(id) == 0 {
			m.MessageDeduplicationId = m.MessageBody
		}
	}
}

// get receives up to ten messages at once with all they have; more may change the
// request.
func (f *fixture) get(t testing.TB, url *string, more ...func(*awssqs.ReceiveMessageInput)) []types.Message {
	t.Helper()
	in := &awssqs.ReceiveMessageInput{QueueUrl: url, MaxNumberOfMessages: 10, MessageAttributeNames: []string{"All"},
		MessageSystemAttributeNames: []types.MessageSystemAttributeName{"All"}}
	for _, m := range more {
		m(in)
	}
	out, err := f.ReceiveMessage(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	return out.Messages
}

func atMost(n int32) func(*awssqs.ReceiveMessageInput) {
	return func(in *awssqs.ReceiveMessageInput) { in.MaxNumberOfMessages = n }
}

func attempt(id string) func(*awssqs.ReceiveMessageInput) {
	return func(in *awssqs.ReceiveMessageInput) { in.ReceiveRequestAttemptId = &id }
}

// wantBodies compares what was received.
func wantBodies(t testing.TB, got []types.Message, want ...string) {
	t.Helper()
	var have []string
	for _, m := range got {
		have = append(have, *m.Body)
	}
	if !slices.Equal(have, want) {
		t.Fatalf("received %q; want %q", have, want)
	}
}

func (f *fixture) delete(t testing.TB, url *string, messages ...types.Message) {
	t.Helper()
	for _, m := range messages {
		if _, err := f.DeleteMessage(t.Context(), &awssqs.DeleteMessageInput{QueueUrl: url, ReceiptHandle: m.ReceiptHandle}); err != nil {
			t.Fatal(err)
		}
	}
}

// change sets a message's visibility time-out.
func (f *fixture) change(t testing.TB, url *string, m types.Message, seconds int32) error {
	_, err := f.ChangeMessageVisibility(t.Context(), &awssqs.ChangeMessageVisibilityInput{QueueUrl: url, ReceiptHandle: m.ReceiptHandle, VisibilityTimeout: seconds})
	return err
}

// counts are ApproximateNumberOfMessages, …NotVisible and …Delayed.
func (f *fixture) counts(t testing.TB, url *string) [3]string {
	t.Helper()
	out, err := f.GetQueueAttributes(t.Context(), &awssqs.GetQueueAttributesInput{QueueUrl: url, AttributeNames: []types.QueueAttributeName{"All"}})
	if err != nil {
		t.Fatal(err)
	}
	a := out.Attributes
	return [3]string{a["ApproximateNumberOfMessages"], a["ApproximateNumberOfMessagesNotVisible"], a["ApproximateNumberOfMessagesDelayed"]}
}

// wantError compares an error's code, as SDKs show it, a part of its text, and its
// HTTP status.
func wantError(t testing.TB, err error, code, text string, status int) {
	t.Helper()
	var e smithy.APIError
	var r *smithyhttp.ResponseError
	if !errors.As(err, &e) || !errors.As(err, &r) {
		t.Fatalf("error %v; want %s", err, code)
	}
	if e.ErrorCode() != code || !strings.Contains(e.ErrorMessage(), text) || r.HTTPStatusCode() != status {
		t.Fatalf("error %d %s: %s; want %d %s: …%s…", r.HTTPStatusCode(), e.ErrorCode(), e.ErrorMessage(), status, code, text)
	}
}

// fails is for calls whose result does not matter.
func fails[O any](_ O, err error) error { return err }

func redrive(deadLetters string, n string) string {
	return `{"deadLetterTargetArn":"` + prefix + deadLetters + `","maxReceiveCount":` + n + `}`
}
