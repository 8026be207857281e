package tablelock

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vinci-go/vinci/orm"
)

// orders is a table with everything that a lock holds.
func orders() *orm.Schema {
	return &orm.Schema{
		Name: "orders", Hash: "tenant", Sort: "at", TTL: "expires", Stream: true,
		Attributes: []orm.AttributeSchema{
			{Name: "tenant", Type: "S"}, {Name: "at", Type: "N"}, {Name: "status", Type: "S"}, {Name: "rank", Type: "N"}, {Name: "text", Type: "S"},
			{Name: "expires", Type: "N"}, {Name: "deleted", Type: "N"},
		},
		Indexes: []orm.IndexSchema{
			{Name: "by_rank", Local: true, Hash: "tenant", Sort: "rank", Projection: "ALL"},
			{Name: "by_status", Hash: "status", Sort: "at", Projection: "INCLUDE", Include: []string{"text", "rank"}},
		},
		Settings: orm.Settings{
			Warm:    orm.Throughput{Read: 15000, Write: 5000},
			Indexes: map[string]orm.IndexSettings{"by_status": {Warm: orm.Throughput{Read: 14000}}},
		},
	}
}

func global(name, hash string) orm.IndexSchema {
	return orm.IndexSchema{Name: name, Hash: hash, Projection: "ALL"}
}

// changes are the ways in which a table can change, each with a golden file of
// what is found.
var changes = map[string]func(*orm.Schema) []*orm.Schema{
	"nothing":                  func(s *orm.Schema) []*orm.Schema { return one(s) },
	"table_added":              func(s *orm.Schema) []*orm.Schema { o := orders(); o.Name = "carts"; return []*orm.Schema{s, o} },
	"table_removed":            func(*orm.Schema) []*orm.Schema { return nil },
	"table_renamed":            func(s *orm.Schema) []*orm.Schema { s.Name = "purchases"; return one(s) },
	"hash_changed":             func(s *orm.Schema) []*orm.Schema { s.Hash, s.Indexes[0].Hash = "text", "text"; return one(s) },
	"sort_changed":             func(s *orm.Schema) []*orm.Schema { s.Sort = "rank"; return one(s) },
	"sort_removed":             func(s *orm.Schema) []*orm.Schema { s.Sort, s.Indexes = "", s.Indexes[1:]; return one(s) },
	"hash_type":                func(s *orm.Schema) []*orm.Schema { s.Attributes[0].Type = "B"; return one(s) },
	"sort_type":                func(s *orm.Schema) []*orm.Schema { s.Attributes[1].Type = "S"; return one(s) },
	"index_key_type":           func(s *orm.Schema) []*orm.Schema { s.Attributes[2].Type = "N"; return one(s) },
	"local_key_type":           func(s *orm.Schema) []*orm.Schema { s.Attributes[3].Type = "S"; return one(s) },
	"other_type":               func(s *orm.Schema) []*orm.Schema { s.Attributes[4].Type = "L"; return one(s) },
	"include_in_another_order": func(s *orm.Schema) []*orm.Schema { s.Indexes[1].Include = []string{"rank", "text"}; return one(s) },
	"global_added": func(s *orm.Schema) []*orm.Schema {
		s.Indexes = append(s.Indexes, global("by_text", "text"))
		return one(s)
	},
	"global_deleted": func(s *orm.Schema) []*orm.Schema { s.Indexes = s.Indexes[:1]; return one(s) },
	"global_renamed": func(s *orm.Schema) []*orm.Schema { s.Indexes[1].Name = "of_status"; return one(s) },
	"global_two_added": func(s *orm.Schema) []*orm.Schema {
		s.Indexes = append(s.Indexes, global("by_text", "text"), global("by_at", "at"))
		return one(s)
	},
	"global_added_and_deleted": func(s *orm.Schema) []*orm.Schema {
		s.Indexes = append(s.Indexes[:1], global("a", "text"), global("b", "text"))
		return one(s)
	},
	"global_key": func(s *orm.Schema) []*orm.Schema { s.Indexes[1].Sort = ""; return one(s) },
	"global_projection": func(s *orm.Schema) []*orm.Schema {
		s.Indexes[1].Projection, s.Indexes[1].Include = "KEYS_ONLY", nil
		return one(s)
	},
	"global_include": func(s *orm.Schema) []*orm.Schema { s.Indexes[1].Include = []string{"text"}; return one(s) },
	"global_changed_and_added": func(s *orm.Schema) []*orm.Schema {
		s.Indexes[1].Sort = ""
		s.Indexes = append(s.Indexes, global("by_text", "text"))
		return one(s)
	},
	"global_to_local": func(s *orm.Schema) []*orm.Schema {
		s.Indexes[1].Local, s.Indexes[1].Hash = true, "tenant"
		return one(s)
	},
	"local_added": func(s *orm.Schema) []*orm.Schema {
		s.Indexes = append(s.Indexes, orm.IndexSchema{Name: "by_text", Local: true, Hash: "tenant", Sort: "text", Projection: "ALL"})
		return one(s)
	},
	"local_deleted":       func(s *orm.Schema) []*orm.Schema { s.Indexes = s.Indexes[1:]; return one(s) },
	"local_changed":       func(s *orm.Schema) []*orm.Schema { s.Indexes[0].Sort = "text"; return one(s) },
	"local_projection":    func(s *orm.Schema) []*orm.Schema { s.Indexes[0].Projection = "KEYS_ONLY"; return one(s) },
	"local_to_global":     func(s *orm.Schema) []*orm.Schema { s.Indexes[0].Local = false; return one(s) },
	"ttl_removed":         func(s *orm.Schema) []*orm.Schema { s.TTL = ""; return one(s) },
	"ttl_stopped":         func(s *orm.Schema) []*orm.Schema { s.TTL, s.Settings.TTLOff = "", "expires"; return one(s) },
	"ttl_stopped_another": func(s *orm.Schema) []*orm.Schema { s.TTL, s.Settings.TTLOff = "", "deleted"; return one(s) },
	"ttl_changed":         func(s *orm.Schema) []*orm.Schema { s.TTL = "deleted"; return one(s) },
	"warm_raised": func(s *orm.Schema) []*orm.Schema {
		s.Settings.Warm.Write, s.Settings.Indexes = 9000, map[string]orm.IndexSettings{"by_status": {Warm: orm.Throughput{Read: 20000}}}
		return one(s)
	},
	"warm_lowered": func(s *orm.Schema) []*orm.Schema { s.Settings.Warm.Read = 14999; return one(s) },
	"warm_mixed": func(s *orm.Schema) []*orm.Schema {
		s.Settings.Warm = orm.Throughput{Read: 16000, Write: 4000}
		return one(s)
	},
	"warm_removed":      func(s *orm.Schema) []*orm.Schema { s.Settings.Warm = orm.Throughput{}; return one(s) },
	"warm_part_removed": func(s *orm.Schema) []*orm.Schema { s.Settings.Warm.Write = 0; return one(s) },
	"warm_index_lowered": func(s *orm.Schema) []*orm.Schema {
		s.Settings.Indexes = map[string]orm.IndexSettings{"by_status": {Warm: orm.Throughput{Read: 13000}}}
		return one(s)
	},
	"stream_removed":          func(s *orm.Schema) []*orm.Schema { s.Stream = false; return one(s) },
	"key_and_everything_else": func(s *orm.Schema) []*orm.Schema { s.Hash, s.TTL, s.Indexes = "text", "", nil; return one(s) },
	"several_that_are_safe": func(s *orm.Schema) []*orm.Schema {
		s.Settings.TTLOff = s.TTL
		s.TTL, s.Stream, s.Indexes = "", false, s.Indexes[:1]
		return one(s)
	},
	"several_in_several_tables": func(s *orm.Schema) []*orm.Schema {
		s.TTL, s.Sort = "", "rank"
		o := orders()
		o.Name = "carts"
		return []*orm.Schema{o, s}
	},
	"refused_and_safe_in_a_table": func(s *orm.Schema) []*orm.Schema { s.Stream, s.TTL = false, "deleted"; return one(s) },
}

