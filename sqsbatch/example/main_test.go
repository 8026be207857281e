package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/vinci-go/vinci/orm"
	"github.com/vinci-go/vinci/orm/ormtest"
)

const queueARN = "arn:aws:sqs:eu-west-1:123456789012:orders"

// aBatch is a batch that Lambda's event source mapping would hand over.
func aBatch(bodies ...string) events.SQSEvent {
	var batch events.SQSEvent
	for i, body := range bodies {
		batch.Records = append(batch.Records, events.SQSMessage{MessageId: fmt.Sprint("m", i), ReceiptHandle: fmt.Sprint("r", i), Body: body,
			EventSourceARN: queueARN, EventSource: "aws:sqs", Attributes: map[string]string{"ApproximateReceiveCount": "1"}})
	}
	return batch
}

// cloud is what the function meets: Lambda's Runtime API, DynamoDB by an engine,
// and SQS, whose requests are kept.
//
// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
type cloud struct {
	t        *testing.T
	dynamodb http.Handler
	batches  chan events.SQSEvent
	answers  chan string

	mu  sync.Mutex
	sqs []string // operation and body
}

func (c *cloud) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	target := r.Header.Get("X-Amz-Target")
	switch {
	case strings.HasPrefix(target, "DynamoDB_"):
		c.dynamodb.ServeHTTP(w, r)
	case strings.HasPrefix(target, "AmazonSQS."):
		body, _ := io.ReadAll(r.Body)
		c.mu.Lock()
		c.sqs = append(c.sqs, strings.TrimPrefix(target, "AmazonSQS.")+" "+string(body))
		c.mu.Unlock()
		w.Header().Set("Content-Type", "application/x-amz-json-1.0")
		io.WriteString(w, "{}")
	case strings.HasSuffix(r.URL.Path, "/invocation/next"):
		select {
		case batch := <-c.batches:
			w.Header().Set("Lambda-Runtime-Aws-Request-Id", "request")
			w.Header().Set("Lambda-Runtime-Deadline-Ms", fmt.Sprint(time.Now().Add(30*time.Second).UnixMilli()))
			if err := json.NewEncoder(w).Encode(batch); err != nil {
				c.t.Error(err)
			}
		case <-r.Context().Done():
		}
	default:
		body, _ := io.ReadAll(r.Body)
		c.answers <- string(body)
		w.WriteHeader(http.StatusAccepted)
	}
}

func (c *cloud) invoke(bodies ...string) string {
	c.t.Helper()
	c.batches <- aBatch(bodies...)
	select {
	case answer := <-c.answers:
		return answer
	case <-time.After(time.Minute):
		c.t.Fatal("no answer")
		return ""
	}
}

// The program as it would run in Lambda: a duplicate ships nothing, what cannot be
// read or handled goes to the dead-letter queue, and all else is acknowledged.
func TestFunction(t *testing.T) {
	engine := ormtest.StartEngine(t)
	if _, err := engine.Client.CreateTable(t.Context(), orm.CreateTableInput(shipped.Schema(), "stack-Shipped-1ABC")); err != nil {
		t.Fatal(err)
	}
	at, err := url.Parse(engine.URL)
	if err != nil {
		t.Fatal(err)
	}
	c := &cloud{t: t, dynamodb: httputil.NewSingleHostReverseProxy(at), batches: make(chan events.SQSEvent, 1), answers: make(chan string, 1)}
	server := httptest.NewServer(c)
	defer server.Close()

	bootstrap := filepath.Join(t.TempDir(), "bootstrap")
	if out, err := exec.Command("go", "build", "-tags", "lambda.norpc", "-o", bootstrap, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var logs bytes.Buffer
	function := exec.CommandContext(ctx, bootstrap)
	function.Stderr, function.Stdout = &logs, &logs
	function.Env = append(os.Environ(),
		"AWS_LAMBDA_RUNTIME_API="+strings.TrimPrefix(server.URL, "http://"), "AWS_ENDPOINT_URL="+server.URL,
		"AWS_REGION=eu-west-1", "AWS_ACCESS_KEY_ID=id", "AWS_SECRET_ACCESS_KEY=secret",
		"SHIPPED_TABLE=stack-Shipped-1ABC", "DLQ_ARN="+queueARN+"-dlq")
	if err := function.Start(); err != nil {
		t.Fatal(err)
	}
	stop := sync.OnceFunc(func() { cancel(); function.Wait() })
	defer stop()

	if got := c.invoke(`{"id":"o1","item":"tea","sent_at":"1"}`, `{"id":"o2","item":"rice"}`); got != `{"batchItemFailures":null}` {
		t.Errorf("answer %s", got)
	}
	if got := c.invoke(`{"id":"o1","item":"tea","sent_at":"2"}`, `{"id":"o3"}`, `{"id":"o2","item":"gold"}`); got != `{"batchItemFailures":null}` {
		t.Errorf("answer %s", got)
	}
	stop()
	for order, want := range map[string]int{"o1": 1, "o2": 1, "o3": 0} {
		if n := strings.Count(logs.String(), "handed over order="+order+"\n"); n != want {
			t.Errorf("%s was handed over %d times, want %d\n%s", order, n, want, logs.String())
		}
	}
	if len(c.sqs) != 2 {
		t.Fatalf("asked of SQS: %q", c.sqs)
	}
	sent := strings.Join(c.sqs, "\n")
	for _, want := range []string{"SendMessage", server.URL + "/123456789012/orders-dlq", "the order asks for nothing", "other payload under the same key"} {
		if !strings.Contains(sent, want) {
			t.Errorf("no %q in %s", want, sent)
		}
	}
}

// A start with a wrong environment says everything and ends.
func TestWrongEnvironment(t *testing.T) {
	bootstrap := filepath.Join(t.TempDir(), "bootstrap")
	if out, err := exec.Command("go", "build", "-tags", "lambda.norpc", "-o", bootstrap, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	function := exec.Command(bootstrap)
	function.Env = append(os.Environ(), "DLQ_ARN=https://sqs.eu-west-1.amazonaws.com/1/x")
	out, err := function.CombinedOutput()
	if code := function.ProcessState.ExitCode(); err == nil || code != 1 || !strings.Contains(string(out), "DeadLetterQueue: queue ARN") {
		t.Errorf("status %d: %s", code, out)
	}
}

// The template says what the function needs and nothing that it does not read.
func TestTemplate(t *testing.T) {
	template, err := os.ReadFile("template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	source, err := os.ReadFile("main.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"SHIPPED_TABLE", "DLQ_ARN"} {
		if !bytes.Contains(template, []byte(name+":")) || !bytes.Contains(source, []byte(name)) {
			t.Errorf("%s is not in both", name)
		}
	}
	s := shipped.Schema()
	for _, want := range []string{"AttributeName: " + s.Hash + ", AttributeType: S", "AttributeName: " + s.TTL + ", Enabled: true", "ReportBatchItemFailures"} {
		if !strings.Contains(string(template), want) {
			t.Errorf("no %q in the template", want)
		}
	}
}
