package board

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// shop is a deployment with n subscriptions, as many event types and tables with an
// index.
func shop(n int) *Deployment {
	d := &Deployment{
		Application: "user-system-production", ID: "production", Name: "user-system-production-production-${AWS::Region}", Bus: true,
		RelayFailed: "user-system-production-production-relay_failed", RelayLate: time.Minute, TimersLate: time.Minute,
		Others: []string{"api"},
	}
	for i := range n {
		name := fmt.Sprintf("reserve_stock_of_distributor_%03d", i)
		queue := "user-system-production-production-" + name
		d.Consumers = append(d.Consumers, Consumer{Name: name, Queue: queue, DeadLetters: queue + "_dlq", Undelivered: queue + "_undelivered", Late: 10 * time.Minute})
		d.EventTypes = append(d.EventTypes, "distributor.stock_reserved."+fmt.Sprint(i))
		d.Tables = append(d.Tables, Table{Name: queue, Label: name, Indexes: []string{"by_status"}})
		for _, what := range []string{"DeadLetters", "UndeliveredEvents", "Backlog", "Errors", "Throttles"} {
			d.Alarms = append(d.Alarms, "user-system-production-production/subscriptions-"+fmt.Sprint(i%10)+"/"+name+"/"+what)
		}
	}
	return d
}

type read struct {
	Widgets []struct {
		Type                string
		X, Y, Width, Height int
		Properties          struct {
			Title   string
			Region  string
			Alarms  []string
			Metrics [][]any
		}
	}
}

func decode(t *testing.T, b Dashboard) read {
	t.Helper()
	var r read
	if err := json.Unmarshal([]byte(b.Body), &r); err != nil {
		t.Fatalf("%s: %v", b.Name, err)
	}
	return r
}

// metrics are a widget's, with the dots filled in.
func metrics(t *testing.T, rows [][]any) []string {
	t.Helper()
	var all []string
	var before []string
	for _, row := range rows {
		var words []string
		for i, w := range row {
			word, ok := w.(string)
			if !ok {
				break // its options
			}
			if word == "." {
				word = before[i]
			}
			words = append(words, word)
		}
		before = words
		all = append(all, strings.Join(words, " "))
	}
	return all
}

// TestLimits: however much there is to see, every dashboard stays within what
// CloudWatch takes.
func TestLimits(t *testing.T) {
	const maxBody = 400_000 // no page of AWS says how much it is; this was taken by others
	for _, n := range []int{0, 1, PerPage, PerPage + 1, 300, 500} {
		all := shop(n).Dashboards()
		names := map[string]bool{}
		shown := map[string]bool{}
		for _, b := range all {
			names[b.Name] = true
			r := decode(t, b)
			total := 0
			for _, w := range r.Widgets {
				all := metrics(t, w.Properties.Metrics)
				total += len(all)
				if len(all) > MaxWidgetMetrics || len(w.Properties.Alarms) > maxWidgetAlarms || w.X+w.Width > Columns || w.Type == "metric" && w.Properties.Region != "${AWS::Region}" {
					t.Errorf("%d subscriptions, %s: widget %q with %d metrics and %d alarms, %d wide", n, b.Name, w.Properties.Title, len(all), len(w.Properties.Alarms), w.Width)
				}
				for _, m := range all {
					shown[m] = true
				}
			}
			if len(r.Widgets) > MaxWidgets || total > MaxMetrics || len(b.Body) > maxBody {
				t.Errorf("%d subscriptions, %s: %d widgets, %d metrics, %d bytes", n, b.Name, len(r.Widgets), total, len(b.Body))
			}
		}
		want := 1
		if n > PerPage {
			want += 2 * ((n + PerPage - 1) / PerPage)
		}
		if len(all) != want || len(names) != len(all) {
			t.Errorf("%d subscriptions and tables on %d dashboards, want %d", n, len(all), want)
		}
		// Nothing is lost on the way to several of them.
		const own = " Application user-system-production Deployment production "
		for _, c := range shop(n).Consumers {
			for _, m := range []string{
				"AWS/SQS ApproximateNumberOfMessagesVisible QueueName " + c.Queue, "AWS/SQS ApproximateAgeOfOldestMessage QueueName " + c.Queue,
				"AWS/SQS ApproximateNumberOfMessagesVisible QueueName " + c.DeadLetters, "AWS/SQS ApproximateNumberOfMessagesVisible QueueName " + c.Undelivered,
				"Vinci Failed" + own + "Subscription " + c.Name, "Vinci Dead" + own + "Subscription " + c.Name,
				"Vinci DurationMs" + own + "Subscription " + c.Name, "Vinci Lag" + own + "Subscription " + c.Name,
			} {
				if !shown[m] {
					t.Errorf("%d subscriptions: %s is not shown", n, m)
				}
			}
		}
		for _, e := range shop(n).EventTypes {
			if !shown["Vinci Published"+own+"EventType "+e] {
				t.Errorf("%d subscriptions: events of type %s are not shown", n, e)
			}
		}
		for _, table := range shop(n).Tables {
			for _, m := range []string{"ReadThrottleEvents", "WriteThrottleEvents"} {
				if !shown["AWS/DynamoDB "+m+" TableName "+table.Name] || !shown["AWS/DynamoDB "+m+" TableName "+table.Name+" GlobalSecondaryIndexName by_status"] {
					t.Errorf("%d subscriptions: throttles of table %s are not shown", n, table.Name)
				}
			}
		}
	}
}

// Widgets do not lie upon each other.
func TestLayout(t *testing.T) {
	for _, b := range append(shop(60).Dashboards(), API("a", "API", "b")) {
		taken := map[[2]int]string{}
		for _, w := range decode(t, b).Widgets {
			for x := w.X; x < w.X+w.Width; x++ {
				for y := w.Y; y < w.Y+w.Height; y++ {
					if other, ok := taken[[2]int{x, y}]; ok {
						t.Fatalf("%s: %q and %q are both at %d, %d", b.Name, other, w.Properties.Title, x, y)
					}
					taken[[2]int{x, y}] = w.Properties.Title + w.Type
				}
			}
		}
	}
}

// What is not there has no graph: without a bus there are tables only.
func TestWithoutBus(t *testing.T) {
	d := &Deployment{Application: "shop", ID: "dev", Name: "n", Tables: []Table{{Name: "shop-dev-users", Label: "users"}}, Alarms: []string{"shop-dev/table-users/Table/Throttles"}}
	var titles []string
	for _, w := range decode(t, d.Dashboards()[0]).Widgets {
		titles = append(titles, w.Type+" "+w.Properties.Title)
	}
	if want := []string{"text ", "alarm Alarms", "metric Tables: throttled reads", "metric Tables: throttled writes"}; !slices.Equal(titles, want) {
		t.Errorf("widgets %q, want %q", titles, want)
	}
}
