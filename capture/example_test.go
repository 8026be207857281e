package capture_test

import (
	"context"
	"fmt"

	"github.com/aws/aws-lambda-go/events"

	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/capture"
	"github.com/vinci-go/vinci/orm"
	"github.com/vinci-go/vinci/orm/ormtest"
)

type stock struct {
	Product string `dynamo:"product,hash"`
	Units   int    `dynamo:"units"`
}

var (
	stocks   = orm.Define[stock, string]("stocks", orm.Stream())
	lowStock = capture.Define("low_stock", stocks, capture.Operations(capture.Modify))
)

// A table handler sees what an item was and what it became. In a function it is
// capture.Start(lowStock, capture.On(stocks, warn)); here one batch of the table's
// stream is handed to it, and handed to it again.
func Example() {
	warn := func(_ context.Context, c capture.Change[stock]) error {
		if c.Before.Units >= 5 && c.After.Units < 5 {
			fmt.Println("order more", c.After.Product)
		}
		return nil
	}
	consumer, err := capture.NewConsumer(capture.ConsumerOptions{
		Definition: lowStock, Parts: []capture.Part{capture.On(stocks, warn)},
		Store: ormtest.New(), FailureQueue: noFailures{}, QueueName: "shop-dev-low_stock_dlq",
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	image := func(units string) map[string]events.DynamoDBAttributeValue {
		return map[string]events.DynamoDBAttributeValue{"product": events.NewStringAttribute("tea"), "units": events.NewNumberAttribute(units)}
	}
	batch := events.DynamoDBEvent{Records: []events.DynamoDBEventRecord{{
		EventID: "e1", EventName: "MODIFY", EventSourceArn: "arn:aws:dynamodb:eu-west-1:123456789012:table/shop-dev-stocks/stream/1",
		Change: events.DynamoDBStreamRecord{
			Keys: map[string]events.DynamoDBAttributeValue{"product": events.NewStringAttribute("tea")}, SequenceNumber: "1",
			OldImage: image("9"), NewImage: image("2"),
		},
	}}}
	for range 2 {
		answer, err := consumer.Handle(context.Background(), batch)
		fmt.Println(len(answer.BatchItemFailures), "to come again,", err)
	}
	// Output:
	// order more tea
	// 0 to come again, <nil>
	// 0 to come again, <nil>
}

// noFailures is a failure queue that gets nothing.
type noFailures struct{}

func (noFailures) Send(_ context.Context, m bus.DeadLetter) error {
	return fmt.Errorf("given up: %+v", m)
}
