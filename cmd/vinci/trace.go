package main

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/ops"
)

func newTrace() *cobra.Command {
	f := &opsFlags{}
	cmd := &cobra.Command{
		Use:   "trace EVENT|CORRELATION",
		Short: "Show all that one request caused, as a tree",
		Long: `Shows the events of one correlation id, each below the one that caused it, with
what became of it at each subscription. Give the correlation id, or the id of any
event of it. Acts of people on one of its events are in the tree.`,
		Example: "  vinci trace user/7f3c@1",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return fmt.Errorf("one event id (user/7f3c@1) or correlation id is needed, got %d arguments", len(args))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			d, err := f.open(cmd)
			if err != nil {
				return err
			}
			var tree ops.Tree
			err = slow(cmd, "read the events and their deliveries", func() (err error) {
				if _, _, no := event.ParseID(args[0]); no == nil {
					tree, err = d.TreeOf(cmd.Context(), args[0])
				} else {
					tree, err = d.Tree(cmd.Context(), args[0])
				}
				return err
			})
			if err != nil {
				return d.explain(err)
			}
			if f.asJSON {
				return writeJSON(cmd.OutOrStdout(), tree)
			}
			return printTree(newScreen(cmd.OutOrStdout()), tree)
		},
	}
	f.flags(cmd)
	return cmd
}

// branch is a line of a tree with its place.
type branch struct {
	stem, text, color string
	rest              []string
	state             ops.State // of a delivery
}

func printTree(s *screen, t ops.Tree) error {
	var lines []branch
	for _, n := range t.Roots {
		lines = appendNode(lines, n, "", "")
	}
	wide := 0
	for _, l := range lines {
		wide = max(wide, utf8.RuneCountInString(l.stem+l.text))
	}
	g := &grid{s: s}
	for _, l := range lines {
		g.row(l.rest...)
		g.paint(0, stateColor(l.state))
	}
	rests := strings.SplitAfter(g.lines(""), "\n")
	var b strings.Builder
	fmt.Fprintf(&b, "correlation %s, %s\n", plain(t.CorrelationID), plural(int64(t.Events), "event"))
	for i, l := range lines {
		text := l.text
		if l.color != "" {
			text = s.paint(l.color, text)
		}
		fill := strings.Repeat(" ", wide-utf8.RuneCountInString(l.stem+l.text)+2)
		b.WriteString(strings.TrimRight(s.paint(dim, l.stem)+text+fill+strings.TrimRight(rests[i], "\n"), " ") + "\n")
	}
	if t.Truncated {
		fmt.Fprintf(&b, "\nthere are more: these are the first %d\n", t.Events)
	}
	_, err := io.WriteString(s.w, b.String())
	return err
}

// appendNode adds the lines of an event, its deliveries, and what it caused. first
// stands before the event, below before all under it.
func appendNode(lines []branch, n *ops.Node, first, below string) []branch {
	what := n.Event.Type
	if n.Event.Actor != "" {
		what += " by " + n.Event.Actor
	}
	lines = append(lines, branch{stem: first, text: plain(n.Event.ID), color: cyan, rest: []string{what, "", "", clock(n.Event.Time)}})
	stem := below + "  "
	if len(n.Caused) > 0 {
		stem = below + "│ "
	}
	for _, d := range n.Deliveries {
		lines = append(lines, branch{stem: stem, text: plain(d.Subscription), state: d.State, rest: append([]string{string(d.State)}, attemptCells(&d)...)})
	}
	for i, c := range n.Caused {
		if i == len(n.Caused)-1 {
			lines = appendNode(lines, c, below+"└─ ", below+"   ")
		} else {
			lines = appendNode(lines, c, below+"├─ ", below+"│  ")
		}
	}
	return lines
}

// attemptCells say how often and how long a handler ran, and why it failed.
func attemptCells(d *ops.Delivery) []string {
	attempts, duration := "", ""
	if d.Attempts > 0 {
		attempts, duration = plural(int64(d.Attempts), "attempt"), took(d.Duration())
	}
	return []string{attempts, duration, shorten(reason(d.ErrorKind, d.ErrorMessage), 100)}
}
