// Package pattern compiles and matches EventBridge event patterns.
//
// A pattern is a JSON object with the shape of the events it selects. Its
// leaves are arrays of conditions:
//
//	p, err := pattern.Compile([]byte(`{
//	  "source": ["user-system"],
//	  "detail-type": [{"prefix": "user."}],
//	  "detail": {"data": {"total": [{"numeric": [">", 0]}]}}
//	}`))
//	...
//	ok, err := p.Match(event) // the whole event, as JSON
//
// The conditions of one array are alternatives; the fields of one object must
// all hold. A [Set] matches one event against many patterns in one reading.
//
// # Conditions
//
//	"text" 12.5 true false null                        equal; numbers by value: 30 is 3.0e1, never "30"
//	{"prefix": "a"}  {"suffix": "z"}                   strings only
//	{"prefix": {"equals-ignore-case": "a"}}            likewise for suffix
//	{"equals-ignore-case": "Text"}                     by Unicode simple case folding
//	{"wildcard": "a/*/z"}                              * is any run of characters; \* and \\ are literal
//	{"numeric": [">=", 0, "<", 5]}                     also =, and one bound alone
//	{"cidr": "10.0.0.0/24"}                            IPv4 and IPv6
//	{"exists": true}  {"exists": false}                of a value that is no object
//	{"anything-but": v}  {"anything-but": [v, w]}      strings or numbers
//	{"anything-but": {"prefix": "a"}}                  likewise suffix, equals-ignore-case, wildcard; also a list
//	"$or": [{...}, {...}]                              in place of a field: one of these objects
//
// # Rules that surprise
//
// They are those of EventBridge:
//
//   - A value that is an array satisfies a condition when one of its elements
//     does. So {"anything-but": "a"} holds for ["a", "b"].
//   - No condition but {"exists": false} holds for a field that is absent, and
//     anything-but is no exception.
//   - An object, and an empty array, is no value: {"exists": true} is false for
//     it and {"exists": false} is true.
//   - Fields inside an array of objects must be satisfied by one and the same
//     element. Fields are looked at in the order of their paths, and whether a
//     field is absent is asked of the elements chosen until then.
//   - A dot in a name is no different from nesting: {"a.b": [1]} and
//     {"a": {"b": [1]}} are the same pattern.
//   - A text that is an IP address equals the same address written otherwise.
//
// # Errors
//
// [Compile] reports all kinds of malformed patterns as an [*Error], which is
// [ErrInvalid]: unknown operators, scalars outside an array, {} and [], ** in a
// wildcard, a path named twice, a field whose wildcards are too complex. Two forms that EventBridge knows but does not
// document are refused too: the operator "exactly", and a path that overrides an
// earlier one.
//
// A compiled pattern is immutable and safe for concurrent use.
//
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html
package pattern
