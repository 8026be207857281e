package functionlog_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
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

// What is logged with a context says what it belongs to.
func ExampleNew() {
	var lines bytes.Buffer
	logger := functionlog.New(os.Getenv, &lines)
	ctx := event.WithFlow(context.Background(), event.Flow{CorrelationID: "checkout-7"})
	logger.InfoContext(ctx, "a door was opened", "door", "north")

	var line map[string]any
	if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
		fmt.Println(err)
	}
	fmt.Println(line["level"], line["msg"], line["door"], line["correlation_id"])
	// Output: INFO a door was opened north checkout-7
}
