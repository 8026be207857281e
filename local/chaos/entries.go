package chaos

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/vinci-go/vinci/local/gateway"
)

// special is how calls are served whose answer tells of several things, or of
// messages; nil for the others.
func (p *Plan) special(r *gateway.Request, c *call) func(http.ResponseWriter, *gateway.Request, *call, serve) {
	switch c.service + "." + r.Operation {
	case tables + ".BatchWriteItem":
		return p.batchWrite
	case tables + ".BatchGetItem":
		return p.batchGet
	case events + ".PutEvents":
		return p.putEvents
	case queues + ".SendMessageBatch", queues + ".ChangeMessageVisibilityBatch":
		return p.messageBatch
	case queues + ".DeleteMessageBatch":
		return p.deleteBatch
	case queues + ".ReceiveMessage":
		return p.receive
	case queues + ".DeleteMessage":
		return p.delete
	}
	return nil
}

// members is a JSON object of which only some members are understood here.
type members map[string]json.RawMessage

func (m members) set(name string, v any) { m[name] = mustJSON(v) }

// get reads a member; one that is missing or of another form leaves v as it is.
func (m members) get(name string, v any) { _ = json.Unmarshal(m[name], v) }

// with is the request with another body.
func with(r *gateway.Request, m members) *gateway.Request {
	next := *r
	next.HTTP = r.HTTP.Clone(r.HTTP.Context())
	next.HTTP.Header.Del("Accept-Encoding") // the answer is read here
	next.Body = mustJSON(m)
	return &next
}

// served lets the service answer, and reads what it says. ok is false when it refused
// the call, or answered what is not understood here: then the answer has been sent.
func served(w http.ResponseWriter, r *gateway.Request, serve serve) (out members, ok bool) {
	a := newAnswer()
	serve(a, r)
	if a.status != http.StatusOK || json.Unmarshal(a.body.Bytes(), &out) != nil || out == nil {
		a.sendTo(w)
		return nil, false
	}
	return out, true
}

func digest(b []byte) []byte {
	sum := sha256.Sum256(b)
	return sum[:]
}

// pick says which of some entries fail by themselves. One is always left, so that
// the service sees the call.
func (p *Plan) pick(c *call, entries []json.RawMessage, what string) []bool {
	failed := make([]bool, len(entries))
	left := len(entries)
	for i, e := range entries {
		if left == 1 {
			break
		}
		subject := fmt.Sprintf("%s entry %d", c.subject, i)
		if _, failed[i] = p.strike(Throttle, subject, "entry "+string(digest(e))); failed[i] {
			p.tell(Throttle, subject, "%s", what)
			left--
		}
	}
	return failed
}

// part divides what is picked from what is left.
func part(entries []json.RawMessage, picked []bool) (out, left []json.RawMessage) {
	for i, e := range entries {
		if picked[i] {
			out = append(out, e)
		} else {
			left = append(left, e)
		}
	}
	return out, left
}

func mustJSON(v any) json.RawMessage {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // strings, and what was decoded, can be encoded
	}
	return b
}
