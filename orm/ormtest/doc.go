// Package ormtest is a DynamoDB in memory, for tests that need nothing running.
//
// [New] makes a store of the same interface as the real one. It evaluates
// conditions and changes itself, with DynamoDB's rules: numbers compare by value
// with 38 digits, values of different types are never equal nor ordered, ADD
// counts an absent attribute as zero, a transaction happens whole or not at all,
// indexes are sparse, items end at 400 KB. Tables come into being when they are
// first used. [Conformance] is the suite that holds it, and any other store, to
// that.
//
// What it cannot show: throttling, transaction conflicts and lost answers do not
// happen by themselves. Make them with [Memory.Before] and [Memory.After]:
//
//	m := ormtest.New()
//	m.Before(func(c ormtest.Call) error {
//		if c.Op == "transact" { … return &orm.Error{Kind: orm.KindThrottled} }
//		return nil
//	})
//
// [Memory.Subscribe] plays the part of a table's change stream.
package ormtest
