package lambda

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/vinci-go/vinci/event/pattern"
)

// filter is one pattern of a mapping's filter criteria.
type filter struct {
	pattern *pattern.Pattern
	body    bodyForm // what the pattern expects of an SQS message's body
}

type bodyForm int

const (
	bodyAny  bodyForm = iota // the pattern does not look at it
	bodyText                 // "body": ["…"]
	bodyJSON                 // "body": {…}
)

// filters are alternatives. None of them: everything passes.
type filters []filter

func compileFilters(sources []string) (filters, error) {
	var fs filters
	for _, source := range sources {
		p, err := pattern.Compile([]byte(source))
		if err != nil {
			return nil, fmt.Errorf("filter pattern %s: %w", source, err)
		}
		var fields map[string]json.RawMessage
		if err := json.Unmarshal([]byte(source), &fields); err != nil {
			return nil, fmt.Errorf("filter pattern %s: %w", source, err)
		}
		f := filter{pattern: p}
		if body := bytes.TrimSpace(fields["body"]); len(body) > 0 {
			f.body = bodyText
			if body[0] == '{' {
				f.body = bodyJSON
			}
		}
		fs = append(fs, f)
	}
	return fs, nil
}

// takesRecord reports whether a stream's record passes.
func (fs filters) takesRecord(record []byte) (bool, error) {
	for _, f := range fs {
		if ok, err := f.pattern.Match(record); ok || err != nil {
			return ok, err
		}
	}
	return len(fs) == 0, nil
}

// takesMessage reports whether a message passes. A pattern that looks into the
// body takes only bodies that are JSON objects, and one that compares the body as
// a text only those that are not (with-sqs-filtering in the developer guide).
func (fs filters) takesMessage(m sqsRecord) (bool, error) {
	if len(fs) == 0 {
		return true, nil
	}
	asText, err := marshal(m)
	if err != nil {
		return false, err
	}
	body := bytes.TrimSpace([]byte(m.Body))
	isJSON := len(body) > 0 && body[0] == '{' && json.Valid(body)
	for _, f := range fs {
		event := asText
		switch {
		case f.body == bodyJSON && !isJSON, f.body == bodyText && isJSON:
			continue
		case f.body == bodyJSON:
			event, err = marshal(struct {
				sqsRecord
				Body json.RawMessage `json:"body"`
			}{m, body})
			if err != nil {
				return false, err
			}
		}
		if ok, err := f.pattern.Match(event); ok || err != nil {
			return ok, err
		}
	}
	return false, nil
}
