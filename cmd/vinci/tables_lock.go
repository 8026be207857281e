package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/vinci-go/vinci/internal/progress"
	"github.com/vinci-go/vinci/internal/tablelock"
	"github.com/vinci-go/vinci/local/synth"
)

func newTablesLock(w *where) *cobra.Command {
	return &cobra.Command{
		Use:   "lock",
		Short: "Write " + tablelock.File + ": what is agreed about the tables",
		Long: `Writes keys, indexes, expiry and streams of all tables to ` + tablelock.File + `, and
prints what has changed since it was written. Commit the file: a synthesis compares
the tables with it and refuses what one deployment cannot do. Locking refuses
nothing: where a change needs several deployments, its steps are printed, and
following them is up to you. vinci tables diff compares with what is deployed.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			app, err := loadApplication(cmd.Context(), progress.New(cmd.ErrOrStderr()), w.dir, synth.Deployment)
			if err != nil {
				return err
			}
			return lock(newScreen(cmd.OutOrStdout()), app)
		},
	}
}

func lock(s *screen, app *application) error {
	file := filepath.Join(app.dir, tablelock.File)
	old, err := tablelock.Read(file)
	var unread *fs.PathError
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case errors.As(err, &unread):
		return err
	case err != nil: // a conflict of a merge, for example: what it said is in git
		if _, err := fmt.Fprintf(s.w, "what was there cannot be compared: %v\n", err); err != nil {
			return err
		}
	}
	now := tablelock.Of(app.tables)
	if err := tablelock.Write(file, now); err != nil {
		return err
	}
	if old == nil {
		_, err := fmt.Fprintf(s.w, "%s is written with %s: commit it\n", tablelock.File, plural(int64(len(app.tables)), "table"))
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
