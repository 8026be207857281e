package orm_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/vinci-go/vinci/orm"
	"github.com/vinci-go/vinci/orm/ormtest"
)

type Stock struct {
	Article string `dynamo:"article,hash"`
	Count   int    `dynamo:"count"`
	Shelf   string `dynamo:"shelf" index:"by_shelf,hash"`
}

type Purchase struct {
	ID      string `dynamo:"id,hash"`
	Article string `dynamo:"article"`
	Count   int    `dynamo:"count"`
}

var (
	Stocks     = orm.Define[Stock, string]("stocks")
	StockCount = orm.Number(Stocks, func(s *Stock) *int { return &s.Count })
	ByShelf    = orm.HashIndexOf(Stocks, func(s *Stock) *string { return &s.Shelf })
	Purchases  = orm.Define[Purchase, string]("purchases")
)

// buy takes articles out of the stock and notes the purchase, or does neither.
func buy(ctx context.Context, store orm.Store, p Purchase) error {
	err := orm.Exec(ctx, store,
		Purchases.Insert(p),
		Stocks.Update(p.Article, StockCount.Add(-p.Count)).If(StockCount.Ge(p.Count)))
	var cancelled *orm.TransactionError
	if !errors.As(err, &cancelled) {
		return err
	}
	// One reason a write, in their order, nil for those that were not the cause.
	if r := cancelled.Reasons[0]; r != nil && r.Kind == orm.KindAlreadyExists {
		return nil // it is noted already: the same request a second time
	}
	if r := cancelled.Reasons[1]; r != nil && r.Kind == orm.KindConditionFailed {
		there, err := Stocks.Decode(r.Item) // as it was, without reading again
		if err != nil {
			return err
		}
		return fmt.Errorf("only %d of %s are left", there.Count, p.Article)
	}
	return err
}

// A cancelled transaction says of each write why it could not be.
func ExampleTransactionError() {
	ctx := context.Background()
	store := ormtest.New()
	if err := Stocks.PutBatch(ctx, store, []Stock{{"pen", 3, "a"}, {"ink", 9, "a"}}); err != nil {
		panic(err)
	}

	fmt.Println(buy(ctx, store, Purchase{"p1", "pen", 2}))
	fmt.Println(buy(ctx, store, Purchase{"p1", "pen", 2}))
	fmt.Println(buy(ctx, store, Purchase{"p2", "pen", 2}))
	// Output:
	// <nil>
	// <nil>
	// only 1 of pen are left
}

// Several tables are read as they were at one moment.
func ExampleTransactGet() {
	ctx, used := orm.WithCapacity(context.Background())
	store := ormtest.New()
	if err := Stocks.PutBatch(ctx, store, []Stock{{"pen", 3, "a"}, {"ink", 9, "a"}}); err != nil {
		panic(err)
	}

	var pen Stock
	var purchase Purchase
	err := orm.TransactGet(ctx, store, Stocks.Into(&pen, "pen"), Purchases.Into(&purchase, "p1"))
	fmt.Println(pen.Count, err)
	for _, c := range used.Tables() {
		fmt.Println(c.Table, c.Index, c.Read, c.Write)
	}
	// Output:
	// 3 transact get purchases "p1": not found
	// purchases  2 0
	// stocks  2 2
	// stocks by_shelf 0 2
}

// An index without a sort key has queries without bounds.
func ExampleHashIndexOf() {
	ctx := context.Background()
	store := ormtest.New()
	if err := Stocks.PutBatch(ctx, store, []Stock{{"pen", 3, "a"}, {"ink", 9, "a"}, {"cup", 1, "b"}}); err != nil {
		panic(err)
	}
	fmt.Println(ByShelf.Query("a").Filter(StockCount.Gt(5)).Count(ctx, store))
	// Output:
	// 1 <nil>
}
