package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/eventlog"
	"github.com/vinci-go/vinci/internal/names"
	"github.com/vinci-go/vinci/local/localtest"
	"github.com/vinci-go/vinci/orm"
	"github.com/vinci-go/vinci/orm/ormtest"
)

// The program against the application, as it runs after a deployment: the address
// comes from the file of the CDK, all else from the environment.
func TestSmoke(t *testing.T) {
	t.Parallel()
	app := localtest.Start(t, localtest.Options{})
	file := filepath.Join(t.TempDir(), "outputs.json")
	outputs, err := json.Marshal(map[string]any{"user-system-local-api": map[string]string{"APIURL2B7029EB": app.URL(t) + "/"}})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, outputs, 0o644); err != nil {
		t.Fatal(err)
	}
	owner := app.Credentials()
	env := map[string]string{
		names.EnvApplication: "user-system", names.EnvDeployment: "local", "AWS_REGION": owner.Region,
		"AWS_ACCESS_KEY_ID": owner.AccessKeyID, "AWS_SECRET_ACCESS_KEY": owner.SecretAccessKey, "AWS_ENDPOINT_URL": app.Endpoint(),
	}
	for range 2 { // one run is not in another's way
		var out bytes.Buffer
		if err := run(t.Context(), []string{"--outputs", file, "--every", "10ms"}, func(name string) string { return env[name] }, &out); err != nil {
			t.Fatalf("%v\n%s", err, &out)
		}
		for _, want := range []string{"registered smoke+", "activated user ", "send_welcome has handled user/", "count_total has handled", "count_active has handled"} {
			if !strings.Contains(out.String(), want) {
				t.Errorf("it does not say %q:\n%s", want, &out)
			}
		}
	}
}

// api answers as a deployment does, with one fault.
type api struct {
	fault  string
	asked  int
	active bool
}

func (a *api) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.asked++
	route := r.Method + " " + r.URL.Path
	status := map[bool]string{false: "pending", true: "active"}
	switch {
	case a.fault == "late" && a.asked < 3:
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	case a.fault == route:
		w.WriteHeader(http.StatusInternalServerError)
		io.WriteString(w, "broken")
		return
	case a.fault == "status":
		status[false] = "closed"
	}
	switch route {
	case "POST /users/u/activate":
		a.active = true
	case "POST /users":
		w.WriteHeader(http.StatusCreated)
	}
	fmt.Fprintf(w, `{"user_id":"u","email":"smoke+1@example.com","status":%q}`, status[a.active])
}

func TestFaults(t *testing.T) {
	good := map[string]bus.Status{"user/u@1 send_welcome": bus.Succeeded, "user/u@1 count_total": bus.Succeeded, "user/u@2 count_active": bus.Succeeded}
	but := func(key string, status bus.Status) map[string]bus.Status {
		out := map[string]bus.Status{}
		for k, v := range good {
			out[k] = v
		}
		out[key] = status
		return out
	}
	tests := []struct {
		name, fault string
		deliveries  map[string]bus.Status
		err         string // empty: none
	}{
		{"none", "", good, ""},
		{"the API is late", "late", good, ""},
		{"the API never answers", "GET /stats", good, "the API does not answer: GET /stats: status 500, wanted 200: broken"},
		{"nobody can register", "POST /users", good, "POST /users: status 500, wanted 201: broken"},
		{"nobody can be activated", "POST /users/u/activate", good, "POST /users/u/activate: status 500"},
		{"a user is something else", "status", good, "is closed, wanted smoke+1@example.com and pending"},
		{"an event is not delivered", "", map[string]bus.Status{"user/u@1 send_welcome": bus.Succeeded}, "event user/u@1 was not handled in time: count_total has not met it"},
		{"a handler fails", "", but("user/u@2 count_active", bus.Failed), "event user/u@2 was not handled in time: at count_active it is failed after 5 attempts no table"},
		{"a handler gave up", "", but("user/u@1 send_welcome", bus.Dead), "send_welcome gave up on user/u@1 after 5 attempts: no table"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			server := httptest.NewServer(&api{fault: tt.fault})
			defer server.Close()
			store := ormtest.New()
			for key, status := range tt.deliveries {
				id, subscription, _ := strings.Cut(key, " ")
				d := bus.Delivery{EventID: id, Subscription: subscription, Status: status, Attempts: 5, FirstAt: time.Now(), LastAt: time.Now(), EventType: "user.created", CorrelationID: "c"}
				if status != bus.Succeeded {
					d.ErrorMessage = "no table"
				}
				if err := orm.Exec(t.Context(), store, bus.Deliveries.Put(d)); err != nil {
					t.Fatal(err)
				}
			}
			d := names.Deployment{App: "user-system", ID: "test"}
			o, err := newOps(d, store, eventlog.New(store, eventlog.Options{Source: d.App}))
			if err != nil {
				t.Fatal(err)
			}
			waits := 0
			s := &smoke{api: server.URL, ops: o, http: server.Client(), newID: func() string { return "1" }, out: io.Discard, wait: func(context.Context) error {
				if waits++; waits > 5 {
					return context.DeadlineExceeded
				}
				return nil
			}}
			err = s.run(t.Context())
			if (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
				t.Errorf("error %v, want %q", err, tt.err)
			}
		})
	}
}

