// Package ormtest is a DynamoDB in memory, for tests that need nothing running,
// and the suite that holds it and any other store to what DynamoDB does.
//
// [New] makes a store of the same interface as the real one. It evaluates
// conditions, filters and changes itself, with DynamoDB's rules: numbers compare
// by value with 38 digits, values of different types are never equal nor
// ordered, all changes of an update are made of the item as it was, a path whose
// parent is not there is refused, a transaction happens whole or not at all,
// indexes are sparse and hold what they project, a filter comes after the limit,
// a page ends at 1 MB, items end at 400 KB. Tables and their indexes come into
// being when they are first used. It reports consumed capacity (see
// [orm.WithCapacity]) by Amazon's published rules.
//
// What it cannot show: global indexes are never behind, and throttling,
// transaction conflicts, lost answers and batches that are left undone in part do
// not happen by themselves. Make them with the hooks [Memory.Before],
// [Memory.After] and [Memory.Unprocessed]:
//
//	m := ormtest.New()
//	m.Before(func(c ormtest.Call) error {
//		if c.Op == "transact" { … return &orm.Error{Kind: orm.KindThrottled} }
//		return nil
//	})
//
// Nothing waits: [Memory.Backoff] returns at once, and is a [Call] that the hooks
// see, so that a test can count the tries or move its [Clock].
//
// [Memory.Subscribe] plays the part of a table's change stream.
//
// # The suite
//
// [Conformance] runs on any store. The rules come from Amazon's documentation
// and, where that says nothing, from what others have measured on DynamoDB. A
// store that is known to do otherwise lists each [Difference], and the suite
// checks that it is one still: the local engine ([StartEngine]) has such a list.
package ormtest
