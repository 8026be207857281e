package ormtest

import (
	"context"
	"slices"
	"testing"

	"github.com/vinci-go/vinci/orm"
)

func entryOf(name string) orm.Step { return orm.Step{Name: name} }
func element(i int) orm.Step       { return orm.Step{Index: i} }

func change(op orm.ChangeOp, v value, path string, into ...orm.Step) orm.Change {
	return orm.Change{Op: op, Path: path, Into: into, Value: v}
}

// changes is a shorthand for the lists of the tables below.
func changes(c ...orm.Change) []orm.Change { return c }

func set(v value, path string, into ...orm.Step) orm.Change {
	return change(orm.ChangeSet, v, path, into...)
}

func remove(path string, into ...orm.Step) orm.Change {
	return change(orm.ChangeRemove, nil, path, into...)
}

type updateCase struct {
	name    string
	old     orm.Item // without the key; nil: there is no item
	changes []orm.Change
	want    orm.Item // without the key
}

// deep is a value that has one within the other, n levels without v's own.
func deep(n int, v value) value {
	for range n {
		v = seq(v)
	}
	return v
}

func elements(n int) []orm.Step { return slices.Repeat([]orm.Step{element(0)}, n) }

func bins(s ...string) value { return setOf("BS", s) }

var updateCases = []updateCase{
	{"append", orm.Item{"l": seq(num("1"))}, changes(change(orm.ChangeAppend, seq(num("2"), str("x")), "l")), orm.Item{"l": seq(num("1"), num("2"), str("x"))}},
	{"append to an absent list", orm.Item{}, changes(change(orm.ChangeAppend, seq(num("2")), "l")), orm.Item{"l": seq(num("2"))}},
	{"append to a list of an absent item", nil, changes(change(orm.ChangeAppend, seq(num("2")), "l")), orm.Item{"l": seq(num("2"))}},
	{"append nothing", orm.Item{"l": seq(num("1"))}, changes(change(orm.ChangeAppend, seq(), "l")), orm.Item{"l": seq(num("1"))}},
	{"prepend", orm.Item{"l": seq(num("1"))}, changes(change(orm.ChangePrepend, seq(num("2"), num("3")), "l")), orm.Item{"l": seq(num("2"), num("3"), num("1"))}},
	{"prepend to an absent list", orm.Item{}, changes(change(orm.ChangePrepend, seq(num("2")), "l")), orm.Item{"l": seq(num("2"))}},
	{"append to a list in a map", orm.Item{"m": mapOf(orm.Item{"l": seq(num("1"))})}, changes(change(orm.ChangeAppend, seq(num("2")), "m", entryOf("l"))), orm.Item{"m": mapOf(orm.Item{"l": seq(num("1"), num("2"))})}},
	{"append to an absent list in a map", orm.Item{"m": mapOf(orm.Item{})}, changes(change(orm.ChangeAppend, seq(num("2")), "m", entryOf("l"))), orm.Item{"m": mapOf(orm.Item{"l": seq(num("2"))})}},

	{"increment", orm.Item{"n": num("1.5")}, changes(change(orm.ChangeIncrement, num("-2"), "n")), orm.Item{"n": num("-0.5")}},
	{"increment an absent number", nil, changes(change(orm.ChangeIncrement, num("3"), "n")), orm.Item{"n": num("3")}},
	{"increment an entry", orm.Item{"m": mapOf(orm.Item{"n": num("1"), "o": num("2")})}, changes(change(orm.ChangeIncrement, num("3"), "m", entryOf("n"))), orm.Item{"m": mapOf(orm.Item{"n": num("4"), "o": num("2")})}},
	{"increment an absent entry", orm.Item{"m": mapOf(orm.Item{})}, changes(change(orm.ChangeIncrement, num("3"), "m", entryOf("n"))), orm.Item{"m": mapOf(orm.Item{"n": num("3")})}},
	{"increment an element", orm.Item{"l": seq(str("x"), num("1"))}, changes(change(orm.ChangeIncrement, num("1"), "l", element(1))), orm.Item{"l": seq(str("x"), num("2"))}},
	{"increment with 38 digits", orm.Item{"n": num("99999999999999999999999999999999999998")}, changes(change(orm.ChangeIncrement, num("1"), "n")), orm.Item{"n": num("99999999999999999999999999999999999999")}},

	{"delete from strings", orm.Item{"s": strs("a", "b", "c")}, changes(change(orm.ChangeDelete, strs("b", "z"), "s")), orm.Item{"s": strs("a", "c")}},
	{"delete from numbers", orm.Item{"s": nums("1", "2.5")}, changes(change(orm.ChangeDelete, nums("1.0"), "s")), orm.Item{"s": nums("2.5")}},
	{"delete from binaries", orm.Item{"s": bins("a", "b")}, changes(change(orm.ChangeDelete, bins("b"), "s")), orm.Item{"s": bins("a")}},
	{"delete the last element", orm.Item{"s": strs("a"), "x": num("1")}, changes(change(orm.ChangeDelete, strs("a"), "s")), orm.Item{"x": num("1")}},
	{"delete from an absent set", orm.Item{"x": num("1")}, changes(change(orm.ChangeDelete, strs("a"), "s")), orm.Item{"x": num("1")}},
	{"delete from a set of an absent item", nil, changes(change(orm.ChangeDelete, strs("a"), "s")), orm.Item{}},
	{"add binaries", orm.Item{"s": bins("b")}, changes(change(orm.ChangeAdd, bins("a", "b"), "s")), orm.Item{"s": bins("a", "b")}},

	{"set an entry", orm.Item{"m": mapOf(orm.Item{"a": num("1"), "b": num("2")})}, changes(set(str("x"), "m", entryOf("a"))), orm.Item{"m": mapOf(orm.Item{"a": str("x"), "b": num("2")})}},
	{"set a new entry", orm.Item{"m": mapOf(orm.Item{"a": num("1")})}, changes(set(str("x"), "m", entryOf("b"))), orm.Item{"m": mapOf(orm.Item{"a": num("1"), "b": str("x")})}},
	{"set entries with odd names", orm.Item{"m.a": mapOf(orm.Item{"a.b": num("1"), "[0]": num("2"), "name": num("3")})},
		changes(set(num("4"), "m.a", entryOf("a.b")), set(num("5"), "m.a", entryOf("[0]")), set(num("6"), "m.a", entryOf("name"))),
		orm.Item{"m.a": mapOf(orm.Item{"a.b": num("4"), "[0]": num("5"), "name": num("6")})}},
	{"set an element", orm.Item{"l": seq(num("1"), num("2"))}, changes(set(str("x"), "l", element(1))), orm.Item{"l": seq(num("1"), str("x"))}},
	{"set an element beyond the end", orm.Item{"l": seq(num("1"))}, changes(set(str("x"), "l", element(7))), orm.Item{"l": seq(num("1"), str("x"))}},
	{"set elements beyond the end", orm.Item{"l": seq(num("1"))}, changes(set(str("84"), "l", element(84)), set(str("37"), "l", element(37)), set(str("50"), "l", element(50))),
		orm.Item{"l": seq(num("1"), str("37"), str("50"), str("84"))}},
	{"set deep", orm.Item{"m": mapOf(orm.Item{"l": seq(num("1"), mapOf(orm.Item{"k": seq(num("2"))}))})}, changes(set(str("x"), "m", entryOf("l"), element(1), entryOf("k"), element(0))),
		orm.Item{"m": mapOf(orm.Item{"l": seq(num("1"), mapOf(orm.Item{"k": seq(str("x"))}))})}},
	{"set several places of one attribute", orm.Item{"m": mapOf(orm.Item{"a": num("1"), "b": mapOf(orm.Item{"c": num("2")}), "d": num("3"), "l": seq(num("4"))})},
		changes(set(str("x"), "m", entryOf("a")), set(str("y"), "m", entryOf("b"), entryOf("c")), remove("m", entryOf("d")), change(orm.ChangeAppend, seq(num("5")), "m", entryOf("l"))),
		orm.Item{"m": mapOf(orm.Item{"a": str("x"), "b": mapOf(orm.Item{"c": str("y")}), "l": seq(num("4"), num("5"))})}},
	{"set an absent entry only", orm.Item{"m": mapOf(orm.Item{"a": num("1")})}, changes(change(orm.ChangeSetIfNotExists, str("x"), "m", entryOf("a")), change(orm.ChangeSetIfNotExists, str("y"), "m", entryOf("b"))),
		orm.Item{"m": mapOf(orm.Item{"a": num("1"), "b": str("y")})}},
	{"set an absent element only", orm.Item{"l": seq(num("1"))}, changes(change(orm.ChangeSetIfNotExists, str("x"), "l", element(0)), change(orm.ChangeSetIfNotExists, str("y"), "l", element(1))), orm.Item{"l": seq(num("1"), str("y"))}},
	{"set the deepest level", orm.Item{"l": deep(31, num("1"))}, changes(set(num("2"), "l", elements(31)...)), orm.Item{"l": deep(31, num("2"))}},

	{"remove an entry", orm.Item{"m": mapOf(orm.Item{"a": num("1"), "b": num("2")})}, changes(remove("m", entryOf("a"))), orm.Item{"m": mapOf(orm.Item{"b": num("2")})}},
	{"remove the last entry", orm.Item{"m": mapOf(orm.Item{"a": num("1")})}, changes(remove("m", entryOf("a"))), orm.Item{"m": mapOf(orm.Item{})}},
	{"remove an absent entry", orm.Item{"m": mapOf(orm.Item{"a": num("1")})}, changes(remove("m", entryOf("z"))), orm.Item{"m": mapOf(orm.Item{"a": num("1")})}},
	{"remove an element", orm.Item{"l": seq(num("1"), num("2"), num("3"))}, changes(remove("l", element(1))), orm.Item{"l": seq(num("1"), num("3"))}},
	{"remove the last element", orm.Item{"l": seq(num("1"))}, changes(remove("l", element(0))), orm.Item{"l": seq()}},
	{"remove several elements", orm.Item{"l": seq(num("0"), num("1"), num("2"), num("3"))}, changes(remove("l", element(0)), remove("l", element(2))), orm.Item{"l": seq(num("1"), num("3"))}},
	{"remove an element beyond the end", orm.Item{"l": seq(num("1"))}, changes(remove("l", element(17))), orm.Item{"l": seq(num("1"))}},
	{"remove and set elements", orm.Item{"l": seq(num("2"), num("3"), num("4"), num("5"), num("6"), num("7"))}, changes(remove("l", element(1)), set(num("17"), "l", element(3))),
		orm.Item{"l": seq(num("2"), num("4"), num("17"), num("6"), num("7"))}},
	{"remove and append elements", orm.Item{"l": seq(num("0"), num("1"))}, changes(set(num("9"), "l", element(2)), remove("l", element(0))), orm.Item{"l": seq(num("1"), num("9"))}},
	{"remove an absent attribute", orm.Item{"x": num("1")}, changes(remove("z")), orm.Item{"x": num("1")}},
	// Measured on DynamoDB by ScyllaDB's test_nested_attribute_remove_from_missing_item.
	{"remove an entry of an absent item", nil, changes(remove("m", entryOf("a"))), orm.Item{}},

	{"all clauses at once", orm.Item{"a": num("1"), "b": num("2"), "c": strs("x", "y"), "d": num("4")},
		changes(set(str("s"), "a"), change(orm.ChangeAdd, num("5"), "b"), change(orm.ChangeDelete, strs("x"), "c"), remove("d"), change(orm.ChangeAppend, seq(num("6")), "e")),
		orm.Item{"a": str("s"), "b": num("7"), "c": strs("y"), "e": seq(num("6"))}},
	{"empty values", orm.Item{}, changes(set(str(""), "a"), set(bin(""), "b"), set(seq(), "c"), set(mapOf(orm.Item{}), "d")), orm.Item{"a": str(""), "b": bin(""), "c": seq(), "d": mapOf(orm.Item{})}},
	{"another type", orm.Item{"m": mapOf(orm.Item{"a": num("1")})}, changes(set(strs("x"), "m")), orm.Item{"m": strs("x")}},
}

