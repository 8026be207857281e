package lambda

import (
	"context"
	"strconv"
	"strings"
)

type traceKey struct{}

// WithTrace says which trace an invocation belongs to, by X-Ray's header, as the
// header X-Amzn-Trace-Id of a request or of an Invoke call does on AWS. The function
// finds the same root in its own header, with another parent.
//
// https://docs.aws.amazon.com/xray/latest/devguide/xray-concepts.html#xray-concepts-tracingheader
func WithTrace(ctx context.Context, header string) context.Context {
	return context.WithValue(ctx, traceKey{}, header)
}

// traceOf is what a function is told of its trace: that of the caller, or a new one.
// Nothing records traces here, so one is sampled only when the caller says so.
func (s *Service) traceOf(ctx context.Context) string {
	given, _ := ctx.Value(traceKey{}).(string)
	root, decision := "", "0"
	for field := range strings.SplitSeq(given, ";") {
		switch name, value, _ := strings.Cut(strings.TrimSpace(field), "="); name {
		case "Root":
			root = value
		case "Sampled":
			if value == "1" {
				decision = value
			}
		}
	}
	if root == "" {
		root = "1-" + strconv.FormatInt(s.now().Unix(), 16) + "-" + s.random(12)
	}
	return "Root=" + root + ";Parent=" + s.random(8) + ";Sampled=" + decision
}
