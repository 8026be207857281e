package ormtest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/vinci-go/vinci/orm"
)

// scanAll reads all pages of a scan: the items' numbers, sorted, and how many
// pages there were.
func scanAll(st orm.Store, r orm.ScanRequest) (numbers string, pages int, err error) {
	var got []string
	for {
		page, err := st.Scan(context.Background(), &r)
		if err != nil {
			return "", 0, err
		}
		pages++
		for _, item := range page.Items {
			got = append(got, text(item["p"])+text(item["n"]))
		}
		if page.Next == nil {
			break
		}
		if r.Start = page.Next; pages > 1000 {
			return "", 0, fmt.Errorf("the pages do not end")
		}
	}
	slices.Sort(got)
	return strings.Join(got, " "), pages, nil
}

func testScan(t *testing.T, s *raw) {
	ctx := context.Background()
	table := rows()
	st := s.newStore(t, table)
	page, err := st.Scan(ctx, &orm.ScanRequest{Table: &table.schema})
	must(t, err)
	s.check(t, "scan/an empty table", same(pageText(page, "n"), "count 0 of 0"))
	var want []string
	for n := range 10 {
		p := fmt.Sprint("p", n%3)
		put(t, st, table, row(p, n, "", 0, nil))
		want = append(want, fmt.Sprintf("S:%sN:%d", p, n))
	}
	slices.Sort(want)
	got, pages, err := scanAll(st, orm.ScanRequest{Table: &table.schema})
	must(t, err)
	s.check(t, "scan/everything", same(got, strings.Join(want, " ")))
	if pages != 1 {
		t.Errorf("%d pages, want 1", pages)
	}
	for _, c := range []struct {
		name           string
		r              orm.ScanRequest
		count, scanned int
		items          bool
	}{
		{"count", orm.ScanRequest{Count: true}, 10, 10, false},
		{"filter", orm.ScanRequest{Filter: cond(orm.CondEq, "y", nil, num("1"))}, 5, 10, true},
		{"count with a filter", orm.ScanRequest{Count: true, Filter: cond(orm.CondEq, "y", nil, num("1"))}, 5, 10, false},
		{"filter on the partition key", orm.ScanRequest{Filter: cond(orm.CondEq, "p", nil, str("p0"))}, 4, 10, true},
		{"filter on the sort key", orm.ScanRequest{Filter: cond(orm.CondLt, "n", nil, num("3"))}, 3, 10, true},
		{"limit", orm.ScanRequest{Limit: 4}, 4, 4, true},
		{"limit is before the filter", orm.ScanRequest{Limit: 4, Filter: cond(orm.CondExists, "none", nil)}, 0, 4, false},
		{"eventual", orm.ScanRequest{Eventual: true}, 10, 10, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.r.Table = &table.schema
			page, err := st.Scan(ctx, &c.r)
			if err == nil {
				err = same(fmt.Sprintf("count %d of %d, items %v, more %v", page.Count, page.Scanned, len(page.Items) == page.Count && page.Count > 0, page.Next != nil),
					fmt.Sprintf("count %d of %d, items %v, more %v", c.count, c.scanned, c.items, c.r.Limit > 0))
			}
			s.check(t, "scan/"+c.name, err)
		})
	}
	// The items of one partition come in the order of the sort key.
	page, err = st.Scan(ctx, &orm.ScanRequest{Table: &table.schema, Filter: cond(orm.CondEq, "p", nil, str("p1"))})
	must(t, err)
	s.check(t, "scan/order within a partition", same(pageText(page, "n"), "1 4 7 of 10"))
}

