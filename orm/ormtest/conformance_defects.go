package ormtest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vinci-go/vinci/orm"
)

// testDefects holds the typed layer to what other layers over DynamoDB are known
// to do wrong, one test each.
func testDefects(t *testing.T, newStore func(t *testing.T, tables ...orm.Definition) orm.Store) {
	for _, d := range []struct {
		name string
		test func(*testing.T, *clinic)
	}{
		{"FilterOnReservedWord", filterOnReservedWord}, {"NotEqual", notEqual}, {"RemoveOnlyUpdate", removeOnlyUpdate},
		{"RemoveMultiWordName", removeMultiWordName}, {"OptionalNumberLeftEmpty", optionalNumber}, {"StringNone", stringNone},
		{"NumberListsStayNumbers", numberLists}, {"TimeZonesKept", timeZones}, {"AmbiguousCompositeKeys", compositeKeys},
		{"IndexKeysAfterPartialUpdate", indexKeys}, {"CursorAtTheLimit", cursorAtLimit},
	} {
		t.Run(d.name, func(t *testing.T) { d.test(t, newClinic(newStore)) })
	}
}

// patient has names that DynamoDB reserves, and names of several words.
type patient struct {
	ID      string            `dynamo:"id,hash"`
	Name    string            `dynamo:"name"`
	Status  string            `dynamo:"status" index:"by_status,hash"`
	Size    int               `dynamo:"size"`
	Date    string            `dynamo:"date"`
	Values  []string          `dynamo:"values,set"`
	Comment string            `dynamo:"comment"`
	First   string            `dynamo:"first name"`
	Last    *string           `dynamo:"last-name.of person,omitempty"`
	Tags    []string          `dynamo:"all the tags,set"`
	Age     *int              `dynamo:"age"`
	Weight  *float64          `dynamo:"weight,omitempty"`
	Rank    int64             `dynamo:"rank,omitempty" index:"by_status,range"`
	Ints    []int             `dynamo:"ints"`
	Floats  []float64         `dynamo:"floats"`
	Exact   []orm.Decimal     `dynamo:"exact"`
	Set     []int             `dynamo:"set,set"`
	ByDay   map[string][]int  `dynamo:"by_day"`
	Seen    time.Time         `dynamo:"seen"`
	Visits  []time.Time       `dynamo:"visits"`
	Next    *time.Time        `dynamo:"next"`
	Notes   map[string]string `dynamo:"notes,allowemptyelem"`
}

// crate has composite keys, of the table and of two indexes.
type crate struct {
	PK      string `dynamo:"pk,hash" template:"P#{tenant}#{area}"`
	SK      string `dynamo:"sk,range" template:"{order}#{line:03}"`
	State   string `dynamo:"state"`
	Courier string `dynamo:"courier"`
	Tenant  string `dynamo:"tenant"`
	Area    string `dynamo:"area"`
	Order   string `dynamo:"order"`
	Line    int    `dynamo:"line"`
	ByState string `dynamo:"by_state" template:"{tenant}#{state}" index:"by_state,hash"`
	Place   string `dynamo:"place" template:"{courier}#{line:03}" index:"by_state,range"`
}

type clinic struct {
	newStore          func(t *testing.T, tables ...orm.Definition) orm.Store
	patients          *orm.Table[patient, string]
	name, status      orm.Attribute[patient, string]
	date, comment     orm.Attribute[patient, string]
	first             orm.Attribute[patient, string]
	last              orm.Attribute[patient, *string]
	tags              orm.Attribute[patient, []string]
	size              orm.NumberAttribute[patient, int]
	age               orm.Attribute[patient, *int]
	rank              orm.NumberAttribute[patient, int64]
	byStatus          *orm.Index[patient, string, int64]
	parcels           *orm.Table[crate, orm.Pair[string, string]]
	state, courier    orm.Attribute[crate, string]
	pk, sk, in, place orm.CompositeAttribute[crate]
	byState           *orm.Index[crate, string, string]
}