// withKey adds the key of docs.
func withKey(id string, item orm.Item) orm.Item {
	out := orm.Item{"id": str(id)}
	for name, v := range item {
		out[name] = v
	}
	return out
}

func testUpdates(t *testing.T, s *raw) {
	ctx := context.Background()
	table := docs()
	st := s.newStore(t, table)
	for _, c := range updateCases {
		t.Run(c.name, func(t *testing.T) {
			if c.old != nil {
				put(t, st, table, withKey(c.name, c.old))
			}
			key := orm.Item{"id": str(c.name)}
			item, err := st.Do(ctx, orm.Action{Op: orm.OpUpdate, Table: &table.schema, Key: key, Changes: c.changes})
			if err == nil {
				err = same(itemText(item), itemText(withKey(c.name, c.want)))
			}
			if err == nil {
				item, err = st.Get(ctx, &orm.GetRequest{Table: &table.schema, Key: key})
			}
			if err == nil {
				err = same(itemText(item), itemText(withKey(c.name, c.want)))
			}
			s.check(t, "update/"+c.name, err)
		})
	}
}

var refusedUpdates = []updateCase{
	{name: "append to text", old: orm.Item{"l": str("x")}, changes: changes(change(orm.ChangeAppend, seq(num("1")), "l"))},
	{name: "prepend to a map", old: orm.Item{"l": mapOf(orm.Item{})}, changes: changes(change(orm.ChangePrepend, seq(num("1")), "l"))},
	{name: "append text", old: orm.Item{"l": seq()}, changes: changes(change(orm.ChangeAppend, str("x"), "l"))},
	{name: "append a set", old: orm.Item{"l": seq()}, changes: changes(change(orm.ChangeAppend, strs("x"), "l"))},
	{name: "append within an absent map", old: orm.Item{}, changes: changes(change(orm.ChangeAppend, seq(num("1")), "m", entryOf("l")))},
	{name: "increment text", old: orm.Item{"n": str("x")}, changes: changes(change(orm.ChangeIncrement, num("1"), "n"))},
	{name: "increment by text", old: orm.Item{"n": num("1")}, changes: changes(change(orm.ChangeIncrement, str("1"), "n"))},
	{name: "increment within an absent map", old: orm.Item{}, changes: changes(change(orm.ChangeIncrement, num("1"), "m", entryOf("n")))},
	{name: "increment beyond 38 digits", old: orm.Item{"n": num("99999999999999999999999999999999999999")}, changes: changes(change(orm.ChangeIncrement, num("0.1"), "n"))},
	{name: "delete from a list", old: orm.Item{"s": seq(str("a"))}, changes: changes(change(orm.ChangeDelete, strs("a"), "s"))},
	{name: "delete strings from numbers", old: orm.Item{"s": nums("1")}, changes: changes(change(orm.ChangeDelete, strs("1"), "s"))},
	{name: "delete text", old: orm.Item{"s": strs("a")}, changes: changes(change(orm.ChangeDelete, str("a"), "s"))},
	{name: "delete a number", old: orm.Item{"n": num("2")}, changes: changes(change(orm.ChangeDelete, num("1"), "n"))},
	{name: "delete an empty set", old: orm.Item{"s": strs("a")}, changes: changes(change(orm.ChangeDelete, strs(), "s"))},
	{name: "add a list", old: orm.Item{"l": seq()}, changes: changes(change(orm.ChangeAdd, seq(num("1")), "l"))},
	{name: "add strings to numbers", old: orm.Item{"s": nums("1")}, changes: changes(change(orm.ChangeAdd, strs("1"), "s"))},
	// "ADD can only be used on top-level attributes, not nested attributes."
	// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_UpdateItem.html
	{name: "add within a map", old: orm.Item{"m": mapOf(orm.Item{"n": num("1")})}, changes: changes(change(orm.ChangeAdd, num("1"), "m", entryOf("n")))},
	{name: "delete within a map", old: orm.Item{"m": mapOf(orm.Item{"s": strs("a", "b")})}, changes: changes(change(orm.ChangeDelete, strs("a"), "m", entryOf("s")))},

	{name: "set within an absent map", old: orm.Item{}, changes: changes(set(num("1"), "m", entryOf("a")))},
	{name: "set within a map of an absent item", changes: changes(set(num("1"), "m", entryOf("a")))},
	{name: "set within an absent list", old: orm.Item{}, changes: changes(set(num("1"), "l", element(0)))},
	{name: "set within text", old: orm.Item{"m": str("x")}, changes: changes(set(num("1"), "m", entryOf("a")))},
	{name: "set an entry of a list", old: orm.Item{"m": seq(num("1"))}, changes: changes(set(num("1"), "m", entryOf("a")))},
	{name: "set an element of a map", old: orm.Item{"l": mapOf(orm.Item{"a": num("1")})}, changes: changes(set(num("1"), "l", element(0)))},
	{name: "set two levels that are absent", old: orm.Item{"m": mapOf(orm.Item{})}, changes: changes(set(num("1"), "m", entryOf("a"), entryOf("b")))},
	{name: "set within an element beyond the end", old: orm.Item{"l": seq()}, changes: changes(set(num("1"), "l", element(3), entryOf("a")))},
	{name: "set if absent within an absent map", old: orm.Item{}, changes: changes(change(orm.ChangeSetIfNotExists, num("1"), "m", entryOf("a")))},
	{name: "remove within an absent map", old: orm.Item{}, changes: changes(remove("m", entryOf("a")))},
	{name: "remove within an absent list", old: orm.Item{}, changes: changes(remove("l", element(0)))},
	{name: "remove within text", old: orm.Item{"m": str("x")}, changes: changes(remove("m", entryOf("a")))},
	{name: "remove an element of text", old: orm.Item{"m": str("x")}, changes: changes(remove("m", element(0)))},
	{name: "remove an entry of a list", old: orm.Item{"m": seq(num("1"))}, changes: changes(remove("m", entryOf("a")))},
	{name: "remove two levels that are absent", old: orm.Item{"m": mapOf(orm.Item{})}, changes: changes(remove("m", entryOf("a"), entryOf("b")))},

	{name: "one attribute twice", changes: changes(set(num("1"), "a"), set(num("2"), "a"))},
	{name: "one attribute in two clauses", changes: changes(set(num("1"), "a"), remove("a"))},
	{name: "one entry twice", old: orm.Item{"m": mapOf(orm.Item{})}, changes: changes(set(num("1"), "m", entryOf("a")), remove("m", entryOf("a")))},
	{name: "an attribute and within it", old: orm.Item{"m": mapOf(orm.Item{})}, changes: changes(set(mapOf(orm.Item{}), "m"), set(num("1"), "m", entryOf("a")))},
	{name: "within an attribute and it", old: orm.Item{"m": mapOf(orm.Item{})}, changes: changes(set(num("1"), "m", entryOf("a")), remove("m"))},
	{name: "an entry and within it", old: orm.Item{"m": mapOf(orm.Item{"a": mapOf(orm.Item{})})}, changes: changes(set(mapOf(orm.Item{}), "m", entryOf("a")), set(num("1"), "m", entryOf("a"), entryOf("b")))},
	{name: "an element and within it", old: orm.Item{"l": seq(seq())}, changes: changes(set(seq(), "l", element(0)), set(num("1"), "l", element(0), element(1)))},
	{name: "a map and a list in one place", old: orm.Item{"m": mapOf(orm.Item{})}, changes: changes(set(num("1"), "m", entryOf("a")), set(num("1"), "m", element(1)))},
	{name: "a map and a list deeper", old: orm.Item{"m": mapOf(orm.Item{"a": mapOf(orm.Item{})})}, changes: changes(set(num("1"), "m", entryOf("a"), entryOf("b")), set(num("1"), "m", entryOf("a"), element(2)))},
	{name: "a part of the key", changes: changes(set(num("1"), "id", entryOf("a")))},
	{name: "remove the key", changes: changes(remove("id"))},
	{name: "33 levels", old: orm.Item{"l": deep(31, seq())}, changes: changes(set(num("1"), "l", elements(32)...))},
	{name: "a value that makes 33 levels", old: orm.Item{"l": deep(31, num("1"))}, changes: changes(set(seq(num("1")), "l", elements(31)...))},
	{name: "a set that is empty in a list", changes: changes(set(seq(strs()), "l"))},
	{name: "no change"},
}

