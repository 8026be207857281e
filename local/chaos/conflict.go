package chaos

import (
	"encoding/json"
	"fmt"
	"hash/crc32"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/vinci-go/vinci/local/gateway"
)

// What DynamoDB says in a cancellation and in the exception for a single write.
const (
	reasonConflict   = "TransactionConflict"
	reasonThrottling = "ThrottlingError"
	messageConflict  = "Transaction is ongoing for the item"
	messageThrottled = "Throughput exceeds the current capacity of your table or index. DynamoDB is automatically scaling your table or index so please try again shortly. If exceptions persist, check if you have a hot key: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/bp-partition-key-design.html."
)

// inProgressRate is how often a transaction whose answer was lost is still under
// way when it is asked for again.
const inProgressRate = 0.5

// conflict answers a write or a transaction as if another transaction held an
// item, and reports whether it did.
func (p *Plan) conflict(w http.ResponseWriter, r *gateway.Request, c *call) bool {
	if c.service != tables {
		return false
	}
	switch r.Operation {
	case "PutItem", "UpdateItem", "DeleteItem":
		if _, yes := p.strike(Conflict, c.subject, "conflict "+single(r)); yes {
			p.tell(Conflict, c.subject, "TransactionConflictException")
			gateway.WriteError(w, r, &gateway.Error{Code: "TransactionConflictException", Message: messageConflict})
			return true
		}
	case "TransactWriteItems", "TransactGetItems":
		return p.inProgress(w, r, c) || p.cancelled(w, r, c)
	}
	return false
}

// single is what a single write has in common with its repetition: all of it.
func single(r *gateway.Request) string { return r.Operation + string(digest(r.Body)) }

// inProgress answers the repetition of a transaction whose answer was lost.
func (p *Plan) inProgress(w http.ResponseWriter, r *gateway.Request, c *call) bool {
	token := tokenOf(r)
	if token == "" || p.config.Conflict == 0 {
		return false
	}
	p.mu.Lock()
	_, lost := p.lost.get(token)
	p.lost.remove(token) // once
	p.mu.Unlock()
	if !lost || !p.roll(Conflict, c.subject+" in progress").hits(inProgressRate) || !c.fail(Conflict) {
		return false
	}
	p.tell(Conflict, c.subject, "TransactionInProgressException")
	gateway.WriteError(w, r, &gateway.Error{Code: "TransactionInProgressException", Message: "The transaction with the given request token is already in progress."})
	return true
}

func tokenOf(r *gateway.Request) string {
	var in struct{ ClientRequestToken string }
	if r.Operation != "TransactWriteItems" || json.Unmarshal(r.Body, &in) != nil {
		return ""
	}
	return in.ClientRequestToken
}

// rememberLost keeps the token of a transaction whose answer was lost.
func (p *Plan) rememberLost(r *gateway.Request) {
	if token := tokenOf(r); token != "" {
		p.mu.Lock()
		p.lost.put(token, true)
		p.mu.Unlock()
	}
}

// cancelled cancels a transaction because of one of its items: for a conflict or,
// at a quarter of Throttle's rate, for want of capacity. The items are what is spared
// after two failures in a row: whoever tries again makes another transaction, with the
// same items.
func (p *Plan) cancelled(w http.ResponseWriter, r *gateway.Request, c *call) bool {
	items := itemsOf(r.Body)
	if len(items) == 0 {
		return false
	}
	kind, code, message := Conflict, reasonConflict, messageConflict
	subject := c.subject + " cancelled"
	roll, yes := p.ask(Conflict, subject)
	if !yes {
		kind, code, message = Throttle, reasonThrottling, messageThrottled
		// Throttle refuses the call as a whole, too, so this is a part of its rate.
		roll = p.roll(Throttle, subject)
		yes = roll.hits(p.config.Throttle / 4)
	}
	i := roll.below(len(items))
	if !p.bears(kind, "cancelled "+items[i], yes) {
		return false
	}
	p.tell(kind, subject, "TransactionCanceledException: %s for action %d of %d", code, i, len(items))
	writeCancelled(w, r, i, len(items), code, message)
	return true
}

// itemsOf names the item of each action of a transaction.
func itemsOf(body []byte) []string {
	var in struct {
		TransactItems []map[string]struct {
			TableName string
			Key, Item map[string]json.RawMessage
		}
	}
	if json.Unmarshal(body, &in) != nil {
		return nil // the service has AWS's answer to it
	}
	var items []string
	for _, action := range in.TransactItems {
		name := ""
		for _, a := range action {
			// A put has the whole item, and which part of it is the key the plan does not
			// know. An item that changes between attempts is spared later, not never.
			name = a.TableName + text(a.Key) + text(a.Item)
		}
		items = append(items, name)
	}
	return items
}

// text spells members in the order of their names.
func text(members map[string]json.RawMessage) string {
	b, err := json.Marshal(members)
	if err != nil {
		panic(err) // what was decoded can be encoded
	}
	return string(b)
}

// writeCancelled answers with a cancelled transaction: one reason an action.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_CancellationReason.html
func writeCancelled(w http.ResponseWriter, r *gateway.Request, guilty, actions int, code, message string) {
	type reason struct {
		Code    string
		Message string `json:",omitempty"`
	}
	reasons := slices.Repeat([]reason{{Code: "None"}}, actions)
	reasons[guilty] = reason{code, message}
	codes := make([]string, actions)
	for i := range reasons {
		codes[i] = reasons[i].Code
	}
	body, err := json.Marshal(struct {
		Type                string `json:"__type"`
		Message             string
		CancellationReasons []reason
	}{"com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
		fmt.Sprintf("Transaction cancelled, please refer cancellation reasons for specific reasons [%s]", strings.Join(codes, ", ")), reasons})
	if err != nil {
		panic(err) // strings always marshal
	}
	h := w.Header()
	h.Set("Content-Type", "application/x-amz-json-1.0")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("X-Amzn-Requestid", r.ID)
	h.Set("X-Amz-Crc32", strconv.FormatUint(uint64(crc32.ChecksumIEEE(body)), 10))
	w.WriteHeader(http.StatusBadRequest)
	_, _ = w.Write(body) // a client that hung up has no use for the error
}
