package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/vinci-go/vinci/event/schema"
)

func newEvents() *cobra.Command {
	w := &where{}
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "events",
		Short: "List the application's events, and look into their data",
		Long: `Lists the event types that the application defines: versions, what others see of
them, where they are defined. It runs the app of cdk.json for its definitions, so
it shows what the sources say; nothing needs to run.`,
	}
	listing := w.addList(cmd, func(cmd *cobra.Command, app *application) error {
		if asJSON {
			return writeJSON(cmd.OutOrStdout(), app.events)
		}
		return listEvents(newScreen(cmd.OutOrStdout()), app.events)
	})
	show := &cobra.Command{
		Use:   "show TYPE",
		Short: "Show the fields of an event's data",
		Args: func(_ *cobra.Command, args []string) error {
			switch len(args) {
			case 0:
				return fmt.Errorf("the event's type is missing, such as user.created")
			case 1:
				return nil
			}
			return fmt.Errorf("one event at a time, got %s", strings.Join(args, " "))
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			app, err := w.sources(cmd)
			if err != nil {
				return err
			}
			e, err := app.event(args[0])
			if err != nil {
				return err
			}
			if asJSON {
				return writeJSON(cmd.OutOrStdout(), e)
			}
			return showEvent(newScreen(cmd.OutOrStdout()), e)
		},
	}
	for _, c := range []*cobra.Command{cmd, listing, show} {
		c.Flags().BoolVar(&asJSON, "json", false, "print JSON, the JSON Schemas of the data included")
	}
	cmd.AddCommand(show)
	return cmd
}

func listEvents(s *screen, events []*schema.Event) error {
	if len(events) == 0 {
		_, err := fmt.Fprintln(s.w, "the application has no events: add one in app.go with AddEvents")
		return err
	}
	var b strings.Builder
	for i, e := range events {
		if i > 0 {
			b.WriteString("\n")
		}
		eventHeader(&b, s, e)
		if err := fieldNames(&b, "data", e.Schema); err != nil {
			return fmt.Errorf("event %s: %w", e.Name, err)
		}
		if e.Public != nil {
			if err := fieldNames(&b, "public", e.Public); err != nil {
				return fmt.Errorf("event %s: %w", e.Name, err)
			}
		}
	}
	_, err := io.WriteString(s.w, b.String())
	return err
}

// eventHeader is the type's name and the lines about the event as a whole.
func eventHeader(b *strings.Builder, s *screen, e *schema.Event) {
	b.WriteString(s.paint(cyan, e.Name))
	if e.Description != "" {
		b.WriteString("  " + e.Description)
	}
	version := fmt.Sprint(e.Version)
	if len(e.Older) > 0 {
		version += fmt.Sprintf(", reads from %d", e.Older[0].Version)
	}
	outside := "internal"
	if e.Public != nil {
		outside = fmt.Sprintf("public, version %d", e.PublicVersion)
	}
	fmt.Fprintf(b, "\n  version  %s\n  outside  %s\n", version, outside)
	if e.DefinedAt != "" {
		fmt.Fprintf(b, "  defined  %s\n", e.DefinedAt)
	}
}

// fieldNames is a line with the outermost fields of a schema.
func fieldNames(b *strings.Builder, what string, schemaText []byte) error {
	fields, err := schema.Fields(schemaText)
	if err != nil {
		return err
	}
	var all []string
	for _, f := range fields {
		if strings.ContainsAny(f.Path, ".[{") {
			continue
		}
		text := f.Path + " " + f.Type
		if f.Optional {
			text += " (optional)"
		}
		all = append(all, text)
	}
	if len(all) == 0 {
		all = []string{"no fields"}
	}
	fmt.Fprintf(b, "  %-7s  %s\n", what, strings.Join(all, ", "))
	return nil
}

func showEvent(s *screen, e *schema.Event) error {
	var b strings.Builder
	eventHeader(&b, s, e)
	shapes := []struct {
		title string
		text  []byte
	}{{fmt.Sprintf("data, version %d", e.Version), e.Schema}}
	if e.Public != nil {
		shapes = append(shapes, struct {
			title string
			text  []byte
		}{fmt.Sprintf("what others see, version %d", e.PublicVersion), e.Public})
	}
	for _, o := range e.Older {
		shapes = append(shapes, struct {
			title string
			text  []byte
		}{fmt.Sprintf("version %d, as it is read", o.Version), o.Schema})
	}
	for _, shape := range shapes {
		fields, err := schema.Fields(shape.text)
		if err != nil {
			return fmt.Errorf("event %s, %s: %w", e.Name, shape.title, err)
		}
		fmt.Fprintf(&b, "\n%s\n", shape.title)
		if err := fieldTable(&b, fields); err != nil {
			return err
		}
	}
	_, err := io.WriteString(s.w, b.String())
	return err
}

func fieldTable(w io.Writer, fields []schema.Field) error {
	if len(fields) == 0 {
		_, err := fmt.Fprintln(w, "  no fields")
		return err
	}
	var b strings.Builder
	tw := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, "  field\ttype\t")
	for _, f := range fields {
		var notes []string
		if f.Optional {
			notes = append(notes, "optional")
		}
		for _, n := range []string{f.Rules, f.Description} {
			if n != "" {
				notes = append(notes, n)
			}
		}
		fmt.Fprintf(tw, "  %s\t%s\t%s\n", f.Path, f.Type, strings.Join(notes, "; "))
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
