package sqs_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"

	"github.com/vinci-go/vinci/local/gateway"
	"github.com/vinci-go/vinci/local/gateway/gatewaytest"
	"github.com/vinci-go/vinci/local/iam"
	"github.com/vinci-go/vinci/local/sqs"
)

const account = "000000000000"

// serve puts the service behind a gateway and returns the SDK's client for it.
func serve(t testing.TB, configs ...sqs.QueueConfig) (*sqs.Service, *awssqs.Client, *gateway.Credentials, string) {
	t.Helper()
	var url string
	s := open(t, sqs.Options{Dir: t.TempDir(), Endpoint: func() string { return url }}, configs...)
	keys := gateway.NewCredentials(gateway.CredentialsOptions{})
	server := httptest.NewServer(gateway.New(gateway.Options{Services: []gateway.Service{s}, Credentials: keys}))
	t.Cleanup(server.Close)
	url = server.URL
	return s, client(url, keys.Owner()), keys, url
}

func client(url string, k gateway.Keys) *awssqs.Client {
	return awssqs.New(awssqs.Options{Region: "us-east-1", BaseEndpoint: &url, RetryMaxAttempts: 1,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: k.AccessKeyID, SecretAccessKey: k.SecretAccessKey, SessionToken: k.SessionToken}, nil
		})})
}

// isCode is for the errors that SQS's model does not have.
func isCode(err error, code string) bool {
	var e smithy.APIError
	return errors.As(err, &e) && e.ErrorCode() == code
}

func is[E error](err error) bool {
	var e E
	return errors.As(err, &e)
}

func TestSDKRoundTrip(t *testing.T) {
	_, c, _, url := serve(t, sqs.DefaultQueue("q"))
	ctx := t.Context()
	got, err := c.GetQueueUrl(ctx, &awssqs.GetQueueUrlInput{QueueName: aws.String("q")})
	if err != nil || *got.QueueUrl != url+"/"+account+"/q" {
		t.Fatalf("queue URL %v, %v", got, err)
	}
	attributes := map[string]types.MessageAttributeValue{
		"text":     {DataType: aws.String("String.label"), StringValue: aws.String("é & <x>")},
		"number":   {DataType: aws.String("Number"), StringValue: aws.String("-1.5e3")},
		"bytes":    {DataType: aws.String("Binary"), BinaryValue: []byte{0, 255}},
		"text.sub": {DataType: aws.String("String"), StringValue: aws.String("s")},
	}
	body := "hello \"é\" \U0001F600 <&>\u2028\n"
	sent, err := c.SendMessage(ctx, &awssqs.SendMessageInput{QueueUrl: got.QueueUrl, MessageBody: &body, MessageAttributes: attributes,
		MessageSystemAttributes: map[string]types.MessageSystemAttributeValue{"AWSTraceHeader": {DataType: aws.String("String"), StringValue: aws.String("Root=1-2")}}})
	if err != nil { // the SDK compares the MD5 of the body
		t.Fatal(err)
	}
	if sent.MD5OfMessageAttributes == nil || sent.MD5OfMessageSystemAttributes == nil {
		t.Errorf("MD5s are missing: %+v", sent)
	}
	in := &awssqs.ReceiveMessageInput{QueueUrl: got.QueueUrl, VisibilityTimeout: 0, MaxNumberOfMessages: 10, WaitTimeSeconds: 1,
		MessageSystemAttributeNames: []types.MessageSystemAttributeName{"All"}, MessageAttributeNames: []string{"All"}}
	m, err := c.ReceiveMessage(ctx, in)
	if err != nil || len(m.Messages) != 1 {
		t.Fatalf("got %v, %v", m, err)
	}
	msg := m.Messages[0]
	if *msg.Body != body || *msg.MessageId != *sent.MessageId || *msg.MD5OfMessageAttributes != *sent.MD5OfMessageAttributes ||
		len(msg.MessageAttributes) != 4 || string(msg.MessageAttributes["bytes"].BinaryValue) != "\x00\xff" || *msg.MessageAttributes["text"].StringValue != "é & <x>" {
		t.Errorf("got %+v", msg)
	}
	for name, want := range map[string]string{"SenderId": account, "ApproximateReceiveCount": "1", "AWSTraceHeader": "Root=1-2"} {
		if msg.Attributes[name] != want {
			t.Errorf("attribute %s is %q, want %q", name, msg.Attributes[name], want)
		}
	}
	if len(msg.Attributes["SentTimestamp"]) != 13 || len(msg.Attributes["ApproximateFirstReceiveTimestamp"]) != 13 || len(msg.Attributes) != 5 {
		t.Errorf("attributes %v", msg.Attributes)
	}
	if _, err := c.ChangeMessageVisibility(ctx, &awssqs.ChangeMessageVisibilityInput{QueueUrl: got.QueueUrl, ReceiptHandle: msg.ReceiptHandle, VisibilityTimeout: 0}); err != nil {
		t.Fatal(err)
	}
	// Only what is asked for, under any host.
	other := "https://sqs.us-east-1.amazonaws.com/" + account + "/q"
	m, err = c.ReceiveMessage(ctx, &awssqs.ReceiveMessageInput{QueueUrl: &other, MessageAttributeNames: []string{"text.*", "number"},
		MessageSystemAttributeNames: []types.MessageSystemAttributeName{"ApproximateReceiveCount"}})
	if err != nil || len(m.Messages) != 1 {
		t.Fatalf("got %v, %v", m, err)
	}
	msg = m.Messages[0]
	if len(msg.Attributes) != 1 || msg.Attributes["ApproximateReceiveCount"] != "2" || len(msg.MessageAttributes) != 3 {
		t.Errorf("got %v and %v", msg.Attributes, msg.MessageAttributes)
	}
	if _, err := c.DeleteMessage(ctx, &awssqs.DeleteMessageInput{QueueUrl: &other, ReceiptHandle: msg.ReceiptHandle}); err != nil {
		t.Fatal(err)
	}
	if m, err = c.ReceiveMessage(ctx, in); err != nil || m.Messages != nil {
		t.Errorf("got %v, %v; want none after a second of waiting", m, err)
	}
}

