package main

import (
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/vinci-go/vinci/event/schema"
)

func newSchemas() *cobra.Command {
	w := &where{}
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "schemas",
		Short: "Check that the application's events stay readable",
		Long: `Compares the events that the application defines with the JSON Schemas in
` + schema.Dir + `/, which say what was agreed. A change that breaks readers under the same
version is refused, and what to do instead is printed: stored events are never
rewritten, and programs of several ages read them.

The exit code is 1 when a file is missing, stale or refused.`,
		Args: noSubcommand,
		RunE: func(cmd *cobra.Command, _ []string) error {
			found, err := w.findings(cmd, schema.Check)
			if err != nil {
				return err
			}
			if err := printSchemas(cmd.OutOrStdout(), found, asJSON, "the schemas in "+schema.Dir+"/ are those of the events"); err != nil || len(found) == 0 {
				return err
			}
			return fmt.Errorf("%s of %s/ %s what the definitions say", plural(int64(len(found)), "file"), schema.Dir, verb(len(found), "does not say", "do not say"))
		},
	}
	lock := &cobra.Command{
		Use:   "lock",
		Short: "Write " + schema.Dir + "/: what is agreed about the events",
		Long: `Writes the JSON Schemas of new events and versions, and of changes that break
nothing, to ` + schema.Dir + `/. Commit the folder: it is what later changes are compared
with. A change that breaks readers is refused, its file stays, and the exit code
is 1.`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			found, err := w.findings(cmd, schema.Lock)
			if err != nil {
				return err
			}
			if err := printSchemas(cmd.OutOrStdout(), found, asJSON, "the schemas in "+schema.Dir+"/ are as they were"); err != nil {
				return err
			}
			refused := 0
			for _, f := range found {
				if f.State == schema.Refused {
					refused++
				}
			}
			if refused > 0 {
				return fmt.Errorf("%s %s refused: see above what to do instead", plural(int64(refused), "change"), verb(refused, "is", "are"))
			}
			if len(found) > 0 && !asJSON {
				_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s of %s/ %s written: commit them\n", plural(int64(len(found)), "file"), schema.Dir, verb(len(found), "is", "are"))
			}
			return err
		},
	}
	for _, c := range []*cobra.Command{cmd, lock} {
		c.Flags().BoolVar(&asJSON, "json", false, "print the findings as JSON")
	}
	w.dirFlag(cmd)
	cmd.AddCommand(lock, w.newSchemasExport())
	return cmd
}

// findings runs a comparison of the application's events with its files.
func (w *where) findings(cmd *cobra.Command, compare func(dir string, events []*schema.Event) ([]schema.Finding, error)) ([]schema.Finding, error) {
	app, err := w.sources(cmd)
	if err != nil {
		return nil, err
	}
	return compare(filepath.Join(app.dir, schema.Dir), app.events)
}

func printSchemas(w io.Writer, found []schema.Finding, asJSON bool, none string) error {
	if asJSON {
		if found == nil {
			found = []schema.Finding{}
		}
		return writeJSON(w, found)
	}
	if len(found) == 0 {
		_, err := fmt.Fprintln(w, none)
		return err
	}
	s := newScreen(w)
	var b strings.Builder
	for _, f := range found {
		text := f.String()
		color := cyan
		if f.State == schema.Refused {
			color = red
		}
		fmt.Fprintln(&b, s.paint(color, string(f.State))+strings.TrimPrefix(text, string(f.State)))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func verb(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}
