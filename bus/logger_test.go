package bus_test

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/bus/bustest"
	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/functionlog"
)

// A function's logger gives the event's ids to whatever is logged with the handler's
// context, each once, and a debug line comes at DEBUG only.
func TestFunctionsLogger(t *testing.T) {
	for _, level := range []string{"", "DEBUG"} {
		var out bytes.Buffer
		logger := functionlog.New(func(string) string { return level }, &out, bus.LogIDs)
		k := bustest.With(t, bustest.Options{Change: func(o *bus.ConsumerOptions) { o.Logger = logger }}, onDoor,
			bus.On(doorOpened, func(ctx context.Context, _ event.Event[opened]) error {
				logger.InfoContext(ctx, "of somebody who has only a context")
				bus.Logger(ctx).DebugContext(ctx, "a detail")
				return nil
			}),
			bus.On(doorClosed, closing))
		e := opening(k, 1)
		e.TraceParent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
		k.Deliver(e)
		var said []string
		for line := range strings.Lines(out.String()) {
			for _, key := range []string{"subscription", "event_id", "event_type", "correlation_id", "message_id", "trace_id", "span_id"} {
				if n := strings.Count(line, `"`+key+`":`); n != 1 {
					t.Errorf("%s is there %d times: %s", key, n, line)
				}
			}
			var of struct{ Msg string }
			if err := json.Unmarshal([]byte(line), &of); err != nil {
				t.Fatal(err)
			}
			said = append(said, of.Msg)
		}
		want := "of somebody who has only a context, event succeeded"
		if level == "DEBUG" {
			want = "of somebody who has only a context, a detail, event succeeded"
		}
		if got := strings.Join(said, ", "); got != want {
			t.Errorf("level %q: lines %q, want %q", level, got, want)
		}
	}
	if ids := bus.LogIDs(context.Background()); ids != nil {
		t.Errorf("ids outside a handler: %v", ids)
	}
}
