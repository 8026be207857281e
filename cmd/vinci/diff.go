package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/vinci-go/vinci/internal/templatediff"
)

func newDiff() *cobra.Command {
	var format, failOn string
	var limit int
	formats, reasons := []string{"text", "markdown", "json"}, []string{"change", "replace", "danger"}
	cmd := &cobra.Command{
		Use:   "diff OLD NEW",
		Short: "Compare two synthesized applications, template by template",
		Long: `Compares two cloud assemblies (the folders that cdk synth -o writes) and says what
a deployment of NEW would change, if OLD were deployed: resources that are added,
removed and changed, with the properties, and which are replaced. Functions with
other code are told as such. It needs no AWS account.

Warnings are about
  data      it goes away, or is no longer protected
  rights    somebody may do more than before, or a route is open
  events    other events arrive than before
  conflict  CloudFormation will most likely refuse it

--fail-on makes the exit code 1 when there is any change, when something is or may
be replaced, or when there is a warning.`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) != 2 {
				return fmt.Errorf("two cloud assemblies are compared, got %d: %s", len(args), cmd.UseLine())
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if !slices.Contains(formats, format) {
				return unknown("format", format, formats, "see --help")
			}
			if failOn != "" && !slices.Contains(reasons, failOn) {
				return unknown("reason to fail", failOn, reasons, "see --help")
			}
			if limit < 0 || limit > 0 && limit < 1000 {
				return fmt.Errorf("--max-bytes %d: at least 1000, or 0 for no limit", limit)
			}
			before, err := templatediff.Load(args[0])
			if err != nil {
				return err
			}
			after, err := templatediff.Load(args[1])
			if err != nil {
				return err
			}
			d := templatediff.Compare(before, after)
			if err := writeDiff(cmd.OutOrStdout(), d, format, limit); err != nil {
				return err
			}
			if failing(d, failOn) {
				return fmt.Errorf("--fail-on %s: %s", failOn, d.Summary())
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&format, "format", "text", strings.Join(formats, ", "))
	cmd.Flags().IntVar(&limit, "max-bytes", 0, "most `BYTES` of --format markdown, 0 for all of it; GitHub takes 65536 characters a comment")
	cmd.Flags().StringVar(&failOn, "fail-on", "", "exit with 1 on `WHAT`: "+strings.Join(reasons, ", "))
	return cmd
}

func writeDiff(w io.Writer, d *templatediff.Diff, format string, limit int) error {
	switch format {
	case "json":
		return d.JSON(w)
	case "markdown":
		return d.Markdown(w, limit)
	}
	return d.Text(w)
}

func failing(d *templatediff.Diff, on string) bool {
	c := d.Counts()
	switch on {
	case "change":
		return !d.Empty()
	case "replace":
		return c.Replaced > 0
	case "danger":
		return c.Dangers > 0
	}
	return false
}
