package orm

import (
	"context"
	"errors"
	"fmt"
)

// Actions collects the actions of writes, in order.
func Actions(ctx context.Context, r Reader, writes ...Write) ([]Action, error) {
	var out []Action
	for i, w := range writes {
		if w == nil {
			return nil, &Error{Kind: KindValidation, Op: "write", Err: fmt.Errorf("write %d is nil: use the methods of a table, as in Users.Update(…)", i)}
		}
		a, err := w.Actions(ctx, r)
		if err != nil {
			return nil, err
		}
		out = append(out, a...)
	}
	return out, nil
}

// maxChangedTries is how often a write is made anew that was outrun.
const maxChangedTries = 5

// Exec executes the writes: one action by itself, several as one transaction,
// none as nothing. All writes happen or none does. The error of a transaction is
// a [*TransactionError], that of a single action an [*Error]; errors.Is finds
// the kind in both.
//
// A write that depends on what is stored, because of unique values, is made anew
// when another was faster, up to 5 times in all with a wait between; then
// [KindChanged] is returned, and nothing is written.
func Exec(ctx context.Context, s Store, writes ...Write) error {
	return unlessOutrun(ctx, s, func() error {
		actions, err := Actions(ctx, s, writes...)
		if err != nil {
			return err
		}
		_, err = execute(ctx, s, actions)
		return err
	})
}

// execute executes actions, and returns the item after a single update.
func execute(ctx context.Context, s Store, actions []Action) (Item, error) {
	switch len(actions) {
	case 0:
		return nil, nil
	case 1:
		return s.Do(ctx, actions[0])
	}
	return nil, s.Transact(ctx, "", actions)
}

// unlessOutrun tries again what was made from an item that has changed since.
// Other reasons of the same cancelled transaction do not matter: they may come
// from the same change, and if not, they come again.
func unlessOutrun(ctx context.Context, r Reader, try func() error) error {
	for n := 1; ; n++ {
		err := try()
		if n == maxChangedTries || !errors.Is(err, KindChanged) {
			return err
		}
		if waited := r.Backoff(ctx, n); waited != nil {
			return errors.Join(err, waited)
		}
	}
}

// Apply executes an update and returns the item as it is afterwards. Tries and
// errors are those of [Exec].
//
// An update that changes unique values is a transaction, which returns no item:
// it is read after that, strongly consistent, and may then be newer than this
// update. When it is gone already, or cannot be read, the error says that the
// update has happened.
func (t *Table[T, K]) Apply(ctx context.Context, s Store, u *Update[T]) (T, error) {
	var out T
	var item Item
	err := unlessOutrun(ctx, s, func() error {
		actions, err := u.Actions(ctx, s)
		if err != nil {
			return err
		}
		if item, err = execute(ctx, s, actions); err != nil || len(actions) == 1 {
			return err
		}
		if item, err = s.Get(ctx, &GetRequest{Table: t.schema, Key: u.key}); err == nil && item == nil {
			err = &Error{Kind: KindNotFound, Op: "apply", Table: t.schema.Name, Key: t.schema.KeyText(u.key)}
		}
		if err != nil {
			return fmt.Errorf("the update has happened, and the item could not be read afterwards: %w", err)
		}
		return nil
	})
	if err != nil {
		return out, err
	}
	return t.Decode(item)
}

// Failed is the error of an action whose condition did not hold. item is what
// was there, nil when nothing was. Stores use it, so that all of them say the
// same.
func (a *Action) Failed(item Item) *Error {
	e := a.Wrap(KindConditionFailed, nil)
	e.Item = item
	switch {
	case a.Unique != "" && a.Op == OpDelete:
		e.Attribute, e.Err = a.Unique, errNotOwner
	case a.Unique != "":
		e.Kind, e.Attribute = KindAlreadyExists, a.Unique
	case a.Version != nil && a.otherVersion(item):
		e.Kind, e.Attribute, e.Err = KindVersionConflict, a.Table.Version, a.versions(item)
	case a.changed(item):
		e.Kind = KindChanged
	case a.isInsert():
		e.Kind = KindAlreadyExists
	}
	return e
}

// Cancelled is the error of a transaction that was cancelled for the reasons, one
// an action, nil where an action was not the cause. Stores use it.
//
// That an old unique value cannot be given back follows from another change of
// the item that has it, where that item's own action failed as well: it is no
// cause then, and left out.
func Cancelled(actions []Action, reasons []*Error) *TransactionError {
	for i, r := range reasons {
		if r == nil || r.Err != errNotOwner {
			continue
		}
		for j := range actions {
			if reasons[j] != nil && actions[j].Unique == "" && actions[j].has(&actions[i]) {
				reasons[i] = nil
				break
			}
		}
	}
	return &TransactionError{Reasons: reasons}
}

// has reports whether the action is on the item that a unique value's action is
// made for.
func (a *Action) has(value *Action) bool {
	return a.Table.Name == value.Table.Name && a.Table.keyID(a.PrimaryKey()) == a.Table.keyID(value.owner())
}

// Wrap makes an error of a kind about this action.
func (a *Action) Wrap(kind Kind, cause error) *Error {
	return &Error{Kind: kind, Op: a.verb(), Table: a.Table.Name, Key: a.Table.KeyText(a.PrimaryKey()), Err: cause}
}

// PrimaryKey is the key of the item that the action is about.
func (a *Action) PrimaryKey() Item {
	if a.Op == OpPut {
		return a.Table.KeyOf(a.Item)
	}
	return a.Key
}

// isInsert: a put that found no item when it was made asks for none as well, and
// is a put still.
func (a *Action) isInsert() bool {
	return a.Op == OpPut && a.Read == nil && a.If != nil && a.If.Op == CondNotExists && a.If.Path == a.Table.Hash
}

func (a *Action) verb() string {
	switch a.Op {
	case OpPut:
		if a.isInsert() {
			return "insert"
		}
		return "put"
	case OpUpdate:
		return "update"
	case OpDelete:
		return "delete"
	case OpCheck:
		return "check"
	}
	return "unknown action"
}
