package main

import (
	"encoding/json"
	"strings"
	"sync"

	"github.com/vinci-go/vinci/local/gateway"
)

// meter counts calls at the gateway by who made them.
type meter struct {
	mu     sync.Mutex
	calls  map[call]int
	writes map[write]int
}

// call is an operation of one of the application's functions, or of the program
// that commits.
type call struct{ caller, operation string }

// write is an action on one item of a table.
type write struct {
	caller, table string
	transactional bool
}

// committer is the caller that commits: this program.
const committer = "commit"

func newMeter() *meter { return &meter{calls: map[call]int{}, writes: map[write]int{}} }

// observe is called for each call, by several goroutines.
func (m *meter) observe(c gateway.Call) {
	caller := committer
	if !c.Caller.Owner {
		caller = c.Caller.RoleARN[strings.LastIndexByte(c.Caller.RoleARN, '/')+1:]
	}
	var body struct {
		TableName     string
		TransactItems []map[string]struct{ TableName string }
	}
	// A call that changes no table has neither; the services check the bodies.
	_ = json.Unmarshal(c.Body, &body)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.calls[call{caller, c.Operation}]++
	switch c.Operation {
	case "TransactWriteItems":
		for _, action := range body.TransactItems {
			for _, a := range action {
				m.writes[write{caller, a.TableName, true}]++
			}
		}
	case "PutItem", "UpdateItem", "DeleteItem":
		m.writes[write{caller, body.TableName, false}]++
	}
}

// reset begins anew, and returns what was counted so far.
func (m *meter) reset() (map[call]int, map[write]int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	calls, writes := m.calls, m.writes
	m.calls, m.writes = map[call]int{}, map[write]int{}
	return calls, writes
}
