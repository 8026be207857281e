package pattern

import (
	"testing"

	"pgregory.net/rapid"
)

// The search finds what trying every text finds.
func TestComplexityIsThatOfTheWorstText(t *testing.T) {
	texts := []string{""}
	for i := 0; len(texts[i]) < 9; i++ {
		texts = append(texts, texts[i]+"a", texts[i]+"b")
	}
	token := rapid.SampledFrom([]string{"a", "b", "*"})
	complex := 0
	rapid.Check(t, func(t *rapid.T) {
		var all []wildcard
		prefixes := map[string]wildcard{}
		for range rapid.IntRange(1, 3).Draw(t, "wildcards") {
			source := ""
			for range rapid.IntRange(1, 7).Draw(t, "length") {
				next := token.Draw(t, "token")
				if next == "*" && len(source) > 0 && source[len(source)-1] == '*' {
					next = "a"
				}
				source += next
				w, err := compileWildcard(source)
				if err != nil {
					t.Fatal(err)
				}
				prefixes[source] = w
			}
			w, err := compileWildcard(source)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, w)
		}
		worst, stars := 0, false
		try := func(text string) {
			n := 0
			for _, w := range prefixes {
				if w.match([]byte(text)) {
					n++
				}
			}
			worst = max(worst, n)
		}
		for source := range prefixes {
			stars = stars || source[len(source)-1] == '*'
		}
		for _, text := range texts {
			try(text)
		}
		got := tooComplex(all)
		// The worst text is seldom longer than those, and the search knows no bound.
		for length := 10; got && worst < maxComplexity && length <= 18; length++ {
			for bits := range 1 << length {
				text := make([]byte, length)
				for i := range text {
					text[i] = "ab"[bits>>i&1]
				}
				try(string(text))
			}
		}
		want := stars && worst >= maxComplexity
		if got != want {
			t.Fatalf("%v: too complex is %v; the worst text is matched by %d prefixes", prefixes, got, worst)
		}
		if want {
			complex++
		}
	})
	t.Logf("%d were too complex", complex)
}
