package orm

import (
	"fmt"
	"reflect"
)

// checkVersion checks the version tags.
func (d *definer) checkVersion() {
	first := ""
	for i := range d.plan.fields {
		f := &d.plan.fields[i]
		if !f.version {
			continue
		}
		if first != "" {
			d.problem(f.goName, fmt.Sprintf("the version is field %s already: an item has one, take one tag away", first))
			continue
		}
		first = f.goName
		d.schema.Version = f.name
		if f.kind != "" && !d.plan.raw && !isVersion(f.typ) {
			d.problem(f.goName, fmt.Sprintf("%s cannot be the version, which counts the item's changes: use int64 (int, int32, uint, uint32 and uint64 are allowed as well)", f.goType))
		}
		if f == d.plan.hash || f == d.plan.sort {
			d.problem(f.goName, "the version cannot be a key of the table: every change to the item changes it")
		}
		if f.stamp != "" {
			d.problem(f.goName, "an attribute cannot be version and stamp: take one of the two tags away")
		}
		d.filled(f, `version:"true"`)
	}
}

// isVersion reports whether a type can count changes: an integer of 32 bits or
// more, stored as a number.
func isVersion(rt reflect.Type) bool {
	switch rt.Kind() {
	case reflect.Int, reflect.Int32, reflect.Int64, reflect.Uint, reflect.Uint32, reflect.Uint64:
		return rt != durationType && !marshals(rt)
	}
	return false
}
