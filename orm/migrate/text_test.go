package migrate

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"pgregory.net/rapid"

	"github.com/vinci-go/vinci/orm"
)

func s(v string) types.AttributeValue { return &types.AttributeValueMemberS{Value: v} }
func n(v string) types.AttributeValue { return &types.AttributeValueMemberN{Value: v} }

func TestActionText(t *testing.T) {
	table := &orm.Schema{Name: "users", Hash: "id", Attributes: []orm.AttributeSchema{
		{Name: "id", Type: "S"}, {Name: "name", Type: "S"}, {Name: "password", Type: "S", Hidden: true}, {Name: "iban", Type: "S", Masked: true}}}
	key := orm.Item{"id": s("u1")}
	update := func(c orm.Change) orm.Action {
		return orm.Action{Op: orm.OpUpdate, Table: table, Key: key, Changes: []orm.Change{c}}
	}
	when := func(c orm.Cond) orm.Action { return orm.Action{Op: orm.OpCheck, Table: table, Key: key, If: &c} }
	tests := []struct {
		action orm.Action
		want   string
	}{
		{orm.Action{Op: orm.OpDelete, Table: table, Key: key}, `delete users "u1"`},
		{orm.Action{Op: orm.OpPut, Table: table, Item: orm.Item{"zip": n("1"), "name": s("Ann"), "id": s("u1"), "password": s("p"), "iban": s("DE1")}},
			`put users "u1": id = "u1", name = "Ann", password = ***, iban = ***, zip = 1`},
		{orm.Action{Op: orm.OpUpdate, Table: table, Key: key, Changes: []orm.Change{
			{Op: orm.ChangeSet, Path: "name", Value: s("Ann")}, {Op: orm.ChangeRemove, Path: "zip"}}}, `update users "u1": set name = "Ann"; remove zip`},
		{update(orm.Change{Op: orm.ChangeSet, Path: "iban", Value: s("DE1")}), `update users "u1": set iban = ***`},
		{update(orm.Change{Op: orm.ChangeSetIfNotExists, Path: "n", Value: n("1")}), `update users "u1": set n = if_not_exists(n, 1)`},
		{update(orm.Change{Op: orm.ChangeAdd, Path: "n", Value: n("1")}), `update users "u1": add n 1`},
		{update(orm.Change{Op: orm.ChangeDelete, Path: "tags", Value: &types.AttributeValueMemberSS{Value: []string{"a", "b"}}}), `update users "u1": delete tags ["a", "b"]`},
		{update(orm.Change{Op: orm.ChangeAppend, Path: "l", Value: &types.AttributeValueMemberL{Value: []types.AttributeValue{n("1"), &types.AttributeValueMemberNULL{Value: true}}}}), `update users "u1": set l = list_append(l, [1, null])`},
		{update(orm.Change{Op: orm.ChangePrepend, Path: "l", Value: &types.AttributeValueMemberNS{Value: []string{"1"}}}), `update users "u1": set l = list_append([1], l)`},
		{update(orm.Change{Op: orm.ChangeIncrement, Path: "m", Into: []orm.Step{{Name: "a"}, {Index: 3}}, Value: n("2")}), `update users "u1": set m.a[3] = m.a[3] + 2`},
		{update(orm.Change{Op: orm.ChangeSet, Path: "b", Value: &types.AttributeValueMemberB{Value: []byte{1, 255}}}), `update users "u1": set b = 0x01ff`},
		{update(orm.Change{Op: orm.ChangeSet, Path: "m", Value: &types.AttributeValueMemberM{Value: orm.Item{"b": &types.AttributeValueMemberBOOL{Value: true}, "a": &types.AttributeValueMemberBS{Value: [][]byte{{1}}}}}}),
			`update users "u1": set m = {"a": [0x01], "b": true}`},
		{when(orm.Cond{Op: orm.CondAnd, Of: []*orm.Cond{{Op: orm.CondEq, Path: "a", Values: []types.AttributeValue{n("1")}}, {Op: orm.CondNot, Of: []*orm.Cond{{Op: orm.CondExists, Path: "b"}}}}}),
			`check users "u1" if (a = 1 and not attribute_exists(b))`},
		{when(orm.Cond{Op: orm.CondOr, Of: []*orm.Cond{{Op: orm.CondIn, Path: "a", Values: []types.AttributeValue{n("1"), n("2")}}, {Op: orm.CondNotExists, Path: "b"}}}),
			`check users "u1" if (a in (1, 2) or attribute_not_exists(b))`},
		{when(orm.Cond{Op: orm.CondBetween, Path: "a", Size: true, Values: []types.AttributeValue{n("1"), n("2")}}), `check users "u1" if size(a) between 1 and 2`},
		{when(orm.Cond{Op: orm.CondBeginsWith, Path: "iban", Values: []types.AttributeValue{s("DE")}}), `check users "u1" if begins_with(iban, ***)`},
		{when(orm.Cond{Op: orm.CondContains, Path: "a", Values: []types.AttributeValue{s("x")}}), `check users "u1" if contains(a, "x")`},
		{when(orm.Cond{Op: orm.CondNe, Path: "a", Values: []types.AttributeValue{s("x")}}), `check users "u1" if a <> "x"`},
		{when(orm.Cond{Op: orm.CondLt, Path: "a", Values: []types.AttributeValue{n("1")}}), `check users "u1" if a < 1`},
		{when(orm.Cond{Op: orm.CondLe, Path: "a", Values: []types.AttributeValue{n("1")}}), `check users "u1" if a <= 1`},
		{when(orm.Cond{Op: orm.CondGt, Path: "a", Values: []types.AttributeValue{n("1")}}), `check users "u1" if a > 1`},
		{when(orm.Cond{Op: orm.CondGe, Path: "a", Values: []types.AttributeValue{n("1")}}), `check users "u1" if a >= 1`},
	}
	for _, tt := range tests {
		if got := actionText(&tt.action); got != tt.want {
			t.Errorf("got  %s\nwant %s", got, tt.want)
		}
	}
	long := update(orm.Change{Op: orm.ChangeSet, Path: "a", Value: s(strings.Repeat("ü", 500))})
	if got := actionText(&long); len(got) > 200 || !strings.HasSuffix(got, "ü…") {
		t.Errorf("a long value: %s", got)
	}
}

