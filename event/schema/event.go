package schema

import (
	"encoding/json"
	"errors"

	"github.com/vinci-go/vinci/event"
)

// Event is everything that tools know of an event definition.
type Event struct {
	Name          string          `json:"name"`    // user.created
	Version       int             `json:"version"` // the newest
	Description   string          `json:"description,omitempty"`
	DefinedAt     string          `json:"definedAt,omitempty"` // file:line, relative to its module
	Schema        json.RawMessage `json:"schema"`              // of the newest version
	Older         []Older         `json:"older,omitempty"`     // that can be read, from the oldest on
	PublicVersion int             `json:"publicVersion,omitempty"`
	Public        json.RawMessage `json:"public,omitempty"` // what others see; none when the event is internal
}

// Older is the schema of what the data of an older version is read into, by
// event.Upcast.
type Older struct {
	Version int             `json:"version"`
	Schema  json.RawMessage `json:"schema"`
}

// Describe makes the schemas of event definitions, in the order of the arguments.
// What is wrong with definitions is joined.
func Describe(types ...event.Type) ([]*Event, error) {
	var events []*Event
	var errs []error
	for _, t := range types {
		e, err := describe(t)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		events = append(events, e)
	}
	return events, errors.Join(errs...)
}

func describe(t event.Type) (*Event, error) {
	e := &Event{Name: t.Name(), Version: t.Version(), Description: t.Description(), DefinedAt: t.DefinedAt(), PublicVersion: t.PublicVersion()}
	var err error
	if e.Schema, err = Of(t); err != nil {
		return nil, err
	}
	if e.Public, err = OfPublic(t); err != nil {
		return nil, err
	}
	for v := t.Since(); v < t.Version(); v++ {
		s, err := ofVersion(t, v)
		if err != nil {
			return nil, err
		}
		e.Older = append(e.Older, Older{v, s})
	}
	return e, nil
}
