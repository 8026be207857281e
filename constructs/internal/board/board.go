package board

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/eventlog/relay"
	"github.com/vinci-go/vinci/eventlog/timers"
	"github.com/vinci-go/vinci/internal/emf"
)

// CloudWatch's limits.
//
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_limits.html
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html
const (
	MaxWidgets       = 500  // of a dashboard
	MaxWidgetMetrics = 500  // of a widget
	MaxMetrics       = 2500 // of a dashboard
	maxWidgetAlarms  = 100
)

// shownAlarms is how many alarms are shown with their states. Where there are more,
// nobody looks through them: the console lists those that are in alarm.
const shownAlarms = 300

// PerPage is how many subscriptions and table handlers have their rows on one
// dashboard, and how many tables are on one. It is far from the limits: a page with
// more is slow to load, and nobody finds anything on it.
const PerPage = 50

// perGraph is how many lines one graph has at most: more cannot be told apart.
const perGraph = 50

// Deployment is what is to be seen of one.
type Deployment struct {
	Application, ID string
	Name            string // of the first dashboard, and what the others' begin with

	Alarms      []string // names, in the order in which they are shown
	EventTypes  []string // published ones; empty without a bus
	Bus         bool     // there is a bus, with log, relay and timers
	RelayFailed string   // physical name of the relay's failure queue
	RelayLate   time.Duration
	TimersLate  time.Duration
	Consumers   []Consumer
	Tables      []Table
	Others      []string // names of further dashboards, made elsewhere
}

// Consumer is a subscription, or a table handler, which has no queue before it.
type Consumer struct {
	Name        string
	Queue       string        // physical name; empty for a table handler
	DeadLetters string        // physical name of the queue with what was given up, empty for none
	Undelivered string        // physical name; empty for a table handler
	Late        time.Duration // from which age of a message there is an alarm; 0 for a table handler
}

// Table is a table, with its global indexes.
type Table struct {
	Name    string // physical
	Label   string
	Indexes []string
}

// Dashboard is one dashboard.
type Dashboard struct {
	Name string
	Body string
}

// Dashboards are those of a deployment: one, or where it has many subscriptions or
// tables, one about the whole and more with those, [PerPage] on each.
func (d *Deployment) Dashboards() []Dashboard {
	first := &page{}
	all := []Dashboard{{Name: d.Name}}
	others := slices.Clone(d.Others)
	add := func(what string, number int, from, to string, fill func(*page)) {
		name := fmt.Sprintf("%s-%s-%d", d.Name, what, number+1)
		p := &page{}
		p.text(1, d.head(what+" "+from+" to "+to, []string{d.Name}))
		fill(p)
		all = append(all, Dashboard{Name: name, Body: p.body()})
		others = append(others, name)
	}
	consumers, tables := pages(d.Consumers), pages(d.Tables)
	for i, part := range consumers {
		add("subscriptions", i, part[0].Name, part[len(part)-1].Name, func(p *page) {
			d.overview(p, part)
			d.consumers(p, part)
		})
	}
	for i, part := range tables {
		add("tables", i, part[0].Label, part[len(part)-1].Label, func(p *page) { throttles(p, part) })
	}
	first.text(1+len(others)/8, d.head("", others))
	shown := d.Alarms
	if len(shown) > shownAlarms {
		first.text(1, fmt.Sprintf("%d alarms: look for `%s-%s/` in CloudWatch's list of those that are in alarm.", len(shown), d.Application, d.ID))
		shown = nil
	}
	for part := range slices.Chunk(shown, maxWidgetAlarms) {
		arns := make([]string, len(part))
		for i, name := range part {
			arns[i] = "arn:${AWS::Partition}:cloudwatch:${AWS::Region}:${AWS::AccountId}:alarm:" + name
		}
		first.alarms("Alarms", arns)
	}
	d.flow(first)
	if len(consumers) == 0 {
		d.overview(first, d.Consumers)
	}
	if len(tables) == 0 {
		throttles(first, d.Tables)
	}
	if len(consumers) == 0 {
		d.consumers(first, d.Consumers)
	}
	all[0].Body = first.body()
	return all
}

