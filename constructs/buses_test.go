package constructs

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/capture"
	"github.com/vinci-go/vinci/event"
)

type rung struct {
	Cents int64 `json:"cents"`
}

var (
	tillRang   = event.Define[rung]("till.rang", event.Version(2), event.Since(2))
	millTurned = event.Define[rung]("mill.turned")
	addUp      = bus.Subscription("add_up", bus.From("till"), bus.To(tillRang), bus.Writes(stats), bus.Publishes(userCreated))
	addUpOnly  = bus.Subscription("add_up", bus.From("till"), bus.To(event.Match("till.*")), bus.Writes(stats))
	turn       = bus.Subscription("turn", bus.From("mill"), bus.To(millTurned))

	followToStats = capture.Define("follow_to_stats", users, bus.Writes(stats))

	ownUsers = bus.Subscription("own_users", bus.To(userCreated))
)

// busApps are the ways in which an application can have to do with buses.
func busApps() map[string]*Application {
	context := map[string]string{"deployment": "dev"}
	newApp := func(props ApplicationProps) *Application {
		props.AppName, props.Context = "shop", context
		app := NewApplication(&props)
		app.build = fakeBuild
		app.AddTable(stats)
		return app
	}
	archive := newApp(ApplicationProps{EventBus: true, Settings: func(string) Settings {
		return Settings{ArchiveDays: 90, DeliveryDays: 120, PublisherAccounts: []string{"111122223333", "444455556666"}}
	}})
	archive.AddTable(users)
	archive.AddEvents(userCreated)
	archive.AddEventHandler(ownUsers, &EventHandlerProps{Function: "functions/send_welcome"})
	archive.AddTableHandler(followToStats, &TableHandlerProps{Function: "functions/follow_users"})

	shared := newApp(ApplicationProps{EventBus: true, Bus: "till", Settings: func(string) Settings {
		return Settings{Deployments: map[string]string{"till": "prod"}}
	}})
	shared.AddEvents(userCreated)
	shared.AddEventsOf(&EventsOfProps{Application: "till", Events: []event.Type{tillRang}})
	shared.AddEventsOf(&EventsOfProps{Application: "mill", Bus: "till", Events: []event.Type{millTurned}})
	shared.AddEventHandler(ownUsers, &EventHandlerProps{Function: "functions/send_welcome"})
	shared.AddEventHandler(addUp, &EventHandlerProps{Function: "functions/count_total"})
	shared.AddEventHandler(turn, &EventHandlerProps{Function: "functions/count_active"})

	consumer := newApp(ApplicationProps{Settings: func(string) Settings { return Settings{ArchiveDays: 30} }})
	consumer.AddEventsOf(&EventsOfProps{Application: "till", Events: []event.Type{tillRang}})
	consumer.AddEventHandler(addUpOnly, &EventHandlerProps{Function: "functions/count_total"})

	partner := newApp(ApplicationProps{EventBus: true, Settings: func(string) Settings {
		return Settings{PublisherAccounts: []string{"111122223333"}}
	}})
	partner.AddEventsOf(&EventsOfProps{Application: "mill", Bus: "shop", Events: []event.Type{millTurned}})
	partner.AddEventHandler(turn, &EventHandlerProps{Function: "functions/count_active"})

	return map[string]*Application{"archive and publishers": archive, "another's bus": shared, "consumes only": consumer, "a partner on its bus": partner}
}

// TestBuses compares what these applications have to do with buses, with a golden
// file: resources of EventBridge, what functions are told, and who may publish.
func TestBuses(t *testing.T) {
	var b strings.Builder
	apps := busApps()
	for _, name := range slices.Sorted(maps.Keys(apps)) {
		fmt.Fprintf(&b, "# %s\n\n", name)
		out := synth(t, apps[name])
		files, err := filepath.Glob(filepath.Join(out, "*.template.json"))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			b.WriteString(busesOf(t, file))
		}
	}
	golden := filepath.Join("testdata", "golden", "buses.txt")
	if *update {
		if err := os.WriteFile(golden, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if want := string(read(t, golden)); b.String() != want {
		t.Errorf("they differ from %s (go test ./constructs -update writes it again):\n%s", golden, firstDifference(b.String(), want))
	}
}

// TestPublishesInItsName: on a bus that others use as well, no role may publish in the
// name of another application.
func TestPublishesInItsName(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(synth(t, busApps()["another's bus"]), "*.template.json"))
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, file := range files {
		var template struct {
			Resources map[string]struct {
				Properties struct {
					Policies []struct {
						PolicyDocument struct {
							Statement []struct {
								Sid       string
								Action    any
								Condition struct{ StringEquals map[string]any }
							}
						}
					}
				}
			}
		}
		decode(t, file, &template)
		for id, r := range template.Resources {
			for _, p := range r.Properties.Policies {
				for _, s := range p.PolicyDocument.Statement {
					if !strings.Contains(fmt.Sprint(s.Action), "events:PutEvents") {
						continue
					}
					found++
					if got := fmt.Sprint(s.Condition.StringEquals["events:source"]); got != "[shop shop.public]" {
						t.Errorf("%s, %s: it may publish with the sources %s", id, s.Sid, got)
					}
				}
			}
		}
	}
	if found != 2 { // the relay, and the handler that publishes past the log
		t.Errorf("%d statements let publish, want 2", found)
	}
}

// busesOf is what a template has to do with buses, as text.
func busesOf(t *testing.T, file string) string {
	t.Helper()
	var template struct {
		Resources map[string]struct {
			Type       string
			Metadata   map[string]any
			Properties map[string]any
		}
	}
	decode(t, file, &template)
	var b strings.Builder
	fmt.Fprintf(&b, "## %s\n\n", strings.TrimSuffix(filepath.Base(file), ".template.json"))
	before := b.Len()
	for _, id := range slices.Sorted(maps.Keys(template.Resources)) {
		r := template.Resources[id]
		show := func(what string, v any) {
			text, err := json.MarshalIndent(v, "", "  ")
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(&b, "%s %s%s\n%s\n\n", r.Type, id, what, text)
		}
		bus, elsewhere := r.Metadata["vinci:bus"]
		switch {
		case strings.HasPrefix(r.Type, "AWS::Events::"):
			show("", r.Properties)
		case r.Type == "AWS::Lambda::Function":
			show(" environment", r.Properties["Environment"])
		case r.Type == "AWS::IAM::Role":
			for _, p := range r.Properties["Policies"].([]any) {
				for _, s := range p.(map[string]any)["PolicyDocument"].(map[string]any)["Statement"].([]any) {
					if text, _ := json.Marshal(s); strings.Contains(string(text), "events:") {
						show(" statement", s)
					}
				}
			}
		}
		if elsewhere {
			fmt.Fprintf(&b, "%s %s is about the bus %v\n\n", r.Type, id, bus)
		}
	}
	if b.Len() == before {
		return ""
	}
	return b.String()
}

// Everything that belongs to the kind of bus is behind busKind, in one file.
func TestOneBusKind(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]bool{}
	for _, file := range files {
		if !strings.HasSuffix(file, "_test.go") && strings.Contains(string(read(t, file)), "awsevents.NewCfn") {
			found[file] = true
		}
	}
	// A schedule is on the default bus, which is of this kind for good.
	if want := map[string]bool{"classicbus.go": true, "timers.go": true}; !maps.Equal(found, want) {
		t.Errorf("resources of EventBridge are made in %v, want %v", found, want)
	}
}
