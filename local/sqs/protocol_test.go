package sqs_test

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vinci-go/vinci/local/gateway"
	"github.com/vinci-go/vinci/local/sqs"
)

// answer is what the service says to a request's body, without a gateway.
func answer(s *sqs.Service, operation, body string) *httptest.ResponseRecorder {
	return answerWithin(context.Background(), s, operation, body)
}

func answerWithin(ctx context.Context, s *sqs.Service, operation, body string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	hr := httptest.NewRequestWithContext(ctx, http.MethodPost, "/", nil)
	hr.Header.Set("X-Amz-Target", "AmazonSQS."+operation)
	s.Serve(w, &gateway.Request{HTTP: hr, Body: []byte(body), Operation: operation, Caller: gateway.Caller{Owner: true, Account: account}, ID: "id"})
	return w
}

// call is an answer that must be no error.
func call(t testing.TB, s *sqs.Service, operation, body string) string {
	t.Helper()
	w := answer(s, operation, body)
	if w.Code != http.StatusOK {
		t.Fatalf("%s: %d %s", operation, w.Code, w.Body)
	}
	return w.Body.String()
}

var allOperations = []string{"AddPermission", "CancelMessageMoveTask", "ChangeMessageVisibility", "ChangeMessageVisibilityBatch", "CreateQueue", "DeleteMessage", "DeleteMessageBatch",
	"DeleteQueue", "GetQueueAttributes", "GetQueueUrl", "ListDeadLetterSourceQueues", "ListMessageMoveTasks", "ListQueueTags", "ListQueues", "PurgeQueue", "ReceiveMessage",
	"RemovePermission", "SendMessage", "SendMessageBatch", "SetQueueAttributes", "StartMessageMoveTask", "TagQueue", "UntagQueue"}

// An error has its name and the older one, for SDKs of both kinds.
func TestErrorShape(t *testing.T) {
	s := open(t, sqs.Options{}, sqs.DefaultQueue("q"))
	for _, tt := range []struct {
		operation, body, kind, query string
		status                       int
	}{
		{"GetQueueUrl", `{"QueueName":"none"}`, "com.amazonaws.sqs#QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue;Sender", 400},
		{"SendMessage", `{"QueueUrl":"q"}`, "com.amazon.coral.service#MissingRequiredParameterException", "MissingParameter;Sender", 400},
		{"SendMessage", `{"QueueUrl":"q","MessageBody":"a","DelaySeconds":901}`, "com.amazon.coral.service#InvalidParameterValueException", "InvalidParameterValue;Sender", 400},
		{"SendMessage", `{"QueueUrl":"q","MessageBody":"\u0001"}`, "com.amazonaws.sqs#InvalidMessageContents", "InvalidMessageContents;Sender", 400},
		{"DeleteMessage", `{"QueueUrl":"q","ReceiptHandle":"x"}`, "com.amazonaws.sqs#ReceiptHandleIsInvalid", "ReceiptHandleIsInvalid;Sender", 404},
		{"CreateQueue", `{"QueueName":"q","Attributes":{"DelaySeconds":"1"}}`, "com.amazonaws.sqs#QueueNameExists", "QueueAlreadyExists;Sender", 400},
		{"SendMessageBatch", `{"QueueUrl":"q","Entries":[]}`, "com.amazonaws.sqs#EmptyBatchRequest", "AWS.SimpleQueueService.EmptyBatchRequest;Sender", 400},
		{"SendMessage", `{`, "com.amazon.coral.service#SerializationException", "SerializationException;Sender", 400},
		{"SendMessage", "{\"QueueUrl\":\"q\",\"MessageBody\":\"\xff\"}", "com.amazon.coral.service#SerializationException", "SerializationException;Sender", 400},
		{"MakeCoffee", `{}`, "com.amazon.coral.service#UnknownOperationException", "UnknownOperationException;Sender", 400},
	} {
		w := answer(s, tt.operation, tt.body)
		var e struct {
			Type    string `json:"__type"`
			Message string `json:"message"`
		}
		if err := json.Unmarshal(w.Body.Bytes(), &e); err != nil || w.Code != tt.status || e.Type != tt.kind || e.Message == "" || w.Header().Get("X-Amzn-Query-Error") != tt.query {
			t.Errorf("%s %s: %d %s, %s, %v", tt.operation, tt.body, w.Code, w.Body, w.Header().Get("X-Amzn-Query-Error"), err)
		}
	}
}

