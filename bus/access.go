package bus

import (
	"errors"
	"fmt"
	"reflect"
	"slices"

	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/internal/names"
	"github.com/vinci-go/vinci/orm"
)

// Access is what a function may touch: its role is derived from it.
type Access struct {
	Reads   []orm.Definition
	Writes  []orm.Definition // includes reading
	Commits []event.Type     // events it may commit to the log
}

// Grant is an [Option] for subscriptions, and what an HTTP API declares as well.
type Grant interface {
	Option
	Add(*Access)
}

// Reads grants reading of tables and their indexes.
func Reads(tables ...orm.Definition) Grant {
	return grant{Access{Reads: slices.Clone(tables)}}
}

// Writes grants reading and writing of tables. The tables of the event log are
// not among them: events are committed, see [Commits], and deliveries are the
// consumer's own.
func Writes(tables ...orm.Definition) Grant {
	return grant{Access{Writes: slices.Clone(tables)}}
}

// Commits grants committing events of these types to the log. A role cannot tell
// one type from another, so a transactional handler checks them itself; see
// [Tx.Record].
func Commits(types ...event.Type) Grant {
	return grant{Access{Commits: slices.Clone(types)}}
}

type grant struct{ access Access }

// Add implements [Grant].
func (g grant) Add(a *Access) {
	a.Reads = append(a.Reads, g.access.Reads...)
	a.Writes = append(a.Writes, g.access.Writes...)
	a.Commits = append(a.Commits, g.access.Commits...)
}

func (g grant) apply(d *Definition) { g.Add(&d.Access) }

// Err reports everything that is wrong with what is granted, nil when it may be
// used: nil or wrong definitions, one named twice, a table of the framework.
func (a *Access) Err() error { return errors.Join(a.problems()...) }

func (a *Access) problems() []error {
	var errs []error
	wrong := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	tables := func(grant string, defs []orm.Definition) {
		seen := map[string]bool{}
		for i, t := range defs {
			switch {
			case isNil(t):
				wrong("table %d of %s is nil: use a definition made with orm.Define", i, grant)
				continue
			case t.Err() != nil:
				wrong("table %d of %s is defined wrong: %w", i, grant, t.Err())
			case seen[t.Schema().Name]:
				wrong("%s names table %q twice: take one away", grant, t.Schema().Name)
			}
			seen[t.Schema().Name] = true
		}
	}
	tables("bus.Reads", a.Reads)
	tables("bus.Writes", a.Writes)
	for _, t := range a.Writes {
		if isNil(t) {
			continue
		}
		switch name := t.Schema().Name; name {
		case names.TableEvents:
			wrong("bus.Writes names table %q, which is written by committing events only: name the events with bus.Commits", name)
		case names.TableDeliveries, names.TableState:
			wrong("bus.Writes names table %q, which is the framework's own: keep what is yours in a table of your own", name)
		}
	}
	seen := map[string]bool{}
	for i, e := range a.Commits {
		switch {
		case isNil(e):
			wrong("event %d of bus.Commits is nil: use a definition made with event.Define", i)
			continue
		case e.Err() != nil:
			wrong("event %d of bus.Commits is defined wrong: %w", i, e.Err())
		case seen[e.Name()]:
			wrong("bus.Commits names event %q twice: take one away", e.Name())
		}
		seen[e.Name()] = true
	}
	return errs
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
