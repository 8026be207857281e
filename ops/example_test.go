package ops_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"time"

	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/eventlog"
	"github.com/vinci-go/vinci/ops"
	"github.com/vinci-go/vinci/orm/ormtest"
)

// What a subscription has missed is counted first, and then sent.
func ExampleOps_Replay() {
	store := ormtest.New() // orm.NewDynamoDB in a program
	shop := eventlog.New(store, eventlog.Options{Source: "shop"})
	o, err := ops.New(ops.Options{
		Application: "shop", Deployment: "dev", Store: store, Log: shop,
		Queues:        &queues{held: map[string][]*queued{}, now: time.Now}, // ops.NewSQS(config) in a program
		Subscriptions: []ops.Subscription{{Name: "charge", Patterns: []json.RawMessage{[]byte(`{"detail-type":["order.placed"]}`)}}},
	})
	if err != nil {
		log.Fatal(err)
	}
	ctx := event.WithFlow(context.Background(), event.Flow{Actor: "alice"})
	if _, err := shop.Commit(ctx, eventlog.Changes{Events: []event.Record{placed.At("order/7f3c", event.New).Record(order{Number: 1})}}); err != nil {
		log.Fatal(err)
	}
	replay := ops.Replay{Selection: ops.Selection{Stream: "order/7f3c"}, DryRun: true}
	would, err := o.Replay(ctx, "charge", replay)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("would send", would.Sent)
	replay.DryRun = false
	done, err := o.Replay(ctx, "charge", replay)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("sent", done.Sent)
	// Output:
	// would send 1
	// sent 1
}