func newClinic(newStore func(t *testing.T, tables ...orm.Definition) orm.Store) *clinic {
	c := &clinic{newStore: newStore}
	c.patients = orm.Define[patient, string]("patients")
	c.name = orm.Attr(c.patients, func(p *patient) *string { return &p.Name })
	c.status = orm.Attr(c.patients, func(p *patient) *string { return &p.Status })
	c.date = orm.Attr(c.patients, func(p *patient) *string { return &p.Date })
	c.comment = orm.Attr(c.patients, func(p *patient) *string { return &p.Comment })
	c.first = orm.Attr(c.patients, func(p *patient) *string { return &p.First })
	c.last = orm.Attr(c.patients, func(p *patient) **string { return &p.Last })
	c.tags = orm.Attr(c.patients, func(p *patient) *[]string { return &p.Tags })
	c.size = orm.Number(c.patients, func(p *patient) *int { return &p.Size })
	c.age = orm.Attr(c.patients, func(p *patient) **int { return &p.Age })
	c.rank = orm.Number(c.patients, func(p *patient) *int64 { return &p.Rank })
	c.byStatus = orm.IndexOf(c.patients, func(p *patient) *string { return &p.Status }, func(p *patient) *int64 { return &p.Rank })
	c.parcels = orm.Define[crate, orm.Pair[string, string]]("parcels")
	c.state = orm.Attr(c.parcels, func(p *crate) *string { return &p.State })
	c.courier = orm.Attr(c.parcels, func(p *crate) *string { return &p.Courier })
	c.pk = orm.Composite(c.parcels, func(p *crate) *string { return &p.PK })
	c.sk = orm.Composite(c.parcels, func(p *crate) *string { return &p.SK })
	c.in = orm.Composite(c.parcels, func(p *crate) *string { return &p.ByState })
	c.place = orm.Composite(c.parcels, func(p *crate) *string { return &p.Place })
	c.byState = orm.IndexOf(c.parcels, func(p *crate) *string { return &p.ByState }, func(p *crate) *string { return &p.Place })
	return c
}

// with makes a store with these patients.
func (c *clinic) with(t *testing.T, p ...patient) orm.Store {
	t.Helper()
	must(t, errors.Join(c.patients.Err(), c.parcels.Err()))
	st := c.newStore(t, c.patients, c.parcels)
	for _, p := range p {
		do(t, st, c.patients.Insert(p))
	}
	return st
}

// stored is the item as the store holds it.
func (c *clinic) stored(t *testing.T, st orm.Store, id string) orm.Item {
	t.Helper()
	item, err := st.Get(context.Background(), &orm.GetRequest{Table: c.patients.Schema(), Key: orm.Item{"id": str(id)}})
	must(t, err)
	return item
}

func (c *clinic) get(t *testing.T, st orm.Store, id string) patient {
	t.Helper()
	p, err := c.patients.Get(context.Background(), st, id)
	must(t, err)
	return p
}

// ids are those of the patients whom a scan with the condition finds.
func (c *clinic) ids(t *testing.T, st orm.Store, cond ...orm.Condition[patient]) string {
	t.Helper()
	var out []string
	for _, p := range all(t, c.patients.Scan().Filter(cond...).All(context.Background(), st)) {
		out = append(out, p.ID)
	}
	slices.Sort(out)
	return strings.Join(out, " ")
}

func wantText(t *testing.T, what, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("%s is %q, want %q", what, got, want)
	}
}

