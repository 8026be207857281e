package pattern_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/vinci-go/vinci/event/pattern"
)

// The event that most of EventBridge's own examples are about, shortened.
const instanceEvent = `{
  "version": "0", "id": "6a7e8feb-b491-4cf7-a9f1-bf3703467718",
  "detail-type": "EC2 Instance State-change Notification", "source": "aws.ec2",
  "account": "111122223333", "time": "2017-12-22T18:43:48Z", "region": "us-west-1",
  "resources": ["arn:aws:ec2:us-west-1:123456789012:instance/i-1"],
  "detail": {"instance-id": "i-1", "state": "terminated", "c-count": 5, "d-count": 2, "x-limit": 301.8,
    "source-ip": "10.0.0.33", "empty": "", "nothing": null, "yes": true, "list": [], "big": 123456789012345678901,
    "path": "dir/lib/a.png"}
}`

func TestMatch(t *testing.T) {
	tests := []struct {
		name    string
		pattern string
		event   string // instanceEvent when empty
		want    bool
	}{
		// One of the values; all of the fields.
		{"one of two", `{"detail": {"state": ["running", "terminated"]}}`, "", true},
		{"none of two", `{"detail": {"state": ["running", "stopped"]}}`, "", false},
		{"two fields", `{"source": ["aws.ec2"], "detail": {"state": ["terminated"]}}`, "", true},
		{"two fields, one wrong", `{"source": ["aws.s3"], "detail": {"state": ["terminated"]}}`, "", false},
		{"a list in the event", `{"resources": ["arn:aws:ec2:us-west-1:123456789012:instance/i-1", "other"]}`, "", true},
		{"empty string", `{"detail": {"empty": [""]}}`, "", true},
		{"empty string is not null", `{"detail": {"empty": [null]}}`, "", false},
		{"null", `{"detail": {"nothing": [null]}}`, "", true},
		{"null is not empty", `{"detail": {"nothing": [""]}}`, "", false},
		{"true", `{"detail": {"yes": [true]}}`, "", true},
		{"true is not its text", `{"detail": {"yes": ["true"]}}`, "", false},
		{"case counts", `{"detail": {"state": ["Terminated"]}}`, "", false},
		{"an object is no value", `{"detail": ["x", {"exists": true}]}`, "", false},
		{"field is deeper than the event", `{"source": {"x": ["aws.ec2"]}}`, "", false},
		{"dotted name", `{"detail.state": ["terminated"]}`, "", true},
		{"dotted name in the event", `{"detail": {"state": ["on"]}}`, `{"detail.state": "on"}`, true},
		{"escapes are resolved", `{"detail": {"a\n": ["\u00e9\ud83d\ude00"]}}`, `{"detail": {"a\u000a": "é\uD83D\uDE00"}}`, true},
		{"lone surrogate", `{"a": ["\ufffdx"]}`, `{"a": "\ud83dx"}`, true},

		// Numbers.
		{"number", `{"detail": {"c-count": [5]}}`, "", true},
		{"number written otherwise", `{"detail": {"c-count": [0.5E+1], "x-limit": [3.018e2]}}`, "", true},
		{"30 is 3.0e1", `{"a": [30]}`, `{"a": 3.0e1}`, true},
		{"a number is not its text", `{"a": ["30"]}`, `{"a": 30}`, false},
		{"a text is not its number", `{"a": [30]}`, `{"a": "30"}`, false},
		{"too long for a binary64, same spelling", `{"detail": {"big": [123456789012345678901]}}`, "", true},
		{"too long for a binary64, next", `{"detail": {"big": [123456789012345678902]}}`, "", false},
		{"0.1", `{"a": [0.1]}`, `{"a": 0.10}`, true},
		{"minus zero", `{"a": [0]}`, `{"a": -0.0e7}`, true},

		// Prefix, suffix, case.
		{"prefix", `{"time": [{"prefix": "2017-12-22"}]}`, "", true},
		{"prefix of all", `{"source": [{"prefix": "aws.ec2"}]}`, "", true},
		{"longer than the value", `{"source": [{"prefix": "aws.ec2."}]}`, "", false},
		{"empty prefix", `{"source": [{"prefix": ""}]}`, "", true},
		{"prefix of a number", `{"detail": {"c-count": [{"prefix": ""}]}}`, "", false},
		{"prefix, any case", `{"detail": {"state": [{"prefix": {"equals-ignore-case": "TERM"}}]}}`, "", true},
		{"prefix, any case, no", `{"detail": {"state": [{"prefix": {"equals-ignore-case": "TERMS"}}]}}`, "", false},
		{"suffix", `{"detail": {"path": [{"suffix": ".png"}]}}`, "", true},
		{"suffix, no", `{"detail": {"path": [{"suffix": ".PNG"}]}}`, "", false},
		{"suffix, any case", `{"detail": {"path": [{"suffix": {"equals-ignore-case": ".PNG"}}]}}`, "", true},
		{"any case", `{"detail": {"state": [{"equals-ignore-case": "TERMINATED"}]}}`, "", true},
		{"any case, whole", `{"detail": {"state": [{"equals-ignore-case": "TERMINATE"}]}}`, "", false},
		{"any case beyond ASCII", `{"a": [{"equals-ignore-case": "STRAẞE"}, {"prefix": {"equals-ignore-case": "ÉT"}}]}`, `{"a": "été"}`, true},

		// Wildcards.
		{"wildcard", `{"detail": {"path": [{"wildcard": "dir/*.png"}]}}`, "", true},
		{"wildcard in the middle, twice", `{"detail": {"path": [{"wildcard": "*/lib/*"}]}}`, "", true},
		{"wildcard alone", `{"detail": {"empty": [{"wildcard": "*"}]}}`, "", true},
		{"wildcard of strings only", `{"detail": {"c-count": [{"wildcard": "*"}]}}`, "", false},
		{"parts may not overlap", `{"a": [{"wildcard": "ab*ba"}]}`, `{"a": "aba"}`, false},
		{"wildcard may be empty", `{"a": [{"wildcard": "ab*ba"}]}`, `{"a": "abba"}`, true},
		{"needs the later place", `{"a": [{"wildcard": "a*bc"}]}`, `{"a": "abbcbc"}`, true},
		{"escaped", `{"a": [{"wildcard": "\\**\\\\"}]}`, `{"a": "*x\\"}`, true},
		{"escaped is no wildcard", `{"a": [{"wildcard": "\\*"}]}`, `{"a": "x"}`, false},

		// Numeric and cidr.
		{"in the range", `{"detail": {"c-count": [{"numeric": [">", 0, "<=", 5]}]}}`, "", true},
		{"bound is open", `{"detail": {"c-count": [{"numeric": [">", 0, "<", 5]}]}}`, "", false},
		{"below", `{"detail": {"d-count": [{"numeric": ["<", 10]}]}}`, "", true},
		{"not above", `{"detail": {"d-count": [{"numeric": [">", 2]}]}}`, "", false},
		{"at least", `{"detail": {"d-count": [{"numeric": [">=", 2]}]}}`, "", true},
		{"equal", `{"detail": {"x-limit": [{"numeric": ["=", 3.018e2]}]}}`, "", true},
		{"numeric of text", `{"a": [{"numeric": ["<", 10]}]}`, `{"a": "5"}`, false},
		{"numeric of a number too long", `{"detail": {"big": [{"numeric": [">", 0]}]}}`, "", false},
		{"cidr", `{"detail": {"source-ip": [{"cidr": "10.0.0.0/24"}]}}`, "", true},
		{"cidr, outside", `{"detail": {"source-ip": [{"cidr": "10.0.1.0/24"}]}}`, "", false},
		{"cidr of an address inside the network", `{"detail": {"source-ip": [{"cidr": "10.0.0.255/24"}]}}`, "", true},
		{"cidr 6", `{"a": [{"cidr": "2001:db8::/32"}]}`, `{"a": "2001:0DB8:1::"}`, true},
		{"cidr of no address", `{"a": [{"cidr": "0.0.0.0/0"}]}`, `{"a": "host"}`, false},
		{"an address written otherwise", `{"a": ["::1"]}`, `{"a": "0:0:0:0:0:0:0:1"}`, true},
		{"another address", `{"a": ["::1"]}`, `{"a": "::2"}`, false},

		// Exists.
		{"exists", `{"detail": {"state": [{"exists": true}]}}`, "", true},
		{"exists not", `{"detail": {"stat": [{"exists": true}]}}`, "", false},
		{"null exists", `{"detail": {"nothing": [{"exists": true}]}}`, "", true},
		{"absent", `{"detail": {"stat": [{"exists": false}]}}`, "", true},
		{"not absent", `{"detail": {"state": [{"exists": false}]}}`, "", false},
		{"absent with its parent", `{"no": {"such": [{"exists": false}]}}`, "", true},
		{"an object does not exist", `{"detail": [{"exists": true}]}`, "", false},
		{"an object is absent", `{"detail": [{"exists": false}]}`, "", true},
		{"an empty array is absent", `{"detail": {"list": [{"exists": false}]}}`, "", true},
		{"absent or a value: absent", `{"detail": {"stat": [{"exists": false}, "on"]}}`, "", true},
		{"absent or a value: the value", `{"detail": {"state": [{"exists": false}, "terminated"]}}`, "", true},
		{"absent or a value: another", `{"detail": {"state": [{"exists": false}, "on"]}}`, "", false},

		// Anything-but.
		{"anything-but", `{"detail": {"state": [{"anything-but": "initializing"}]}}`, "", true},
		{"anything-but that", `{"detail": {"state": [{"anything-but": "terminated"}]}}`, "", false},
		{"anything-but list", `{"detail": {"state": [{"anything-but": ["stopped", "terminated"]}]}}`, "", false},
		{"anything-but number", `{"detail": {"x-limit": [{"anything-but": 123}]}}`, "", true},
		{"anything-but number by value", `{"detail": {"x-limit": [{"anything-but": [100, 3.018e2]}]}}`, "", false},
		{"anything-but a number, of text", `{"a": [{"anything-but": 5}]}`, `{"a": "5"}`, true},
		{"anything-but a text, of null", `{"detail": {"nothing": [{"anything-but": "x"}]}}`, "", true},
		{"anything-but, absent", `{"detail": {"stat": [{"anything-but": "x"}]}}`, "", false},
		{"anything-but, an object", `{"detail": [{"anything-but": "x"}]}`, "", false},
		{"anything-but, one differs", `{"a": [{"anything-but": "x"}]}`, `{"a": ["x", "y"]}`, true},
		{"anything-but, none differs", `{"a": [{"anything-but": "x"}]}`, `{"a": ["x", "x"]}`, false},
		{"anything-but prefix", `{"region": [{"anything-but": {"prefix": "us-"}}]}`, "", false},
		{"anything-but prefixes", `{"region": [{"anything-but": {"prefix": ["eu-", "ap-"]}}]}`, "", true},
		{"anything-but suffix", `{"detail": {"path": [{"anything-but": {"suffix": ".png"}}]}}`, "", false},
		{"anything-but any case", `{"detail": {"state": [{"anything-but": {"equals-ignore-case": ["TERMINATED"]}}]}}`, "", false},
		{"anything-but wildcard", `{"detail": {"path": [{"anything-but": {"wildcard": "*/lib/*"}}]}}`, "", false},
		{"anything-but wildcards", `{"detail": {"path": [{"anything-but": {"wildcard": ["*.jpg", "*/bin/*"]}}]}}`, "", true},

		// $or.
		{"or: first", `{"detail": {"$or": [{"c-count": [{"numeric": [">", 0, "<=", 5]}]}, {"d-count": [99]}]}}`, "", true},
		{"or: second", `{"detail": {"$or": [{"c-count": [99]}, {"d-count": [{"numeric": ["<", 10]}]}]}}`, "", true},
		{"or: none", `{"detail": {"$or": [{"c-count": [99]}, {"d-count": [99]}]}}`, "", false},
		{"or: and beside", `{"source": ["aws.s3"], "$or": [{"region": ["us-west-1"]}, {"account": ["1"]}]}`, "", false},
		{"or in or", `{"$or": [{"source": ["no"]}, {"$or": [{"region": ["no"]}, {"detail": {"yes": [true]}}]}]}`, "", true},
		{"two ors", `{"$or": [{"source": ["aws.ec2"]}, {"source": ["x"]}], "detail": {"$or": [{"state": ["x"]}, {"yes": [true]}]}}`, "", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, err := pattern.Compile([]byte(tt.pattern))
			if err != nil {
				t.Fatal(err)
			}
			event := tt.event
			if event == "" {
				event = instanceEvent
			}
			got, err := p.Match([]byte(event))
			if err != nil {
				t.Fatal(err)
			}
			if got != tt.want {
				t.Errorf("pattern %s\nmatches %s: %v, want %v", tt.pattern, event, got, tt.want)
			}
		})
	}
}

