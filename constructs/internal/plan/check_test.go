package plan

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/capture"
	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/internal/names"
	"github.com/vinci-go/vinci/orm"
)

var update = flag.Bool("update", false, "write the golden files again")

// table is an orm.Definition that says what a test wants it to say.
type table struct {
	schema *orm.Schema
	err    error
}

func (t table) Schema() *orm.Schema { return t.schema }
func (t table) Err() error          { return t.err }

func newTable(name, at string) table {
	return table{schema: &orm.Schema{Name: name, Hash: "id", DefinedAt: at, Attributes: []orm.AttributeSchema{{Name: "id", Type: "S"}}}}
}

func withStream(t table) table {
	t.schema.Stream = true
	return t
}

// byStatus is an index of a table.
type byStatus struct{ of table }

func (x byStatus) Definition() orm.Definition { return x.of }
func (x byStatus) IndexName() string          { return "by_status" }

// eventType is an event.Type that says what a test wants it to say.
type eventType struct {
	event.Type // what these tests do not ask for
	name       string
	at         string
	err        error
}

func (e *eventType) Name() string          { return e.name }
func (e *eventType) Version() int          { return 1 }
func (e *eventType) DefinedAt() string     { return e.at }
func (e *eventType) Matches(t string) bool { return t == e.name }
func (e *eventType) Rule() event.Rule      { return event.Rule{Exact: e.name} }
func (e *eventType) Pattern() []byte       { return fmt.Appendf(nil, `{"detail-type":[%q]}`, e.name) }
func (e *eventType) String() string        { return e.name }
func (e *eventType) Err() error            { return e.err }

var (
	users     = withStream(newTable("users", "tables/users.go:10"))
	stats     = newTable("user_stats", "tables/user_stats.go:20")
	created   = &eventType{name: "user.created", at: "domain/users/events.go:5"}
	activated = &eventType{name: "user.activated", at: "domain/users/events.go:6"}
)

func subscription(name string, wants []event.Selector, opts ...bus.Option) *bus.Definition {
	d := bus.Subscription(name, append([]bus.Option{bus.To(wants...)}, opts...)...)
	d.DefinedAt = "domain/users/subscriptions.go:9"
	return d
}

func follow(name string, t orm.Definition, opts ...capture.Option) *capture.Definition {
	d := capture.Define(name, t, opts...)
	d.DefinedAt = "domain/users/follow.go:7"
	return d
}

func want(s ...event.Selector) []event.Selector { return s }

// validPlan is a plan without problems, for tests to spoil.
func validPlan(t testing.TB) *Plan {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("testdata/module")); err != nil {
		t.Fatal(err)
	}
	// Not among the files of the repository, because gofmt would stumble over it.
	broken := filepath.Join(dir, "lambdas", "broken_syntax")
	if err := os.Mkdir(broken, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(broken, "main.go"), []byte("package main\n\nimport (\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	return &Plan{
		Dir:      dir,
		At:       "app.go:12",
		Name:     names.Deployment{App: "shop"},
		Context:  Context{"deployment": "dev"},
		EventBus: true,
		Relay:    "example.com/relay",
		Timers:   "example.com/timers",
		Framework: Framework{
			Events: newTable("events", "log.go:1"), Deliveries: newTable("deliveries", "bus.go:1"), State: newTable("state", "log.go:2"),
		},
		Tables: []Table{{users, "app.go:1"}, {stats, "app.go:2"}},
		Values: []Value{{greeting, "app.go:11"}},
		Events: []Event{{created, "app.go:3"}, {activated, "app.go:3"}},
		Handlers: []Handler{
			{
				Subscription: subscription("send_welcome", want(created)),
				Function:     Function{Folder: "lambdas/send_welcome"}, DeadLetterQueue: true, At: "app.go:4",
			},
			{
				Subscription: subscription("count_total", want(event.Match("user.*")), bus.Writes(stats), bus.Reads(users), bus.Commits(activated)),
				Function:     Function{Folder: "lambdas/count_total"}, At: "app.go:5",
			},
		},
		APIs: []API{{
			Function: Function{Folder: "lambdas/api"}, Routes: signed("POST /users", "GET /users/{id}"),
			Grants: []bus.Grant{bus.Writes(users), bus.Commits(created)}, At: "app.go:6",
		}},
		Captures: []Capture{{Definition: follow("follow", users, bus.Writes(stats)), Function: Function{Folder: "lambdas/follow"}, At: "app.go:8"}},
		Stacks:   []Stack{{Name: "reports", Functions: []string{"lambdas/report"}, At: "app.go:7"}},
	}
}

