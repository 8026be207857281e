package tablelock

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/vinci-go/vinci/orm"
)

// Kind says whether one deployment can make a change.
type Kind string

// The kinds of a [Finding].
const (
	Safe    Kind = "safe"    // it can; the finding says what it means
	Refused Kind = "refused" // it cannot; the finding says the steps to take
)

// Finding is one change of one table.
type Finding struct {
	Table string
	Kind  Kind
	What  string   // what changes, and for one that is refused why it cannot be
	Steps []string // to take, in this order; of a safe change what to know
}

// Compare says what changes from old to new: in order of the tables' names, and
// of a table first what is refused. There is nothing to find between equal locks.
func Compare(old, new *Lock) []Finding {
	var all []Finding
	for i := range new.Tables {
		t := &new.Tables[i]
		before, ok := old.Table(t.Name)
		if !ok {
			all = append(all, Finding{Table: t.Name, Kind: Safe, What: "the table is new"})
			continue
		}
		c := comparison{old: &before, new: t}
		c.compare()
		all = append(all, c.findings...)
	}
	for _, t := range old.Tables {
		if _, ok := new.Table(t.Name); !ok {
			all = append(all, removed(t.Name))
		}
	}
	slices.SortStableFunc(all, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.Table, b.Table), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.What, b.What)) // "refused" is before "safe"
	})
	return all
}

// removed: each table has a stack of its own, and a deployment leaves stacks alone
// that the application no longer has.
func removed(table string) Finding {
	return Finding{Table: table, Kind: Safe, What: "the table is no longer in the application: in AWS it stays, with its data and its stack",
		Steps: []string{
			"delete its stack when nothing uses the table any more: the table and its data stay even so, unless the deployment is ephemeral or its settings had DeleteData",
			"to have it back in the application after that, import it into its stack with `cdk import`: a deployment cannot create a table that exists",
		}}
}

// comparison is of one table that was there and still is.
type comparison struct {
	old, new *Table
	findings []Finding
}

func (c *comparison) add(kind Kind, steps []string, format string, args ...any) {
	c.findings = append(c.findings, Finding{Table: c.new.Name, Kind: kind, What: fmt.Sprintf(format, args...), Steps: steps})
}

func (c *comparison) compare() {
	if key(c.old, c.old.Hash, c.old.Sort) != key(c.new, c.new.Hash, c.new.Sort) {
		// Whatever else is different belongs to the new table then.
		c.add(Refused, anotherTable(c.new.Name), "its key changes from %s to %s: the key of a table never changes, and CloudFormation cannot replace a table that has a name",
			key(c.old, c.old.Hash, c.old.Sort), key(c.new, c.new.Hash, c.new.Sort))
		return
	}
	c.indexes()
	c.ttl()
	c.stream()
	c.warm()
}

// What ends a step. Every deployment takes it: one that left a step out would get
// two in one later.
const (
	lockAndDeploy = "run `vinci tables lock`, and deploy every deployment"
	untilActive   = "wait until its indexes are ACTIVE (`aws dynamodb describe-table`)"
)

// anotherTable are the steps to a table of another name.
func anotherTable(name string) []string {
	return []string{
		fmt.Sprintf("leave table %q as it was, define one of another name as it is to be, add it with app.AddTable, %s", name, lockAndDeploy),
		"let the application write to both tables, and copy the items with `vinci migrate`",
		"let the application use the new table only, and deploy",
		fmt.Sprintf("take table %q away, %s", name, lockAndDeploy),
	}
}

// key writes a key for people: user_id (S), at (N).
func key(t *Table, hash, sort string) string {
	text := fmt.Sprintf("%s (%s)", hash, t.Attributes[hash])
	if sort != "" {
		text += fmt.Sprintf(", %s (%s)", sort, t.Attributes[sort])
	}
	return text
}

