package orm_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/vinci-go/vinci/orm"
	"github.com/vinci-go/vinci/orm/ormtest"
)

// Shipment has composite keys: all shipments of a tenant are one partition, in
// the order of their numbers.
type Shipment struct {
	PK       string    `dynamo:"pk,hash" template:"TENANT#{tenant}"`
	SK       string    `dynamo:"sk,range" template:"{depot}#{number:06}"`
	Tenant   string    `dynamo:"tenant"`
	Depot    string    `dynamo:"depot"`
	Number   int       `dynamo:"number"`
	Status   string    `dynamo:"status" enum:"packed,sent,lost" default:"packed"`
	Version  int64     `dynamo:"version" version:"true"`
	PackedAt time.Time `dynamo:"packed_at" stamp:"created"`
	MovedAt  time.Time `dynamo:"moved_at" stamp:"updated"`
	Receiver string    `dynamo:"receiver" log:"masked"`
	Route    string    `dynamo:"route" output:"hidden"`
}

var (
	Shipments      = orm.Define[Shipment, orm.Pair[string, string]]("shipments")
	ShipmentPK     = orm.Composite(Shipments, func(s *Shipment) *string { return &s.PK })
	ShipmentSK     = orm.Composite(Shipments, func(s *Shipment) *string { return &s.SK })
	ShipmentStatus = orm.Attr(Shipments, func(s *Shipment) *string { return &s.Status })
)

func ExampleComposite() {
	ctx := context.Background()
	store := ormtest.New()
	for _, s := range []Shipment{
		{Tenant: "acme", Depot: "north", Number: 10},
		{Tenant: "acme", Depot: "north", Number: 9},
		{Tenant: "acme", Depot: "north#2", Number: 1}, // no part of north
	} {
		if err := orm.Exec(ctx, store, Shipments.Insert(s)); err != nil {
			fmt.Println(err)
		}
	}

	tenant, _ := ShipmentPK.Of(Shipment{Tenant: "acme"})
	north, _ := ShipmentSK.Prefix(Shipment{Depot: "north"})
	for s, err := range orm.QueryTable(Shipments, tenant).Prefix(north).All(ctx, store) {
		fmt.Println(s.PK, s.SK, err)
	}

	parts, err := ShipmentSK.Split("north%232#000001")
	fmt.Println(parts.Depot, parts.Number, err)
	// Output:
	// TENANT#acme north#000009 <nil>
	// TENANT#acme north#000010 <nil>
	// north#2 1 <nil>
}

// Two people change what they read before: the second one is told.
func ExampleTable_Put_version() {
	ctx := context.Background()
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	store := ormtest.New(ormtest.Clock(func() time.Time { return now }))

	first := Shipment{Tenant: "acme", Depot: "north", Number: 7}
	key, _ := Shipments.KeyOf(first)
	fmt.Println("insert:", orm.Exec(ctx, store, Shipments.Insert(first)))

	mine, _ := Shipments.Get(ctx, store, key)
	yours := mine
	now = now.Add(time.Hour)

	mine.Status, yours.Status = "sent", "lost"
	fmt.Println("mine:", orm.Exec(ctx, store, Shipments.Put(mine)))
	fmt.Println("yours is outrun:", errors.Is(orm.Exec(ctx, store, Shipments.Put(yours)), orm.KindVersionConflict))

	s, _ := Shipments.Get(ctx, store, key)
	fmt.Println(s.Status, s.Version, s.PackedAt.Format(time.TimeOnly), s.MovedAt.Format(time.TimeOnly))

	fmt.Println(orm.Exec(ctx, store, Shipments.Update(key, ShipmentStatus.Set("gone"))))
	// Output:
	// insert: <nil>
	// mine: <nil>
	// yours is outrun: true
	// sent 2 03:04:05 04:04:05
	// encode shipments: validation (attribute status): "gone" is none of the values it may have: allowed are packed, sent, lost
}

func ExampleTable_LogValue() {
	s := Shipments.Fill(Shipment{Tenant: "acme", Depot: "north", Number: 7, Receiver: "Ada", Route: "A7"})
	log := slog.New(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
		if a.Key == "time" || a.Key == "level" || a.Key == "packed_at" || a.Key == "moved_at" {
			return slog.Attr{}
		}
		return a
	}}))
	log.Info("packed", "shipment", Shipments.LogValue(s))
	// Output: msg=packed shipment.tenant=acme shipment.depot=north shipment.number=7 shipment.status=packed shipment.version=0 shipment.receiver=***
}

// A tool has the schema, and not the Go type.
func ExampleDefineSchema() {
	ctx := context.Background()
	store := ormtest.New()
	if err := orm.Exec(ctx, store, Shipments.Insert(Shipment{Tenant: "acme", Depot: "north", Number: 7, Receiver: "Ada", Route: "A7"})); err != nil {
		fmt.Println(err)
	}

	table := orm.DefineSchema(Shipments.Schema()) // or one read from JSON
	for item, err := range table.Scan().All(ctx, store) {
		delete(item, "packed_at")
		delete(item, "moved_at")
		text, _ := table.JSON(item)
		fmt.Println(string(text), err)
	}
	// Output: {"pk":"TENANT#acme","sk":"north#000007","tenant":"acme","depot":"north","number":7,"status":"packed","version":1,"receiver":"Ada"} <nil>
}
