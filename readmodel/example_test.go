package readmodel_test

import (
	"context"
	"fmt"

	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/orm"
	"github.com/vinci-go/vinci/orm/ormtest"
	"github.com/vinci-go/vinci/readmodel"
)

type dashboard struct {
	Model  string `dynamo:"model,hash"` // generation#tenant
	Orders int    `dynamo:"orders"`
}

var (
	dashboards = orm.Define[dashboard, string]("dashboards")
	project    = bus.Subscription("project_dashboard", bus.To(event.Match("order.*")), bus.Writes(dashboards), bus.Rebuildable())
)

// A query reads the items of the generation that is current: while one is made anew it
// goes on reading the old one, and then the new one.
func ExampleReader() {
	ctx, store := context.Background(), ormtest.New()
	reader := readmodel.NewReader(store, project, readmodel.MaxAge)
	for _, d := range []dashboard{{"#acme", 3}, {"g1#acme", 1}} { // a g1 is being made
		if err := orm.Exec(ctx, store, dashboards.Put(d)); err != nil {
			fmt.Println(err)
			return
		}
	}
	generation, err := reader.Generation(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}
	d, err := dashboards.Get(ctx, store, generation+"#acme")
	fmt.Printf("generation %q has %d orders, %v\n", generation, d.Orders, err)
	// Output: generation "" has 3 orders, <nil>
}
