package ormtest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/vinci-go/vinci/orm"
)

// folderUpdate applies an update to folder "f" and checks what it returns and
// what is stored afterwards.
func (o *office) folderUpdate(t *testing.T, st orm.Store, want *folder, changes ...orm.Assignment[folder]) {
	t.Helper()
	ctx := context.Background()
	applied, err := o.folders.Apply(ctx, st, o.folders.Update("f", changes...))
	must(t, err)
	stored, err := o.folders.Get(ctx, st, "f")
	must(t, err)
	for what, got := range map[string]folder{"applied": applied, "stored": stored} {
		slices.Sort(got.Colors)
		slices.Sort(got.Years)
		a, err := json.Marshal(filled(got))
		must(t, err)
		b, err := json.Marshal(filled(*want))
		must(t, err)
		if string(a) != string(b) {
			t.Fatalf("%s is\n%s, want\n%s", what, a, b)
		}
	}
}

// filled makes an empty list and none the same.
func filled(f folder) folder {
	f.Lines, f.Words = append([]line{}, f.Lines...), append([]string{}, f.Words...)
	f.Colors, f.Years = append([]string{}, f.Colors...), append([]int{}, f.Years...)
	return f
}

func writePaths(t *testing.T, o *office) {
	ctx := context.Background()
	st := o.newStore(t, o.folders)
	name := orm.Attr(o.folders, func(f *folder) *string { return &f.Owner.Name })
	street := orm.Attr(o.folders, func(f *folder) *string { return &f.Owner.Home.Street })
	floor := orm.Number(o.folders, func(f *folder) *int { return &f.Owner.Home.Floor })
	lines := orm.List(o.folders, func(f *folder) *[]line { return &f.Lines })
	words := orm.List(o.folders, func(f *folder) *[]string { return &f.Words })
	visits := orm.Map(o.folders, func(f *folder) *map[string]int { return &f.Visits })
	shelves := orm.Map(o.folders, func(f *folder) *map[string][]string { return &f.Shelves })

	want := &folder{ID: "f", Visits: map[string]int{"a": 1}, Shelves: map[string][]string{"top": {"x"}}}
	do(t, st, o.folders.Put(*want))
	update := func(changes ...orm.Assignment[folder]) {
		t.Helper()
		o.folderUpdate(t, st, want, changes...)
	}
	want.Owner.Name, want.Owner.Home.Street, want.Owner.Home.Floor = "Ann", "Main St.", 3
	update(name.Set("Ann"), street.Set("Main St."), floor.Add(3))
	want.Owner.Home.Street, want.Owner.Home.Floor = "", 1
	update(street.Remove(), floor.Add(-2), name.SetIfNotExists("Eve"))
	want.Owner.Home.Street = "Side St."
	update(street.SetIfNotExists("Side St."))

	// Lists: one that is absent is made by adding to it.
	want.Lines, want.Words = []line{{"one", 1}, {"two", 2}}, []string{"b"}
	update(lines.Append(line{"one", 1}, line{"two", 2}), words.Prepend("b"))
	want.Lines, want.Words = []line{{"zero", 0}, {"one", 1}, {"two", 2}}, []string{"b", "c", "d"}
	update(lines.Prepend(line{"zero", 0}), words.Append("c", "d"))
	want.Lines[1].Count, want.Lines[2].Text, want.Words = 11, "2", []string{"B", "d"}
	update(orm.AsNumber(orm.Field(lines.At(1), func(l *line) *int { return &l.Count })).Add(10),
		orm.Field(lines.At(2), func(l *line) *string { return &l.Text }).Set("2"), words.At(0).Set("B"), words.At(1).Remove())
	want.Lines = append(want.Lines[:2:2], line{"last", 9})
	update(lines.At(2).Set(line{"last", 9}))

	// Maps: an entry is named, whatever its name.
	want.Visits = map[string]int{"a": 3, "a.b": 1, "2026-11-20": 5, "name": -1}
	update(orm.AsNumber(visits.Entry("a")).Add(2), visits.Entry("a.b").Set(1), orm.AsNumber(visits.Entry("2026-11-20")).Add(5), visits.Entry("name").Set(-1))
	delete(want.Visits, "a.b")
	delete(want.Visits, "name")
	update(visits.Entry("a.b").Remove(), visits.Entry("name").Remove(), visits.Entry("none").Remove())
	want.Shelves = map[string][]string{"top": {"x", "y"}, "new one": {"z"}}
	update(orm.AsList(shelves.Entry("top")).Append("y"), orm.AsList(shelves.Entry("new one")).Append("z"))

	// What is not there cannot be changed inside.
	do(t, st, o.folders.Update("f", words.Remove(), shelves.Remove()))
	for name, c := range map[string]orm.Assignment[folder]{
		"an entry of an absent map":    shelves.Entry("top").Set([]string{"x"}),
		"an element of an absent list": words.At(0).Set("x"),
		"a list in an absent map":      orm.AsList(shelves.Entry("top")).Append("x"),
	} {
		if err := orm.Exec(ctx, st, o.folders.Update("f", c)); !errors.Is(err, orm.KindValidation) {
			t.Errorf("%s: error is %v, want kind %q", name, err, orm.KindValidation)
		}
	}
	if err := orm.Exec(ctx, st, o.folders.Update("none", name.Set("x"))); !errors.Is(err, orm.KindValidation) {
		t.Errorf("inside an item that is not there: error is %v, want kind %q", err, orm.KindValidation)
	}
}

