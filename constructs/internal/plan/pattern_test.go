package plan

import (
	"encoding/json"
	"testing"

	"pgregory.net/rapid"

	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/event/pattern"
)

// TestPattern: the rule that goes to EventBridge matches exactly the events that
// the subscription's selectors match in Go, of this application and no other,
// whatever the order of the selectors.
func TestPattern(t *testing.T) {
	word := rapid.SampledFrom([]string{"user", "users", "order", "created", "deleted"})
	rapid.Check(t, func(t *rapid.T) {
		selector := rapid.Custom(func(t *rapid.T) event.Selector {
			a, b := word.Draw(t, "first"), word.Draw(t, "second")
			return event.Match(rapid.SampledFrom([]string{a + "." + b, a + ".*", "*." + b}).Draw(t, "selector"))
		})
		selectors := rapid.SliceOfN(selector, 1, 5).Draw(t, "selectors")
		rule, err := json.Marshal(Pattern("shop", selectors))
		if err != nil {
			t.Fatal(err)
		}
		reversed := make([]event.Selector, 0, len(selectors))
		for i := range selectors {
			reversed = append(reversed, selectors[len(selectors)-1-i])
		}
		if again, _ := json.Marshal(Pattern("shop", reversed)); string(again) != string(rule) {
			t.Fatalf("the order of the selectors changes the pattern:\n%s\n%s", rule, again)
		}
		compiled, err := pattern.Compile(rule)
		if err != nil {
			t.Fatalf("pattern %s: %v", rule, err)
		}
		eventType := word.Draw(t, "subject") + "." + word.Draw(t, "verb")
		want := false
		for _, s := range selectors {
			want = want || s.Matches(eventType)
		}
		for source, wanted := range map[string]bool{"shop": want, "shop2": false} {
			e, err := json.Marshal(map[string]any{"source": source, "detail-type": eventType, "detail": map[string]any{}})
			if err != nil {
				t.Fatal(err)
			}
			if got, err := compiled.Match(e); err != nil || got != wanted {
				t.Fatalf("pattern %s on %s: %v, %v; want %v", rule, e, got, err, wanted)
			}
		}
	})
}
