package orm

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"reflect"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// Query reads the items of one partition of a table or an index in the order of
// the sort key, which is of type S. It is a value that holds no client and never
// changes: each method returns a changed copy, so a query may be kept, shared
// and refined. Make it with [QueryTable] or [Index.Query].
//
// What is wrong with a query (a bound of the wrong kind, a filter by its own
// keys, a foreign cursor) is kept and is the first error of All, Page, Count and
// First, of [KindValidation].
//
// A query of a table or a local index is strongly consistent, unless
// [Query.Eventual] is said. A global index is always eventually consistent: what
// was just written may be missing. An index holds only items that have its keys,
// and of these the attributes of its projection; other fields stay zero.
//
// Items by which a table keeps its unique values are never among the results.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Query.html
type Query[T, S any] struct{ q reading }

// QueryTable queries the partition hash of a table.
func QueryTable[T, H, S any](t *Table[T, Pair[H, S]], hash H) Query[T, S] {
	if t.err != nil {
		return Query[T, S]{reading{mistakes: []error{t.err}}}
	}
	return newQuery[T, S](reading{plan: t.plan, hash: t.plan.hash, sort: t.plan.sort}, reflect.ValueOf(&hash).Elem())
}

// Query queries the partition hash of the index.
func (ix *Index[T, H, S]) Query(hash H) Query[T, S] {
	if ix.err != nil {
		return Query[T, S]{reading{mistakes: []error{ix.err}}}
	}
	return newQuery[T, S](reading{plan: ix.plan, index: ix.schema, hash: ix.hash, sort: ix.sort}, reflect.ValueOf(&hash).Elem())
}

func newQuery[T, S any](q reading, hash reflect.Value) Query[T, S] {
	av, err := q.hash.keyValue(hash)
	if err == nil {
		err = checkKeyValue(av, maxHashBytes)
	}
	if s, ok := av.(*types.AttributeValueMemberS); ok && q.hash == q.plan.hash && strings.HasPrefix(s.Value, uniquePrefix) {
		err = errReservedKey
	}
	if err != nil {
		q.note(q.hash.name, err)
	}
	q.partition = av
	return Query[T, S]{q}
}

// bound encodes a bound of the sort key, nil for one that cannot be.
func (q *Query[T, S]) bound(v S) types.AttributeValue {
	if q.q.plan == nil {
		return nil // a mistake already
	}
	if q.q.sort == nil {
		q.q.note("", fmt.Errorf("index %q has no sort key: leave From, To, After, Before and Prefix away", q.q.index.Name))
		return nil
	}
	av, err := q.q.sort.keyValue(reflect.ValueOf(&v).Elem())
	if err == nil {
		err = checkKeyValue(av, maxSortBytes)
	}
	if err != nil {
		q.q.note(q.q.sort.name, fmt.Errorf("a bound: %w", err))
		return nil
	}
	return av
}

// From leaves out items whose sort key is below v. It takes the place of an
// earlier From or After.
func (q Query[T, S]) From(v S) Query[T, S] {
	q.q.lower, q.q.lowerOut = q.bound(v), false
	return q
}

// To leaves out items whose sort key is above v. It takes the place of an
// earlier To or Before.
func (q Query[T, S]) To(v S) Query[T, S] {
	q.q.upper, q.q.upperOut = q.bound(v), false
	return q
}

// After leaves out items whose sort key is v or below. It stands alone: DynamoDB
// takes no other bound beside it.
func (q Query[T, S]) After(v S) Query[T, S] {
	q.q.lower, q.q.lowerOut = q.bound(v), true
	return q
}

// Before leaves out items whose sort key is v or above. It stands alone:
// DynamoDB takes no other bound beside it.
func (q Query[T, S]) Before(v S) Query[T, S] {
	q.q.upper, q.q.upperOut = q.bound(v), true
	return q
}

// Prefix keeps only items whose sort key, a string or bytes, begins with v; an
// empty one keeps all. It stands alone: no other bound may be beside it.
func (q Query[T, S]) Prefix(v S) Query[T, S] {
	q.q.prefix = nil
	if f := q.q.sort; f != nil && f.kind != "S" && f.kind != "B" {
		q.q.note(f.name, fmt.Errorf("a prefix is for sort keys that are strings or bytes, this one is stored as %s: use From and To", f.kind))
		return q
	}
	rv := reflect.ValueOf(&v).Elem()
	if q.q.sort != nil && (rv.Kind() == reflect.String || rv.Kind() == reflect.Slice) && rv.Len() == 0 {
		return q
	}
	q.q.prefix = q.bound(v)
	return q
}

// Descending reads from the highest sort key down. From and After stay the lower
// bound, To and Before the upper one.
func (q Query[T, S]) Descending() Query[T, S] {
	q.q.descending = true
	return q
}

// Limit ends the result after n items, however many pages that takes; 0 means no
// limit. Items that Filter leaves out do not count.
func (q Query[T, S]) Limit(n int) Query[T, S] {
	q.q.setLimit(n)
	return q
}

// Filter leaves out items for which a condition does not hold; several calls and
// conditions are joined by AND. The items are still read, and paid for, before
// DynamoDB filters them. It cannot filter by the keys of what is read, nor by an
// attribute that the index does not hold.
func (q Query[T, S]) Filter(cond ...Condition[T]) Query[T, S] {
	q.q.where(And(cond...).Tree())
	return q
}

// Select reads only the given attributes, and the keys; other fields stay zero.
// It takes the place of an earlier Select. It saves transport, not read units.
// An attribute inside another selects the whole outer one.
func (q Query[T, S]) Select(attributes ...Selectable[T]) Query[T, S] {
	q.q.choose(selection(attributes))
	return q
}

// Eventual reads eventually consistent, at half the price: what was just written
// may be missing.
func (q Query[T, S]) Eventual() Query[T, S] {
	q.q.eventual = true
	return q
}

// StartAt goes on behind the item that the cursor was made from. The query must
// be the one that the cursor came from: Limit, Select and Eventual may differ.
// The empty cursor is the beginning.
func (q Query[T, S]) StartAt(c Cursor) Query[T, S] {
	q.q.cursor = c
	return q
}

// All reads the items page by page as they are asked for, and decodes each when
// it is its turn: at most one page is held, and whoever stops early reads no
// further page. The sequence ends after the first error. It may be read again,
// which queries again.
func (q Query[T, S]) All(ctx context.Context, r Reader) iter.Seq2[T, error] {
	return all[T](ctx, r, q.q)
}

// Page reads up to Limit items, 100 when there is none, and says where the next
// page begins. Its cursor is empty at the end. With a Filter it reads on until it
// has that many, however far that is: give a context with a deadline, or keys
// that say what is wanted. And it may happen that a page has a cursor and the next
// one is empty: to know, Page would have to read on.
func (q Query[T, S]) Page(ctx context.Context, r Reader) (PageOf[T], error) {
	return pageOf[T](ctx, r, q.q)
}

// Count counts the items that All would yield, up to Limit. DynamoDB reads them
// for it, at the same price, but does not send them.
func (q Query[T, S]) Count(ctx context.Context, r Reader) (int, error) {
	return q.q.count(ctx, r)
}

// First is the first item that All would yield. The error is of [KindNotFound]
// when there is none.
func (q Query[T, S]) First(ctx context.Context, r Reader) (T, error) {
	for item, err := range q.Limit(1).All(ctx, r) {
		return item, err
	}
	var none T
	return none, &Error{Kind: KindNotFound, Op: "query", Table: q.q.plan.schema.Name, Key: q.q.say(q.q.hash, q.q.partition), Err: errors.New("no item is in what is asked for")}
}
