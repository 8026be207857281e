package chaos

import (
	"encoding/json"
	"net/http"

	"github.com/vinci-go/vinci/local/gateway"
)

// messageBatch fails some entries of an SQS batch and does the others.
func (p *Plan) messageBatch(w http.ResponseWriter, r *gateway.Request, c *call, serve serve) {
	var in members
	var entries []json.RawMessage
	if json.Unmarshal(r.Body, &in) == nil {
		in.get("Entries", &entries)
	}
	out, left := part(entries, p.pick(c, entries, "a failed entry"))
	serveLeft(w, r, serve, in, out, left, "Failed", func(id json.RawMessage) any {
		return struct {
			Id          json.RawMessage
			SenderFault bool
			Code        string
			Message     string
		}{id, false, "InternalError", "We encountered an internal error. Please try again."}
	})
}

// serveLeft serves a batch without the entries in out, and adds what of says of each of
// them to a list of the answer.
func serveLeft(w http.ResponseWriter, r *gateway.Request, serve serve, in members, out, left []json.RawMessage, list string, of func(id json.RawMessage) any) {
	if len(out) == 0 {
		serve(w, r)
		return
	}
	in.set("Entries", left)
	answer, ok := served(w, with(r, in), serve)
	if !ok {
		return
	}
	var all []json.RawMessage
	answer.get(list, &all)
	for _, e := range out {
		all = append(all, mustJSON(of(idOf(e))))
	}
	answer.set(list, all)
	gateway.WriteJSON(w, r, answer)
}

// idOf is an entry's Id as it stands there, null for none.
func idOf(entry json.RawMessage) json.RawMessage {
	var m members
	if json.Unmarshal(entry, &m) != nil || m["Id"] == nil {
		return json.RawMessage("null")
	}
	return m["Id"]
}
