// Command shop is the composition root of an application with a bus of its own, on which
// another account may publish, and an archive.
package main

import (
	"github.com/vinci-go/vinci/constructs"
	"github.com/vinci-go/vinci/scenario/buses/shop"
)

func main() {
	app := constructs.NewApplication(&constructs.ApplicationProps{AppName: shop.Application, EventBus: true,
		Settings: func(string) constructs.Settings {
			return constructs.Settings{ArchiveDays: 30, DeliveryDays: 60, PublisherAccounts: []string{"111122223333"}}
		},
	})
	app.AddTable(shop.Totals)
	app.AddEvents(shop.Placed)
	app.AddEventHandler(shop.Bill, &constructs.EventHandlerProps{Function: "lambdas/bill"})
	app.AddEventHandler(shop.Ship, &constructs.EventHandlerProps{Function: "lambdas/ship"})
	app.Synth()
}
