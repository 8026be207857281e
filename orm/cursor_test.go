package orm

import (
	"encoding/base64"
	"errors"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"pgregory.net/rapid"
)

func TestCursorBelongsToOneQuery(t *testing.T) {
	x := newReadTables(t)
	base := QueryTable(x.rooms, "r").From(1).To(9).Filter(x.note.Eq("a"))
	c, err := base.q.cursorAt(roomItem(5))
	if err != nil {
		t.Fatal(err)
	}
	if strings.Trim(string(c), "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
		t.Errorf("cursor %q cannot stand in a URL", c)
	}
	for name, q := range map[string]Query[reading1, int]{
		"the same":         base,
		"made anew":        QueryTable(newReadTables(t).rooms, "r").From(1).To(9).Filter(x.note.Eq("a")),
		"another limit":    base.Limit(3),
		"another select":   base.Select(x.more),
		"eventual":         base.Eventual(),
		"with an And of 1": QueryTable(x.rooms, "r").From(1).To(9).Filter(And(x.note.Eq("a"))),
	} {
		start, err := q.q.open(c)
		if err != nil || x.rooms.schema.KeyText(start) != `"r", 5` {
			t.Errorf("%s: starts at %v (%v)", name, start, err)
		}
	}
	other := Define[reading1, Pair[string, int]]("rooms_b", Include("by_kind", "note"))
	for name, q := range map[string]reading{
		"table":          QueryTable(other, "r").From(1).To(9).Filter(x.note.Eq("a")).q,
		"index":          x.byKind.Query("r").From(1).To(9).Filter(x.note.Eq("a")).q,
		"scan":           x.rooms.Scan().Filter(x.note.Eq("a")).q,
		"partition":      QueryTable(x.rooms, "s").From(1).To(9).Filter(x.note.Eq("a")).q,
		"direction":      base.Descending().q,
		"lower bound":    base.From(2).q,
		"upper bound":    base.To(8).q,
		"one bound":      QueryTable(x.rooms, "r").From(1).Filter(x.note.Eq("a")).q,
		"no bound":       QueryTable(x.rooms, "r").Filter(x.note.Eq("a")).q,
		"filter's value": QueryTable(x.rooms, "r").From(1).To(9).Filter(x.note.Eq("b")).q,
		"filter's op":    QueryTable(x.rooms, "r").From(1).To(9).Filter(x.note.Ne("a")).q,
		"filter's path":  QueryTable(x.rooms, "r").From(1).To(9).Filter(x.more.Eq("a")).q,
		"no filter":      QueryTable(x.rooms, "r").From(1).To(9).q,
		"more filter":    base.Filter(x.more.Exists()).q,
	} {
		_, err := q.open(c)
		if err == nil || !strings.Contains(err.Error(), "another query") {
			t.Errorf("another %s: error is %v, want one about another query", name, err)
		}
	}
	err = first(base.Descending().StartAt(c).All(t.Context(), nil))
	if !errors.Is(err, KindValidation) {
		t.Errorf("error is %v, want %q", err, KindValidation)
	}
}

func TestCursorThatWasChanged(t *testing.T) {
	x := newReadTables(t)
	q := QueryTable(x.rooms, "r").From(1).To(9)
	c, err := q.q.cursorAt(roomItem(5))
	if err != nil {
		t.Fatal(err)
	}
	for i := range c {
		for _, to := range "A_z" {
			changed := c[:i] + Cursor(to) + c[i+1:]
			if changed == c {
				continue
			}
			if start, err := q.q.open(changed); err == nil {
				t.Errorf("cursor %q opens as %v", changed, start)
			}
		}
		if start, err := q.q.open(c[:i]); err == nil {
			t.Errorf("cursor %q opens as %v", c[:i], start)
		}
	}
	if _, err := q.q.open(c + "A"); err == nil {
		t.Error("a longer cursor opens")
	}
	if _, err := q.q.open(Cursor(strings.Repeat("A", maxCursor+1))); err == nil {
		t.Error("an endless cursor opens")
	}
}