// TestLocalIssuer: the local deployment takes an issuer of this machine.
func TestLocalIssuer(t *testing.T) {
	for _, issuer := range []string{"http://127.0.0.1:8080", "http://localhost:8080/pool", "http://[::1]:8080"} {
		p := validPlan(t)
		p.Context = Context{"deployment": deploymentLocal}
		p.APIs[0].Routes = append(p.APIs[0].Routes, token("GET /me"))
		p.Settings.JWTIssuers = map[string]string{DefaultAuthorizer: issuer}
		p.SetDefaults()
		if problems := p.Check(); len(problems) > 0 {
			t.Errorf("issuer %s:\n%v", issuer, problems)
		}
	}
}

// TestAPIDefaults: what an API leaves out, and that the plan's own is not changed.
func TestAPIDefaults(t *testing.T) {
	p := validPlan(t)
	cors := &CORS{Origins: []string{"https://app.example.com"}}
	routes := append(signed("PUT /a", "GET /a"), token("GET /b"))
	p.APIs[0].CORS, p.APIs[0].Routes = cors, routes
	p.SetDefaults()
	a := p.APIs[0]
	if a.Throttling != (Throttling{Rate: 1000, Burst: 500}) || a.MaxBody != 1<<20 || a.Name != "api" {
		t.Errorf("defaults are %+v", a)
	}
	if got := join(a.CORS.Methods); got != "GET, PUT" || cors.Methods != nil {
		t.Errorf("CORS allows %s; the application's own now says %q", got, cors.Methods)
	}
	if a.Routes[0].Authorization != IAM || a.Routes[2].JWT.Name != "jwt" || routes[2].JWT.Name != "" {
		t.Errorf("routes are %+v, of %+v", a.Routes, routes)
	}
	if z := a.Authorizers(); len(z) != 1 || z[0].Name != "jwt" {
		t.Errorf("authorizers are %+v", z)
	}
}

func TestValid(t *testing.T) {
	p := validPlan(t)
	p.SetDefaults()
	if problems := p.Check(); len(problems) > 0 {
		t.Errorf("a valid plan has problems:\n%v", problems)
	}
	if p.Name.ID != "dev" || p.Architecture != ARM64 || p.Settings.Ephemeral {
		t.Errorf("context was not taken over: deployment %q, architecture %q, ephemeral %v", p.Name.ID, p.Architecture, p.Settings.Ephemeral)
	}
	var built []string
	for _, b := range p.Binaries() {
		built = append(built, b.Name+" "+b.Package)
	}
	const programs = "api ./lambdas/api, count_total ./lambdas/count_total, follow ./lambdas/follow, report ./lambdas/report, send_welcome ./lambdas/send_welcome, vinci-relay example.com/relay, vinci-timers example.com/timers"
	if got := join(built); got != programs {
		t.Errorf("programs are %s\nwant %s", got, programs)
	}
}

