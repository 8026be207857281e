package sqsbatch_test

import (
	"context"
	"errors"
	"fmt"
	"log"

	"github.com/aws/aws-lambda-go/events"

	"github.com/vinci-go/vinci/orm/ormtest"
	"github.com/vinci-go/vinci/sqsbatch"
)

type Payment struct {
	OrderID string `json:"order_id"`
	Cents   int    `json:"cents"`
}

// Payments is the table of what was paid. Its name in AWS is the store's business.
var Payments = sqsbatch.DefineTable("payments")

// A function that charges each order once. In AWS main would be
// sqsbatch.Start(…) with the same options, and the store sqsbatch.Store(os.Getenv,
// "…"); here the table is in memory, and the batch by hand.
func Example() {
	charge := func(_ context.Context, p Payment) error {
		if p.Cents <= 0 {
			return sqsbatch.Permanent(errors.New("nothing to charge"))
		}
		fmt.Printf("charge %s %d\n", p.OrderID, p.Cents)
		return nil
	}
	records := sqsbatch.NewRecords(ormtest.New(), Payments, sqsbatch.RecordOptions{})
	function, err := sqsbatch.Handle(sqsbatch.JSON(charge),
		sqsbatch.Idempotent(records, sqsbatch.JSONKey(func(p Payment) string { return p.OrderID })),
		sqsbatch.Concurrency(1),
		sqsbatch.Observe(func(_ context.Context, r sqsbatch.Result) { fmt.Println(r.Message.MessageId, r.Outcome) }),
	)
	if err != nil {
		log.Fatal(err)
	}

	batch := events.SQSEvent{}
	for i, body := range []string{`{"order_id":"o1","cents":700}`, `{"order_id":"o1","cents":700}`, `{"order_id":"o2"}`} {
		batch.Records = append(batch.Records, events.SQSMessage{MessageId: fmt.Sprint("m", i+1), Body: body, EventSourceARN: "arn:aws:sqs:eu-west-1:123456789012:payments"})
	}
	response, err := function(context.Background(), batch)
	if err != nil {
		log.Fatal(err)
	}
	for _, again := range response.BatchItemFailures {
		fmt.Println("again:", again.ItemIdentifier)
	}
	// Output:
	// charge o1 700
	// m1 succeeded
	// m2 duplicate
	// m3 failed
	// again: m3
}

// A step that must not be repeated is done once, and its result is there for the
// attempt that comes after a failure further on.
func ExampleOnce() {
	records := sqsbatch.NewRecords(ormtest.New(), Payments, sqsbatch.RecordOptions{})
	charge := func(context.Context) (string, error) {
		fmt.Println("the bank is asked")
		return "receipt 17", nil
	}
	for range 2 {
		receipt, err := sqsbatch.Once(context.Background(), records, "charge/o1", nil, charge)
		fmt.Println(receipt, err)
	}
	// Output:
	// the bank is asked
	// receipt 17 <nil>
	// receipt 17 <nil>
}
