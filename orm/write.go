package orm

import (
	"errors"
	"fmt"
	"reflect"
)

// ready is a write whose actions are known.
type ready struct {
	actions []Action
	err     error
}

func (w ready) Actions() ([]Action, error) { return w.actions, w.err }

// Insert adds an item that must not exist yet: [KindAlreadyExists] otherwise,
// naming the attribute when it is a unique value that is taken.
//
// Zero fields get their default first. Then the `validate` tags are checked: the
// error joins one [*Error] of [KindValidation] for each attribute that is wrong
// (see [Errors]). An item with unique values is one action each more.
func (t *Table[T, K]) Insert(item T) Write {
	if t.err != nil {
		return ready{err: t.err}
	}
	a, err := t.plan.put("insert", &item)
	if err != nil {
		return ready{err: err}
	}
	a.If = &Cond{Op: CondNotExists, Path: t.schema.Hash}
	unique, err := t.plan.uniqueActions("insert", a.Item)
	if err != nil {
		return ready{err: err}
	}
	return ready{actions: append([]Action{a}, unique...)}
}

// Put writes an item whether it exists or not, with defaults and validation as
// [Table.Insert] has them.
//
// On a table with unique attributes it is refused with [KindValidation]: the
// values of an item that is overwritten would stay taken. Use Insert.
func (t *Table[T, K]) Put(item T) Write {
	if t.err != nil {
		return ready{err: t.err}
	}
	if err := t.refuseUnique("put", "use Insert"); err != nil {
		return ready{err: err}
	}
	a, err := t.plan.put("put", &item)
	return ready{actions: []Action{a}, err: err}
}

// Check makes a transaction depend on a condition on an item it does not change.
// By itself it is a write that only fails or does not.
func (t *Table[T, K]) Check(key K, cond Condition[T]) Write {
	if t.err != nil {
		return ready{err: t.err}
	}
	k, err := t.plan.key("check", key)
	tree, cerr := cond.Tree()
	if cerr == nil && tree == nil {
		cerr = &Error{Kind: KindValidation, Op: "check", Table: t.schema.Name, Key: t.schema.KeyText(k), Err: errors.New("the condition is empty: say what must hold")}
	}
	if err := errors.Join(err, cerr); err != nil {
		return ready{err: err}
	}
	return ready{actions: []Action{{Op: OpCheck, Table: t.schema, Key: k, If: tree}}}
}

// put makes the action that writes a whole item, a pointer to the struct.
func (p *plan) put(op string, item any) (Action, error) {
	p.fillDefaults(reflect.ValueOf(item))
	av, err := p.encode(op, item)
	if err != nil {
		return Action{}, err
	}
	if err := errors.Join(p.checkKey(op, av), p.check(op, p.schema.KeyText(av), item)); err != nil {
		return Action{}, err
	}
	return Action{Op: OpPut, Table: p.schema, Item: av}, nil
}

func (t *Table[T, K]) refuseUnique(op, mend string) error {
	if len(t.plan.uniques) == 0 {
		return nil
	}
	names := make([]string, len(t.plan.uniques))
	for i, f := range t.plan.uniques {
		names[i] = f.name
	}
	return &Error{Kind: KindValidation, Op: op, Table: t.schema.Name,
		Err: fmt.Errorf("the table has unique attributes (%s), and the old item's values are not known here, so they would stay taken: %s", list(names), mend)}
}

// Update is a conditional change of one item's attributes. It is a [Write].
type Update[T any] struct {
	plan    *plan
	key     Item
	changes []Change
	cond    Condition[T]
	err     error
}

// Update changes attributes of one item, and creates the item when it is
// absent, as DynamoDB does; say .If(….Exists()) where it must exist. An item
// that is created so has its key and the assigned attributes: defaults and
// validation belong to Insert and Put.
//
// Each attribute may be assigned once. Keys cannot be assigned, and neither can
// unique attributes yet: the old value is not known here, so it would stay
// taken.
func (t *Table[T, K]) Update(key K, changes ...Assignment[T]) *Update[T] {
	if t.err != nil {
		return &Update[T]{err: t.err}
	}
	u := &Update[T]{plan: t.plan}
	k, err := t.plan.key("update", key)
	errs := []error{err}
	u.key = k
	bad := func(attribute, format string, args ...any) {
		errs = append(errs, &Error{Kind: KindValidation, Op: "update", Table: t.schema.Name, Key: t.schema.KeyText(k), Attribute: attribute, Err: fmt.Errorf(format, args...)})
	}
	if len(changes) == 0 {
		bad("", "no change is given: name at least one")
	}
	for i, c := range changes {
		switch {
		case c.err != nil:
			errs = append(errs, c.err)
			continue
		case c.f == nil:
			bad("", "change %d is empty: make it with a method of an attribute", i)
			continue
		case c.f.inKey:
			bad(c.f.name, "a key cannot be changed: insert a new item and delete the old one")
		case c.f.unique != "":
			bad(c.f.name, "a unique attribute cannot be changed by Update, the old value would stay taken")
		}
		for _, before := range u.changes {
			if before.Path == c.change.Path {
				bad(c.f.name, "it is changed twice in one update")
			}
		}
		u.changes = append(u.changes, c.change)
	}
	u.err = errors.Join(errs...)
	return u
}

// If returns the update with a condition added; several are joined by AND. A
// failed condition is [KindConditionFailed] with the item as it was.
func (u *Update[T]) If(cond ...Condition[T]) *Update[T] {
	out := *u
	out.cond = And(append([]Condition[T]{u.cond}, cond...)...)
	return &out
}

// Actions implements [Write].
func (u *Update[T]) Actions() ([]Action, error) {
	if err := errors.Join(u.err, u.cond.err); err != nil {
		return nil, err
	}
	if u.plan == nil {
		return nil, &Error{Kind: KindDefinition, Op: "update", Err: errors.New("an orm.Update must be made by Table.Update")}
	}
	return []Action{{Op: OpUpdate, Table: u.plan.schema, Key: u.key, Changes: u.changes, If: u.cond.tree}}, nil
}

// Delete is a conditional removal of one item. It is a [Write].
type Delete[T any] struct {
	plan *plan
	key  Item
	cond Condition[T]
	err  error
}

// Delete removes an item; removing one that does not exist is no error.
//
// On a table with unique attributes it is refused with [KindValidation]: the
// item's values are not known here, so they would stay taken.
func (t *Table[T, K]) Delete(key K) *Delete[T] {
	if t.err != nil {
		return &Delete[T]{err: t.err}
	}
	if err := t.refuseUnique("delete", "mark the item as deleted in an attribute of its own instead"); err != nil {
		return &Delete[T]{err: err}
	}
	k, err := t.plan.key("delete", key)
	return &Delete[T]{plan: t.plan, key: k, err: err}
}

// If returns the removal with a condition added; several are joined by AND.
func (d *Delete[T]) If(cond ...Condition[T]) *Delete[T] {
	out := *d
	out.cond = And(append([]Condition[T]{d.cond}, cond...)...)
	return &out
}

// Actions implements [Write].
func (d *Delete[T]) Actions() ([]Action, error) {
	if err := errors.Join(d.err, d.cond.err); err != nil {
		return nil, err
	}
	if d.plan == nil {
		return nil, &Error{Kind: KindDefinition, Op: "delete", Err: errors.New("an orm.Delete must be made by Table.Delete")}
	}
	return []Action{{Op: OpDelete, Table: d.plan.schema, Key: d.key, If: d.cond.tree}}, nil
}