// bad are the ways in which an application can be wrong, each with a golden file
// of what a person reads.
var bad = map[string]func(*Plan){
	"app_name":           func(p *Plan) { p.Name.App = "Shop_1" },
	"deployment_missing": func(p *Plan) { p.Context = nil },
	"deployment_bad":     func(p *Plan) { p.Context = Context{"deployment": "feature/x"} },
	"deployment_twice":   func(p *Plan) { p.Name.ID = "prod" },
	"context_bad":        func(p *Plan) { p.Context["architecture"], p.Context["vinci:ephemeral"] = "riscv", "yes" },
	"context_unknown":    func(p *Plan) { p.Context["vinci:epheremal"], p.Context["vinci:colour"] = "true", "red" },
	"context_near": func(p *Plan) {
		for _, key := range []string{"deploymnet", "Ephemeral", "alarm_email", "vinci-ephemeral", "vinchi:alarm-topic", "architekture"} {
			p.Context[key] = "x"
		}
		p.Context["@aws-cdk/core:deployment"], p.Context["acme:ephemeral"], p.Context["availability-zones:account=1"] = "others'", "others'", "others'"
	},
	"context_alarms": func(p *Plan) {
		p.Context["vinci:alarm-email"], p.Context["vinci:alarm-topic"] = "a@example.com, b", "topic"
	},
	"settings_account": func(p *Plan) { p.Settings.Account, p.Settings.Region = "1234", "Frankfurt" },
	"settings_mismatch": func(p *Plan) {
		p.Settings.Account, p.Settings.Region = "123456789012", "eu-central-1"
		p.Credentials = Credentials{"999999999999", "us-east-1"}
	},
	"settings_both": func(p *Plan) { p.Settings.Protected, p.Context["vinci:ephemeral"] = true, "true" },
	"settings_numbers": func(p *Plan) {
		p.Settings.LogLevel, p.Settings.LogDays, p.Settings.ArchiveDays, p.Settings.DeliveryDays = 3, 31, -1, 19
	},
	"settings_deliveries": func(p *Plan) { p.Settings.ArchiveDays, p.Settings.DeliveryDays = 90, 109 },
	"settings_emails": func(p *Plan) {
		p.Settings.AlarmEmails = []string{"ops", "Ops <ops@example.com>", "ops@localhost", "ops@[127.0.0.1]", "a@example.com, b@example.com", "", "ops@example.com", "OPS@example.com"}
	},
	"settings_topic": func(p *Plan) {
		p.Settings.AlarmTopic, p.Settings.AlarmEmails = "arn:aws:sqs:eu-central-1:123456789012:alarms", []string{"ops@example.com"}
	},
	"settings_topic_elsewhere": func(p *Plan) {
		p.Settings.AlarmTopic, p.Settings.Region = "arn:aws:sns:us-east-1:999999999999:alarms.fifo", "eu-central-1"
		p.Credentials = Credentials{"123456789012", "eu-central-1"}
	},
	"settings_publishers": func(p *Plan) { p.Settings.PublisherAccounts = []string{"123456789012", "12345678901a", "123456789012"} },
	"settings_concurrency": func(p *Plan) {
		p.Settings.Concurrency = map[string]int{"send_welcom": 5, "send_welcome": 1, "count_total": 1001}
		p.SettingsAt = p.Dir + "/stacks/deployments.go:9"
	},
	"table_nil":             func(p *Plan) { p.Tables[0].Definition = nil },
	"table_error":           func(p *Plan) { p.Tables[0].Definition = table{users.schema, twoErrors()} },
	"table_name":            func(p *Plan) { addTable(p, newTable("Users", "tables/x.go:1")) },
	"table_suffix":          func(p *Plan) { addTable(p, newTable("users_dlq", "tables/x.go:1")) },
	"table_reserved":        func(p *Plan) { addTable(p, newTable("events", "tables/x.go:1")) },
	"table_same_name":       func(p *Plan) { addTable(p, newTable("users", "tables/x.go:1")) },
	"table_twice":           func(p *Plan) { addTable(p, users) },
	"table_too_long":        func(p *Plan) { addTable(p, newTable(strings.Repeat("t", 250), "tables/x.go:1")) },
	"framework_table_error": func(p *Plan) { p.Framework.State = table{newTable("state", "log.go:2").schema, errors.New("broken")} },
	"event_nil":             func(p *Plan) { p.Events = append(p.Events, Event{nil, "app.go:9"}) },
	"event_error": func(p *Plan) {
		p.Events = append(p.Events, Event{&eventType{name: "user", at: "e.go:1", err: twoErrors()}, "app.go:9"})
	},
	"event_same_name": func(p *Plan) {
		p.Events = append(p.Events, Event{&eventType{name: "user.created", at: "e.go:1", err: nil}, "app.go:9"})
	},
	"event_twice":                func(p *Plan) { p.Events = append(p.Events, Event{created, "app.go:9"}) },
	"subscription_nil":           func(p *Plan) { p.Handlers[0].Subscription = nil },
	"subscription_error":         func(p *Plan) { p.Handlers[0].Subscription = subscription("Send-Welcome", nil) },
	"subscription_same_name":     func(p *Plan) { addHandler(p, subscription("send_welcome", want(created))) },
	"subscription_twice":         func(p *Plan) { addHandler(p, p.Handlers[0].Subscription) },
	"subscription_relay_failed":  func(p *Plan) { addHandler(p, subscription("relay_failed", want(created))) },
	"subscription_too_long":      func(p *Plan) { addHandler(p, subscription(strings.Repeat("s", 61), want(created))) },
	"subscription_unknown_event": func(p *Plan) { addHandler(p, subscription("late", want(&eventType{name: "user.deleted"}))) },
	"subscription_matches_none": func(p *Plan) {
		addHandler(p, subscription("late", want(event.Match("order.*"), event.Match("*.created"))))
	},
	"pattern_too_long":           longPattern,
	"pattern_refused":            refusedPattern,
	"api_writes_framework_table": func(p *Plan) { p.APIs[0].Grants = append(p.APIs[0].Grants, bus.Writes(p.Framework.State)) },
	"reads_unknown_table": func(p *Plan) {
		addHandler(p, subscription("late", want(created), bus.Reads(newTable("orders", "o.go:1"))))
	},
	"writes_other_table": func(p *Plan) {
		addHandler(p, subscription("late", want(created), bus.Writes(newTable("users", "o.go:1"))))
	},
	"writes_framework_table": func(p *Plan) { addHandler(p, subscription("late", want(created), bus.Writes(p.Framework.Events))) },
	"commits_unknown_event": func(p *Plan) {
		addHandler(p, subscription("late", want(created), bus.Commits(&eventType{name: "user.deleted"})))
	},
	"publishes_unknown_event": func(p *Plan) {
		addHandler(p, subscription("late", want(created), bus.Publishes(&eventType{name: "user.deleted"})))
	},
	"commits_other_event": func(p *Plan) {
		addHandler(p, subscription("late", want(created), bus.Commits(&eventType{name: "user.created"})))
	},
	"no_bus":               func(p *Plan) { p.EventBus = false },
	"handler_numbers":      badNumbers,
	"batch_without_window": func(p *Plan) { p.Handlers[0].BatchSize, p.Handlers[0].BatchingWindow = 100, 500*time.Millisecond },
	"api_numbers":          func(p *Plan) { p.APIs[0].Function.Timeout, p.APIs[0].Function.Memory = time.Minute, 64 },
	"api_name":             func(p *Plan) { p.APIs[0].Name = "Public API" },
	"api_same_name": func(p *Plan) {
		p.APIs = append(p.APIs, API{Function: Function{Folder: "lambdas/api"}, Routes: signed("GET /"), At: "app.go:9"})
	},
	"api_unknown_table": func(p *Plan) { p.APIs[0].Grants = append(p.APIs[0].Grants, bus.Reads(newTable("orders", "o.go:1"))) },
	"api_grants": func(p *Plan) {
		orders := newTable("orders", "o.go:1")
		p.APIs[0].Grants = append(p.APIs[0].Grants, bus.Scans(orders), bus.Appends(orders, p.Framework.State, users), bus.ReadsIndex(nil, byStatus{orders}, byStatus{newTable("users", "o.go:2")}))
	},
	"subscription_grants": func(p *Plan) {
		orders := newTable("orders", "o.go:1")
		addHandler(p, subscription("late", want(created), bus.Scans(orders), bus.Appends(orders, p.Framework.State), bus.Writes(orders), bus.ReadsIndex(nil, byStatus{orders})))
	},
	"routes_none":     func(p *Plan) { p.APIs[0].Routes = nil },
	"routes_too_many": manyRoutes,
	"routes_bad":      badRoutes,
	"routes_twice": func(p *Plan) {
		p.APIs[0].Routes = signed("GET /users/{id}", "GET /users/{user_id}", "GET /stats", "GET /stats")
	},
	"routes_crossed": func(p *Plan) {
		p.APIs[0].Routes = signed("GET /users/{id}", "GET /{kind}/active", "GET /users/active")
	},
	"routes_two_callers": func(p *Plan) {
		p.APIs[0].Routes = append(signed("GET /users/{id}", "GET /me", "GET /both"),
			Route{Key: "GET /users/{user_id}", Authorization: Public}, token("GET /me"), token("GET /both"), token("GET /both", "admin"))
	},
	"jwt_empty": func(p *Plan) {
		p.APIs[0].Routes = []Route{{Key: "GET /me", Authorization: JWT}}
	},
	"jwt_issuers":  badIssuers,
	"jwt_lists":    badLists,
	"jwt_too_many": manyAuthorizers,
	"jwt_same_name": func(p *Plan) {
		other := token("GET /other")
		other.JWT.Issuer = "https://other.example.com"
		p.APIs[0].Routes = append(p.APIs[0].Routes, token("GET /me"), other)
		p.APIs = append(p.APIs, API{Name: "more", Function: Function{Folder: "lambdas/report"}, Routes: []Route{other}, At: "app.go:9"})
		p.Stacks[0].Functions = nil
	},
	"jwt_settings": func(p *Plan) {
		p.APIs[0].Routes = append(p.APIs[0].Routes, token("GET /me"))
		p.Settings.JWTIssuers = map[string]string{"jwt": "http://127.0.0.1:8080", "custmers": "https://example.com"}
		p.Settings.JWTAudiences = map[string][]string{"jwt": {}, "custmers": {"a"}}
	},
	"api_traffic": func(p *Plan) { p.APIs[0].Throttling, p.APIs[0].MaxBody = Throttling{Rate: -1, Burst: 5}, 10<<20 },
	"cors":        badCORS,
	"cors_credentials": func(p *Plan) {
		p.APIs[0].CORS = &CORS{Origins: []string{"https://app.example.com", "https://*", "*"}, Headers: []string{"*"}, Credentials: true}
	},
	"stack_name":      func(p *Plan) { p.Stacks[0].Name = "Reports" },
	"stack_empty":     func(p *Plan) { p.Stacks[0].Empty = true },
	"stack_same_name": func(p *Plan) { p.Stacks = append(p.Stacks, Stack{Name: "reports", At: "app.go:9"}) },
	"stack_of_framework": func(p *Plan) {
		p.Stacks = append(p.Stacks, Stack{Name: "log", At: "app.go:9"}, Stack{Name: "table_user_stats", At: "app.go:10"})
	},
	"stack_too_long":     func(p *Plan) { p.Stacks[0].Name = strings.Repeat("r", 120) },
	"stack_group":        func(p *Plan) { p.Group = func(*bus.Definition) string { return "Users" } },
	"stack_group_clash":  func(p *Plan) { p.Group = func(d *bus.Definition) string { return "api" } },
	"function_none":      func(p *Plan) { p.Handlers[0].Function.Folder = "" },
	"function_outside":   func(p *Plan) { p.Handlers[0].Function.Folder = "../lambdas/api" },
	"function_unclean":   func(p *Plan) { p.Handlers[0].Function.Folder = "./lambdas/api/" },
	"function_missing":   func(p *Plan) { p.Handlers[0].Function.Folder = "lambdas/send_mail" },
	"function_file":      func(p *Plan) { p.Handlers[0].Function.Folder = "lambdas/empty/README" },
	"function_empty":     func(p *Plan) { p.Handlers[0].Function.Folder = "lambdas/empty" },
	"function_not_main":  func(p *Plan) { p.Handlers[0].Function.Folder = "lambdas/notmain" },
	"function_syntax":    func(p *Plan) { p.Handlers[0].Function.Folder = "lambdas/broken_syntax" },
	"function_name":      func(p *Plan) { p.Handlers[0].Function.Folder = "lambdas/Bad-Name" },
	"function_same_name": func(p *Plan) { p.Handlers[0].Function.Folder = "other/api" },
	"table_handler_nil":  func(p *Plan) { p.Captures[0].Definition = nil },
	"table_handler_error": func(p *Plan) {
		p.Captures[0].Definition = follow("Follow-It", stats, capture.Operations(), bus.Writes(p.Framework.State))
	},
	"table_handler_twice":     func(p *Plan) { p.Captures = append(p.Captures, p.Captures[0]) },
	"table_handler_same_name": func(p *Plan) { addCapture(p, follow("follow", users)) },
	"table_handler_subscription": func(p *Plan) {
		addCapture(p, follow("send_welcome", users))
	},
	"table_handler_too_long":      func(p *Plan) { addCapture(p, follow(strings.Repeat("f", 70), users)) },
	"table_handler_unknown_table": func(p *Plan) { addCapture(p, follow("late", withStream(newTable("orders", "o.go:1")))) },
	"table_handler_other_table":   func(p *Plan) { addCapture(p, follow("late", withStream(newTable("users", "o.go:1")))) },
	"table_handler_too_many": func(p *Plan) {
		addCapture(p, follow("late", users))
		p.Captures = append(p.Captures, Capture{Definition: follow("later", users), Function: Function{Folder: "lambdas/send_mail"}, At: "app.go:10"})
	},
	"table_handler_grants": func(p *Plan) {
		addCapture(p, follow("late", users, bus.Reads(newTable("orders", "o.go:1")), bus.Writes(p.Framework.Events), bus.Commits(&eventType{name: "user.deleted"})))
	},
	"table_handler_numbers": func(p *Plan) {
		h := &p.Captures[0]
		h.Function.Timeout, h.Function.Memory = 16*time.Minute, 64
		h.BatchSize, h.BatchingWindow, h.Parallel = 20000, 1500*time.Millisecond, 11
	},
	"table_handler_function": func(p *Plan) { p.Captures[0].Function.Folder = "lambdas/send_mail" },
	"values_wrong":           wrongValues,
	"values_without_bus":     valuesWithoutBus,
	"values_unknown":         unknownValues,
	"function_shared":        func(p *Plan) { p.Handlers[0].Function.Folder = "lambdas/count_total" },
	"all_at_once":            allAtOnce,
	"bus_own":                func(p *Plan) { p.Bus = "shop" },
	"bus_name":               func(p *Plan) { p.Bus = "Till_1" },
	"bus_consume_only":       busConsumeOnly,
	"bus_publishers":         func(p *Plan) { p.Bus, p.Settings.PublisherAccounts = "till", []string{"111122223333"} },
	"bus_deployments": func(p *Plan) {
		p.Bus, p.Settings.Deployments = "till", map[string]string{"till": "Dev", "mill": "dev"}
	},
	"foreign_none": func(p *Plan) { p.Foreign = []Foreign{{Application: "till", At: "app.go:9"}} },
	"foreign_own":  func(p *Plan) { p.Foreign = []Foreign{{Application: "shop", Types: types(closed), At: "app.go:9"}} },
	"foreign_name": func(p *Plan) { p.Foreign = []Foreign{{Application: "Till", Types: types(closed), At: "app.go:9"}} },
	"foreign_bus":  foreignBus,
	"foreign_types": func(p *Plan) {
		p.Foreign = []Foreign{{Application: "till", Types: types(nil, wrongEvent, inner, closed, closed, closedToo), At: "app.go:9"}}
	},
	"foreign_unknown":  func(p *Plan) { addHandler(p, subscription("late", want(closed), bus.From("till"))) },
	"foreign_selector": foreignSelector,
	"foreign_kinds":    foreignKinds,
}

