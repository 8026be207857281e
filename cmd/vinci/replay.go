package main

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/ops"
)

// replayBookmark is how far a replay has come.
type replayBookmark struct {
	Replay ops.Replay `json:"replay"`
	Cursor string     `json:"cursor"`
	Sent   int        `json:"sent"`
	At     time.Time  `json:"at"`
}

func newReplay() *cobra.Command {
	f := &opsFlags{}
	var (
		when   span
		types  []string
		replay ops.Replay
		list   int
		going  going
	)
	cmd := &cobra.Command{
		Use:   "replay SUBSCRIPTION (--since TIME [--type TYPE...] | --stream STREAM | --correlation ID)",
		Short: "Send events of the log to one subscription again",
		Long: `Sends events of the log into the queue of one subscription: those that it asks for
and has no record of having handled. So it repairs what was lost or given up, and
does nothing where all is well. --dry-run says first what would be sent.

With --again NAME every event is handled once more, in a namespace of that name: only
for a subscription that is declared bus.Rebuildable().

After Ctrl-C or an error --resume goes on; where it was is in .vinci/replays.`,
		Example: `  vinci replay charge --since 24h --dry-run
  vinci replay charge --since 2026-03-01 --until 2026-03-02 --type order.placed --rate 50
  vinci replay charge --stream order/7f3c`,
		Args: subscriptionArg,
		RunE: func(cmd *cobra.Command, args []string) error {
			now := time.Now()
			from, to, err := when.times(now)
			if err != nil {
				return err
			}
			if list < 0 {
				return fmt.Errorf("--list %d: at least 0 is allowed", list)
			}
			d, err := f.openFor(cmd, args[0])
			if err != nil {
				return err
			}
			mark := bookmarkOf(d.app.dir, d.ID, args[0])
			var last replayBookmark
			unfinished, err := mark.read(&last)
			if err != nil {
				return err
			}
			switch {
			case going.resume && !unfinished:
				return fmt.Errorf("no replay of %s waits to be gone on with", args[0])
			case going.resume && (when != span{} || len(types) > 0 || replay.Stream != "" || replay.CorrelationID != "" || replay.Again != "" || replay.Old):
				return errors.New("--resume goes on with the replay as it began: leave out which events")
			case going.resume:
				rate, dry := replay.Rate, replay.DryRun
				replay = last.Replay
				replay.Cursor, replay.Rate, replay.DryRun = last.Cursor, rate, dry
				return f.replay(cmd, d, args[0], replay, mark, list)
			case unfinished && !going.discard && !replay.DryRun:
				return errUnfinished(mark, "the last replay of "+args[0], last.At)
			}
			if replay.Stream == "" && replay.CorrelationID == "" {
				if from.IsZero() {
					return errors.New("which events? --since TIME, --stream STREAM or --correlation ID")
				}
				if replay.Types, err = d.asked(args[0], types); err != nil {
					return err
				}
				if to.IsZero() {
					to = now.UTC() // so that --resume has the same end
				}
			} else if len(types) > 0 {
				return errors.New("--type goes with --since, a stream or a correlation id is sent whole")
			}
			replay.From, replay.To, replay.Reason = from, to, f.reason
			return f.replay(cmd, d, args[0], replay, mark, list)
		},
	}
	f.flags(cmd)
	f.acting(cmd)
	when.flags(cmd, "")
	fl := cmd.Flags()
	fl.StringSliceVar(&types, "type", nil, "only events of these `TYPES` (user.created, user.*); default all that it asks for")
	fl.StringVar(&replay.Stream, "stream", "", "the events of one `STREAM`")
	fl.StringVar(&replay.CorrelationID, "correlation", "", "the events of one correlation `ID`")
	fl.StringVar(&replay.Again, "again", "", "handle every event once more, in the namespace of this `NAME`")
	fl.BoolVar(&replay.Old, "old", false, fmt.Sprintf("also events older than %s without a record: it may have expired, and they would be handled again", days(bus.MinRetention)))
	fl.BoolVar(&replay.DryRun, "dry-run", false, "say what would be sent, and send nothing")
	fl.IntVar(&list, "list", 20, "most `EVENTS` that a dry run lists by id")
	fl.IntVar(&replay.Rate, "rate", ops.DefaultRate, "most `EVENTS` a second")
	fl.BoolVar(&going.resume, "resume", false, "go on with the last replay of the subscription, which was stopped")
	fl.BoolVar(&going.discard, "discard", false, "forget the last replay, which was stopped, and begin this one")
	return cmd
}

