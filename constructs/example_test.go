package constructs_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/constructs"
	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/orm"
)

type product struct {
	ID    string `dynamo:"id,hash"`
	Stock int    `dynamo:"stock"`
}

type listed struct {
	ID string `json:"id"`
}

var (
	products      = orm.Define[product, string]("products")
	productListed = event.Define[listed]("product.listed")
)

// An app.go names what the application consists of and ends with app.Synth(); a program
// that goes on calls Synthesize. Each table has a stack of its own.
func ExampleApplication_Synthesize() {
	out, err := os.MkdirTemp("", "cdk.out-")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(out)
	app := constructs.NewApplication(&constructs.ApplicationProps{
		AppName: "shop",
		Context: map[string]string{"deployment": "dev"}, // else cdk synth -c deployment=dev says it
	})
	app.AddTable(products)
	if err := app.Synthesize(context.Background(), &constructs.SynthOptions{Dir: out, OutDir: out}); err != nil {
		fmt.Println(err)
		return
	}
	stacks, err := filepath.Glob(filepath.Join(out, "*.template.json"))
	if err != nil {
		fmt.Println(err)
		return
	}
	slices.Sort(stacks)
	for _, s := range stacks {
		fmt.Println(strings.TrimSuffix(filepath.Base(s), ".template.json"))
	}
	// Output:
	// shop-dev-alarms
	// shop-dev-dashboard
	// shop-dev-table-products
}

// A handler is a subscription and the folder of its function. What is wrong with an
// application is told before anything is made, all of it together.
func ExampleApplication_AddEventHandler() {
	app := constructs.NewApplication(&constructs.ApplicationProps{
		AppName: "shop", EventBus: true, Context: map[string]string{"deployment": "dev"},
	})
	app.AddEventHandler(
		bus.Subscription("index_product", bus.To(productListed), bus.Writes(products)),
		&constructs.EventHandlerProps{Function: "lambdas/index_product", DeadLetterQueue: true},
	)
	// app.AddEvents(productListed) and app.AddTable(products) are missing, and so is the
	// folder: err says so, with the lines above and what to do.
	err := app.Synthesize(context.Background(), &constructs.SynthOptions{Dir: os.TempDir()})
	fmt.Println(errors.Is(err, constructs.ErrInvalid))
	// Output: true
}

// An exception is from one rule, at one resource, for one reason.
func ExampleApplication_Allow() {
	app := constructs.NewApplication(&constructs.ApplicationProps{AppName: "shop"})
	app.Allow(constructs.Exception{
		Rule:     "vinci/queue-tls",
		Resource: "reports/Jobs/Queue",
		Reason:   "the partner's old client speaks no TLS; contract ends in March",
	})
}
