package migrate

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/vinci-go/vinci/orm"
)

// How often a line of progress is written.
const (
	everyTerminal = 2 * time.Second
	everyPlain    = 10 * time.Second
)

// bar writes how far a run is. Its methods but newBar are called with the
// runner's mutex held.
type bar struct {
	r     *runner
	every time.Duration
	began time.Time // this run
	from  int64     // items that were read before this run
	last  time.Time // when a line was written
	shown bool      // a line is on the terminal, to be written over
}

func newBar(r *runner, old bool) *bar {
	b := &bar{r: r, every: everyPlain, began: r.Now(), last: r.Now()}
	if r.Terminal {
		b.every = everyTerminal
	}
	b.from = b.read()
	rate := "as fast as it goes"
	if r.Rate > 0 {
		rate = "at most " + strconv.FormatFloat(r.Rate, 'g', -1, 64) + " items a second"
	}
	fmt.Fprintf(r.Progress, "%s: table %s of deployment %s, %s", r.name, r.table.Name, r.Deployment, rate)
	if n := len(r.state.Segments); n > 1 {
		fmt.Fprintf(r.Progress, ", %d segments", n)
	}
	if r.DryRun {
		fmt.Fprint(r.Progress, "; a dry run: nothing is written")
	}
	fmt.Fprintln(r.Progress)
	if old {
		fmt.Fprintf(r.Progress, "%s: going on after %s items", r.name, grouped(b.from))
		if n := len(r.state.Failures); n > 0 {
			fmt.Fprintf(r.Progress, ", the %d that failed first", n)
		}
		fmt.Fprintln(r.Progress)
	}
	return b
}

func (b *bar) read() int64 {
	n := int64(0)
	for _, s := range b.r.state.Segments {
		n += s.Read
	}
	return n
}

// tick writes a line when it is time for one.
func (b *bar) tick() { b.write(b.line) }

// again is tick while the items are tried that failed in an earlier run.
func (b *bar) again(tried, all int) {
	b.write(func(time.Time) string {
		return fmt.Sprintf("%s: tried %s of %s again, %s failed", b.r.name, grouped(int64(tried)), counted(all, "failed item"), grouped(int64(len(b.r.state.Failures)-all+tried)))
	})
}

// stopping says what a run that is to stop is still busy with.
func (b *bar) stopping() {
	b.clear()
	text := ": finishing the items in hand"
	if b.r.Terminal {
		text += "; Ctrl-C again ends at once"
	}
	fmt.Fprintln(b.r.Progress, b.r.name+text)
}

// waits is tick while a request is made again that was not answered.
func (b *bar) waits(try int, err error) {
	b.write(func(time.Time) string {
		why := orm.KindUnavailable
		if errors.Is(err, orm.KindThrottled) {
			why = orm.KindThrottled
		}
		return fmt.Sprintf("%s: %s: try %d of %d", b.r.name, why, try+1, MaxTries)
	})
}

func (b *bar) write(line func(time.Time) string) {
	now := b.r.Now()
	if now.Sub(b.last) < b.every {
		return
	}
	b.last = now
	if b.r.Terminal {
		b.shown = true
		fmt.Fprint(b.r.Progress, "\r\x1b[K", line(now))
		return
	}
	fmt.Fprintln(b.r.Progress, line(now))
}

// clear takes the line off the terminal.
func (b *bar) clear() {
	if b.shown {
		b.shown = false
		fmt.Fprint(b.r.Progress, "\r\x1b[K")
	}
}

func (b *bar) line(now time.Time) string {
	r, read := b.r, b.read()
	parts := []string{grouped(read) + " items"}
	// The table's count may be hours old.
	left := r.Items - read
	if left > 0 {
		parts[0] = fmt.Sprintf("%s of about %s items (%d %%)", grouped(read), grouped(r.Items), read*100/r.Items)
	}
	rate := float64(read-b.from) / now.Sub(b.began).Seconds()
	parts = append(parts, strconv.FormatFloat(rate, 'f', 0, 64)+" a second")
	var changed int64
	for _, s := range r.state.Segments {
		changed += s.Changed
	}
	parts = append(parts, grouped(changed)+" changed")
	if n := len(r.state.Failures); n > 0 {
		parts = append(parts, fmt.Sprintf("%d failed", n))
	}
	if left > 0 && rate > 0 {
		parts = append(parts, "about "+remaining(time.Duration(float64(left)/rate*float64(time.Second)))+" left")
	}
	return r.name + ": " + strings.Join(parts, ", ")
}

// Print writes the summary of a run for people. dryRun says "would be".
func (s Summary) Print(w io.Writer, name string, dryRun bool) error {
	var b strings.Builder
	changed := "changed"
	if dryRun {
		changed = "to change"
	}
	fmt.Fprintf(&b, "%s: looked at %s, %s %s, skipped %s, failed %s\n", name, grouped(s.Looked), changed, grouped(s.Changed), grouped(s.Skipped), grouped(int64(len(s.Failures))))
	for _, f := range s.Failures {
		fmt.Fprintf(&b, "  failed: %s\n", f)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// remaining rounds a guess to what a guess is worth.
func remaining(d time.Duration) string {
	switch {
	case d < time.Minute:
		return d.Round(time.Second).String()
	case d < time.Hour:
		return d.Round(10 * time.Second).String()
	}
	return strings.TrimSuffix(d.Round(time.Minute).String(), "0s")
}

// counted writes a number with its noun.
func counted(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return grouped(int64(n)) + " " + noun + "s"
}

// grouped writes 1234567 as 1,234,567.
func grouped(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