func writeSets(t *testing.T, o *office) {
	ctx := context.Background()
	st := o.newStore(t, o.folders)
	colors := orm.Set(o.folders, func(f *folder) *[]string { return &f.Colors })
	years := orm.Set(o.folders, func(f *folder) *[]int { return &f.Years })
	want := &folder{ID: "f"}
	update := func(changes ...orm.Assignment[folder]) {
		t.Helper()
		o.folderUpdate(t, st, want, changes...)
	}
	want.Colors, want.Years = []string{"blue", "red"}, []int{-1, 2026}
	update(colors.Add([]string{"red", "blue"}), years.Add([]int{2026, -1})) // made
	want.Colors = []string{"blue", "green", "red"}
	update(colors.Add([]string{"red", "green"}), years.Add([]int{2026}))
	want.Colors, want.Years = []string{"green"}, []int{2026}
	update(colors.Delete([]string{"red", "blue", "none"}), years.Delete([]int{-1, 7}))
	want.Colors, want.Years = nil, nil
	update(colors.Delete([]string{"green"}), years.Delete([]int{2026})) // a set is never empty
	update(colors.Delete([]string{"green"}))
	want.Years = []int{5}
	update(years.Set([]int{5}), colors.Set(nil))

	do(t, st, o.folders.Update("f", colors.Add([]string{"one"})).If(orm.Not(colors.ContainsAll([]string{"one"})), years.ContainsAll([]int{5})))
	wantKind(t, orm.Exec(ctx, st, o.folders.Update("f", colors.Add([]string{"two"})).If(colors.ContainsAll([]string{"one", "two"}))), orm.KindConditionFailed)
	do(t, st, o.folders.Update("f", colors.Add([]string{"two"})).If(colors.Size().Eq(1)))
	wantKind(t, orm.Exec(ctx, st, o.folders.Update("f", colors.Add(nil))), orm.KindValidation)
}

// Names that DynamoDB reserves, and names that are no words, are written as any
// other: in updates that only remove, too.
func writeOddNames(t *testing.T, o *office) {
	st := o.newStore(t, o.folders)
	odd := orm.Attr(o.folders, func(f *folder) *string { return &f.Odd })
	size := orm.Attr(o.folders, func(f *folder) *string { return &f.Size })
	owner := orm.Attr(o.folders, func(f *folder) *holder { return &f.Owner })
	home := orm.Attr(o.folders, func(f *folder) *string { return &f.Owner.Home.Street })
	want := &folder{ID: "f", Odd: "x", Size: "None"}
	o.folderUpdate(t, st, want, odd.Set("x"), size.Set("None"))
	want.Odd, want.Owner.Name = "y", "Ann"
	o.folderUpdate(t, st, want, odd.Set("y"), owner.Set(holder{Name: "Ann"}))
	want.Owner.Home.Street = "z"
	o.folderUpdate(t, st, want, home.Set("z"))
	want.Odd = ""
	o.folderUpdate(t, st, want, odd.Remove())
	want.Owner, want.Size = holder{}, ""
	o.folderUpdate(t, st, want, owner.Remove(), size.Remove())
	do(t, st, o.folders.Update("f", size.Set("1")).If(odd.NotExists(), owner.NotExists(), size.Ne("1")))
	wantKind(t, orm.Exec(context.Background(), st, o.folders.Update("f", size.Set("2")).If(size.Ne("1"))), orm.KindConditionFailed)
}

// A number that is not given is absent, not zero.
func writeOptional(t *testing.T, o *office) {
	ctx := context.Background()
	st := o.newStore(t, o.folders)
	limit := orm.Attr(o.folders, func(f *folder) **int { return &f.Limit })
	share := orm.Attr(o.folders, func(f *folder) **float64 { return &f.Share })
	do(t, st, o.folders.Insert(folder{ID: "f"}))
	item, err := st.Get(ctx, &orm.GetRequest{Table: o.folders.Schema(), Key: orm.Item{"id": str("f")}})
	must(t, err)
	for _, absent := range []string{"limit", "share", "text", "size", "colors"} {
		if item[absent] != nil {
			t.Errorf("%s is stored as %s, want it left out", absent, text(item[absent]))
		}
	}
	zero, half := 0, 0.5
	o.folderUpdate(t, st, &folder{ID: "f", Limit: &zero, Share: &half}, limit.Set(&zero), share.Set(&half))
	o.folderUpdate(t, st, &folder{ID: "f", Share: &half}, limit.Set(nil))
	do(t, st, o.folders.Update("f", share.Set(nil)).If(limit.NotExists(), limit.Eq(nil), share.Eq(&half)))
	o.folderUpdate(t, st, &folder{ID: "f"}, limit.Remove())
	wantKind(t, orm.Exec(ctx, st, o.folders.Update("f", share.Set(&half)).If(limit.Exists())), orm.KindConditionFailed)
}

