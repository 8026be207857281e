package ormtest

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/vinci-go/vinci/orm"
)

// row is an item of rows: in partition p, with number n, rank r in group g.
func row(p string, n int, g string, r int, more orm.Item) orm.Item {
	out := orm.Item{"p": str(p), "n": num(fmt.Sprint(n)), "x": str(fmt.Sprint("x", n)), "y": num(fmt.Sprint(n % 2))}
	if g != "" {
		out["g"], out["r"] = str(g), num(fmt.Sprint(r))
	}
	for name, v := range more {
		out[name] = v
	}
	return out
}

// pageText writes a page as "1 2 3 of 5 next 3": the numbers of its items, how
// many were looked at, where it goes on.
func pageText(p *orm.Page, attribute string) string {
	var out []string
	for _, item := range p.Items {
		out = append(out, strings.TrimPrefix(text(item[attribute]), kind(item[attribute])+":"))
	}
	if len(p.Items) == 0 {
		out = append(out, fmt.Sprint("count ", p.Count))
	} else if len(p.Items) != p.Count {
		out = append(out, fmt.Sprintf("(count %d)", p.Count))
	}
	out = append(out, fmt.Sprint("of ", p.Scanned))
	if p.Next != nil {
		out = append(out, "next "+strings.TrimPrefix(text(p.Next[attribute]), kind(p.Next[attribute])+":"))
	}
	return strings.Join(out, " ")
}

func testRawQuery(t *testing.T, s *raw) {
	table, byText := rows(), texts()
	st := s.newStore(t, table, byText)
	for n := range 7 {
		put(t, st, table, row("p", n, "", 0, nil))
	}
	put(t, st, table, row("q", 3, "", 0, nil))
	for _, w := range []string{"a", "ab", "abc", "abd", "ac", "b", "ä", "z", "\U0010ffff"} {
		put(t, st, byText, orm.Item{"p": str("p"), "s": str(w)})
	}
	odd := cond(orm.CondEq, "y", nil, num("1"))
	start := orm.Item{"p": str("p"), "n": num("2.0")}
	between := orm.Item{"p": str("p"), "n": num("2.5")}
	for _, c := range []struct {
		name string
		r    orm.QueryRequest
		want string
	}{
		{"all", orm.QueryRequest{}, "0 1 2 3 4 5 6 of 7"},
		{"eventual", orm.QueryRequest{Eventual: true}, "0 1 2 3 4 5 6 of 7"},
		{"from", orm.QueryRequest{From: num("3")}, "3 4 5 6 of 4"},
		{"after", orm.QueryRequest{From: num("3"), FromExcluded: true}, "4 5 6 of 3"},
		{"after a number that is not there", orm.QueryRequest{From: num("3.5"), FromExcluded: true}, "4 5 6 of 3"},
		{"to", orm.QueryRequest{To: num("3")}, "0 1 2 3 of 4"},
		{"before", orm.QueryRequest{To: num("3"), ToExcluded: true}, "0 1 2 of 3"},
		{"between", orm.QueryRequest{From: num("2"), To: num("4.0")}, "2 3 4 of 3"},
		{"at", orm.QueryRequest{From: num("2"), To: num("2")}, "2 of 1"},
		{"nothing", orm.QueryRequest{From: num("7")}, "count 0 of 0"},
		{"descending after", orm.QueryRequest{From: num("3"), FromExcluded: true, Descending: true}, "6 5 4 of 3"},
		{"descending before", orm.QueryRequest{To: num("3"), ToExcluded: true, Descending: true}, "2 1 0 of 3"},
		{"limit", orm.QueryRequest{Limit: 3}, "0 1 2 of 3 next 2"},
		{"limit of just as many", orm.QueryRequest{Limit: 7}, "0 1 2 3 4 5 6 of 7 next 6"},
		{"filter", orm.QueryRequest{Filter: odd}, "1 3 5 of 7"},
		{"limit is before the filter", orm.QueryRequest{Filter: odd, Limit: 3}, "1 of 3 next 2"},
		{"a page that the filter leaves empty", orm.QueryRequest{Filter: odd, Limit: 1}, "count 0 of 1 next 0"},
		{"filter with bounds", orm.QueryRequest{Filter: odd, From: num("2"), To: num("5")}, "3 5 of 4"},
		{"count", orm.QueryRequest{Count: true}, "count 7 of 7"},
		{"count with a filter", orm.QueryRequest{Count: true, Filter: odd}, "count 3 of 7"},
		{"count with a limit", orm.QueryRequest{Count: true, Limit: 2}, "count 2 of 2 next 1"},
		{"start", orm.QueryRequest{Start: start}, "3 4 5 6 of 4"},
		{"start and limit", orm.QueryRequest{Start: start, Limit: 2}, "3 4 of 2 next 4"},
		{"start descending", orm.QueryRequest{Start: start, Descending: true}, "1 0 of 2"},
		{"start between items", orm.QueryRequest{Start: between}, "3 4 5 6 of 4"},
		{"start between items, descending", orm.QueryRequest{Start: between, Descending: true}, "2 1 0 of 3"},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.r.Table, c.r.Hash = &table.schema, str("p")
			page, err := st.Query(context.Background(), &c.r)
			if err == nil {
				err = same(pageText(page, "n"), c.want)
			}
			s.check(t, "query/"+c.name, err)
		})
	}
	for _, c := range []struct {
		name string
		r    orm.QueryRequest
		want string
	}{
		{"prefix", orm.QueryRequest{Prefix: str("ab")}, `"ab" "abc" "abd" of 3`},
		{"prefix descending", orm.QueryRequest{Prefix: str("ab"), Descending: true, Limit: 2}, `"abd" "abc" of 2 next "abc"`},
		{"prefix of one", orm.QueryRequest{Prefix: str("ac")}, `"ac" of 1`},
		{"prefix of none", orm.QueryRequest{Prefix: str("abcd")}, "count 0 of 0"},
		{"prefix at the end of all", orm.QueryRequest{Prefix: str("\U0010ffff")}, "\"\U0010ffff\" of 1"},
		{"prefix of half a character's siblings", orm.QueryRequest{Prefix: str("ä")}, `"ä" of 1`},
		{"before text", orm.QueryRequest{To: str("ab"), ToExcluded: true}, `"a" of 1`},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.r.Table, c.r.Hash = &byText.schema, str("p")
			page, err := st.Query(context.Background(), &c.r)
			if err == nil {
				err = same(quotedPage(page), c.want)
			}
			s.check(t, "query/"+c.name, err)
		})
	}
}