func testScanPages(t *testing.T, s *raw) {
	table := rows()
	st := s.newStore(t, table)
	for n := range 12 {
		put(t, st, table, row(fmt.Sprint("p", n%4), n, "", 0, orm.Item{"body": str(strings.Repeat("x", 200<<10))}))
	}
	want, _, err := scanAll(st, orm.ScanRequest{Table: &table.schema, Select: []string{"p", "n"}})
	must(t, err)
	if n := len(strings.Fields(want)); n != 12 {
		t.Fatalf("%d items were read, want 12", n)
	}
	for _, c := range []struct {
		name       string
		r          orm.ScanRequest
		least, end int // pages
	}{
		{"by size", orm.ScanRequest{}, 2, 4},
		{"by size, however few attributes are read", orm.ScanRequest{Select: []string{"p", "n"}}, 2, 4},
		{"one by one", orm.ScanRequest{Limit: 1}, 12, 13},
		{"by limit", orm.ScanRequest{Limit: 3}, 4, 5},
		{"by limit, in a segment", orm.ScanRequest{Limit: 1, Segments: 1}, 12, 13},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.r.Table = &table.schema
			got, pages, err := scanAll(st, c.r)
			if err == nil {
				err = same(got, want)
			}
			if err == nil && (pages < c.least || pages > c.end) {
				err = fmt.Errorf("%d pages, want %d to %d", pages, c.least, c.end)
			}
			s.check(t, "scan pages/"+c.name, err)
		})
	}
	// What was deleted since is no obstacle: the start need not be there.
	page, err := st.Scan(context.Background(), &orm.ScanRequest{Table: &table.schema, Limit: 5})
	must(t, err)
	for _, item := range page.Items {
		_, err := st.Do(context.Background(), orm.Action{Op: orm.OpDelete, Table: &table.schema, Key: table.schema.KeyOf(item)})
		must(t, err)
	}
	got, _, err := scanAll(st, orm.ScanRequest{Table: &table.schema, Start: page.Next})
	must(t, err)
	if n := len(strings.Fields(got)); n != 7 {
		err = fmt.Errorf("%d items come after the 5 that were deleted, want 7", n)
	}
	s.check(t, "scan pages/start that is no longer there", err)
}

func testScanSegments(t *testing.T, s *raw) {
	table := rows()
	st := s.newStore(t, table)
	for n := range 60 {
		put(t, st, table, row(fmt.Sprint("p", n%20), n, "", 0, nil))
	}
	want, _, err := scanAll(st, orm.ScanRequest{Table: &table.schema})
	must(t, err)
	for _, segments := range []int32{1, 2, 7, 50} {
		for _, limit := range []int32{0, 2} {
			var all []string
			filled := 0
			for segment := range segments {
				got, _, err := scanAll(st, orm.ScanRequest{Table: &table.schema, Segment: segment, Segments: segments, Limit: limit})
				must(t, err)
				if got != "" {
					filled++
					all = append(all, strings.Fields(got)...)
				}
			}
			slices.Sort(all)
			err := same(strings.Join(all, " "), want) // each item in one segment, and in no other
			if err == nil && segments == 2 && filled < 2 {
				err = fmt.Errorf("20 partitions are in %d of 2 segments", filled)
			}
			s.check(t, fmt.Sprintf("scan segments/%d, limit %d", segments, limit), err)
		}
	}
}

