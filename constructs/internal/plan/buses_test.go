package plan

import (
	"testing"

	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/internal/names"
)

type tillClosed struct {
	Cents int64 `json:"cents"`
}

type tillSeen struct {
	Cents int64 `json:"cents"`
}

var (
	// What the application till defines, and what others make of that.
	inner      = event.Define[tillClosed]("till.closed", event.Public(func(t tillClosed) tillSeen { return tillSeen(t) }, 3))
	closed     = event.PublicOf[tillSeen](inner)
	closedToo  = event.Define[tillSeen]("till.closed")
	wrongEvent = event.Define[tillSeen]("till")
)

func types(all ...event.Type) []event.Type { return all }

// till adds the events of application till, and a subscription to them.
func till(p *Plan) {
	p.Foreign = append(p.Foreign, Foreign{Application: "till", Types: types(closed), At: "app.go:9"})
	addHandler(p, subscription("add_up", want(closed), bus.From("till"), bus.Writes(stats)))
}

func busConsumeOnly(p *Plan) {
	p.EventBus, p.Bus = false, "till"
	p.Events, p.Handlers, p.Captures, p.APIs = nil, nil, nil, nil
}

func foreignBus(p *Plan) {
	p.Bus = "mill"
	p.Foreign = []Foreign{
		{Application: "till", Types: types(closed), At: "app.go:9"},
		{Application: "till", Bus: "mill", Types: types(event.Define[tillSeen]("till.opened")), At: "app.go:10"},
		{Application: "partner", Bus: "shop", Types: types(closed), At: "app.go:11"},
		{Application: "other", Bus: "Other", Types: types(closed), At: "app.go:12"},
	}
}

func foreignSelector(p *Plan) {
	till(p)
	p.Handlers[len(p.Handlers)-1].Subscription = subscription("add_up", want(event.Define[tillSeen]("till.opened"), event.Match("user.*")), bus.From("till"))
}

// foreignKinds asks for what needs the log of the other application.
func foreignKinds(p *Plan) {
	till(p)
	p.Handlers[len(p.Handlers)-1].Subscription = subscription("add_up", want(inner, event.Match("till.*")), bus.From("till"), bus.From("mill"), bus.Ordered(), bus.Rebuildable())
}

// An application with a bus of its own, one that uses another's, and one that only
// consumes have no problems, and go by the right buses.
func TestBuses(t *testing.T) {
	dev := func(app string) names.Deployment { return names.Deployment{App: app, ID: "dev"} }
	for name, tt := range map[string]struct {
		change           func(*Plan)
		on               names.Deployment
		busOfTill        names.Deployment
		makesBus, hasLog bool
	}{
		"its own":        {func(*Plan) {}, dev("shop"), dev("till"), true, true},
		"another's":      {func(p *Plan) { p.Bus = "till" }, dev("till"), dev("till"), false, true},
		"a third's":      {func(p *Plan) { p.Bus, p.Foreign[0].Bus = "mill", "mill" }, dev("mill"), dev("mill"), false, true},
		"a partner's":    {func(p *Plan) { p.Foreign[0].Bus = "shop" }, dev("shop"), dev("shop"), true, true},
		"consumes alone": {consumesAlone, dev("shop"), dev("till"), false, true},
		"of another deployment": {func(p *Plan) {
			p.Bus, p.Settings.Deployments = "till", map[string]string{"till": "prod"}
		}, names.Deployment{App: "till", ID: "prod"}, names.Deployment{App: "till", ID: "prod"}, false, true},
	} {
		t.Run(name, func(t *testing.T) {
			p := validPlan(t)
			till(p)
			tt.change(p)
			p.SetDefaults()
			if problems := p.Check(); len(problems) > 0 {
				t.Fatalf("it has problems:\n%v", problems)
			}
			if got := p.PublishesOn(); got != tt.on || p.MakesBus() != tt.makesBus || p.HasLog() != tt.hasLog {
				t.Errorf("publishes on %v, makes a bus %v, has a log %v", got, p.MakesBus(), p.HasLog())
			}
			if got := p.BusesOf()["till"]; got != tt.busOfTill {
				t.Errorf("till's events are on the bus of %v, want %v", got, tt.busOfTill)
			}
		})
	}
}

// consumesAlone leaves of the plan what needs no bus of one's own.
func consumesAlone(p *Plan) {
	p.EventBus = false
	p.Events, p.Handlers = nil, p.Handlers[len(p.Handlers)-1:]
	p.APIs[0].Grants = []bus.Grant{bus.Reads(stats, p.Framework.Deliveries)}
}

// The framework's functions that publish are not built for who publishes nothing.
func TestBinariesOfConsumer(t *testing.T) {
	p := validPlan(t)
	till(p)
	consumesAlone(p)
	for _, b := range p.Binaries() {
		if b.Folder == "" {
			t.Errorf("%s is built", b.Name)
		}
	}
}

// The source of a pattern is what others see of the application.
func TestPatternOfAnother(t *testing.T) {
	d := subscription("add_up", want(closed), bus.From("till"))
	got := Pattern(d.Source("shop"), d.Selectors)
	if source, _ := got["source"].([]any); len(source) != 1 || source[0] != "till.public" {
		t.Errorf("pattern %v", got)
	}
}
