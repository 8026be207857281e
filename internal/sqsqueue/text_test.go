package sqsqueue

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestText(t *testing.T) {
	tests := []struct{ in, want string }{
		{"as it is\n\t✓", "as it is\n\t✓"},
		{"a\x00b\x1fc", "a\uFFFDb\uFFFDc"},
		{"\xff", "\uFFFD"},
		{"\uFFFE", "\uFFFD"},
	}
	for _, tt := range tests {
		if got := Text(tt.in); got != tt.want {
			t.Errorf("%q: %q, want %q", tt.in, got, tt.want)
		}
	}
	for _, long := range []string{strings.Repeat("x", 5000), strings.Repeat("é", 5000), strings.Repeat("𝄞", 5000)} {
		got := Text(long)
		if len(got) > MaxText || len(got) < MaxText-4 || !utf8.ValidString(got) || !strings.HasSuffix(got, "…") {
			t.Errorf("%d bytes, ends %q", len(got), got[len(got)-6:])
		}
	}
}
