package constructs

import (
	"cmp"
	"slices"

	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/orm"
)

// Statement is one thing that a function's role allows.
type Statement struct {
	Sid       string   // letters and digits, unique in the role
	Actions   []string // such as sqs:SendMessage
	Resources []string // ARNs
	// StringEquals are conditions: key to the one value it must have.
	StringEquals map[string]string
}

func (s Statement) json() map[string]any {
	m := map[string]any{
		"Sid":      s.Sid,
		"Effect":   "Allow",
		"Action":   list(s.Actions),
		"Resource": list(s.Resources),
	}
	if len(s.StringEquals) > 0 {
		equals := map[string]any{}
		for key, value := range s.StringEquals {
			equals[key] = value
		}
		m["Condition"] = map[string]any{"StringEquals": equals}
	}
	return m
}

func list(words []string) []any {
	all := []any{}
	for _, w := range words {
		all = append(all, w)
	}
	return all
}

// What access means in actions. A transaction needs the permission of each of
// its parts, and none of its own:
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis-iam.html
var (
	readActions  = [...]string{"dynamodb:GetItem", "dynamodb:Query"}
	writeActions = [...]string{"dynamodb:GetItem", "dynamodb:Query", "dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem", "dynamodb:ConditionCheckItem"}
)

// accessStatements turns what a function declares into what its role allows, in
// an order that does not depend on the order of declaration.
func (d *Deployment) accessStatements(a bus.Access, events orm.Definition) []Statement {
	writes := byName(a.Writes)
	reads := byName(a.Reads)
	reads = slices.DeleteFunc(reads, func(r orm.Definition) bool { // writing includes reading
		return slices.ContainsFunc(writes, func(w orm.Definition) bool { return w.Schema() == r.Schema() })
	})

	var all []Statement
	tables := func(sid string, actions []string, definitions []orm.Definition) {
		if len(definitions) == 0 {
			return
		}
		s := Statement{Sid: sid, Actions: actions}
		for _, t := range definitions {
			s.Resources = append(s.Resources, d.TableARN(t))
		}
		all = append(all, s)
	}
	tables("ReadTables", readActions[:], reads)
	tables("WriteTables", writeActions[:], writes)

	query := Statement{Sid: "QueryIndexes", Actions: []string{"dynamodb:Query"}}
	for _, t := range byName(slices.Concat(reads, writes)) {
		query.Resources = append(query.Resources, d.IndexARNs(t)...)
	}
	if len(query.Resources) > 0 {
		all = append(all, query)
	}

	if len(a.Commits) > 0 {
		// Events are only ever added, and only together with what they are about:
		// outside of a transaction even the log's own functions may not write one.
		all = append(all, Statement{
			Sid: "CommitEvents", Actions: []string{"dynamodb:PutItem"}, Resources: []string{d.TableARN(events)},
			StringEquals: map[string]string{"dynamodb:EnclosingOperation": "TransactWriteItems"},
		}, Statement{
			Sid: "ReadLog", Actions: readActions[:], Resources: []string{d.TableARN(events)},
		})
	}
	return all
}

// byName sorts tables by name and drops those that are there twice.
func byName(tables []orm.Definition) []orm.Definition {
	sorted := slices.Clone(tables)
	slices.SortStableFunc(sorted, func(a, b orm.Definition) int { return cmp.Compare(a.Schema().Name, b.Schema().Name) })
	return slices.CompactFunc(sorted, func(a, b orm.Definition) bool { return a.Schema().Name == b.Schema().Name })
}
