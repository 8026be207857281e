package bus

import (
	"strings"
	"testing"
)

func TestTraceOf(t *testing.T) {
	const id, parent = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
	for in, want := range map[string]bool{
		"":                                                     false,
		"00-" + id + "-" + parent + "-01":                      true,
		"00-" + id + "-" + parent + "-00":                      true,
		"00-" + id + "-" + parent + "-01-x":                    false, // this version has four parts
		"01-" + id + "-" + parent + "-01-x":                    true,
		"01-" + id + "-" + parent + "-01":                      true,
		"01-" + id + "-" + parent + "-01x":                     false,
		"ff-" + id + "-" + parent + "-01":                      false,
		"0-" + id + "-" + parent + "-001":                      false,
		"00-" + id + "-" + parent + "-0":                       false,
		"00-" + id + "-" + parent + "-0g":                      false,
		"00-" + id + parent + "---01":                          false,
		"00_" + id + "_" + parent + "_01":                      false,
		"00-" + strings.ToUpper(id) + "-" + parent + "-01":     false,
		"00-" + strings.Repeat("0", 32) + "-" + parent + "-01": false,
		"00-" + id + "-" + strings.Repeat("0", 16) + "-01":     false,
		"tp": false,
	} {
		got := traceOf(in, "run")
		if (got != trace{}) != want {
			t.Errorf("%q: trace %+v, want one: %v", in, got, want)
			continue
		}
		if !want {
			continue
		}
		if got.id != id || got.span == parent || len(got.span) != 16 {
			t.Errorf("%q: trace %+v, want the same trace and another span", in, got)
		}
		// What is handed on can be read again, and goes on with its flags.
		next := traceOf(got.parent(), "another run")
		if next.id != id || next.span == got.span || next.flags != got.flags {
			t.Errorf("%q: %+v was handed on as %+v", in, got, next)
		}
		if again := traceOf(in, "run"); again != got {
			t.Errorf("%q: one run has two spans, %+v and %+v", in, got, again)
		}
	}
}
