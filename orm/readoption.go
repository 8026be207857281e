package orm

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
)

// ReadOption changes how items are read by their keys; see [Eventually] and
// [Projection].
type ReadOption struct{ apply func(*readOptions) }

type readOptions struct {
	eventual bool
	item     reflect.Type // that the names are of; nil: there are none
	names    []string
	err      error
}

// Eventually reads eventually consistent, at half the price: what was just
// written may be missing. Transactions of reads do not take it.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.ReadConsistency.html
func Eventually() ReadOption {
	return ReadOption{func(o *readOptions) { o.eventual = true }}
}

// Projection reads only the given attributes, and the keys; other fields stay
// zero. It saves transport, not read units. An attribute inside another selects
// the whole outer one.
func Projection[T any](attributes ...Selectable[T]) ReadOption {
	return ReadOption{func(o *readOptions) {
		o.item = reflect.TypeFor[T]()
		o.names, o.err = selection(attributes)
	}}
}

// readOptions puts options together for items of type T.
func (t *Table[T, K]) readOptions(op string, opts []ReadOption) (readOptions, error) {
	var o readOptions
	for _, opt := range opts {
		if opt.apply != nil {
			opt.apply(&o)
		}
	}
	fail := func(attribute string, err error) (readOptions, error) {
		return o, &Error{Kind: KindValidation, Op: op, Table: t.schema.Name, Attribute: attribute, Err: err}
	}
	if o.err != nil {
		return fail("", o.err)
	}
	if o.item == nil {
		return o, nil
	}
	if o.item != reflect.TypeFor[T]() {
		return fail("", fmt.Errorf("the projection is of %s, the table's items are %s: give attributes of this table", o.item, t.schema.Type))
	}
	for _, name := range o.names {
		if t.plan.byName[name] == nil {
			return fail(name, errors.New("the table has no such attribute: give attributes of this table"))
		}
	}
	for _, key := range []string{t.schema.Hash, t.schema.Sort} {
		if key != "" && !slices.Contains(o.names, key) {
			o.names = append(o.names, key)
		}
	}
	return o, nil
}
