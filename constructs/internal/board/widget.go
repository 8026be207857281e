package board

import "encoding/json"

// Columns is the width of a dashboard.
const Columns = 24

// height of a graph, in a dashboard's rows.
const height = 6

// Series is one line of a graph: a metric, by its dimensions.
type Series struct {
	Namespace, Metric string
	Dimensions        []string // name, value, name, value
	Stat              string   // such as Sum, Maximum, p99
	Label             string
	Right             bool // on the axis to the right
}

// Graph is some metrics over time.
type Graph struct {
	Title   string // what, and in which unit where nobody would guess it
	Series  []Series
	Stacked bool
	Right   string // what the axis to the right counts, where there is one
	// Limit is a line at the value from which an alarm counts, 0 for none. It is on
	// the axis of what it limits.
	Limit      float64
	LimitRight bool
}

// widget is a place on a dashboard.
type widget struct {
	Type       string `json:"type"`
	X          int    `json:"x"`
	Y          int    `json:"y"`
	Width      int    `json:"width"`
	Height     int    `json:"height"`
	Properties any    `json:"properties"`
}

type text struct {
	Markdown string `json:"markdown"`
}

type alarms struct {
	Title  string   `json:"title"`
	Alarms []string `json:"alarms"` // ARNs
}

type graph struct {
	Title       string       `json:"title"`
	Region      string       `json:"region"`
	View        string       `json:"view"`
	Stacked     bool         `json:"stacked,omitempty"`
	Period      int          `json:"period"` // seconds
	Stat        string       `json:"stat"`
	YAxis       *axes        `json:"yAxis,omitempty"`
	Annotations *annotations `json:"annotations,omitempty"`
	Metrics     [][]any      `json:"metrics"`
}

type axes struct {
	Right axis `json:"right"`
}

type axis struct {
	Label     string `json:"label"`
	ShowUnits bool   `json:"showUnits"`
}

type annotations struct {
	Horizontal []line `json:"horizontal"`
}

type line struct {
	Label string  `json:"label"`
	Value float64 `json:"value"`
	YAxis string  `json:"yAxis,omitempty"`
}

type options struct {
	Stat  string `json:"stat,omitempty"`
	Label string `json:"label,omitempty"`
	YAxis string `json:"yAxis,omitempty"`
}

// properties are a graph's. Bodies are kept short, because those of 300 subscriptions
// have to fit into one template: the words of a metric that are those of the metric
// before it are written as a dot, as CloudWatch's own editor does, a statistic is
// said once where it is that of the first, and a label not at all where CloudWatch
// would make the same one, the value of the last dimension.
func (g *Graph) properties() graph {
	out := graph{Title: g.Title, Region: "${AWS::Region}", View: "timeSeries", Stacked: g.Stacked, Period: 60, Stat: g.Series[0].Stat}
	if g.Right != "" {
		out.YAxis = &axes{axis{Label: g.Right}}
	}
	if g.Limit > 0 {
		l := line{Label: "alarm", Value: g.Limit}
		if g.LimitRight {
			l.YAxis = "right"
		}
		out.Annotations = &annotations{Horizontal: []line{l}}
	}
	var before []string
	for _, s := range g.Series {
		words := append([]string{s.Namespace, s.Metric}, s.Dimensions...)
		var row []any
		for i, w := range words {
			if i < len(before) && before[i] == w {
				w = "."
			}
			row = append(row, w)
		}
		before = words
		var o options
		if s.Stat != out.Stat {
			o.Stat = s.Stat
		}
		if s.Label != words[len(words)-1] {
			o.Label = s.Label
		}
		if s.Right {
			o.YAxis = "right"
		}
		if o != (options{}) {
			row = append(row, o)
		}
		out.Metrics = append(out.Metrics, row)
	}
	return out
}

// page is a dashboard in the making.
type page struct {
	widgets []widget
	y       int
}

// row puts graphs beside each other, each as wide as the others. Graphs without a
// series are left out.
func (p *page) row(graphs ...Graph) {
	var shown []Graph
	for _, g := range graphs {
		if len(g.Series) > 0 {
			shown = append(shown, g)
		}
	}
	for i, g := range shown {
		width := Columns / len(shown)
		p.widgets = append(p.widgets, widget{Type: "metric", X: i * width, Y: p.y, Width: width, Height: height, Properties: g.properties()})
	}
	if len(shown) > 0 {
		p.y += height
	}
}

func (p *page) text(height int, markdown string) {
	p.widgets = append(p.widgets, widget{Type: "text", Y: p.y, Width: Columns, Height: height, Properties: text{markdown}})
	p.y += height
}

func (p *page) alarms(title string, arns []string) {
	const perRow = 6 // beside each other, on a common screen
	h := 1 + (len(arns)+perRow-1)/perRow
	p.widgets = append(p.widgets, widget{Type: "alarm", Y: p.y, Width: Columns, Height: h, Properties: alarms{title, arns}})
	p.y += h
}

func (p *page) body() string {
	b, err := json.Marshal(struct {
		Widgets []widget `json:"widgets"`
	}{p.widgets})
	if err != nil {
		panic(err) // texts and numbers always marshal
	}
	return string(b)
}
