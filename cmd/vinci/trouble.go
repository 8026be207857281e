package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/vinci-go/vinci/ops"
)

func newTrouble() *cobra.Command {
	f := &opsFlags{}
	var limit int
	cmd := &cobra.Command{
		Use:   "trouble [SUBSCRIPTION...]",
		Short: "Show what failed, is stuck, blocked or dead",
		Long: `Shows the deliveries of subscriptions that need attention, and about how many
messages their queues hold; of all subscriptions without a name.

  failed      it will be tried again
  stuck       a run never ended, and nobody has taken it over yet
  blocked     its stream waits for it (ordered subscriptions)
  dead        it is given up: vinci dlq redrive, send, skip or purge
  processing  it runs, and not for the first time`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if limit < 1 {
				return fmt.Errorf("--limit %d: at least 1 is allowed", limit)
			}
			d, err := f.open(cmd)
			if err != nil {
				return err
			}
			if len(args) == 0 {
				for _, s := range d.app.subscriptions {
					args = append(args, s.Name)
				}
			}
			for _, name := range args {
				if _, err := d.app.subscription(name); err != nil {
					return err
				}
			}
			reports := []troubleReport{}
			err = slow(cmd, "look at the subscriptions", func() error {
				for _, name := range args {
					r, err := d.troubleReport(cmd.Context(), name, limit)
					if err != nil {
						return err
					}
					reports = append(reports, r)
				}
				return nil
			})
			if err != nil {
				return d.explain(err)
			}
			if f.asJSON {
				return writeJSON(cmd.OutOrStdout(), reports)
			}
			return printTrouble(newScreen(cmd.OutOrStdout()), reports)
		},
	}
	f.flags(cmd)
	cmd.Flags().IntVar(&limit, "limit", 100, "most `DELIVERIES` of a subscription to show")
	return cmd
}

type troubleReport struct {
	Subscription string        `json:"subscription"`
	Backlog      ops.Backlog   `json:"backlog"`
	Trouble      []ops.Trouble `json:"trouble"`
	More         bool          `json:"more,omitempty"` // than the limit
}

func (d *deployed) troubleReport(ctx context.Context, subscription string, limit int) (r troubleReport, err error) {
	r = troubleReport{Subscription: subscription, Trouble: []ops.Trouble{}}
	if r.Backlog, err = d.Backlog(ctx, subscription); err != nil {
		return r, err
	}
	for t, err := range d.Trouble(ctx, subscription) {
		if err != nil {
			return r, err
		}
		if len(r.Trouble) == limit {
			r.More = true
			break
		}
		r.Trouble = append(r.Trouble, t)
	}
	return r, nil
}

func printTrouble(s *screen, reports []troubleReport) error {
	if len(reports) == 0 {
		_, err := fmt.Fprintln(s.w, "the application has no subscriptions: add one in app.go with AddEventHandler")
		return err
	}
	var b strings.Builder
	for i, r := range reports {
		if i > 0 {
			b.WriteString("\n")
		}
		fmt.Fprintf(&b, "%s  %s\n", s.paint(cyan, r.Subscription), backlogText(r.Backlog))
		if len(r.Trouble) == 0 {
			b.WriteString("  no trouble\n")
			continue
		}
		g := &grid{s: s}
		g.row("EVENT", "TYPE", "STATE", "ATTEMPTS", "LAST", "ERROR")
		for _, t := range r.Trouble {
			state := string(t.State)
			if t.Stream != "" && t.GivenUp {
				state += ", given up"
			}
			g.row(name(t.EventID, t.Namespace), t.EventType, state, fmt.Sprint(t.Attempts), clock(t.LastAt), shorten(reason(t.ErrorKind, t.ErrorMessage), 120))
			g.paint(2, stateColor(t.State))
		}
		b.WriteString(g.lines("  "))
		if r.More {
			fmt.Fprintf(&b, "  there are more: raise --limit (%d)\n", len(r.Trouble))
		}
	}
	_, err := io.WriteString(s.w, b.String())
	return err
}

func backlogText(b ops.Backlog) string {
	text := fmt.Sprintf("about %d waiting, %d in flight", b.Queue.Waiting+b.Queue.Delayed, b.Queue.InFlight)
	if b.DeadLetters != nil {
		text += fmt.Sprintf(", %d dead", b.DeadLetters.Waiting+b.DeadLetters.InFlight)
	}
	if n := b.Undelivered.Waiting + b.Undelivered.InFlight; n > 0 {
		text += fmt.Sprintf(", %d undelivered", n)
	}
	return text
}