func writeDefaults(t *testing.T, o *office) {
	ctx := context.Background()
	st := o.newStore(t, o.purchases)
	three, zero := 3, 0
	want := func(w purchase) {
		t.Helper()
		got, err := o.purchases.Get(ctx, st, w.ID)
		must(t, err)
		if !reflect.DeepEqual(got, w) {
			t.Errorf("the item is %+v, want %+v", got, w)
		}
	}
	do(t, st, o.purchases.Insert(purchase{Code: "x"}), o.purchases.Put(purchase{Code: "y", Status: "paid", Rank: &zero, Wait: time.Second}))
	want(purchase{ID: "made1", Status: "open", Rank: &three, Wait: 90 * time.Second, Code: "x"})
	want(purchase{ID: "made2", Status: "paid", Rank: &zero, Wait: time.Second, Code: "y"})
	// A write is a value: its defaults are made once.
	w := o.purchases.Insert(purchase{Code: "z"})
	do(t, st, w)
	want(purchase{ID: "made3", Status: "open", Rank: &three, Wait: 90 * time.Second, Code: "z"})
	wantKind(t, orm.Exec(ctx, st, w), orm.KindAlreadyExists)
	do(t, st, o.purchases.Put(purchase{ID: "given", Code: "x"}))
	want(purchase{ID: "given", Status: "open", Rank: &three, Wait: 90 * time.Second, Code: "x"})

	status := orm.Attr(o.purchases, func(p *purchase) *string { return &p.Status })
	code := orm.Attr(o.purchases, func(p *purchase) *string { return &p.Code })
	do(t, st, o.purchases.Update("bare", status.Set("paid"))) // defaults belong to whole items
	want(purchase{ID: "bare", Status: "paid"})
	for name, w := range map[string]orm.Write{
		"enum of an insert":      o.purchases.Insert(purchase{Code: "x", Status: "lost"}),
		"rule of a put":          o.purchases.Put(purchase{ID: "a"}),
		"enum of an update":      o.purchases.Update("given", status.Set("lost")),
		"enum of a condition":    o.purchases.Update("given", status.Set("paid")).If(status.Eq("lost")),
		"rule of an update":      o.purchases.Update("given", code.Set("")),
		"rule, set if not there": o.purchases.Update("given", status.SetIfNotExists("lost")),
	} {
		if err := orm.Exec(ctx, st, w); !errors.Is(err, orm.KindValidation) {
			t.Errorf("%s: error is %v, want kind %q", name, err, orm.KindValidation)
		}
	}
	want(purchase{ID: "given", Status: "open", Rank: &three, Wait: 90 * time.Second, Code: "x"})
}

// A failed condition holds the item as it was, whatever was to be done.
func writeConditionFailed(t *testing.T, o *office) {
	ctx := context.Background()
	st := o.newStore(t, o.clerks, o.letters)
	do(t, st, o.clerks.Insert(clerk{ID: "1", Email: "a@x", Name: "Ann"}))
	for _, c := range []struct {
		op string
		w  orm.Write
	}{
		{"update", o.clerks.Update("1", o.name.Set("x")).If(o.name.Ne("Ann"))},
		{"update", o.clerks.Update("1", o.email.Set("b@x")).If(o.name.NotExists())},
		{"delete", o.clerks.Delete("1").If(o.name.Eq("Eve"))},
		{"check", o.clerks.Check("1", o.email.Eq("b@x"))},
	} {
		alone := orm.Exec(ctx, st, c.w)
		beside := orm.Exec(ctx, st, o.letters.Insert(letter{ID: "never"}), c.w)
		for _, err := range []error{alone, beside} {
			e := wantKind(t, err, orm.KindConditionFailed)
			if e.Op != c.op || e.Table != "clerks" || e.Key != `"1"` {
				t.Errorf("error %+v does not say that it was a %s of which item", e, c.op)
			}
			got, err := o.clerks.Decode(e.Item)
			if want := (clerk{ID: "1", Email: "a@x", Name: "Ann"}); err != nil || got != want {
				t.Errorf("%s: the error holds %+v, %v; want %+v", c.op, got, err, want)
			}
		}
	}
	do(t, st, o.clerks.Check("1", o.email.Eq("a@x")))
	_, err := o.letters.Get(ctx, st, "never")
	wantKind(t, err, orm.KindNotFound)
}