// filterOnReservedWord: name, status, size, date, values and comment are reserved;
// unaliased, each is a syntax error.
func filterOnReservedWord(t *testing.T, c *clinic) {
	ctx := context.Background()
	st := c.with(t, patient{ID: "a", Name: "n", Status: "open", Size: 3, Date: "2026", Comment: "c", Rank: 1, Values: []string{"x"}}, patient{ID: "b", Name: "n", Status: "open", Size: 4, Rank: 2})
	cond := orm.And(c.name.Eq("n"), c.status.Eq("open"), c.size.Lt(4), orm.BeginsWith(c.date, "20"), c.comment.Exists())
	wantText(t, "a scan", c.ids(t, st, cond), "a")
	eventually(t, "[a] 1", func() string {
		var ids []string
		q := c.byStatus.Query("open").Filter(c.name.Eq("n"), c.size.Eq(3))
		for _, p := range all(t, q.All(ctx, st)) {
			ids = append(ids, p.ID)
		}
		n, err := q.Count(ctx, st)
		must(t, err)
		return fmt.Sprint(ids, n)
	})
	do(t, st, c.patients.Update("a", c.size.Add(1), c.comment.Set("d")).If(cond))
	wantKind(t, orm.Exec(ctx, st, c.patients.Update("a", c.size.Add(1)).If(cond)), orm.KindConditionFailed)
	p, err := c.patients.Get(ctx, st, "a", orm.Projection(c.size, c.comment, c.status))
	must(t, err)
	wantText(t, "the projection", fmt.Sprint(p.Size, p.Comment, p.Status, p.Name), "4dopen")
}

// notEqual: `<>` is an operator, and true of an absent attribute.
func notEqual(t *testing.T, c *clinic) {
	st := c.with(t, patient{ID: "a", Status: "open"}, patient{ID: "b", Status: "closed"}, patient{ID: "c"}, patient{ID: "d", Age: ptr(0), Size: 1})
	wantText(t, "status <> open", c.ids(t, st, c.status.Ne("open")), "b c d")
	wantText(t, "not status <> open", c.ids(t, st, orm.Not(c.status.Ne("open"))), "a")
	wantText(t, "status <> open and given", c.ids(t, st, c.status.Ne("open"), c.status.Exists()), "b")
	wantText(t, `status <> ""`, c.ids(t, st, c.status.Ne("")), "a b") // an empty text is stored by leaving it out
	wantText(t, "age <> 0", c.ids(t, st, c.age.Ne(ptr(0))), "a b c")
	wantText(t, "age <> nil", c.ids(t, st, c.age.Ne(nil)), "d")
	wantText(t, "size <> 0", c.ids(t, st, c.size.Ne(0)), "d")
	do(t, st, c.patients.Update("c", c.comment.Set("x")).If(c.status.Ne("open")))
	wantKind(t, orm.Exec(context.Background(), st, c.patients.Delete("a").If(c.status.Ne("open"))), orm.KindConditionFailed)
	do(t, st, c.patients.Delete("nobody").If(c.status.Ne("open")))
}

// removeOnlyUpdate: an update may have nothing but a REMOVE clause.
func removeOnlyUpdate(t *testing.T, c *clinic) {
	ctx := context.Background()
	st := c.with(t, patient{ID: "a", Name: "n", Status: "open", Date: "2026", Age: ptr(3)})
	do(t, st, c.patients.Update("a", c.status.Remove()))
	do(t, st, c.patients.Update("a", c.date.Remove(), c.age.Remove()).If(c.name.Eq("n")))
	p := c.get(t, st, "a")
	wantText(t, "what is left", fmt.Sprint(p.Name, p.Status, p.Date, p.Age == nil), "ntrue")
	do(t, st, c.patients.Update("a", c.status.Remove())) // absent already
	wantKind(t, orm.Exec(ctx, st, c.patients.Update("a", c.name.Remove()).If(c.status.Exists())), orm.KindConditionFailed)
	do(t, st, c.patients.Update("a", c.name.Remove()), c.patients.Insert(patient{ID: "b"})) // in a transaction
	wantText(t, "the name", c.get(t, st, "a").Name, "")
}

// removeMultiWordName: a blank, a dash or a dot in a name is part of the name.
func removeMultiWordName(t *testing.T, c *clinic) {
	st := c.with(t, patient{ID: "a", Name: "n", First: "f", Last: ptr("l"), Tags: []string{"x", "y"}})
	wantText(t, "first name", c.ids(t, st, c.first.Eq("f"), c.last.Eq(ptr("l")), c.tags.Exists()), "a")
	do(t, st, c.patients.Update("a", c.first.Remove(), c.last.Remove(), c.tags.Remove()))
	item := c.stored(t, st, "a")
	for _, name := range []string{"first name", "last-name.of person", "all the tags", "first", "last-name"} {
		if item[name] != nil {
			t.Errorf("%q is still there: %s", name, text(item[name]))
		}
	}
	do(t, st, c.patients.Update("a", c.first.Set("g"), c.last.Set(ptr("m"))))
	item = c.stored(t, st, "a")
	wantText(t, "the name set again", text(item["first name"])+text(item["last-name.of person"]), text(str("g"))+text(str("m")))
}

