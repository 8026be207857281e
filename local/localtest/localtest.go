package localtest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/vinci-go/vinci/eventlog"
	"github.com/vinci-go/vinci/internal/awsenv"
	"github.com/vinci-go/vinci/internal/names"
	"github.com/vinci-go/vinci/local"
	"github.com/vinci-go/vinci/local/gateway"
	"github.com/vinci-go/vinci/local/synth"
	"github.com/vinci-go/vinci/orm"
)

// Options say what to start. The zero value starts the application whose module
// the test is in.
type Options struct {
	// Dir is the folder of the CDK app. Empty means the nearest folder with a
	// cdk.json, from the test's own folder upwards.
	Dir string
	// Assembly is a cloud assembly to start as it is, in place of synthesizing one.
	Assembly string
	// Configure may change how the runtime is started: its clock, its observer, its
	// region. It is called once, before the start; nil leaves all as it is.
	Configure func(*local.Config)
}

// App is an application that runs for one test. Its methods may be called from
// many goroutines; those that take a testing.TB end the test when they fail, and
// so only from the test's own goroutine.
type App struct {
	runtime *local.Runtime
	config  aws.Config
	changed pulse

	name  string // of the application; "" when the assembly is not Vinci's
	log   *eventlog.Log
	store orm.Store
}

// stopWithin bounds how long functions may take to finish when the test is over.
const stopWithin = 15 * time.Second

// Start starts the application and stops it when the test ends. The first call
// after a change of the sources builds and synthesizes, which takes seconds; every
// other takes a fraction of one. What fails ends the test.
func Start(t testing.TB, o Options) *App {
	t.Helper()
	ctx := t.Context()
	assembly := o.Assembly
	if assembly == "" {
		assembly = synthesized(t, o.Dir)
	}
	a := &App{}
	complaints := &tail{}
	c := local.Config{
		Assembly: assembly,
		Data:     filepath.Join(t.TempDir(), "data"),
		Logger:   slog.New(slog.NewTextHandler(complaints, &slog.HandlerOptions{Level: slog.LevelWarn})),
	}
	if o.Configure != nil {
		o.Configure(&c)
	}
	c.Observer = a.watching(c.Observer)
	var err error
	if a.runtime, err = local.Start(ctx, c); err != nil {
		t.Fatalf("start the application: %v\n%s", err, complaints)
	}
	// Logs are read until the runtime has stopped, which closes the channel.
	var readers sync.WaitGroup
	lines := a.runtime.Subscribe(context.WithoutCancel(ctx))
	readers.Go(func() {
		for range lines {
			a.changed.give()
		}
	})
	t.Cleanup(func() {
		t.Helper()
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopWithin)
		defer cancel()
		if err := a.runtime.Stop(ctx); err != nil {
			t.Errorf("stop the application: %v", err)
		}
		readers.Wait()
		if t.Failed() {
			a.tell(t, complaints.String())
		}
	})
	if err := a.connect(); err != nil {
		t.Fatal(err)
	}
	return a
}

