package chaos

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"

	"github.com/vinci-go/vinci/local/gateway"
)

// batchWrite leaves some writes unprocessed and does the others.
func (p *Plan) batchWrite(w http.ResponseWriter, r *gateway.Request, c *call, serve serve) {
	p.unprocessed(w, r, c, serve, "UnprocessedItems", func(table json.RawMessage) (members, []json.RawMessage) {
		var writes []json.RawMessage
		_ = json.Unmarshal(table, &writes) // the service has AWS's answer to another form
		return nil, writes
	})
}

// batchGet leaves some keys unprocessed and reads the others.
func (p *Plan) batchGet(w http.ResponseWriter, r *gateway.Request, c *call, serve serve) {
	p.unprocessed(w, r, c, serve, "UnprocessedKeys", func(table json.RawMessage) (members, []json.RawMessage) {
		var m members
		var keys []json.RawMessage
		if json.Unmarshal(table, &m) == nil {
			m.get("Keys", &keys)
		}
		return m, keys
	})
}

// unprocessed takes some entries out of RequestItems and puts them under the given
// name into the answer. read gives a table's entries, and the object whose member
// Keys they are, nil when they stand alone.
func (p *Plan) unprocessed(w http.ResponseWriter, r *gateway.Request, c *call, serve serve, name string, read func(json.RawMessage) (members, []json.RawMessage)) {
	var in members
	request := members{}
	if json.Unmarshal(r.Body, &in) == nil {
		in.get("RequestItems", &request)
	}
	write := func(of members, entries []json.RawMessage) json.RawMessage {
		if of == nil {
			return mustJSON(entries)
		}
		of = maps.Clone(of)
		of.set("Keys", entries)
		return mustJSON(of)
	}
	names := slices.Sorted(maps.Keys(request))
	var entries []json.RawMessage
	for _, table := range names {
		_, of := read(request[table])
		entries = append(entries, of...)
	}
	failed := p.pick(c, entries, name)
	left, rest := members{}, members{}
	at := 0
	for _, table := range names {
		of, some := read(request[table])
		out, in := part(some, failed[at:at+len(some)])
		at += len(some)
		if len(out) > 0 {
			rest[table] = write(of, out)
		}
		if len(in) > 0 {
			left[table] = write(of, in)
		}
	}
	if len(rest) == 0 {
		serve(w, r)
		return
	}
	in.set("RequestItems", left)
	answer, ok := served(w, with(r, in), serve)
	if !ok {
		return
	}
	already := members{}
	answer.get(name, &already)
	for table, some := range already { // the service left some as well
		of, entries := read(some)
		_, more := read(rest[table])
		already[table] = write(of, slices.Concat(entries, more))
		delete(rest, table)
	}
	maps.Copy(already, rest)
	answer.set(name, already)
	gateway.WriteJSON(w, r, answer)
}
