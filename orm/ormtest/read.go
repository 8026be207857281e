package ormtest

import (
	"context"
	"fmt"

	"github.com/vinci-go/vinci/orm"
)

// Get implements [orm.Reader].
func (m *Memory) Get(ctx context.Context, r *orm.GetRequest) (orm.Item, error) {
	var out orm.Item
	err := m.call(ctx, Call{Op: "get", Get: r}, func() error {
		if err := checkKey(r.Table, r.Key); err != nil {
			return &orm.Error{Kind: orm.KindValidation, Op: "get", Table: r.Table.Name, Err: err}
		}
		item := m.table(r.Table).get(r.Key)
		readItem(ctx, r.Table, item, consistency(r.Eventual))
		out = cloneItem(pick(item, r.Select))
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// pick is an item's attributes that are asked for, all when none are named. An
// item that has none of them is empty, not nil.
func pick(item orm.Item, names []string) orm.Item {
	if item == nil || len(names) == 0 {
		return item
	}
	out := make(orm.Item, len(names))
	for _, name := range names {
		if v, ok := item[name]; ok {
			out[name] = v
		}
	}
	return out
}

// TransactGet implements [orm.Reader]. As in DynamoDB, and unlike with Get, an
// item that has none of the attributes that are asked for is nil.
func (m *Memory) TransactGet(ctx context.Context, gets []orm.GetRequest) ([]orm.Item, error) {
	items := make([]orm.Item, len(gets))
	err := m.call(ctx, Call{Op: "transact get", Gets: gets}, func() error {
		if err := orm.CheckTransactGet(gets); err != nil {
			return err
		}
		size := 0
		for i := range gets {
			r := &gets[i]
			if err := checkKey(r.Table, r.Key); err != nil {
				return &orm.Error{Kind: orm.KindValidation, Op: "transact get", Table: r.Table.Name, Err: err}
			}
			items[i] = m.table(r.Table).get(r.Key)
			size += orm.ItemSize(items[i])
		}
		if size > orm.MaxTransactionSize {
			return &orm.Error{Kind: orm.KindTooLarge, Op: "transact get", Table: gets[0].Table.Name,
				Err: fmt.Errorf("the transaction's items are %d bytes, allowed are %d", size, orm.MaxTransactionSize)}
		}
		for i := range gets {
			readItem(ctx, gets[i].Table, items[i], transactional)
			if items[i] = cloneItem(pick(items[i], gets[i].Select)); len(items[i]) == 0 {
				items[i] = nil
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return items, nil
}

// batchBytes is where the answer to a BatchGetItem ends.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html
const batchBytes = 16 << 20

// BatchGet implements [orm.Reader]. What is beyond 16 MB is left unprocessed, and
// so is what [Memory.Unprocessed] says.
func (m *Memory) BatchGet(ctx context.Context, r *orm.BatchGetRequest) (*orm.BatchGetResult, error) {
	out := &orm.BatchGetResult{}
	c := Call{Op: "batch get", BatchGet: r}
	todo, left := m.left(c, r.Table, r.Keys)
	err := m.call(ctx, c, func() error {
		if err := orm.CheckBatchGet(r); err != nil {
			return err
		}
		for _, key := range r.Keys {
			if err := checkKey(r.Table, key); err != nil {
				return &orm.Error{Kind: orm.KindValidation, Op: c.Op, Table: r.Table.Name, Err: err}
			}
		}
		t, size := m.table(r.Table), 0
		for i, key := range todo {
			item := t.get(key)
			if size += orm.ItemSize(item); size > batchBytes {
				left = append(left, todo[i:]...)
				break
			}
			readItem(ctx, r.Table, item, consistency(r.Eventual))
			if item != nil {
				out.Items = append(out.Items, cloneItem(pick(item, r.Select)))
			}
		}
		for _, key := range left {
			out.Unprocessed = append(out.Unprocessed, cloneItem(key))
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}
