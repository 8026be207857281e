package orm

import "context"

// Actions collects the actions of writes, in order.
func Actions(writes ...Write) ([]Action, error) {
	var out []Action
	for _, w := range writes {
		a, err := w.Actions()
		if err != nil {
			return nil, err
		}
		out = append(out, a...)
	}
	return out, nil
}

// Exec executes the writes: one action by itself, several as one transaction,
// none as nothing. All writes happen or none does. The error of a transaction is
// a [*TransactionError], that of a single action an [*Error]; errors.Is finds
// the kind in both.
func Exec(ctx context.Context, w Writer, writes ...Write) error {
	actions, err := Actions(writes...)
	if err != nil {
		return err
	}
	switch len(actions) {
	case 0:
		return nil
	case 1:
		_, err := w.Do(ctx, actions[0])
		return err
	}
	return w.Transact(ctx, "", actions)
}

// Apply executes an update and returns the item as it is afterwards.
func (t *Table[T, K]) Apply(ctx context.Context, w Writer, u *Update[T]) (T, error) {
	var out T
	actions, err := u.Actions()
	if err != nil {
		return out, err
	}
	item, err := w.Do(ctx, actions[0])
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
	case a.Unique != "":
		e.Kind, e.Attribute = KindAlreadyExists, a.Unique
	case a.isInsert():
		e.Kind = KindAlreadyExists
	}
	return e
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

func (a *Action) isInsert() bool {
	return a.Op == OpPut && a.If != nil && a.If.Op == CondNotExists && a.If.Path == a.Table.Hash
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
