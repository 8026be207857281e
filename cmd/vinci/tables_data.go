package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/vinci-go/vinci/internal/progress"
	"github.com/vinci-go/vinci/orm"
)

// stored is a table whose items are taken as they are stored: of its definition
// only the schema is known here.
type stored struct{ schema *orm.Schema }

// Schema implements [orm.Definition].
func (s stored) Schema() *orm.Schema { return s.schema }

// Err implements [orm.Definition]: the app has checked it.
func (s stored) Err() error { return nil }

func newTablesExport(w *where) *cobra.Command {
	var output string
	cmd := &cobra.Command{
		Use:   "export NAME",
		Short: "Write all items of a table as JSON lines",
		Long: `Writes every item of a table as one line of JSON, in the format of AWS's own
exports: {"Item":{"user_id":{"S":"u1"}}}. Items that keep unique values are among
them, and hidden and masked attributes, too: the file is the table's data. It is
no snapshot of one moment when the table is written to meanwhile.`,
		Args: tableName,
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			ctx := cmd.Context()
			t, table, err := w.table(ctx, cmd, args[0])
			if err != nil {
				return err
			}
			p := newLines(cmd.ErrOrStderr(), "exported")
			var n int64
			if output == "" {
				n, err = orm.Export(ctx, t.store(), stored{table}, p.writer(cmd.OutOrStdout()))
			} else {
				n, err = exportFile(ctx, t.store(), table, output, p)
			}
			p.end()
			if err != nil {
				return t.explain(err)
			}
			fmt.Fprintf(cmd.ErrOrStderr(), "exported %s of table %s\n", plural(n, "item"), t.Table(table.Name))
			return nil
		},
	}
	w.targetFlags(cmd)
	cmd.Flags().StringVarP(&output, "output", "o", "", "`FILE` to write, which appears when it is complete (default standard output)")
	return cmd
}

// exportFile writes beside the file and renames: half an export is none.
func exportFile(ctx context.Context, r orm.Reader, table *orm.Schema, output string, p *lines) (n int64, err error) {
	f, err := os.CreateTemp(filepath.Dir(output), "."+filepath.Base(output)+".*") // its mode is 0600
	if err != nil {
		return 0, fmt.Errorf("write %s: %w", output, err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, f.Close(), os.Remove(f.Name()))
		}
	}()
	if n, err = orm.Export(ctx, r, stored{table}, p.writer(f)); err != nil {
		return n, err
	}
	if err = f.Close(); err != nil {
		return n, fmt.Errorf("write %s: %w", output, err)
	}
	if err = os.Rename(f.Name(), output); err != nil {
		return n, fmt.Errorf("write %s: %w", output, err)
	}
	return n, nil
}

func newTablesImport(w *where) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "import NAME FILE",
		Short: "Put items from JSON lines into a table",
		Long: `Puts every item of a file that vinci tables export wrote, or that an export of
AWS holds (unpacked), into a table; - reads standard input. Items of the same key
are replaced, others stay. An error names the line; all lines before it are in the
table, and importing the whole file again does no harm.

Items are put as they stand in the file: nothing is validated but their keys, no
default is filled in, and no value is claimed as unique. An export has the items
that keep unique values; for items that were written by hand, put them with a
program (Table.Insert) where a table has unique attributes.`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 2 {
				return fmt.Errorf("a table's name and a file are needed, got %d arguments: vinci tables import NAME FILE", len(args))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			in, size := io.Reader(cmd.InOrStdin()), int64(0)
			if args[1] != "-" {
				f, err := os.Open(args[1])
				if err != nil {
					return fmt.Errorf("import: %w", err)
				}
				defer f.Close()
				if info, err := f.Stat(); err == nil && info.Mode().IsRegular() {
					size = info.Size()
				}
				in = f
			}
			t, table, err := w.table(ctx, cmd, args[0])
			if err != nil {
				return err
			}
			p := newLines(cmd.ErrOrStderr(), "read")
			p.size = size
			n, err := orm.Import(ctx, t.store(), stored{table}, p.reader(in))
			p.end()
			if err != nil {
				return fmt.Errorf("%w (%s imported before)", t.explain(err), plural(n, "item"))
			}
			fmt.Fprintf(cmd.ErrOrStderr(), "imported %s into table %s\n", plural(n, "item"), t.Table(table.Name))
			return nil
		},
	}
	w.targetFlags(cmd)
	return cmd
}

// table finds a table of the application and the way to it, and makes sure that
// it is there.
func (w *where) table(ctx context.Context, cmd *cobra.Command, name string) (*target, *orm.Schema, error) {
	app, err := loadApplication(ctx, progress.New(cmd.ErrOrStderr()), w.dir, w.deployment)
	if err != nil {
		return nil, nil, err
	}
	table, err := app.table(name)
	if err != nil {
		return nil, nil, err
	}
	t, err := w.target(app, os.Getenv)
	if err != nil {
		return nil, nil, err
	}
	_, err = t.describe(ctx, table.Name)
	return t, table, err
}

// lines tells how many lines have gone through it: in place on a terminal every
// two seconds, else a line every ten.
type lines struct {
	to       io.Writer
	terminal bool
	what     string
	size     int64 // bytes in all; 0: not known
	every    time.Duration
	last     time.Time
	shown    bool
	n, bytes int64
}

func newLines(to io.Writer, what string) *lines {
	l := &lines{to: to, what: what, terminal: isTerminal(to), every: 10 * time.Second, last: time.Now()}
	if l.terminal {
		l.every = 2 * time.Second
	}
	return l
}

func (l *lines) count(b []byte) {
	l.n += int64(bytes.Count(b, []byte{'\n'}))
	l.bytes += int64(len(b))
	if time.Since(l.last) < l.every {
		return
	}
	l.last = time.Now()
	text := l.what + " " + plural(l.n, "item")
	if l.size > 0 {
		text += fmt.Sprintf(" (%d %%)", l.bytes*100/l.size)
	}
	if l.terminal {
		l.shown = true
		fmt.Fprint(l.to, "\r\x1b[K", text)
		return
	}
	fmt.Fprintln(l.to, text)
}

// end takes the line off the terminal.
func (l *lines) end() {
	if l.shown {
		fmt.Fprint(l.to, "\r\x1b[K")
	}
}

func (l *lines) writer(w io.Writer) io.Writer {
	return through(func(b []byte) (int, error) {
		n, err := w.Write(b)
		l.count(b[:n])
		return n, err
	})
}

func (l *lines) reader(r io.Reader) io.Reader {
	return through(func(b []byte) (int, error) {
		n, err := r.Read(b)
		l.count(b[:n])
		return n, err
	})
}

// through is a reader or a writer.
type through func([]byte) (int, error)

// Read implements [io.Reader].
func (c through) Read(b []byte) (int, error) { return c(b) }

// Write implements [io.Writer].
func (c through) Write(b []byte) (int, error) { return c(b) }
