package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/spf13/cobra"

	"github.com/vinci-go/vinci/internal/progress"
	"github.com/vinci-go/vinci/internal/tablelock"
	"github.com/vinci-go/vinci/local/synth"
)

func newTablesDiff(w *where) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "diff --deployment ID",
		Short: "Compare the tables with those of a deployment on AWS",
		Long: `Reads the templates of a deployment's stacks from CloudFormation and says what a
deployment would change of the tables: keys, indexes, expiry, streams. What one
deployment cannot do is refused, with the steps to take, and the exit code is 1.

The credentials need cloudformation:ListStacks and cloudformation:GetTemplate.`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if w.deployment == "" || w.deployment == synth.Deployment {
				return errors.New("--deployment is missing: name a deployment on AWS (the local runtime has no templates to compare with)")
			}
			ctx, report := cmd.Context(), progress.New(cmd.ErrOrStderr())
			app, err := loadApplication(ctx, report, w.dir, w.deployment)
			if err != nil {
				return err
			}
			t, err := w.target(app, os.Getenv)
			if err != nil {
				return err
			}
			var deployed *tablelock.Lock
			err = report.Step("read the templates of "+t.String(), func() (err error) {
				deployed, err = deployedTables(ctx, t)
				return err
			})
			if err != nil {
				return err
			}
			if deployed == nil {
				_, err := fmt.Fprintf(cmd.OutOrStdout(), "%s has no stacks: all tables are new there (is the region right?)\n", t)
				return err
			}
			return diff(newScreen(cmd.OutOrStdout()), t, tablelock.Compare(deployed, tablelock.Of(app.tables)))
		},
	}
	w.targetFlags(cmd)
	return cmd
}

// deployedTables is what is deployed, as a lock; nil when no stack is.
func deployedTables(ctx context.Context, t *target) (*tablelock.Lock, error) {
	stacks, err := deployedStacks(ctx, cloudformation.NewFromConfig(t.config()), t.Deployment)
	if err != nil {
		return nil, err
	}
	if len(stacks) == 0 {
		return nil, nil
	}
	var locks []*tablelock.Lock
	for _, s := range stacks {
		l, err := tablelock.FromTemplate([]byte(s.template), t.Deployment)
		if err != nil {
			return nil, fmt.Errorf("stack %s: %w", s.name, err)
		}
		locks = append(locks, l)
	}
	return tablelock.Merge(locks...)
}

func diff(s *screen, t *target, found []tablelock.Finding) error {
	if len(found) == 0 {
		_, err := fmt.Fprintf(s.w, "the tables are those of %s\n", t)
		return err
	}
	if err := printFindings(s, found); err != nil {
		return err
	}
	if n := refused(found); n > 0 {
		return fmt.Errorf("%s: %s that one deployment cannot make: take the steps above", t, plural(int64(n), "change"))
	}
	return nil
}
