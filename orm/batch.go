package orm

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// maxBatchTries is how often a batch is asked for again without getting any
// further.
const maxBatchTries = 8

// patience counts the tries that got no further. A batch that is left over in
// part because an answer ends at 16 MB gets on with each try, however many it
// takes.
type patience struct {
	tries int
	cause error // why, where the service said so
}

// throttled reports whether the request was turned away as a whole for want of
// capacity. DynamoDB leaves over what it has no capacity for, but answers so when
// that is all of it. Nothing has happened then, and so all of it is left over.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchWriteItem.html
func (p *patience) throttled(err error) bool {
	if !Only(err, KindThrottled) {
		return false
	}
	p.cause = err
	return true
}

// again waits before what is left over is tried again. before and left are how
// many there were and are.
func (p *patience) again(ctx context.Context, r Reader, op string, s *Schema, before, left int) error {
	if left < before {
		p.tries = 0
	}
	if p.tries++; p.tries > maxBatchTries {
		err := fmt.Errorf("%d tries in a row got no further: the table is asked for more than it has capacity for", maxBatchTries)
		if p.cause != nil {
			err = fmt.Errorf("%w (%w)", err, p.cause)
		}
		return &Error{Kind: KindThrottled, Op: op, Table: s.Name, Err: err}
	}
	if err := r.Backoff(ctx, p.tries); err != nil {
		return &Error{Kind: KindUnavailable, Op: op, Table: s.Name, Err: err}
	}
	return nil
}

// GetBatch reads the items of many keys, 100 with each request, strongly
// consistent unless [Eventually] is given. The result has one entry a key, in
// their order, nil where there is no item. A key may be there twice.
//
// What DynamoDB leaves over is asked for again, after [Reader.Backoff]; eight
// tries that get no further are an error of [KindThrottled]. Each item is of its
// own moment: see [TransactGet].
//
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html
func (t *Table[T, K]) GetBatch(ctx context.Context, r Reader, keys []K, opts ...ReadOption) ([]*T, error) {
	const op = "get batch"
	if t.err != nil {
		return nil, t.err
	}
	o, err := t.readOptions(op, opts)
	if err != nil {
		return nil, err
	}
	ids := make([]string, len(keys))
	pending := make([]Item, 0, len(keys))
	seen := make(map[string]bool, len(keys))
	for i, key := range keys {
		k, err := t.plan.key(op, key)
		if err != nil {
			return nil, err
		}
		ids[i] = t.schema.keyID(k)
		if !seen[ids[i]] {
			seen[ids[i]] = true
			pending = append(pending, k)
		}
	}
	found := make(map[string]Item, len(pending))
	var p patience
	for len(pending) > 0 {
		n := min(len(pending), MaxBatchGet)
		answer, err := r.BatchGet(ctx, &BatchGetRequest{Table: t.schema, Keys: pending[:n:n], Select: o.names, Eventual: o.eventual})
		if p.throttled(err) {
			answer, err = &BatchGetResult{Unprocessed: pending[:n:n]}, nil
		}
		if err != nil {
			return nil, err
		}
		for _, item := range answer.Items {
			found[t.schema.keyID(item)] = item
		}
		pending = pending[n:]
		if left := len(answer.Unprocessed); left > 0 {
			if err := p.again(ctx, r, op, t.schema, n, left); err != nil {
				return nil, fmt.Errorf("%d keys of %d are not read: %w", left+len(pending), len(seen), err)
			}
			pending = slices.Concat(answer.Unprocessed, pending)
		}
	}
	out := make([]*T, len(keys))
	for i, id := range ids {
		item, ok := found[id]
		if !ok {
			continue
		}
		one, err := t.Decode(item)
		if err != nil {
			return nil, err
		}
		out[i] = &one
	}
	return out, nil
}

// BatchError is a batch of writes that was not written whole. The writes are
// independent of each other: those that are done stay done.
type BatchError struct {
	Op      string // "put batch" or "delete batch"
	Table   string // the definition's name
	Written int    // how many were written

	// Left are the places, in what was given, of those that were not written, in
	// ascending order. When Err is of [KindUnavailable] up to 25 of them may be.
	Left []int
	Keys []string // of those in Left, in readable form
	Err  error    // why: holds an *[Error]
}

// maxNamed is how many keys a message names.
const maxNamed = 10

func (e *BatchError) Error() string {
	keys, more := e.Keys, ""
	if len(keys) > maxNamed {
		keys, more = keys[:maxNamed], fmt.Sprintf(" and %d more", len(keys)-maxNamed)
	}
	return fmt.Sprintf("%s %s: %d of %d are written, not so %s%s: %v", e.Op, e.Table, e.Written, e.Written+len(e.Left), strings.Join(keys, "; "), more, e.Err)
}

func (e *BatchError) Unwrap() error { return e.Err }

