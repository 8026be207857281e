package ormtest_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/vinci-go/vinci/orm"
	"github.com/vinci-go/vinci/orm/ormtest"
)

type counter struct {
	Name  string `dynamo:"name,hash"`
	Count int    `dynamo:"count"`
}

var (
	counters = orm.Define[counter, string]("counters")
	count    = orm.Number(counters, func(c *counter) *int { return &c.Count })
)

// A store in memory does what DynamoDB does, and what it seldom does on demand.
func Example() {
	ctx, store := context.Background(), ormtest.New()
	add := func() error { return orm.Exec(ctx, store, counters.Update("doors", count.Add(1))) }
	fmt.Println(add())

	store.Before(func(c ormtest.Call) error {
		if c.Op == "do" {
			return &orm.Error{Kind: orm.KindThrottled}
		}
		return nil
	})
	fmt.Println(errors.Is(add(), orm.KindThrottled))

	c, err := counters.Get(ctx, store, "doors")
	fmt.Println(c.Count, err)
	// Output:
	// <nil>
	// true
	// 1 <nil>
}
