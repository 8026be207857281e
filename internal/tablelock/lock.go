package tablelock

import (
	"cmp"
	"slices"

	"github.com/vinci-go/vinci/orm"
)

// File is the name of the lock, in the module's root.
const File = "tables.lock.json"

// version is that of the file's form.
const version = 1

// Lock is what was agreed, in order of the tables' names.
type Lock struct {
	Version int     `json:"version"`
	Tables  []Table `json:"tables"`
}

// Table is one table.
type Table struct {
	Name       string            `json:"name"`              // without application and deployment
	Hash       string            `json:"hash"`              // attribute of the partition key
	Sort       string            `json:"sort,omitempty"`    // attribute of the sort key
	Attributes map[string]string `json:"attributes"`        // type of each attribute that is part of a key: S, N or B
	Indexes    []Index           `json:"indexes,omitempty"` // sorted by name
	TTL        string            `json:"ttl,omitempty"`     // attribute by which items expire
	TTLOff     string            `json:"ttl_off,omitempty"` // attribute by which they no longer do, as DynamoDB is told
	Stream     string            `json:"stream,omitempty"`  // what its records hold: NEW_AND_OLD_IMAGES; empty: none
	Warm       orm.Throughput    `json:"warm,omitzero"`     // units a second that it was warmed to; it never goes down
}

// Index is one secondary index.
type Index struct {
	Name       string   `json:"name"`
	Local      bool     `json:"local,omitempty"`
	Hash       string   `json:"hash"`
	Sort       string   `json:"sort,omitempty"`
	Projection string   `json:"projection"`        // ALL, KEYS_ONLY or INCLUDE
	Include    []string `json:"include,omitempty"` // sorted: it is a set

	Warm orm.Throughput `json:"warm,omitzero"` // as the table's; a local index has none
}

// streamView is what the stream of every table that has one holds.
const streamView = "NEW_AND_OLD_IMAGES"

// Of is the lock of definitions, in any order. They are without errors.
func Of(schemas []*orm.Schema) *Lock {
	l := &Lock{Version: version, Tables: []Table{}}
	for _, s := range schemas {
		t := Table{Name: s.Name, Hash: s.Hash, Sort: s.Sort, Attributes: map[string]string{}, TTL: s.TTL, TTLOff: s.Settings.TTLOff, Warm: s.Settings.Warm}
		if s.Stream {
			t.Stream = streamView
		}
		typed := func(names ...string) {
			for _, name := range names {
				if a, ok := s.Attribute(name); ok {
					t.Attributes[name] = a.Type
				}
			}
		}
		typed(s.Hash, s.Sort)
		for _, x := range s.Indexes {
			t.Indexes = append(t.Indexes, Index{
				Name: x.Name, Local: x.Local, Hash: x.Hash, Sort: x.Sort, Projection: x.Projection, Include: slices.Clone(x.Include),
				Warm: s.Settings.OfIndex(x.Name).Warm,
			})
			typed(x.Hash, x.Sort)
		}
		l.Tables = append(l.Tables, t)
	}
	l.sort()
	return l
}

// Table finds a table by its name.
func (l *Lock) Table(name string) (Table, bool) {
	i, ok := slices.BinarySearchFunc(l.Tables, name, func(t Table, name string) int { return cmp.Compare(t.Name, name) })
	if !ok {
		return Table{}, false
	}
	return l.Tables[i], true
}

// sort puts everything in the order that it is written in, and takes away the
// difference between none and empty, which is not written.
func (l *Lock) sort() {
	slices.SortFunc(l.Tables, func(a, b Table) int { return cmp.Compare(a.Name, b.Name) })
	for i := range l.Tables {
		t := &l.Tables[i]
		slices.SortFunc(t.Indexes, func(a, b Index) int { return cmp.Compare(a.Name, b.Name) })
		if len(t.Indexes) == 0 {
			t.Indexes = nil
		}
		for j := range t.Indexes {
			x := &t.Indexes[j]
			slices.Sort(x.Include)
			if len(x.Include) == 0 {
				x.Include = nil
			}
		}
	}
}

// index finds an index by its name.
func (t *Table) index(name string) (Index, bool) {
	i := slices.IndexFunc(t.Indexes, func(x Index) bool { return x.Name == name })
	if i < 0 {
		return Index{}, false
	}
	return t.Indexes[i], true
}
