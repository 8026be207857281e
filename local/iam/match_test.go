package iam

import (
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// like agrees with the regular expression that the pattern stands for.
func TestLikeIsItsRegularExpression(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pattern := rapid.StringMatching(`[ab*?]{0,8}`).Draw(t, "pattern")
		s := rapid.StringMatching(`[abc]{0,10}`).Draw(t, "s")
		re := regexp.MustCompile("^" + strings.NewReplacer("*", ".*", "?", ".").Replace(pattern) + "$")
		if got, want := like(pattern, s), re.MatchString(s); got != want {
			t.Fatalf("like(%q, %q) = %v", pattern, s, got)
		}
	})
}
