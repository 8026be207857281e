package schema

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Export is what an application tells others of its events. The same export has the
// same bytes.
type Export struct {
	Application string
	Version     string // of the documents, for whoever keeps several; default 1.0.0
	Bus         string // the application on whose bus it publishes
	// Source and PublicSource are what its events have as source on the bus, as it sees
	// them itself and as others do.
	Source, PublicSource string
	Events               []*Event
	Receives             []Receive
	// Agreed is the folder with the files of earlier versions, see [Lock]; empty: they
	// are left out.
	Agreed string
	// Internal adds what others do not see.
	Internal bool
}

// Receive is a subscription with the events that it gets.
type Receive struct {
	Subscription string
	Source       string // of the events on the bus
	Application  string // whose events they are
	Bus          string // the application on whose bus they are
	Public       bool   // they are seen as others see them
	Events       []*Event
}

// ErrNothing is the error of an export without any event.
var ErrNothing = errors.New("there is no event to tell of: the application makes none public (event.Public)")

// message is one version of an event as it is on a bus.
type message struct {
	name        string // of the message, unique among all: order.placed.v2
	event       string
	description string
	source      string
	bus         string // the application whose bus it is
	version     int
	data        *node
}

// sent are the messages that the application sends, by event and version.
func (x *Export) sent() ([]message, error) {
	var all []message
	for _, e := range sortedEvents(x.Events) {
		if e.Public != nil {
			versions, err := x.versions(e, true)
			if err != nil {
				return nil, err
			}
			all = append(all, x.messages(e, versions, "", x.PublicSource, x.Bus, "")...)
		}
		if x.Internal {
			versions, err := x.versions(e, false)
			if err != nil {
				return nil, err
			}
			all = append(all, x.messages(e, versions, "", x.Source, x.Bus, ".internal")...)
		}
	}
	return all, nil
}

// received are the messages that a subscription gets.
func (x *Export) received(r Receive) ([]message, error) {
	var all []message
	for _, e := range sortedEvents(r.Events) {
		if r.Application == x.Application {
			versions, err := x.versions(e, false)
			if err != nil {
				return nil, err
			}
			all = append(all, x.messages(e, versions, "", r.Source, r.Bus, ".internal")...)
			continue
		}
		// The definition is of the shape that this application reads; which it may be, its
		// publisher says.
		versions, err := versionsOf(e)
		if err != nil {
			return nil, err
		}
		all = append(all, x.messages(e, versions, r.Application+".", r.Source, r.Bus, "")...)
	}
	return all, nil
}

func (x *Export) messages(e *Event, versions map[int]*node, before, source, bus, behind string) []message {
	var all []message
	for v, data := range versions {
		all = append(all, message{
			name: before + e.Name + ".v" + strconv.Itoa(v) + behind, event: e.Name, description: e.Description,
			source: source, bus: bus, version: v, data: data,
		})
	}
	slices.SortFunc(all, func(a, b message) int { return cmp.Compare(a.version, b.version) })
	return all
}

func sortedEvents(events []*Event) []*Event {
	return slices.SortedFunc(slices.Values(events), func(a, b *Event) int { return strings.Compare(a.Name, b.Name) })
}

// versions are the shapes in which the data of an event may be on the bus: that of the
// definition, and those that were agreed before.
func (x *Export) versions(e *Event, public bool) (map[int]*node, error) {
	var all map[int]*node
	var err error
	newest := e.Version
	if public {
		newest = e.PublicVersion
		n, wrong := parse(e.Public)
		all, err = map[int]*node{newest: n}, wrong
	} else {
		all, err = versionsOf(e)
	}
	if err != nil || x.Agreed == "" {
		return all, err
	}
	have, err := list(x.Agreed)
	if err != nil {
		return nil, err
	}
	for _, f := range have[e.Name] {
		if f.public != public || f.version >= newest {
			continue
		}
		b, err := os.ReadFile(filepath.Join(x.Agreed, e.Name, f.name()))
		if err != nil {
			return nil, fmt.Errorf("read the schemas: %w", err)
		}
		if all[f.version], err = parse(b); err != nil {
			return nil, fmt.Errorf("%s/%s/%s: %w", Dir, e.Name, f.name(), err)
		}
	}
	return all, nil
}

// versionsOf are the shapes that a definition reads.
func versionsOf(e *Event) (map[int]*node, error) {
	n, err := parse(e.Schema)
	if err != nil {
		return nil, fmt.Errorf("the schema of %s: %w", e.Name, err)
	}
	all := map[int]*node{e.Version: n}
	for _, o := range e.Older {
		if all[o.Version], err = parse(o.Schema); err != nil {
			return nil, fmt.Errorf("the schema of %s version %d: %w", e.Name, o.Version, err)
		}
	}
	return all, nil
}

// object is a JSON object whose members are written in the order of their names.
type object = map[string]any

// dataSchema is what an envelope has as dataschema.
func (m *message) dataSchema() string {
	return fmt.Sprintf("urn:vinci:schema:%s:%s:%d", m.source, m.event, m.version)
}

// envelope is the schema of the detail of an event on the bus, around that of the data.
// What it says of the members is what package event writes.
func (m *message) envelope(data any) object {
	text := object{"type": "string", "minLength": 1}
	described := func(what string) object { return object{"type": "string", "minLength": 1, "description": what} }
	return object{
		"title":       fmt.Sprintf("%s version %d of %s", m.event, m.version, m.source),
		"type":        "object",
		"description": cmp.Or(m.description, "An event, as the detail of an EventBridge event."),
		"properties": object{
			"specversion":   object{"const": "1.0"},
			"id":            described("<stream>@<version>: made once, and unique together with source"),
			"source":        object{"const": m.source},
			"type":          object{"const": m.event},
			"subject":       described("the stream"),
			"time":          object{"type": "string", "format": "date-time"},
			"dataschema":    object{"const": m.dataSchema()},
			"schemaversion": object{"const": m.version},
			"correlationid": described("the same for everything that one request caused"),
			"causationid":   described("the event or command that caused this one"),
			"tenantid":      text,
			"actor":         described("who did it"),
			"traceparent":   described("W3C trace context"),
			"data":          data,
		},
		"required": []string{"data", "id", "schemaversion", "source", "specversion", "time", "type"},
	}
}

// write is a document as people read it.
func write(document any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(document); err != nil {
		return nil, fmt.Errorf("export the schemas: %w", err)
	}
	return b.Bytes(), nil
}