// The digest of attributes, computed by hand from AWS's description.
func TestDigestOfAttributes(t *testing.T) {
	_, c, _, _ := serve(t, sqs.DefaultQueue("q"))
	out, err := c.SendMessage(t.Context(), &awssqs.SendMessageInput{QueueUrl: aws.String("http://x/" + account + "/q"), MessageBody: aws.String("a"),
		MessageAttributes: map[string]types.MessageAttributeValue{"k": {DataType: aws.String("String"), StringValue: aws.String("v")}}})
	// printf '\0\0\0\1k\0\0\0\6String\1\0\0\0\1v' | md5sum
	if want := "0a77b0642718c3d9dd47090567d11e0d"; err != nil || *out.MD5OfMessageAttributes != want {
		t.Errorf("got %v, %v; want %s", aws.ToString(out.MD5OfMessageAttributes), err, want)
	}
}

func TestSDKErrors(t *testing.T) {
	_, c, _, url := serve(t, sqs.DefaultQueue("q"))
	ctx := t.Context()
	q, none := aws.String(url+"/"+account+"/q"), aws.String(url+"/"+account+"/none")
	do := func(_ any, err error) error { return err }
	entries := func(ids ...string) []types.SendMessageBatchRequestEntry {
		var all []types.SendMessageBatchRequestEntry
		for _, id := range ids {
			all = append(all, types.SendMessageBatchRequestEntry{Id: aws.String(id), MessageBody: aws.String("a")})
		}
		return all
	}
	batch := func(e []types.SendMessageBatchRequestEntry) error {
		return do(c.SendMessageBatch(ctx, &awssqs.SendMessageBatchInput{QueueUrl: q, Entries: e}))
	}
	tests := []struct {
		name string
		err  error
		is   func(error) bool
		code string // as the SDK shows it
	}{
		{"unknown queue", do(c.SendMessage(ctx, &awssqs.SendMessageInput{QueueUrl: none, MessageBody: aws.String("a")})), is[*types.QueueDoesNotExist], "AWS.SimpleQueueService.NonExistentQueue"},
		{"unknown name", do(c.GetQueueUrl(ctx, &awssqs.GetQueueUrlInput{QueueName: aws.String("none")})), is[*types.QueueDoesNotExist], ""},
		{"unknown queue of a batch", do(c.DeleteMessageBatch(ctx, &awssqs.DeleteMessageBatchInput{QueueUrl: none, Entries: []types.DeleteMessageBatchRequestEntry{{Id: aws.String("1"), ReceiptHandle: aws.String("x")}}})), is[*types.QueueDoesNotExist], ""},
		{"other account", do(c.ReceiveMessage(ctx, &awssqs.ReceiveMessageInput{QueueUrl: aws.String(url + "/111111111111/q")})), is[*types.QueueDoesNotExist], ""},
		{"no queue URL", do(c.ReceiveMessage(ctx, &awssqs.ReceiveMessageInput{QueueUrl: aws.String("http://x/q")})), is[*types.InvalidAddress], ""},
		{"handle", do(c.DeleteMessage(ctx, &awssqs.DeleteMessageInput{QueueUrl: q, ReceiptHandle: aws.String("x")})), is[*types.ReceiptHandleIsInvalid], "ReceiptHandleIsInvalid"},
		{"handle of a change", do(c.ChangeMessageVisibility(ctx, &awssqs.ChangeMessageVisibilityInput{QueueUrl: q, ReceiptHandle: aws.String("x")})), is[*types.ReceiptHandleIsInvalid], ""},
		{"contents", do(c.SendMessage(ctx, &awssqs.SendMessageInput{QueueUrl: q, MessageBody: aws.String("\x01")})), is[*types.InvalidMessageContents], "InvalidMessageContents"},
		{"empty body", do(c.SendMessage(ctx, &awssqs.SendMessageInput{QueueUrl: q, MessageBody: aws.String("")})), nil, "MissingParameter"},
		{"size", do(c.SendMessage(ctx, &awssqs.SendMessageInput{QueueUrl: q, MessageBody: aws.String(strings.Repeat("x", 1<<20+1))})), nil, "InvalidParameterValue"},
		{"delay", do(c.SendMessage(ctx, &awssqs.SendMessageInput{QueueUrl: q, MessageBody: aws.String("a"), DelaySeconds: 901})), nil, "InvalidParameterValue"},
		{"deduplication", do(c.SendMessage(ctx, &awssqs.SendMessageInput{QueueUrl: q, MessageBody: aws.String("a"), MessageDeduplicationId: aws.String("d")})), nil, "InvalidParameterValue"},
		{"system attribute", do(c.SendMessage(ctx, &awssqs.SendMessageInput{QueueUrl: q, MessageBody: aws.String("a"), MessageSystemAttributes: map[string]types.MessageSystemAttributeValue{"X": {DataType: aws.String("String"), StringValue: aws.String("v")}}})), nil, "InvalidParameterValue"},
		{"eleven messages", do(c.ReceiveMessage(ctx, &awssqs.ReceiveMessageInput{QueueUrl: q, MaxNumberOfMessages: 11})), nil, "InvalidParameterValue"},
		{"wait", do(c.ReceiveMessage(ctx, &awssqs.ReceiveMessageInput{QueueUrl: q, WaitTimeSeconds: 21})), nil, "InvalidParameterValue"},
		{"message attribute name", do(c.ReceiveMessage(ctx, &awssqs.ReceiveMessageInput{QueueUrl: q, MessageSystemAttributeNames: []types.MessageSystemAttributeName{"X"}})), is[*types.InvalidAttributeName], ""},
		{"queue attribute name", do(c.GetQueueAttributes(ctx, &awssqs.GetQueueAttributesInput{QueueUrl: q, AttributeNames: []types.QueueAttributeName{"X"}})), is[*types.InvalidAttributeName], ""},
		{"empty batch", batch([]types.SendMessageBatchRequestEntry{}), is[*types.EmptyBatchRequest], "AWS.SimpleQueueService.EmptyBatchRequest"},
		{"eleven entries", batch(entries("0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10")), is[*types.TooManyEntriesInBatchRequest], ""},
		{"entry ids", batch(entries("a", "a")), is[*types.BatchEntryIdsNotDistinct], ""},
		{"entry id", batch(entries("a b")), is[*types.InvalidBatchEntryId], ""},
		{"long batch", batch([]types.SendMessageBatchRequestEntry{{Id: aws.String("a"), MessageBody: aws.String(strings.Repeat("x", 1<<19))}, {Id: aws.String("b"), MessageBody: aws.String(strings.Repeat("x", 1<<19+1))}}), is[*types.BatchRequestTooLong], ""},
	}
	for _, tt := range tests {
		if tt.err == nil || tt.is != nil && !tt.is(tt.err) || tt.code != "" && !isCode(tt.err, tt.code) {
			t.Errorf("%s: error %v", tt.name, tt.err)
		}
	}
}