// Each action of a cancelled transaction has its own reason.
func writeSeveralTables(t *testing.T, o *office) {
	ctx := context.Background()
	st := o.newStore(t, o.clerks, o.letters, o.parcels, o.desks)
	key := o.parcelKey(t, "a", 1)
	do(t, st,
		o.clerks.Insert(clerk{ID: "1", Email: "a@x"}), o.letters.Insert(letter{ID: "l"}), o.desks.Insert(desk{Room: "r", Place: 1}),
		o.parcels.Insert(parcel{Tenant: "a", Year: 2026, Number: 1, Town: "Ulm", Weight: 4}))
	err := orm.Exec(ctx, st,
		o.clerks.Insert(clerk{ID: "2", Email: "A@x"}),            // two actions
		o.letters.Put(letter{ID: "l", Version: 7}),               // another version
		o.parcels.Update(key, o.weight.Add(1)).If(o.town.Eq("")), // a condition
		o.parcels.Delete(orm.Key("TENANT#a", "2026#000002")),     // nothing wrong
		o.desks.Insert(desk{Room: "r", Place: 1}),                // there already
		o.letters.Check("none", o.text.Exists()),                 // no item
	)
	var te *orm.TransactionError
	if !errors.As(err, &te) {
		t.Fatalf("error is %T %v, want a *orm.TransactionError", err, err)
	}
	type reason struct {
		kind                      orm.Kind
		op, table, key, attribute string
		item                      bool
	}
	want := []*reason{
		nil, {orm.KindAlreadyExists, "put", "clerks", `"unique#email#a@x"`, "email", true},
		{orm.KindVersionConflict, "put", "letters", `"l"`, "version", true},
		{orm.KindConditionFailed, "update", "parcels", `"TENANT#a", "2026#000001"`, "", true},
		nil,
		{orm.KindAlreadyExists, "insert", "desks", `"r", 1`, "", true}, nil, // its value is its own
		{orm.KindConditionFailed, "check", "letters", `"none"`, "", false},
	}
	if len(te.Reasons) != len(want) {
		t.Fatalf("%d reasons, want one for each of %d actions", len(te.Reasons), len(want))
	}
	for i, w := range want {
		r := te.Reasons[i]
		switch {
		case w == nil && r == nil:
		case w == nil || r == nil:
			t.Errorf("action %d has reason %v, want %v", i, r, w)
		default:
			if got := (reason{r.Kind, r.Op, r.Table, r.Key, r.Attribute, r.Item != nil}); got != *w {
				t.Errorf("action %d has reason %+v, want %+v", i, got, *w)
			}
		}
	}
	for _, kind := range []orm.Kind{orm.KindAlreadyExists, orm.KindVersionConflict, orm.KindConditionFailed} {
		if !errors.Is(err, kind) {
			t.Errorf("the error is not of kind %q", kind)
		}
	}
	wantClaims(t, st, o.clerks, "email#a@x=1")
	if l, err := o.letters.Get(ctx, st, "l"); err != nil || l.Version != 1 {
		t.Errorf("the letter is %+v, %v: something was written", l, err)
	}
}

// The same transaction under the same token happens once.
func writeTokens(t *testing.T, o *office) {
	ctx := context.Background()
	st := o.newStore(t, o.clerks, o.parcels)
	key := o.parcelKey(t, "a", 1)
	actions, err := orm.Actions(ctx, st, o.clerks.Insert(clerk{ID: "1", Email: "a@x"}), o.parcels.Update(key, o.weight.Add(5)))
	must(t, err)
	for range 3 {
		must(t, st.Transact(ctx, "once", actions))
	}
	wantKind(t, st.Transact(ctx, "twice", actions), orm.KindAlreadyExists)
	if p, err := o.parcels.Get(ctx, st, key); err != nil || p.Weight != 5 {
		t.Errorf("the parcel is %+v, %v; want it counted once", p, err)
	}
	other, err := orm.Actions(ctx, st, o.clerks.Insert(clerk{ID: "2", Email: "b@x"}), o.parcels.Update(key, o.weight.Add(5)))
	must(t, err)
	wantKind(t, st.Transact(ctx, "once", other), orm.KindValidation)
	for i := range 2 { // without a token each is a transaction of its own
		do(t, st, o.parcels.Update(key, o.weight.Add(1)), o.clerks.Put(clerk{ID: fmt.Sprint("p", i)}))
	}
	if p, err := o.parcels.Get(ctx, st, key); err != nil || p.Weight != 7 {
		t.Errorf("the parcel is %+v, %v; want it counted twice more", p, err)
	}
}
