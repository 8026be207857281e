package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/vinci-go/vinci/internal/tablelock"
)

func newTablesLock(w *where) *cobra.Command {
	var force bool
	cmd := &cobra.Command{
		Use:   "lock",
		Short: "Write " + tablelock.File + ": what is agreed about the tables",
		Long: `Writes keys, indexes, expiry, streams and warm throughput of all tables to
` + tablelock.File + `, and prints what has changed since it was written. Commit the
file: a synthesis compares the tables with it.

What one deployment cannot do is refused, by a synthesis and here: the steps are
printed, the file stays, and the exit code is 1. With --force it is agreed to: for
a table that no deployment has yet, or after it was made anew by hand. vinci tables
diff compares with what is deployed.`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			app, err := w.sources(cmd)
			if err != nil {
				return err
			}
			return lock(newScreen(cmd.OutOrStdout()), app, force)
		},
	}
	cmd.Flags().BoolVar(&force, "force", false, "agree also to what one deployment cannot do")
	return cmd
}

// lock never replaces what it cannot compare: a lock that a merge has spoilt, or
// one of a newer Vinci.
func lock(s *screen, app *application, force bool) error {
	file := filepath.Join(app.dir, tablelock.File)
	now := tablelock.Of(app.tables)
	old, err := tablelock.Read(file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if err := tablelock.Write(file, now); err != nil {
			return err
		}
		_, err := fmt.Fprintf(s.w, "%s is written with %s: commit it\n", tablelock.File, plural(int64(len(app.tables)), "table"))
		return err
	case err != nil:
		return err
	}
	found := tablelock.Compare(old, now)
	if len(found) == 0 {
		_, err := fmt.Fprintf(s.w, "%s is as it was\n", tablelock.File)
		return err
	}
	if err := printFindings(s, found); err != nil {
		return err
	}
	if n := refused(found); n > 0 && !force {
		return fmt.Errorf("%s stays as it was, with %s that one deployment cannot make: take the steps above; if no deployment has these tables as it says, agree with --force",
			tablelock.File, plural(int64(n), "change"))
	}
	if err := tablelock.Write(file, now); err != nil {
		return err
	}
	_, err = fmt.Fprintf(s.w, "%s is written: commit it\n", tablelock.File)
	return err
}

// printFindings writes one finding after the other, with its steps.
func printFindings(s *screen, found []tablelock.Finding) error {
	var b strings.Builder
	for _, f := range found {
		mark := s.paint(cyan, "ok      ")
		if f.Kind == tablelock.Refused {
			mark = s.paint(red, "refused ")
		}
		fmt.Fprintf(&b, "%s table %s: %s\n", mark, f.Table, f.What)
		for i, step := range f.Steps {
			if f.Kind == tablelock.Refused {
				fmt.Fprintf(&b, "           %d. %s\n", i+1, step)
			} else {
				fmt.Fprintf(&b, "           %s\n", step)
			}
		}
	}
	_, err := io.WriteString(s.w, b.String())
	return err
}

// refused counts the findings that one deployment cannot make.
func refused(found []tablelock.Finding) int {
	n := 0
	for _, f := range found {
		if f.Kind == tablelock.Refused {
			n++
		}
	}
	return n
}