// optionalNumber: none is no attribute, neither 0 nor NULL nor an empty text; 0 is
// a number.
func optionalNumber(t *testing.T, c *clinic) {
	st := c.with(t, patient{ID: "none"}, patient{ID: "zero", Age: ptr(0), Weight: ptr(0.0)}, patient{ID: "some", Age: ptr(41), Weight: ptr(70.5), Rank: 3})
	for id, want := range map[string]string{"none": "none none none", "zero": "0 0 none", "some": "41 70.5 3"} {
		item := c.stored(t, st, id)
		var got []string
		for _, name := range []string{"age", "weight", "rank"} {
			if item[name] == nil {
				got = append(got, "none")
			} else {
				got = append(got, strings.TrimPrefix(text(item[name]), "N:"))
			}
		}
		wantText(t, "stored of "+id, strings.Join(got, " "), want)
	}
	if p := c.get(t, st, "none"); p.Age != nil || p.Weight != nil {
		t.Errorf("none is read as %v and %v", p.Age, p.Weight)
	}
	if p := c.get(t, st, "zero"); p.Age == nil || *p.Age != 0 || p.Weight == nil || *p.Weight != 0 {
		t.Errorf("zero is read as %v and %v", p.Age, p.Weight)
	}
	wantText(t, "no age", c.ids(t, st, c.age.NotExists()), "none")
	wantText(t, "age = nil", c.ids(t, st, c.age.Eq(nil)), "none")
	wantText(t, "age = 0", c.ids(t, st, c.age.Eq(ptr(0))), "zero")
	do(t, st, c.patients.Update("some", c.age.Set(nil)), c.patients.Update("none", c.age.Set(ptr(0))))
	wantText(t, "no age after updates", c.ids(t, st, c.age.NotExists()), "some")
	if item := c.stored(t, st, "some"); item["age"] != nil {
		t.Errorf("an age set to nil is stored as %s", text(item["age"]))
	}
}

// stringNone: words that mean nothing in some language are texts.
func stringNone(t *testing.T, c *clinic) {
	words := []string{"None", "none", "null", "NULL", "nil", "<nil>", "undefined", "NaN", "true", "false", "0", "{}", "[]", `""`, " "}
	var many []patient
	for _, w := range words {
		many = append(many, patient{ID: w, Name: w, Last: ptr(w), Tags: []string{w}, Notes: map[string]string{w: w, "empty": ""}})
	}
	st := c.with(t, many...)
	for _, w := range words {
		p := c.get(t, st, w)
		if p.Name != w || p.Last == nil || *p.Last != w || len(p.Tags) != 1 || p.Tags[0] != w || p.Notes[w] != w || len(p.Notes) != 2 {
			t.Errorf("%q is read as %+v", w, p)
		}
		wantText(t, "name = "+w, c.ids(t, st, c.name.Eq(w)), w)
		do(t, st, c.patients.Update(w, c.comment.Set(w), c.last.Set(ptr(w))))
		if p := c.get(t, st, w); p.Comment != w || *p.Last != w {
			t.Errorf("%q is set as %q and %q", w, p.Comment, *p.Last)
		}
	}
	wantText(t, "none is absent", c.ids(t, st, c.name.NotExists()), "")
}