// Attributes and tags may be numbers and truth values, as untyped SDKs send them.
func TestTextOfOtherTypes(t *testing.T) {
	s := open(t, sqs.Options{})
	call(t, s, "CreateQueue", `{"QueueName":"q.fifo","Attributes":{"FifoQueue":true,"DelaySeconds":5,"VisibilityTimeout":null},"tags":{"a":1}}`)
	if got := call(t, s, "GetQueueAttributes", `{"QueueUrl":"q.fifo","AttributeNames":["DelaySeconds","FifoQueue","VisibilityTimeout"]}`); got != `{"Attributes":{"DelaySeconds":"5","FifoQueue":"true","VisibilityTimeout":"30"}}` {
		t.Errorf("got %s", got)
	}
	if w := answer(s, "CreateQueue", `{"QueueName":"x","Attributes":{"DelaySeconds":{}}}`); w.Code != 400 || !strings.Contains(w.Body.String(), "SerializationException") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

// Each operation needs the permissions of AWS's service authorization reference.
func TestNeedsOfEveryOperation(t *testing.T) {
	dead, q := sqs.DefaultQueue("d"), sqs.DefaultQueue("q")
	q.DeadLetterARN, q.MaxReceiveCount, q.Tags = prefix+"d", 1, map[string]string{"team": "a"}
	s := open(t, sqs.Options{}, dead, q)
	handle := call(t, s, "StartMessageMoveTask", `{"SourceArn":"`+prefix+`d"}`)
	on := func(name string, actions ...string) []string {
		var all []string
		for _, a := range actions {
			all = append(all, "sqs:"+a+" "+prefix+name)
		}
		return all
	}
	url := `{"QueueUrl":"http://x/` + account + `/q"}`
	move := []string{"ReceiveMessage", "DeleteMessage", "GetQueueAttributes"}
	want := map[string]struct {
		body  string
		needs []string
	}{
		"ChangeMessageVisibilityBatch": {url, on("q", "ChangeMessageVisibility")},
		"DeleteMessageBatch":           {url, on("q", "DeleteMessage")},
		"SendMessageBatch":             {url, on("q", "SendMessage")},
		"CreateQueue":                  {`{"QueueName":"new","tags":{"k":"v"}}`, on("new", "CreateQueue", "TagQueue")},
		"GetQueueUrl":                  {`{"QueueName":"q"}`, on("q", "GetQueueUrl")},
		"ListQueues":                   {`{}`, []string{"sqs:ListQueues *"}},
		"StartMessageMoveTask":         {`{"SourceArn":"` + prefix + `d"}`, append(on("d", append([]string{"StartMessageMoveTask"}, move...)...), on("q", "SendMessage")...)},
		"CancelMessageMoveTask":        {handle, on("d", append([]string{"CancelMessageMoveTask"}, move...)...)},
		"ListMessageMoveTasks":         {`{"SourceArn":"` + prefix + `d"}`, on("d", "ListMessageMoveTasks", "GetQueueAttributes")},
	}
	for _, name := range allOperations {
		w, ok := want[name]
		if !ok {
			w.body, w.needs = url, on("q", name)
		}
		needs, err := s.Needs(name, []byte(w.body))
		var got []string
		for _, n := range needs {
			got = append(got, n.Action+" "+n.Resource)
		}
		if err != nil || !slices.Equal(got, w.needs) {
			t.Errorf("%s: %q, %v; want %q", name, got, err, w.needs)
		}
	}
	needs, err := s.Needs("StartMessageMoveTask", []byte(`{"SourceArn":"`+prefix+`d","DestinationArn":"`+prefix+`q"}`))
	if err != nil || needs[len(needs)-1].Action != "sqs:SendMessage" || needs[len(needs)-1].Resource != prefix+"q" {
		t.Errorf("needs %v, %v", needs, err)
	}
	context := func(operation, body string) map[string][]string {
		needs, err := s.Needs(operation, []byte(body))
		if err != nil {
			t.Fatal(err)
		}
		return needs[0].Context
	}
	equal := func(a, b map[string][]string) bool { return maps.EqualFunc(a, b, slices.Equal[[]string]) }
	if got := context("SendMessage", url); !equal(got, map[string][]string{"aws:ResourceTag/team": {"a"}}) {
		t.Errorf("condition keys of a queue's tags: %v", got)
	}
	if got := context("CreateQueue", want["CreateQueue"].body); !equal(got, map[string][]string{"aws:RequestTag/k": {"v"}, "aws:TagKeys": {"k"}}) {
		t.Errorf("condition keys of a request's tags: %v", got)
	}
	if got := context("UntagQueue", `{"QueueUrl":"q","TagKeys":["x"]}`); !equal(got, map[string][]string{"aws:ResourceTag/team": {"a"}, "aws:TagKeys": {"x"}}) {
		t.Errorf("condition keys of an untagging: %v", got)
	}
	if _, err := s.Needs("MakeCoffee", nil); err == nil || code(err) != "UnknownOperationException" {
		t.Errorf("error %v", err)
	}
}

// FuzzRequest: whatever a body says, the answer is the operation's or an error of
// AWS's shape.
func FuzzRequest(f *testing.F) {
	q := `"QueueUrl":"http://localhost/000000000000/q"`
	for _, body := range []string{
		`{}`, `{` + q + `}`, `{` + q + `,"MessageBody":"a","MessageAttributes":{"k":{"DataType":"String","StringValue":"v"}},"DelaySeconds":1}`,
		`{` + q + `,"Entries":[{"Id":"a","MessageBody":"b","ReceiptHandle":"x","VisibilityTimeout":1}]}`, `{` + q + `,"MessageAttributeNames":["All","x.*"],"AttributeNames":["All"]}`,
		`{"QueueUrl":"f.fifo","MessageBody":"a","MessageGroupId":"g","MessageDeduplicationId":"d"}`, `{"QueueUrl":"f.fifo","ReceiveRequestAttemptId":"a"}`,
		`{"QueueName":"n","Attributes":{"RedrivePolicy":"{\"deadLetterTargetArn\":\"` + prefix + `q\",\"maxReceiveCount\":1}","Policy":"{}","RedriveAllowPolicy":"{}"},"tags":{"a":"b"}}`,
		`{` + q + `,"Label":"l","AWSAccountIds":["111111111111"],"Actions":["*"]}`, `{"SourceArn":"` + prefix + `q","MaxResults":1}`, `{"TaskHandle":"e30="}`,
		`{` + q + `,"Tags":{"a":"b"},"TagKeys":["a"]}`, `{"MaxResults":1,"NextToken":"YQ==","QueueNamePrefix":"q"}`, `[`, `null`, `{"QueueUrl":null}`,
	} {
		for i := range allOperations {
			f.Add(uint8(i), []byte(body))
		}
	}
	f.Fuzz(func(t *testing.T, operation uint8, body []byte) {
		name := allOperations[int(operation)%len(allOperations)]
		s := open(t, sqs.Options{}, sqs.DefaultQueue("q"), sqs.DefaultQueue("f.fifo"))
		if _, err := s.Needs(name, body); err != nil && !is[*gateway.Error](err) {
			t.Fatalf("needs of %s: %v", name, err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond) // a body may ask to wait
		defer cancel()
		w := answerWithin(ctx, s, name, string(body))
		var e struct {
			Type    string `json:"__type"`
			Message string `json:"message"`
		}
		if err := json.Unmarshal(w.Body.Bytes(), &e); err != nil {
			t.Fatalf("%s: no JSON: %s", name, w.Body)
		}
		switch {
		case w.Code == http.StatusOK && e.Type == "":
		case w.Code == http.StatusInternalServerError && ctx.Err() != nil:
		case w.Code >= 400 && w.Code < 500 && strings.Contains(e.Type, "#") && e.Message != "" && w.Header().Get("X-Amzn-Query-Error") != "":
		default:
			t.Fatalf("%s %q: %d %s", name, body, w.Code, w.Body)
		}
	})
}
