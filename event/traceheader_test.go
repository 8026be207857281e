package event_test

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/vinci-go/vinci/event"
)

func TestParseTraceHeader(t *testing.T) {
	const id, span = "5759e988bd862e3fe1be46a994272793", "53995c3f42cd8ad8"
	for text, want := range map[string]string{
		"Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1":                     id + " " + span + " 01",
		"Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=0":                     id + " " + span + " 00",
		"Sampled=1; Parent=53995c3f42cd8ad8; Root=1-5759e988-bd862e3fe1be46a994272793":                   id + " " + span + " 01",
		"Root=1-5759e988-bd862e3fe1be46a994272793":                                                       id + "  00",
		"Self=1-67-a;Root=1-5759e988-bd862e3fe1be46a994272793;Parent=x;Sampled=?;Lineage=a:5|1d3cc0e8:0": id + "  00",
		"": "none", "Root=1": "none", "Parent=53995c3f42cd8ad8;Sampled=1": "none",
		"Root=2-5759e988-bd862e3fe1be46a994272793": "none", "Root=1-5759E988-bd862e3fe1be46a994272793": "none",
		"Root=1-5759e98-8bd862e3fe1be46a994272793": "none", "Root=1-00000000-000000000000000000000000": "none",
	} {
		got := "none"
		if p, ok := event.ParseTraceHeader(text); ok {
			got = p.TraceID + " " + p.SpanID + " " + p.Flags
		}
		if got != want {
			t.Errorf("%q is %q, want %q", text, got, want)
		}
	}
}

// A trace context goes into X-Ray's header and comes back as the same.
func TestTraceHeader(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		digits := func(n int, name string) string {
			return rapid.StringOfN(rapid.RuneFrom([]rune("0123456789abcdef")), n, n, n).
				Filter(func(s string) bool { return strings.Trim(s, "0") != "" }).Draw(t, name)
		}
		p := event.TraceParent{TraceID: digits(32, "trace"), SpanID: digits(16, "span"), Flags: rapid.SampledFrom([]string{"00", "01"}).Draw(t, "flags")}
		if back, ok := event.ParseTraceHeader(p.TraceHeader()); !ok || back != p {
			t.Fatalf("%+v became %q and then %+v", p, p.TraceHeader(), back)
		}
	})
	p := event.TraceParent{TraceID: strings.Repeat("ab", 16), Flags: "03"} // another flag beside that of sampling
	if got := p.TraceHeader(); got != "Root=1-abababab-abababababababababababab;Sampled=1" {
		t.Error(got)
	}
}
