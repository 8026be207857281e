package relay

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/vinci-go/vinci/internal/awsenv"
)

// service is an AWS endpoint that answers as told and keeps what it got.
type service struct {
	*httptest.Server
	status int
	answer string
	target string
	body   map[string]any
}

func newService(t *testing.T, status int, answer string) *service {
	s := &service{status: status, answer: answer}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.target = r.Header.Get("X-Amz-Target")
		b, err := io.ReadAll(r.Body)
		if err == nil {
			err = json.Unmarshal(b, &s.body)
		}
		if err != nil {
			t.Error(err)
		}
		w.Header().Set("Content-Type", r.Header.Get("Content-Type"))
		w.WriteHeader(s.status)
		if _, err := io.WriteString(w, s.answer); err != nil {
			t.Error(err)
		}
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *service) getenv(name string) string {
	return map[string]string{
		"VINCI_APP": "shop", "VINCI_DEPLOYMENT": "test", "AWS_REGION": "eu-west-1",
		"AWS_ACCESS_KEY_ID": "AKIAEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_ENDPOINT_URL": s.URL,
	}[name]
}

func TestEventBridge(t *testing.T) {
	s := newService(t, 200, `{"FailedEntryCount":1,"Entries":[{"EventId":"1"},{"ErrorCode":"MalformedDetail","ErrorMessage":"no"}]}`)
	p := NewPublisher(eventbridge.NewFromConfig(awsenv.Config(s.getenv)), "shop-test-bus")
	at := time.Date(2026, 11, 21, 5, 47, 19, 0, time.UTC)
	got, err := p.Publish(context.Background(), []Entry{
		{Source: "shop", Type: "order.placed", Detail: `{"id":"a"}`, Time: at, TraceHeader: "Root=1-0af76519-16cd43dd8448eb211c80319c;Parent=b7ad6b7169203331;Sampled=1"},
		{Source: "shop", Type: "order.shipped", Detail: `{"id":"b"}`, Time: at},
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 2 || got[0] != (Result{}) || got[1] != (Result{Code: "MalformedDetail", Message: "no"}) {
		t.Errorf("got %+v", got)
	}
	if s.target != "AWSEvents.PutEvents" {
		t.Errorf("target %q", s.target)
	}
	entries, _ := s.body["Entries"].([]any)
	if len(entries) != 2 {
		t.Fatalf("sent %v", s.body)
	}
	want := map[string]any{"Source": "shop", "DetailType": "order.shipped", "Detail": `{"id":"b"}`, "EventBusName": "shop-test-bus", "Time": float64(at.Unix())}
	for k, v := range want {
		if e := entries[1].(map[string]any); e[k] != v {
			t.Errorf("%s is %v, want %v", k, e[k], v)
		}
	}
	for i, trace := range []any{"Root=1-0af76519-16cd43dd8448eb211c80319c;Parent=b7ad6b7169203331;Sampled=1", nil} {
		if e := entries[i].(map[string]any); e["TraceHeader"] != trace {
			t.Errorf("entry %d has the trace %v, want %v", i, e["TraceHeader"], trace)
		}
	}
}

func TestEventBridgeRefuses(t *testing.T) {
	for code, refused := range map[string]bool{"ValidationException": true, "AccessDeniedException": false} {
		s := newService(t, 400, `{"__type":"`+code+`","message":"no"}`)
		p := NewPublisher(eventbridge.NewFromConfig(awsenv.Config(s.getenv)), "shop-test-bus")
		_, err := p.Publish(context.Background(), []Entry{{Source: "shop", Type: "order.placed", Detail: `{}`}})
		if err == nil || !strings.Contains(err.Error(), "shop-test-bus") {
			t.Errorf("%s: got %v, want an error that names the bus", code, err)
		}
		if r, ok := rejected(err); ok != refused || (ok && (r.Code != code || r.Message != "no")) {
			t.Errorf("%s: got %v, rejected %v", code, err, ok)
		}
	}
}

func TestFailureQueue(t *testing.T) {
	s := newService(t, 200, `{"MessageId":"1"}`)
	q := NewFailureQueue(sqs.NewFromConfig(awsenv.Config(s.getenv), func(o *sqs.Options) {
		o.DisableMessageChecksumValidation = true // the fake's answer has none
	}), "shop-test-relay_failed")
	f := Failure{EventID: "order/1@1", EventType: "order.placed", ErrorCode: "MalformedDetail", ErrorMessage: "no",
		SequenceNumber: "7", StreamARN: "arn:aws:dynamodb:eu-west-1:123456789012:table/t/stream/x", FailedAt: time.Date(2026, 11, 21, 5, 47, 19, 0, time.UTC)}
	if err := q.Send(context.Background(), f); err != nil {
		t.Fatal(err)
	}
	if s.target != "AmazonSQS.SendMessage" || s.body["QueueUrl"] != "https://sqs.eu-west-1.amazonaws.com/123456789012/shop-test-relay_failed" {
		t.Errorf("sent %s %v", s.target, s.body)
	}
	const want = `{"event_id":"order/1@1","event_type":"order.placed","error_code":"MalformedDetail","error_message":"no",` +
		`"sequence_number":"7","stream_arn":"arn:aws:dynamodb:eu-west-1:123456789012:table/t/stream/x","failed_at":"2026-11-21T05:47:19Z"}`
	if s.body["MessageBody"] != want {
		t.Errorf("body %v\nwant %s", s.body["MessageBody"], want)
	}

	s.status, s.answer = 400, `{"__type":"com.amazonaws.sqs#QueueDoesNotExist","message":"no"}`
	if err := q.Send(context.Background(), f); err == nil || !strings.Contains(err.Error(), "shop-test-relay_failed") {
		t.Errorf("got %v, want an error that names the queue", err)
	}
	f.StreamARN = "order/1"
	if err := q.Send(context.Background(), f); err == nil || !strings.Contains(err.Error(), "order/1") {
		t.Errorf("got %v, want an error that shows the ARN", err)
	}
}

func TestQueueURL(t *testing.T) {
	for arn, want := range map[string]string{
		"arn:aws:dynamodb:us-east-1:000000000000:table/t/stream/x":     "https://sqs.us-east-1.amazonaws.com/000000000000/q",
		"arn:aws-us-gov:dynamodb:us-gov-west-1:1:table/t/stream/x":     "https://sqs.us-gov-west-1.amazonaws.com/1/q",
		"arn:aws-cn:dynamodb:cn-north-1:123456789012:table/t/stream/x": "https://sqs.cn-north-1.amazonaws.com.cn/123456789012/q",
		"arn:aws:dynamodb:us-east-1::table/t/stream/x":                 "",
		"arn:aws:dynamodb::123456789012:table/t/stream/x":              "",
		"": "",
	} {
		got, err := queueURL(arn, "q")
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%q: got %q, %v; want %q", arn, got, err, want)
		}
	}
}

func TestFromEnv(t *testing.T) {
	s := newService(t, 200, `{}`)
	r, err := FromEnv(s.getenv, slog.New(slog.DiscardHandler), io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	if r.o.Source != "shop" || r.o.Deployment != "test" || r.o.Publisher.(*eventBridge).bus != "shop-test-bus" || r.o.Failures.(*failureQueue).name != "shop-test-relay_failed" {
		t.Errorf("got %+v", r.o)
	}
	if _, err := FromEnv(func(string) string { return "" }, nil, nil); err == nil || !strings.Contains(err.Error(), "VINCI_APP") {
		t.Errorf("got %v, want an error that names VINCI_APP", err)
	}
}

// What AWS's page calls retryable is sent again, what it calls non-retryable is
// given up, and what it does not name loses nothing by waiting.
func TestHopeless(t *testing.T) {
	for code, want := range map[string]bool{
		"AccessDeniedException": true, "InvalidAccountIdException": true, "InvalidArgument": true, "MalformedDetail": true,
		"NotAuthorizedForDetailTypeException": true, "NotAuthorizedForSourceException": true, "RedactionFailure": true,
		"ConcurrentModificationException": false, "InternalException": false, "InternalFailure": false, "OperationDisabledException": false,
		"ThrottlingException": false, "SomethingNew": false,
	} {
		if hopeless(code) != want {
			t.Errorf("%s: given up is %v, want %v", code, !want, want)
		}
	}
}