// asked are the types that are meant and that a subscription asks for.
func (d *deployed) asked(subscription string, meant []string) ([]string, error) {
	types, err := d.app.types(meant)
	if err != nil {
		return nil, err
	}
	asked, err := d.Wants(subscription, types)
	if err != nil {
		return nil, err
	}
	if len(asked) == 0 {
		return nil, fmt.Errorf("subscription %s asks for none of the types %s", subscription, strings.Join(types, ", "))
	}
	return asked, nil
}

type replayJSON struct {
	ops.ReplayProgress
	DryRun bool           `json:"dry_run"`
	Types  map[string]int `json:"types"`            // sent, or that would be, by type
	Events []string       `json:"events,omitempty"` // that a dry run would send, the first of them
}

func (f *opsFlags) replay(cmd *cobra.Command, d *deployed, subscription string, r ops.Replay, mark bookmark, list int) error {
	ctx := cmd.Context()
	var err error
	if !r.DryRun {
		if ctx, err = f.actor(ctx); err != nil {
			return err
		}
	}
	out := replayJSON{DryRun: r.DryRun, Types: map[string]int{}}
	r.Each = func(e event.Envelope) {
		out.Types[e.Type]++
		if r.DryRun && len(out.Events) < list {
			out.Events = append(out.Events, e.ID)
		}
	}
	show := newTeller(cmd.ErrOrStderr())
	var unkept error
	r.Progress = func(p ops.ReplayProgress) {
		show.tell(func() string {
			return fmt.Sprintf("looked at %s, sent %d, at %s", plural(int64(p.Looked), "event"), p.Sent, clock(p.Last))
		})
		if !r.DryRun && !p.Done {
			kept := r
			kept.ID = p.ID
			unkept = mark.write(replayBookmark{Replay: kept, Cursor: p.Cursor, Sent: p.Sent, At: time.Now().UTC()})
		}
	}
	if !r.DryRun && r.ID == "" {
		if err := mark.remove(); err != nil {
			return err
		}
	}
	if !f.asJSON {
		fmt.Fprintf(cmd.OutOrStdout(), "%s to %s\n", r.Selection, name(subscription, r.Again))
	}
	out.ReplayProgress, err = d.Replay(ctx, subscription, r)
	show.end()
	switch {
	case r.DryRun:
	case out.Done:
		unkept = mark.remove()
	case err != nil && out.ID != "":
		kept := r
		kept.ID = out.ID
		unkept = mark.write(replayBookmark{Replay: kept, Cursor: out.Cursor, Sent: out.Sent, At: time.Now().UTC()})
	}
	if f.asJSON {
		err = errors.Join(err, writeJSON(cmd.OutOrStdout(), out))
	} else {
		err = errors.Join(err, printReplay(newScreen(cmd.OutOrStdout()), &out))
	}
	if err != nil && !r.DryRun && out.ID != "" {
		fmt.Fprintf(cmd.ErrOrStderr(), "stopped; vinci replay %s --resume goes on\n", subscription)
	}
	return errors.Join(d.explain(err), unkept)
}

func printReplay(s *screen, r *replayJSON) error {
	var b strings.Builder
	sent := "sent"
	if r.DryRun {
		sent = "would send"
	}
	fmt.Fprintf(&b, "looked at %s: %s %d, %d had succeeded", plural(int64(r.Looked), "event"), sent, r.Sent, r.Succeeded)
	if r.Ignored > 0 {
		fmt.Fprintf(&b, ", %d ignored", r.Ignored)
	}
	if r.Old > 0 {
		fmt.Fprintf(&b, ", %d older than %s, whose records may have expired (--old)", r.Old, days(bus.MinRetention))
	}
	if r.NotAsked > 0 {
		fmt.Fprintf(&b, ", %d not asked for", r.NotAsked)
	}
	b.WriteString("\n")
	g := &grid{s: s}
	for _, t := range slices.Sorted(maps.Keys(r.Types)) {
		g.row(t, fmt.Sprint(r.Types[t]))
	}
	b.WriteString(g.lines("  "))
	for i, id := range r.Events {
		if i == 0 {
			b.WriteString("\n")
		}
		fmt.Fprintf(&b, "  %s\n", s.paint(cyan, plain(id)))
	}
	if n := r.Sent - len(r.Events); r.DryRun && n > 0 {
		fmt.Fprintf(&b, "  and %d more\n", n)
	}
	_, err := io.WriteString(s.w, b.String())
	return err
}