// numberLists: a number in a list, a set or a map is no text.
func numberLists(t *testing.T, c *clinic) {
	ctx := context.Background()
	ints := orm.List(c.patients, func(p *patient) *[]int { return &p.Ints })
	set := orm.Set(c.patients, func(p *patient) *[]int { return &p.Set })
	byDay := orm.Map(c.patients, func(p *patient) *map[string][]int { return &p.ByDay })
	exact := decimal("0.1000000000000000000000000000000000001")
	st := c.with(t, patient{ID: "a", Ints: []int{10, 9}, Floats: []float64{1, 0.1}, Exact: []orm.Decimal{exact}, Set: []int{7}, ByDay: map[string][]int{"mon": {1}}})
	do(t, st, c.patients.Update("a", ints.Append(8, 0), set.Add([]int{-7}), byDay.Entry("tue").Set([]int{2})))
	do(t, st, c.patients.Update("a", ints.At(0).Set(11)))
	item := c.stored(t, st, "a")
	for name, want := range map[string]value{
		"ints": seq(num("11"), num("9"), num("8"), num("0")), "floats": seq(num("1"), num("0.1")), "exact": seq(num(exact.String())),
		"set": nums("7", "-7"), "by_day": mapOf(orm.Item{"mon": seq(num("1")), "tue": seq(num("2"))}),
	} {
		wantText(t, name, text(item[name]), text(want))
	}
	p := c.get(t, st, "a")
	slices.Sort(p.Set)
	wantText(t, "the item", fmt.Sprint(p.Ints, p.Floats, p.Exact, p.Set, p.ByDay), fmt.Sprint([]int{11, 9, 8, 0}, []float64{1, 0.1}, []orm.Decimal{exact}, []int{-7, 7}, map[string][]int{"mon": {1}, "tue": {2}}))
	wantText(t, "has 9", c.ids(t, st, ints.Contains(9)), "a")
	wantText(t, "has 1", c.ids(t, st, ints.Contains(1)), "") // 11 does, as text
	_, err := c.patients.Apply(ctx, st, c.patients.Update("a", orm.AsNumber(ints.At(1)).Add(1)))
	must(t, err)
	wantText(t, "an element after Add", fmt.Sprint(c.get(t, st, "a").Ints), "[11 10 8 0]")
}

// timeZones: a time keeps its zone's offset and its nanoseconds, wherever it is.
func timeZones(t *testing.T, c *clinic) {
	seen := orm.Attr(c.patients, func(p *patient) *time.Time { return &p.Seen })
	next := orm.Attr(c.patients, func(p *patient) **time.Time { return &p.Next })
	at := func(minutes int) time.Time {
		return time.Date(2026, 3, 29, 2, 30, 0, 1, time.FixedZone("", minutes*60))
	}
	for _, minutes := range []int{0, 60, -210, 345, 765, 840, -720, 1, -1} {
		want := at(minutes)
		st := c.with(t, patient{ID: "a", Seen: want, Visits: []time.Time{want, want.UTC()}, Next: &want})
		check := func(what string, got time.Time, offset int) {
			t.Helper()
			if _, o := got.Zone(); !got.Equal(want) || o != offset {
				t.Errorf("%s: %v became %v", what, want, got)
			}
		}
		p := c.get(t, st, "a")
		check("inserted", p.Seen, minutes*60)
		check("in a list", p.Visits[0], minutes*60)
		check("in a list, in UTC", p.Visits[1], 0)
		check("behind a pointer", *p.Next, minutes*60)
		do(t, st, c.patients.Update("a", seen.Set(want.UTC()), next.Set(&want)))
		p = c.get(t, st, "a")
		check("set", p.Seen, 0)
		check("set behind a pointer", *p.Next, minutes*60)
		if minutes == 0 && p.Seen.Location() != time.UTC {
			t.Errorf("a time in UTC came back in %v", p.Seen.Location())
		}
	}
}

