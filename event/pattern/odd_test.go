package pattern_test

import (
	"strings"
	"testing"
	"time"

	"github.com/vinci-go/vinci/event/pattern"
)

// pages are where AWS documents a rule.
const (
	pageOperators = "https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html"
	pageArrays    = "https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-patterns-arrays.html"
	pageNull      = "https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-patterns-null-values.html"
)

// TestOddAnswers are the answers of EventBridge that surprise, one rule each.
func TestOddAnswers(t *testing.T) {
	for _, tt := range []struct {
		rule, page     string
		pattern, event string
		want           bool
	}{
		{"exists is false for an object", pageOperators, `{"a":[{"exists":true}]}`, `{"a":{"b":1}}`, false},
		{"exists false is true for an object", pageOperators, `{"a":[{"exists":false}]}`, `{"a":{"b":1}}`, true},
		{"exists is true for null", pageOperators, `{"a":[{"exists":true}]}`, `{"a":null}`, true},
		{"anything-but is false for an absent field", pageOperators, `{"a":[{"anything-but":"x"}]}`, `{"b":1}`, false},
		{"anything-but is true when one element differs", pageOperators, `{"a":[{"anything-but":"x"}]}`, `{"a":["x","y"]}`, true},
		{"anything-but is false when no element differs", pageOperators, `{"a":[{"anything-but":["x","y"]}]}`, `{"a":["x","y"]}`, false},
		{"anything-but a text is true for a number", pageOperators, `{"a":[{"anything-but":"1"}]}`, `{"a":1}`, true},
		{"fields of one element of an array: together", pageArrays, `{"a":{"x":[1],"y":[2]}}`, `{"a":[{"x":1,"y":2},{"x":3,"y":4}]}`, true},
		{"fields of one element of an array: across", pageArrays, `{"a":{"x":[1],"y":[4]}}`, `{"a":[{"x":1,"y":2},{"x":3,"y":4}]}`, false},
		{"an array matches when it shares an element", pageArrays, `{"a":["x","z"]}`, `{"a":["y","z"]}`, true},
		{"an empty array matches nothing", pageArrays, `{"a":["x",null,""]}`, `{"a":[]}`, false},
		{"numbers by value", pageOperators, `{"a":[30]}`, `{"a":3.0e1}`, true},
		{"numbers by value, 300 and 3.0e2", pageOperators, `{"a":[{"numeric":["=",300]}]}`, `{"a":3.0e2}`, true},
		{"a number is never its text", pageOperators, `{"a":[30]}`, `{"a":"30"}`, false},
		{"a text is never its number", pageOperators, `{"a":["30"]}`, `{"a":30}`, false},
		{"null is not the empty text", pageNull, `{"a":[null]}`, `{"a":""}`, false},
		{"the empty text is not null", pageNull, `{"a":[""]}`, `{"a":null}`, false},
		{"a field's name has a case", pageOperators, `{"A":["x"]}`, `{"a":"x"}`, false},
		{"prefix is for texts", pageOperators, `{"a":[{"prefix":""}]}`, `{"a":null}`, false},
		{"wildcard may match nothing", pageOperators, `{"a":[{"wildcard":"x*"}]}`, `{"a":"x"}`, true},
		{"$or beside a field: both must hold", pageOperators, `{"a":[1],"$or":[{"b":[1]},{"c":[1]}]}`, `{"a":2,"b":1}`, false},
	} {
		t.Run(tt.rule, func(t *testing.T) {
			p, err := pattern.Compile([]byte(tt.pattern))
			if err != nil {
				t.Fatal(err)
			}
			if got, err := p.Match([]byte(tt.event)); err != nil || got != tt.want {
				t.Errorf("%s of %s is %v, %v; want %v: see %s", tt.pattern, tt.event, got, err, tt.want, tt.page)
			}
		})
	}
}

// What EventBridge finds too complex.
func TestWildcardComplexity(t *testing.T) {
	compile := func(alternatives string) error {
		_, err := pattern.Compile([]byte(`{"a":[` + alternatives + `]}`))
		return err
	}
	for _, ok := range []string{
		`{"wildcard":"*"}`, `{"wildcard":"*/lib/*"}`, `{"wildcard":"arn:aws:events:us-east-1:*:event-bus/*"}`, `{"wildcard":"/Users/*/dir/dir/dir/dir/dir/doc.txt"}`,
		`{"wildcard":"*a*b*c*d*e*f*"}`, `{"wildcard":"abc*abc*abc*"}`, `{"anything-but":{"wildcard":["*/init/*","*/dir/*"]}}`,
		`{"wildcard":"` + strings.Repeat("x", 2000) + `"}`, `{"wildcard":"` + strings.Repeat("a", 500) + `*` + strings.Repeat("b", 5) + `"}`,
	} {
		if err := compile(ok); err != nil {
			t.Errorf("%s: %v", ok, err)
		}
	}
	began := time.Now()
	for _, complex := range []string{
		`{"wildcard":"*:*:*:*:*:event-bus/*"}`, `{"anything-but":{"wildcard":"*:*:*:*:*:event-bus/*"}}`, `{"wildcard":"*aaaaaaaaaa"}`, `{"wildcard":"*:*:*:x"},{"wildcard":"*y:*:*:*z*:*:*"},{"wildcard":"*w*:*:*:*:"}`,
		`{"wildcard":"` + strings.Repeat("*ab", 300) + `"}`, `{"wildcard":"*` + strings.Repeat("ab", 500) + `"}`,
	} {
		if err := compile(complex); err == nil || !strings.Contains(err.Error(), "Rule is too complex - try using fewer wildcard characters") {
			t.Errorf("%s: error %v", complex, err)
		}
	}
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("it took %s", took)
	}
}

// Only some rules of a bus may have wildcards, so they can be told.
func TestHasWildcard(t *testing.T) {
	for source, want := range map[string]bool{
		`{"a":["x"]}`: false, `{"a":[{"wildcard":"x"}]}`: true, `{"a":[{"anything-but":{"wildcard":["x*"]}}]}`: true, `{"$or":[{"a":[1]},{"b":{"c":[{"wildcard":"*"}]}}]}`: true, `{"a":[{"prefix":"*"}]}`: false,
	} {
		p, err := pattern.Compile([]byte(source))
		if err != nil {
			t.Fatal(err)
		}
		if got := p.HasWildcard(); got != want {
			t.Errorf("%s: %v", source, got)
		}
	}
}