// pages divides what does not fit on one dashboard with the rest; none when it does.
func pages[T any](all []T) [][]T {
	if len(all) <= PerPage {
		return nil
	}
	return slices.Collect(slices.Chunk(all, PerPage))
}

// head says what a dashboard is, and that it is not to be edited by hand.
func (d *Deployment) head(what string, others []string) string {
	text := "**" + d.Application + "**, deployment **" + d.ID + "**"
	if what != "" {
		text += ": " + what
	}
	text += ". Made by the deployment: the next one overwrites changes."
	for i, other := range others {
		if i == 0 {
			text += " More:"
		}
		text += " [" + other + "](#dashboards:name=" + other + ")"
	}
	return text
}

// own is a metric of the framework's own.
func (d *Deployment) own(metric, stat, label string, more ...string) Series {
	return Series{
		Namespace: emf.Namespace, Metric: metric, Stat: stat, Label: label,
		Dimensions: append([]string{emf.DimensionApplication, d.Application, emf.DimensionDeployment, d.ID}, more...),
	}
}

func queue(name, metric, stat, label string) Series {
	return Series{Namespace: "AWS/SQS", Metric: metric, Stat: stat, Label: label, Dimensions: []string{"QueueName", name}}
}

const (
	visible = "ApproximateNumberOfMessagesVisible"
	hidden  = "ApproximateNumberOfMessagesNotVisible"
	oldest  = "ApproximateAgeOfOldestMessage"
)

func right(s Series) Series {
	s.Right = true
	return s
}

// flow is the way of events to the bus.
func (d *Deployment) flow(p *page) {
	if !d.Bus {
		return
	}
	for part := range slices.Chunk(d.EventTypes, perGraph) {
		g := Graph{Title: "Events published, by type", Stacked: true}
		for _, t := range part {
			g.Series = append(g.Series, d.own(relay.MetricPublished, "Sum", t, relay.DimensionEventType, t))
		}
		p.row(g)
	}
	p.row(
		Graph{Title: "Relay: from commit to bus, ms", Limit: float64(d.RelayLate.Milliseconds()), Series: []Series{
			d.own(relay.MetricLag, "Maximum", "longest"), d.own(relay.MetricLag, "p50", "p50 of batches"),
		}},
		Graph{Title: "Relay: what went wrong", Series: []Series{
			d.own(relay.MetricFailed, "Sum", "not publishable"), queue(d.RelayFailed, visible, "Maximum", "in its failure queue"),
			d.own(relay.MetricChanged, "Sum", "log items changed"),
		}},
		Graph{Title: "Timers", Right: "ms late", Limit: float64(d.TimersLate.Milliseconds()), LimitRight: true, Series: []Series{
			d.own(timers.MetricFired, "Sum", "fired"), d.own(timers.MetricFailed, "Sum", "failed"), right(d.own(timers.MetricLag, "Maximum", "latest")),
		}},
	)
}

// overview has many consumers in few graphs.
func (d *Deployment) overview(p *page, all []Consumer) {
	for part := range slices.Chunk(all, perGraph) {
		handled := Graph{Title: "Handled, by subscription", Stacked: true}
		failed := Graph{Title: "Failed attempts, by subscription"}
		waiting := Graph{Title: "Age of the oldest message, by subscription, s"}
		dead := Graph{Title: "Given up or undelivered, in queues"}
		for _, c := range part {
			handled.Series = append(handled.Series, d.consumer(c, bus.MetricHandled, "Sum", c.Name))
			failed.Series = append(failed.Series, d.consumer(c, bus.MetricFailed, "Sum", c.Name))
			if c.Queue != "" {
				waiting.Series = append(waiting.Series, queue(c.Queue, oldest, "Maximum", c.Name))
			}
			if c.DeadLetters != "" {
				dead.Series = append(dead.Series, queue(c.DeadLetters, visible, "Maximum", c.Name))
			}
			if c.Undelivered != "" {
				dead.Series = append(dead.Series, queue(c.Undelivered, visible, "Maximum", c.Name+" undelivered"))
			}
		}
		p.row(handled, failed)
		p.row(waiting, dead)
	}
}

func (d *Deployment) consumer(c Consumer, metric, stat, label string) Series {
	return d.own(metric, stat, label, bus.DimensionSubscription, c.Name)
}

