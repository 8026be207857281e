package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/eventlog"
	"github.com/vinci-go/vinci/internal/definitions"
	"github.com/vinci-go/vinci/internal/progress"
	"github.com/vinci-go/vinci/ops"
	"github.com/vinci-go/vinci/orm"
)

// deployed is a deployment with all that the commands about events do to it.
type deployed struct {
	*ops.Ops
	*target
	app *application
	log *eventlog.Log
}

// opsFlags are those of every command about events.
type opsFlags struct {
	where
	asJSON bool
	as     string // who acts
	reason string
}

func (f *opsFlags) flags(cmd *cobra.Command) {
	f.dirFlag(cmd)
	f.targetFlags(cmd)
	cmd.Flags().BoolVar(&f.asJSON, "json", false, "print JSON")
}

// acting adds the flags of commands that change something.
func (f *opsFlags) acting(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.as, "as", "", "`NAME` of who does it, for the record in the log (default $USER)")
	cmd.Flags().StringVar(&f.reason, "reason", "", "`TEXT` for the record in the log")
}

// open finds the deployment, and makes sure that it answers. env is added to the
// environment of the app, which is asked for its definitions.
func (f *opsFlags) open(cmd *cobra.Command, env ...string) (*deployed, error) {
	ctx := cmd.Context()
	app, err := loadApplication(ctx, progress.New(cmd.ErrOrStderr()), f.dir, f.deployment, env...)
	if err != nil {
		return nil, err
	}
	t, err := f.target(app, os.Getenv)
	if err != nil {
		return nil, err
	}
	if _, err := t.describe(ctx, eventlog.Events.Schema().Name); err != nil {
		return nil, err
	}
	return newDeployed(app, t, t.store(), ops.NewSQS(t.config()))
}

func newDeployed(app *application, t *target, store orm.Store, queues ops.Queues) (*deployed, error) {
	log := eventlog.New(store, eventlog.Options{Source: t.App})
	var subs []ops.Subscription
	for _, s := range app.subscriptions {
		subs = append(subs, ops.Subscription{Name: s.Name, Patterns: s.Patterns, Ordered: s.Ordered, Rebuildable: s.Rebuildable, From: s.From})
	}
	o, err := ops.New(ops.Options{Application: t.App, Deployment: t.ID, Store: store, Log: log, Queues: queues, Subscriptions: subs})
	if err != nil {
		return nil, err
	}
	return &deployed{Ops: o, target: t, app: app, log: log}, nil
}

// slow says what takes longer than a moment, on standard error.
func slow(cmd *cobra.Command, what string, do func() error) error {
	return progress.New(cmd.ErrOrStderr()).Step(what, do)
}

// actor puts who acts into the context.
func (f *opsFlags) actor(ctx context.Context) (context.Context, error) {
	who := f.as
	if who == "" {
		who = os.Getenv("USER")
	}
	if who == "" {
		return nil, errors.New("who does this? $USER is not set: say it with --as NAME, it is kept in the log")
	}
	return event.WithFlow(ctx, event.Flow{Actor: who}), nil
}

// subscription finds one of the application's, or says which was meant.
func (a *application) subscription(name string) (*definitions.Subscription, error) {
	known := make([]string, len(a.subscriptions))
	for i, s := range a.subscriptions {
		if s.Name == name {
			return s, nil
		}
		known[i] = s.Name
	}
	return nil, unknown("subscription", name, known, "add it in app.go with AddEventHandler")
}

// types are the event types of the application that are meant, all without any, and
// those of the acts with it.
func (a *application) types(meant []string) ([]string, error) {
	var known []string
	for _, e := range a.events {
		known = append(known, e.Name)
	}
	known = append(known, ops.Types()...)
	slices.Sort(known)
	if len(meant) == 0 {
		return known, nil
	}
	var out []string
	for _, m := range meant {
		if !strings.Contains(m, "*") {
			if !slices.Contains(known, m) {
				return nil, unknown("event type", m, known, "add it in app.go with AddEvents")
			}
			out = append(out, m)
			continue
		}
		family := event.Match(m)
		if err := family.Err(); err != nil {
			return nil, err
		}
		before := len(out)
		for _, k := range known {
			if family.Matches(k) {
				out = append(out, k)
			}
		}
		if len(out) == before {
			return nil, fmt.Errorf("no event type is like %s (there are: %s)", m, strings.Join(known, ", "))
		}
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}

// subscriptionArg asks for the one argument in words that help.
func subscriptionArg(cmd *cobra.Command, args []string) error {
	switch len(args) {
	case 0:
		return fmt.Errorf("the subscription's name is missing: %s", cmd.UseLine())
	case 1:
		return nil
	}
	return fmt.Errorf("one subscription at a time, got %s", strings.Join(args, " "))
}

// moment reads a time: RFC 3339, a day, or how long ago, as in 90m, 24h and 7d.
func moment(flag, text string, now time.Time) (time.Time, error) {
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		return t.UTC(), nil
	}
	if t, err := time.Parse(time.DateOnly, text); err == nil {
		return t.UTC(), nil
	}
	ago := text
	if days, ok := strings.CutSuffix(text, "d"); ok {
		ago = days + "h"
	}
	d, err := time.ParseDuration(ago)
	if ago != text {
		d *= 24
	}
	if err != nil || d < 0 {
		return time.Time{}, fmt.Errorf("--%s %q: it is how long ago (90m, 24h, 7d), a day (2026-03-01, UTC) or a time (2026-03-01T12:00:00Z)", flag, text)
	}
	return now.Add(-d).UTC(), nil
}

// span is a range of time, as flags.
type span struct{ since, until string }

func (s *span) flags(cmd *cobra.Command, byDefault string) {
	text := "where to begin: how long ago (90m, 24h, 7d), a day (2026-03-01) or a time, in UTC"
	cmd.Flags().StringVar(&s.since, "since", byDefault, "`TIME` "+text)
	cmd.Flags().StringVar(&s.until, "until", "", "`TIME` at which to end, which does not belong to it any more (default now)")
}

// times reads the range; an end that is open is zero.
func (s *span) times(now time.Time) (from, to time.Time, err error) {
	if s.since != "" {
		if from, err = moment("since", s.since, now); err != nil {
			return from, to, err
		}
	}
	if s.until != "" {
		if to, err = moment("until", s.until, now); err != nil {
			return from, to, err
		}
		if to.Before(from) {
			return from, to, fmt.Errorf("--until %s is before --since %s", to.Format(time.RFC3339), from.Format(time.RFC3339))
		}
	}
	return from, to, nil
}

// clock is a time for people.
func clock(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05.000") }

// took is a duration for people.
func took(d time.Duration) string {
	switch {
	case d >= time.Second:
		return d.Round(10 * time.Millisecond).String()
	case d >= time.Millisecond:
		return d.Round(100 * time.Microsecond).String()
	}
	return d.Round(time.Microsecond).String()
}

// days is a long duration for people.
func days(d time.Duration) string { return plural(int64(d/(24*time.Hour)), "day") }

// stateColor is red for what needs somebody, and dim for what does not matter.
func stateColor(s ops.State) string {
	switch s {
	case ops.Failed, ops.Dead, ops.Stuck, ops.Blocked:
		return red
	case ops.Ignored:
		return dim
	}
	return ""
}

// reason is why a delivery is as it is.
func reason(kind, message string) string {
	if kind == "" || message == "" {
		return kind + message
	}
	return kind + ": " + message
}
