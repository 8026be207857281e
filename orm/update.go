package orm

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// Update is a conditional change of one item's attributes. It is a [Write].
type Update[T any] struct {
	plan    *plan
	key     Item
	parts   Item // of composite keys: the attributes they are made of
	changes []Change
	cond    Condition[T]
	version int64 // what AtVersion expects
	at      bool  // AtVersion was called
	err     error
}

// Update changes attributes of one item, and creates the item when it is
// absent, as DynamoDB does; say .If(….Exists()) where it must exist. An item
// that is created so has its key and the assigned attributes: defaults and
// validation of the whole item belong to Insert and Put.
//
// Each attribute, or place inside one, may be assigned once. Keys cannot be
// assigned, nor can what Vinci fills itself:
//
//   - the version is counted up by 1 with each update.
//   - stamps come from the store's clock: "updated" always, "created" where the
//     item has none.
//   - composite keys follow what they are made of. The parts of the item's own
//     key are stored too. The key of an index is composed anew when a part of it
//     is set; all its other parts must then be set as well, or be part of the
//     item's key, because they are not read. It is removed with a part.
//
// A unique attribute may be set, set if it does not exist, and removed. The item
// is then read first, and its old value given back in the same transaction; a
// value that another item has is [KindAlreadyExists].
//
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.UpdateExpressions.html
func (t *Table[T, K]) Update(key K, changes ...Assignment[T]) *Update[T] {
	u := &Update[T]{plan: t.plan, err: t.err}
	if t.err != nil {
		return u
	}
	var errs []error
	if u.key, u.err = t.plan.key("update", key); u.err != nil {
		errs = append(errs, u.err)
	} else if u.parts, u.err = t.plan.keyParts("update", u.key); u.err != nil {
		errs = append(errs, u.err)
	}
	if len(changes) == 0 {
		errs = append(errs, u.bad("", "no change is given: name at least one"))
	}
	u.changes = make([]Change, 0, len(changes))
	for i := range changes {
		if err := u.assign(i, &changes[i]); err != nil {
			errs = append(errs, err)
		}
	}
	u.err = errors.Join(errs...)
	return u
}

// assign adds one change, or says why it cannot be made.
func (u *Update[T]) assign(i int, a *Assignment[T]) error {
	switch {
	case a.err != nil:
		return a.err
	case a.f == nil:
		return u.bad("", "change %d is empty: make it with a method of an attribute", i)
	}
	c := &a.change
	f := u.plan.byName[c.Path] // this table's, which may have the same struct as the attribute's
	if f == nil {
		return u.bad(c.Path, "it is an attribute of another table, of which this one has none")
	}
	err := u.assignable(f, c)
	for j := range u.changes {
		if before := &u.changes[j]; before.overlaps(c) {
			err = errors.Join(err, u.twice(before, c))
		}
	}
	u.changes = append(u.changes, *c)
	return err
}

// twice is about two changes of one place. DynamoDB refuses them: in one update
// there is no order of changes.
func (u *Update[T]) twice(a, b *Change) error {
	if slices.Equal(a.Into, b.Into) {
		return u.bad(pathText(a.Path, a.Into), "it is changed twice in one update")
	}
	outer, inner := a, b
	if len(b.Into) < len(a.Into) {
		outer, inner = b, a
	}
	return u.bad(pathText(outer.Path, outer.Into), "it is changed together with what is inside it, %s: make one change of the two", pathText(inner.Path, inner.Into))
}

// assignable refuses changes of what is not the caller's to change.
func (u *Update[T]) assignable(f *field, c *Change) error {
	switch {
	case f.inKey:
		return u.bad(f.name, "a key cannot be changed: insert a new item and delete the old one")
	case u.parts[f.name] != nil:
		return u.bad(f.name, "it is part of the composite key, and a key cannot be changed: insert a new item and delete the old one")
	case f.template != nil:
		return u.bad(f.name, "it is composed by %q: change the attributes it is made of", f.template.text)
	case f.version:
		return u.bad(f.name, "every update counts the version up by itself: take the change away; AtVersion expects one")
	case f.stamp != "":
		return u.bad(f.name, "the store's clock stamps it with every update: take the change away")
	case c.Op == ChangeSet, c.Op == ChangeRemove:
		return nil
	case f.unique != "" && c.Op != ChangeSetIfNotExists:
		return u.bad(f.name, "a unique attribute cannot be counted, its new value would not be known: read the item and Set it")
	case f.name == u.plan.schema.TTL && len(u.plan.uniques) > 0 && c.Op != ChangeSetIfNotExists:
		return u.bad(f.name, "the item's unique values expire with it, so its new value must be known: read the item and Set it")
	case u.plan.isPart(f):
		return u.bad(f.name, "a composite key of an index is made of it, so its new value must be known: Set it")
	}
	return nil
}

