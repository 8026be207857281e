package ormtest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/vinci-go/vinci/orm"
)

// TestIndexesFollow writes at random and compares each index with what the items
// say should be in it, in order.
func TestIndexesFollow(t *testing.T) {
	ctx := context.Background()
	rapid.Check(t, func(t *rapid.T) {
		m, table := New(), rows()
		model := map[string]orm.Item{}
		for range rapid.IntRange(1, 60).Draw(t, "writes") {
			p, n := rapid.SampledFrom([]string{"p", "q"}).Draw(t, "p"), rapid.IntRange(0, 4).Draw(t, "n")
			key := rowKey(p, n)
			id := itemText(key)
			if rapid.IntRange(0, 3).Draw(t, "delete") == 0 {
				if _, err := m.Do(ctx, orm.Action{Op: orm.OpDelete, Table: &table.schema, Key: key}); err != nil {
					t.Fatal(err)
				}
				delete(model, id)
				continue
			}
			item := rowKey(p, n)
			if rapid.Bool().Draw(t, "grouped") {
				item["g"] = str(rapid.SampledFrom([]string{"g", "h"}).Draw(t, "g"))
			}
			if rapid.Bool().Draw(t, "ranked") {
				item["r"] = num(rapid.SampledFrom([]string{"1", "2", "10", "-1", "1.0"}).Draw(t, "r"))
			}
			if _, err := m.Do(ctx, orm.Action{Op: orm.OpPut, Table: &table.schema, Item: item}); err != nil {
				t.Fatal(err)
			}
			model[id] = normalItem(item)
		}
		for _, x := range []struct{ index, hash, sort string }{{"by_group", "g", "r"}, {"by_rank", "p", "r"}, {"", "p", "n"}} {
			byHash := map[string][]orm.Item{}
			for _, item := range model {
				if item[x.hash] != nil && item[x.sort] != nil {
					byHash[text(item[x.hash])] = append(byHash[text(item[x.hash])], item)
				}
			}
			total := 0
			for _, hash := range []string{"g", "h", "p", "q"} {
				page, err := m.Query(ctx, &orm.QueryRequest{Table: &table.schema, Index: x.index, Hash: str(hash), Select: []string{"p", "n", x.sort}})
				if err != nil {
					t.Fatal(err)
				}
				want := byHash[text(str(hash))]
				slices.SortFunc(want, func(a, b orm.Item) int {
					for _, name := range []string{x.sort, "p", "n"} {
						if o := order(a[name], b[name]); o != 0 {
							return o
						}
					}
					return 0
				})
				for i := range want {
					want[i] = pick(want[i], []string{"p", "n", x.sort})
				}
				if got, want := itemTexts(page.Items, false), itemTexts(want, false); got != want {
					t.Fatalf("index %q, partition %q holds\n%s\nwant\n%s", x.index, hash, got, want)
				}
				total += len(want)
			}
			page, err := m.Scan(ctx, &orm.ScanRequest{Table: &table.schema, Index: x.index})
			if err != nil || page.Count != total {
				t.Fatalf("a scan of index %q finds %d items, %v; want %d", x.index, page.Count, err, total)
			}
		}
	})
}

// TestScanWhileWriting: an item that is there from before the scan to its end is
// read once, however much comes and goes meanwhile.
func TestScanWhileWriting(t *testing.T) {
	ctx := context.Background()
	rapid.Check(t, func(t *rapid.T) {
		m, table := New(), docs()
		do := func(op orm.Op, id string) {
			a := orm.Action{Op: op, Table: &table.schema, Key: orm.Item{"id": str(id)}}
			if op == orm.OpPut {
				a.Key, a.Item = nil, a.Key
			}
			if _, err := m.Do(ctx, a); err != nil {
				t.Fatal(err)
			}
		}
		const stay = 30
		for i := range stay {
			do(orm.OpPut, fmt.Sprint("stay", i))
		}
		r := orm.ScanRequest{Table: &table.schema, Limit: rapid.Int32Range(1, 9).Draw(t, "limit")}
		seen := map[string]int{}
		for {
			for range rapid.IntRange(0, 4).Draw(t, "writes") {
				do(rapid.SampledFrom([]orm.Op{orm.OpPut, orm.OpDelete}).Draw(t, "op"), fmt.Sprint("go", rapid.IntRange(0, 9).Draw(t, "id")))
			}
			page, err := m.Scan(ctx, &r)
			if err != nil {
				t.Fatal(err)
			}
			for _, item := range page.Items {
				seen[text(item["id"])]++
			}
			if r.Start = page.Next; page.Next == nil {
				break
			}
		}
		for i := range stay {
			if n := seen[text(str(fmt.Sprint("stay", i)))]; n != 1 {
				t.Fatalf("item %d was read %d times", i, n)
			}
		}
	})
}

// TestScanOrder: it is the same in each run, and segments are parts of it.
func TestScanOrder(t *testing.T) {
	m, table := New(), docs()
	for i := range 1000 {
		put(t, m, table, orm.Item{"id": str(fmt.Sprint(i))})
	}
	const segments = 10
	var parts []string
	for segment := range int32(segments) {
		page, err := m.Scan(context.Background(), &orm.ScanRequest{Table: &table.schema, Segment: segment, Segments: segments})
		must(t, err)
		if page.Count < 60 || page.Count > 140 {
			t.Errorf("segment %d has %d of 1000 items: they are not spread", segment, page.Count)
		}
		parts = append(parts, itemTexts(page.Items, false))
	}
	page, err := m.Scan(context.Background(), &orm.ScanRequest{Table: &table.schema})
	must(t, err)
	if itemTexts(page.Items, false) != strings.Join(parts, "\n     ") {
		t.Error("the segments one after the other are not the whole")
	}
	if first := text(page.Items[0]["id"]); first != "S:829" {
		t.Errorf("a scan begins with %s: its order has changed", first)
	}
}

