package eventlog_test

import (
	"context"
	"fmt"
	"time"

	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/eventlog"
	"github.com/vinci-go/vinci/orm/ormtest"
)

type opened struct {
	Owner string `json:"owner"`
}

type booked struct {
	Amount int `json:"amount"`
}

var (
	accountOpened = event.Define[opened]("account.opened")
	amountBooked  = event.Define[booked]("amount.booked")
)

type account struct {
	Owner   string `json:"owner"`
	Balance int    `json:"balance"`
}

var accountFold = eventlog.NewFold(func() account { return account{} },
	eventlog.Apply(accountOpened, func(a account, e event.Event[opened]) account { a.Owner = e.Data.Owner; return a }),
	eventlog.Apply(amountBooked, func(a account, e event.Event[booked]) account { a.Balance += e.Data.Amount; return a }),
)

var accountSnapshots = eventlog.Snapshots[account]{Name: "account", Version: 1, Every: 100}

func exampleLog() *eventlog.Log {
	now := start
	return eventlog.New(ormtest.New(), eventlog.Options{Source: "bank", Now: func() time.Time { now = now.Add(time.Minute); return now }})
}

// Load, decide, commit at the version that was loaded. The command id makes it
// safe to ask again.
func ExampleLoad() {
	ctx, log := context.Background(), exampleLog()
	book := func(command string, amount int) {
		a, version, err := eventlog.Load(ctx, log, "account/1", accountFold, accountSnapshots)
		if err != nil {
			fmt.Println(err)
			return
		}
		var events []event.Record
		if version == 0 {
			events = append(events, accountOpened.At("account/1", event.New).Record(opened{"ann"}))
		}
		if a.Balance+amount < 0 {
			fmt.Println("refused at", a.Balance)
			return
		}
		events = append(events, amountBooked.At("account/1", event.Expect(version)).Record(booked{amount}))
		c, err := log.Commit(ctx, eventlog.Changes{Events: events, Command: eventlog.Command{ID: command, Request: fmt.Sprint(amount)}})
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(c.Events[len(c.Events)-1].ID, c.Replayed)
	}
	book("b1", 10)
	book("b2", 5)
	book("b2", 5) // asked for again
	book("b3", -20)
	// Output:
	// account/1@2 false
	// account/1@3 false
	// account/1@3 true
	// refused at 15
}

func ExampleLog_History() {
	ctx, log := context.Background(), exampleLog()
	for i := range 5 {
		if _, err := log.Commit(ctx, eventlog.Changes{Events: []event.Record{amountBooked.At("account/1", event.Append).Record(booked{i})}}); err != nil {
			fmt.Println(err)
			return
		}
	}
	h := log.History(eventlog.HistoryQuery{Types: []string{"amount.booked"}, From: start})
	for e, err := range eventlog.Decoded(amountBooked, h.All(ctx)) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(e.ID, e.Data.Amount)
	}

	// By pages, of which the cursor may be kept anywhere.
	first, err := h.Page(ctx, 2, "")
	if err != nil {
		fmt.Println(err)
		return
	}
	rest, err := h.Page(ctx, 100, first.Next)
	fmt.Println(len(first.Events), len(rest.Events), rest.Next == "", err)
	// Output:
	// account/1@1 0
	// account/1@2 1
	// account/1@3 2
	// account/1@4 3
	// account/1@5 4
	// 2 3 true <nil>
}