// indexes compares the indexes: local ones never change after the table was made;
// of global ones an update can create one or delete one.
func (c *comparison) indexes() {
	var created, deleted []string
	for _, name := range indexNames(c.old, c.new) {
		before, was := c.old.index(name)
		after, is := c.new.index(name)
		switch {
		case was && is && before.Local != after.Local:
			c.add(Refused, c.localSteps(localChanged(name)), "index %q changes from %s to %s: local indexes are made with their table and cannot be added or deleted later", name, scope(before), scope(after))
		case was && before.Local && !is:
			c.add(Refused, c.localSteps(localDeleted(name)), "local index %q is deleted: local indexes go with their table only", name)
		case is && after.Local && !was:
			c.add(Refused, c.localSteps(localAdded(name)), "local index %q is new: local indexes are made with their table and cannot be added later", name)
		case was && is && describe(c.old, before) != describe(c.new, after) && after.Local:
			c.add(Refused, c.localSteps(localChanged(name)), "local index %q changes from %s to %s: a local index never changes", name, describe(c.old, before), describe(c.new, after))
		case was && is && describe(c.old, before) != describe(c.new, after):
			c.add(Refused, anotherIndex(name), "global index %q changes from %s to %s: an index never changes, and cannot be replaced by another of its name in one deployment", name, describe(c.old, before), describe(c.new, after))
		case was && !is:
			deleted = append(deleted, name)
		case is && !was:
			created = append(created, name)
		}
	}
	c.globalIndexes(created, deleted)
}

func (c *comparison) globalIndexes(created, deleted []string) {
	if len(created)+len(deleted) > 1 {
		var what []string
		if len(created) > 0 {
			what = append(what, fmt.Sprintf("%d created (%s)", len(created), strings.Join(created, ", ")))
		}
		if len(deleted) > 0 {
			what = append(what, fmt.Sprintf("%d deleted (%s)", len(deleted), strings.Join(deleted, ", ")))
		}
		c.add(Refused, oneByOne(created, deleted), "global indexes: %s; a deployment can create or delete one of a table", strings.Join(what, " and "))
		return
	}
	for _, name := range created {
		c.add(Safe, []string{"deploy the index before the code that queries it: CloudFormation does not wait until it is built, and until then queries of it fail"},
			"global index %q is created", name)
	}
	for _, name := range deleted {
		c.add(Safe, []string{"deploy the code that no longer queries the index before: this deployment deletes it first"}, "global index %q is deleted", name)
	}
}

// oneByOne are the steps for several changes. What is new comes first, so that
// code can change from one index to the other in between.
func oneByOne(created, deleted []string) []string {
	const then = lockAndDeploy + "; of each table, " + untilActive
	var steps []string
	for i, name := range created {
		text := fmt.Sprintf("add index %q", name)
		if i == 0 {
			text = "leave the indexes as they were but for this: " + text
		}
		steps = append(steps, text+", "+then)
	}
	for i, name := range deleted {
		text := fmt.Sprintf("take index %q away", name)
		if i == 0 && len(created) == 0 {
			text = "leave the indexes as they were but for this: " + text
		}
		steps = append(steps, text+", "+then)
	}
	return steps
}

// anotherIndex are the steps to a changed global index.
func anotherIndex(name string) []string {
	return []string{
		fmt.Sprintf("leave index %q as it was, declare the changed one under another name, %s; of each table, %s", name, lockAndDeploy, untilActive),
		"let the application query the new index, and deploy",
		fmt.Sprintf("take index %q away, %s", name, lockAndDeploy),
	}
}

// localSteps are the ways to a changed local index: do without the change, or go
// over to another table.
func (c *comparison) localSteps(without string) []string {
	steps := anotherTable(c.new.Name)
	steps[0] = "or go over to another table: " + steps[0]
	return append([]string{without}, steps...)
}

func localAdded(name string) string {
	return fmt.Sprintf("make index %q a global one (the tag `index`) if what it answers may be a moment old: that can be added at any time", name)
}

func localDeleted(name string) string {
	return fmt.Sprintf("leave index %q declared, used or not", name)
}

func localChanged(name string) string {
	return fmt.Sprintf("leave index %q as it was, and declare a global index (the tag `index`) of another name, if what it answers may be a moment old", name)
}

func scope(x Index) string {
	if x.Local {
		return "local"
	}
	return "global"
}

// describe writes what of an index never changes.
func describe(t *Table, x Index) string {
	text := "key " + key(t, x.Hash, x.Sort) + " with " + x.Projection
	if len(x.Include) > 0 {
		text += " " + strings.Join(x.Include, ", ")
	}
	return text
}

func indexNames(tables ...*Table) []string {
	names := map[string]bool{}
	for _, t := range tables {
		for _, x := range t.Indexes {
			names[x.Name] = true
		}
	}
	return slices.Sorted(maps.Keys(names))
}

