package schema

import (
	"cmp"
	"maps"
	"slices"
	"strings"
)

// AsyncAPI is an AsyncAPI 3.0 document in JSON: the buses as channels, a message for each
// version of an event, an operation that sends for each event and one that receives for
// each subscription. A message's payload is the detail of an EventBridge event, its
// headers are EventBridge's own members by which rules pick events. Without any message
// it is [ErrNothing].
//
// https://www.asyncapi.com/docs/reference/specification/v3.0.0
func (x *Export) AsyncAPI() ([]byte, error) {
	d := &asyncDocument{channels: map[string]object{}, messages: object{}, schemas: object{}, operations: object{}}
	sent, err := x.sent()
	if err != nil {
		return nil, err
	}
	for events := range slices.Values(byEvent(sent)) {
		first := events[0]
		name := "send." + first.event
		if first.source != x.PublicSource {
			name += ".internal"
		}
		summary := "Publishes " + first.event + "."
		if first.description != "" {
			summary += " " + first.description
		}
		d.operation(name, "send", summary, events)
	}
	for _, r := range slices.SortedFunc(slices.Values(x.Receives), func(a, b Receive) int { return strings.Compare(a.Subscription, b.Subscription) }) {
		if !r.Public && !x.Internal {
			continue // it gets what others do not see
		}
		got, err := x.received(r)
		if err != nil {
			return nil, err
		}
		if len(got) > 0 {
			d.operation("receive."+r.Subscription, "receive", "Subscription "+r.Subscription+" to events of "+r.Application+".", got)
		}
	}
	if len(d.messages) == 0 {
		return nil, ErrNothing
	}
	return write(asyncAPI{
		AsyncAPI: "3.0.0",
		ID:       "urn:vinci:application:" + x.Application,
		Info: object{
			"title": "Events of " + x.Application, "version": cmp.Or(x.Version, "1.0.0"),
			"description": "What the application publishes on EventBridge, and what it consumes.",
		},
		ContentType: "application/json",
		Channels:    d.channels,
		Operations:  d.operations,
		Components:  object{"messages": d.messages, "schemas": d.schemas},
	})
}

// asyncAPI is a document with its parts in the order in which people read them.
type asyncAPI struct {
	AsyncAPI    string            `json:"asyncapi"`
	ID          string            `json:"id"`
	Info        object            `json:"info"`
	ContentType string            `json:"defaultContentType"`
	Channels    map[string]object `json:"channels"`
	Operations  object            `json:"operations"`
	Components  object            `json:"components"`
}

type asyncDocument struct {
	channels                      map[string]object // by the application whose bus it is
	messages, schemas, operations object
}

// byEvent puts messages of one event and source together, in their order.
func byEvent(all []message) [][]message {
	var groups [][]message
	for _, m := range all {
		if n := len(groups); n > 0 && groups[n-1][0].event == m.event && groups[n-1][0].source == m.source {
			groups[n-1] = append(groups[n-1], m)
			continue
		}
		groups = append(groups, []message{m})
	}
	return groups
}

// operation adds an operation with its messages, which are all on one bus.
func (d *asyncDocument) operation(name, action, summary string, messages []message) {
	refs := []any{}
	for _, m := range messages {
		d.message(m)
		refs = append(refs, object{"$ref": "#/channels/" + m.bus + "/messages/" + m.name})
	}
	d.operations[name] = object{
		"action": action, "summary": summary,
		"channel":  object{"$ref": "#/channels/" + messages[0].bus},
		"messages": refs,
	}
}

// message adds a message to its channel and to the components.
func (d *asyncDocument) message(m message) {
	channel := d.channels[m.bus]
	if channel == nil {
		channel = object{
			"address":     m.bus + "-{deployment}-bus",
			"title":       "The event bus of " + m.bus,
			"description": "An Amazon EventBridge event bus.",
			"parameters":  object{"deployment": object{"description": "Which deployment of " + m.bus + " it is."}},
			"messages":    object{},
		}
		d.channels[m.bus] = channel
	}
	channel["messages"].(object)[m.name] = object{"$ref": "#/components/messages/" + m.name}

	data := *m.data
	data.Dialect, data.Defs = "", nil
	refs := func(def string) string { return "#/components/schemas/" + m.name + "." + def }
	d.schemas[m.name] = data.referring(refs)
	for _, def := range slices.Sorted(maps.Keys(m.data.Defs)) {
		d.schemas[m.name+"."+def] = m.data.Defs[def].referring(refs)
	}
	d.messages[m.name] = object{
		"name": m.event, "title": m.event, "summary": cmp.Or(m.description, "An event of "+m.source+"."),
		"contentType": "application/json",
		"headers": object{
			"type": "object",
			"properties": object{
				"source":      object{"const": m.source},
				"detail-type": object{"const": m.event},
			},
			"required": []string{"detail-type", "source"},
		},
		"correlationId": object{"location": "$message.payload#/correlationid"},
		"payload":       m.envelope(object{"$ref": "#/components/schemas/" + m.name}),
	}
}

// referring is a copy of the schema whose references are changed: to gives the new one for
// the name of a definition.
func (n *node) referring(to func(def string) string) *node {
	if n == nil {
		return nil
	}
	c := *n
	if def, ok := strings.CutPrefix(c.Ref, "#/$defs/"); ok {
		c.Ref = to(def)
	}
	c.AnyOf = slices.Clone(c.AnyOf)
	for i := range c.AnyOf {
		c.AnyOf[i] = c.AnyOf[i].referring(to)
	}
	c.Properties = maps.Clone(c.Properties)
	for name := range c.Properties {
		c.Properties[name] = c.Properties[name].referring(to)
	}
	c.Items = c.Items.referring(to)
	c.ContentSchema = c.ContentSchema.referring(to)
	c.PropertyNames = c.PropertyNames.referring(to)
	c.AdditionalProperties = c.AdditionalProperties.referring(to)
	return &c
}