func twoErrors() error {
	return errors.Join(errors.New("no partition key: mark one field `dynamo:\"name,hash\"`"), fmt.Errorf("two attributes are called %q", "email"))
}

func addTable(p *Plan, t table) { p.Tables = append(p.Tables, Table{t, "app.go:9"}) }

func addHandler(p *Plan, d *bus.Definition) {
	p.Handlers = append(p.Handlers, Handler{Subscription: d, Function: Function{Folder: "lambdas/report"}, At: "app.go:9"})
	p.Stacks = nil // which uses that function
}

func addCapture(p *Plan, d *capture.Definition) {
	p.Captures = append(p.Captures, Capture{Definition: d, Function: Function{Folder: "lambdas/report"}, At: "app.go:9"})
	p.Stacks = nil // which uses that function
}

func badNumbers(p *Plan) {
	h := &p.Handlers[0]
	h.Function.Timeout, h.Function.Memory = 16*time.Minute, 64
	h.BatchSize, h.BatchingWindow, h.MaxConcurrency = 20000, 1500*time.Millisecond, 1
}

func longPattern(p *Plan) {
	var all []event.Selector
	for i := range 60 {
		e := &eventType{name: fmt.Sprintf("a_rather_long_subject.happened_%d", i), at: "e.go:1"}
		p.Events = append(p.Events, Event{e, "app.go:9"})
		all = append(all, e)
	}
	addHandler(p, subscription("late", all))
}

