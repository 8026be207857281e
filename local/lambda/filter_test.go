package lambda

import (
	"encoding/json"
	"fmt"
	"testing"

	"pgregory.net/rapid"
)

// TestFilterMessages: the table of with-sqs-filtering in the developer guide, and the
// operators that numbers and absence need.
func TestFilterMessages(t *testing.T) {
	for _, test := range []struct {
		pattern, body string
		want          bool
	}{
		// A text against a text, an object against an object, and neither against the other.
		{`{"body":["hello"]}`, `hello`, true},
		{`{"body":["hello"]}`, `world`, false},
		{`{"body":{"a":[1]}}`, `hello`, false},
		{`{"body":["hello"]}`, `{"a":1}`, false},
		{`{"body":{"a":[1]}}`, `{"a":1}`, true},
		{`{"body":{"a":[1]}}`, `{"a":2}`, false},
		{`{"body":{"a":[1]}}`, `{"a":`, false},
		// A pattern that does not look at the body takes any.
		{`{"messageId":["m"]}`, `{"a":1}`, true},
		{`{"messageId":["m"]}`, `hello`, true},
		{`{"attributes":{"ApproximateReceiveCount":["1"]}}`, `x`, true},
		{`{"messageAttributes":{"kind":{"stringValue":[{"prefix":"ord"}]}}}`, `x`, true},
		{`{"body":{"n":[{"numeric":[">",3,"<=",5]}]}}`, `{"n":5.0}`, true},
		{`{"body":{"n":[{"numeric":["=",300]}]}}`, `{"n":3e2}`, true},
		{`{"body":{"n":[{"numeric":[">",3]}]}}`, `{"n":"4"}`, false},
		{`{"body":{"n":[{"exists":true}]}}`, `{"n":null}`, true},
		{`{"body":{"n":[{"exists":false}]}}`, `{"m":1}`, true},
		{`{"body":{"n":[{"exists":false}]}}`, `{"n":1}`, false},
		{`{"body":{"n":[{"exists":false}]}}`, `x`, false},
		{`{"body":{"n":[null]}}`, `{"n":null}`, true},
		{`{"body":{"n":[""]}}`, `{"n":""}`, true},
		{`{"body":{"n":[{"anything-but":["a"]}]}}`, `{"n":"b"}`, true},
		{`{"body":{"$or":[{"a":[1]},{"b":[2]}]}}`, `{"b":2}`, true},
		{`{"body":{"n":[{"suffix":".png"}]}}`, `{"n":"x.png"}`, true},
		{`{"body":{"n":[{"equals-ignore-case":"ABC"}]}}`, `{"n":"abc"}`, true},
	} {
		fs, err := compileFilters([]string{test.pattern})
		if err != nil {
			t.Errorf("%s: %v", test.pattern, err)
			continue
		}
		m := Message{ID: "m", Body: test.body, Attributes: map[string]string{"ApproximateReceiveCount": "1"},
			MessageAttributes: map[string]MessageAttribute{"kind": {DataType: "String", StringValue: "order"}}}
		if got, err := fs.takesMessage(newSQSRecord(m, queueARN, "us-east-1")); err != nil || got != test.want {
			t.Errorf("%s takes %s: %v %v; want %v", test.pattern, test.body, got, err, test.want)
		}
	}
}

// TestFilterRecords: DynamoDB writes numbers as texts, so numeric conditions on
// attributes find none (with-ddb-filtering).
func TestFilterRecords(t *testing.T) {
	record := []byte(`{"eventName":"INSERT","dynamodb":{"NewImage":{"n":{"N":"5"},"s":{"S":"x"}},"SizeBytes":10}}`)
	for pattern, want := range map[string]bool{
		`{"eventName":["INSERT"]}`: true,
		`{"eventName":["INSERT"],"dynamodb":{"NewImage":{"n":{"N":["5"]}}}}`:      true,
		`{"dynamodb":{"NewImage":{"n":{"N":[{"numeric":[">",3]}]}}}}`:             false,
		`{"dynamodb":{"SizeBytes":[{"numeric":[">",3]}]}}`:                        true,
		`{"dynamodb":{"NewImage":{"s":{"S":[{"exists":true}]}}}}`:                 true,
		`{"dynamodb":{"NewImage":{"gone":{"S":[{"exists":false}]}}}}`:             true,
		`{"dynamodb":{"NewImage":{"s":[{"exists":true}]}}}`:                       false, // an object is no leaf
		`{"dynamodb":{"OldImage":{"s":{"S":[{"exists":true}]}}}}`:                 false,
		`{"dynamodb":{"NewImage":{"s":{"S":[{"anything-but":["x","y"]}]}}}}`:      false,
		`{"dynamodb":{"NewImage":{"n":{"N":[{"anything-but":{"prefix":"4"}}]}}}}`: true,
	} {
		fs, err := compileFilters([]string{pattern})
		if err != nil {
			t.Errorf("%s: %v", pattern, err)
			continue
		}
		if got, err := fs.takesRecord(record); err != nil || got != want {
			t.Errorf("%s: %v %v; want %v", pattern, got, err, want)
		}
	}
}

// TestFilterModel: several filters take what one of them takes; a filter on one
// number takes exactly that number, however it is written.
func TestFilterModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		wanted := rapid.SliceOfN(rapid.IntRange(-5, 5), 1, maxFilters).Draw(t, "wanted")
		body := rapid.IntRange(-5, 5).Draw(t, "body")
		text := rapid.SampledFrom([]string{"%d", "%d.0", "%de0"}).Draw(t, "form")
		var patterns []string
		want := false
		for _, n := range wanted {
			patterns = append(patterns, fmt.Sprintf(`{"body":{"n":[{"numeric":["=",%d]}]}}`, n))
			want = want || n == body
		}
		fs, err := compileFilters(patterns)
		if err != nil {
			t.Fatal(err)
		}
		m := Message{ID: "m", Body: fmt.Sprintf(`{"n":`+text+`}`, body)}
		if !json.Valid([]byte(m.Body)) {
			t.Fatalf("%s is no JSON", m.Body)
		}
		if got, err := fs.takesMessage(newSQSRecord(m, queueARN, "us-east-1")); err != nil || got != want {
			t.Fatalf("%v takes %s: %v %v; want %v", wanted, m.Body, got, err, want)
		}
	})
}