func one(s *orm.Schema) []*orm.Schema { return []*orm.Schema{s} }

// safe are those of the changes that a deployment can make.
const safe = "nothing table_added table_removed table_renamed other_type include_in_another_order global_added global_deleted ttl_stopped stream_removed several_that_are_safe warm_raised warm_removed warm_part_removed"

func TestCompare(t *testing.T) {
	for name, change := range changes {
		t.Run(name, func(t *testing.T) {
			found := Compare(Of(one(orders())), Of(change(orders())))
			got, refused := show(found)
			if refused == strings.Contains(" "+safe+" ", " "+name+" ") {
				t.Errorf("refused %v:\n%s", refused, got)
			}
			compareGolden(t, filepath.Join("testdata", "changes", name+".txt"), got)
		})
	}
}

// TestCompareAddition: what a table may get that it had not.
func TestCompareAddition(t *testing.T) {
	bare := orders()
	bare.TTL, bare.Stream = "", false
	got, refused := show(Compare(Of(one(bare)), Of(one(orders()))))
	if refused {
		t.Errorf("refused:\n%s", got)
	}
	compareGolden(t, filepath.Join("testdata", "changes", "ttl_and_stream_added.txt"), got)

	// The steps after an expiry was stopped, and a stop of what never was.
	stopped, other, never := orders(), orders(), orders()
	stopped.TTL, stopped.Settings.TTLOff = "", "expires"
	other.TTL = "deleted"
	never.TTL = ""
	for name, step := range map[string]struct {
		from, to *orm.Schema
		refused  bool
	}{"ttl_off_to_another": {stopped, other, false}, "ttl_off_to_nothing": {stopped, never, false}, "ttl_off_of_nothing": {never, stopped, true}} {
		got, refused := show(Compare(Of(one(step.from)), Of(one(step.to))))
		if refused != step.refused {
			t.Errorf("%s: refused %v:\n%s", name, refused, got)
		}
		compareGolden(t, filepath.Join("testdata", "changes", name+".txt"), got)
	}

	// A view that no definition asks for may be deployed all the same.
	old := Of(one(orders()))
	old.Tables[0].Stream = "KEYS_ONLY"
	got, refused = show(Compare(old, Of(one(orders()))))
	if !refused {
		t.Errorf("not refused:\n%s", got)
	}
	compareGolden(t, filepath.Join("testdata", "changes", "stream_changed.txt"), got)
}

// show writes findings for people, and says whether one is refused.
func show(found []Finding) (text string, refused bool) {
	var b strings.Builder
	for _, f := range found {
		fmt.Fprintf(&b, "%s: %s: %s\n", f.Table, f.Kind, f.What)
		for i, step := range f.Steps {
			fmt.Fprintf(&b, "  %d. %s\n", i+1, step)
		}
		refused = refused || f.Kind == Refused
	}
	return b.String(), refused
}

func compareGolden(t *testing.T, golden, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatalf("%v (go test -update writes it)", err)
	}
	if got != string(want) {
		t.Errorf("found is\n%s\nwant\n%s", got, want)
	}
}