// compositeKeys: parts that hold the separator, the escape character or escapes
// make keys of their own, and no prefix finds a neighbour.
func compositeKeys(t *testing.T, c *clinic) {
	ctx := context.Background()
	st := c.with(t)
	parts := []string{"a", "a#", "#a", "a#b", "b", "#", "##", "%", "%23", "a%23b", "%25", "a%", "é", "a b"}
	seen := map[orm.Pair[string, string]]crate{}
	var batch []crate
	for _, tenant := range parts {
		for _, area := range parts {
			p := crate{Tenant: tenant, Area: area, Order: tenant + "#" + area, Line: len(batch) % 1000}
			key, err := c.parcels.KeyOf(p)
			must(t, err)
			if other, ok := seen[key]; ok {
				t.Fatalf("%+v and %+v have one key", other, p)
			}
			seen[key] = p
			back, err := c.pk.Split(key.Hash)
			must(t, err)
			back2, err := c.sk.Split(key.Sort)
			must(t, err)
			if back.Tenant != tenant || back.Area != area || back2.Order != p.Order || back2.Line != p.Line {
				t.Errorf("%+v is split into %+v and %+v", p, back, back2)
			}
			batch = append(batch, p)
		}
	}
	must(t, c.parcels.PutBatch(ctx, st, batch))
	for key, want := range seen {
		got, err := c.parcels.Get(ctx, st, key)
		must(t, err)
		if got.Tenant != want.Tenant || got.Area != want.Area || got.Order != want.Order {
			t.Errorf("%v finds %+v, want %+v", key, got, want)
		}
	}
	// One partition, orders that begin with one another.
	orders := []string{"1", "10", "1#", "1#0", "1%", "1%23", "2"}
	for _, o := range orders {
		for line := range 2 {
			do(t, st, c.parcels.Insert(crate{Tenant: "t", Area: "x", Order: o, Line: line}))
		}
	}
	hash, err := c.pk.Of(crate{Tenant: "t", Area: "x"})
	must(t, err)
	for _, o := range orders {
		prefix, err := c.sk.Prefix(crate{Order: o})
		must(t, err)
		var got []string
		for _, p := range all(t, orm.QueryTable(c.parcels, hash).Prefix(prefix).All(ctx, st)) {
			got = append(got, fmt.Sprint(p.Order, " ", p.Line))
		}
		wantText(t, "order "+o, strings.Join(got, ", "), o+" 0, "+o+" 1")
	}
}

// indexKeys: an update of some parts of an index's key moves the item in the
// index, and never leaves it under its old key.
func indexKeys(t *testing.T, c *clinic) {
	ctx := context.Background()
	st := c.with(t, patient{ID: "a", Status: "open", Rank: 5})
	found := func(tenant, state string) func() string {
		return func() string {
			hash, err := c.in.Of(crate{Tenant: tenant, State: state})
			must(t, err)
			var out []string
			for _, p := range all(t, c.byState.Query(hash).All(ctx, st)) {
				out = append(out, fmt.Sprint(p.Order, p.Line, p.State, p.Courier))
			}
			return strings.Join(out, " ")
		}
	}
	for _, p := range []crate{{Order: "o", Line: 1, State: "new", Courier: "k"}, {Order: "p", Line: 2, State: "new", Courier: "j"}, {Order: "q", Line: 3, State: "new"}} {
		p.Tenant, p.Area = "t#", "x"
		do(t, st, c.parcels.Insert(p))
	}
	key, err := c.parcels.KeyOf(crate{Tenant: "t#", Area: "x", Order: "o", Line: 1})
	must(t, err)
	eventually(t, "p2newj o1newk", found("t#", "new")) // q has no courier: not there
	do(t, st, c.parcels.Update(key, c.state.Set("sent")))
	eventually(t, "p2newj", found("t#", "new"))
	eventually(t, "o1sentk", found("t#", "sent"))
	do(t, st, c.parcels.Update(key, c.state.Set("new"), c.courier.Set("a")))
	eventually(t, "o1newa p2newj", found("t#", "new"))
	eventually(t, "", found("t#", "sent"))
	do(t, st, c.parcels.Update(key, c.courier.Set("z")))
	eventually(t, "p2newj o1newz", found("t#", "new"))
	do(t, st, c.parcels.Update(key, c.courier.Remove()))
	eventually(t, "p2newj", found("t#", "new"))
	do(t, st, c.parcels.Update(key, c.courier.Set("b")).If(c.state.Eq("new")), c.parcels.Insert(crate{Tenant: "t", Area: "x", Order: "r", State: "new", Courier: "c"}))
	eventually(t, "o1newb p2newj", found("t#", "new"))
	eventually(t, "r0newc", found("t", "new"))
	// An item that an update makes is in the index as well.
	made, err := c.parcels.KeyOf(crate{Tenant: "u", Area: "x", Order: "s", Line: 9})
	must(t, err)
	do(t, st, c.parcels.Update(made, c.state.Set("new"), c.courier.Set("c")))
	eventually(t, "s9newc", found("u", "new"))
	got, err := c.parcels.Get(ctx, st, made)
	must(t, err)
	wantText(t, "the parts of an item that an update made", fmt.Sprint(got.Tenant, got.Area, got.Order, got.Line), "uxs9")

	// Keys that are attributes of their own.
	ranked := func(status string) func() string {
		return func() string {
			var out []string
			for _, p := range all(t, c.byStatus.Query(status).All(ctx, st)) {
				out = append(out, fmt.Sprint(p.ID, p.Rank))
			}
			return strings.Join(out, " ")
		}
	}
	do(t, st, c.patients.Update("a", c.status.Set("closed")))
	eventually(t, "a5", ranked("closed"))
	eventually(t, "", ranked("open"))
	do(t, st, c.patients.Update("a", c.rank.Add(2)))
	eventually(t, "a7", ranked("closed"))
	do(t, st, c.patients.Update("a", c.rank.Remove()))
	eventually(t, "", ranked("closed"))
}