// ttl: DynamoDB expires items by one attribute, and takes up to an hour for a
// change, in which it takes no other. It must be told to stop, naming the
// attribute: a template without the expiry leaves it on, or fails.
//
// https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-dynamodb-globaltable-timetolivespecification.html
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_UpdateTimeToLive.html
func (c *comparison) ttl() {
	before, after := c.old, c.new
	stop := fmt.Sprintf("set Settings.TTLOff: %q with orm.Deploy and take orm.TTL away, %s", before.TTL, lockAndDeploy)
	const anHour = "wait an hour: DynamoDB takes that long for a change of the expiry, and refuses another meanwhile"
	switch {
	case before.TTL == after.TTL && before.TTLOff == after.TTLOff:
	case before.TTL == after.TTL && after.TTLOff == "":
		c.add(Safe, nil, "DynamoDB is no longer told that items do not expire by attribute %q, which it knows", before.TTLOff)
	case before.TTL == after.TTL:
		c.add(Refused, []string{"take Settings.TTLOff away, or name the attribute by which items did expire in the deployed table"},
			"items are no longer to expire by attribute %q, by which they do not: DynamoDB may refuse that", after.TTLOff)
	case before.TTL == "":
		var steps []string
		if before.TTLOff != "" {
			steps = []string{anHour}
		}
		c.add(Safe, steps, "items begin to expire, by attribute %q", after.TTL)
	case after.TTL == "" && after.TTLOff == before.TTL:
		c.add(Safe, []string{"Settings.TTLOff can go when every deployment has it"}, "items no longer expire, which they did by attribute %q", before.TTL)
	case after.TTL == "":
		c.add(Refused, []string{stop, "take Settings.TTLOff away whenever you like"},
			"items are no longer to expire, which they do by attribute %q: to leave orm.TTL out does not stop DynamoDB", before.TTL)
	default:
		c.add(Refused, []string{stop, anHour, fmt.Sprintf("set orm.TTL(%q) and take Settings.TTLOff away, %s", after.TTL, lockAndDeploy)},
			"items expire by attribute %q and are to expire by %q: DynamoDB must be told to stop the one before it takes the other", before.TTL, after.TTL)
	}
}

// stream: another view of the same stream there is not.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Streams.html
func (c *comparison) stream() {
	switch before, after := c.old.Stream, c.new.Stream; {
	case before == after:
	case before == "":
		c.add(Safe, nil, "the table gets a stream (%s)", after)
	case after == "":
		c.add(Safe, []string{"whatever reads the stream stops; a stream that is made later is another one, and knows nothing of the changes before it"},
			"the table no longer has a stream (%s)", before)
	default:
		c.add(Refused, []string{
			"take the stream away, " + lockAndDeploy,
			"put it back as it is to be, " + lockAndDeploy + ": it is another stream, and knows nothing of the changes before it",
		}, "the stream changes from %s to %s: a stream never changes", before, after)
	}
}

// warm compares what table and global indexes were warmed to. DynamoDB refuses to
// lower it; where a definition no longer says anything, it stays as it is.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/warm-throughput.html
func (c *comparison) warm() {
	c.warmOf("the table", "Settings.Warm", c.old.Warm, c.new.Warm)
	for _, name := range indexNames(c.old, c.new) {
		before, was := c.old.index(name)
		after, is := c.new.index(name)
		if was && is {
			c.warmOf(fmt.Sprintf("index %q", name), fmt.Sprintf("Settings.Indexes[%q].Warm", name), before.Warm, after.Warm)
		}
	}
}

func (c *comparison) warmOf(what, setting string, before, after orm.Throughput) {
	lower := func(before, after int) bool { return after != 0 && after < before }
	switch {
	case before == after:
	case lower(before.Read, after.Read), lower(before.Write, after.Write):
		c.add(Refused, []string{
			fmt.Sprintf("leave %s as it was, or take it away: the throughput was paid when it was set, costs nothing more, and stays", setting),
		}, "the warm throughput of %s goes from %s to %s: DynamoDB takes more only, never less", what, units(before), units(after))
	case after == orm.Throughput{}:
		c.add(Safe, nil, "the warm throughput of %s is no longer said: DynamoDB keeps it at %s", what, units(before))
	default:
		c.add(Safe, []string{"it is paid when it is deployed, and cannot be lowered later; an ephemeral deployment goes without"},
			"the warm throughput of %s goes from %s to %s", what, units(before), units(after))
	}
}

// units writes a throughput for people; what is not set is DynamoDB's own choice.
func units(t orm.Throughput) string {
	text := func(n int) string {
		if n == 0 {
			return "DynamoDB's own"
		}
		return fmt.Sprint(n)
	}
	return text(t.Read) + " reads and " + text(t.Write) + " writes a second"
}
