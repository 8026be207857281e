package bus

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/vinci-go/vinci/internal/awsenv"
)

// What goes over the wire, as SQS's JSON protocol has it.
func TestSQSRequests(t *testing.T) {
	type call struct {
		operation string
		body      map[string]any
	}
	var calls []call
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := call{operation: r.Header.Get("X-Amz-Target")}
		if err := json.NewDecoder(r.Body).Decode(&c.body); err != nil {
			t.Error(err)
		}
		calls = append(calls, c)
		w.Header().Set("Content-Type", "application/x-amz-json-1.0")
		if strings.HasSuffix(c.operation, "SendMessage") {
			// MD5 of "body", which the client checks.
			w.Write([]byte(`{"MessageId":"1","MD5OfMessageBody":"841a2d689ad86bd1611447453c22c6fc"}`))
			return
		}
		w.Write([]byte(`{}`))
	}))
	defer server.Close()
	env := map[string]string{"AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "s", "AWS_ENDPOINT_URL": server.URL}
	q := newQueue(awsenv.Config(func(name string) string { return env[name] }))
	const arn = "arn:aws:sqs:us-east-1:000000000000:app-dev-mail"
	if err := q.ChangeVisibility(t.Context(), arn, "receipt", 1500*time.Millisecond); err != nil {
		t.Fatal(err)
	}
	if err := q.SendToDeadLetter(t.Context(), DeadLetter{SourceARN: arn, Queue: "app-dev-mail_dlq", Body: "body", Attributes: map[string]string{AttrErrorKind: "failed"}}); err != nil {
		t.Fatal(err)
	}
	if len(calls) != 2 || calls[0].operation != "AmazonSQS.ChangeMessageVisibility" || calls[1].operation != "AmazonSQS.SendMessage" {
		t.Fatalf("calls %+v", calls)
	}
	hide, send := calls[0].body, calls[1].body
	if hide["QueueUrl"] != server.URL+"/000000000000/app-dev-mail" || hide["ReceiptHandle"] != "receipt" || hide["VisibilityTimeout"] != 2.0 {
		t.Errorf("ChangeMessageVisibility %v", hide)
	}
	attributes, _ := json.Marshal(send["MessageAttributes"])
	if send["QueueUrl"] != server.URL+"/000000000000/app-dev-mail_dlq" || send["MessageBody"] != "body" || string(attributes) != `{"ERROR_KIND":{"DataType":"String","StringValue":"failed"}}` {
		t.Errorf("SendMessage %v", send)
	}
	for _, err := range []error{q.ChangeVisibility(t.Context(), "x", "r", 0), q.SendToDeadLetter(t.Context(), DeadLetter{SourceARN: "x"})} {
		if err == nil || !strings.Contains(err.Error(), "queue ARN") {
			t.Errorf("error %v", err)
		}
	}
}
