package main

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/spf13/cobra"

	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/eventlog"
	"github.com/vinci-go/vinci/eventlog/relay"
	"github.com/vinci-go/vinci/ops"
)

// republishMark is how far publishing again has come.
type republishMark struct {
	Run    string          `json:"run"`
	Types  []string        `json:"types"`
	From   time.Time       `json:"from"`
	To     time.Time       `json:"to"`
	Cursor eventlog.Cursor `json:"cursor"`
	At     time.Time       `json:"at"`
}

// allSubscriptions names the bookmark of what goes to all: no subscription has such a
// name.
const allSubscriptions = "re-publish"

func newRepublish() *cobra.Command {
	f := &opsFlags{}
	var (
		when  span
		types []string
		rate  int
		old   bool
		going going
	)
	cmd := &cobra.Command{
		Use:   "republish --since TIME [--type TYPE...]",
		Short: "Publish a part of the log again, to all subscriptions",
		Long: `Puts the events of a time on the bus again, with their public forms: after the relay
was down for longer than the change stream remembers (24 hours), or in any doubt.
Subscriptions that have handled an event know it and do nothing; others on the bus
get it again. To mend one subscription, vinci replay is cheaper.

After Ctrl-C or an error --resume goes on; where it was is in .vinci/replays.`,
		Example: "  vinci republish --since 2026-03-01T06:00:00Z --until 2026-03-02T09:00:00Z",
		Args:    noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			now := time.Now().UTC()
			from, to, err := when.times(now)
			if err != nil {
				return err
			}
			if rate < 1 {
				return fmt.Errorf("--rate %d: at least 1 is allowed", rate)
			}
			if from.IsZero() && !going.resume {
				return errors.New("which events? --since TIME")
			}
			if forgotten := now.Add(-bus.MinRetention); !old && !going.resume && from.Before(forgotten) {
				return fmt.Errorf("--since %s is more than %s ago: delivery records of that time may have expired, and what was handled would be handled again; --old publishes it all the same", from.Format(time.RFC3339), days(bus.MinRetention))
			}
			ctx, err := f.actor(cmd.Context())
			if err != nil {
				return err
			}
			d, err := f.open(cmd)
			if err != nil {
				return err
			}
			file := bookmarkOf(d.app.dir, d.ID, allSubscriptions)
			var m republishMark
			unfinished, err := file.read(&m)
			if err != nil {
				return err
			}
			switch {
			case going.resume && !unfinished:
				return errors.New("nothing waits to be gone on with")
			case going.resume && (when != span{} || len(types) > 0):
				return errors.New("--resume goes on as it began: leave out which events")
			case going.resume:
			case unfinished && !going.discard:
				return errUnfinished(file, "the last run", m.At)
			default:
				m = republishMark{From: from, To: to}
				if m.Types, err = d.app.types(types); err != nil {
					return err
				}
				if to.IsZero() {
					m.To = now
				}
				// What is forgotten is so at once: --resume after kill -9 goes on with
				// this run or with none.
				if err := file.remove(); err != nil {
					return err
				}
			}
			run := m.Run
			if run == "" {
				m.Run = d.ID + "-" + now.Format("20060102T150405.000000000")
			}
			show := newTeller(cmd.ErrOrStderr())
			var unkept error
			r := relay.NewRepublisher(relay.RepublishOptions{
				Log: d.log, Source: d.App, Rate: rate,
				Publisher: relay.NewPublisher(eventbridge.NewFromConfig(d.config()), d.app.busOf(d.Deployment)),
				Failures:  d.RelayFailures(),
				Logger:    slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), nil)),
				Progress: func(p relay.Progress) {
					show.tell(func() string {
						return fmt.Sprintf("published %s, at %s", plural(int64(p.Events), "event"), clock(p.Last))
					})
					m.Cursor, m.At = p.Cursor, time.Now().UTC()
					if !p.Done {
						unkept = file.write(m)
					}
				},
			})
			p, _, err := d.Republish(ctx, r, relay.Window{Types: m.Types, From: m.From, To: m.To, Cursor: m.Cursor}, ops.Run{ID: m.Run, Resumed: run != ""}, f.reason)
			show.end()
			if p.Done {
				unkept = file.remove()
			}
			if f.asJSON {
				err = errors.Join(err, writeJSON(cmd.OutOrStdout(), republishJSON{Run: m.Run, Events: p.Events, Failed: p.Failed, Done: p.Done}))
			} else {
				fmt.Fprintf(cmd.OutOrStdout(), "published %s of %s again\n", plural(int64(p.Events), "event"), typesText(m.Types))
			}
			if err == nil && p.Failed > 0 {
				err = fmt.Errorf("%d could not be published: the queue %s says which and why", p.Failed, d.RelayFailedQueue())
			}
			if err != nil && m.Cursor != "" && !p.Done {
				fmt.Fprintln(cmd.ErrOrStderr(), "stopped; vinci republish --resume goes on")
			}
			return errors.Join(d.explain(err), unkept)
		},
	}
	f.flags(cmd)
	f.acting(cmd)
	when.flags(cmd, "")
	fl := cmd.Flags()
	fl.StringSliceVar(&types, "type", nil, "only events of these `TYPES` (user.created, user.*)")
	fl.IntVar(&rate, "rate", relay.DefaultRate, "most `EVENTS` a second")
	fl.BoolVar(&old, "old", false, fmt.Sprintf("also events older than %s: their delivery records may have expired, and they would be handled again", days(bus.MinRetention)))
	fl.BoolVar(&going.resume, "resume", false, "go on with the last run, which was stopped")
	fl.BoolVar(&going.discard, "discard", false, "forget the last run, which was stopped, and begin this one")
	return cmd
}

type republishJSON struct {
	Run    string `json:"run"`
	Events int    `json:"events"`
	Failed int    `json:"failed"`
	Done   bool   `json:"done"`
}

func typesText(types []string) string {
	if len(types) > 3 {
		return plural(int64(len(types)), "type")
	}
	return strings.Join(types, ", ")
}