// refusedPattern has a field whose name EventBridge keeps for itself inside $or, and
// a comparison with null.
func refusedPattern(p *Plan) {
	type measured struct {
		Prefix string  `json:"prefix"`
		Unit   *string `json:"unit"`
	}
	measuredEvent := event.Define[measured]("room.measured")
	p.Events = append(p.Events, Event{measuredEvent, "app.go:9"})
	prefix := event.Path(measuredEvent, func(m *measured) *string { return &m.Prefix })
	unit := event.Path(measuredEvent, func(m *measured) **string { return &m.Unit })
	celsius := "C"
	addHandler(p, subscription("cold", []event.Selector{event.Where(measuredEvent, prefix.Eq("a")), event.Where(measuredEvent, unit.NotEq(&celsius))}))
}

// signed are routes as nobody has said anything of them.
func signed(keys ...string) []Route {
	var all []Route
	for _, k := range keys {
		all = append(all, Route{Key: k})
	}
	return all
}

// token is a route that takes tokens.
func token(key string, scopes ...string) Route {
	return Route{Key: key, Authorization: JWT, JWT: Authorizer{Issuer: "https://id.example.com/pool", Audience: []string{"web"}}, Scopes: scopes}
}

// badIssuers are ten authorizers, as many as are allowed.
func badIssuers(p *Plan) {
	for i, issuer := range []string{
		"https://id.example.com/", "https://id.example.com:8443/a/b", // good
		"http://id.example.com", "http://127.0.0.1:8080", "https://", "https://id.example.com/?a=b", "https://id.example.com/#", "https://a@id.example.com", "https://[::1", "ftp://id.example.com",
	} {
		r := token(fmt.Sprintf("GET /r%d", i))
		r.JWT.Issuer, r.JWT.Name = issuer, fmt.Sprintf("z%d", i)
		p.APIs[0].Routes = append(p.APIs[0].Routes, r)
	}
	p.APIs[0].Routes[2].JWT.Name = "Z 0"
}