func TestSDKBatches(t *testing.T) {
	_, c, _, url := serve(t, sqs.DefaultQueue("q"))
	ctx := t.Context()
	q := aws.String(url + "/" + account + "/q")
	sent, err := c.SendMessageBatch(ctx, &awssqs.SendMessageBatchInput{QueueUrl: q, Entries: []types.SendMessageBatchRequestEntry{
		{Id: aws.String("one"), MessageBody: aws.String("1")},
		{Id: aws.String("bad"), MessageBody: aws.String("\x01")},
		{Id: aws.String("late"), MessageBody: aws.String("2"), DelaySeconds: 901},
		{Id: aws.String("two"), MessageBody: aws.String("2"), MessageAttributes: map[string]types.MessageAttributeValue{"k": {DataType: aws.String("String"), StringValue: aws.String("v")}}},
	}})
	if err != nil || len(sent.Successful) != 2 || len(sent.Failed) != 2 {
		t.Fatalf("got %+v, %v", sent, err)
	}
	if f := sent.Failed[0]; *f.Id != "bad" || *f.Code != "InvalidMessageContents" || !f.SenderFault || *f.Message == "" {
		t.Errorf("failed %+v", f)
	}
	if f := sent.Failed[1]; *f.Id != "late" || *f.Code != "InvalidParameterValue" {
		t.Errorf("failed %+v", f)
	}
	got, err := c.ReceiveMessage(ctx, &awssqs.ReceiveMessageInput{QueueUrl: q, MaxNumberOfMessages: 10})
	if err != nil || len(got.Messages) != 2 {
		t.Fatalf("got %+v, %v", got, err)
	}
	changed, err := c.ChangeMessageVisibilityBatch(ctx, &awssqs.ChangeMessageVisibilityBatchInput{QueueUrl: q, Entries: []types.ChangeMessageVisibilityBatchRequestEntry{
		{Id: aws.String("ok"), ReceiptHandle: got.Messages[0].ReceiptHandle, VisibilityTimeout: 60},
		{Id: aws.String("bad"), ReceiptHandle: aws.String("x"), VisibilityTimeout: 60},
	}})
	if err != nil || len(changed.Successful) != 1 || len(changed.Failed) != 1 || *changed.Failed[0].Code != "ReceiptHandleIsInvalid" {
		t.Errorf("got %+v, %v", changed, err)
	}
	deleted, err := c.DeleteMessageBatch(ctx, &awssqs.DeleteMessageBatchInput{QueueUrl: q, Entries: []types.DeleteMessageBatchRequestEntry{
		{Id: aws.String("0"), ReceiptHandle: got.Messages[0].ReceiptHandle},
		{Id: aws.String("1"), ReceiptHandle: got.Messages[1].ReceiptHandle},
		{Id: aws.String("2"), ReceiptHandle: aws.String("x")},
	}})
	if err != nil || len(deleted.Successful) != 2 || len(deleted.Failed) != 1 || *deleted.Failed[0].Id != "2" {
		t.Errorf("got %+v, %v", deleted, err)
	}
	attrs, err := c.GetQueueAttributes(ctx, &awssqs.GetQueueAttributesInput{QueueUrl: q, AttributeNames: []types.QueueAttributeName{"All"}})
	if err != nil || attrs.Attributes["ApproximateNumberOfMessages"] != "0" || attrs.Attributes["ApproximateNumberOfMessagesNotVisible"] != "0" {
		t.Errorf("got %+v, %v", attrs, err)
	}
}