// A line of progress every two seconds on a terminal, written over itself, every
// ten elsewhere; with the share and the time that is left where the count is
// known.
func TestProgress(t *testing.T) {
	run := func(terminal bool, items int64) string {
		w := newWorld(t, 250)
		var out bytes.Buffer
		o := w.options()
		o.Rate, o.Progress, o.Terminal, o.Items = 10, &out, terminal, items
		if _, err := w.run(t.Context(), o, toCents); err != nil {
			t.Fatal(err)
		}
		return out.String()
	}
	plain := run(false, 0)
	if !strings.HasPrefix(plain, "to_cents: table accounts of deployment test, at most 10 items a second\n") || strings.Count(plain, "\n") != 3 || strings.Contains(plain, "\r") || strings.Contains(plain, "left") {
		t.Errorf("plain:\n%s", plain)
	}
	terminal := run(true, 500) // as many items of unique values are read
	if strings.Count(terminal, "\r\x1b[K") != 13 || !strings.HasSuffix(terminal, "\r\x1b[K") {
		t.Errorf("terminal:\n%q", terminal)
	}
	if !strings.Contains(terminal, " of about 500 items (") || !strings.Contains(terminal, " %), ") || !strings.Contains(terminal, " changed, about ") {
		t.Errorf("terminal:\n%q", terminal)
	}
}

// Trying again what has failed tells how far it is, too, and does not count into
// the rate of what comes after.
func TestProgressOfTryingAgain(t *testing.T) {
	w := newWorld(t, 100)
	o := w.options()
	o.MaxFailures = 80
	if s, err := w.run(t.Context(), o, func(context.Context, account) ([]orm.Write, error) { return nil, errors.New("bad") }); !errors.Is(err, ErrFailures) || len(s.Failures) != 80 {
		t.Fatalf("%+v, %v", s, err)
	}
	var out bytes.Buffer
	o.Progress, o.Rate = &out, 2
	if _, err := w.run(t.Context(), o, toCents); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"to_cents: tried 21 of 80 failed items again, 0 failed\n", "to_cents: tried 61 of 80 failed items again, 0 failed\n", ", 2 a second, "} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, &out)
		}
	}
}