func badLists(p *Plan) {
	many := make([]string, maxAudiences+1)
	for i := range many {
		many[i] = fmt.Sprintf("a%d", i)
	}
	for i, list := range [][]string{{"web", ""}, {"web", "web"}, {"a b"}, many} {
		r := token(fmt.Sprintf("GET /r%d", i), list...)
		r.JWT.Audience, r.JWT.Name = list, fmt.Sprintf("z%d", i)
		again := r
		again.Key += "/again"
		p.APIs[0].Routes = append(p.APIs[0].Routes, r, again)
	}
}

func manyAuthorizers(p *Plan) {
	for i := range maxAuthorizers + 1 {
		r := token(fmt.Sprintf("GET /r%d", i))
		r.JWT.Name = fmt.Sprintf("z%d", i)
		p.APIs[0].Routes = append(p.APIs[0].Routes, r)
	}
}

func badCORS(p *Plan) {
	p.APIs[0].CORS = &CORS{
		Origins: []string{"https://app.example.com", "http://localhost:3000", // good
			"app.example.com", "https://app.example.com/", "https://*.example.com", "https://App.example.com"},
		Methods: []string{"GET", "*", "get", "TRACE"},
		Headers: []string{"content-type", "x-a b"}, ExposeHeaders: []string{"etag", ""},
		MaxAge: 25 * time.Hour,
	}
	p.APIs = append(p.APIs, API{Name: "more", Function: Function{Folder: "lambdas/report"}, Routes: signed("GET /"), CORS: &CORS{}, At: "app.go:9"})
}

