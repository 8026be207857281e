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
	if len(out) == 0 {
		serve(w, r)
		return
	}
	in.set("Entries", left)
	answer, ok := served(w, with(r, in), serve)
	if !ok {
		return
	}
	var failures []json.RawMessage
	answer.get("Failed", &failures)
	for _, e := range out {
		failures = append(failures, mustJSON(struct {
			Id          json.RawMessage
			SenderFault bool
			Code        string
			Message     string
		}{idOf(e), false, "InternalError", "We encountered an internal error. Please try again."}))
	}
	answer.set("Failed", failures)
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
