package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/vinci-go/vinci/event/schema"
	"github.com/vinci-go/vinci/internal/definitions"
	"github.com/vinci-go/vinci/internal/names"
	"github.com/vinci-go/vinci/internal/progress"
	"github.com/vinci-go/vinci/internal/spelling"
	"github.com/vinci-go/vinci/local/synth"
	"github.com/vinci-go/vinci/orm"
)

// application is what the CDK app says of itself.
type application struct {
	dir    string // of cdk.json
	name   string
	tables []*orm.Schema
	events []*schema.Event

	subscriptions []*definitions.Subscription
	bus           *definitions.Bus // another application's, on which it publishes; mostly nil
	foreign       []*definitions.Foreign
	settings      []*definitions.Setting
	parsed        *definitions.Parsed // the answer to what was asked with definitions.EnvParse
}

// busOf is the physical name of the bus on which a deployment publishes.
func (a *application) busOf(d names.Deployment) string {
	if a.bus != nil {
		return a.bus.Name
	}
	return d.Bus()
}

// sources are the definitions as they are in the working copy, whatever is deployed
// or running.
func (w *where) sources(cmd *cobra.Command) (*application, error) {
	return loadApplication(cmd.Context(), progress.New(cmd.ErrOrStderr()), w.dir, synth.Deployment)
}

// addList makes a group list what the application defines, by itself and as its
// command "list", which is returned for its flags.
func (w *where) addList(group *cobra.Command, list func(*cobra.Command, *application) error) *cobra.Command {
	run := func(cmd *cobra.Command, _ []string) error {
		app, err := w.sources(cmd)
		if err != nil {
			return err
		}
		return list(cmd, app)
	}
	group.Args, group.RunE = noSubcommand, run
	w.dirFlag(group)
	listing := &cobra.Command{
		Use:   "list",
		Short: fmt.Sprintf("List the application's %[1]s (the same as vinci %[1]s)", group.Name()),
		Args:  noArguments,
		RunE:  run,
	}
	group.AddCommand(listing)
	return listing
}

// loadApplication runs the app of dir for its definitions. It is the one way in
// which commands learn of them. env is added to the app's environment, as NAME=value.
func loadApplication(ctx context.Context, report *progress.Reporter, dir, deployment string, env ...string) (*application, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("--dir: %w", err)
	}
	temp, err := os.MkdirTemp("", "vinci-")
	if err != nil {
		return nil, fmt.Errorf("make a temporary folder: %w", err)
	}
	defer os.RemoveAll(temp)
	out := filepath.Join(temp, "definitions.json")
	err = report.Step("build the app and read its definitions", func() error {
		return synth.Definitions(ctx, synth.Options{Dir: dir, Out: out, Deployment: deployment, Env: env})
	})
	if err != nil {
		return nil, err
	}
	f, err := definitions.Read(out)
	if err != nil {
		return nil, err
	}
	return &application{dir: dir, name: f.Application, tables: f.Tables, events: f.Events, subscriptions: f.Subscriptions, bus: f.Bus, foreign: f.Foreign, settings: f.Settings, parsed: f.Parsed}, nil
}

// deployment is one copy of the application.
func (a *application) deployment(id string) (names.Deployment, error) { return names.New(a.name, id) }

// table finds a table, or says which there are.
func (a *application) table(name string) (*orm.Schema, error) {
	known := make([]string, len(a.tables))
	for i, s := range a.tables {
		if s.Name == name {
			return s, nil
		}
		known[i] = s.Name
	}
	return nil, unknown("table", name, known, "add it in app.go with AddTable")
}

// event finds an event type, or says which there are.
func (a *application) event(name string) (*schema.Event, error) {
	known := make([]string, len(a.events))
	for i, e := range a.events {
		if e.Name == name {
			return e, nil
		}
		known[i] = e.Name
	}
	return nil, unknown("event", name, known, "add it in app.go with AddEvents")
}

// setting finds a run-time setting, or says which there are.
func (a *application) setting(name string) (*definitions.Setting, error) {
	known := make([]string, len(a.settings))
	for i, s := range a.settings {
		if s.Name == name {
			return s, nil
		}
		known[i] = s.Name
	}
	return nil, unknown("setting", name, known, "add it in app.go with AddSettings")
}

// unknown is the error of a name that nothing has: it names the one that was
// meant, as far as that can be guessed, and all that there are.
func unknown(what, name string, known []string, mend string) error {
	message := fmt.Sprintf("there is no %s %q", what, name)
	if len(known) == 0 {
		return fmt.Errorf("%s, and no other: %s", message, mend)
	}
	if near := nearest(name, known); near != "" {
		message += fmt.Sprintf(": did you mean %q?", near)
	}
	return fmt.Errorf("%s (there are: %s)", message, strings.Join(known, ", "))
}

// nearest is the name that was probably meant: the one that the fewest letters
// make of it, if these are few, or one that begins with it; "" when none is. More
// than one letter is a slip only behind a right beginning: who types deploy does not
// mean replay.
func nearest(name string, known []string) string {
	best, least := "", 0
	for _, k := range known {
		d := spelling.Distance(name, k)
		few := d < len(name) && d <= (len(name)+2)/3 && (d <= 1 || name[0] == k[0])
		begun := len(name) > 2 && strings.HasPrefix(k, name)
		if !few && !begun {
			continue
		}
		if best == "" || d < least {
			best, least = k, d
		}
	}
	return best
}
