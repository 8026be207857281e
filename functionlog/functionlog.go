package functionlog

import (
	"context"
	"io"
	"log/slog"
	"os"
	"slices"

	"github.com/aws/aws-lambda-go/lambdacontext"

	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/internal/lambdastart"
)

// EnvLevel is the environment variable that holds the least level that a function
// logs, as [slog.Level] writes it: DEBUG, INFO, WARN, ERROR, or INFO+2. Not set: INFO.
// The constructs set it from the deployment's settings.
const EnvLevel = lambdastart.EnvLogLevel

// The ids of a line.
const (
	keyRequest     = "request_id"
	keyCorrelation = "correlation_id"
	keyEvent       = "event_id"
	keyTrace       = "trace_id"
)

// Start makes the logger of the process and lets everything log through it:
// slog.Default, and package log, whose lines count as errors, because in a function only
// aws-lambda-go writes there, about an invocation that failed. It is for main. ids
// give more to lines than what every context has; see [New].
func Start(ids ...func(context.Context) []slog.Attr) *slog.Logger {
	logger := New(os.Getenv, os.Stderr, ids...)
	slog.SetDefault(logger)
	slog.SetLogLoggerLevel(slog.LevelError)
	return logger
}

// New makes a logger that writes JSON lines to w. getenv is os.Getenv in a program. A
// level that cannot be read counts as INFO, and one line says so. ids, when there are
// any, say which further ids a context has; the first that knows one counts.
func New(getenv func(string) string, w io.Writer, ids ...func(context.Context) []slog.Attr) *slog.Logger {
	level, err := lambdastart.LogLevel(getenv)
	logger := slog.New(&handler{next: slog.NewJSONHandler(w, &slog.HandlerOptions{Level: level}), ids: append(slices.Clone(ids), own)})
	if err != nil {
		logger.Warn("the log level cannot be read: it is INFO", "variable", EnvLevel, "error", err.Error())
	}
	return logger
}

// own are the ids that every context may have.
func own(ctx context.Context) []slog.Attr {
	var attrs []slog.Attr
	add := func(key, value string) {
		if value != "" {
			attrs = append(attrs, slog.String(key, value))
		}
	}
	if lc, ok := lambdacontext.FromContext(ctx); ok {
		add(keyRequest, lc.AwsRequestID)
	}
	f := event.FlowFrom(ctx)
	add(keyCorrelation, f.CorrelationID)
	add(keyEvent, f.CausationID)
	if t, ok := event.ParseTraceParent(f.TraceParent); ok {
		add(keyTrace, t.TraceID)
	}
	return attrs
}

// handler adds the ids of the context to lines that do not have them.
type handler struct {
	next  slog.Handler
	ids   []func(context.Context) []slog.Attr
	given []string // keys of the attributes that a logger has been given
	group bool     // what is added now would stand inside a group
}

// Enabled implements [slog.Handler].
func (h *handler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.next.Enabled(ctx, level)
}

// WithAttrs implements [slog.Handler].
func (h *handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	clone := *h
	clone.next = h.next.WithAttrs(attrs)
	if !h.group {
		clone.given = append([]string(nil), h.given...)
		for _, a := range attrs {
			clone.given = append(clone.given, a.Key)
		}
	}
	return &clone
}

// WithGroup implements [slog.Handler]. Of a logger with a group the lines get no ids:
// they would stand inside the group, where nobody looks for them.
func (h *handler) WithGroup(name string) slog.Handler {
	clone := *h
	clone.next, clone.group = h.next.WithGroup(name), h.group || name != ""
	return &clone
}

// Handle implements [slog.Handler].
func (h *handler) Handle(ctx context.Context, r slog.Record) error {
	if h.group || ctx == nil {
		return h.next.Handle(ctx, r)
	}
	has := map[string]bool{}
	for _, key := range h.given {
		has[key] = true
	}
	r.Attrs(func(a slog.Attr) bool {
		has[a.Key] = true
		return true
	})
	added := false
	for _, ids := range h.ids {
		for _, a := range ids(ctx) {
			if has[a.Key] {
				continue
			}
			if !added { // what the record has is shared with its other copies
				r, added = r.Clone(), true
			}
			has[a.Key] = true
			r.AddAttrs(a)
		}
	}
	return h.next.Handle(ctx, r)
}
