// Command books is the composition root of an application that only consumes: two
// others' events, both on the bus of one of them.
package main

import (
	"github.com/vinci-go/vinci/constructs"
	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/scenario/buses/books"
)

func main() {
	app := constructs.NewApplication(&constructs.ApplicationProps{AppName: books.Application})
	app.AddTable(books.Entries)
	app.AddEventsOf(&constructs.EventsOfProps{Application: "shop", Events: []event.Type{books.Placed}})
	app.AddEventsOf(&constructs.EventsOfProps{Application: "till", Bus: "shop", Events: []event.Type{books.Rang}})
	app.AddEventHandler(books.KeepOrders, &constructs.EventHandlerProps{Function: "lambdas/keep_orders", DeadLetterQueue: true})
	app.AddEventHandler(books.KeepRings, &constructs.EventHandlerProps{Function: "lambdas/keep_rings"})
	app.Synth()
}
