package ops_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/vinci-go/vinci/internal/awsenv"
	"github.com/vinci-go/vinci/local/gateway"
	"github.com/vinci-go/vinci/local/sqs"
	"github.com/vinci-go/vinci/ops"
)

func config(url, key, secret string) aws.Config {
	env := map[string]string{awsenv.Region: "us-east-1", awsenv.AccessKeyID: key, awsenv.SecretAccessKey: secret, awsenv.EndpointURL: url}
	return awsenv.Config(func(name string) string { return env[name] })
}

// realQueues are queues of the local runtime, spoken to by the SDK.
func realQueues(t *testing.T, names ...string) ops.Queues {
	t.Helper()
	var url string
	s, err := sqs.New(sqs.Options{Dir: t.TempDir(), Endpoint: func() string { return url }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	var configs []sqs.QueueConfig
	for _, name := range names {
		configs = append(configs, sqs.DefaultQueue(name))
	}
	if err := s.Apply(configs); err != nil {
		t.Fatal(err)
	}
	keys := gateway.NewCredentials(gateway.CredentialsOptions{})
	server := httptest.NewServer(gateway.New(gateway.Options{Services: []gateway.Service{s}, Credentials: keys}))
	t.Cleanup(server.Close)
	url = server.URL
	return ops.NewSQS(config(url, keys.Owner().AccessKeyID, keys.Owner().SecretAccessKey))
}

func TestSQS(t *testing.T) {
	q := realQueues(t, "q")
	ctx := t.Context()
	var sent []ops.Outgoing
	for i := range 12 {
		sent = append(sent, ops.Outgoing{Body: fmt.Sprint("body ", i), Attributes: map[string]string{"SUBSCRIPTION": "charge", "N": fmt.Sprint(i)}})
	}
	began := time.Now().Add(-time.Second)
	if err := q.Send(ctx, "q", sent); err != nil {
		t.Fatal(err)
	}
	if d, err := q.Depth(ctx, "q"); err != nil || d != (ops.Depth{Waiting: 12}) {
		t.Errorf("%+v, %v", d, err)
	}
	var all []ops.Message
	for {
		got, err := q.Receive(ctx, "q", time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		if len(got) == 0 {
			break
		}
		all = append(all, got...)
	}
	if len(all) != 12 {
		t.Fatalf("received %d", len(all))
	}
	for _, m := range all {
		if !strings.HasSuffix(m.Body, " "+m.Attributes["N"]) || len(m.Attributes) != 2 || m.Receives != 1 || m.Sent.Before(began) || m.ID == "" {
			t.Errorf("received %+v", m)
		}
	}
	if d, err := q.Depth(ctx, "q"); err != nil || d != (ops.Depth{InFlight: 12}) {
		t.Errorf("%+v, %v", d, err)
	}
	if err := q.Delete(ctx, "q", all[:11]); err != nil {
		t.Fatal(err)
	}
	if err := q.Release(ctx, "q", all); err != nil { // what is gone does not matter
		t.Fatal(err)
	}
	got, err := q.Receive(ctx, "q", time.Minute)
	if err != nil || len(got) != 1 || got[0].ID != all[11].ID || got[0].Receives != 2 || !maps.Equal(got[0].Attributes, all[11].Attributes) {
		t.Errorf("%+v, %v", got, err)
	}
	_, err = q.Depth(ctx, "nothing")
	if !errors.Is(err, ops.KindUnknown) || !strings.Contains(err.Error(), "no queue nothing") {
		t.Errorf("got %v", err)
	}
}

// A request holds ten messages and a megabyte at most.
func TestSQSPacking(t *testing.T) {
	q := realQueues(t, "q")
	var sent []ops.Outgoing
	for range 7 {
		sent = append(sent, ops.Outgoing{Body: strings.Repeat("x", 400_000), Attributes: map[string]string{"A": "b"}})
	}
	if err := q.Send(t.Context(), "q", sent); err != nil {
		t.Fatal(err)
	}
	if d, err := q.Depth(t.Context(), "q"); err != nil || d.Waiting != 7 {
		t.Errorf("%+v, %v", d, err)
	}
}

// Entries that SQS fails by its own fault are sent again, and only those.
func TestSQSPartialFailure(t *testing.T) {
	for _, tt := range []struct {
		name    string
		failed  func(call int, ids []string) (failed string, fault bool)
		calls   string
		mistake string
	}{
		{"once", func(call int, ids []string) (string, bool) {
			if call == 1 {
				return ids[1], false
			}
			return "", false
		}, "[3 1]", ""},
		{"always", func(_ int, ids []string) (string, bool) { return ids[0], false }, "[3 1 1 1]", "InternalError"},
		{"our fault", func(_ int, ids []string) (string, bool) { return ids[0], true }, "[3]", "InternalError"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var calls []int
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", "application/x-amz-json-1.0")
				if strings.HasSuffix(r.Header.Get("X-Amz-Target"), "GetQueueUrl") {
					fmt.Fprint(w, `{"QueueUrl":"http://sqs/1/q"}`)
					return
				}
				var in struct {
					Entries []struct{ Id, MessageBody string }
				}
				if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
					t.Error(err)
				}
				var ids, ok []string
				for _, e := range in.Entries {
					ids = append(ids, e.Id)
				}
				calls = append(calls, len(ids))
				failed, fault := tt.failed(len(calls), ids)
				out := `{"Successful":[%s],"Failed":[%s]}`
				for _, id := range ids {
					if id != failed {
						// The MD5 of "body", which the client checks.
						ok = append(ok, fmt.Sprintf(`{"Id":%q,"MessageId":"m","MD5OfMessageBody":"841a2d689ad86bd1611447453c22c6fc"}`, id))
					}
				}
				no := ""
				if failed != "" {
					no = fmt.Sprintf(`{"Id":%q,"Code":"InternalError","Message":"no","SenderFault":%t}`, failed, fault)
				}
				fmt.Fprintf(w, out, strings.Join(ok, ","), no)
			}))
			defer server.Close()
			q := ops.NewSQS(config(server.URL, "a", "s"))
			err := q.Send(context.Background(), "q", []ops.Outgoing{{Body: "body"}, {Body: "body"}, {Body: "body"}})
			if (err == nil) != (tt.mistake == "") || err != nil && !strings.Contains(err.Error(), tt.mistake) || fmt.Sprint(calls) != tt.calls {
				t.Errorf("calls %v, %v", calls, err)
			}
		})
	}
}
