package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/vinci-go/vinci/orm"
)

func newTables() *cobra.Command {
	w := &where{}
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "tables",
		Short: "List the application's tables, and look into them",
		Long: `Lists the tables of the application, the framework's own included: keys,
indexes, unique attributes, expiry, stream. It runs the app of cdk.json for its
definitions, so it shows what the sources say; nothing needs to run.`,
	}
	listing := w.addList(cmd, func(cmd *cobra.Command, app *application) error {
		if asJSON {
			return writeJSON(cmd.OutOrStdout(), app.tables)
		}
		return listTables(newScreen(cmd.OutOrStdout()), app.tables)
	})
	for _, c := range []*cobra.Command{cmd, listing} {
		c.Flags().BoolVar(&asJSON, "json", false, "print the whole schemas as JSON")
	}
	cmd.AddCommand(newTablesShow(w), newTablesExport(w), newTablesImport(w), newTablesLock(w), newTablesDiff(w))
	return cmd
}

// noArguments refuses arguments of a command that takes none.
func noArguments(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	return fmt.Errorf("%s takes no arguments, got %s: see --help", cmd.CommandPath(), strings.Join(args, " "))
}

// noSubcommand refuses what is meant as the name of a command.
func noSubcommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	var known []string
	for _, c := range cmd.Commands() {
		known = append(known, c.Name())
	}
	return unknown("command "+cmd.CommandPath(), args[0], known, "see --help")
}

func writeJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

func listTables(s *screen, tables []*orm.Schema) error {
	if len(tables) == 0 {
		_, err := fmt.Fprintln(s.w, "the application has no tables: add one in app.go with AddTable")
		return err
	}
	var b strings.Builder
	for i, t := range tables {
		if i > 0 {
			b.WriteString("\n")
		}
		header(&b, s, t)
		properties(&b, t)
		var names []string
		for _, a := range t.Attributes {
			names = append(names, a.Name+" "+a.Type)
		}
		fmt.Fprintf(&b, "  attributes  %s\n", strings.Join(names, ", "))
	}
	_, err := io.WriteString(s.w, b.String())
	return err
}

// header is the table's name with its description.
func header(w io.Writer, s *screen, t *orm.Schema) {
	fmt.Fprint(w, s.paint(cyan, t.Name))
	if t.Description != "" {
		fmt.Fprint(w, "  "+t.Description)
	}
	fmt.Fprintln(w)
}

// properties are the lines about the table as a whole.
func properties(w io.Writer, t *orm.Schema) {
	line := func(what, text string) {
		if text != "" {
			fmt.Fprintf(w, "  %-10s  %s\n", what, text)
		}
	}
	line("key", keyText(t.Hash, t.Sort))
	for _, ix := range t.Indexes {
		line("index", indexText(&ix))
	}
	var unique []string
	for _, a := range t.Attributes {
		if a.Unique != "" {
			unique = append(unique, a.Name+" ("+a.Unique+")")
		}
	}
	line("unique", strings.Join(unique, ", "))
	line("version", t.Version)
	line("ttl", t.TTL)
	if t.Stream {
		line("stream", "old and new images")
	}
}

func keyText(hash, sort string) string {
	if sort == "" {
		return hash
	}
	return hash + ", " + sort
}

func indexText(ix *orm.IndexSchema) string {
	text := ix.Name + ": " + keyText(ix.Hash, ix.Sort) + "; " + ix.Projection
	if len(ix.Include) > 0 {
		text += " " + strings.Join(ix.Include, ", ")
	}
	if ix.Local {
		text += "; local"
	}
	return text
}

// attributes is the table of all that is defined about the attributes.
func attributes(w io.Writer, t *orm.Schema) error {
	var b strings.Builder
	tw := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, "  attribute\ttype\tGo\t")
	for _, a := range t.Attributes {
		fmt.Fprintf(tw, "  %s\t%s\t%s\t%s\n", a.Name, a.Type, a.Go, strings.Join(notes(t, &a), "; "))
	}
	if err := tw.Flush(); err != nil {
		return err
	}
	for line := range strings.Lines(b.String()) {
		if _, err := fmt.Fprintln(w, strings.TrimRight(line, " \n")); err != nil {
			return err
		}
	}
	return nil
}

// notes is what is defined about an attribute beside its type.
func notes(t *orm.Schema, a *orm.AttributeSchema) []string {
	var out []string
	add := func(when bool, format string, args ...any) {
		if when {
			out = append(out, fmt.Sprintf(format, args...))
		}
	}
	add(a.Name == t.Hash, "partition key")
	add(a.Name == t.Sort, "sort key")
	for _, ix := range t.Indexes {
		// A local index has the table's own partition key.
		add(a.Name == ix.Hash && !ix.Local, "partition key of %s", ix.Name)
		add(a.Name == ix.Sort, "sort key of %s", ix.Name)
	}
	add(a.Template != "", "composed of %s", a.Template)
	add(a.Unique != "", "unique (%s)", a.Unique)
	add(a.Default != "", "default %q", a.Default)
	add(a.DefaultFunc, "default made by a function")
	add(len(a.Enum) > 0, "one of %s", strings.Join(a.Enum, ", "))
	add(a.Validate != "", "validate %s", a.Validate)
	add(a.Name == t.Version, "version")
	add(a.Name == t.TTL, "expiry")
	add(a.Stamp != "", "stamp (%s)", a.Stamp)
	add(a.Hidden, "hidden")
	add(a.Masked, "masked")
	add(a.Description != "", "%s", a.Description)
	return out
}