func quotedPage(p *orm.Page) string {
	quoted := &orm.Page{Count: p.Count, Scanned: p.Scanned}
	quote := func(item orm.Item) orm.Item { return orm.Item{"s": str(`"` + text(item["s"])[2:] + `"`)} }
	for _, item := range p.Items {
		quoted.Items = append(quoted.Items, quote(item))
	}
	if p.Next != nil {
		quoted.Next = quote(p.Next)
	}
	return pageText(quoted, "s")
}

// testRawQueryFrom reads indexes: a filter sees what the index holds, a start has
// its keys and the table's.
func testRawQueryFrom(t *testing.T, s *raw) {
	ctx := context.Background()
	table := rows()
	st := s.newStore(t, table)
	for n := range 6 {
		put(t, st, table, row(fmt.Sprint("p", n%2), n, "g", n/2, nil))
	}
	put(t, st, table, row("p0", 90, "", 0, nil), row("p0", 91, "", 0, orm.Item{"g": str("g")}), row("p0", 92, "", 0, orm.Item{"r": num("1")}))
	read := func(r orm.QueryRequest, index, hash string) string {
		r.Table, r.Index, r.Hash = &table.schema, index, str(hash)
		page, err := st.Query(ctx, &r)
		if err != nil {
			return err.Error()
		}
		return pageText(page, "n")
	}
	// Items of one rank come in an order that DynamoDB does not say.
	eventually(t, "6", func() string {
		page, err := st.Query(ctx, &orm.QueryRequest{Table: &table.schema, Index: "by_group", Hash: str("g"), Eventual: true})
		if err != nil {
			return err.Error()
		}
		return fmt.Sprint(page.Count)
	})
	for _, c := range []struct{ name, got, want string }{
		{"a partition of a local index", read(orm.QueryRequest{}, "by_rank", "p0"), "0 92 2 4 of 4"},
		{"a range of a global index", read(orm.QueryRequest{From: num("2"), Filter: cond(orm.CondEq, "p", nil, str("p1"))}, "by_group", "g"), "5 of 2"},
		{"a filter on an included attribute", read(orm.QueryRequest{Filter: cond(orm.CondEq, "x", nil, str("x4"))}, "by_group", "g"), "4 of 6"},
		{"a filter on an attribute that is not in a global index", read(orm.QueryRequest{Filter: cond(orm.CondExists, "y", nil)}, "by_group", "g"), "count 0 of 6"},
		{"a count of a local index", read(orm.QueryRequest{Count: true, To: num("1")}, "by_rank", "p0"), "count 3 of 3"},
		{"a start in a local index", read(orm.QueryRequest{Start: orm.Item{"p": str("p0"), "n": num("0"), "r": num("0")}}, "by_rank", "p0"), "92 2 4 of 3"},
		{"a start that is no longer there", read(orm.QueryRequest{Start: orm.Item{"p": str("p0"), "n": num("50"), "r": num("0")}}, "by_rank", "p0"), "92 2 4 of 3"},
	} {
		if c.name == "a partition of a local index" || strings.HasPrefix(c.name, "a start") {
			c.want, c.got = byRank(c.want), byRank(c.got)
		}
		s.check(t, "query/"+c.name, same(c.got, c.want))
	}
	page, err := st.Query(ctx, &orm.QueryRequest{Table: &table.schema, Index: "by_group", Hash: str("g"), To: num("0"), Filter: cond(orm.CondEq, "x", nil, str("x1")), Eventual: true})
	must(t, err)
	s.check(t, "query/what a global index holds", same(itemTexts(page.Items, true), itemText(orm.Item{"p": str("p1"), "n": num("1"), "g": str("g"), "r": num("0"), "x": str("x1")})))
	page, err = st.Query(ctx, &orm.QueryRequest{Table: &table.schema, Index: "by_rank", Hash: str("p1"), To: num("0")})
	must(t, err)
	s.check(t, "query/what a local index holds", same(itemTexts(page.Items, true), itemText(orm.Item{"p": str("p1"), "n": num("1"), "r": num("0")})))
}