// Fields in arrays of objects must come from one element.
func TestMatchArrayConsistency(t *testing.T) {
	const event = `{"employees": [
	  {"name": "Ada",  "dept": "a", "phones": [{"kind": "home", "nr": "1"}, {"kind": "work", "nr": "2"}]},
	  {"name": "Bill", "dept": "b", "phones": [{"kind": "work", "nr": "3"}]},
	  {"name": "Cleo", "phones": [[{"kind": "deep", "nr": "4"}]], "tags": ["x", "y"]}
	], "names": ["Ada", "Bill"], "other": [{"v": 1}, {"v": 2}]}`
	tests := []struct {
		pattern string
		want    bool
	}{
		{`{"employees": {"name": ["Ada"], "dept": ["a"]}}`, true},
		{`{"employees": {"name": ["Ada"], "dept": ["b"]}}`, false},
		{`{"employees": {"name": ["Bill"], "phones": {"nr": ["3"]}}}`, true},
		{`{"employees": {"name": ["Bill"], "phones": {"nr": ["2"]}}}`, false},
		{`{"employees": {"phones": {"kind": ["home"], "nr": ["1"]}}}`, true},
		{`{"employees": {"phones": {"kind": ["home"], "nr": ["2"]}}}`, false},
		{`{"employees": {"phones": {"kind": ["deep"], "nr": ["4"]}, "name": ["Cleo"]}}`, true},
		{`{"employees": {"tags": ["y"], "name": ["Cleo"]}}`, true},
		{`{"employees": {"name": ["Ada"]}, "other": {"v": [2]}}`, true},
		// Absence is asked of the elements chosen so far, in the order of paths:
		// "dept" comes before "name" and is found in some element, "zip" in none.
		{`{"employees": {"name": ["Cleo"], "dept": [{"exists": false}]}}`, false},
		{`{"employees": {"name": ["Cleo"], "zip": [{"exists": false}]}}`, true},
		{`{"employees": {"name": ["Ada"], "tags": [{"exists": false}]}}`, true},
		{`{"employees": {"name": ["Cleo"], "tags": [{"exists": false}]}}`, false},
	}
	for _, tt := range tests {
		p, err := pattern.Compile([]byte(tt.pattern))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := p.Match([]byte(event)); err != nil || got != tt.want {
			t.Errorf("%s: %v, %v; want %v", tt.pattern, got, err, tt.want)
		}
	}
}

