package eventlogtest_test

import (
	"context"
	"fmt"
	"time"

	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/eventlog"
	"github.com/vinci-go/vinci/eventlog/eventlogtest"
)

type placed struct {
	Product string `json:"product"`
}

var orderPlaced = event.Define[placed]("order.placed")

// A log in memory needs nothing running, and its clock is the test's.
func Example() {
	ctx, log := context.Background(), eventlogtest.New("shop")
	for _, product := range []string{"tea", "cake"} {
		record := orderPlaced.At("order/1", event.Append).Record(placed{product})
		if _, err := log.Commit(ctx, eventlog.Changes{Events: []event.Record{record}}); err != nil {
			fmt.Println(err)
			return
		}
		log.Advance(time.Hour)
	}
	for e, err := range eventlog.Decoded(orderPlaced, log.Stream(ctx, "order/1", 1)) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(e.ID, e.Time.Format(time.TimeOnly), e.Data.Product)
	}
	// Output:
	// order/1@1 00:00:00 tea
	// order/1@2 01:00:00 cake
}