// PutBatch writes many items, 25 with each request, whether they exist or not.
// Defaults, validation and stamps are as [Table.Put] has them; all of them are
// prepared before the first is written, so that a wrong item means that nothing
// is written. No key may be there twice.
//
// The batch is no transaction, and has no conditions: see [Exec] for both. What
// DynamoDB leaves over is sent again, after [Reader.Backoff]; eight tries that
// get no further are an error of [KindThrottled]. An error after the first write
// is a *[BatchError], which says what was not written.
//
// Tables with unique attributes or a version attribute refuse it with
// [KindValidation]: both need conditions.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchWriteItem.html
func (t *Table[T, K]) PutBatch(ctx context.Context, s Store, items []T) error {
	const op = "put batch"
	if err := t.batchable(op, "Put"); err != nil {
		return err
	}
	b := newBatch(op, t.schema, len(items))
	var errs []error
	for i := range items {
		item := items[i] // defaults are not filled in what the caller holds
		a, err := t.plan.put(op, &item)
		if err == nil {
			a, err = t.plan.complete(op, s, a)
		}
		if err == nil {
			if n := ItemSize(a.Item); n > MaxItemSize {
				err = a.Wrap(KindTooLarge, fmt.Errorf("the item is %d bytes, allowed are %d", n, MaxItemSize))
			} else {
				err = b.add(i, a.Item, t.schema.KeyOf(a.Item))
			}
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("item %d: %w", i, err))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	return b.write(ctx, s)
}

// DeleteBatch removes the items of many keys, 25 with each request; those that
// do not exist are no error. No key may be there twice. It is refused, repeated
// and reported as [Table.PutBatch] is.
func (t *Table[T, K]) DeleteBatch(ctx context.Context, s Store, keys []K) error {
	const op = "delete batch"
	if err := t.batchable(op, "Delete"); err != nil {
		return err
	}
	b := newBatch(op, t.schema, len(keys))
	var errs []error
	for i, key := range keys {
		k, err := t.plan.key(op, key)
		if err == nil {
			err = b.add(i, nil, k)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("key %d: %w", i, err))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	return b.write(ctx, s)
}

// batchable refuses tables whose writes need conditions.
func (t *Table[T, K]) batchable(op, instead string) error {
	if t.err != nil {
		return t.err
	}
	why := ""
	switch {
	case len(t.plan.uniques) > 0:
		why = fmt.Sprintf("the unique attribute %s", t.plan.uniques[0].name)
	case t.plan.version != nil:
		why = fmt.Sprintf("the version attribute %s", t.plan.version.name)
	default:
		return nil
	}
	return &Error{Kind: KindValidation, Op: op, Table: t.schema.Name,
		Err: fmt.Errorf("%s needs a condition with each write, and a batch has none: write them one by one, or up to 100 in a transaction, with orm.Exec and %s", why, instead)}
}

// batch is a number of independent writes to one table, puts or deletes.
type batch struct {
	op      string
	schema  *Schema
	entries []batchEntry
	places  map[string]int // of a key, by its keyID
}

type batchEntry struct {
	place    int  // in what the caller gave
	put, key Item // put is nil for a delete
}

func newBatch(op string, s *Schema, n int) *batch {
	return &batch{op: op, schema: s, entries: make([]batchEntry, 0, n), places: make(map[string]int, n)}
}

// has reports whether the batch has a write to the key.
func (b *batch) has(key Item) bool {
	_, ok := b.places[b.schema.keyID(key)]
	return ok
}

func (b *batch) add(place int, put, key Item) error {
	id := b.schema.keyID(key)
	if before, ok := b.places[id]; ok {
		return &Error{Kind: KindValidation, Op: b.op, Table: b.schema.Name, Key: b.schema.KeyText(key),
			Err: fmt.Errorf("the key is there twice, at %d and %d, and nothing says which comes first: give each once", before, place)}
	}
	b.places[id] = place
	b.entries = append(b.entries, batchEntry{place, put, key})
	return nil
}

// write writes all of it. Its error is a *BatchError.
func (b *batch) write(ctx context.Context, s Store) error {
	pending := b.entries
	var p patience
	for len(pending) > 0 {
		n := min(len(pending), MaxBatchWrite)
		left, err := b.request(ctx, s, pending[:n])
		if p.throttled(err) {
			left, err = pending[:n:n], nil
		}
		if err != nil {
			return b.failed(pending, err)
		}
		pending = pending[n:]
		if len(left) > 0 {
			pending = slices.Concat(left, pending)
			if err := p.again(ctx, s, b.op, b.schema, n, len(left)); err != nil {
				return b.failed(pending, err)
			}
		}
	}
	return nil
}

// request sends one request and returns what the service did not get to.
func (b *batch) request(ctx context.Context, s Store, entries []batchEntry) ([]batchEntry, error) {
	req := &BatchWriteRequest{Table: b.schema}
	for _, e := range entries {
		if e.put != nil {
			req.Puts = append(req.Puts, e.put)
		} else {
			req.Deletes = append(req.Deletes, e.key)
		}
	}
	answer, err := s.BatchWrite(ctx, req)
	if err != nil {
		return nil, err
	}
	again := map[int]bool{}
	for _, item := range slices.Concat(answer.Puts, answer.Deletes) {
		place, ok := b.places[b.schema.keyID(item)]
		if !ok {
			return nil, &Error{Kind: KindUnavailable, Op: b.op, Table: b.schema.Name, Key: b.schema.KeyText(item), Err: errors.New("the service says that it did not write what it was not asked for")}
		}
		again[place] = true
	}
	var left []batchEntry
	for _, e := range entries {
		if again[e.place] {
			left = append(left, e)
		}
	}
	return left, nil
}

func (b *batch) failed(pending []batchEntry, err error) error {
	pending = slices.SortedFunc(slices.Values(pending), func(x, y batchEntry) int { return x.place - y.place })
	e := &BatchError{Op: b.op, Table: b.schema.Name, Written: len(b.entries) - len(pending), Err: err}
	for _, one := range pending {
		e.Left = append(e.Left, one.place)
		e.Keys = append(e.Keys, b.schema.KeyText(one.key))
	}
	return e
}
