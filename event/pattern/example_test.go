package pattern_test

import (
	"fmt"

	"github.com/vinci-go/vinci/event/pattern"
)

// A pattern selects events as an EventBridge rule does.
func ExampleCompile() {
	large, err := pattern.Compile([]byte(`{"detail-type": ["order.placed"], "detail": {"cents": [{"numeric": [">=", 10000]}]}}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, cents := range []int{500, 10000} {
		ok, err := large.Match(fmt.Appendf(nil, `{"detail-type": "order.placed", "detail": {"cents": %d}}`, cents))
		fmt.Println(cents, ok, err)
	}
	_, err = pattern.Compile([]byte(`{"detail": {"cents": 10000}}`))
	fmt.Println(err)
	// Output:
	// 500 false <nil>
	// 10000 true <nil>
	// invalid event pattern: at detail.cents: 10000 stands alone: a field's value is an array of alternatives, [10000], or an object
}

// A set reads an event once for many patterns.
func ExampleSet() {
	var patterns []*pattern.Pattern
	for _, text := range []string{`{"detail-type": [{"prefix": "order."}]}`, `{"detail-type": ["user.created"]}`, `{"source": ["shop"]}`} {
		p, err := pattern.Compile([]byte(text))
		if err != nil {
			fmt.Println(err)
			return
		}
		patterns = append(patterns, p)
	}
	matched, err := pattern.NewSet(patterns...).Match([]byte(`{"source": "shop", "detail-type": "order.placed"}`), nil)
	fmt.Println(matched, err)
	// Output: [0 2] <nil>
}
