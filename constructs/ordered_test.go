package constructs

import (
	"path/filepath"
	"testing"

	"github.com/vinci-go/vinci/bus"
)

// A message of an ordered subscription may come again far more often than others
// before it is given up.
func TestOrderedQueue(t *testing.T) {
	app := NewApplication(&ApplicationProps{AppName: "shop", EventBus: true, Context: map[string]string{"deployment": "dev"}})
	app.AddEvents(userCreated)
	ordered := bus.Subscription("ordered", bus.To(userCreated), bus.Ordered())
	unordered := bus.Subscription("unordered", bus.To(userCreated))
	app.AddEventHandler(ordered, &EventHandlerProps{Function: "functions/send_welcome", DeadLetterQueue: true})
	app.AddEventHandler(unordered, &EventHandlerProps{Function: "functions/count_total", DeadLetterQueue: true})
	app.build = fakeBuild
	files, err := filepath.Glob(filepath.Join(synth(t, app), "*.template.json"))
	if err != nil {
		t.Fatal(err)
	}
	receives := map[string]int{}
	for _, file := range files {
		var all struct{ Resources map[string]resource }
		decode(t, file, &all)
		for _, r := range all.Resources {
			if name, ok := r.Properties.QueueName.(string); ok && r.Properties.RedrivePolicy.MaxReceiveCount > 0 {
				receives[name] = r.Properties.RedrivePolicy.MaxReceiveCount
			}
		}
	}
	if len(receives) != 2 || receives["shop-dev-ordered"] != 1000 || receives["shop-dev-unordered"] != 10 {
		t.Errorf("receives %v", receives)
	}
}
