package bus

import (
	"errors"
	"fmt"
	"reflect"
	"slices"

	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/internal/names"
	"github.com/vinci-go/vinci/orm"
	"github.com/vinci-go/vinci/settings"
)

// Access is what a function may touch: its role is derived from it.
type Access struct {
	Reads   []orm.Definition
	Indexes []orm.IndexDefinition // to query, without their tables
	Scans   []orm.Definition      // includes reading
	Writes  []orm.Definition      // includes reading
	Appends []orm.Definition      // does not include reading
	Commits []event.Type          // events it may commit to the log
	// Publishes are events it may publish past the log; see package direct.
	Publishes []event.Type
	// Settings are settings that it may read; see package settings.
	Settings []settings.Definition
}

// Grant is an [Option] for subscriptions, and what an HTTP API declares as well.
type Grant interface {
	Option
	// Add adds what it grants.
	Add(*Access)
}

// Reads grants reading items of tables by their keys, alone, in batches and in
// transactions, and querying the tables and their indexes. Scanning is a grant of
// its own: see [Scans].
func Reads(tables ...orm.Definition) Grant {
	return grant{Access{Reads: slices.Clone(tables)}}
}

// ReadsIndex grants querying single indexes, and nothing else of their tables:
// for a function that may see what an index has, such as its keys only.
func ReadsIndex(indexes ...orm.IndexDefinition) Grant {
	return grant{Access{Indexes: slices.Clone(indexes)}}
}

// Scans grants reading as [Reads] does, and scanning the tables and their
// indexes. A scan reads all there is and is paid for all of it: few functions
// need one.
func Scans(tables ...orm.Definition) Grant {
	return grant{Access{Scans: slices.Clone(tables)}}
}

// Writes grants reading as [Reads] does, and writing: put, update, delete, batches
// and conditions in transactions. The tables of the event log are not among them:
// events are committed, see [Commits], and deliveries are the consumer's own.
func Writes(tables ...orm.Definition) Grant {
	return grant{Access{Writes: slices.Clone(tables)}}
}

// Appends grants inserting items, and neither changing, deleting nor reading
// them: for a journal. A [Tx] takes inserts only. IAM is weaker: to DynamoDB an
// insert is a put with a condition, a role can be given puts but not be held to
// the condition, so code that puts past the Tx could write over an item. Where
// that matters, keep the facts as events.
//
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazondynamodb.html
func Appends(tables ...orm.Definition) Grant {
	return grant{Access{Appends: slices.Clone(tables)}}
}

// Commits grants committing events of these types to the log. A role cannot tell
// one type from another, so a transactional handler checks them itself; see
// [Tx.Record].
func Commits(types ...event.Type) Grant {
	return grant{Access{Commits: slices.Clone(types)}}
}

// Publishes grants publishing events of these types past the log, fire and
// forget: see package direct for what that does not promise. A role cannot tell
// one type from another.
func Publishes(types ...event.Type) Grant {
	return grant{Access{Publishes: slices.Clone(types)}}
}

// ReadsSettings grants reading the values of these settings, which a
// [settings.Reader] does; and those of no other, unless the function commits events:
// then it may read the framework's table "state" anyway.
func ReadsSettings(of ...settings.Definition) Grant {
	return grant{Access{Settings: slices.Clone(of)}}
}

type grant struct{ access Access }

// Add implements [Grant].
func (g grant) Add(a *Access) {
	a.Reads = append(a.Reads, g.access.Reads...)
	a.Indexes = append(a.Indexes, g.access.Indexes...)
	a.Scans = append(a.Scans, g.access.Scans...)
	a.Writes = append(a.Writes, g.access.Writes...)
	a.Appends = append(a.Appends, g.access.Appends...)
	a.Commits = append(a.Commits, g.access.Commits...)
	a.Publishes = append(a.Publishes, g.access.Publishes...)
	a.Settings = append(a.Settings, g.access.Settings...)
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
	a.indexProblems(wrong)
	tables("bus.Scans", a.Scans)
	tables("bus.Writes", a.Writes)
	tables("bus.Appends", a.Appends)
	frameworkProblems("bus.Writes", a.Writes, wrong)
	frameworkProblems("bus.Appends", a.Appends, wrong)
	for _, t := range a.Appends {
		if !isNil(t) && slices.ContainsFunc(a.Writes, func(w orm.Definition) bool { return !isNil(w) && w.Schema() == t.Schema() }) {
			wrong("bus.Appends and bus.Writes both name table %q: it is append-only or it is not; take one away", t.Schema().Name)
		}
	}
	eventProblems("bus.Commits", a.Commits, wrong)
	eventProblems("bus.Publishes", a.Publishes, wrong)
	settingProblems(a.Settings, wrong)
	return errs
}

// settingProblems finds settings that cannot be granted.
func settingProblems(of []settings.Definition, wrong func(string, ...any)) {
	seen := map[string]bool{}
	for i, s := range of {
		switch {
		case isNil(s):
			wrong("setting %d of bus.ReadsSettings is nil: use a definition made with settings.Define", i)
			continue
		case s.Err() != nil:
			wrong("setting %d of bus.ReadsSettings is defined wrong: %w", i, s.Err())
		case seen[s.Name()]:
			wrong("bus.ReadsSettings names setting %q twice: take one away", s.Name())
		}
		seen[s.Name()] = true
	}
}

// eventProblems finds events of a grant that cannot be granted.
func eventProblems(grant string, types []event.Type, wrong func(string, ...any)) {
	seen := map[string]bool{}
	for i, e := range types {
		switch {
		case isNil(e):
			wrong("event %d of %s is nil: use a definition made with event.Define", i, grant)
			continue
		case e.Err() != nil:
			wrong("event %d of %s is defined wrong: %w", i, grant, e.Err())
		case seen[e.Name()]:
			wrong("%s names event %q twice: take one away", grant, e.Name())
		}
		seen[e.Name()] = true
	}
}

func (a *Access) indexProblems(wrong func(string, ...any)) {
	seen := map[string]bool{}
	for i, x := range a.Indexes {
		switch {
		case isNil(x):
			wrong("index %d of bus.ReadsIndex is nil: use an index made with orm.IndexOf", i)
			continue
		case x.Definition().Err() != nil:
			wrong("the table of index %d of bus.ReadsIndex is defined wrong: %w", i, x.Definition().Err())
			continue
		}
		name := indexKey(x.Definition().Schema().Name, x.IndexName())
		if seen[name] {
			wrong("bus.ReadsIndex names index %q of table %q twice: take one away", x.IndexName(), x.Definition().Schema().Name)
		}
		seen[name] = true
	}
}

// frameworkProblems finds grants to write what is the framework's own.
func frameworkProblems(grant string, tables []orm.Definition, wrong func(string, ...any)) {
	for _, t := range tables {
		if isNil(t) {
			continue
		}
		switch name := t.Schema().Name; name {
		case names.TableEvents:
			wrong("%s names table %q, which is written by committing events only: name the events with bus.Commits", grant, name)
		case names.TableDeliveries, names.TableState:
			wrong("%s names table %q, which is the framework's own: keep what is yours in a table of your own", grant, name)
		}
	}
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
