package capture

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/internal/lambdastart"
	"github.com/vinci-go/vinci/orm"
)

type crate struct {
	ID string `dynamo:"id,hash"`
}

var (
	crates = orm.Define[crate, string]("crates", orm.Stream())
	watch  = Define("watch", crates)
)

func nothing(context.Context, Change[crate]) error { return nil }

func TestFromEnv(t *testing.T) {
	env := map[string]string{}
	getenv := func(name string) string { return env[name] }
	_, err := fromEnv(getenv, slog.Default(), io.Discard, Define("Watch", crates), nil)
	got := strings.Join(lambdastart.Problems(err), "\n")
	for _, want := range []string{`name "Watch"`, "it has no handler", "VINCI_APP", EnvFailureQueue + " is not set"} {
		if !strings.Contains(got, want) {
			t.Errorf("the problems lack %q:\n%s", want, got)
		}
	}
	env = map[string]string{"VINCI_APP": "app", "VINCI_DEPLOYMENT": "dev", "AWS_REGION": "us-east-1", EnvFailureQueue: "app-dev-watch_dlq"}
	if c, err := fromEnv(getenv, slog.Default(), io.Discard, watch, []Part{On(crates, nothing)}); err != nil || c.atOnce != defaultConcurrency {
		t.Errorf("%+v, %v", c, err)
	}
}

// TestSend: a message goes to the queue of the stream's region and account.
func TestSend(t *testing.T) {
	var body map[string]any
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		if err == nil {
			err = json.Unmarshal(b, &body)
		}
		if err != nil || r.Header.Get("X-Amz-Target") != "AmazonSQS.SendMessage" {
			t.Errorf("%s: %v", r.Header.Get("X-Amz-Target"), err)
		}
		w.Header().Set("Content-Type", r.Header.Get("Content-Type"))
		_, _ = io.WriteString(w, `{"MessageId":"1"}`)
	}))
	defer s.Close()
	env := map[string]string{
		"VINCI_APP": "app", "VINCI_DEPLOYMENT": "dev", "AWS_REGION": "eu-west-1", EnvFailureQueue: "app-dev-watch_dlq",
		"AWS_ACCESS_KEY_ID": "AKIAEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_ENDPOINT_URL": s.URL,
	}
	q := newFailureQueue(func(name string) string { return env[name] })
	m := bus.DeadLetter{
		SourceARN: "arn:aws:dynamodb:eu-west-1:123456789012:table/app-dev-crates/stream/2026-03-01T12:00:00.000",
		Queue:     "app-dev-watch_dlq", Body: `{"handler":"watch"}`, Attributes: map[string]string{bus.AttrErrorKind: "failed"},
	}
	if err := q.Send(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	attributes, _ := json.Marshal(body["MessageAttributes"])
	if body["QueueUrl"] != s.URL+"/123456789012/app-dev-watch_dlq" || body["MessageBody"] != m.Body || !strings.Contains(string(attributes), `"StringValue":"failed"`) {
		t.Errorf("sent %v", body)
	}
	m.SourceARN = "nowhere"
	if err := q.Send(t.Context(), m); err == nil || !strings.Contains(err.Error(), `"nowhere"`) {
		t.Error(err)
	}
}
