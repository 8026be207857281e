package capturetest_test

import (
	"context"
	"testing"

	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/capture"
	"github.com/vinci-go/vinci/capture/capturetest"
	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/orm"
)

type stock struct {
	Product string `dynamo:"product,hash"`
	Units   int    `dynamo:"units"`
}

type low struct {
	Product string `json:"product"`
}

var (
	stocks   = orm.Define[stock, string]("stocks", orm.Stream())
	units    = orm.Number(stocks, func(s *stock) *int { return &s.Units })
	stockLow = event.Define[low]("stock.low")
	lowStock = capture.Define("low_stock", stocks, capture.Operations(capture.Modify), bus.Commits(stockLow))
)

func alert(_ context.Context, c capture.Change[stock], tx *bus.Tx) error {
	if c.Before.Units >= 5 && c.After.Units < 5 {
		tx.Record(stockLow.Record(low{c.After.Product}))
	}
	return nil
}

// A test of a table handler, to copy: changes are made, and delivered as Lambda does,
// which is more than once.
func TestAlertsOnce(t *testing.T) {
	kit := capturetest.New(t, lowStock, capture.OnTx(stocks, alert))
	kit.Write(stocks.Put(stock{Product: "tea", Units: 9}))
	kit.Write(stocks.Update("tea", units.Add(-7)))
	kit.Write(stocks.Update("tea", units.Add(-1))) // it was low already
	kit.Deliver()
	kit.DeliverAgain(1)

	committed := kit.Committed()
	if len(committed) != 1 {
		t.Fatalf("%d events, want 1", len(committed))
	}
	e, err := stockLow.Decode(committed[0])
	if err != nil || e.Data.Product != "tea" {
		t.Errorf("event %+v, %v", e.Data, err)
	}
}