func TestAddress(t *testing.T) {
	file := filepath.Join(t.TempDir(), "outputs.json")
	for text, want := range map[string]string{
		`{"a-api":{"APIURL2B7029EB":"https://x"},"a-log":{"Other":"y"}}`: "https://x",
		`{"a-log":{"Other":"y"}}`:                                   "has 0 outputs APIURL…, wanted one",
		`{"a":{"APIURL1":"https://x"},"b":{"APIURL2":"https://y"}}`: "has 2 outputs",
		`[]`: "is not what cdk deploy --outputs-file writes",
	} {
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		got, err := fromFile(file)
		if err != nil {
			got = err.Error()
		}
		if !strings.Contains(got, want) {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}

// Without an address CloudFormation is asked.
func TestAddressOfStack(t *testing.T) {
	var asked string
	cloudFormation := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = r.FormValue("Action") + " " + r.FormValue("StackName")
		w.Header().Set("Content-Type", "text/xml")
		io.WriteString(w, `<DescribeStacksResponse><DescribeStacksResult><Stacks><member><StackName>x</StackName><StackStatus>UPDATE_COMPLETE</StackStatus><CreationTime>2026-01-02T03:04:05Z</CreationTime>
			<Outputs><member><OutputKey>APIURL2B7029EB</OutputKey><OutputValue>https://api.example.com</OutputValue></member></Outputs></member></Stacks></DescribeStacksResult></DescribeStacksResponse>`)
	}))
	defer cloudFormation.Close()
	env := map[string]string{"AWS_REGION": "eu-west-1", "AWS_ACCESS_KEY_ID": "A", "AWS_SECRET_ACCESS_KEY": "s", "AWS_ENDPOINT_URL": cloudFormation.URL}
	got, err := fromStack(t.Context(), names.Deployment{App: "user-system", ID: "staging"}, func(name string) string { return env[name] })
	if err != nil || got != "https://api.example.com" || asked != "DescribeStacks user-system-staging-api" {
		t.Errorf("%q, %v; asked %q", got, err, asked)
	}
}

func TestArguments(t *testing.T) {
	none := func(string) string { return "" }
	for _, tt := range []struct {
		args []string
		err  string
	}{
		{[]string{"--url", "https://x"}, "deployment id is missing"},
		{[]string{"--deployment", "dev", "--url", "x"}, "is no address"},
		{[]string{"--deployment", "dev", "x"}, "no arguments are taken"},
		{[]string{"--deployment", "dev", "--timeout", "0s"}, "longer than nothing"},
		{[]string{"--deployment", "dev", "--outputs", "/none"}, "no such file"},
	} {
		if err := run(t.Context(), tt.args, none, io.Discard); err == nil || !strings.Contains(err.Error(), tt.err) {
			t.Errorf("%v: %v, want %q", tt.args, err, tt.err)
		}
	}
}
