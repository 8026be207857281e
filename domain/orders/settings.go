package orders

import (
	"time"

	"github.com/vinci-go/vinci/settings"
)

// PaymentWindow is how long an order waits for its payment, unless the order itself
// says otherwise. A change holds for orders that are placed afterwards.
var PaymentWindow = settings.Define("payment_window",
	"How long an order waits for its payment before it is cancelled.",
	24*time.Hour, settings.Between(time.Minute, maxPayWithin*time.Second))

// TellDistributors is a switch for the day on which what we send does harm. While it
// is off, each notice is given up at once and waits in the dead-letter queue of
// notify_distributor, from where it can be redriven.
var TellDistributors = settings.Define("tell_distributors",
	"Whether distributors are told of orders. While it is false, the notices wait in the dead-letter queue of notify_distributor.",
	true)

// Settings are those of this context.
func Settings() []settings.Definition {
	return []settings.Definition{PaymentWindow, TellDistributors}
}