// byRank makes the two items of rank 1 one, because their order is not said.
func byRank(page string) string { return strings.ReplaceAll(page, "2 92", "92 2") }

func testRefusedQueries(t *testing.T, s *raw) {
	table, byText, plain := rows(), texts(), docs()
	st := s.newStore(t, table, byText, plain)
	put(t, st, table, row("p", 1, "g", 1, nil))
	exists := func(name string, into ...orm.Step) *orm.Cond { return cond(orm.CondExists, name, into) }
	for _, c := range []struct {
		name  string
		table *rawTable
		r     orm.QueryRequest
	}{
		{"no partition", table, orm.QueryRequest{}},
		{"partition of another type", table, orm.QueryRequest{Hash: num("1")}},
		{"an empty partition key", table, orm.QueryRequest{Hash: str("")}},
		{"bound of another type", table, orm.QueryRequest{Hash: str("p"), From: str("1")}},
		{"bound that is no number", table, orm.QueryRequest{Hash: str("p"), To: num("one")}},
		{"lower bound above the upper one", table, orm.QueryRequest{Hash: str("p"), From: num("2"), To: num("1")}},
		{"lower bound left out of two", table, orm.QueryRequest{Hash: str("p"), From: num("1"), To: num("2"), FromExcluded: true}},
		{"upper bound left out of two", table, orm.QueryRequest{Hash: str("p"), From: num("1"), To: num("2"), ToExcluded: true}},
		{"prefix of a number", table, orm.QueryRequest{Hash: str("p"), Prefix: num("1")}},
		{"prefix with a bound", byText, orm.QueryRequest{Hash: str("p"), Prefix: str("a"), From: str("a")}},
		{"prefix of another type", byText, orm.QueryRequest{Hash: str("p"), Prefix: bin("a")}},
		{"bounds without a sort key", plain, orm.QueryRequest{Hash: str("p"), From: str("a")}},
		{"prefix without a sort key", plain, orm.QueryRequest{Hash: str("p"), Prefix: str("a")}},
		{"filter on the partition key", table, orm.QueryRequest{Hash: str("p"), Filter: exists("p")}},
		{"filter on the sort key", table, orm.QueryRequest{Hash: str("p"), Filter: cond(orm.CondEq, "n", nil, num("1"))}},
		{"filter on the sort key among others", table, orm.QueryRequest{Hash: str("p"), Filter: &orm.Cond{Op: orm.CondOr, Of: []*orm.Cond{exists("x"), {Op: orm.CondNot, Of: []*orm.Cond{exists("n")}}}}}},
		{"filter on a key of the index", table, orm.QueryRequest{Index: "by_group", Hash: str("g"), Filter: exists("r")}},
		{"no such index", table, orm.QueryRequest{Index: "by_color", Hash: str("g")}},
		{"attributes that a global index does not hold", table, orm.QueryRequest{Index: "by_group", Hash: str("g"), Select: []string{"x", "y"}}},
		{"negative limit", table, orm.QueryRequest{Hash: str("p"), Limit: -1}},
		{"start without the sort key", table, orm.QueryRequest{Hash: str("p"), Start: orm.Item{"p": str("p")}}},
		{"start of another type", table, orm.QueryRequest{Hash: str("p"), Start: orm.Item{"p": str("p"), "n": str("1")}}},
		{"start with another attribute", table, orm.QueryRequest{Hash: str("p"), Start: orm.Item{"p": str("p"), "n": num("1"), "x": str("x")}}},
		{"start in another partition", table, orm.QueryRequest{Hash: str("p"), Start: orm.Item{"p": str("q"), "n": num("1")}}},
		{"start of the table in an index", table, orm.QueryRequest{Index: "by_group", Hash: str("g"), Start: orm.Item{"p": str("p"), "n": num("1")}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.r.Table = &c.table.schema
			_, err := st.Query(context.Background(), &c.r)
			s.check(t, "refused query/"+c.name, ofKind(err, orm.KindValidation))
		})
	}
}
