package ormtest_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"pgregory.net/rapid"

	"github.com/vinci-go/vinci/orm"
	"github.com/vinci-go/vinci/orm/ormtest"
)

type leaf struct {
	Tree  string `dynamo:"tree,hash"`
	Name  string `dynamo:"name,range"`
	Color string `dynamo:"color" index:"by_color,hash"`
	Size  int    `dynamo:"size" index:"by_color,range"`
}

var (
	leaves  = orm.Define[leaf, orm.Pair[string, string]]("leaves")
	byColor = orm.IndexOf(leaves, func(l *leaf) *string { return &l.Color }, func(l *leaf) *int { return &l.Size })
	size    = orm.Attr(leaves, func(l *leaf) *int { return &l.Size })
)

func drawLeaf(t *rapid.T, tree string) leaf {
	return leaf{
		Tree: tree, Name: rapid.StringMatching(`[a-cä😀]{1,3}`).Draw(t, "name"),
		Color: tree + rapid.SampledFrom([]string{"red", "green"}).Draw(t, "color"), Size: rapid.IntRange(-2, 2).Draw(t, "size"),
	}
}

// pagesHoldAll reads page by page, with limits drawn anew each time and writes in
// between: what is there all the time comes exactly once, in order; without
// writes, the pages hold what All yields.
func pagesHoldAll(t *testing.T, st orm.Store) {
	trees := 0
	rapid.Check(t, func(t *rapid.T) {
		ctx := t.Context()
		trees++
		tree := fmt.Sprintf("tree%d", trees)
		there := map[string]leaf{}
		for _, l := range rapid.SliceOfN(rapid.Custom(func(t *rapid.T) leaf { return drawLeaf(t, tree) }), 0, 30).Draw(t, "leaves") {
			there[l.Name] = l
			if err := orm.Exec(ctx, st, leaves.Put(l)); err != nil {
				t.Fatal(err)
			}
		}
		q := orm.QueryTable(leaves, tree)
		index := byColor.Query(tree + "red")
		if rapid.Bool().Draw(t, "descending") {
			q, index = q.Descending(), index.Descending()
		}
		switch rapid.IntRange(0, 5).Draw(t, "bounds") {
		case 0:
			q, index = q.From("b"), index.From(0)
		case 1:
			q, index = q.Before("ä"), index.Before(1)
		case 2:
			q, index = q.Prefix("a"), index.After(-1)
		case 3:
			q, index = q.From("aa").To("cc"), index.From(-1).To(1)
		}
		if rapid.Bool().Draw(t, "filter") {
			q = q.Filter(size.Ge(0))
		}
		read := func(page func(limit int, c orm.Cursor) (orm.PageOf[leaf], error), between func()) []leaf {
			var got []leaf
			var cursor orm.Cursor
			for range 200 {
				limit := rapid.IntRange(1, 12).Draw(t, "limit")
				p, err := page(limit, cursor)
				if err != nil {
					t.Fatal(err)
				}
				if len(p.Items) > limit {
					t.Fatalf("a page of %d has %d items", limit, len(p.Items))
				}
				got = append(got, p.Items...)
				if cursor = p.Next; cursor == "" {
					return got
				}
				if between != nil {
					between()
				}
			}
			t.Fatal("the pages do not end")
			return nil
		}
		all := func(s func(func(leaf, error) bool)) []leaf {
			var out []leaf
			for l, err := range s {
				if err != nil {
					t.Fatal(err)
				}
				out = append(out, l)
			}
			return out
		}
		table := func(limit int, c orm.Cursor) (orm.PageOf[leaf], error) {
			return q.Limit(limit).StartAt(c).Page(ctx, st)
		}
		want := all(q.All(ctx, st))
		if got := read(table, nil); !slices.Equal(got, want) {
			t.Fatalf("the pages hold %v, want %v", got, want)
		}
		indexed := all(index.All(ctx, st))
		if got := read(func(limit int, c orm.Cursor) (orm.PageOf[leaf], error) {
			return index.Limit(limit).StartAt(c).Page(ctx, st)
		}, nil); !slices.Equal(got, indexed) {
			t.Fatalf("the pages of the index hold %v, want %v", got, indexed)
		}

		touched := map[string]bool{}
		got := read(table, func() {
			l := drawLeaf(t, tree)
			touched[l.Name] = true
			w := leaves.Put(l)
			if rapid.Bool().Draw(t, "delete") {
				w = leaves.Delete(orm.Key(l.Tree, l.Name))
			}
			if err := orm.Exec(ctx, st, w); err != nil {
				t.Fatal(err)
			}
		})
		names := func(list []leaf) (out []string) {
			for _, l := range list {
				if !touched[l.Name] {
					out = append(out, l.Name)
				}
			}
			return out
		}
		if got, want := names(got), names(want); !slices.Equal(got, want) {
			t.Fatalf("while others were written the pages held %v, want %v", got, want)
		}
	})
}