func testScanIndex(t *testing.T, s *raw) {
	ctx := context.Background()
	table := rows()
	st := s.newStore(t, table)
	put(t, st, table, row("a", 1, "g", 1, nil), row("b", 2, "h", 1, nil), row("b", 3, "", 0, nil), row("c", 4, "", 0, orm.Item{"r": num("7")}), row("c", 5, "", 0, orm.Item{"g": str("g")}))
	eventually(t, "2", func() string {
		page, err := st.Scan(ctx, &orm.ScanRequest{Table: &table.schema, Index: "by_group", Eventual: true})
		if err != nil {
			return err.Error()
		}
		return fmt.Sprint(page.Count)
	})
	for _, c := range []struct {
		name string
		r    orm.ScanRequest
		want []orm.Item
	}{
		{"a global index", orm.ScanRequest{Index: "by_group"}, []orm.Item{
			{"p": str("a"), "n": num("1"), "g": str("g"), "r": num("1"), "x": str("x1")}, {"p": str("b"), "n": num("2"), "g": str("h"), "r": num("1"), "x": str("x2")}}},
		{"a local index", orm.ScanRequest{Index: "by_rank"}, []orm.Item{
			{"p": str("a"), "n": num("1"), "r": num("1")}, {"p": str("b"), "n": num("2"), "r": num("1")}, {"p": str("c"), "n": num("4"), "r": num("7")}}},
		{"some attributes of a global index", orm.ScanRequest{Index: "by_group", Select: []string{"x"}}, []orm.Item{{"x": str("x1")}, {"x": str("x2")}}},
		{"attributes that a local index fetches", orm.ScanRequest{Index: "by_rank", Select: []string{"r", "x"}, Filter: cond(orm.CondEq, "r", nil, num("7"))}, []orm.Item{{"r": num("7"), "x": str("x4")}}},
		{"filter by a key of the index", orm.ScanRequest{Index: "by_group", Filter: cond(orm.CondEq, "g", nil, str("h"))}, []orm.Item{
			{"p": str("b"), "n": num("2"), "g": str("h"), "r": num("1"), "x": str("x2")}}},
		{"filter by what the index does not hold", orm.ScanRequest{Index: "by_group", Filter: cond(orm.CondExists, "y", nil)}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.r.Table = &table.schema
			page, err := st.Scan(ctx, &c.r)
			if err == nil {
				err = same(itemTexts(page.Items, true), itemTexts(c.want, true))
			}
			s.check(t, "scan index/"+c.name, err)
		})
	}
	got, pages, err := scanAll(st, orm.ScanRequest{Table: &table.schema, Index: "by_group", Limit: 1})
	if err == nil {
		err = same(fmt.Sprint(got, " in ", pages > 1), "S:aN:1 S:bN:2 in true")
	}
	s.check(t, "scan index/page by page", err)
}

func testRefusedScans(t *testing.T, s *raw) {
	table := rows()
	st := s.newStore(t, table)
	put(t, st, table, row("p", 1, "g", 1, nil))
	for _, c := range []struct {
		name string
		r    orm.ScanRequest
	}{
		{"segment beyond the last", orm.ScanRequest{Segment: 5, Segments: 5}},
		{"negative segment", orm.ScanRequest{Segment: -1, Segments: 5}},
		{"segment without their number", orm.ScanRequest{Segment: 1}},
		{"too many segments", orm.ScanRequest{Segments: 1000001}},
		{"negative limit", orm.ScanRequest{Limit: -1}},
		{"no such index", orm.ScanRequest{Index: "by_color"}},
		{"attributes that a global index does not hold", orm.ScanRequest{Index: "by_group", Select: []string{"y"}}},
		{"start without the sort key", orm.ScanRequest{Start: orm.Item{"p": str("p")}}},
		{"start of another type", orm.ScanRequest{Start: orm.Item{"p": num("1"), "n": num("1")}}},
		{"start with another attribute", orm.ScanRequest{Start: orm.Item{"p": str("p"), "n": num("1"), "x": str("x")}}},
		{"start of the table in an index", orm.ScanRequest{Index: "by_rank", Start: orm.Item{"p": str("p"), "n": num("1")}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.r.Table = &table.schema
			_, err := st.Scan(context.Background(), &c.r)
			s.check(t, "refused scan/"+c.name, ofKind(err, orm.KindValidation))
		})
	}
	// A start is in one of two segments.
	refused := 0
	for segment := range int32(2) {
		if _, err := st.Scan(context.Background(), &orm.ScanRequest{Table: &table.schema, Segment: segment, Segments: 2, Start: orm.Item{"p": str("p"), "n": num("1")}}); err != nil {
			must(t, ofKind(err, orm.KindValidation))
			refused++
		}
	}
	s.check(t, "refused scan/start in another segment", same(fmt.Sprint(refused, " refused"), "1 refused"))
}