func (u *Update[T]) bad(attribute, format string, args ...any) error {
	s := u.plan.schema
	return &Error{Kind: KindValidation, Op: "update", Table: s.Name, Key: s.KeyText(u.key), Attribute: attribute, Err: fmt.Errorf(format, args...)}
}

// If returns the update with a condition added; several are joined by AND. A
// failed condition is [KindConditionFailed] with the item as it was.
func (u *Update[T]) If(cond ...Condition[T]) *Update[T] {
	out := *u
	out.cond = And(append([]Condition[T]{u.cond}, cond...)...)
	return &out
}

// AtVersion returns the update with a version expected, of a table that has a
// version attribute: the one that was read, or 0 for an item that must not exist
// (or is from before the table had versions). Another one is
// [KindVersionConflict], with the item as it was.
func (u *Update[T]) AtVersion(n int64) *Update[T] {
	out := *u
	out.version, out.at = n, true
	if u.plan != nil && u.err == nil {
		out.err = u.plan.expected("update", u.key, n)
	}
	return &out
}

// Table implements [Write].
func (u *Update[T]) Table() *Schema {
	if u.plan == nil {
		return nil
	}
	return u.plan.schema
}

// Actions implements [Write].
func (u *Update[T]) Actions(ctx context.Context, r Reader) ([]Action, error) {
	if err := errors.Join(u.err, u.cond.err); err != nil {
		return nil, err
	}
	p := u.plan
	if p == nil {
		return nil, &Error{Kind: KindDefinition, Op: "update", Err: errors.New("an orm.Update must be made by Table.Update")}
	}
	a := Action{Op: OpUpdate, Table: p.schema, Key: u.key, Changes: u.changes, If: u.cond.tree}
	if u.at {
		a = p.expect(a, u.version)
	}
	var err error
	if a.Changes, err = p.ownChanges(r, u.key, u.parts, u.changes); err != nil {
		return nil, err
	}
	return p.withUnique(ctx, r, "update", a, func(f *field, old Item) (types.AttributeValue, bool) {
		if f.inKey {
			return u.key[f.name], true // an item that is created so claims it
		}
		for i := range a.Changes {
			if c := &a.Changes[i]; c.Path == f.name {
				if c.Op == ChangeSetIfNotExists && old[f.name] != nil {
					return old[f.name], true
				}
				return c.Value, true // nil when it is removed
			}
		}
		return nil, false
	})
}

// ownChanges adds to the changes of an update those that Vinci makes itself.
func (p *plan) ownChanges(r Reader, key, parts Item, changes []Change) ([]Change, error) {
	if len(p.composed) == 0 && len(p.stamps) == 0 && p.version == nil {
		return changes, nil
	}
	changes = slices.Clip(changes) // others have it too
	for name, av := range parts {
		changes = append(changes, Change{Op: ChangeSet, Path: name, Value: av})
	}
	slices.SortFunc(changes[len(changes)-len(parts):], func(a, b Change) int { return strings.Compare(a.Path, b.Path) })
	changes, err := p.composeChanges(key, parts, changes)
	if err != nil {
		return nil, err
	}
	if len(p.stamps) > 0 {
		if r == nil {
			return nil, p.noReader("update", key, "the store's clock stamps the item")
		}
		now := r.Now()
		updated, hasUpdated, err1 := p.stampChange(now)
		created, hasCreated, err2 := p.createdChange(now)
		if err := errors.Join(err1, err2); err != nil {
			return nil, err
		}
		if hasUpdated {
			changes = append(changes, updated)
		}
		if hasCreated {
			changes = append(changes, created)
		}
	}
	if p.version != nil {
		changes = append(changes, Change{Op: ChangeAdd, Path: p.version.name, Value: versionValue(1)})
	}
	return changes, nil
}