func testRefusedUpdates(t *testing.T, s *raw) {
	ctx := context.Background()
	table := docs()
	st := s.newStore(t, table)
	for _, c := range refusedUpdates {
		t.Run(c.name, func(t *testing.T) {
			if c.old != nil {
				put(t, st, table, withKey(c.name, c.old))
			}
			key := orm.Item{"id": str(c.name)}
			_, err := st.Do(ctx, orm.Action{Op: orm.OpUpdate, Table: &table.schema, Key: key, Changes: c.changes})
			wrong := ofKind(err, orm.KindValidation)
			if wrong == nil { // a refused update leaves everything as it was
				var want orm.Item
				if c.old != nil {
					want = withKey(c.name, c.old)
				}
				item, err := st.Get(ctx, &orm.GetRequest{Table: &table.schema, Key: key})
				must(t, err)
				wrong = same(itemText(item), itemText(want))
			}
			s.check(t, "refused update/"+c.name, wrong)
		})
	}
	put(t, st, table, withKey("deep", orm.Item{"l": deep(31, num("1"))}))
	_, err := st.Do(ctx, orm.Action{Op: orm.OpPut, Table: &table.schema, Item: withKey("deeper", orm.Item{"l": deep(32, num("1"))})})
	s.check(t, "refused put/33 levels", ofKind(err, orm.KindValidation))
}