// cursorAtLimit: a limit that ends just where a page or the data does, with a
// filter and without, loses no item, gives none twice, and ends.
func cursorAtLimit(t *testing.T, c *clinic) {
	ctx := context.Background()
	st := c.with(t)
	const lines = 12
	var batch []crate
	for i := range lines {
		batch = append(batch, crate{Tenant: "t", Area: "x", Order: "o", Line: i, State: []string{"new", "sent", "sent"}[i%3]})
	}
	must(t, c.parcels.PutBatch(ctx, st, batch))
	hash, err := c.pk.Of(crate{Tenant: "t", Area: "x"})
	must(t, err)
	for name, one := range map[string]struct {
		q    orm.Query[crate, string]
		want []int
	}{
		"all":              {orm.QueryTable(c.parcels, hash), []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}},
		"descending":       {orm.QueryTable(c.parcels, hash).Descending(), []int{11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0}},
		"filter":           {orm.QueryTable(c.parcels, hash).Filter(c.state.Eq("new")), []int{0, 3, 6, 9}}, // the last ones do not pass
		"filter the last":  {orm.QueryTable(c.parcels, hash).Filter(c.state.Eq("sent")), []int{1, 2, 4, 5, 7, 8, 10, 11}},
		"filter them all":  {orm.QueryTable(c.parcels, hash).Filter(c.state.Eq("lost")), nil},
		"filter backwards": {orm.QueryTable(c.parcels, hash).Filter(c.state.Eq("new")).Descending(), []int{9, 6, 3, 0}},
	} {
		for limit := 1; limit <= lines+1; limit++ {
			var got []int
			cursor, pages := orm.Cursor(""), 0
			for {
				page, err := one.q.Limit(limit).StartAt(cursor).Page(ctx, st)
				must(t, err)
				for _, p := range page.Items {
					got = append(got, p.Line)
				}
				pages++
				if cursor = page.Next; cursor == "" {
					break
				}
				if len(page.Items) != limit || pages > lines {
					t.Fatalf("%s, limit %d: page %d has %d items and is not the last", name, limit, pages, len(page.Items))
				}
			}
			if !slices.Equal(got, one.want) {
				t.Errorf("%s, limit %d: lines are %v, want %v", name, limit, got, one.want)
			}
			if most := max(1, (len(one.want)+limit-1)/limit) + 1; pages > most {
				t.Errorf("%s, limit %d: %d pages, want at most %d", name, limit, pages, most)
			}
			// Stopped at the limit, All goes on from a cursor with the rest.
			first, err := one.q.Limit(limit).Page(ctx, st)
			must(t, err)
			rest := 0
			if first.Next != "" {
				rest = len(all(t, one.q.StartAt(first.Next).All(ctx, st)))
			}
			if len(first.Items)+rest != len(one.want) {
				t.Errorf("%s, limit %d: %d items and %d behind the cursor, want %d", name, limit, len(first.Items), rest, len(one.want))
			}
		}
	}
}
