package definitions

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/vinci-go/vinci/event/schema"
	"github.com/vinci-go/vinci/orm"
)

// Env is the environment variable that names the file to write.
const Env = "VINCI_DEFINITIONS"

// File is what is in the file.
type File struct {
	Application string          `json:"application"` // its name, without a deployment
	Tables      []*orm.Schema   `json:"tables"`      // the framework's included, sorted by name
	Events      []*schema.Event `json:"events"`      // sorted by name
	// Bus is on which the deployment publishes, when it is another application's.
	Bus *Bus `json:"bus,omitempty"`
	// Foreign are events of other applications, in order of those.
	Foreign []*Foreign `json:"foreign,omitempty"`

	Subscriptions []*Subscription `json:"subscriptions"` // sorted by name
	Settings      []*Setting      `json:"settings"`      // sorted by name

	// Parsed is the answer to [EnvParse]; nil when nothing was asked.
	Parsed *Parsed `json:"parsed,omitempty"`
}

// Bus is a bus of another application.
type Bus struct {
	Application string `json:"application"` // that makes it
	Name        string `json:"name"`        // its physical name
}

// Foreign are events of another application, as this one reads them.
type Foreign struct {
	Application string          `json:"application"`
	Bus         string          `json:"bus"`    // the application on whose bus they are
	Events      []*schema.Event `json:"events"` // sorted by name
}

// Event finds an event by its type; nil when there is none.
func (f *File) Event(name string) *schema.Event {
	for _, e := range f.Events {
		if e.Name == name {
			return e
		}
	}
	return nil
}

// Table finds a table by its name; nil when there is none.
func (f *File) Table(name string) *orm.Schema {
	for _, s := range f.Tables {
		if s.Name == name {
			return s
		}
	}
	return nil
}

// Write writes the file, with everything in order of its name. It replaces
// what was there; the folder must exist.
func Write(file string, f *File) error {
	sorted := &File{Application: f.Application, Bus: f.Bus, Foreign: slices.Clone(f.Foreign), Tables: slices.Clone(f.Tables), Events: slices.Clone(f.Events), Subscriptions: slices.Clone(f.Subscriptions), Settings: slices.Clone(f.Settings), Parsed: f.Parsed}
	slices.SortFunc(sorted.Tables, func(a, b *orm.Schema) int { return cmp.Compare(a.Name, b.Name) })
	slices.SortFunc(sorted.Events, func(a, b *schema.Event) int { return cmp.Compare(a.Name, b.Name) })
	slices.SortFunc(sorted.Subscriptions, func(a, b *Subscription) int { return cmp.Compare(a.Name, b.Name) })
	slices.SortFunc(sorted.Foreign, func(a, b *Foreign) int { return cmp.Compare(a.Application, b.Application) })
	for i, foreign := range sorted.Foreign {
		c := *foreign
		c.Events = slices.SortedFunc(slices.Values(c.Events), func(a, b *schema.Event) int { return cmp.Compare(a.Name, b.Name) })
		sorted.Foreign[i] = &c
	}
	slices.SortFunc(sorted.Settings, func(a, b *Setting) int { return cmp.Compare(a.Name, b.Name) })
	if sorted.Tables == nil {
		sorted.Tables = []*orm.Schema{} // [] and not null: there are none
	}
	if sorted.Events == nil {
		sorted.Events = []*schema.Event{}
	}
	if sorted.Subscriptions == nil {
		sorted.Subscriptions = []*Subscription{}
	}
	if sorted.Settings == nil {
		sorted.Settings = []*Setting{}
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false) // types and validation tags are read by people
	e.SetIndent("", "  ")
	if err := e.Encode(sorted); err != nil {
		return fmt.Errorf("write the definitions to %s: %w", file, err)
	}
	if err := os.WriteFile(file, b.Bytes(), 0o644); err != nil {
		return fmt.Errorf("write the definitions: %w", err)
	}
	return nil
}

// Read reads a file that [Write] wrote. A field that it does not know is an
// error: tool and application are then of different versions of Vinci.
func Read(file string) (*File, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read the definitions: %w", err)
	}
	f := &File{}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(f); err != nil {
		return nil, fmt.Errorf("read the definitions from %s: %w; it is written by the application's version of Vinci, and the tool must be of the same: install it from the application's go.mod", file, err)
	}
	if f.Application == "" {
		return nil, fmt.Errorf("read the definitions from %s: %w", file, errors.New("it names no application"))
	}
	for i, s := range f.Tables {
		if s == nil || s.Name == "" {
			return nil, fmt.Errorf("read the definitions from %s: table %d has no name", file, i)
		}
	}
	for i, e := range f.Events {
		if e == nil || e.Name == "" {
			return nil, fmt.Errorf("read the definitions from %s: event %d has no name", file, i)
		}
	}
	for i, s := range f.Subscriptions {
		if s == nil || s.Name == "" {
			return nil, fmt.Errorf("read the definitions from %s: subscription %d has no name", file, i)
		}
	}
	for i, s := range f.Settings {
		if s == nil || s.Name == "" {
			return nil, fmt.Errorf("read the definitions from %s: setting %d has no name", file, i)
		}
		s.Default = compact(s.Default)
	}
	if f.Parsed != nil {
		f.Parsed.Value = compact(f.Parsed.Value)
	}
	return f, nil
}
