package constructs

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/vinci-go/vinci/constructs/internal/board"
)

// watched is an assembly as its alarms see it.
type watched struct {
	stacks map[string]map[string]watchedResource // by stack and logical id
	alarms []watchedAlarm
}

type watchedResource struct {
	Type       string
	Properties map[string]any
}

type watchedAlarm struct {
	stack, id  string
	properties map[string]any
}

func watch(t *testing.T, out string) *watched {
	t.Helper()
	w := &watched{stacks: map[string]map[string]watchedResource{}}
	files, err := filepath.Glob(filepath.Join(out, "*.template.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		var content struct {
			Resources map[string]watchedResource
		}
		decode(t, file, &content)
		stack := strings.TrimSuffix(filepath.Base(file), ".template.json")
		w.stacks[stack] = content.Resources
		for id, r := range content.Resources {
			if r.Type == "AWS::CloudWatch::Alarm" {
				w.alarms = append(w.alarms, watchedAlarm{stack, id, r.Properties})
			}
		}
	}
	return w
}

// on reports whether an alarm of the stack is on a metric with a dimension of this
// value: a text, or JSON of an expression.
func (w *watched) on(stack, metric, dimension, value string) bool {
	return slices.ContainsFunc(w.alarms, func(a watchedAlarm) bool {
		return a.stack == stack && a.properties["MetricName"] == metric && slices.Contains(dimensionsOf(a.properties), dimension+"="+value)
	})
}

func dimensionsOf(metric map[string]any) []string {
	var all []string
	list, _ := metric["Dimensions"].([]any)
	for _, d := range list {
		d := d.(map[string]any)
		all = append(all, fmt.Sprintf("%s=%s", d["Name"], text(d["Value"])))
	}
	return all
}

// text is a value of a template: itself, or as JSON.
func text(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(b)
}

func ref(id string) string          { return `{"Ref":"` + id + `"}` }
func getAtt(id, name string) string { return `{"Fn::GetAtt":["` + id + `","` + name + `"]}` }

// TestEverythingIsWatched walks the templates: whatever can fail has its alarm.
func TestEverythingIsWatched(t *testing.T) {
	w := watch(t, synth(t, testApp(false, map[string]string{"deployment": "dev"})))
	seen := map[string]int{}
	for stack, resources := range w.stacks {
		sources := map[string]bool{} // queues that a function reads, as JSON
		for _, r := range resources {
			if r.Type == "AWS::Lambda::EventSourceMapping" {
				sources[text(r.Properties["EventSourceArn"])] = true
			}
		}
		for id, r := range resources {
			need := func(metric, dimension, value string) {
				t.Helper()
				seen[r.Type]++
				if !w.on(stack, metric, dimension, value) {
					t.Errorf("%s: %s %s has no alarm on %s", stack, r.Type, id, metric)
				}
			}
			switch r.Type {
			case "AWS::Lambda::Function":
				need("Errors", "FunctionName", ref(id))
				need("Throttles", "FunctionName", ref(id))
			case "AWS::SQS::Queue":
				if sources[getAtt(id, "Arn")] {
					need("ApproximateAgeOfOldestMessage", "QueueName", getAtt(id, "QueueName"))
				} else {
					need("ApproximateNumberOfMessagesVisible", "QueueName", getAtt(id, "QueueName"))
				}
				if sources[getAtt(id, "Arn")] && r.Properties["RedrivePolicy"] == nil {
					need("Dead", "Subscription", strings.TrimPrefix(text(r.Properties["QueueName"]), "shop-dev-"))
				}
			case "AWS::Lambda::EventSourceMapping":
				if strings.Contains(text(r.Properties["EventSourceArn"]), "StreamArn") {
					need("IteratorAge", "FunctionName", text(r.Properties["FunctionName"]))
				}
			case "AWS::ApiGatewayV2::Api":
				need("5xx", "ApiId", ref(id))
			case "AWS::Events::Rule":
				if r.Properties["ScheduleExpression"] != nil {
					need("FailedInvocations", "RuleName", ref(id))
					need("TimerLag", "Deployment", "dev")
				}
			case "AWS::DynamoDB::GlobalTable":
				seen[r.Type]++
				w.checkThrottles(t, stack, id, r)
				if strings.HasSuffix(text(r.Properties["TableName"]), "-events") {
					need("LogItemsChanged", "Deployment", "dev")
				}
			}
		}
	}
	for kind, want := range map[string]int{
		"AWS::Lambda::Function": 16, "AWS::SQS::Queue": 11, "AWS::Lambda::EventSourceMapping": 2, "AWS::ApiGatewayV2::Api": 1,
		"AWS::Events::Rule": 2, "AWS::DynamoDB::GlobalTable": 7,
	} {
		if seen[kind] != want {
			t.Errorf("%d alarms of %s were looked for, want %d", seen[kind], kind, want)
		}
	}
}

