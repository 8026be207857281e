package constructs

import (
	"fmt"
	"path/filepath"
	"slices"
	"testing"

	"github.com/vinci-go/vinci/bus"
)

// A function whose read model has generations may read which, and no other item of
// the table.
func TestRebuildableRole(t *testing.T) {
	app := NewApplication(&ApplicationProps{AppName: "shop", EventBus: true, Context: map[string]string{"deployment": "dev"}})
	app.AddEvents(userCreated)
	app.AddEventHandler(bus.Subscription("plain", bus.To(userCreated)), &EventHandlerProps{Function: "functions/send_welcome"})
	app.AddEventHandler(bus.Subscription("model", bus.To(userCreated), bus.Rebuildable()), &EventHandlerProps{Function: "functions/count_total"})
	app.build = fakeBuild
	files, err := filepath.Glob(filepath.Join(synth(t, app), "*.template.json"))
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, file := range files {
		var all struct {
			Resources map[string]struct {
				Properties struct {
					Policies []struct {
						PolicyDocument struct {
							Statement []struct {
								Sid       string
								Action    any
								Condition map[string]map[string]any
							}
						}
					}
				}
			}
		}
		decode(t, file, &all)
		for _, r := range all.Resources {
			for _, p := range r.Properties.Policies {
				for _, s := range p.PolicyDocument.Statement {
					if s.Sid == "ReadGenerations" {
						if action, ok := s.Action.([]any); !ok || len(action) != 1 || action[0] != "dynamodb:GetItem" {
							t.Errorf("%s allows %v", file, s.Action)
						}
						found = append(found, fmt.Sprint(s.Condition["ForAllValues:StringLike"]["dynamodb:LeadingKeys"]))
					}
				}
			}
		}
	}
	if !slices.Equal(found, []string{"[readmodel/model]"}) {
		t.Errorf("generations may be read: %q", found)
	}
}
