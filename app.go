// The composition root: it names the tables, the events, the handlers and the
// API of the application, and synthesizes their infrastructure. cdk.json runs it
// as `go run .`; nothing else runs it.
package main

import (
	"time"

	"github.com/vinci-go/vinci/constructs"
	"github.com/vinci-go/vinci/domain"
	"github.com/vinci-go/vinci/domain/orders"
	"github.com/vinci-go/vinci/domain/users"
	"github.com/vinci-go/vinci/stacks"
	"github.com/vinci-go/vinci/tables"
)

// counterTimeout is ample for a handler whose one effect is one transaction. A
// queue hides a message for six times as long: so soon it comes again when the
// function that had it dies.
const counterTimeout = 5 * time.Second

func main() { application().Synth() }

// application is everything that the application consists of.
func application() *constructs.Application {
	// The deployment id comes from the context: cdk synth -c deployment=dev.
	app := constructs.NewApplication(&constructs.ApplicationProps{
		AppName:  domain.Application,
		EventBus: true,
		Layout:   stacks.Layout(),
	})

	app.AddTable(tables.Users)
	app.AddTable(tables.UserStats)

	app.AddEvents(users.Created, users.Activated)

	app.AddEventHandler(users.SendWelcome, &constructs.EventHandlerProps{Function: "lambdas/send_welcome", DeadLetterQueue: true})
	app.AddEventHandler(users.CountTotal, &constructs.EventHandlerProps{
		Function: "lambdas/count_total", DeadLetterQueue: true,
		Timeout: counterTimeout,
	})
	app.AddEventHandler(users.CountActive, &constructs.EventHandlerProps{
		Function: "lambdas/count_active", DeadLetterQueue: true,
		Timeout: counterTimeout,
	})

	app.AddAPI(&constructs.APIProps{
		Name:     "api",
		Function: "lambdas/api",
		Routes:   users.Routes(),
		Access:   users.APIAccess(),
	})

	// The stock of the orders, and who follows it.
	app.AddTable(tables.Inventory)
	app.AddEvents(orders.Low)
	app.AddTableHandler(orders.LowStock, &constructs.TableHandlerProps{Function: "lambdas/low_stock"})

	return app
}
