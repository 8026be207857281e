package rebuild

import (
	"errors"
	"fmt"
	"slices"

	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/orm"
)

// Table is a table of a read model, with what tells the generation of an item. Make
// it with [Items].
type Table struct {
	def        orm.Definition
	schema     *orm.Schema
	generation func(orm.Item) (string, error)
}

// Items names a table of a read model. generation says of which generation an item
// is, from its key: the namespace that the handler had when it wrote it.
func Items[T, K any](table *orm.Table[T, K], generation func(T) string) Table {
	return Table{def: table, schema: table.Schema(), generation: func(raw orm.Item) (string, error) {
		item, err := table.Decode(raw)
		if err != nil {
			return "", err
		}
		return generation(item), nil
	}}
}

// Model is a read model: a subscription, the tables that it writes, and what runs it.
// Make it with [NewModel].
type Model struct {
	sub    *bus.Definition
	tables []Table
	parts  []bus.Part
	types  []string // that its handlers are for
}

// NewModel makes a model. tables are all that the subscription writes, parts those
// that its function is started with. The error joins everything for which it cannot
// be rebuilt: what bus.Check finds; a subscription that is not bus.Rebuildable; a
// handler that is not made with bus.OnTx, whose writes would go past the transaction
// and could be neither counted once nor computed in memory; events that it commits,
// which would be committed again; a table that is missing, or that keeps values
// unique, since generations have the same ones.
func NewModel(sub *bus.Definition, tables []Table, parts ...bus.Part) (*Model, error) {
	if err := bus.Check(sub, parts...); err != nil {
		return nil, err
	}
	m := &Model{sub: sub, tables: tables, parts: parts}
	var errs []error
	wrong := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("read model %s: %s", sub.Name, fmt.Sprintf(format, args...)))
	}
	if !sub.Rebuildable {
		wrong("its subscription (%s) is not declared bus.Rebuildable()", sub.DefinedAt)
	}
	if len(sub.Access.Commits) > 0 || len(sub.Access.Publishes) > 0 {
		wrong("its subscription commits or publishes events: to make it anew would do that again; let another subscription do it")
	}
	for _, p := range parts {
		h, ok := p.(bus.Handler)
		if !ok {
			continue
		}
		m.types = append(m.types, h.EventType().Name())
		if !h.Transactional() {
			wrong("the handler for %s is not made with bus.OnTx: what it writes is no transaction with the outcome", h.EventType().Name())
		}
	}
	slices.Sort(m.types)
	if len(tables) == 0 {
		wrong("it has no table: name those that the subscription writes, with rebuild.Items")
	}
	for i, t := range tables {
		if t.def == nil || t.generation == nil {
			wrong("table %d is empty: make it with rebuild.Items", i)
			continue
		}
		if slices.ContainsFunc(t.schema.Attributes, func(a orm.AttributeSchema) bool { return a.Unique != "" }) {
			wrong("table %s keeps values unique, which two generations would both claim", t.schema.Name)
		}
	}
	for _, d := range slices.Concat(sub.Access.Writes, sub.Access.Appends) {
		if m.table(d.Schema()) == nil {
			wrong("its subscription writes table %s, which is not among the model's: name it with rebuild.Items", d.Schema().Name)
		}
	}
	return m, errors.Join(errs...)
}

func (m *Model) table(s *orm.Schema) *Table {
	for i := range m.tables {
		if m.tables[i].schema == s {
			return &m.tables[i]
		}
	}
	return nil
}

// of reports whether an item of a table is of a generation.
func (t *Table) of(item orm.Item, generation string) (bool, error) {
	g, err := t.generation(item)
	if err != nil {
		return false, fmt.Errorf("table %s: item %s: %w", t.schema.Name, t.schema.KeyText(item), err)
	}
	return g == generation, nil
}

// counted reports whether an attribute says how or when an item was written, and not
// what is in it: what the store counts or stamps by itself is never the same twice.
func counted(s *orm.Schema, attribute string) bool {
	if attribute == s.Version {
		return true
	}
	a, ok := s.Attribute(attribute)
	return ok && a.Stamp != ""
}

func (m *Model) handles(eventType string) bool { return slices.Contains(m.types, eventType) }
