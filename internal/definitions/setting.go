package definitions

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/vinci-go/vinci/settings"
)

// Setting is what tools know of a run-time setting.
type Setting struct {
	Name        string          `json:"name"`
	Description string          `json:"description"`
	Kind        settings.Kind   `json:"kind"`
	Type        string          `json:"type"` // as Go calls it
	Default     json.RawMessage `json:"default"`
	DefinedAt   string          `json:"definedAt,omitempty"` // file:line, relative to its module
}

// SettingOf describes a setting that has no mistakes.
func SettingOf(s settings.Definition) *Setting {
	return &Setting{Name: s.Name(), Description: s.Description(), Kind: s.Kind(), Type: s.GoType(), Default: s.Default(), DefinedAt: s.DefinedAt()}
}

// EnvParse is the environment variable with which a tool asks the application, beside
// its definitions, whether a setting takes a value: a [Parse] as JSON. The checks of a
// setting are Go functions, and only the application has them.
const EnvParse = "VINCI_PARSE_SETTING"

// Parse is the question.
type Parse struct {
	Setting string `json:"setting"`
	Text    string `json:"text"` // as a person has typed it
}

// Parsed is the answer: the value as it is stored, or what is wrong with it. Both are
// empty when the application has no such setting.
type Parsed struct {
	Value   json.RawMessage `json:"value,omitempty"`
	Problem string          `json:"problem,omitempty"`
}

// Answer answers the question of an environment variable's text; nil when there is
// none.
func Answer(text string, all []settings.Definition) (*Parsed, error) {
	if text == "" {
		return nil, nil
	}
	var q Parse
	if err := json.Unmarshal([]byte(text), &q); err != nil {
		return nil, fmt.Errorf("read %s: %w", EnvParse, err)
	}
	for _, s := range all {
		if s.Name() != q.Setting {
			continue
		}
		value, err := s.Parse(q.Text)
		if err != nil {
			return &Parsed{Problem: err.Error()}, nil
		}
		return &Parsed{Value: value}, nil
	}
	return &Parsed{}, nil
}

// compact is JSON as it is stored, without the blanks that the file has for people.
func compact(raw json.RawMessage) json.RawMessage {
	var b bytes.Buffer
	if len(raw) == 0 || json.Compact(&b, raw) != nil {
		return raw // it was part of a file that is JSON, so this cannot be
	}
	return b.Bytes()
}
