package chaos

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/vinci-go/vinci/local/gateway"
)

// delivery is one receive of a message.
type delivery struct {
	id    string
	count int // the n-th receive, from 1
	// spared says that a delete was answered and not done. Further deletes of the
	// same receipt handle are answered, too, or the message would not come once more.
	spared bool
}

func (d delivery) String() string { return fmt.Sprintf("message %s receive %d", d.id, d.count) }

// showWithin is the longest that a deleted message takes to come once more.
const showWithin = 2 * time.Second

// isFIFO knows a FIFO queue by its URL, ARN or name. It delivers in order and
// once, so it is left alone.
func isFIFO(queue string) bool { return strings.HasSuffix(queue, ".fifo") }

// copied is a message that will be delivered twice at once.
type copied struct {
	delivery
	message json.RawMessage
}

// receive asks for fewer messages than it was asked for, shuffles what comes, and
// keeps copies for the next call that asks for the same attributes.
func (p *Plan) receive(w http.ResponseWriter, r *gateway.Request, c *call, serve serve) {
	var in members
	var queue string
	if json.Unmarshal(r.Body, &in) == nil {
		in.get("QueueUrl", &queue)
	}
	if queue == "" || isFIFO(queue) {
		serve(w, r)
		return
	}
	most := 1
	in.get("MaxNumberOfMessages", &most)
	asked := in.asked()
	copies := p.takeCopies(asked, most)
	if len(copies) > 0 {
		in.set("WaitTimeSeconds", 0) // there is something
	} else if roll, yes := p.ask(Split, c.subject); yes && most > 1 && most <= 10 {
		fewer := 1 + roll.below(most-1)
		p.tell(Split, c.subject, "asks for %d messages instead of %d", fewer, most)
		in.set("MaxNumberOfMessages", fewer)
		most = fewer
	}
	out, ok := served(w, with(r, in), serve)
	if !ok {
		return
	}
	var messages []json.RawMessage
	out.get("Messages", &messages)
	p.received(asked, messages)
	// What the service gave is in flight now and must go out: copies take what room
	// is left.
	room := max(0, most-len(messages))
	for _, c := range copies[min(room, len(copies)):] {
		p.keepCopy(asked, c)
	}
	for _, c := range copies[:min(room, len(copies))] {
		messages = append(messages, c.message)
	}
	if _, yes := p.ask(Shuffle, c.subject); yes && len(messages) > 1 {
		messages = reorder(messages, p.shuffle(c.subject, len(messages)))
	}
	if len(messages) > 0 {
		out.set("Messages", messages)
	}
	gateway.WriteJSON(w, r, out)
}

// asked is what two ReceiveMessage calls must have in common for one to get a copy
// of the other's message: the queue and the attributes asked for.
func (m members) asked() string {
	var parts []string
	for _, name := range []string{"QueueUrl", "AttributeNames", "MessageSystemAttributeNames", "MessageAttributeNames"} {
		parts = append(parts, string(m[name]))
	}
	return strings.Join(parts, "\x00")
}

// received notes the messages of an answer and decides which come twice.
func (p *Plan) received(asked string, messages []json.RawMessage) {
	for _, m := range messages {
		var of struct{ MessageId, ReceiptHandle string }
		if json.Unmarshal(m, &of) != nil {
			continue
		}
		p.mu.Lock()
		n, _ := p.deliveries.get(of.MessageId)
		d := delivery{id: of.MessageId, count: n + 1}
		p.deliveries.put(d.id, d.count)
		p.handles.put(of.ReceiptHandle, d)
		p.mu.Unlock()
		if _, yes := p.ask(Duplicate, d.String()); yes {
			p.tell(Duplicate, d.String(), "twice at once")
			p.keepCopy(asked, copied{d, m})
		}
	}
}

func (p *Plan) keepCopy(asked string, c copied) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.copies[asked]) < maxCopies {
		p.copies[asked] = append(p.copies[asked], c)
	}
}

// maxCopies bounds the copies of a queue that wait for a receiver.
const maxCopies = 100

func (p *Plan) takeCopies(asked string, most int) []copied {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := p.copies[asked]
	n := min(max(most, 0), len(all))
	if n == len(all) {
		delete(p.copies, asked)
	} else {
		p.copies[asked] = all[n:]
	}
	return slices.Clip(all[:n])
}

// shuffle gives an order other than the one there is.
func (p *Plan) shuffle(subject string, n int) (order []int) {
	order = make([]int, n)
	keys := make([]uint64, n)
	for i := range order {
		order[i] = i
		keys[i] = p.roll(Shuffle, fmt.Sprintf("%s place %d", subject, i))[0]
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(keys[a], keys[b]) })
	if slices.IsSorted(order) {
		slices.Reverse(order)
	}
	p.tell(Shuffle, subject, "%v", order)
	return order
}

func reorder[T any](of []T, order []int) []T {
	out := make([]T, len(of))
	for i, from := range order {
		out[i] = of[from]
	}
	return out
}

// spares reports that a delete of a message does not happen: the message comes once
// more. Only its first receive is asked about, so it comes once more and not
// again and again.
func (p *Plan) spares(d delivery) bool {
	if d.count != 1 {
		return false
	}
	_, yes := p.ask(Duplicate, d.String()+" delete")
	return yes
}

// undelete answers a delete without doing it, if chance says so, and makes the
// message come soon.
func (p *Plan) undelete(r *gateway.Request, queue, handle string) bool {
	p.mu.Lock()
	d, known := p.handles.get(handle)
	p.mu.Unlock()
	switch {
	case d.spared:
		return true
	case !known || isFIFO(queue) || !p.spares(d):
		return false
	}
	if p.opts.Show != nil {
		after := p.length(p.roll(Duplicate, d.String()+" delete"), showWithin)
		if err := p.opts.Show(r.HTTP.Context(), queue, handle, after); err != nil {
			return false // it is not in flight any more
		}
	}
	d.spared = true
	p.mu.Lock()
	p.handles.put(handle, d)
	p.mu.Unlock()
	p.tell(Duplicate, d.String(), "comes once more after it is deleted")
	return true
}

func (p *Plan) delete(w http.ResponseWriter, r *gateway.Request, _ *call, serve serve) {
	var in struct{ QueueUrl, ReceiptHandle string }
	if json.Unmarshal(r.Body, &in) != nil || !p.undelete(r, in.QueueUrl, in.ReceiptHandle) {
		serve(w, r)
		return
	}
	gateway.WriteJSON(w, r, nil)
}

// deleteBatch is messageBatch, with some messages that come once more.
func (p *Plan) deleteBatch(w http.ResponseWriter, r *gateway.Request, c *call, serve serve) {
	p.messageBatch(w, r, c, func(w http.ResponseWriter, r *gateway.Request) {
		var in members
		var queue string
		var entries []json.RawMessage
		if json.Unmarshal(r.Body, &in) == nil {
			in.get("QueueUrl", &queue)
			in.get("Entries", &entries)
		}
		spared := make([]bool, len(entries))
		for i, e := range entries[min(1, len(entries)):] { // the first is the service's, so that it sees the call
			var m struct{ ReceiptHandle string }
			spared[i+1] = json.Unmarshal(e, &m) == nil && p.undelete(r, queue, m.ReceiptHandle)
		}
		out, left := part(entries, spared)
		serveLeft(w, r, serve, in, out, left, "Successful", func(id json.RawMessage) any { return struct{ Id json.RawMessage }{id} })
	})
}