// checkThrottles: reads and writes of the table and of each global index are watched.
func (w *watched) checkThrottles(t *testing.T, stack, id string, table watchedResource) {
	t.Helper()
	name := text(table.Properties["TableName"])
	want := []string{"TableName=" + name}
	indexes, _ := table.Properties["GlobalSecondaryIndexes"].([]any)
	for _, x := range indexes {
		want = append(want, "TableName="+name+" GlobalSecondaryIndexName="+text(x.(map[string]any)["IndexName"]))
	}
	var got []string
	for _, a := range w.alarms {
		metrics, _ := a.properties["Metrics"].([]any)
		for _, m := range metrics {
			stat, _ := m.(map[string]any)["MetricStat"].(map[string]any)
			if metric, ok := stat["Metric"].(map[string]any); ok && a.stack == stack {
				got = append(got, text(metric["MetricName"])+" "+strings.Join(dimensionsOf(metric), " "))
			}
		}
	}
	for _, what := range want {
		for _, metric := range []string{"ReadThrottleEvents ", "WriteThrottleEvents "} {
			if !slices.Contains(got, metric+what) {
				t.Errorf("%s: table %s: no alarm on %s%s", stack, id, metric, what)
			}
		}
	}
}

// TestAlarms: each has a name that is its own, says what to do, does nothing without
// data, and notifies the one topic and nothing else.
func TestAlarms(t *testing.T) {
	const other = "arn:aws:sns:eu-central-1:111122223333:pager"
	for topic, want := range map[string]string{
		"":    `{"Fn::Sub":"arn:${AWS::Partition}:sns:${AWS::Region}:${AWS::AccountId}:shop-dev-alarms"}`,
		other: other,
	} {
		app := testApp(false, map[string]string{"deployment": "dev"})
		app.settings = func(string) Settings { return Settings{AlarmTopic: topic} }
		w := watch(t, synth(t, app))
		names := map[string]bool{}
		for _, a := range w.alarms {
			p := a.properties
			name, _ := p["AlarmName"].(string)
			if !strings.HasPrefix(name, "shop-dev/") || names[name] || len(name) > maxAlarmName {
				t.Errorf("%s %s: name %q", a.stack, a.id, name)
			}
			names[name] = true
			if actions, _ := p["AlarmActions"].([]any); len(actions) != 1 || text(actions[0]) != want {
				t.Errorf("%s: actions %v, want %s alone", name, p["AlarmActions"], want)
			}
			if p["OKActions"] != nil || p["InsufficientDataActions"] != nil || p["TreatMissingData"] != "notBreaching" {
				t.Errorf("%s: %v", name, p)
			}
			if d, _ := p["AlarmDescription"].(string); d == "" || len(d) > maxDescription {
				t.Errorf("%s: description %q", name, d)
			}
		}
		if len(names) < 30 {
			t.Errorf("%d alarms only", len(names))
		}
		_, own := w.stacks["shop-dev-alarms"]
		if own != (topic == "") {
			t.Errorf("topic %q: the deployment's own topic is there: %v", topic, own)
		}
	}
}

