package plan

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/internal/names"
)

// Foreign are events of another application that this one consumes.
type Foreign struct {
	Application string
	Bus         string // the application on whose bus they are; empty: Application
	Types       []event.Type
	At          string
}

// Carrier is the application on whose bus the events are.
func (f Foreign) Carrier() string { return cmp.Or(f.Bus, f.Application) }

// HasLog reports whether the framework's tables are made: for events of one's own,
// and for records of what became of another's.
func (p *Plan) HasLog() bool { return p.EventBus || len(p.Foreign) > 0 }

// MakesBus reports whether a bus is made.
func (p *Plan) MakesBus() bool { return p.EventBus && p.Bus == "" }

// PublishesOn is the deployment on whose bus this one publishes.
func (p *Plan) PublishesOn() names.Deployment {
	if p.Bus == "" {
		return p.Name
	}
	return p.other(p.Bus)
}

// BusesOf are the deployments on whose buses the events of other applications are, by
// application.
func (p *Plan) BusesOf() map[string]names.Deployment {
	all := map[string]names.Deployment{}
	for _, f := range p.Foreign {
		all[f.Application] = p.other(f.Carrier())
	}
	return all
}

// other is the deployment of an application that is meant.
func (p *Plan) other(application string) names.Deployment {
	if application == p.Name.App {
		return p.Name
	}
	return names.Deployment{App: application, ID: cmp.Or(p.Settings.Deployments[application], p.Name.ID)}
}

// checkBuses checks what is said of other applications and their buses.
func (c *checker) checkBuses() {
	mentioned := map[string]bool{}
	if c.Bus != "" {
		mentioned[c.Bus] = true
		if err := names.CheckApplication(c.Bus); err != nil {
			c.addErr("ApplicationProps.Bus", err, c.At)
		} else if c.Bus == c.Name.App {
			c.add(Problem{
				What: fmt.Sprintf("ApplicationProps.Bus is %q, this application", c.Bus), Where: c.At,
				Allowed: "another application's name", Mend: "leave Bus empty: EventBus: true makes a bus of one's own",
			})
		}
		if !c.EventBus {
			c.add(Problem{
				What: fmt.Sprintf("ApplicationProps.Bus is %q, and the application publishes nothing", c.Bus), Where: c.At,
				Allowed: "Bus beside EventBus: true", Mend: "set EventBus: true to publish there, or leave Bus empty: AddEventsOf says where another's events are",
			})
		}
	}
	c.checkForeign(mentioned)
	if len(c.Settings.PublisherAccounts) > 0 && !c.MakesBus() {
		c.setting("PublisherAccounts", "it lets "+join(c.Settings.PublisherAccounts)+" publish on the bus, and the application makes none",
			"accounts, in an application with a bus of its own", "say it in the settings of the application that makes the bus")
	}
	for _, app := range slices.Sorted(maps.Keys(c.Settings.Deployments)) {
		if !mentioned[app] {
			c.setting("Deployments", fmt.Sprintf("it names application %q", app),
				"applications that ApplicationProps.Bus and AddEventsOf name: "+cmp.Or(join(slices.Sorted(maps.Keys(mentioned))), "none"), "correct the name, or remove it")
		} else if _, err := names.New(app, c.Settings.Deployments[app]); err != nil {
			c.addErr(fmt.Sprintf("setting Deployments: application %q", app), err, c.settingsAt())
		}
	}
}