func TestSDKQueues(t *testing.T) {
	policy, err := iam.ParseResource([]byte(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"events.amazonaws.com"},"Action":"sqs:SendMessage","Resource":"` + prefix + `a"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	a, dead := sqs.DefaultQueue("a"), sqs.DefaultQueue("a_dlq")
	a.DeadLetterARN, a.MaxReceiveCount, a.Policy, a.Tags = prefix+"a_dlq", 10, &policy, map[string]string{"k": "v"}
	_, c, _, url := serve(t, a, dead, sqs.DefaultQueue("b"))
	ctx := t.Context()
	at := func(name string) string { return url + "/" + account + "/" + name }

	list, err := c.ListQueues(ctx, &awssqs.ListQueuesInput{QueueNamePrefix: aws.String("a")})
	if err != nil || !slices.Equal(list.QueueUrls, []string{at("a"), at("a_dlq")}) {
		t.Errorf("got %v, %v", list, err)
	}
	var pages [][]string
	for p := awssqs.NewListQueuesPaginator(c, &awssqs.ListQueuesInput{MaxResults: aws.Int32(2)}); p.HasMorePages(); {
		page, err := p.NextPage(ctx)
		if err != nil {
			t.Fatal(err)
		}
		pages = append(pages, page.QueueUrls)
	}
	if len(pages) != 2 || !slices.Equal(slices.Concat(pages...), []string{at("a"), at("a_dlq"), at("b")}) {
		t.Errorf("pages %v", pages)
	}
	attrs, err := c.GetQueueAttributes(ctx, &awssqs.GetQueueAttributesInput{QueueUrl: aws.String(at("a")), AttributeNames: []types.QueueAttributeName{"QueueArn", "RedrivePolicy", "VisibilityTimeout", "Policy", "KmsMasterKeyId"}})
	if err != nil || len(attrs.Attributes) != 4 || attrs.Attributes["QueueArn"] != prefix+"a" || attrs.Attributes["VisibilityTimeout"] != "30" ||
		attrs.Attributes["RedrivePolicy"] != `{"deadLetterTargetArn":"`+prefix+`a_dlq","maxReceiveCount":10}` {
		t.Errorf("got %v, %v", attrs, err)
	}
	if again, err := iam.ParseResource([]byte(attrs.Attributes["Policy"])); err != nil || len(again.Statements) != 1 {
		t.Errorf("policy %q, %v", attrs.Attributes["Policy"], err)
	}
	sources, err := c.ListDeadLetterSourceQueues(ctx, &awssqs.ListDeadLetterSourceQueuesInput{QueueUrl: aws.String(at("a_dlq"))})
	if err != nil || !slices.Equal(sources.QueueUrls, []string{at("a")}) {
		t.Errorf("got %v, %v", sources, err)
	}
	tags, err := c.ListQueueTags(ctx, &awssqs.ListQueueTagsInput{QueueUrl: aws.String(at("a"))})
	if err != nil || tags.Tags["k"] != "v" {
		t.Errorf("got %v, %v", tags, err)
	}
	if _, err := c.PurgeQueue(ctx, &awssqs.PurgeQueueInput{QueueUrl: aws.String(at("b"))}); err != nil {
		t.Error(err)
	}
	if _, err := c.PurgeQueue(ctx, &awssqs.PurgeQueueInput{QueueUrl: aws.String(at("b"))}); !is[*types.PurgeQueueInProgress](err) {
		t.Errorf("a second purge: error %v", err)
	}
}

// A role may do what its policy says, on the queues that it says.
func TestNeeds(t *testing.T) {
	_, _, keys, url := serve(t, sqs.DefaultQueue("q"), sqs.DefaultQueue("other"))
	role := "arn:aws:iam::" + account + ":role/r"
	policy, err := iam.Parse([]byte(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["sqs:SendMessage","sqs:ReceiveMessage"],"Resource":"` + prefix + `q"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	keys.SetRoles(map[string]iam.Policies{role: {policy}})
	c := client(url, keys.Issue(role, "f"))
	ctx := t.Context()
	q, other := aws.String(url+"/"+account+"/q"), aws.String(url+"/"+account+"/other")
	do := func(_ any, err error) error { return err }
	if err := do(c.SendMessageBatch(ctx, &awssqs.SendMessageBatchInput{QueueUrl: q, Entries: []types.SendMessageBatchRequestEntry{{Id: aws.String("1"), MessageBody: aws.String("a")}}})); err != nil {
		t.Error(err)
	}
	got, err := c.ReceiveMessage(ctx, &awssqs.ReceiveMessageInput{QueueUrl: q, MessageSystemAttributeNames: []types.MessageSystemAttributeName{"SenderId"}})
	if err != nil || len(got.Messages) != 1 || got.Messages[0].Attributes["SenderId"] != "r:f" {
		t.Fatalf("got %+v, %v", got, err)
	}
	for name, err := range map[string]error{
		"other queue":  do(c.SendMessage(ctx, &awssqs.SendMessageInput{QueueUrl: other, MessageBody: aws.String("a")})),
		"other action": do(c.DeleteMessage(ctx, &awssqs.DeleteMessageInput{QueueUrl: q, ReceiptHandle: got.Messages[0].ReceiptHandle})),
		"list":         do(c.ListQueues(ctx, &awssqs.ListQueuesInput{})),
		"url":          do(c.GetQueueUrl(ctx, &awssqs.GetQueueUrlInput{QueueName: aws.String("q")})),
	} {
		if !isCode(err, "AccessDenied") {
			t.Errorf("%s: error %v, want AccessDenied", name, err)
		}
	}
}

// What is malformed is answered, not served.
func TestMalformedBodies(t *testing.T) {
	_, _, keys, url := serve(t, sqs.DefaultQueue("q"))
	for body, want := range map[string]string{
		`{`:                                 "SerializationException",
		`[]`:                                "SerializationException",
		`{"QueueUrl":1}`:                    "SerializationException",
		`{}`:                                "MissingRequiredParameterException",
		``:                                  "MissingRequiredParameterException",
		`{"QueueUrl":"` + "http://[" + `"}`: "InvalidAddress",
		`{"QueueUrl":"/` + account + `/q","MessageBody":"a","DelaySeconds":"x"}`:                                                "SerializationException",
		`{"QueueUrl":"/` + account + `/q","MessageBody":"a","DelaySeconds":99999999999999}`:                                     "InvalidParameterValueException",
		`{"QueueUrl":"/` + account + `/q","MessageBody":"a","MessageAttributes":{"k":{"DataType":"Binary","BinaryValue":"%"}}}`: "SerializationException",
	} {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("X-Amz-Target", "AmazonSQS.SendMessage")
		r.Header.Set("Content-Type", "application/x-amz-json-1.0")
		gatewaytest.Sign(t, r, keys.Owner(), "sqs", body)
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(answer.Body)
		answer.Body.Close()
		cancel()
		if err != nil || answer.StatusCode/100 != 4 || !strings.Contains(string(text), want) {
			t.Errorf("%s: %d %s, %v; want %s", body, answer.StatusCode, text, err, want)
		}
	}
}
