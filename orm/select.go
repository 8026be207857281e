package orm

import (
	"errors"
	"slices"
)

// Selectable is an attribute of items of type T, whatever its own type is: what
// Select takes. Every [Attribute] is one.
type Selectable[T any] interface {
	// selects is the name of the attribute; T is there so that an attribute of
	// other items does not fit.
	selects(T) (name string, err error)
}

func (a Attribute[T, V]) selects(T) (string, error) {
	if err := a.usable(); err != nil {
		return "", err
	}
	return a.f.name, nil
}

// selection collects the names of attributes for a projection, and what is wrong
// with them.
func selection[T any](attributes []Selectable[T]) ([]string, error) {
	if len(attributes) == 0 {
		return nil, errors.New("no attribute is selected: name at least one, or leave Select or Projection away to read all")
	}
	var names []string
	var errs []error
	for _, a := range attributes {
		if a == nil {
			errs = append(errs, errors.New("an attribute to select is nil: make it with orm.Attr"))
			continue
		}
		var item T
		name, err := a.selects(item)
		if err != nil {
			errs = append(errs, err)
		} else if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names, errors.Join(errs...)
}