// checkForeign checks the events of other applications, and says who is mentioned.
func (c *checker) checkForeign(mentioned map[string]bool) {
	first := map[string]Foreign{}
	for _, f := range c.Foreign {
		subject := fmt.Sprintf("events of %q", f.Application)
		mentioned[f.Application], mentioned[f.Carrier()] = true, true
		if err := names.CheckApplication(f.Application); err != nil {
			c.addErr(subject, err, f.At)
			continue
		}
		if f.Application == c.Name.App {
			c.add(Problem{
				What: subject + ": that is this application", Where: f.At,
				Allowed: "another application's name in AddEventsOf", Mend: "add one's own events with app.AddEvents",
			})
			continue
		}
		if err := names.CheckApplication(f.Carrier()); err != nil {
			c.addErr(subject+": its bus", err, f.At)
		} else if f.Carrier() == c.Name.App && !c.MakesBus() {
			c.add(Problem{
				What: subject + ": they are said to be on this application's bus, and it makes none", Where: f.At,
				Allowed: "this application's bus with EventBus: true and no ApplicationProps.Bus", Mend: "name the application that makes the bus, or leave Bus empty",
			})
		}
		if other, ok := first[f.Application]; ok {
			if other.Carrier() != f.Carrier() {
				c.add(Problem{
					What: fmt.Sprintf("%s: they are said to be on the bus of %q and on that of %q", subject, other.Carrier(), f.Carrier()), Where: both(other.At, f.At),
					Allowed: "one bus for the events of an application", Mend: "name the one on which it publishes",
				})
			}
		} else {
			first[f.Application] = f
		}
		c.checkForeignTypes(f, subject)
	}
}

func (c *checker) checkForeignTypes(f Foreign, subject string) {
	if len(f.Types) == 0 {
		c.add(Problem{
			What: subject + ": none is named", Where: f.At,
			Allowed: "definitions of the events' outward shapes", Mend: "name them in EventsOfProps.Events",
		})
	}
	if c.foreign[f.Application] == nil {
		c.foreign[f.Application] = map[string]event.Type{}
	}
	known := c.foreign[f.Application]
	for _, t := range f.Types {
		switch {
		case t == nil:
			c.add(Problem{
				What: subject + ": an event is nil", Where: f.At,
				Allowed: "definitions made with event.PublicOf or event.Define", Mend: "pass the event's variable",
			})
			continue
		case t.Err() != nil:
			c.addErr(fmt.Sprintf("event %q of %q", t.Name(), f.Application), t.Err(), t.DefinedAt())
		case t.PublicType() != nil:
			c.add(Problem{
				What: fmt.Sprintf("event %q of %q: it is defined as %s itself sees it", t.Name(), f.Application, f.Application), Where: both(t.DefinedAt(), f.At),
				Allowed: "definitions of what others see", Mend: fmt.Sprintf("make one of it with event.PublicOf[%s](…), and use that here and in the subscription", t.PublicType()),
			})
		case known[t.Name()] != nil && known[t.Name()] != t:
			c.add(Problem{
				What: fmt.Sprintf("event %q of %q: two definitions have this name", t.Name(), f.Application), Where: both(known[t.Name()].DefinedAt(), t.DefinedAt()),
				Allowed: "one definition an event", Mend: "use the same variable in both places",
			})
		case known[t.Name()] != nil:
			c.add(Problem{
				What: fmt.Sprintf("event %q of %q: added twice", t.Name(), f.Application), Where: f.At,
				Allowed: "each event once in AddEventsOf", Mend: "remove one of the two",
			})
		}
		known[t.Name()] = t
	}
}

// checkSource finds a subscription whose application is not known, and returns what
// it may ask for: the events of that application, by name.
func (c *checker) checkSource(d *bus.Definition, subject, at, added string) (known map[string]event.Type, of string, ok bool) {
	if d.From == "" {
		if !c.EventBus {
			c.add(Problem{
				What: subject + ": the application has no event bus to subscribe to", Where: added,
				Allowed: "event handlers in an application with ApplicationProps.EventBus: true, and those of subscriptions with bus.From", Mend: "set EventBus: true, say with bus.From whose events they are, or remove the handler",
			})
		}
		return c.events, "", true
	}
	known, ok = c.foreign[d.From]
	if !ok && names.CheckApplication(d.From) == nil {
		applications := slices.Sorted(maps.Keys(c.foreign))
		c.add(Problem{
			What: fmt.Sprintf("%s: is to events of %q, of which none were added", subject, d.From), Where: at,
			Allowed: "applications whose events were added: " + cmp.Or(join(applications), "none"), Mend: "add them with app.AddEventsOf, or correct bus.From",
		})
	}
	return known, " of " + d.From, ok
}
