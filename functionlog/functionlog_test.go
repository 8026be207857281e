package functionlog_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/lambdacontext"

	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/functionlog"
)

func env(level string) func(string) string {
	return func(key string) string {
		if key == functionlog.EnvLevel {
			return level
		}
		return ""
	}
}

// A debug line comes at DEBUG and at nothing else, and so on for every level.
func TestLevel(t *testing.T) {
	for level, want := range map[string]string{
		"": "INFO WARN ERROR", "DEBUG": "DEBUG INFO WARN ERROR", "INFO": "INFO WARN ERROR",
		"warn": "WARN ERROR", "ERROR": "ERROR", "INFO+2": "WARN ERROR",
	} {
		var b bytes.Buffer
		logger := functionlog.New(env(level), &b)
		for _, l := range []slog.Level{slog.LevelDebug, slog.LevelInfo, slog.LevelWarn, slog.LevelError} {
			logger.Log(t.Context(), l, "a line")
		}
		var got []string
		for _, line := range lines(t, &b) {
			got = append(got, line["level"].(string))
		}
		if strings.Join(got, " ") != want {
			t.Errorf("level %q: %v, want %s", level, got, want)
		}
	}
}

func TestUnreadableLevel(t *testing.T) {
	var b bytes.Buffer
	logger := functionlog.New(env("LOUD"), &b)
	logger.Debug("no")
	logger.Info("yes")
	if all := lines(t, &b); len(all) != 2 || all[0]["level"] != "WARN" || all[0]["variable"] != functionlog.EnvLevel || all[1]["msg"] != "yes" {
		t.Errorf("lines: %v", all)
	}
}

func working() context.Context {
	ctx := lambdacontext.NewContext(context.Background(), &lambdacontext.LambdaContext{AwsRequestID: "r1"})
	return event.WithFlow(ctx, event.Flow{CorrelationID: "c1", CausationID: "order/1@2", TraceParent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"})
}

func TestIDs(t *testing.T) {
	subscription := func(context.Context) []slog.Attr {
		return []slog.Attr{slog.String("subscription", "send"), slog.String("event_id", "its own")}
	}
	const all = `"request_id":"r1","correlation_id":"c1","event_id":"order/1@2","trace_id":"0af7651916cd43dd8448eb211c80319c"}`
	for name, c := range map[string]struct {
		log  func(*slog.Logger)
		ids  []func(context.Context) []slog.Attr
		want string // the end of the line
	}{
		"all":          {log: func(l *slog.Logger) { l.InfoContext(working(), "m") }, want: `"msg":"m",` + all},
		"no context":   {log: func(l *slog.Logger) { l.Info("m") }, want: `"msg":"m"}`},
		"nothing in":   {log: func(l *slog.Logger) { l.InfoContext(context.Background(), "m", "a", 1) }, want: `"msg":"m","a":1}`},
		"line has one": {log: func(l *slog.Logger) { l.InfoContext(working(), "m", "event_id", "mine") }, want: `"event_id":"mine","request_id":"r1","correlation_id":"c1","trace_id":"0af7651916cd43dd8448eb211c80319c"}`},
		"logger has one": {
			log:  func(l *slog.Logger) { l.With("request_id", "mine").InfoContext(working(), "m", "correlation_id", "x") },
			want: `"request_id":"mine","correlation_id":"x","event_id":"order/1@2","trace_id":"0af7651916cd43dd8448eb211c80319c"}`,
		},
		"others first": {
			log: func(l *slog.Logger) { l.InfoContext(working(), "m") }, ids: []func(context.Context) []slog.Attr{subscription},
			want: `"subscription":"send","event_id":"its own","request_id":"r1","correlation_id":"c1","trace_id":"0af7651916cd43dd8448eb211c80319c"}`,
		},
		"group": {log: func(l *slog.Logger) { l.WithGroup("g").InfoContext(working(), "m", "a", 1) }, want: `"msg":"m","g":{"a":1}}`},
	} {
		var b bytes.Buffer
		c.log(functionlog.New(env(""), &b, c.ids...))
		if !strings.HasSuffix(b.String(), c.want+"\n") {
			t.Errorf("%s: %s want the end %s", name, &b, c.want)
		}
	}
}

// TestStart runs this test's program again as a function's main would run: what
// packages slog and log write must come as JSON.
func TestStart(t *testing.T) {
	if os.Getenv("FUNCTIONLOG_CHILD") != "" {
		functionlog.Start()
		slog.Debug("not at INFO")
		slog.Info("by slog")
		log.Print("by log")
		os.Exit(0)
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestStart$")
	cmd.Env = append(os.Environ(), "FUNCTIONLOG_CHILD=1")
	var b bytes.Buffer
	cmd.Stderr = &b
	if err := cmd.Run(); err != nil {
		t.Fatal(err)
	}
	all := lines(t, &b)
	if len(all) != 2 || all[0]["msg"] != "by slog" || all[0]["level"] != "INFO" || all[1]["msg"] != "by log" || all[1]["level"] != "ERROR" {
		t.Errorf("lines: %v", all)
	}
}

func lines(t *testing.T, b *bytes.Buffer) []map[string]any {
	t.Helper()
	var all []map[string]any
	for line := range strings.Lines(b.String()) {
		var m map[string]any
		if err := json.Unmarshal([]byte(line), &m); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		all = append(all, m)
	}
	return all
}
