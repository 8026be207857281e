package main

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/vinci-go/vinci/internal/awsenv"
	"github.com/vinci-go/vinci/internal/moduletest"
	"github.com/vinci-go/vinci/orm"
)

// running writes the file that a vinci dev of this process would.
func running(t *testing.T, dir, pid string) {
	moduletest.Write(t, sessionFile(dir), `{"pid":`+pid+`,"endpoint":"http://127.0.0.1:7777","region":"us-east-1","access_key_id":"AKIADEV","secret_access_key":"s"}`)
}

func TestTarget(t *testing.T) {
	exported := map[string]string{awsenv.Region: "eu-west-1", awsenv.AccessKeyID: "AKIAENV", awsenv.SecretAccessKey: "s", awsenv.SessionToken: "token"}
	with := func(endpoint string) map[string]string {
		return map[string]string{awsenv.EndpointURL: endpoint, awsenv.AccessKeyID: "AKIAENV", awsenv.SecretAccessKey: "s"}
	}
	tests := []struct {
		name              string
		where             where
		env               map[string]string
		dev               bool // vinci dev runs
		endpoint, key, is string
	}{
		{"nothing is said", where{deployment: "local"}, nil, false, defaultEndpoint, "local", "deployment local at " + defaultEndpoint},
		{"vinci dev runs", where{deployment: "local"}, nil, true, "http://127.0.0.1:7777", "AKIADEV", ""},
		{"it runs, and another endpoint is exported", where{deployment: "local"}, with("http://127.0.0.1:1"), true, "http://127.0.0.1:7777", "AKIADEV", ""},
		{"an endpoint is exported", where{deployment: "local"}, with("http://127.0.0.1:1"), false, "http://127.0.0.1:1", "AKIAENV", ""},
		{"an endpoint is named", where{deployment: "local", endpoint: "http://127.0.0.1:2"}, with("http://127.0.0.1:1"), true, "http://127.0.0.1:2", "AKIAENV", ""},
		{"the running one is named", where{deployment: "local", endpoint: "http://127.0.0.1:7777"}, with(""), true, "http://127.0.0.1:7777", "AKIADEV", ""},
		{"on AWS", where{deployment: "dev"}, exported, true, "", "AKIAENV", "deployment dev on AWS, eu-west-1"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			app := &application{dir: t.TempDir(), name: "shop"}
			if tt.dev {
				running(t, app.dir, "1")
			}
			got, err := tt.where.target(app, func(name string) string { return tt.env[name] })
			if err != nil {
				t.Fatal(err)
			}
			if e, k := got.env[awsenv.EndpointURL], got.env[awsenv.AccessKeyID]; e != tt.endpoint || k != tt.key || got.env[awsenv.Region] == "" {
				t.Errorf("endpoint %q with key %q, want %q with %q", e, k, tt.endpoint, tt.key)
			}
			if tt.is != "" && got.String() != tt.is {
				t.Errorf("it is %q, want %q", got, tt.is)
			}
			for _, want := range []string{"VINCI_APP=shop", "VINCI_DEPLOYMENT=" + tt.where.deployment, "AWS_ENDPOINT_URL=" + tt.endpoint} {
				if !slices.Contains(got.environ(), want) {
					t.Errorf("a migration's environment lacks %s", want)
				}
			}
			if tt.key == "AKIADEV" && slices.Contains(got.environ(), "AWS_SESSION_TOKEN=token") {
				t.Error("the token of other keys is left")
			}
		})
	}
	for says, w := range map[string]where{
		"AWS_REGION is not set":   {deployment: "dev"},
		`deployment id "Dev"`:     {deployment: "Dev"},
		`--endpoint "4599": it m`: {deployment: "local", endpoint: "4599"},
	} {
		if _, err := w.target(&application{dir: t.TempDir(), name: "shop"}, func(string) string { return "" }); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%v, want %q", err, says)
		}
	}
}

func TestSession(t *testing.T) {
	dir := t.TempDir()
	if s, err := readSession(dir); s != nil || err != nil {
		t.Errorf("none: %v, %v", s, err)
	}
	running(t, dir, "99999999") // no such process: it was killed
	if s, err := readSession(dir); s != nil || err != nil {
		t.Errorf("killed: %v, %v", s, err)
	}
	running(t, dir, "1")
	if err := removeSession(dir); err != nil {
		t.Error(err)
	}
	if s, err := readSession(dir); s == nil || err != nil {
		t.Errorf("another process's: %v, %v", s, err)
	}
	moduletest.Write(t, sessionFile(dir), "{")
	if _, err := readSession(dir); err == nil || !strings.Contains(err.Error(), sessionFile(dir)) {
		t.Errorf("broken: %v", err)
	}
	if err := os.RemoveAll(filepath.Join(dir, ".vinci")); err != nil {
		t.Fatal(err)
	}
}

// What went wrong comes with what to do about it.
func TestDescribeFails(t *testing.T) {
	answer := func(code string) string {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/x-amz-json-1.0")
			w.WriteHeader(http.StatusBadRequest)
			w.Write([]byte(`{"__type":"com.amazonaws.dynamodb.v20120810#` + code + `","message":"no"}`))
		}))
		t.Cleanup(s.Close)
		return s.URL
	}
	env := func(name string) string {
		return map[string]string{awsenv.Region: "eu-west-1", awsenv.AccessKeyID: "a", awsenv.SecretAccessKey: "s"}[name]
	}
	app := &application{dir: t.TempDir(), name: "shop"}
	for _, tt := range []struct {
		where where
		kind  error
		says  string
	}{
		{where{deployment: "local", endpoint: "http://127.0.0.1:1"}, nil, "nothing answers at http://127.0.0.1:1: start the local runtime"},
		{where{deployment: "local", endpoint: answer("ResourceNotFoundException")}, orm.KindNoTable, "vinci dev"},
		{where{deployment: "dev", endpoint: answer("ResourceNotFoundException")}, orm.KindNoTable, "make deploy DEPLOYMENT=dev"},
		{where{deployment: "local", endpoint: answer("UnrecognizedClientException")}, orm.KindDenied, "--dir"},
	} {
		target, err := tt.where.target(app, env)
		if err != nil {
			t.Fatal(err)
		}
		if _, err = target.describe(t.Context(), "users"); err == nil || tt.kind != nil && !errors.Is(err, tt.kind) || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%v, want %v that says %q", err, tt.kind, tt.says)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	w := where{deployment: "local", endpoint: "http://127.0.0.1:1"}
	target, err := w.target(app, env)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := target.describe(ctx, "users"); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

func TestUnknown(t *testing.T) {
	known := []string{"deliveries", "events", "user_stats", "users"}
	for name, want := range map[string]string{"user": "users", "usrs": "users", "user_s": "users", "event": "events", "del": "deliveries", "x": "", "orders": ""} {
		if got := nearest(name, known); got != want {
			t.Errorf("nearest to %s is %q, want %q", name, got, want)
		}
	}
	app := &application{tables: []*orm.Schema{{Name: "users"}}}
	if s, err := app.table("users"); err != nil || s.Name != "users" {
		t.Errorf("%v, %v", s, err)
	}
	if _, err := app.table("orders"); err == nil || err.Error() != `there is no table "orders" (there are: users)` {
		t.Errorf("%v", err)
	}
	if _, err := (&application{}).table("orders"); err == nil || !strings.Contains(err.Error(), "AddTable") {
		t.Errorf("%v", err)
	}
}