// synthesized is the up-to-date assembly of the app in dir. It stays for as long
// as the test runs.
func synthesized(t testing.TB, dir string) string {
	t.Helper()
	if dir == "" {
		here, err := os.Getwd()
		if err != nil {
			t.Fatal(err)
		}
		if dir = above(here, "cdk.json"); dir == "" {
			t.Fatalf("no cdk.json in %s or above it: name the application's folder in Options.Dir", here)
		}
	}
	dir, err := filepath.Abs(dir)
	if err == nil {
		dir, err = filepath.EvalSymlinks(dir)
	}
	if err != nil {
		t.Fatalf("find the application: %v", err)
	}
	key, err := sourceKey(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	c := cache{dir: filepath.Join(dir, ".vinci", "localtest"), build: func(ctx context.Context, out string) error {
		_, err := synth.Run(ctx, synth.Options{Dir: dir, Out: out})
		return err
	}}
	assembly, release, err := c.get(t.Context(), key)
	if err != nil {
		t.Fatalf("synthesize the application: %v", err)
	}
	t.Cleanup(func() {
		if err := release(); err != nil {
			t.Errorf("let go of the assembly: %v", err)
		}
	})
	return assembly
}

// connect makes clients with the developer's own credentials.
func (a *App) connect() error {
	owner := a.runtime.Owner()
	env := map[string]string{
		awsenv.Region: owner.Region, awsenv.AccessKeyID: owner.AccessKeyID, awsenv.SecretAccessKey: owner.SecretAccessKey,
		awsenv.EndpointURL: a.runtime.Endpoint(),
	}
	getenv := func(name string) string { return env[name] }
	a.config = awsenv.Config(getenv)
	suffix := "-" + synth.Deployment + "-" + names.TableDeliveries
	for _, table := range a.runtime.Tables() {
		if name, ok := strings.CutSuffix(table, suffix); ok {
			a.name = name
		}
	}
	if a.name == "" {
		return nil // an application without Vinci's tables: the rest serves it
	}
	env[names.EnvApplication], env[names.EnvDeployment] = a.name, synth.Deployment
	var err error
	a.log, a.store, err = eventlog.FromEnv(getenv)
	return err
}

// watching tells waiters of every call that a function has made.
func (a *App) watching(also func(gateway.Call)) func(gateway.Call) {
	return func(c gateway.Call) {
		if also != nil {
			also(c)
		}
		// The waiters' own looks are the owner's calls.
		if !c.Caller.Owner {
			a.changed.give()
		}
	}
}

// Runtime is the runtime itself: function logs, processes, notes, reload. The test
// must not stop it.
func (a *App) Runtime() *local.Runtime { return a.runtime }

// Endpoint is the AWS endpoint, for AWS_ENDPOINT_URL.
func (a *App) Endpoint() string { return a.runtime.Endpoint() }

// Credentials are the developer's own, which may do everything.
func (a *App) Credentials() local.Credentials { return a.runtime.Owner() }

// AWS is the configuration of SDK clients that reach the application's tables,
// queues and buses: sqs.NewFromConfig(app.AWS()).
func (a *App) AWS() aws.Config { return a.config }

// URL is that of the application's HTTP API, without a slash at its end; with a
// name, of the one of that name. It ends the test when there is no such API, and
// without a name when there are several.
func (a *App) URL(t testing.TB, name ...string) string {
	t.Helper()
	var found []local.API
	for _, api := range a.runtime.APIs() {
		if len(name) == 0 || api.Name == name[0] {
			found = append(found, api)
		}
	}
	if len(found) != 1 {
		t.Fatalf("%d HTTP APIs have the name %q; there are %+v", len(found), strings.Join(name, " "), a.runtime.APIs())
	}
	return found[0].URL
}

// Store is every table of the application, for the definitions of package orm.
func (a *App) Store(t testing.TB) orm.Store {
	t.Helper()
	a.needVinci(t)
	return a.store
}

// Log is the application's event log: to read what was committed, or to commit
// what a test begins with.
func (a *App) Log(t testing.TB) *eventlog.Log {
	t.Helper()
	a.needVinci(t)
	return a.log
}

// Name is what a table, queue or bus of the application is called on AWS:
// Name(t, "users") is "user-system-local-users".
func (a *App) Name(t testing.TB, name string) string {
	t.Helper()
	a.needVinci(t)
	return a.deployment().Name(name)
}

func (a *App) deployment() names.Deployment {
	return names.Deployment{App: a.name, ID: synth.Deployment}
}

var errNotVinci = errors.New("the assembly has no table <application>-" + synth.Deployment + "-" + names.TableDeliveries + ": this is for applications of package constructs")

func (a *App) needVinci(t testing.TB) {
	t.Helper()
	if a.store == nil {
		t.Fatal(errNotVinci)
	}
}

// toldLines is how much of the logs a failed test shows: the newest.
const toldLines = 400

// tell shows what the functions wrote, in its order, and what the runtime had to
// complain of.
func (a *App) tell(t testing.TB, complaints string) {
	t.Helper()
	lines := a.runtime.Logs().All()
	var b strings.Builder
	if over := len(lines) - toldLines; over > 0 {
		fmt.Fprintf(&b, "(%d lines before these)\n", over)
		lines = lines[over:]
	}
	for _, l := range lines {
		fmt.Fprintf(&b, "%s %s: %s\n", l.Time.Format("15:04:05.000"), l.Function, l.Text)
	}
	if b.Len() == 0 {
		b.WriteString("nothing: no function was invoked\n")
	}
	t.Logf("the functions logged:\n%s", &b)
	if complaints != "" {
		t.Logf("the local runtime logged:\n%s", complaints)
	}
}