// TestByTemplate: no template gets more than it may have, none is lost, and they stay in
// their order. The size of a body is that of the JSON in which CloudFormation gets it.
func TestByTemplate(t *testing.T) {
	var all []board.Dashboard
	for i := range 9 {
		all = append(all, board.Dashboard{Name: fmt.Sprint(i), Body: `{"a\n":"` + strings.Repeat(`"`, i) + `"}`})
	}
	for _, b := range all {
		if encoded, err := json.Marshal(b.Body); err != nil || sizeInTemplate(b.Body) != len(encoded)-2 {
			t.Errorf("%s has %d bytes, is said to have %d", b.Body, len(encoded)-2, sizeInTemplate(b.Body))
		}
	}
	order := ""
	for _, part := range byTemplate(all, 60) {
		size := 0
		for _, b := range part {
			order += b.Name
			size += sizeInTemplate(b.Body)
		}
		if size > 60 || len(part) == 0 {
			t.Errorf("a template with %d dashboards and %d bytes", len(part), size)
		}
	}
	if order != "012345678" {
		t.Errorf("order %s", order)
	}
	if n := len(byTemplate(all, 5)); n != 9 {
		t.Errorf("dashboards that are over the limit by themselves: %d templates", n)
	}
}

func TestShortened(t *testing.T) {
	long := strings.Repeat("a", 260)
	one, other := shortened(long+"/Errors"), shortened(long+"/Throttles")
	if len(one) != maxAlarmName || len(other) != maxAlarmName || one == other || shortened(long[:maxAlarmName]) != long[:maxAlarmName] {
		t.Errorf("%s and %s", one, other)
	}
}

// TestEmails: addresses are subscribed to the deployment's own topic.
func TestEmails(t *testing.T) {
	app := testApp(false, map[string]string{"deployment": "dev"})
	app.settings = func(string) Settings {
		return Settings{AlarmEmails: []string{"b@example.com", "a@example.com"}}
	}
	var got []string
	alarms := watch(t, synth(t, app)).stacks["shop-dev-alarms"]
	for _, r := range alarms {
		if r.Type == "AWS::SNS::Subscription" {
			topic, _ := r.Properties["TopicArn"].(map[string]any)["Ref"].(string)
			got = append(got, fmt.Sprint(r.Properties["Protocol"], " ", r.Properties["Endpoint"], " ", alarms[topic].Type == "AWS::SNS::Topic"))
		}
	}
	slices.Sort(got)
	if want := []string{"email a@example.com true", "email b@example.com true"}; !slices.Equal(got, want) {
		t.Errorf("subscriptions %q, want %q", got, want)
	}
}

// TestFunctionSettings: what the settings say of logs and traces is in every function.
func TestFunctionSettings(t *testing.T) {
	for name, c := range map[string]struct {
		settings              Settings
		level, lambda, traced string
		days                  float64
	}{
		"default":    {Settings{}, "", "", "Active", 30},
		"debug":      {Settings{LogLevel: slog.LevelDebug, LogDays: 7}, "DEBUG", "DEBUG", "Active", 7},
		"warn":       {Settings{LogLevel: slog.LevelWarn, LogDays: 365}, "WARN", "", "Active", 365},
		"no tracing": {Settings{NoTracing: true}, "", "", "", 30},
	} {
		app := testApp(false, map[string]string{"deployment": "dev"})
		app.settings = func(string) Settings { return c.settings }
		functions := 0
		for stack, resources := range watch(t, synth(t, app)).stacks {
			for id, r := range resources {
				of := func(keys ...string) string {
					var v any = r.Properties
					for _, key := range keys {
						m, _ := v.(map[string]any)
						v = m[key]
					}
					if v == nil {
						return ""
					}
					return text(v)
				}
				switch r.Type {
				case "AWS::Lambda::Function":
					functions++
					if of("Environment", "Variables", "VINCI_LOG_LEVEL") != c.level || of("LoggingConfig", "ApplicationLogLevel") != c.lambda ||
						of("TracingConfig", "Mode") != c.traced || of("LoggingConfig", "LogFormat") != "JSON" || of("LoggingConfig", "SystemLogLevel") != "" {
						t.Errorf("%s: %s %s: %s", name, stack, id, text(r.Properties))
					}
				case "AWS::IAM::Role":
					if got := strings.Contains(text(r.Properties), "xray:PutTraceSegments"); got != (c.traced != "") {
						t.Errorf("%s: %s %s may write traces: %v", name, stack, id, got)
					}
				case "AWS::Logs::LogGroup":
					if r.Properties["RetentionInDays"] != c.days {
						t.Errorf("%s: %s %s keeps %v days, want %v", name, stack, id, r.Properties["RetentionInDays"], c.days)
					}
				}
			}
		}
		if functions != 8 {
			t.Errorf("%s: %d functions", name, functions)
		}
	}
}

