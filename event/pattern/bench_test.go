package pattern_test

import (
	"fmt"
	"testing"

	"github.com/vinci-go/vinci/event/pattern"
)

const benchEvent = `{"version":"0","id":"6a7e8feb-b491-4cf7-a9f1-bf3703467718","detail-type":"user.created","source":"user-system","account":"000000000000","time":"2026-11-20T18:43:48Z","region":"us-east-1","resources":[],"detail":{"specversion":"1.0","id":"user/7f3c@1","source":"user-system","type":"user.created","subject":"user/7f3c","time":"2026-11-20T18:43:48.123456Z","schemaversion":1,"correlationid":"c-7f3c","data":{"user_id":"7f3c","email":"alice@example.com","name":"Alice"}}}`

func compileAll(tb testing.TB, sources ...string) []*pattern.Pattern {
	tb.Helper()
	var all []*pattern.Pattern
	for _, s := range sources {
		p, err := pattern.Compile([]byte(s))
		if err != nil {
			tb.Fatal(err)
		}
		all = append(all, p)
	}
	return all
}

// manyRules are n rules of which the event satisfies two: exact ones, every
// tenth with a prefix, every tenth with a condition on the data.
func manyRules(n int) []string {
	rules := []string{
		`{"source":["user-system"],"detail-type":["user.created"]}`,
		`{"source":["user-system"],"detail-type":[{"prefix":"user."}]}`,
	}
	for i := len(rules); i < n; i++ {
		switch i % 10 {
		case 0:
			rules = append(rules, fmt.Sprintf(`{"source":["user-system"],"detail-type":[{"prefix":"type%d."}]}`, i))
		case 1:
			rules = append(rules, fmt.Sprintf(`{"detail":{"data":{"total":[{"numeric":[">",%d]}]}}}`, i))
		default:
			rules = append(rules, fmt.Sprintf(`{"source":["user-system"],"detail-type":["type%d.created"]}`, i))
		}
	}
	return rules
}

func BenchmarkSetMatch(b *testing.B) {
	for _, n := range []int{10, 100, 1000} {
		b.Run(fmt.Sprintf("rules=%d", n), func(b *testing.B) {
			set := pattern.NewSet(compileAll(b, manyRules(n)...)...)
			event := []byte(benchEvent)
			var matched []int
			b.ReportAllocs()
			for b.Loop() {
				var err error
				if matched, err = set.Match(event, matched[:0]); err != nil || len(matched) != 2 {
					b.Fatal(matched, err)
				}
			}
		})
	}
}

func BenchmarkMatch(b *testing.B) {
	for name, source := range map[string]string{
		"exact":   `{"source":["user-system"],"detail-type":["user.created"]}`,
		"prefix":  `{"source":["user-system"],"detail-type":[{"prefix":"user."}]}`,
		"data":    `{"detail":{"schemaversion":[{"numeric":[">",0]}],"data":{"email":[{"wildcard":"*@example.*"}]}}}`,
		"but, or": `{"$or":[{"source":["x"]},{"detail":{"type":[{"anything-but":["user.deleted"]}]}}]}`,
	} {
		b.Run(name, func(b *testing.B) {
			p := compileAll(b, source)[0]
			event := []byte(benchEvent)
			b.ReportAllocs()
			for b.Loop() {
				if ok, err := p.Match(event); err != nil || !ok {
					b.Fatal(ok, err)
				}
			}
		})
	}
}

// An event of ordinary shape is matched without allocating.
func TestMatchAllocatesNothing(t *testing.T) {
	if raceEnabled {
		t.Skip("under the race detector a sync.Pool drops what it is given at random")
	}
	set := pattern.NewSet(compileAll(t, manyRules(100)...)...)
	event := []byte(benchEvent)
	matched := make([]int, 0, 10)
	allocs := testing.AllocsPerRun(1000, func() {
		var err error
		if matched, err = set.Match(event, matched[:0]); err != nil {
			t.Fatal(err)
		}
	})
	if allocs >= 1 { // the pool may lose its state to a garbage collection now and then
		t.Errorf("%v allocations for an event", allocs)
	}
}