// Who knows how a cursor is made can make one up, and gets no further than the
// query itself.
func TestCursorMadeUp(t *testing.T) {
	x := newReadTables(t)
	at := func(room string, n string) Item {
		return Item{"room": &types.AttributeValueMemberS{Value: room}, "n": &types.AttributeValueMemberN{Value: n}}
	}
	base := QueryTable(x.rooms, "r")
	words := QueryTable(Define[struct {
		B string `dynamo:"b,hash"`
		W string `dynamo:"w,range"`
	}, Pair[string, string]]("words"), "b").Prefix("ab")
	word := func(w string) Item {
		return Item{"b": &types.AttributeValueMemberS{Value: "b"}, "w": &types.AttributeValueMemberS{Value: w}}
	}
	for name, c := range map[string]struct {
		q  reading
		at Item
		ok bool
	}{
		"inside":              {base.From(1).To(9).q, at("r", "5"), true},
		"at the bounds":       {base.From(1).To(9).q, at("r", "9"), true},
		"other partition":     {base.q, at("s", "5"), false},
		"below":               {base.From(1).q, at("r", "0"), false},
		"above":               {base.To(9).q, at("r", "10"), false},
		"at excluded bound":   {base.After(9).q, at("r", "9"), false},
		"at excluded end":     {base.Before(9).q, at("r", "9"), false},
		"no number":           {base.q, at("r", "five"), false},
		"too large a number":  {base.q, at("r", "1e126"), false},
		"other number's text": {base.From(1).q, at("r", "5.0"), true},
		"prefix":              {words.q, word("abc"), true},
		"another prefix":      {words.q, word("b"), false},
		"no text":             {words.q, word("ab\xff"), false},
		"any partition":       {x.rooms.Scan().q, at("s", "5"), true},
		"empty key":           {x.rooms.Scan().q, at("", "5"), false},
	} {
		cursor, err := c.q.cursorAt(c.at)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.q.open(cursor); (err == nil) != c.ok {
			t.Errorf("%s: error is %v", name, err)
		}
	}
	if _, err := base.q.cursorAt(Item{"room": &types.AttributeValueMemberS{Value: "r"}}); err == nil {
		t.Error("a cursor is made from an item without its keys")
	}
}

func TestCursorKeepsKeys(t *testing.T) {
	type row struct {
		H []byte  `dynamo:"h,hash"`
		S float64 `dynamo:"s,range"`
		G string  `dynamo:"g" index:"by_g,hash"`
		I []byte  `dynamo:"i" index:"by_g,range"`
	}
	table := Define[row, Pair[[]byte, float64]]("bytes")
	byG := IndexOf(table, func(r *row) *string { return &r.G }, func(r *row) *[]byte { return &r.I })
	if err := table.Err(); err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		one := row{
			H: rapid.SliceOfN(rapid.Byte(), 1, 40).Draw(t, "h"), S: rapid.Float64Range(-1e100, 1e100).Draw(t, "s"),
			G: rapid.StringN(1, 40, 200).Draw(t, "g"), I: rapid.SliceOfN(rapid.Byte(), 1, 40).Draw(t, "i"),
		}
		if s := one.S; s != 0 && s > -1e-100 && s < 1e-100 {
			t.Skip("below what DynamoDB holds")
		}
		item, err := table.Encode(one)
		if err != nil {
			t.Fatal(err)
		}
		for _, q := range []reading{byG.Query(one.G).q, byG.Scan().q, table.Scan().q, QueryTable(table, one.H).Descending().q} {
			c, err := q.cursorAt(item)
			if err != nil {
				t.Fatal(err)
			}
			start, err := q.open(c)
			if err != nil {
				t.Fatal(err)
			}
			if len(start) != len(q.keyNames()) {
				t.Fatalf("start is %v, keys are %v", start, q.keyNames())
			}
			for _, k := range q.keyNames() {
				if compareKeys(start[k], item[k]) != 0 || typeOf(start[k]) != typeOf(item[k]) {
					t.Fatalf("key %s is %v, want %v", k, start[k], item[k])
				}
			}
		}
	})
}

// FuzzCursor gives any text as a cursor, and what is made of any keys: it opens
// only to what gives the same cursor again.
func FuzzCursor(f *testing.F) {
	x := newReadTables(f)
	q := x.byKind.Query("k").From(1).Filter(x.note.Eq("a")).q
	c, err := q.cursorAt(roomItem(5))
	if err != nil {
		f.Fatal(err)
	}
	raw, err := base64.RawURLEncoding.DecodeString(string(c))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(c), raw[1+cursorDigest:])
	f.Add("", []byte{})
	f.Add("AQ", []byte{1, 'r', 200, 200, 200, 200, 200, 200, 200, 200, 200, 1})
	f.Add(string(c)+"\n", []byte{1, 'r', 1, '5', 1, 'k', 0})
	f.Fuzz(func(t *testing.T, text string, keys []byte) {
		made := append(append([]byte{cursorVersion}, q.digest(keys)...), keys...)
		for _, c := range []Cursor{Cursor(text), Cursor(cursorText.EncodeToString(made))} {
			start, err := q.open(c)
			if err != nil {
				continue
			}
			again, err := q.cursorAt(start)
			if err != nil {
				t.Fatalf("%q opens as %v, which gives no cursor: %v", c, start, err)
			}
			if back, err := q.open(again); err != nil || x.rooms.schema.KeyText(back) != x.rooms.schema.KeyText(start) {
				t.Fatalf("%q opens as %v, its cursor as %v (%v)", c, start, back, err)
			}
			if valueText(start["kind"]) != `"k"` || compareKeys(start["n"], q.lower) < 0 {
				t.Fatalf("%q opens as %v, which the query does not read", c, start)
			}
		}
	})
}
