package eventbridge

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// The example of
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-transform-target-input.html
const instanceEvent = `{"version":"0","id":"7bf73129","detail-type":"EC2 Instance State-change Notification","source":"aws.ec2","account":"123456789012","time":"2015-11-11T21:29:54Z","region":"us-east-1",` +
	`"resources":["arn:aws:ec2:us-east-1:123456789012:instance/i-abcd1111"],"detail":{"instance-id":"i-0123456789","state":"RUNNING","n":12.50,"yes":true,"none":null,"list":["a", 2],"object":{"k": "v"},"a/b":"slash","quote":"say \"hi\""}}`

func seen() occurrence {
	return occurrence{event: instanceEvent, ruleARN: "arn:aws:events:us-east-2:123456789012:rule/example", ruleName: "example", received: time.Date(2026, 1, 2, 3, 4, 5, 678, time.UTC)}
}

func TestInputTransformer(t *testing.T) {
	paths := map[string]string{
		"instance": "$.detail.instance-id", "state": "$.detail.state", "timestamp": "$.time", "missing": "$.detail.no.such", "n": "$.detail.n", "yes": "$.detail.yes",
		"none": "$.detail.none", "list": "$.detail.list", "first": "$.detail.list[0]", "object": "$.detail.object", "all": "$.detail.list[*]", "slash": "$.detail.a/b", "quote": "$.detail.quote", "whole": "$",
	}
	for _, tt := range []struct{ name, template, want string }{
		// The table of the page.
		{"simple string", `"instance <instance> is in <state>"`, `"instance i-0123456789 is in RUNNING"`},
		{"string with escaped quotes", `"instance \"<instance>\" is in <state>"`, `"instance \"i-0123456789\" is in RUNNING"`},
		{"simple JSON is minified", "{\n  \"instance\" : <instance>,\n  \"state\": <state>\n}", `{"instance":"i-0123456789","state":"RUNNING"}`},
		{"JSON with strings and variables", `{"instance" : <instance>, "state": "<state>", "instanceStatus": "instance \"<instance>\" is in <state>"}`,
			`{"instance":"i-0123456789","state":"RUNNING","instanceStatus":"instance \"i-0123456789\" is in RUNNING"}`},
		{"variables and static information", `{"instance" : <instance>, "state": [ 9, <state>, true ], "Transformed" : "Yes"}`, `{"instance":"i-0123456789","state":[9,"RUNNING",true],"Transformed":"Yes"}`},
		{"reserved variables in JSON", `{"ruleArn" : <aws.events.rule-arn>, "ruleName" : <aws.events.rule-name>, "at": <aws.events.event.ingestion-time>}`,
			`{"ruleArn":"arn:aws:events:us-east-2:123456789012:rule/example","ruleName":"example","at":"2026-01-02T03:04:05Z"}`},
		{"reserved variables in a string", `"<aws.events.rule-name> triggered"`, `"example triggered"`},
		{"the event without its detail", `{"e":<aws.events.event>}`,
			`{"e":{"id":"7bf73129","account":"123456789012","detailType":"EC2 Instance State-change Notification","time":"2015-11-11T21:29:54Z","source":"aws.ec2","region":"us-east-1","resources":["arn:aws:ec2:us-east-1:123456789012:instance/i-abcd1111"],"version":"0"}}`},
		{"the event", `{"e":<aws.events.event.json>}`, strings.Replace(`{"e":`+instanceEvent+`}`, `["a", 2],"object":{"k": "v"}`, `["a",2],"object":{"k":"v"}`, 1)},

		// What the page does not show, and EventBridge does.
		{"a variable without a value, in a string", `"info: <missing>"`, `"info: "`},
		{"a variable without a value, in JSON", `{"a":<missing>,"b":"<missing>"}`, `{"a":"","b":""}`},
		{"a string may begin like JSON", `"{[/event of <state>"`, `"{[/event of RUNNING"`},
		{"a string a line", "\"state: <state>\"\n\"at: <timestamp>\"", "\"state: RUNNING\"\n\"at: 2015-11-11T21:29:54Z\""},
		{"numbers, booleans and null as they are", `{"n":<n>,"yes":<yes>,"none":<none>}`, `{"n":12.50,"yes":true,"none":null}`},
		{"numbers and booleans in a string", `"<n> <yes>"`, `"12.50 true"`},
		{"objects and arrays", `{"l":<list>,"o":<object>,"first":<first>,"all":<all>}`, `{"l":["a",2],"o":{"k":"v"},"first":"a","all":["a",2]}`},
		{"in a string an object loses its quotes", `"got <object>"`, `"got {k:v}"`},
		{"in a string a list loses its quotes", `"got <list>"`, `"got [a,2]"`},
		{"a slash in a name", `"<slash>"`, `"slash"`},
		{"no variable", `{"a": 1}`, `{"a":1}`},
		{"a variable twice", `"<state> <state>"`, `"RUNNING RUNNING"`},
		{"an array as template", `[<state>, 1]`, `["RUNNING", 1]`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tr, err := compileTemplate("t", &InputTransformer{Paths: paths, Template: tt.template})
			if err != nil {
				t.Fatal(err)
			}
			if got, err := tr.apply(seen()); err != nil || got != tt.want {
				t.Errorf("got  %s, %v\nwant %s", got, err, tt.want)
			}
		})
	}
	t.Run("values are not escaped: JSON may break", func(t *testing.T) {
		for _, template := range []string{`{"a":"<quote>"}`, `{"a":"<aws.events.event.json>"}`, `{"a":"<object>"}`} {
			tr, err := compileTemplate("t", &InputTransformer{Paths: paths, Template: template})
			if err != nil {
				t.Fatal(err)
			}
			if got, err := tr.apply(seen()); err == nil {
				t.Errorf("%s gave %s", template, got)
			}
		}
	})
}

