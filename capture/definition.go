package capture

import (
	"errors"
	"fmt"
	"reflect"
	"slices"

	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/internal/names"
	"github.com/vinci-go/vinci/internal/place"
	"github.com/vinci-go/vinci/orm"
)

// Definition is a table handler as a value: whose changes it wants and what it may
// touch, said once. Mapping, role, dispatch and checks all come from it. It holds no
// client, never changes, and is safe for concurrent use. Make it with [Define].
type Definition struct {
	Name       string
	Table      orm.Definition
	Operations []Operation // that are wanted, each once, in the order of their declaration
	Access     bus.Access
	DefinedAt  string // file:line, relative to its module

	tenant   string  // the attribute that holds the tenant, mostly empty
	problems []error // what options had to say
}

// Option changes a definition. Every grant of package bus is one, and so are
// [Operations] and [Tenant].
type Option interface {
	// Add adds what the option grants.
	Add(*bus.Access)
}

// Interface guards.
var (
	_ Option = bus.Grant(nil)
	_ Option = option(nil)
)

// option is an Option of this package, which grants nothing.
type option func(*Definition)

// Add implements [Option].
func (option) Add(*bus.Access) {}

// Define defines a handler of a table's changes. It never panics for a wrong
// definition: [Definition.Err] then reports everything that is wrong with it, so
// that one synth can show the mistakes of all definitions at once.
//
// name is lower-case letters, digits and underscores, begins with a letter, and is
// unique among the application's table handlers and subscriptions: failure queue and
// records are named after it. A handler that is renamed is a new one, which knows
// nothing of what the old one has handled: it gets what the stream still has.
//
// The table must have its stream turned on, with [orm.Stream].
func Define(name string, table orm.Definition, opts ...Option) *Definition {
	d := &Definition{Name: name, Table: table, Operations: []Operation{Insert, Modify, Remove}, DefinedAt: place.Caller()}
	for i, opt := range opts {
		switch o := opt.(type) {
		case nil:
			d.problem("option %d is nil: use capture.Operations, capture.Tenant, bus.Reads, bus.Writes and bus.Commits", i)
		case option:
			o(d)
		default:
			o.Add(&d.Access)
		}
	}
	return d
}

// Operations says which changes are wanted; without it all are. What is not wanted
// does not reach the function, and is not billed: the mapping filters it. It is
// passed over in the function, too, since a mapping is changed after its function.
func Operations(of ...Operation) Option {
	of = slices.Clone(of)
	return option(func(d *Definition) {
		d.Operations = nil
		if len(of) == 0 {
			d.problem("capture.Operations names none: name those that are wanted, or leave it out for all")
		}
		for _, op := range of {
			switch {
			case !slices.Contains(all, op):
				d.problem("capture.Operations names %q: allowed are capture.Insert, capture.Modify and capture.Remove", op)
			case slices.Contains(d.Operations, op):
				d.problem("capture.Operations names %s twice: take one away", op)
			default:
				d.Operations = append(d.Operations, op)
			}
		}
		slices.SortFunc(d.Operations, func(a, b Operation) int { return slices.Index(all, a) - slices.Index(all, b) })
	})
}

// Tenant says which attribute of the table holds the tenant that an item belongs to:
// a string. What a handler commits because of the item's change is then that
// tenant's. f points at the field, as in [orm.Attr].
func Tenant[T, K any](table *orm.Table[T, K], f func(*T) *string) Option {
	return option(func(d *Definition) {
		if table == nil || f == nil {
			d.problem("capture.Tenant got no table or no function")
			return
		}
		if table.Err() != nil {
			return // its own Err says so
		}
		if isNil(d.Table) || d.Table.Schema() != table.Schema() {
			d.problem("capture.Tenant is about table %q, and the handler about another", table.Schema().Name)
			return
		}
		d.tenant = orm.Attr(table, f).Name()
	})
}

// Wants reports whether changes of an operation are asked for.
func (d *Definition) Wants(op Operation) bool { return slices.Contains(d.Operations, op) }

// Err reports everything that is wrong with the definition by itself, nil when it
// may be used: its name, its table, what it is granted. It is one *[bus.Error] of
// [bus.KindDefinition] a problem, joined. What is wrong with its handler says
// [Check].
func (d *Definition) Err() error {
	if d == nil {
		return &bus.Error{Kind: bus.KindDefinition, Op: "table handler", Reason: "the definition is nil: make it with capture.Define"}
	}
	var errs []error
	wrong := func(cause error, format string, args ...any) {
		errs = append(errs, &bus.Error{Kind: bus.KindDefinition, Op: "table handler", Subscription: d.Name, DefinedAt: d.DefinedAt, Reason: fmt.Sprintf(format, args...), Err: cause})
	}
	if err := names.Check(d.Name); err != nil {
		wrong(err, "its name cannot be one")
	}
	switch {
	case isNil(d.Table) || d.Table.Schema() == nil:
		wrong(nil, "it has no table: use a definition made with orm.Define")
	case d.Table.Err() != nil:
		wrong(d.Table.Err(), "its table is defined wrong")
	default:
		s := d.Table.Schema()
		if slices.Contains([]string{names.TableEvents, names.TableDeliveries, names.TableState}, s.Name) {
			wrong(nil, "table %q is the framework's own: subscribe to events with bus.Subscription, and capture tables of your own", s.Name)
		} else if !s.Stream {
			wrong(nil, "table %q has no stream: turn it on with the option orm.Stream() of orm.Define", s.Name)
		}
	}
	for _, p := range d.problems {
		wrong(p, "")
	}
	if err := d.Access.Err(); err != nil {
		if joined, ok := err.(interface{ Unwrap() []error }); ok {
			for _, p := range joined.Unwrap() {
				wrong(p, "")
			}
		} else {
			wrong(err, "")
		}
	}
	return errors.Join(errs...)
}

func (d *Definition) problem(format string, args ...any) {
	d.problems = append(d.problems, fmt.Errorf(format, args...))
}

// isNil reports whether an interface is nil or holds a nil pointer, which a
// variable that was never set does.
func isNil(v any) bool {
	if v == nil {
		return true
	}
	rv := reflect.ValueOf(v)
	return rv.Kind() == reflect.Pointer && rv.IsNil()
}
