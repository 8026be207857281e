package chaos

import (
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/vinci-go/vinci/local/gateway"
)

// putEvents fails some entries and puts the others.
func (p *Plan) putEvents(w http.ResponseWriter, r *gateway.Request, c *call, serve serve) {
	var in members
	var entries []json.RawMessage
	if json.Unmarshal(r.Body, &in) == nil {
		in.get("Entries", &entries)
	}
	failed := p.pick(c, entries, "a failed entry")
	_, left := part(entries, failed)
	if len(left) == len(entries) {
		serve(w, r)
		return
	}
	in.set("Entries", left)
	out, ok := served(w, with(r, in), serve)
	if !ok {
		return
	}
	var results, all []json.RawMessage
	var count int
	out.get("Entries", &results)
	out.get("FailedEntryCount", &count)
	for i, f := range failed {
		switch {
		case f:
			count++
			m := members{}
			m.set("ErrorCode", "ThrottlingException")
			m.set("ErrorMessage", "Rate exceeded")
			if p.roll(Throttle, fmt.Sprintf("%s entry %d", c.subject, i)).fraction(2) < 0.5 {
				m.set("ErrorCode", "InternalFailure")
				m.set("ErrorMessage", "Unexpected Error encountered.")
			}
			all = append(all, mustJSON(m))
		case len(results) > 0:
			all, results = append(all, results[0]), results[1:]
		}
	}
	out.set("Entries", all)
	out.set("FailedEntryCount", count)
	gateway.WriteJSON(w, r, out)
}
