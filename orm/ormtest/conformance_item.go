package ormtest

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/vinci-go/vinci/orm"
)

func testGetAndPut(t *testing.T, s *suite) {
	ctx := context.Background()
	st := s.newStore(t, s.things)
	item, err := st.Get(ctx, &orm.GetRequest{Table: s.things.Schema(), Key: orm.Item{"id": str("none")}})
	if item != nil || err != nil {
		t.Fatalf("get of an absent item is %v, %v; want nil, nil", item, err)
	}
	_, err = s.things.Get(ctx, st, "none")
	wantKind(t, err, orm.KindNotFound)

	first := thing{ID: "a", Name: "first", Status: "new", Rank: 7, Count: 1, Labels: []string{"x", "y"}, Data: []byte{0, 255}}
	do(t, st, s.things.Put(first))
	got, err := s.things.Get(ctx, st, "a")
	must(t, err)
	slices.Sort(got.Labels)
	if !reflect.DeepEqual(got, first) {
		t.Fatalf("got %+v, want %+v", got, first)
	}
	do(t, st, s.things.Put(thing{ID: "a", Name: "second"}))
	got, err = s.things.Get(ctx, st, "a")
	must(t, err)
	if got.Name != "second" || got.Status != "" || got.Count != 0 {
		t.Fatalf("a put kept attributes of the item before: %+v", got)
	}
}

func testInsert(t *testing.T, s *suite) {
	ctx := context.Background()
	st := s.newStore(t, s.things, s.entries)
	do(t, st, s.things.Insert(thing{ID: "a", Name: "first"}))
	e := wantKind(t, orm.Exec(ctx, st, s.things.Insert(thing{ID: "a", Name: "second"})), orm.KindAlreadyExists)
	if e.Op != "insert" || e.Table != "things" || e.Key != `"a"` || e.Attribute != "" {
		t.Errorf("error %+v does not say what was inserted where", e)
	}
	if v := text(e.Item["name"]); v != text(str("first")) {
		t.Errorf("the error's item has name %s, want the one that was there", v)
	}
	// The condition is about this key, not about the partition.
	do(t, st, s.entries.Insert(entry{Stream: "s", Version: 1}))
	do(t, st, s.entries.Insert(entry{Stream: "s", Version: 2}))
	wantKind(t, orm.Exec(ctx, st, s.entries.Insert(entry{Stream: "s", Version: 2})), orm.KindAlreadyExists)
}

func testUpdate(t *testing.T, s *suite) {
	ctx := context.Background()
	st := s.newStore(t, s.things)
	apply := func(want thing, changes ...orm.Assignment[thing]) {
		t.Helper()
		got, err := s.things.Apply(ctx, st, s.things.Update("a", changes...))
		must(t, err)
		slices.Sort(got.Labels)
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("item is %+v, want %+v", got, want)
		}
		stored, err := s.things.Get(ctx, st, "a")
		must(t, err)
		slices.Sort(stored.Labels)
		if !reflect.DeepEqual(stored, want) {
			t.Fatalf("stored is %+v, want %+v", stored, want)
		}
	}
	// name, status and count are reserved words.
	apply(thing{ID: "a", Name: "n", Count: 2}, s.name.Set("n"), s.count.Add(2))
	apply(thing{ID: "a", Name: "n", Count: 3, Status: "new"}, s.count.Add(1), s.status.SetIfNotExists("new"))
	apply(thing{ID: "a", Name: "m", Count: -4, Status: "new"}, s.count.Add(-7), s.status.SetIfNotExists("other"), s.name.Set("m"))
	apply(thing{ID: "a", Count: -4, Status: "new"}, s.name.Remove())
	apply(thing{ID: "a", Count: -4, Labels: []string{"x"}}, s.status.Set(""), s.labels.Set([]string{"x"}))
	apply(thing{ID: "a", Count: -4}, s.labels.Set(nil))

	e := wantKind(t, orm.Exec(ctx, st, s.things.Update("a", s.count.Set(1)).If(s.count.Eq(0))), orm.KindConditionFailed)
	if e.Op != "update" || text(e.Item["count"]) != text(num("-4")) {
		t.Errorf("error %+v does not hold the item as it was", e)
	}
	e = wantKind(t, orm.Exec(ctx, st, s.things.Update("b", s.count.Set(1)).If(s.count.Exists())), orm.KindConditionFailed)
	if e.Item != nil {
		t.Errorf("the error holds item %v, want none: there is none", e.Item)
	}
	_, err := s.things.Get(ctx, st, "b")
	wantKind(t, err, orm.KindNotFound)

	// A removal alone creates the item too.
	do(t, st, s.things.Update("c", s.name.Remove()))
	if _, err := s.things.Get(ctx, st, "c"); err != nil {
		t.Errorf("an update of an absent item left none behind: %v", err)
	}
}

// raw is an update of one attribute of item "a" of things.
func (s *suite) raw(path string, op orm.ChangeOp, v value) orm.Action {
	return orm.Action{Op: orm.OpUpdate, Table: s.things.Schema(), Key: orm.Item{"id": str("a")}, Changes: []orm.Change{{Op: op, Path: path, Value: v}}}
}

