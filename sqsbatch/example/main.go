// Command example ships orders that come in through an SQS queue: each once,
// however often its message comes. Nothing else here is Vinci's: template.yaml is
// plain CloudFormation with SAM, and any producer may fill the queue.
//
//	GOOS=linux GOARCH=arm64 CGO_ENABLED=0 go build -tags lambda.norpc -o bootstrap . && sam deploy --guided
package main

import (
	"context"
	"errors"
	"log/slog"
	"os"

	"github.com/vinci-go/vinci/sqsbatch"
)

// Order is what producers put into the queue.
type Order struct {
	ID     string `json:"id"`
	Item   string `json:"item"`
	SentAt string `json:"sent_at"` // another one each time a producer tries
}

// Parcel is what came of an order.
type Parcel struct {
	Number string `json:"number"`
}

var shipped = sqsbatch.DefineTable("shipped")

func main() {
	records := sqsbatch.NewRecords(sqsbatch.Store(os.Getenv, os.Getenv("SHIPPED_TABLE")), shipped, sqsbatch.RecordOptions{})
	depot := &depot{records: records}
	sqsbatch.Start(sqsbatch.JSON(depot.ship),
		sqsbatch.DeadLetterQueue(os.Getenv("DLQ_ARN")),
		sqsbatch.Idempotent(records, sqsbatch.JSONKey(func(o Order) string { return o.ID })),
		sqsbatch.Payload(sqsbatch.JSONPayload(func(o Order) string { return o.Item })),
	)
}

type depot struct{ records *sqsbatch.Records }

var errNothing = errors.New("the order asks for nothing")

// ship hands an order to the carrier and tells the customer. A failure of the
// second step does not repeat the first.
func (d *depot) ship(ctx context.Context, o Order) error {
	if o.Item == "" {
		return sqsbatch.Permanent(errNothing)
	}
	parcel, err := sqsbatch.Once(ctx, d.records, "parcel/"+o.ID, nil, func(context.Context) (Parcel, error) {
		return handOver(o)
	})
	if err != nil {
		return err
	}
	slog.InfoContext(ctx, "on its way", "order", o.ID, "parcel", parcel.Number)
	return nil
}

// handOver stands for the carrier's API. A real one is given the key, too, so that
// a process that is stopped here sends no second parcel.
func handOver(o Order) (Parcel, error) {
	slog.Info("handed over", "order", o.ID)
	return Parcel{Number: "P-" + o.ID}, nil
}
