package orm_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/vinci-go/vinci/orm"
	"github.com/vinci-go/vinci/orm/ormtest"
)

// docs/tables.md shows lines of this file.

type Customer struct {
	CustomerID   string      `dynamo:"customer_id,hash"`
	Email        string      `dynamo:"email" unique:"normalized" validate:"required,email"`
	Status       string      `dynamo:"status" enum:"pending,active,closed" default:"pending" index:"by_status,hash"`
	Address      Address     `dynamo:"address"`
	Phones       []string    `dynamo:"phones" log:"masked"`
	Labels       []string    `dynamo:"labels,set"`
	Balance      orm.Decimal `dynamo:"balance"`
	PasswordHash string      `dynamo:"password_hash" output:"hidden"`
	Version      int64       `dynamo:"version" version:"true"`
	CreatedAt    time.Time   `dynamo:"created_at,unixtime" stamp:"created" index:"by_status,range"`
	UpdatedAt    time.Time   `dynamo:"updated_at" stamp:"updated"`
}

type Address struct {
	Street string `dynamo:"street"`
	City   string `dynamo:"city"`
}

var Customers = orm.Define[Customer, string]("customers",
	orm.Description("Who buys."),
	orm.DefaultFunc(func(c *Customer) *string { return &c.CustomerID }, newID))

var (
	CustomerStatus = orm.Attr(Customers, func(c *Customer) *string { return &c.Status })
	CustomerEmail  = orm.Attr(Customers, func(c *Customer) *string { return &c.Email })
	CustomerCity   = orm.Attr(Customers, func(c *Customer) *string { return &c.Address.City })
	CustomerPhones = orm.List(Customers, func(c *Customer) *[]string { return &c.Phones })
	CustomerLabels = orm.Set(Customers, func(c *Customer) *[]string { return &c.Labels })
	ByStatus       = orm.IndexOf(Customers, func(c *Customer) *string { return &c.Status }, func(c *Customer) *time.Time { return &c.CreatedAt })
)

// Line is a line of an order.
type Line struct {
	PK      string `dynamo:"pk,hash" template:"{tenant}#{order}"`
	SK      string `dynamo:"sk,range" template:"LINE#{line:04}"`
	Tenant  string `dynamo:"tenant"`
	Order   string `dynamo:"order"`
	Line    int    `dynamo:"line"`
	Product string `dynamo:"product"`
	Count   int    `dynamo:"count"`
}

var (
	Lines     = orm.Define[Line, orm.Pair[string, string]]("lines")
	LineOrder = orm.Composite(Lines, func(l *Line) *string { return &l.PK })
	LineCount = orm.Number(Lines, func(l *Line) *int { return &l.Count })
)

// newID would be random in a program.
func newID() string { return "c1" }

func Example_writing() {
	ctx := context.Background()
	store := ormtest.New(ormtest.Clock(func() time.Time { return time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC) }))

	err := orm.Exec(ctx, store, Customers.Insert(Customer{Email: "ada@example.com", Address: Address{City: "London"}}))
	fmt.Println("insert:", err)

	ada, err := Customers.Get(ctx, store, "c1")
	fmt.Println(ada.Status, ada.Version, ada.CreatedAt.UTC().Format(time.DateTime), err)

	err = orm.Exec(ctx, store, Customers.Insert(Customer{CustomerID: "c2", Email: "Ada@EXAMPLE.com"}))
	fmt.Println(err)

	err = orm.Exec(ctx, store, Customers.Update("c1",
		CustomerStatus.Set("active"),
		CustomerCity.Set("Paris"),
		CustomerPhones.Append("+33 1 23"),
		CustomerLabels.Add([]string{"vip"}),
	).If(CustomerStatus.Eq("pending")))
	fmt.Println("update:", err)

	ada.Email = "ada@example.org"
	err = orm.Exec(ctx, store, Customers.Put(ada)) // as it was before the update
	fmt.Println("outrun:", errors.Is(err, orm.KindVersionConflict))

	err = orm.Exec(ctx, store, Customers.Update("c1", CustomerEmail.Set("ada@example.org")))
	fmt.Println("the old address is free again:", err)

	err = orm.Exec(ctx, store,
		Lines.Insert(Line{Tenant: "acme", Order: "7", Line: 1, Product: "bolt", Count: 100}),
		Lines.Insert(Line{Tenant: "acme", Order: "7", Line: 2, Product: "nut", Count: 100}))
	fmt.Println("both lines:", err)

	err = orm.Exec(ctx, store,
		Lines.Update(orm.Pair[string, string]{Hash: "acme#7", Sort: "LINE#0001"}, LineCount.Add(-1)),
		Customers.Update("c1", CustomerStatus.Set("closed")).If(CustomerStatus.Eq("pending")))
	for _, e := range orm.Errors(err) {
		fmt.Println(e.Table, e.Key, errors.Is(e, orm.KindConditionFailed))
		was, err := Customers.Decode(e.Item)
		fmt.Println(was.Status, err)
	}
	// Output:
	// insert: <nil>
	// pending 1 2026-11-21 09:00:00 <nil>
	// transaction cancelled: action 1: put customers "unique#email#ada@example.com": already exists (attribute email)
	// update: <nil>
	// outrun: true
	// the old address is free again: <nil>
	// both lines: <nil>
	// customers "c1" true
	// active <nil>
}

func Example_reading() {
	ctx := context.Background()
	store := ormtest.New(ormtest.Clock(func() time.Time { return time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC) }))
	err := orm.Exec(ctx, store,
		Customers.Insert(Customer{CustomerID: "c1", Email: "ada@example.com", Status: "active", Address: Address{City: "Paris"}}),
		Customers.Insert(Customer{CustomerID: "c2", Email: "bob@example.com", Status: "active", Address: Address{City: "Rome"}}),
		Lines.Insert(Line{Tenant: "acme", Order: "7", Line: 2, Product: "nut", Count: 100}),
		Lines.Insert(Line{Tenant: "acme", Order: "7", Line: 10, Product: "bolt", Count: 5}))
	fmt.Println(err)

	page, err := ByStatus.Query("active").Descending().Limit(10).Filter(CustomerCity.Eq("Paris")).Page(ctx, store)
	fmt.Println(len(page.Items), page.Next == "", err)

	order, err := LineOrder.Of(Line{Tenant: "acme", Order: "7"})
	fmt.Println(order, err)
	for line, err := range orm.QueryTable(Lines, order).Prefix("LINE#").All(ctx, store) {
		fmt.Println(line.Line, line.Product, err)
	}

	for customer, err := range Customers.Scan().Segments(4).All(ctx, store) {
		if err != nil {
			fmt.Println(err)
		}
		_ = customer
	}

	ctx, capacity := orm.WithCapacity(ctx)
	_, err = Customers.GetBatch(ctx, store, []string{"c1", "c2", "c3"})
	fmt.Println(capacity.Tables(), err)
	// Output:
	// <nil>
	// 1 true <nil>
	// acme#7 <nil>
	// 2 nut <nil>
	// 10 bolt <nil>
	// [{customers  3 0}] <nil>
}
