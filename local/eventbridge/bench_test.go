package eventbridge_test

import (
	"fmt"
	"testing"

	"github.com/vinci-go/vinci/local/eventbridge"
	"github.com/vinci-go/vinci/local/sqs"
)

// BenchmarkPutEvents puts one event that three rules send to three durable
// queues, beside rules that do not match. 1,000 rules are spread over four buses,
// because a bus has at most 300.
func BenchmarkPutEvents(b *testing.B) {
	for _, n := range []int{10, 100, 1000} {
		b.Run(fmt.Sprintf("rules=%d", n), func(b *testing.B) {
			q, err := sqs.New(sqs.Options{Dir: b.TempDir()})
			if err != nil {
				b.Fatal(err)
			}
			defer q.Close()
			var queues []sqs.QueueConfig
			for _, name := range []string{"a", "b", "c"} {
				queues = append(queues, queueFor(b, name, "bus/r-"+name))
			}
			if err := q.Apply(queues); err != nil {
				b.Fatal(err)
			}
			c := eventbridge.Config{Buses: []eventbridge.BusConfig{{Name: "bus"}}, Rules: []eventbridge.RuleConfig{
				rule("r-a", `{"source":["app"],"detail-type":["user.created"]}`, "a"),
				rule("r-b", `{"source":["app"],"detail-type":[{"prefix":"user."}]}`, "b"),
				rule("r-c", `{"source":["app"],"detail-type":["user.created","user.activated"]}`, "c"),
			}}
			for i := 3; i < n; i++ {
				r := rule(fmt.Sprint("r", i), fmt.Sprintf(`{"source":["app"],"detail-type":["type%d.created"]}`, i), "a")
				if i >= 300 {
					r.EventBusName = fmt.Sprint("bus", i/250)
				}
				c.Rules = append(c.Rules, r)
			}
			for i := 1; i <= 4; i++ {
				c.Buses = append(c.Buses, eventbridge.BusConfig{Name: fmt.Sprint("bus", i)})
			}
			s := open(b, eventbridge.Options{Queues: q}, c)
			entries := []eventbridge.Entry{entry}
			b.ReportAllocs()
			for b.Loop() {
				if r, err := s.PutEvents(b.Context(), entries); err != nil || r[0].EventID == "" {
					b.Fatal(r, err)
				}
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
		})
	}
}
