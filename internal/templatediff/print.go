package templatediff

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// Counts are how many resources a difference has of a kind.
type Counts struct {
	Added, Removed, Changed int
	Replaced                int // of those changed, with those of which it is not known
	Code                    int // functions with other code
	Dangers                 int
}

// Counts counts the resources.
func (d *Diff) Counts() Counts {
	var c Counts
	for _, s := range d.Stacks {
		for _, r := range s.Resources {
			switch r.State {
			case Added:
				c.Added++
			case Removed:
				c.Removed++
			case Changed:
				c.Changed++
			}
			if r.Replaced != InPlace {
				c.Replaced++
			}
			if r.Code {
				c.Code++
			}
			c.Dangers += len(r.Dangers)
		}
	}
	return c
}

// Empty reports whether there is no difference.
func (d *Diff) Empty() bool { return len(d.Stacks) == 0 }

// Summary is the difference in one line.
func (d *Diff) Summary() string {
	if d.Empty() {
		return "the templates are the same"
	}
	c := d.Counts()
	text := fmt.Sprintf("%s added, %d changed, %d removed", plural(c.Added, "resource"), c.Changed, c.Removed)
	if c.Replaced > 0 {
		text += fmt.Sprintf("; %d of them replaced", c.Replaced)
	}
	if c.Code > 0 {
		text += fmt.Sprintf("; code of %s changed", plural(c.Code, "function"))
	}
	if c.Dangers > 0 {
		text += fmt.Sprintf("; %s", plural(c.Dangers, "warning"))
	}
	return text
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// JSON writes the whole difference.
func (d *Diff) JSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(d)
}

// longest is how much of a value is shown to people; JSON has all of it.
const longest = 160

func short(value string) string {
	if len(value) <= longest {
		return value
	}
	cut := longest
	for cut > 0 && !utf8.RuneStart(value[cut]) {
		cut--
	}
	return value[:cut] + "…"
}

// about says in a few words what becomes of a resource.
func (r *ResourceDiff) about() string {
	var parts []string
	switch r.Replaced {
	case IsReplaced:
		parts = append(parts, "REPLACED for "+strings.Join(r.Because, ", "))
	case MayBeReplaced:
		parts = append(parts, "may be replaced (type not known here) for "+strings.Join(r.Because, ", "))
	}
	if r.Code {
		parts = append(parts, "code changed")
	}
	return strings.Join(parts, "; ")
}

// about says what becomes of a stack that is not in both.
func (s *StackDiff) about() string {
	switch s.State {
	case Added:
		return " (added)"
	case Removed:
		return " (removed: `cdk deploy` does not delete it, `cdk destroy` with the old assembly does)"
	}
	return ""
}

func (r *ResourceDiff) sign() string {
	switch {
	case r.State == Added:
		return "+"
	case r.State == Removed:
		return "-"
	case r.Replaced == IsReplaced:
		return "±"
	}
	return "~"
}

// Text writes the difference for a terminal.
func (d *Diff) Text(w io.Writer) error {
	b := bufio.NewWriter(w)
	fmt.Fprintln(b, d.Summary())
	for _, s := range d.Stacks {
		fmt.Fprintf(b, "\n%s%s\n", s.Name, s.about())
		for _, r := range s.Resources {
			fmt.Fprintf(b, "  %s %s  %s", r.sign(), r.Path, r.Type)
			if about := r.about(); about != "" {
				fmt.Fprintf(b, "  %s", about)
			}
			fmt.Fprintln(b)
			for _, x := range r.Dangers {
				fmt.Fprintf(b, "      ! %s: %s\n", x.Kind, short(x.Text))
			}
			for _, c := range r.Changes {
				fmt.Fprintf(b, "      %s: %s -> %s\n", c.Path, orNone(short(c.Old)), orNone(short(c.New)))
			}
		}
	}
	return b.Flush()
}

// Markdown writes the difference for a comment on GitHub, in at most limit bytes, 0
// for no limit: what is too much is left out at the end, and it says so. Warnings come
// first. Text out of the templates stands in code, where it means nothing to Markdown.
func (d *Diff) Markdown(w io.Writer, limit int) error {
	p := &page{limit: limit}
	p.line("### Template diff\n")
	p.line("%s.\n", upper(d.Summary()))
	if d.Counts().Dangers > 0 {
		p.line("#### Needs a look\n")
		for _, s := range d.Stacks {
			for _, r := range s.Resources {
				for _, x := range r.Dangers {
					p.line("- **%s** %s: %s", x.Kind, code(s.Name+"/"+r.Path), code(short(x.Text)))
				}
			}
		}
		p.line("")
	}
	for _, s := range d.Stacks {
		p.line("#### %s%s\n", code(s.Name), s.about())
		for _, r := range s.Resources {
			text := fmt.Sprintf("- %s %s %s", code(r.sign()), code(r.Path), r.Type)
			if about := r.about(); about != "" {
				text += ": **" + about + "**"
			}
			p.line("%s", text)
			for _, c := range r.Changes {
				p.line("  - %s: %s → %s", code(c.Path), code(orNone(short(c.Old))), code(orNone(short(c.New))))
			}
		}
		p.line("")
	}
	_, err := io.WriteString(w, p.text())
	return err
}

// page is text of lines, up to a limit.
type page struct {
	limit  int
	b      strings.Builder
	missed int
}

// room is what the last line needs, which says that something is missing.
const room = 200

func (p *page) line(format string, args ...any) {
	text := fmt.Sprintf(format, args...) + "\n"
	if p.missed > 0 || p.limit > 0 && p.b.Len()+len(text) > p.limit-room {
		p.missed++
		return
	}
	p.b.WriteString(text)
}

func (p *page) text() string {
	if p.missed > 0 {
		fmt.Fprintf(&p.b, "\n%s more do not fit here: run `vinci diff`, or open the job that wrote this.\n", plural(p.missed, "line"))
	}
	return p.b.String()
}

// code is text as Markdown code, whatever is in it.
//
// https://spec.commonmark.org/0.31.2/#code-spans
func code(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	fence := "`"
	for strings.Contains(text, fence) {
		fence += "`"
	}
	if strings.HasPrefix(text, "`") || strings.HasSuffix(text, "`") {
		text = " " + text + " "
	}
	return fence + text + fence
}

func upper(s string) string { return strings.ToUpper(s[:1]) + s[1:] }
