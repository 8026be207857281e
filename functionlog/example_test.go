package functionlog_test

import (
	"context"
	"log/slog"
	"os"

	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/functionlog"
)

type doorOpened struct {
	Door string `json:"door"`
}

var (
	opened = event.Define[doorOpened]("door.opened")
	note   = bus.Subscription("note", bus.To(opened))
)

// A handler logs with its context, and the line has the event's ids.
func handle(ctx context.Context, e event.Event[doorOpened]) error {
	slog.InfoContext(ctx, "a door was opened", "door", e.Data.Door)
	return nil
}

// Of a subscription's function bus.Start makes the logger.
func Example() {
	main := func() { bus.Start(note, bus.On(opened, handle)) }
	_ = main
}

// A function with a main of its own makes it first.
func ExampleStart() {
	main := func() {
		logger := functionlog.Start()
		if os.Getenv("MAILER") == "" {
			logger.Error("the function cannot start", "error", "MAILER is not set")
			os.Exit(1)
		}
	}
	_ = main
}