func manyRoutes(p *Plan) {
	for i := range 300 {
		p.APIs[0].Routes = append(p.APIs[0].Routes, signed(fmt.Sprintf("GET /r%d", i))...)
	}
}

func badRoutes(p *Plan) {
	p.APIs[0].Routes = signed(
		"GET /", // good
		"/users", "FETCH /users", "get /users", "GET users", "GET  /users", "GET /users/", "GET //users",
		"GET /users/{id", "GET /users/x{id}", "GET /users/{a-b}", "GET /{id}/{id}", "GET /users/{rest...}", "GET /proxy/{proxy+}", "GET /a b", "GET /ä", "GET /a/../b", "$default",
	)
}

func allAtOnce(p *Plan) {
	p.Name.App, p.Context = "Shop", Context{"deployment": "Dev", "vinci:colour": "red", "ephemeral": "true"}
	p.Settings = Settings{Account: "123456789012", Region: "eu-central-1", AlarmEmails: []string{"ops"}, LogDays: 31}
	p.Credentials = Credentials{"999999999999", "us-east-1"}
	addTable(p, newTable("users", "tables/x.go:1"))
	addHandler(p, subscription("send_welcome", want(created)))
	addHandler(p, subscription("later", want(event.Match("order.*"))))
	p.Tables[0].Definition = table{users.schema, twoErrors()}
	p.Events = append(p.Events, Event{&eventType{name: "user", at: "e.go:1", err: twoErrors()}, "app.go:9"})
	addHandler(p, subscription("late", want(&eventType{name: "user.deleted"})))
	p.APIs[0].Routes = signed("GET /users/{id}", "GET /users/{user_id}")
	p.Handlers[0].Function.Folder = "lambdas/send_mail"
	p.Handlers[1].Function.Folder = "lambdas/notmain"
}

func TestProblems(t *testing.T) {
	for name, spoil := range bad {
		t.Run(name, func(t *testing.T) {
			p := validPlan(t)
			spoil(p)
			p.SetDefaults()
			problems := p.Check()
			if len(problems) == 0 {
				t.Fatal("no problem was found")
			}
			got := problems.Error() + "\n"
			if strings.Contains(got, p.Dir) {
				t.Errorf("a message names a folder of this machine:\n%s", got)
			}
			golden(t, name, got)
		})
	}
}

// golden compares what a person reads with its golden file.
func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", "problems", name+".txt")
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v (go test -update writes it)", err)
	}
	if got != string(want) {
		t.Errorf("problems are\n%s\nwant\n%s", got, want)
	}
}
