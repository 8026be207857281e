package eventbridge

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"time"
)

// transform makes what a target gets of an event.
type transform interface {
	apply(e occurrence) (string, error)
}

// occurrence is an event that matched a rule.
type occurrence struct {
	event    string // the whole event, JSON
	ruleARN  string
	ruleName string
	received time.Time // when EventBridge got the event
}

// errNotJSON: a template that is a JSON object, filled in, is JSON no more.
var errNotJSON = errors.New("the transformed input is not valid JSON")

// constant is Input.
type constant string

func (c constant) apply(occurrence) (string, error) { return string(c), nil }

// apply is InputPath. A part that is not there is null.
func (p path) apply(e occurrence) (string, error) {
	v := p.find([]byte(e.event))
	if v == nil {
		return "null", nil
	}
	return minify(v)
}

// template is InputTransformer, cut at its variables.
//
// EventBridge's own answers are the model: a variable without a value is the
// empty text; values are put in as they are, without escapes; inside of quotes an
// object loses its own; a template that is an object is passed on minified, any
// other text as it is, with its quotes.
//
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-transform-target-input.html
type template struct {
	paths  map[string]path
	object bool // the template is a JSON object
	parts  []part
}

// part is literal text and the variable behind it, which is empty at the end.
type part struct {
	text     string
	variable string
	quoted   bool // the variable stands in a JSON string
}

var placeholder = regexp.MustCompile(`<([^<>]*)>`)

// The variables that need no path.
const (
	varRuleARN  = "aws.events.rule-arn"
	varRuleName = "aws.events.rule-name"
	varEvent    = "aws.events.event"
	varJSON     = "aws.events.event.json"
	varIngested = "aws.events.event.ingestion-time"
)

var predefined = []string{varRuleARN, varRuleName, varEvent, varJSON, varIngested}

// maxVariables and maxTemplate are AWS's limits.
//
// https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_InputTransformer.html
const (
	maxVariables = 100
	maxTemplate  = 8192
)

func compileTemplate(id string, c *InputTransformer) (*template, error) {
	t := &template{paths: map[string]path{}, object: strings.HasPrefix(strings.TrimSpace(c.Template), "{")}
	switch {
	case c.Template == "" || len(c.Template) > maxTemplate:
		return nil, fmt.Errorf("InputTemplate for target %s has %d characters: 1 to %d are allowed", id, len(c.Template), maxTemplate)
	case len(c.Paths) > maxVariables:
		return nil, fmt.Errorf("InputPathsMap for target %s has %d variables: AWS allows %d", id, len(c.Paths), maxVariables)
	}
	for name, text := range c.Paths {
		if slices.Contains(predefined, name) || name == "" || strings.HasPrefix(name, "aws.events.") {
			return nil, fmt.Errorf("InputPathsMap for target %s has the variable %q: names that begin with aws.events. are reserved", id, name)
		}
		p, err := parsePath(text)
		if err != nil {
			return nil, invalid("InputPath for target %s is invalid.", id)
		}
		t.paths[name] = p
	}
	rest, inString := c.Template, false
	for {
		at := placeholder.FindStringSubmatchIndex(rest)
		if at == nil {
			break
		}
		name := rest[at[2]:at[3]]
		if _, ok := t.paths[name]; !ok && !slices.Contains(predefined, name) {
			return nil, invalid("InputTemplate for target %s contains invalid placeholder %s.", id, name)
		}
		if name == varJSON && !t.object {
			return nil, invalid("InputTemplate for target %s contains placeholder %s valid only for JSON template.", id, name)
		}
		inString = endsInString(rest[:at[0]], inString)
		t.parts = append(t.parts, part{rest[:at[0]], name, inString})
		rest = rest[at[1]:]
	}
	t.parts = append(t.parts, part{text: rest})
	// Whatever the values, the text around them must be JSON: one value, or as in
	// mails a text in quotes a line.
	sample := t.fill(func(_ string, quoted bool) string {
		if quoted {
			return "x"
		}
		return "0"
	})
	dec := json.NewDecoder(strings.NewReader(sample))
	for {
		var v json.RawMessage
		if err := dec.Decode(&v); err == io.EOF {
			return t, nil
		} else if err != nil {
			return nil, invalid("Invalid InputTemplate for target %s : %v.", id, err)
		}
	}
}