func TestPaths(t *testing.T) {
	event := []byte(`{"a":{"b":[{"c":1},{"c":2},{"d":3}],"e":null},"x-y_z":"v","list":[[1,2],[3]]}`)
	for text, want := range map[string]string{
		"$": string(event), "$.x-y_z": `"v"`, "$.a.b[1].c": "2", "$.a.b[1]": `{"c":2}`, "$.a.b[9]": "", "$.a.b.c": "", "$.none": "", "$.a.e": "null",
		"$.a.b[*].c": "[1,2]", "$.a.b[*]": `[{"c":1},{"c":2},{"d":3}]`, "$.list[0][1]": "2", "$.list[*][0]": "[1,3]", "$.a.*": `[[{"c":1},{"c":2},{"d":3}],null]`, "$.x-y_z[0]": "",
	} {
		p, err := parsePath(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if got := string(p.find(event)); got != want {
			t.Errorf("%s leads to %s; want %s", text, got, want)
		}
	}
	for _, text := range []string{"", "a", "detail", ".a", "$a", "$.", "$..a", "$.a.", "$.a[", "$.a[]", "$.a[-1]", "$.a[x]", "$['a']", `$.a["b"]`, "$.a[?(@.b)]", "$.a]", "$." + strings.Repeat("a", 255)} {
		if p, err := parsePath(text); err == nil {
			t.Errorf("%q is taken for %+v", text, p)
		}
	}
}

// Whatever an event holds, a template whose variables stand outside of quotes
// makes JSON of it, in which each variable has the value that its path leads to.
func TestTemplatesMakeJSON(t *testing.T) {
	values := rapid.Custom(func(t *rapid.T) any {
		switch rapid.IntRange(0, 4).Draw(t, "kind") {
		case 0:
			return rapid.String().Draw(t, "text")
		case 1:
			return rapid.Float64Range(-1e9, 1e9).Draw(t, "number")
		case 2:
			return rapid.Bool().Draw(t, "bool")
		case 3:
			return rapid.SliceOfN(rapid.String(), 0, 3).Draw(t, "list")
		default:
			return map[string]any{"k": rapid.String().Draw(t, "member")}
		}
	})
	tr, err := compileTemplate("t", &InputTransformer{Paths: map[string]string{"x": "$.detail.x", "y": "$.detail.y"}, Template: ` { "x" : <x> , "list": [ <y>, 1 ] } `})
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		x, y := values.Draw(t, "x"), values.Draw(t, "y")
		event, err := json.Marshal(map[string]any{"detail": map[string]any{"x": x, "y": y}})
		if err != nil {
			t.Fatal(err)
		}
		got, err := tr.apply(occurrence{event: string(event)})
		if err != nil {
			t.Fatalf("%s: %v", event, err)
		}
		want, err := json.Marshal(map[string]any{"x": x, "list": []any{y, 1}})
		if err != nil {
			t.Fatal(err)
		}
		var a, b any
		if json.Unmarshal([]byte(got), &a) != nil || json.Unmarshal(want, &b) != nil || !sameJSON(a, b) {
			t.Fatalf("got %s; want %s", got, want)
		}
	})
}

func sameJSON(a, b any) bool {
	x, errX := json.Marshal(a)
	y, errY := json.Marshal(b)
	return errX == nil && errY == nil && string(x) == string(y)
}

// FuzzInput: no path and no template panics, and what is taken can be filled in.
func FuzzInput(f *testing.F) {
	f.Add("$.detail.list[*]", `{"a":<x>,"b":"<x> \"<aws.events.rule-name>\""}`)
	f.Add("$", `"<x>"`)
	f.Add("$.a[0].b.*", "\"<x>\"\n\"<aws.events.event>\"")
	f.Fuzz(func(t *testing.T, path, template string) {
		if p, err := parsePath(path); err == nil {
			p.find([]byte(instanceEvent))
		}
		tr, err := compileTemplate("t", &InputTransformer{Paths: map[string]string{"x": path}, Template: template})
		if err != nil {
			return
		}
		got, err := tr.apply(seen())
		if err == nil && tr.object && !json.Valid([]byte(got)) {
			t.Errorf("%q with %q gave %q, which is no JSON", template, path, got)
		}
	})
}
