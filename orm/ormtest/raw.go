package ormtest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/vinci-go/vinci/orm"
)

// Difference is something that a store is known not to do as DynamoDB does. The
// suite checks that it still does not: a difference that is gone has to leave
// the list, so that the list never says more than is true.
type Difference struct {
	Check string // the check that fails, as the suite names it: "update/delete the last element"
	Why   string // what the store does instead, and how DynamoDB's behaviour is known
}

// raw is the part of [Conformance] that asks a store directly, with requests as
// the typed layer makes them, and with requests that it never would.
type raw struct {
	newStore func(t *testing.T, tables ...orm.Definition) orm.Store
	known    []Difference
	seen     map[string]bool // of known
	types    bool            // testTypes ran, which has checks too
}

func (s *raw) run(t *testing.T) {
	groups := []struct {
		name string
		test func(*testing.T, *raw)
	}{
		{"Updates", testUpdates}, {"RefusedUpdates", testRefusedUpdates}, {"Paths", testPaths}, {"Filters", testFilters}, {"RefusedConditions", testRefusedConditions},
		{"Query", testRawQuery}, {"QueryFrom", testRawQueryFrom}, {"RefusedQueries", testRefusedQueries}, {"Scan", testScan}, {"ScanPages", testScanPages},
		{"ScanSegments", testScanSegments}, {"ScanIndex", testScanIndex}, {"RefusedScans", testRefusedScans}, {"Select", testSelect},
		{"BatchGet", testBatchGet}, {"BatchWrite", testBatchWrite}, {"RefusedBatches", testRefusedBatches}, {"TransactGet", testTransactGet},
		{"TransactGetAtOnce", testTransactGetAtOnce}, {"Capacity", testCapacity}, {"EveryContext", testEveryContext}, {"Backoff", testBackoff},
	}
	ran := 0
	for _, g := range groups {
		t.Run(g.name, func(t *testing.T) {
			ran++
			g.test(t, s)
		})
	}
	if ran < len(groups) || !s.types {
		return // -run chose some of them
	}
	for _, d := range s.known {
		if !s.seen[d.Check] {
			t.Errorf("the suite has no check %q, which is listed as a difference", d.Check)
		}
	}
}

// check reports what is wrong, nil for nothing, of the named check.
func (s *raw) check(t *testing.T, name string, wrong error) {
	t.Helper()
	i := slices.IndexFunc(s.known, func(d Difference) bool { return d.Check == name })
	if i < 0 {
		if wrong != nil {
			t.Errorf("%s: %v", name, wrong)
		}
		return
	}
	s.seen[name] = true
	if wrong == nil {
		t.Errorf("%s: the store does as DynamoDB does; take it off the list of differences (%s)", name, s.known[i].Why)
	} else {
		t.Logf("%s: known difference: %s", name, s.known[i].Why)
	}
}

// rawTable is a definition made of nothing but its schema.
type rawTable struct{ schema orm.Schema }

func (r *rawTable) Schema() *orm.Schema { return &r.schema }
func (r *rawTable) Err() error          { return nil }

// docs has items with whatever attributes.
func docs() *rawTable {
	return &rawTable{orm.Schema{Name: "docs", Hash: "id", Attributes: []orm.AttributeSchema{{Name: "id", Type: "S"}}}}
}

// rows has a sort key, a global index that includes one attribute, and a local
// one that has the keys only.
func rows() *rawTable {
	return &rawTable{orm.Schema{
		Name: "rows", Hash: "p", Sort: "n",
		Attributes: []orm.AttributeSchema{{Name: "p", Type: "S"}, {Name: "n", Type: "N"}, {Name: "g", Type: "S"}, {Name: "r", Type: "N"}},
		Indexes: []orm.IndexSchema{
			{Name: "by_group", Hash: "g", Sort: "r", Projection: orm.ProjectInclude, Include: []string{"x"}},
			{Name: "by_rank", Hash: "p", Sort: "r", Local: true, Projection: orm.ProjectKeysOnly},
		},
	}}
}

// texts has text for a sort key.
func texts() *rawTable {
	return &rawTable{orm.Schema{Name: "texts", Hash: "p", Sort: "s", Attributes: []orm.AttributeSchema{{Name: "p", Type: "S"}, {Name: "s", Type: "S"}}}}
}

// put writes items without conditions.
func put(t *testing.T, st orm.Store, table *rawTable, items ...orm.Item) {
	t.Helper()
	for _, item := range items {
		_, err := st.Do(context.Background(), orm.Action{Op: orm.OpPut, Table: &table.schema, Item: item})
		must(t, err)
	}
}

// ofKind says what is wrong with an error that should be of a kind, "" for none.
func ofKind(err error, kind orm.Kind) error {
	switch {
	case kind == "":
		return err
	case err == nil:
		return fmt.Errorf("no error, want kind %q", kind)
	case !errors.Is(err, kind):
		return fmt.Errorf("error is %v, want kind %q", err, kind)
	case len(orm.Errors(err)) == 0:
		return fmt.Errorf("error %v holds no *orm.Error", err)
	}
	return nil
}

// same says how two texts differ.
func same(got, want string) error {
	if got == want {
		return nil
	}
	return fmt.Errorf("got  %s\nwant %s", got, want)
}

// itemText writes an item, numbers by value and sets without an order.
func itemText(item orm.Item) string {
	if item == nil {
		return "none"
	}
	return string(appendItem(nil, item))
}

// itemTexts writes items, sorted unless their order counts.
func itemTexts(items []orm.Item, sorted bool) string {
	var out []string
	for _, item := range items {
		out = append(out, itemText(item))
	}
	if sorted {
		slices.Sort(out)
	}
	return strings.Join(out, "\n     ")
}