// endsInString follows the quotes of JSON through text.
func endsInString(text string, in bool) bool {
	for i := 0; i < len(text); i++ {
		switch {
		case in && text[i] == '\\':
			i++
		case text[i] == '"':
			in = !in
		}
	}
	return in
}

func (t *template) fill(value func(variable string, quoted bool) string) string {
	var b strings.Builder
	for _, p := range t.parts {
		b.WriteString(p.text)
		if p.variable != "" {
			b.WriteString(value(p.variable, p.quoted))
		}
	}
	return b.String()
}

func (t *template) apply(e occurrence) (string, error) {
	out := t.fill(func(variable string, quoted bool) string { return t.value(e, variable, quoted) })
	if !t.object {
		return out, nil
	}
	return minify([]byte(out))
}

// value is what stands in a variable's place.
func (t *template) value(e occurrence, variable string, quoted bool) string {
	var raw []byte // JSON
	switch variable {
	case varRuleARN:
		raw = text(e.ruleARN)
	case varRuleName:
		raw = text(e.ruleName)
	case varIngested:
		raw = text(e.received.UTC().Format("2006-01-02T15:04:05Z"))
	case varJSON:
		return e.event
	case varEvent:
		raw = withoutDetail(e.event)
	default:
		raw = []byte(`""`)
		if found := t.paths[variable].find([]byte(e.event)); found != nil {
			var b bytes.Buffer
			if json.Compact(&b, found) == nil { // what is found in JSON is JSON
				raw = b.Bytes()
			}
		}
	}
	if !quoted {
		return string(raw)
	}
	if raw[0] == '"' {
		var s string
		if err := json.Unmarshal(raw, &s); err != nil {
			return ""
		}
		return s
	}
	if t.object {
		return string(raw)
	}
	return strings.ReplaceAll(string(raw), `"`, "")
}

// withoutDetail is <aws.events.event>: the event without its detail, in which
// detail-type is called detailType.
func withoutDetail(event string) []byte {
	var fields struct {
		ID         json.RawMessage `json:"id,omitempty"`
		Account    json.RawMessage `json:"account,omitempty"`
		DetailType json.RawMessage `json:"detail-type,omitempty"`
		Time       json.RawMessage `json:"time,omitempty"`
		Source     json.RawMessage `json:"source,omitempty"`
		Region     json.RawMessage `json:"region,omitempty"`
		Resources  json.RawMessage `json:"resources,omitempty"`
		Version    json.RawMessage `json:"version,omitempty"`
	}
	if err := json.Unmarshal([]byte(event), &fields); err != nil {
		return []byte("{}") // an event is always an object
	}
	out := []byte{'{'}
	for _, f := range []struct {
		name  string
		value json.RawMessage
	}{{"id", fields.ID}, {"account", fields.Account}, {"detailType", fields.DetailType}, {"time", fields.Time},
		{"source", fields.Source}, {"region", fields.Region}, {"resources", fields.Resources}, {"version", fields.Version}} {
		if f.value == nil {
			continue
		}
		if len(out) > 1 {
			out = append(out, ',')
		}
		out = append(append(append(out, text(f.name)...), ':'), f.value...)
	}
	return append(out, '}')
}

// minify drops white space between the tokens of JSON.
func minify(v []byte) (string, error) {
	var b bytes.Buffer
	if err := json.Compact(&b, v); err != nil {
		return "", fmt.Errorf("%w: %w", errNotJSON, err)
	}
	return b.String(), nil
}

// text is a string as JSON, without the escapes of HTML.
func text(s string) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(s); err != nil {
		panic("eventbridge: a string could not be encoded: " + err.Error()) // encoding/json encodes every string
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}
