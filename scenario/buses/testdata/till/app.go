// Command till is the composition root of an application that publishes on another's
// bus and consumes from it.
package main

import (
	"github.com/vinci-go/vinci/constructs"
	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/scenario/buses/shop"
	"github.com/vinci-go/vinci/scenario/buses/till"
)

func main() {
	app := constructs.NewApplication(&constructs.ApplicationProps{AppName: till.Application, EventBus: true, Bus: shop.Application})
	app.AddTable(till.Counts)
	app.AddEvents(till.Rang)
	app.AddEventsOf(&constructs.EventsOfProps{Application: shop.Application, Events: []event.Type{till.Placed}})
	app.AddEventHandler(till.Ring, &constructs.EventHandlerProps{Function: "lambdas/ring", DeadLetterQueue: true})
	app.AddEventHandler(till.CountRings, &constructs.EventHandlerProps{Function: "lambdas/count_rings"})
	app.Synth()
}
