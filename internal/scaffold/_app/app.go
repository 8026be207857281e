// The composition root: it names the tables, the events, the handlers and the
// API of the application, and synthesizes their infrastructure. cdk.json runs it
// as `go run .`; nothing else runs it.
package main

import (
	"github.com/vinci-go/vinci/constructs"

	"example.com/app-name/domain"
	"example.com/app-name/domain/orders"
	"example.com/app-name/tables"
)

func main() {
	// The deployment id comes from the context: cdk synth -c deployment=dev.
	app := constructs.NewApplication(&constructs.ApplicationProps{AppName: domain.Application, EventBus: true})

	app.AddTable(tables.Orders)
	app.AddTable(tables.Sales)

	app.AddEvents(orders.Placed)

	app.AddEventHandler(orders.CountSales, &constructs.EventHandlerProps{Function: "lambdas/count_sales", DeadLetterQueue: true})

	app.AddAPI(&constructs.APIProps{
		Function: "lambdas/api",
		Routes:   constructs.Public(orders.Routes()...), // open to everybody; or constructs.IAM, constructs.JWT
		Access:   orders.APIAccess(),
	})

	app.Synth()
}
