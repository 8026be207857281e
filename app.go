// The composition root: it names the tables, the events, the handlers and the
// API of the application, and synthesizes their infrastructure. cdk.json runs it
// as `go run .`; nothing else runs it.
package main

import (
	"slices"
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

// What the handlers of orders need: those whose one effect is a transaction, and
// those that call a service over HTTP, which has five seconds to answer.
const (
	transactionTimeout = 5 * time.Second
	callTimeout        = 15 * time.Second
)

// maxBody bounds the body of a request. The largest valid one, an order of 50 items,
// is below it.
const maxBody = 64 << 10

// hotItem is for functions that write an item which many events share (a tenant's
// month, a product's stock): more runs at once would only lose against one another.
const hotItem = 2

func main() { application().Synth() }

// application is everything that the application consists of.
func application() *constructs.Application {
	// The deployment id comes from the context: cdk synth -c deployment=dev.
	app := constructs.NewApplication(&constructs.ApplicationProps{
		AppName:  domain.Application,
		EventBus: true,
		Layout:   stacks.Layout(),
		Settings: stacks.Settings,
	})

	app.AddTable(tables.Users)
	app.AddTable(tables.UserStats)
	app.AddTable(tables.Inventory)
	app.AddTable(tables.Endpoints)
	app.AddTable(tables.OrderSummaries)
	app.AddTable(tables.Dashboards)
	app.AddTable(tables.OrderAudit)
	app.AddTable(tables.OrderAnalytics)

	app.AddEvents(users.Created, users.Activated)
	app.AddEvents(orders.Events()...)
	app.AddSettings(orders.Settings()...)

	app.AddEventHandler(users.SendWelcome, &constructs.EventHandlerProps{Function: "lambdas/send_welcome", DeadLetterQueue: true})
	app.AddEventHandler(users.CountTotal, &constructs.EventHandlerProps{
		Function: "lambdas/count_total", DeadLetterQueue: true,
		Timeout: counterTimeout,
	})
	app.AddEventHandler(users.CountActive, &constructs.EventHandlerProps{
		Function: "lambdas/count_active", DeadLetterQueue: true,
		Timeout: counterTimeout,
	})

	app.AddEventHandler(orders.ReserveStock, &constructs.EventHandlerProps{
		Function: "lambdas/reserve_stock", DeadLetterQueue: true,
		Timeout: transactionTimeout, MaxConcurrency: hotItem,
	})
	app.AddEventHandler(orders.ConfirmOrder, &constructs.EventHandlerProps{
		Function: "lambdas/confirm_order", DeadLetterQueue: true,
		Timeout: callTimeout,
	})
	app.AddEventHandler(orders.NotifyDistributor, &constructs.EventHandlerProps{
		Function: "lambdas/notify_distributor", DeadLetterQueue: true,
		Timeout: callTimeout,
	})
	app.AddEventHandler(orders.AnalyseOrders, &constructs.EventHandlerProps{
		Function: "lambdas/analyse_orders", DeadLetterQueue: true,
		Timeout: transactionTimeout, MaxConcurrency: hotItem,
	})
	app.AddEventHandler(orders.AuditOrders, &constructs.EventHandlerProps{
		Function: "lambdas/audit_orders", DeadLetterQueue: true,
		Timeout: transactionTimeout,
	})
	app.AddEventHandler(orders.ProjectDashboard, &constructs.EventHandlerProps{
		Function: "lambdas/project_dashboard", DeadLetterQueue: true,
		Timeout: transactionTimeout, MaxConcurrency: hotItem,
	})
	app.AddEventHandler(orders.ProjectSummary, &constructs.EventHandlerProps{
		Function: "lambdas/project_summary", DeadLetterQueue: true,
		Timeout: transactionTimeout,
	})
	app.AddEventHandler(orders.ReleaseStock, &constructs.EventHandlerProps{
		Function: "lambdas/release_stock", DeadLetterQueue: true,
		Timeout: transactionTimeout, MaxConcurrency: hotItem,
	})
	app.AddEventHandler(orders.OrderProcess, &constructs.EventHandlerProps{
		Function: "lambdas/order_process", DeadLetterQueue: true,
		Timeout: transactionTimeout,
	})

	app.AddAPI(&constructs.APIProps{
		Name:     "api",
		Function: "lambdas/api",
		// People register themselves; orders come from the shops' own services.
		Routes:       slices.Concat(constructs.Public(users.Routes()...), constructs.IAM(orders.Routes()...)),
		Access:       slices.Concat(users.APIAccess(), orders.APIAccess()),
		MaxBodyBytes: maxBody,
	})

	// The one who follows the stock itself.
	app.AddTableHandler(orders.LowStock, &constructs.TableHandlerProps{Function: "lambdas/low_stock"})

	return app
}