// consumers has a row for each.
func (d *Deployment) consumers(p *page, all []Consumer) {
	for _, c := range all {
		backlog := Graph{Title: c.Name + ": backlog", Right: "s", Limit: c.Late.Seconds(), LimitRight: true}
		if c.Queue != "" {
			backlog.Series = []Series{
				queue(c.Queue, visible, "Maximum", "waiting"), queue(c.Queue, hidden, "Maximum", "at work or hidden"),
				right(queue(c.Queue, oldest, "Maximum", "age of the oldest")),
			}
		}
		failures := Graph{Title: c.Name + ": failures", Series: []Series{
			d.consumer(c, bus.MetricFailed, "Sum", "failed attempts"), d.consumer(c, bus.MetricDead, "Sum", "given up"),
		}}
		if c.DeadLetters != "" {
			failures.Series = append(failures.Series, queue(c.DeadLetters, visible, "Maximum", "in the queue of given up"))
		}
		if c.Undelivered != "" {
			failures.Series = append(failures.Series, queue(c.Undelivered, visible, "Maximum", "undelivered"))
		}
		p.row(backlog, failures, Graph{Title: c.Name + ": latency, ms", Series: []Series{
			d.consumer(c, bus.MetricDuration, "p50", "handler p50"), d.consumer(c, bus.MetricDuration, "p99", "handler p99"),
			d.consumer(c, bus.MetricLag, "p50", "event to handled p50"), d.consumer(c, bus.MetricLag, "p99", "event to handled p99"),
		}})
	}
}

// throttles are requests that tables and indexes refused.
func throttles(p *page, tables []Table) {
	var reads, writes []Series
	for _, t := range tables {
		for _, index := range append([]string{""}, t.Indexes...) {
			dimensions, label := []string{"TableName", t.Name}, t.Label
			if index != "" {
				dimensions = append(dimensions, "GlobalSecondaryIndexName", index)
				label += " " + index
			}
			s := Series{Namespace: "AWS/DynamoDB", Stat: "Sum", Dimensions: dimensions, Label: label}
			s.Metric = "ReadThrottleEvents"
			reads = append(reads, s)
			s.Metric = "WriteThrottleEvents"
			writes = append(writes, s)
		}
	}
	for from := 0; from < len(reads); from += perGraph {
		to := min(from+perGraph, len(reads))
		p.row(Graph{Title: "Tables: throttled reads", Series: reads[from:to]},
			Graph{Title: "Tables: throttled writes", Series: writes[from:to]})
	}
}

// API is the dashboard of an HTTP API. Its id and its function's name are known to
// its own stack only: body has ${Api} and ${Function} for them.
func API(name, label, link string) Dashboard {
	gateway := func(metric, stat, label string) Series {
		return Series{Namespace: "AWS/ApiGateway", Metric: metric, Stat: stat, Label: label, Dimensions: []string{"ApiId", "${Api}"}}
	}
	function := func(metric, stat, label string) Series {
		return Series{Namespace: "AWS/Lambda", Metric: metric, Stat: stat, Label: label, Dimensions: []string{"FunctionName", "${Function}"}}
	}
	p := &page{}
	p.text(1, strings.TrimSpace(label+". Made by the deployment: the next one overwrites changes. More: ["+link+"](#dashboards:name="+link+")"))
	p.row(
		Graph{Title: "Requests", Series: []Series{gateway("Count", "Sum", "requests")}},
		Graph{Title: "Refused and failed", Series: []Series{gateway("4xx", "Sum", "4xx"), gateway("5xx", "Sum", "5xx")}},
		Graph{Title: "Latency, ms", Series: []Series{
			gateway("Latency", "p50", "p50"), gateway("Latency", "p99", "p99"), gateway("IntegrationLatency", "p99", "of the function p99"),
		}},
	)
	p.row(
		Graph{Title: "Function: failures", Series: []Series{function("Errors", "Sum", "errors"), function("Throttles", "Sum", "throttled")}},
		Graph{Title: "Function: duration, ms", Series: []Series{function("Duration", "p50", "p50"), function("Duration", "p99", "p99")}},
		Graph{Title: "Function: at once", Series: []Series{function("ConcurrentExecutions", "Maximum", "at once")}},
	)
	return Dashboard{Name: name, Body: p.body()}
}