var alarmRow = regexp.MustCompile("(?m)^\\| ([a-z A-Z]+) \\| `([A-Za-z0-9]+)` \\|")

// TestRunbook holds the list of alarms in docs/watch.md to those that are made.
func TestRunbook(t *testing.T) {
	page, err := os.ReadFile("../docs/watch.md")
	if err != nil {
		t.Fatal(err)
	}
	told := map[string]bool{}
	for _, m := range alarmRow.FindAllStringSubmatch(string(page), -1) {
		told[m[1]+" "+m[2]] = true
	}
	made := map[string]bool{}
	for _, a := range watch(t, synth(t, testApp(false, map[string]string{"deployment": "dev"}))).alarms {
		path := strings.Split(a.properties["AlarmName"].(string), "/")[1:]
		what := path[len(path)-1]
		kind := "subscription"
		switch {
		case strings.HasPrefix(what, "Throttles") && slices.Contains([]string{"Table", "Events", "Deliveries", "State"}, path[len(path)-2]):
			kind, what = "table", "Throttles"
		case path[0] == "log" && path[len(path)-2] == "Timers":
			kind = "timers"
		case path[0] == "log":
			kind = "log"
		case path[0] == "api":
			kind = "API"
		case path[0] == "reports":
			kind = "own function"
		case strings.HasPrefix(path[0], "table-"):
			kind = "table handler"
		}
		made[kind+" "+what] = true
	}
	for one := range made {
		if !told[one] {
			t.Errorf("docs/watch.md does not tell of %s", one)
		}
	}
	for one := range told {
		if !made[one] {
			t.Errorf("docs/watch.md tells of %s, which is not made", one)
		}
	}
}

// TestDashboards: one for the deployment and one for the API, whose texts are JSON
// once CloudFormation has filled them in, and which name queues that there are.
func TestDashboards(t *testing.T) {
	w := watch(t, synth(t, testApp(false, map[string]string{"deployment": "dev"})))
	queues := map[string]bool{}
	for _, resources := range w.stacks {
		for _, r := range resources {
			if name, ok := r.Properties["QueueName"].(string); ok {
				queues[name] = true
			}
		}
	}
	var names []string
	for stack, resources := range w.stacks {
		for _, r := range resources {
			if r.Type != "AWS::CloudWatch::Dashboard" {
				continue
			}
			name := r.Properties["DashboardName"].(map[string]any)["Fn::Sub"].(string)
			names = append(names, stack+" "+name)
			body := r.Properties["DashboardBody"].(map[string]any)["Fn::Sub"]
			if list, ok := body.([]any); ok { // with variables of its own
				body = list[0]
			}
			filled := regexp.MustCompile(`\$\{[A-Za-z:]+\}`).ReplaceAllString(body.(string), "x")
			if strings.Contains(filled, "${") || !json.Valid([]byte(filled)) {
				t.Errorf("%s is no JSON: %s", name, filled)
			}
			for _, m := range regexp.MustCompile(`"shop-dev-([a-z_]+)"`).FindAllStringSubmatch(filled, -1) {
				table := slices.Contains([]string{"users", "user_stats", "sessions", "events", "deliveries", "state"}, m[1])
				if !table && !queues["shop-dev-"+m[1]] {
					t.Errorf("%s shows shop-dev-%s, which is no queue", name, m[1])
				}
			}
		}
	}
	slices.Sort(names)
	if want := []string{"shop-dev-api shop-dev-${AWS::Region}-api-api", "shop-dev-dashboard shop-dev-${AWS::Region}"}; !slices.Equal(names, want) {
		t.Errorf("dashboards %q, want %q", names, want)
	}
}
