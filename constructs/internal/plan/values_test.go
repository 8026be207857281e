package plan

import (
	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/settings"
)

// Run-time settings. Golden files have their lines.
var (
	maxItems      = settings.Define("max_items", "How many there may be.", 100)
	otherMaxItems = settings.Define("max_items", "Another.", 1)
	greeting      = settings.Define("greeting", "What is said.", "hello")
	colours       = settings.Define("Colours", "", []string{"red"})
)

func wrongValues(p *Plan) {
	var none *settings.Setting[int]
	p.Values = append(p.Values, Value{nil, "app.go:9"}, Value{none, "app.go:9"}, Value{maxItems, "app.go:9"}, Value{maxItems, "app.go:10"},
		Value{otherMaxItems, "app.go:9"}, Value{colours, "app.go:9"})
}

func valuesWithoutBus(p *Plan) {
	*p = Plan{Dir: p.Dir, At: p.At, Name: p.Name, Context: p.Context, Values: []Value{{maxItems, "app.go:9"}}}
}

func unknownValues(p *Plan) {
	p.Values = []Value{{maxItems, "app.go:9"}}
	p.APIs[0].Grants = append(p.APIs[0].Grants, bus.ReadsSettings(nil, otherMaxItems, greeting, maxItems))
	addHandler(p, subscription("late", want(created), bus.ReadsSettings(nil, otherMaxItems, maxItems)))
}
