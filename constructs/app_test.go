package constructs

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2"

	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/capture"
	"github.com/vinci-go/vinci/constructs/internal/build"
	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/orm"
	"github.com/vinci-go/vinci/settings"
)

// The test application: every kind of thing that an application can add.

type user struct {
	ID        string    `dynamo:"user_id,hash"`
	Email     string    `dynamo:"email" unique:"normalized"`
	Status    string    `dynamo:"status" index:"by_status,hash"`
	CreatedAt time.Time `dynamo:"created_at,unixtime" index:"by_status,range"`
}

type stat struct {
	Key   string `dynamo:"stat_key,hash"`
	Total int64  `dynamo:"total" default:"0"`
}

type session struct {
	User      string `dynamo:"user_id,hash"`
	Number    int64  `dynamo:"number,range"`
	ExpiresAt int64  `dynamo:"expires_at"`
}

type created struct {
	ID string `json:"id"`
}

type deleted struct {
	ID string `json:"id"`
}

var (
	users    = orm.Define[user, string]("users", orm.Stream())
	stats    = orm.Define[stat, string]("user_stats")
	sessions = orm.Define[session, orm.Pair[string, int64]]("sessions", orm.TTL("expires_at"))

	userCreated   = event.Define[created]("user.created")
	userActivated = event.Define[created]("user.activated")
	orderDeleted  = event.Define[deleted]("order.deleted")

	maxUsers    = settings.Define("max_users", "How many users there may be.", 100, settings.Between(1, 1000))
	welcomeText = settings.Define("welcome_text", "What is said to a user who comes.", "hello")

	usersByStatus = orm.IndexOf(users, func(u *user) *string { return &u.Status }, func(u *user) *time.Time { return &u.CreatedAt })

	sendWelcome = bus.Subscription("send_welcome", bus.To(userCreated), bus.ReadsIndex(usersByStatus), bus.ReadsSettings(welcomeText, maxUsers))
	countTotal  = bus.Subscription("count_total", bus.To(event.Match("user.*"), event.Match("*.deleted"), userCreated), bus.Writes(stats), bus.Reads(users, stats))
	countActive = bus.Subscription("count_active", bus.To(event.Where(userActivated, activatedID.Prefix("vip-"), event.Tenant.NotEq("test")), event.Match("order.*")), bus.Ordered(), bus.Writes(stats), bus.Scans(users), bus.Appends(sessions), bus.Commits(orderDeleted))

	followUsers = capture.Define("follow_users", users, capture.Operations(capture.Insert, capture.Remove), bus.Writes(stats), bus.Commits(userActivated))

	activatedID = event.Path(userActivated, func(c *created) *string { return &c.ID })
)

// testApp records the test application, in one order or in the reverse.
func testApp(reverse bool, context map[string]string) *Application {
	app := NewApplication(&ApplicationProps{
		AppName: "shop", EventBus: true, Context: context,
		Layout: Layout{Subscriptions: func(d *bus.Definition) string {
			if d == sendWelcome {
				return "mail"
			}
			return "counters"
		}},
	})
	routes := slices.Concat(
		Public("POST /users"), IAM("POST /users/{id}/activate"), []Route{{Key: "GET /users/{id}/audit"}},
		JWT(&JWTProps{Issuer: "https://id.example.com/", Audience: []string{"web", "app"}}, "GET /users/{id}", "GET /me"),
		JWT(&JWTProps{Issuer: "https://id.example.com/", Audience: []string{"web", "app"}, Scopes: []string{"users:write", "admin"}}, "PUT /users/{id}"),
		JWT(&JWTProps{Name: "partners", Issuer: "https://partners.example.com", Audience: []string{"partner-api"}}, "GET /reports"),
	)
	grants := []bus.Grant{bus.Writes(users), bus.Reads(stats), bus.Commits(userCreated, userActivated), bus.ReadsSettings(maxUsers)}
	steps := []func(){
		func() { app.AddTable(users) },
		func() { app.AddTable(stats) },
		func() { app.AddTable(sessions) },
		func() { app.AddEvents(userCreated, userActivated) },
		func() { app.AddEvents(orderDeleted) },
		func() { app.AddSettings(welcomeText, maxUsers) },
		func() {
			app.AddEventHandler(sendWelcome, &EventHandlerProps{Function: "functions/send_welcome", DeadLetterQueue: true})
		},
		func() {
			app.AddEventHandler(countTotal, &EventHandlerProps{
				Function: "functions/count_total", DeadLetterQueue: true,
				Timeout: 20 * time.Second, Memory: 512, BatchSize: 50, BatchingWindow: 2 * time.Second, MaxConcurrency: 5,
			})
		},
		func() {
			app.AddEventHandler(countActive, &EventHandlerProps{Function: "functions/count_active"})
		},
		func() {
			app.AddTableHandler(followUsers, &TableHandlerProps{Function: "functions/follow_users", Memory: 512, BatchSize: 500, BatchingWindow: time.Second, Parallel: 2})
		},
		func() {
			app.AddAPI(&APIProps{
				Function: "functions/api", Routes: routes, Access: grants,
				Throttling: Throttling{Rate: 20, Burst: 40}, MaxBodyBytes: 64 << 10,
				CORS: &CORS{
					Origins: []string{"https://app.example.com"}, Headers: []string{"authorization", "content-type"}, ExposeHeaders: []string{"x-correlation-id"},
					MaxAge: 10 * time.Minute, Credentials: true,
				},
			})
		},
		func() {
			app.AddStack(&StackProps{
				Name: "reports", Functions: []string{"functions/report"},
				Build: func(stack awscdk.Stack, d *Deployment) {
					report := NewFunction(stack, "Report", &FunctionProps{
						Deployment: d, Function: "functions/report",
						Statements:  []Statement{{Sid: "ReadUsers", Actions: []string{"dynamodb:GetItem"}, Resources: []string{d.TableARN(users)}}},
						Environment: map[string]string{"QUEUE": d.QueueName(countTotal)},
					})
					report.AddAlarms("the report")
				},
			})
		},
	}
	for i := range steps {
		if reverse {
			i = len(steps) - 1 - i
		}
		steps[i]()
	}
	app.build = fakeBuild
	return app
}

// fakeBuild makes a small bootstrap for each program without compiling it.
func fakeBuild(_ context.Context, r build.Request) (map[string]string, error) {
	assets := map[string]string{}
	for _, p := range r.Programs {
		dir := filepath.Join(r.Out, p.Name)
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return nil, err
		}
		if err := os.WriteFile(filepath.Join(dir, "bootstrap"), []byte("#!/bin/true\n# "+p.Name+" "+r.GOARCH+"\n"), 0o755); err != nil {
			return nil, err
		}
		assets[p.Name] = dir
	}
	return assets, nil
}

// module makes a module root of its own in a temporary folder, with the test
// functions in it.
func module(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("testdata/module")); err != nil {
		t.Fatal(err)
	}
	return dir
}

// synth synthesizes into a folder of its own and returns it.
func synth(t *testing.T, app *Application) string {
	t.Helper()
	dir := module(t)
	out := filepath.Join(t.TempDir(), "out")
	if err := app.Synthesize(t.Context(), &SynthOptions{Dir: dir, OutDir: out}); err != nil {
		t.Fatal(err)
	}
	return out
}
