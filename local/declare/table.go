package declare

import "fmt"

// thing is what a resource is to the application.
type thing int

const (
	other thing = iota
	aTable
	anIndex
	eventsTable
	stateTable
	deliveriesTable
	theBus
	ownDeadLetters
)

// row says which declaration grants an action on a kind of resource.
type row struct {
	action      string
	on          thing
	declaration string
	but         string // what else must be known
}

// The options that grant, of package bus, and the one property that does.
const (
	reads           = "bus.Reads"
	readsIndex      = "bus.ReadsIndex"
	scans           = "bus.Scans"
	writes          = "bus.Writes"
	commits         = "bus.Commits"
	publishes       = "bus.Publishes"
	deadLetterQueue = "DeadLetterQueue"
)

// table is all that is known of what constructs grant; see accessStatements there.
// Of several declarations that grant an action it has the narrowest that people
// mean: an insert alone could be bus.Appends.
func table() []row {
	const inTransactions = "in a transaction only: with eventlog.Log.Commit or bus.Tx"
	return []row{
		{"dynamodb:GetItem", aTable, reads, ""},
		{"dynamodb:BatchGetItem", aTable, reads, ""},
		{"dynamodb:Query", aTable, reads, ""},
		{"dynamodb:Query", anIndex, readsIndex, ""},
		{"dynamodb:Scan", aTable, scans, ""},
		{"dynamodb:Scan", anIndex, scans, ""},
		{"dynamodb:PutItem", aTable, writes, "or bus.Appends, to insert only"},
		{"dynamodb:UpdateItem", aTable, writes, ""},
		{"dynamodb:DeleteItem", aTable, writes, ""},
		{"dynamodb:ConditionCheckItem", aTable, writes, ""},
		{"dynamodb:BatchWriteItem", aTable, writes, "a table with unique values or a version takes no batches, whatever is declared: write its items one by one"},

		{"dynamodb:PutItem", eventsTable, commits, inTransactions},
		{"dynamodb:GetItem", eventsTable, commits, "or bus.Reads(eventlog.Events), to read only"},
		{"dynamodb:Query", eventsTable, commits, "or bus.Reads(eventlog.Events), to read only"},
		{"dynamodb:BatchGetItem", eventsTable, reads, ""},
		{"dynamodb:Scan", eventsTable, scans, ""},

		{"dynamodb:PutItem", stateTable, commits, inTransactions},
		{"dynamodb:DeleteItem", stateTable, commits, inTransactions},
		{"dynamodb:GetItem", stateTable, commits, ""},
		{"dynamodb:BatchGetItem", stateTable, reads, ""},
		{"dynamodb:Query", stateTable, reads, ""},
		{"dynamodb:Scan", stateTable, scans, ""},

		{"dynamodb:GetItem", deliveriesTable, reads, ""},
		{"dynamodb:BatchGetItem", deliveriesTable, reads, ""},
		{"dynamodb:Query", deliveriesTable, reads, ""},
		{"dynamodb:Scan", deliveriesTable, scans, ""},

		{"events:PutEvents", theBus, publishes, ""},
		{"sqs:SendMessage", ownDeadLetters, deadLetterQueue, ""},
	}
}

func find(action string, on thing) (row, bool) {
	for _, r := range table() {
		if r.action == action && r.on == on {
			return r, true
		}
	}
	return row{}, false
}

// argument is what stands in the parentheses of the declaration.
func (r row) argument(name, index string) string {
	switch {
	case r.declaration == commits || r.declaration == publishes:
		return "<the definitions of the events>"
	case r.on == eventsTable:
		return "eventlog.Events"
	case r.on == stateTable:
		return "eventlog.State"
	case r.on == deliveriesTable:
		return "bus.Deliveries"
	case r.declaration == readsIndex:
		return fmt.Sprintf("<index %q of table %q>", index, name)
	default:
		return fmt.Sprintf("<the definition of table %q>", name)
	}
}