func TestPagesHoldAll(t *testing.T) {
	pagesHoldAll(t, ormtest.New())
}

func TestEnginePagesHoldAll(t *testing.T) {
	pagesHoldAll(t, ormtest.StartEngine(t).Store(t, leaves))
}

// An import of an export makes the same table again, whatever is in it.
func TestExportAgain(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ctx := t.Context()
		st := ormtest.New()
		for range rapid.IntRange(0, 40).Draw(t, "items") {
			item := drawKey(t)
			for _, path := range []string{"a", "n", "x"} {
				if rapid.Bool().Draw(t, "there") {
					item[path] = values.Draw(t, path)
				}
			}
			if _, err := st.Do(ctx, orm.Action{Op: orm.OpPut, Table: cells.Schema(), Item: item}); err != nil {
				t.Fatal(err)
			}
		}
		export := func(st orm.Store) string {
			var out bytes.Buffer
			n, err := orm.Export(ctx, st, cells, &out)
			if err != nil {
				t.Fatal(err)
			}
			lines := strings.SplitAfter(out.String(), "\n")
			if int(n) != len(lines)-1 {
				t.Fatalf("%d items are %d lines", n, len(lines)-1)
			}
			slices.Sort(lines)
			return strings.Join(lines, "")
		}
		first, other := export(st), ormtest.New()
		if _, err := orm.Import(ctx, other, cells, strings.NewReader(first)); err != nil {
			t.Fatal(err)
		}
		if second := export(other); first != second {
			t.Fatalf("came back as\n%s\nfrom\n%s", second, first)
		}
	})
}

// Tools read tables whose Go types they do not have.
func TestReadingAtRunTime(t *testing.T) {
	ctx := t.Context()
	m := ormtest.New()
	var keys []orm.Item
	for i := range 5 {
		l := leaf{Tree: "t", Name: fmt.Sprint(i), Color: "red", Size: i}
		exec(t, m, leaves.Put(l))
		keys = append(keys, orm.Item{"tree": &types.AttributeValueMemberS{Value: "t"}, "name": &types.AttributeValueMemberS{Value: l.Name}})
	}
	table := orm.DefineSchema(leaves.Schema())
	n := 0
	for item, err := range table.Scan().Limit(4).All(ctx, m) {
		if err != nil {
			t.Fatal(err)
		}
		if l, err := leaves.Decode(item); err != nil || l.Size != n {
			t.Errorf("item %d is %+v (%v)", n, l, err)
		}
		n++
	}
	page, err := table.Scan().Limit(3).Page(ctx, m)
	if err != nil || len(page.Items) != 3 || page.Next == "" || n != 4 {
		t.Errorf("the page is %+v (%v)", page, err)
	}
	got, err := table.GetBatch(ctx, m, append(keys, keys[0]))
	if err != nil || len(got) != 6 || got[5] == nil || (*got[4])["size"].(*types.AttributeValueMemberN).Value != "4" {
		t.Errorf("the batch is %v (%v)", got, err)
	}
	var item orm.Item
	if err := orm.TransactGet(ctx, m, table.Into(&item, keys[2])); err != nil || item["color"] == nil {
		t.Errorf("read %v (%v)", item, err)
	}
	if err := table.DeleteBatch(ctx, m, keys[1:]); err != nil {
		t.Error(err)
	}
	if n, err := table.Scan().Count(ctx, m); err != nil || n != 1 {
		t.Errorf("%d are left (%v)", n, err)
	}
	if err := table.PutBatch(ctx, m, []orm.Item{item}); err != nil {
		t.Error(err)
	}
	var out bytes.Buffer
	if n, err := orm.Export(ctx, m, table, &out); err != nil || n != 2 {
		t.Errorf("%d lines (%v)", n, err)
	}
}
