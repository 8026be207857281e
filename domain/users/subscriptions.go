package users

import (
	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/tables"
)

// Who reacts to what, and what each may touch.
var (
	// SendWelcome mails everybody who registers.
	SendWelcome = bus.Subscription("send_welcome", bus.To(Created))

	// CountTotal counts registrations. It listens to the whole family: an event
	// it has no handler for is recorded as ignored.
	CountTotal = bus.Subscription("count_total", bus.To(event.Match("user.*")), bus.Writes(tables.UserStats))

	// CountActive counts activations.
	CountActive = bus.Subscription("count_active", bus.To(Activated), bus.Writes(tables.UserStats))
)
