package orm

import (
	"context"
	"errors"
	"fmt"
)

// TransactGetItem is one read of a [TransactGet]: a value that holds no client.
// Make it with [Table.Into].
type TransactGetItem struct {
	request *GetRequest
	decode  func(Item) error
	err     error
}

// Into is the read of one item into out, for [TransactGet].
func (t *Table[T, K]) Into(out *T, key K, opts ...ReadOption) TransactGetItem {
	req, err := t.get("transact get", key, opts)
	if err != nil {
		return TransactGetItem{err: err}
	}
	fail := func(what string) TransactGetItem {
		return TransactGetItem{err: &Error{Kind: KindValidation, Op: "transact get", Table: t.schema.Name, Key: t.schema.KeyText(req.Key), Err: errors.New(what)}}
	}
	if out == nil {
		return fail("there is nothing to read into: give the address of a variable")
	}
	if req.Eventual {
		return fail("a transaction reads what is of one moment, which is never eventually consistent: leave orm.Eventually away")
	}
	return TransactGetItem{request: req, decode: func(item Item) error {
		if item == nil {
			return t.notFound("transact get", req.Key)
		}
		one, err := t.Decode(item)
		if err == nil {
			*out = one
		}
		return err
	}}
}

// maxTransactTries is how often a transaction of reads is tried that another
// transaction is in the way of, or that was throttled: the client repeats no
// cancelled one by itself.
const maxTransactTries = 5

// TransactGet reads up to 100 items, of several tables, as they were at one
// moment:
//
//	err := orm.TransactGet(ctx, store, Users.Into(&user, id), Stats.Into(&stats, "global"))
//
// For each item that does not exist the error holds one of [KindNotFound] (see
// [Errors]), its variable stays as it was, and the others are filled. With any
// other error nothing is filled. It costs twice the read units of Get. When a
// write is on one of the items at that moment, or the capacity of a table does not
// suffice, it is tried again, up to five times in all; then the error is of
// [KindConflict] or [KindThrottled].
//
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactGetItems.html
func TransactGet(ctx context.Context, r Reader, items ...TransactGetItem) error {
	gets, err := transactGets(items)
	if err != nil {
		return err
	}
	var found []Item
	for try := 1; ; try++ {
		found, err = r.TransactGet(ctx, gets)
		if err == nil {
			break
		}
		if try == maxTransactTries || !Only(err, KindConflict, KindThrottled) {
			return err
		}
		if wait := r.Backoff(ctx, try); wait != nil {
			return errors.Join(&Error{Kind: KindUnavailable, Op: "transact get", Table: gets[0].Table.Name, Err: wait}, err)
		}
	}
	if len(found) != len(gets) {
		return &Error{Kind: KindUnavailable, Op: "transact get", Table: gets[0].Table.Name, Err: fmt.Errorf("%d items were asked for, and %d came", len(gets), len(found))}
	}
	var errs []error
	for i := range items {
		if err := items[i].decode(found[i]); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// transactGets checks what DynamoDB would refuse whatever is stored.
func transactGets(items []TransactGetItem) ([]GetRequest, error) {
	if n := len(items); n == 0 || n > MaxTransactGets {
		return nil, &Error{Kind: KindTooLarge, Op: "transact get", Err: fmt.Errorf("%d items are to be read, allowed are 1 to %d", n, MaxTransactGets)}
	}
	gets := make([]GetRequest, len(items))
	seen := make(map[string]int, len(items))
	var errs []error
	for i, one := range items {
		if one.err != nil {
			errs = append(errs, one.err)
			continue
		}
		if one.request == nil {
			errs = append(errs, &Error{Kind: KindValidation, Op: "transact get", Err: fmt.Errorf("read %d is empty: make it with Into of a table", i)})
			continue
		}
		gets[i] = *one.request
		t := gets[i].Table
		id := t.Name + " " + t.keyID(gets[i].Key)
		if before, ok := seen[id]; ok {
			errs = append(errs, &Error{Kind: KindValidation, Op: "transact get", Table: t.Name, Key: t.KeyText(gets[i].Key),
				Err: fmt.Errorf("reads %d and %d are of this item, and DynamoDB takes each once", before, i)})
		}
		seen[id] = i
	}
	return gets, errors.Join(errs...)
}