// TestNewIndex: a definition that has an index more finds it filled.
func TestNewIndex(t *testing.T) {
	m, before, after := New(), rows(), rows()
	before.schema.Indexes = nil
	put(t, m, before, row("p", 1, "g", 1, nil), row("p", 2, "", 0, nil), row("p", 3, "", 0, orm.Item{"g": num("1"), "r": num("1")}))
	page, err := m.Query(context.Background(), &orm.QueryRequest{Table: &after.schema, Index: "by_group", Hash: str("g")})
	must(t, err)
	if got := pageText(page, "n"); got != "1 of 1" {
		t.Errorf("the new index answers %q", got)
	}
	put(t, m, before, row("p", 4, "g", 2, nil)) // written by the definition without it
	page, err = m.Query(context.Background(), &orm.QueryRequest{Table: &after.schema, Index: "by_group", Hash: str("g")})
	must(t, err)
	if got := pageText(page, "n"); got != "1 4 of 2" {
		t.Errorf("the index does not follow: %q", got)
	}
}

// TestIndexCapacity: an index that does not see a write costs nothing, one where
// the item moves costs twice.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/GSI.html#GSI.ThroughputConsiderations.Writes
func TestIndexCapacity(t *testing.T) {
	m, table := New(), rows()
	for _, c := range []struct {
		name    string
		changes []orm.Change
		want    string
	}{
		{"not in the index", changes(set(str("1"), "x")), "rows=0+1"},
		{"comes into it", changes(set(str("g"), "g"), set(num("1"), "r")), "rows=0+1 by_group=0+1 by_rank=0+1"},
		{"changes what it does not hold", changes(set(str("2"), "y")), "rows=0+1"},
		{"changes what one of them holds", changes(set(str("2"), "x")), "rows=0+1 by_group=0+1"},
		{"changes nothing", changes(set(str("2"), "x")), "rows=0+1"},
		{"moves in one of them", changes(set(str("h"), "g")), "rows=0+1 by_group=0+2"},
		{"moves in both", changes(set(num("2"), "r")), "rows=0+1 by_group=0+2 by_rank=0+2"},
		{"leaves one of them", changes(remove("g")), "rows=0+1 by_group=0+1"},
		{"grows", changes(set(str(strings.Repeat("x", 5000)), "z")), "rows=0+5"},
	} {
		ctx, used := orm.WithCapacity(context.Background())
		_, err := m.Do(ctx, orm.Action{Op: orm.OpUpdate, Table: &table.schema, Key: rowKey("p", 1), Changes: c.changes})
		must(t, err)
		if got := capacityText(used); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
	put(t, m, table, row("p", 2, "g", 3, nil))
	for _, c := range []struct {
		name string
		r    orm.QueryRequest
		want string
	}{
		{"global index", orm.QueryRequest{Index: "by_group", Hash: str("g")}, "by_group=0.5+0"},
		{"local index", orm.QueryRequest{Index: "by_rank", Hash: str("p")}, "by_rank=1+0"},
		{"what a local index fetches, 5 KB and a little", orm.QueryRequest{Index: "by_rank", Hash: str("p"), Select: []string{"x"}}, "rows=3+0 by_rank=1+0"},
	} {
		ctx, used := orm.WithCapacity(context.Background())
		c.r.Table = &table.schema
		_, err := m.Query(ctx, &c.r)
		must(t, err)
		if got := capacityText(used); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

func capacityText(used *orm.Capacity) string {
	var out []string
	for _, c := range used.Tables() {
		name := c.Index
		if name == "" {
			name = c.Table
		}
		out = append(out, fmt.Sprintf("%s=%v+%v", name, c.Read, c.Write))
	}
	return strings.Join(out, " ")
}

// TestBatchGetEndsAt16MB: what is beyond it is left for another request.
func TestBatchGetEndsAt16MB(t *testing.T) {
	m, table := New(), docs()
	body := str(strings.Repeat("x", 390<<10))
	var keys []orm.Item
	for i := range 50 {
		key := orm.Item{"id": str(fmt.Sprint(i))}
		keys = append(keys, key)
		put(t, m, table, orm.Item{"id": key["id"], "body": body})
	}
	seen := map[string]bool{}
	rounds := 0
	for ; len(keys) > 0; rounds++ {
		got, err := m.BatchGet(context.Background(), &orm.BatchGetRequest{Table: &table.schema, Keys: keys})
		must(t, err)
		size := 0
		for _, item := range got.Items {
			size += orm.ItemSize(item)
			seen[text(item["id"])] = true
		}
		if size > batchBytes || len(got.Items) == 0 {
			t.Fatalf("an answer has %d items of %d bytes", len(got.Items), size)
		}
		keys = got.Unprocessed
	}
	if rounds != 2 || len(seen) != 50 {
		t.Errorf("%d items in %d answers, want 50 in 2", len(seen), rounds)
	}
}