func testUpdateNumbers(t *testing.T, s *suite) {
	ctx := context.Background()
	st := s.newStore(t, s.things)
	for _, c := range []struct{ start, add, want string }{
		{"1", "2", "3"},
		{"0.1", "0.2", "0.3"},
		{"-5", "5", "0"},
		{"99999999999999999999999999999999999998", "1", "99999999999999999999999999999999999999"},
		{"1e2", "1", "101"},
		{"1.50", "0", "1.5"},
		{"0.0000000001", "-0.0000000002", "-0.0000000001"},
		{"9007199254740993", "1", "9007199254740994"}, // beyond float64
	} {
		_, err := st.Do(ctx, s.raw("n", orm.ChangeSet, num(c.start)))
		must(t, err)
		item, err := st.Do(ctx, s.raw("n", orm.ChangeAdd, num(c.add)))
		must(t, err)
		if text(item["n"]) != text(num(c.want)) {
			t.Errorf("%s + %s is %s, want %s", c.start, c.add, text(item["n"]), c.want)
		}
	}
	_, err := st.Do(ctx, s.raw("n", orm.ChangeSet, str("text")))
	must(t, err)
	_, err = st.Do(ctx, s.raw("n", orm.ChangeAdd, num("1")))
	wantKind(t, err, orm.KindValidation)

	_, err = st.Do(ctx, s.raw("set", orm.ChangeAdd, strs("a", "b")))
	must(t, err)
	item, err := st.Do(ctx, s.raw("set", orm.ChangeAdd, strs("b", "c")))
	must(t, err)
	if text(item["set"]) != text(strs("a", "b", "c")) {
		t.Errorf("set is %s, want a, b, c", text(item["set"]))
	}
}

func testDelete(t *testing.T, s *suite) {
	ctx := context.Background()
	st := s.newStore(t, s.things)
	do(t, st, s.things.Put(thing{ID: "a", Status: "new"}))
	e := wantKind(t, orm.Exec(ctx, st, s.things.Delete("a").If(s.status.Eq("old"))), orm.KindConditionFailed)
	if e.Op != "delete" || text(e.Item["status"]) != text(str("new")) {
		t.Errorf("error %+v does not hold the item as it was", e)
	}
	do(t, st, s.things.Delete("a").If(s.status.Eq("new")))
	_, err := s.things.Get(ctx, st, "a")
	wantKind(t, err, orm.KindNotFound)
	do(t, st, s.things.Delete("a")) // absent: no error
}

// testRefusedItems is about what DynamoDB takes in no item. The typed methods
// refuse most of it before; here it goes to the store itself.
func testRefusedItems(t *testing.T, s *suite) {
	ctx := context.Background()
	st := s.newStore(t, s.things, s.entries)
	put := func(item orm.Item) orm.Action {
		return orm.Action{Op: orm.OpPut, Table: s.things.Schema(), Item: item}
	}
	for name, a := range map[string]orm.Action{
		"no key":                put(orm.Item{"name": str("x")}),
		"key of another type":   put(orm.Item{"id": num("1")}),
		"empty key":             put(orm.Item{"id": str("")}),
		"long key":              put(orm.Item{"id": str(strings.Repeat("k", 2049))}),
		"no number":             put(orm.Item{"id": str("a"), "n": num("one")}),
		"39 digits":             put(orm.Item{"id": str("a"), "n": num(strings.Repeat("1", 39))}),
		"too large a number":    put(orm.Item{"id": str("a"), "n": num("1e126")}),
		"empty set":             put(orm.Item{"id": str("a"), "n": strs()}),
		"member twice":          put(orm.Item{"id": str("a"), "n": strs("x", "x")}),
		"index key of no type":  put(orm.Item{"id": str("a"), "status": num("1"), "rank": num("1")}),
		"key in an update":      s.raw("id", orm.ChangeSet, str("b")),
		"ADD of a string":       s.raw("n", orm.ChangeAdd, str("b")),
		"half a key":            {Op: orm.OpDelete, Table: s.entries.Schema(), Key: orm.Item{"stream": str("s")}},
		"update of another key": {Op: orm.OpDelete, Table: s.things.Schema(), Key: orm.Item{"name": str("s")}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := st.Do(ctx, a)
			if !errors.Is(err, orm.KindValidation) {
				t.Errorf("error is %v, want kind %q", err, orm.KindValidation)
			}
		})
	}
}

func testItemSize(t *testing.T, s *suite) {
	ctx := context.Background()
	st := s.newStore(t, s.things)
	item := func(total int) thing {
		rest := total - len("id") - len("a") - len("data")
		return thing{ID: "a", Data: []byte(strings.Repeat("x", rest))}
	}
	do(t, st, s.things.Put(item(orm.MaxItemSize)))
	wantKind(t, orm.Exec(ctx, st, s.things.Put(item(orm.MaxItemSize+1))), orm.KindTooLarge)
	_, err := st.Do(ctx, s.raw("name", orm.ChangeSet, str("x")))
	wantKind(t, err, orm.KindTooLarge)
	err = orm.Exec(ctx, st, s.things.Put(item(orm.MaxItemSize+1)), s.things.Put(thing{ID: "b"}))
	wantKind(t, err, orm.KindTooLarge)
}

func testContext(t *testing.T, s *suite) {
	st := s.newStore(t, s.things)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	for name, call := range map[string]func() error{
		"get":      func() error { _, err := s.things.Get(ctx, st, "a"); return err },
		"do":       func() error { return orm.Exec(ctx, st, s.things.Put(thing{ID: "a"})) },
		"transact": func() error { return orm.Exec(ctx, st, s.things.Put(thing{ID: "a"}), s.things.Put(thing{ID: "b"})) },
		"query": func() error {
			for _, err := range s.byStatus.Query("new").All(ctx, st) {
				return err
			}
			return nil
		},
	} {
		err := call()
		wantKind(t, err, orm.KindUnavailable)
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s: error %v does not say that the context was cancelled", name, err)
		}
	}
	_, err := s.things.Get(context.Background(), st, "a")
	wantKind(t, err, orm.KindNotFound)
}