func TestCompileErrors(t *testing.T) {
	tests := []struct{ pattern, want string }{
		{``, "not JSON"},
		{`{"a": [1]`, "not JSON"},
		{`{"a": [1]} x`, "more after"},
		{`{"a": [01]}`, "not JSON"},
		{"{\"a\": [\"\xff\"]}", "not UTF-8"},
		{`[]`, "not an object"},
		{`"a"`, "not an object"},
		{`{}`, "{} is not allowed"},
		{`{"a": {}}`, "at a: {} is not allowed"},
		{`{"a": []}`, "at a: [] is not allowed"},
		{`{"a": {"b": "x"}}`, `at a.b: "x" stands alone`},
		{`{"a": 1}`, "stands alone"},
		{`{"a": null}`, "stands alone"},
		{`{"a": {"prefix": "x"}}`, "stands alone"},
		{`{"a": [[1]]}`, "is an array"},
		{`{"a": [{}]}`, "0 members"},
		{`{"a": [{"prefix": "a", "suffix": "b"}]}`, "2 members"},
		{`{"a": [{"regex": "a"}]}`, `unknown operator "regex"`},
		{`{"a": [{"exactly": "a"}]}`, "unknown operator"},
		{`{"a": [{"prefix": 1}]}`, "prefix is 1"},
		{`{"a": [{"prefix": ["a"]}]}`, "prefix is an array"},
		{`{"a": [{"prefix": {"suffix": "a"}}]}`, "equals-ignore-case"},
		{`{"a": [{"suffix": {"equals-ignore-case": 1}}]}`, "suffix equals-ignore-case is 1"},
		{`{"a": [{"equals-ignore-case": ["a"]}]}`, "equals-ignore-case is an array"},
		{`{"a": [{"wildcard": "a**"}]}`, "**"},
		{`{"a": [{"wildcard": "a\\b"}]}`, "lone"},
		{`{"a": [{"wildcard": "a\\"}]}`, "lone"},
		{`{"a": [{"wildcard": null}]}`, "wildcard is null"},
		{`{"a": [{"numeric": "<"}]}`, "numeric"},
		{`{"a": [{"numeric": []}]}`, "numeric"},
		{`{"a": [{"numeric": ["<"]}]}`, "numeric"},
		{`{"a": [{"numeric": ["<", "5"]}]}`, "numeric"},
		{`{"a": [{"numeric": ["!=", 5]}]}`, "!="},
		{`{"a": [{"numeric": ["<", 5, ">", 3]}]}`, "range starts"},
		{`{"a": [{"numeric": [">", 5, ">", 7]}]}`, "range starts"},
		{`{"a": [{"numeric": ["=", 5, "<", 7]}]}`, "range starts"},
		{`{"a": [{"numeric": [">", 5, "<", 5]}]}`, "not below"},
		{`{"a": [{"numeric": ["<", 123456789012345678901]}]}`, "cannot be compared"},
		{`{"a": [{"numeric": ["<", 1e999]}]}`, "cannot be compared"},
		{`{"a": [{"cidr": "10.0.0.0"}]}`, "malformed"},
		{`{"a": [{"cidr": "10.0.0.0/33"}]}`, "malformed"},
		{`{"a": [{"cidr": "10.0.0.0/32"}]}`, "single address"},
		{`{"a": [{"cidr": "::1/128"}]}`, "single address"},
		{`{"a": [{"cidr": "::ffff:10.0.0.0/104"}]}`, "inside IPv6"},
		{`{"a": [{"cidr": 10}]}`, "cidr is 10"},
		{`{"a": [{"exists": "true"}]}`, "exists"},
		{`{"a": [{"anything-but": []}]}`, "empty list"},
		{`{"a": [{"anything-but": null}]}`, "anything-but is null"},
		{`{"a": [{"anything-but": ["a", 1]}]}`, "mixes"},
		{`{"a": [{"anything-but": [["a"]]}]}`, "an array"},
		{`{"a": [{"anything-but": 123456789012345678901}]}`, "cannot be compared"},
		{`{"a": [{"anything-but": {"prefix": ""}}]}`, "empty prefix"},
		{`{"a": [{"anything-but": {"suffix": ["a", ""]}}]}`, "empty suffix"},
		{`{"a": [{"anything-but": {"prefix": []}}]}`, "empty list"},
		{`{"a": [{"anything-but": {"wildcard": ["a", "**"]}}]}`, "**"},
		{`{"a": [{"anything-but": {"numeric": ["<", 1]}}]}`, "does not take"},
		{`{"a": [{"anything-but": {}}]}`, "0 members"},
		{`{"a": [1], "a": [2]}`, "at a: the path is named twice"},
		{`{"a": {"b": [1]}, "a.b": [2]}`, "at a.b: the path is named twice"},
		{`{"$or": {"a": [1]}}`, "$or takes an array"},
		{`{"$or": [{"a": [1]}]}`, "at least two"},
		{`{"$or": []}`, "at least two"},
		{`{"$or": [{"a": [1]}, 1]}`, "an element is 1"},
		{`{"$or": [{"a": [1]}, {}]}`, "{} is not allowed"},
		{`{"$or": [{"a": [1]}, {"prefix": ["x"]}]}`, "cannot be a field inside $or"},
		{`{"a": [1], "$or": [{"a": [1]}, {"b": [1]}]}`, "named twice"},
		{`{"$or": ` + many(32) + `, "x": {"$or": ` + many(32) + `}}`, "more than 1000"},
	}
	for _, tt := range tests {
		_, err := pattern.Compile([]byte(tt.pattern))
		var e *pattern.Error
		if !errors.Is(err, pattern.ErrInvalid) || !errors.As(err, &e) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: error %v, want one with %q", tt.pattern, err, tt.want)
		}
	}
}

// many is an $or of n objects.
func many(n int) string {
	return "[" + strings.Repeat(`{"a": [1]},`, n-1) + `{"b": [1]}]`
}

func TestMatchRefusesWhatIsNoEvent(t *testing.T) {
	p, err := pattern.Compile([]byte(`{"a": [1]}`))
	if err != nil {
		t.Fatal(err)
	}
	for _, event := range []string{``, ` `, `[{"a": 1}]`, ` [{}]`, `1`, `{"a": 1`, `{"a": 1}{`, "{\"a\": \"\xff\"}"} {
		if _, err := p.Match([]byte(event)); !errors.Is(err, pattern.ErrEvent) {
			t.Errorf("%q: error %v, want one of kind ErrEvent", event, err)
		}
	}
}