func TestLine(t *testing.T) {
	c := &clock{t: time.Unix(0, 0)}
	r := &runner{name: "m", table: &orm.Schema{Name: "t"}, Options: Options{Items: 200_000, Rate: 100, Now: c.now, Progress: &bytes.Buffer{}}.withDefaults(),
		state: &state{Segments: []segment{{Read: 1000}, {Read: 500}}, Failures: []Failure{{}}}}
	b := newBar(r, true)
	must(t, c.sleep(t.Context(), 10*time.Second))
	r.state.Segments[1] = segment{Read: 1500, Changed: 1234}
	if got, want := b.line(c.now()), "m: 2,500 of about 200,000 items (1 %), 100 a second, 1,234 changed, 1 failed, about 33m0s left"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	r.Items = 2000 // the count was old
	if got, want := b.line(c.now()), "m: 2,500 items, 100 a second, 1,234 changed, 1 failed"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if got, want := r.Progress.(*bytes.Buffer).String(), "m: table t of deployment , at most 100 items a second, 2 segments\nm: going on after 1,500 items, the 1 that failed first\n"; got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestRemaining(t *testing.T) {
	for want, d := range map[string]time.Duration{"0s": 0, "59s": 59 * time.Second, "1m0s": 62 * time.Second, "1m10s": 66 * time.Second, "1h1m": 61*time.Minute + 3*time.Second} {
		if got := remaining(d); got != want {
			t.Errorf("%v: %s, want %s", d, got, want)
		}
	}
}

func TestGrouped(t *testing.T) {
	for n, want := range map[int64]string{0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567"} {
		if got := grouped(n); got != want {
			t.Errorf("%d: %s, want %s", n, got, want)
		}
	}
}

// A state comes back from its file as it was.
func TestFileKeepsTheState(t *testing.T) {
	key := rapid.Custom(func(t *rapid.T) itemKey {
		switch rapid.IntRange(0, 3).Draw(t, "kind") {
		case 0:
			return nil
		case 1:
			return itemKey{"id": s(rapid.String().Draw(t, "hash"))}
		case 2:
			return itemKey{"id": s("x"), "n": n("12.5")}
		}
		return itemKey{"b": &types.AttributeValueMemberB{Value: rapid.SliceOfN(rapid.Byte(), 1, 9).Draw(t, "bytes")}}
	})
	f := file(filepath.Join(t.TempDir(), "deep", "er", "x.json"))
	if got, err := f.load(); got != nil || err != nil {
		t.Fatalf("no file: %v, %v", got, err)
	}
	rapid.Check(t, func(t *rapid.T) {
		in := &state{Name: "m", Deployment: "d", Table: "t", Hash: "id", Started: time.Unix(1, 2).UTC()}
		for range rapid.IntRange(1, 3).Draw(t, "segments") {
			in.Segments = append(in.Segments, segment{Next: key.Draw(t, "next"), Read: 5, Looked: 4, Changed: 2, Skipped: 1, Done: rapid.Bool().Draw(t, "done")})
		}
		if rapid.Bool().Draw(t, "failed") {
			in.Failures = []Failure{{Key: "k", Reason: "r", Item: itemKey{"id": s("x")}}}
		}
		if err := f.save(in); err != nil {
			t.Fatal(err)
		}
		out, err := f.load()
		if err != nil || !reflect.DeepEqual(in, out) {
			t.Fatalf("%v\ngot  %+v\nwant %+v", err, out, in)
		}
	})
}

func TestBrokenCheckpoint(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.json")
	for _, text := range []string{"", "{", `{"nome":"x"}`, `{"segments":[{"next":{"id":{"M":"x"}}}]}`, `{"segments":[{"next":{"id":{"S":"x","N":"1"}}}]}`, `{"segments":[{"next":{"id":{"B":"!"}}}]}`} {
		must(t, os.WriteFile(path, []byte(text), 0o600))
		if _, err := file(path).load(); err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "--restart") {
			t.Errorf("%q: %v", text, err)
		}
	}
	if _, err := json.Marshal(itemKey{"id": &types.AttributeValueMemberBOOL{}}); err == nil {
		t.Error("a boolean is a key")
	}
	// A folder that cannot be made is known before the first write.
	w := newWorld(t, 1)
	o := w.options()
	o.Checkpoint = filepath.Join(path, "below", "a", "file.json")
	called := false
	if _, err := Run(t.Context(), "m", accounts, func(context.Context, account) ([]orm.Write, error) { called = true; return nil, nil }, o); err == nil || called {
		t.Errorf("%v, called %v", err, called)
	}
}
