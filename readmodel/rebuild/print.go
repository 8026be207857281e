package rebuild

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// generationText is a generation for people.
func generationText(g string) string {
	if g == "" {
		return "the first generation"
	}
	return "generation " + g
}

// shown is how many differences and events are printed; JSON has more.
const shown = 50

// Print writes a report for people.
func (r *Report) Print(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %d items from %d events", generationText(r.Generation), r.Items, r.Events)
	if r.OK() {
		b.WriteString(": all is as the log says\n")
	} else {
		fmt.Fprintf(&b, ": %d items differ, %d events are not rightly in it\n", r.Differing, r.Missing)
	}
	last := ""
	for i, d := range r.Differences {
		if i == shown {
			fmt.Fprintf(&b, "  and more: --json lists them\n")
			break
		}
		if at := d.Table + " " + d.Key; at != last {
			last = at
			moving := ""
			if d.Moving {
				moving = " (it was changed all the time: look again when less happens)"
			}
			fmt.Fprintf(&b, "  %s%s\n", plain(at), moving)
		}
		name := d.Attribute
		if name == "" {
			name = "the item"
		}
		fmt.Fprintf(&b, "    %s: stored %s, expected %s\n", plain(name), plain(d.Stored), plain(d.Expected))
	}
	list(&b, r.Unhandled)
	_, err := io.WriteString(w, b.String())
	return err
}

func list(b *strings.Builder, events []Unhandled) {
	for i, u := range events {
		if i == shown {
			fmt.Fprintf(b, "  and more: --json lists them\n")
			return
		}
		fmt.Fprintf(b, "  %s\n", plain(u.String()))
	}
}

// plain takes out what a terminal would act on.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 {
			return ' '
		}
		return r
	}, s)
}

// Print writes a result for people.
func (r *Result) Print(w io.Writer, aborted bool) error {
	var b strings.Builder
	switch {
	case r.DryRun:
		fmt.Fprintf(&b, "would make %s beside %s from %d events\n", generationText(r.Generation), generationText(r.Before), r.Sent)
	case aborted && r.Generation != "":
		fmt.Fprintf(&b, "gave up %s: %s stays the current one\n", generationText(r.Generation), generationText(r.Before))
	case r.Looked > 0 || r.Sent > 0:
		fmt.Fprintf(&b, "%s: looked at %d events, sent %d\n", generationText(r.Generation), r.Looked, r.Sent)
	}
	list(&b, r.Stuck)
	if _, err := io.WriteString(w, b.String()); err != nil {
		return err
	}
	b.Reset()
	if r.Report.Events > 0 || !r.Report.OK() {
		if err := r.Report.Print(w); err != nil {
			return err
		}
	}
	if r.Flipped {
		fmt.Fprintf(&b, "%s is the current one\n", generationText(r.Generation))
	}
	if r.Dropped > 0 {
		fmt.Fprintf(&b, "deleted %d items of old generations\n", r.Dropped)
	}
	if r.Kept != "" {
		fmt.Fprintf(&b, "kept the items of an old generation (%s): --drop deletes them\n", r.Kept)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// teller tells how far something has come: in place on a terminal every half second,
// else a line every ten seconds and at each new step.
type teller struct {
	w        io.Writer
	terminal bool
	now      func() time.Time
	last     time.Time
	step     string
	shown    bool
}

func (t *teller) tell(p Progress) {
	every := 10 * time.Second
	if t.terminal {
		every = 500 * time.Millisecond
	}
	fresh := p.Step != t.step
	if now := t.now(); fresh || now.Sub(t.last) >= every {
		t.last, t.step = now, p.Step
		if t.terminal {
			t.shown = true
			fmt.Fprint(t.w, "\r\x1b[K", p)
		} else {
			fmt.Fprintln(t.w, p)
		}
	}
}

// end takes the line off the terminal.
func (t *teller) end() {
	if t.shown {
		fmt.Fprint(t.w, "\r\x1b[K")
		t.shown = false
	}
}

// String is one line for people.
func (p Progress) String() string {
	at := ""
	if !p.At.IsZero() {
		at = ", at " + p.At.UTC().Format("2006-01-02 15:04:05")
	}
	switch p.Step {
	case "count":
		return fmt.Sprintf("counted %d events%s", p.Events, at)
	case "send":
		return fmt.Sprintf("sending: looked at %d events, sent %d%s", p.Events, p.Sent, at)
	case "settle":
		return "waiting until the log's index has everything"
	case "wait":
		return fmt.Sprintf("waiting: %d events are not handled yet%s", p.Open, at)
	case "compute":
		return fmt.Sprintf("computing: %d events%s", p.Events, at)
	case "compare":
		return fmt.Sprintf("comparing: %d items and events are to be looked at again", p.Open)
	case "grace":
		return "waiting until nobody uses the old generation any more"
	case "drop":
		return fmt.Sprintf("deleted %d items", p.Events)
	}
	return p.Step
}
