package bus_test

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/event"
)

// A record id is taken apart into what it was made of.
func TestSplitRecordID(t *testing.T) {
	stream := rapid.StringMatching(`[a-z]{1,5}/[!-~]{1,20}`)
	namespace := rapid.OneOf(rapid.Just(""), rapid.StringMatching(`[a-z][a-z0-9-]{0,31}`))
	rapid.Check(t, func(t *rapid.T) {
		id, ns := event.EventID(stream.Draw(t, "stream"), rapid.Int64Range(1, 1<<40).Draw(t, "version")), namespace.Draw(t, "namespace")
		if gotID, gotNS := bus.SplitRecordID(bus.RecordID(id, ns)); gotID != id || gotNS != ns {
			t.Errorf("%s in %q became %s in %q", id, ns, gotID, gotNS)
		}
	})
}
