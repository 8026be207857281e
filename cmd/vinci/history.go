package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/eventlog"
)

func newHistory() *cobra.Command {
	f := &opsFlags{}
	var (
		when    span
		stream  string
		data    bool
		reverse bool
		limit   int
		cursor  string
	)
	cmd := &cobra.Command{
		Use:   "history [TYPE...]",
		Short: "Show the events of some types, or of a stream",
		Long: `Shows the events of the log by time: those of the types that are named (user.created,
user.*, *.created), of all types of the application without any; or one stream, in
its own order. Acts of people (ops.redriven, …) are events, too.`,
		Example: `  vinci history --since 1h
  vinci history 'user.*' --since 2026-03-01 --until 2026-03-02 --json
  vinci history --stream user/7f3c --data`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if stream != "" && (len(args) > 0 || cursor != "" || reverse || cmd.Flags().Changed("since") || cmd.Flags().Changed("until")) {
				return fmt.Errorf("--stream shows a whole stream: leave types, times, --reverse and --cursor out")
			}
			if limit < 1 {
				return fmt.Errorf("--limit %d: at least 1 is allowed", limit)
			}
			// A cursor is bound to the range, and times are printed in whole seconds.
			from, to, err := when.times(time.Now().Truncate(time.Second))
			if err != nil {
				return err
			}
			d, err := f.open(cmd)
			if err != nil {
				return err
			}
			var types []string
			if stream == "" {
				if types, err = d.app.types(args); err != nil {
					return err
				}
			}
			var page eventlog.Page
			err = slow(cmd, "read the log", func() (err error) {
				if stream != "" {
					page, err = readStream(cmd, d, stream, limit)
				} else {
					page, err = d.log.History(eventlog.HistoryQuery{Types: types, From: from, To: to, Descending: reverse}).Page(cmd.Context(), limit, eventlog.Cursor(cursor))
				}
				return err
			})
			if err != nil {
				return d.explain(err)
			}
			if f.asJSON {
				return writeJSON(cmd.OutOrStdout(), historyJSON{nonNil(page.Events), from, page.Next})
			}
			return printHistory(newScreen(cmd.OutOrStdout()), page, from, data)
		},
	}
	f.flags(cmd)
	when.flags(cmd, "24h")
	cmd.Flags().StringVar(&stream, "stream", "", "show the events of one `STREAM`, such as user/7f3c")
	cmd.Flags().BoolVar(&data, "data", false, "show the events' data, too")
	cmd.Flags().BoolVar(&reverse, "reverse", false, "newest first")
	cmd.Flags().IntVar(&limit, "limit", eventlog.DefaultPage, fmt.Sprintf("most `EVENTS` to show, at most %d", eventlog.MaxPage))
	cmd.Flags().StringVar(&cursor, "cursor", "", "`CURSOR` that the page before printed, with the --since that it printed and the same --until")
	return cmd
}

type historyJSON struct {
	Events []event.Envelope `json:"events"`
	Since  time.Time        `json:"since"` // to be said with the cursor
	Next   eventlog.Cursor  `json:"next,omitempty"`
}

// nonNil makes JSON say [] and not null.
func nonNil[E any](s []E) []E {
	if s == nil {
		return []E{}
	}
	return s
}

// readStream reads the beginning of a stream.
func readStream(cmd *cobra.Command, d *deployed, stream string, limit int) (eventlog.Page, error) {
	if err := event.CheckStream(stream); err != nil {
		return eventlog.Page{}, err
	}
	var p eventlog.Page
	for e, err := range d.log.Stream(cmd.Context(), stream, 1) {
		if err != nil {
			return p, err
		}
		if len(p.Events) == limit {
			return p, fmt.Errorf("stream %s has more than %d events: raise --limit", stream, limit)
		}
		p.Events = append(p.Events, e)
	}
	return p, nil
}

func printHistory(s *screen, p eventlog.Page, from time.Time, data bool) error {
	if len(p.Events) == 0 {
		_, err := fmt.Fprintln(s.w, "no events")
		return err
	}
	g := &grid{s: s}
	g.row("TIME", "EVENT", "TYPE", "ACTOR", "CAUSE")
	for _, e := range p.Events {
		g.row(clock(e.Time), e.ID, e.Type, e.Actor, e.CausationID)
		g.paint(1, cyan)
	}
	text := g.lines("")
	if data {
		var b strings.Builder
		for i, line := range strings.SplitAfter(text, "\n") {
			b.WriteString(line)
			if i > 0 && i <= len(p.Events) {
				fmt.Fprintf(&b, "  %s\n", plain(string(p.Events[i-1].Data)))
			}
		}
		text = b.String()
	}
	if p.Next != "" {
		text += fmt.Sprintf("\nthere are more: the same command with --since %s --cursor %s\n", from.Format(time.RFC3339), p.Next)
	}
	_, err := io.WriteString(s.w, text)
	return err
}
