package constructs

import (
	"cmp"
	"slices"

	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/eventlog"
	"github.com/vinci-go/vinci/orm"
	"github.com/vinci-go/vinci/settings"
)

// Statement is one thing that a function's role allows.
type Statement struct {
	Sid       string   // letters and digits, unique in the role
	Actions   []string // such as sqs:SendMessage
	Resources []string // ARNs
	// StringEquals are conditions: key to the one value it must have.
	StringEquals map[string]string
	// LeadingKeys is a condition on the partition keys of the items that a request
	// names, of which each must be like one of these: * stands for anything.
	// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/specifying-conditions.html
	LeadingKeys []string
	// Sources is a condition on the source of each event that is published: one of these.
	// https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazoneventbridge.html
	Sources []string
}

func (s Statement) json() map[string]any {
	m := map[string]any{
		"Sid":      s.Sid,
		"Effect":   "Allow",
		"Action":   list(s.Actions),
		"Resource": list(s.Resources),
	}
	condition := map[string]any{}
	equals := map[string]any{}
	for key, value := range s.StringEquals {
		equals[key] = value
	}
	if len(s.Sources) > 0 {
		equals["events:source"] = list(s.Sources)
	}
	if len(equals) > 0 {
		condition["StringEquals"] = equals
	}
	if len(s.LeadingKeys) > 0 {
		condition["ForAllValues:StringLike"] = map[string]any{"dynamodb:LeadingKeys": list(s.LeadingKeys)}
	}
	if len(condition) > 0 {
		m["Condition"] = condition
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

// What access means in actions: those that package orm's client uses, and no
// other. A batch is an action of its own. A transaction needs the permission of
// each of its parts, and none of its own: reading in one is GetItem.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis-iam.html
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazondynamodb.html
var (
	readActions = [...]string{"dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:Query"}

	writeActions = [...]string{
		"dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:Query",
		"dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem", "dynamodb:ConditionCheckItem",
	}

	// A batch takes no condition.
	batchActions = [...]string{"dynamodb:BatchWriteItem"}

	// An insert is a put on a condition, which takes no permission of its own: not
	// ConditionCheckItem, which is for checks beside other items. A batch could
	// delete as well.
	appendActions = [...]string{"dynamodb:PutItem"}

	// The log is read by key and by stream.
	logActions = [...]string{"dynamodb:GetItem", "dynamodb:Query"}
)

// accessStatements turns what a function declares into what its role allows, in
// an order that does not depend on the order of declaration.
func (d *Deployment) accessStatements(a bus.Access, events orm.Definition) []Statement {
	writes := byName(a.Writes)
	scans := byName(a.Scans)
	reads := without(byName(slices.Concat(a.Reads, scans)), writes) // writing and scanning include reading

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
	tables("WriteBatches", batchActions[:], slices.DeleteFunc(slices.Clone(writes), needsConditions))
	tables("AppendTables", appendActions[:], without(byName(a.Appends), writes))

	scan := Statement{Sid: "ScanTables", Actions: []string{"dynamodb:Scan"}}
	for _, t := range scans {
		scan.Resources = append(append(scan.Resources, d.TableARN(t)), d.IndexARNs(t)...)
	}
	if len(scan.Resources) > 0 {
		all = append(all, scan)
	}
	if arns := d.queriedIndexes(slices.Concat(reads, writes), a.Indexes); len(arns) > 0 {
		all = append(all, Statement{Sid: "QueryIndexes", Actions: []string{"dynamodb:Query"}, Resources: arns})
	}

	if len(a.Commits) > 0 {
		all = append(all, commitEvents(d.TableARN(events)), Statement{
			Sid: "ReadLog", Actions: logActions[:], Resources: []string{d.TableARN(events)},
		})
		all = append(all, commitState(d.TableARN(eventlog.State))...)
	}
	if keys := settingKeys(a.Settings); len(keys) > 0 && len(a.Commits) == 0 { // who commits reads "state" anyway
		all = append(all, Statement{
			Sid: "ReadSettings", Actions: []string{"dynamodb:GetItem"}, Resources: []string{d.TableARN(eventlog.State)},
			LeadingKeys: keys,
		})
	}
	if len(a.Publishes) > 0 {
		all = append(all, d.bus().publishing("PublishDirectly", d.App()))
	}
	return all
}

// settingKeys are the keys of settings in the table "state", in the order of their
// names.
func settingKeys(of []settings.Definition) []string {
	var keys []string
	for _, s := range of {
		keys = append(keys, eventlog.SettingKey(s.Name()))
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}

// commitEvents: events are only ever added, and only together with what they are
// about: outside of a transaction even the log's own functions may not write one.
func commitEvents(events string) Statement {
	return Statement{
		Sid: "CommitEvents", Actions: []string{"dynamodb:PutItem"}, Resources: []string{events},
		StringEquals: inTransaction(),
	}
}

// readStream lets Lambda read a stream with the function's role. ListStreams is among
// what AWS says the mapping needs, and its absence is named when it is refused:
// https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-create.html
func readStream(arn string) Statement {
	return Statement{
		Sid:       "ReadStream",
		Actions:   []string{"dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator", "dynamodb:ListStreams"},
		Resources: []string{arn},
	}
}

// recordDeliveries is what keeps records of what was handled.
func (d *Deployment) recordDeliveries() Statement {
	return Statement{
		Sid:       "RecordDelivery",
		Actions:   []string{"dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"},
		Resources: []string{d.TableARN(bus.Deliveries)},
	}
}

// commitState is what a commit does with the table "state", for whoever commits.
// Records of commands are put, and timers put and deleted, in its transaction
// only; a lost answer is looked up. Outside of a transaction snapshots may be
// saved and forgotten, which anybody can make again, and nothing else.
func commitState(state string) []Statement {
	return []Statement{
		{
			Sid: "CommitState", Actions: []string{"dynamodb:PutItem", "dynamodb:DeleteItem"}, Resources: []string{state},
			StringEquals: inTransaction(),
		},
		{Sid: "ReadState", Actions: []string{"dynamodb:GetItem"}, Resources: []string{state}},
		{
			Sid: "SaveSnapshots", Actions: []string{"dynamodb:PutItem", "dynamodb:DeleteItem"}, Resources: []string{state},
			LeadingKeys: []string{eventlog.StateSnapshot + "/*"},
		},
	}
}

// keepCheckpoints is what an ordered subscription does with the table "state":
// nothing but with its own checkpoints, those of its namespaces included. In a
// transaction AWS does not say whether LeadingKeys holds the keys of one action or
// of all, so there the condition is that it is one.
func keepCheckpoints(subscription, state string) []Statement {
	return []Statement{
		{
			Sid: "KeepCheckpoints", Actions: []string{"dynamodb:GetItem", "dynamodb:UpdateItem"}, Resources: []string{state},
			LeadingKeys: []string{eventlog.CheckpointKey(subscription, "*"), eventlog.CheckpointKey(bus.RecordID(subscription, "*"), "*")},
		},
		{
			Sid: "MoveCheckpoints", Actions: []string{"dynamodb:UpdateItem"}, Resources: []string{state},
			StringEquals: inTransaction(),
		},
	}
}

// inTransaction is the condition of an action that is allowed as part of a
// TransactWriteItems only.
func inTransaction() map[string]string {
	return map[string]string{"dynamodb:EnclosingOperation": "TransactWriteItems"}
}

// queriedIndexes are the indexes that may be queried, by the names of table and
// index: all of the tables that may be read, and those that are granted alone.
func (d *Deployment) queriedIndexes(readable []orm.Definition, alone []orm.IndexDefinition) []string {
	type index struct {
		table orm.Definition
		name  string
	}
	var indexes []index
	for _, t := range readable {
		for _, x := range t.Schema().Indexes {
			indexes = append(indexes, index{t, x.Name})
		}
	}
	for _, x := range alone {
		indexes = append(indexes, index{x.Definition(), x.IndexName()})
	}
	compare := func(a, b index) int {
		return cmp.Or(cmp.Compare(a.table.Schema().Name, b.table.Schema().Name), cmp.Compare(a.name, b.name))
	}
	slices.SortStableFunc(indexes, compare)
	var arns []string
	for _, x := range slices.CompactFunc(indexes, func(a, b index) bool { return compare(a, b) == 0 }) {
		arns = append(arns, d.indexARN(x.table, x.name))
	}
	return arns
}

// needsConditions reports whether every write of a table has a condition: on a
// unique value, or on a version. The client refuses batches of such a table
// (orm.Table.PutBatch), and its role does: one could overwrite what they guard.
func needsConditions(t orm.Definition) bool {
	s := t.Schema()
	return s.Version != "" || slices.ContainsFunc(s.Attributes, func(a orm.AttributeSchema) bool { return a.Unique != "" })
}

// without takes tables out of others.
func without(tables, others []orm.Definition) []orm.Definition {
	return slices.DeleteFunc(tables, func(t orm.Definition) bool {
		return slices.ContainsFunc(others, func(o orm.Definition) bool { return o.Schema() == t.Schema() })
	})
}

// byName sorts tables by name and drops those that are there twice.
func byName(tables []orm.Definition) []orm.Definition {
	sorted := slices.Clone(tables)
	slices.SortStableFunc(sorted, func(a, b orm.Definition) int { return cmp.Compare(a.Schema().Name, b.Schema().Name) })
	return slices.CompactFunc(sorted, func(a, b orm.Definition) bool { return a.Schema().Name == b.Schema().Name })
}
