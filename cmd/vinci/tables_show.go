package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/spf13/cobra"

	"github.com/vinci-go/vinci/internal/itemtext"
	"github.com/vinci-go/vinci/internal/progress"
	"github.com/vinci-go/vinci/orm"
)

// sampleSize is how many items are shown.
const sampleSize = 5

func newTablesShow(w *where) *cobra.Command {
	var exact, asJSON bool
	cmd := &cobra.Command{
		Use:   "show NAME",
		Short: "Print a table's definition, its item count and a few items",
		Long: `Prints what the sources say about a table: keys, indexes, every attribute with
type, default, rules and description. Then, of the local runtime or of the
deployment that is named: how many items it has and up to five of them. Hidden
attributes are left out, masked ones are ***. Without a running vinci dev it is
the definition only; a --deployment or --endpoint that does not answer is an error.

Items are counted one by one on the local runtime, and on AWS with --exact, which
reads, and is billed for, the whole table. Else the count is DynamoDB's own,
which it renews about every six hours.`,
		Args: tableName,
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx, out := cmd.Context(), cmd.OutOrStdout()
			app, err := loadApplication(ctx, progress.New(cmd.ErrOrStderr()), w.dir, w.deployment)
			if err != nil {
				return err
			}
			table, err := app.table(args[0])
			if err != nil {
				return err
			}
			if asJSON {
				return writeJSON(out, table)
			}
			s := newScreen(out)
			if err := showDefinition(s, table); err != nil {
				return err
			}
			// What is stored is shown as far as somebody answers.
			t, err := w.target(app, os.Getenv)
			if err == nil {
				err = showItems(ctx, s, t, table, exact || t.local())
			}
			switch named := cmd.Flags().Changed("deployment") || cmd.Flags().Changed("endpoint"); {
			case ctx.Err() != nil:
				return ctx.Err()
			case err == nil, named: // who names one asks for its items
				return err
			}
			_, err = fmt.Fprintf(out, "\nno count and no items: %v\n", err)
			return err
		},
	}
	w.targetFlags(cmd)
	cmd.Flags().BoolVar(&exact, "exact", false, "count the items by reading the whole table")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print only the definition, as JSON")
	return cmd
}

// tableName asks for the one argument in words that help.
func tableName(_ *cobra.Command, args []string) error {
	switch len(args) {
	case 0:
		return errors.New("the table's name is missing: `vinci tables` lists them")
	case 1:
		return nil
	}
	return fmt.Errorf("one table at a time, got %s", strings.Join(args, " "))
}

func showDefinition(s *screen, t *orm.Schema) error {
	var b strings.Builder
	header(&b, s, t)
	fmt.Fprintf(&b, "  %-10s  %s\n", "type", t.Type)
	properties(&b, t)
	b.WriteString("\n")
	if err := attributes(&b, t); err != nil {
		return err
	}
	_, err := io.WriteString(s.w, b.String())
	return err
}

// showItems prints what is stored: the count and a sample.
func showItems(ctx context.Context, s *screen, t *target, table *orm.Schema, exact bool) error {
	d, err := t.describe(ctx, table.Name)
	if err != nil {
		return err
	}
	store := t.store()
	count := ""
	if exact {
		n, err := countItems(ctx, store, table)
		if err != nil {
			return t.explain(err)
		}
		count = fmt.Sprintf("%d items, counted just now", n)
	} else {
		count = fmt.Sprintf("about %d items: DynamoDB's own count, renewed about every six hours", aws.ToInt64(d.ItemCount))
		if table.WithoutUniqueValues() != nil {
			count += ", with one more for each unique value"
		}
		count += "; --exact counts"
	}
	items, more, err := sample(ctx, store, table)
	if err != nil {
		return t.explain(err)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "\n%s, table %s\n  %-10s  %s\n", t, t.Table(table.Name), "count", count)
	for i, item := range items {
		what := ""
		if i == 0 {
			what = "sample"
			if !more {
				what = "items"
			}
		}
		fmt.Fprintf(&b, "  %-10s  %s\n", what, itemtext.Item(table, item))
	}
	_, err = io.WriteString(s.w, b.String())
	return err
}

// countItems reads the whole table, without the items that keep unique values.
func countItems(ctx context.Context, r orm.Reader, table *orm.Schema) (int, error) {
	in := &orm.ScanRequest{Table: table, Count: true, Filter: table.WithoutUniqueValues()}
	n := 0
	for {
		page, err := r.Scan(ctx, in)
		if err != nil {
			return 0, err
		}
		n += page.Count
		if page.Next == nil {
			return n, nil
		}
		in.Start = page.Next
	}
}

// sample reads the first few items of a scan; more says whether the table has
// others.
func sample(ctx context.Context, r orm.Reader, table *orm.Schema) (items []orm.Item, more bool, err error) {
	// Items of unique values are about as many as the others.
	in := &orm.ScanRequest{Table: table, Limit: 4 * sampleSize}
	for {
		page, err := r.Scan(ctx, in)
		if err != nil {
			return nil, false, err
		}
		for _, item := range page.Items {
			if table.HoldsUniqueValue(item) {
				continue
			}
			if len(items) == sampleSize {
				return items, true, nil
			}
			items = append(items, item)
		}
		if page.Next == nil {
			return items, false, nil
		}
		in.Start = page.Next
	}
}

// plural writes a number with its noun.
func plural(n int64, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return strconv.FormatInt(n, 10) + " " + noun + "s"
}
