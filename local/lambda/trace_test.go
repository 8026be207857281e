package lambda

import (
	"regexp"
	"testing"
	"time"
)

// TestTraceOf: a function is told of its caller's trace with a parent of its own, and of
// a new trace when the caller's is none.
func TestTraceOf(t *testing.T) {
	const root = "1-5759e988-bd862e3fe1be46a994272793"
	s, _ := start(t, Options{Now: func() time.Time { return time.Unix(0x6789abcd, 0) }}, echo())
	const parent = ";Parent=[0-9a-f]{16};Sampled="
	for header, want := range map[string]string{
		"Root=" + root + ";Parent=53995c3f42cd8ad8;Sampled=1":   "Root=" + root + parent + "1",
		"Self=1-67891233-abcdef012345678912345678;Root=" + root: "Root=" + root + parent + "0",
		"Sampled=1; Root=" + root:                               "Root=" + root + parent + "1",
		"":                                                      "Root=1-6789abcd-[0-9a-f]{24}" + parent + "0",
		"Root=7;Sampled=1":                                      "Root=1-6789abcd-[0-9a-f]{24}" + parent + "0",
		"Root=1-5759e988-bd862e3fe1be46a99427279\n;Sampled=1":              "Root=1-6789abcd-[0-9a-f]{24}" + parent + "0",
		"Root=1-00000000-000000000000000000000000;Parent=53995c3f42cd8ad8": "Root=1-6789abcd-[0-9a-f]{24}" + parent + "0",
	} {
		if got := s.traceOf(WithTrace(t.Context(), header)); !regexp.MustCompile("^" + want + "$").MatchString(got) {
			t.Errorf("%q became %q, want %s", header, got, want)
		}
	}
}
