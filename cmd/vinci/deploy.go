package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/vinci-go/vinci/internal/release"
)

// strandedCode is the exit code when somebody has to look at a deployment now.
const strandedCode = 3

func newDeploy() *cobra.Command {
	o := release.Options{Sleep: sleep}
	cmd := &cobra.Command{
		Use:   "deploy --deployment ID --assembly DIR",
		Short: "Deploy an assembly, try it, and go back to the last good one when it does not do",
		Long: `Deploys a cloud assembly that is synthesized already, for pipelines:

  1. asks which of the deployment's alarms fire already; these cause no roll-back
  2. fetches the last good assembly from the bucket --releases
  3. cdk deploy
  4. the smoke test --smoke, a command for sh with VINCI_APP, VINCI_DEPLOYMENT and
     VINCI_OUTPUTS, the file of the stacks' outputs
  5. watches the alarms for as long as --watch
  6. keeps the assembly as the last good one

When 3 or 4 fails or another alarm fires, the last good assembly is deployed again and
tried by the smoke test. It goes back to templates and code: what the new version has
done to data, deleted resources and added stacks stay as they are.

It runs the programs cdk and aws, which find the credentials. The exit code is 0 when
the version is deployed and good, 1 when it is not, and 3 when neither it nor the last
good one is known to work: somebody has to look now. Ctrl-C rolls nothing back.`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if o.Deployment == "" {
				return errors.New("--deployment is missing: name the deployment that the assembly is of")
			}
			o.Stdout, o.Stderr = cmd.OutOrStdout(), cmd.ErrOrStderr()
			err := release.Deploy(cmd.Context(), o)
			if errors.Is(err, release.Stranded) {
				fmt.Fprintln(o.Stderr, "vinci:", err)
				return exitCode(strandedCode)
			}
			return err
		},
	}
	cmd.Flags().StringVar(&o.Deployment, "deployment", "", "`ID` of the deployment")
	cmd.Flags().StringVar(&o.Assembly, "assembly", "cdk.out", "`FOLDER` of the cloud assembly")
	cmd.Flags().StringVar(&o.Smoke, "smoke", "", "`COMMAND` that fails when the deployment does not work")
	cmd.Flags().StringVar(&o.Releases, "releases", "", "`BUCKET` of the last good assemblies (vinci bootstrap github makes one)")
	cmd.Flags().DurationVar(&o.Watch, "watch", 10*time.Minute, "how `LONG` no other alarm may fire")
	cmd.Flags().DurationVar(&o.Every, "every", 30*time.Second, "how `OFTEN` the alarms are looked at")
	cmd.Flags().BoolVar(&o.NoAlarms, "no-alarms", false, "do not look at the alarms, for deployments that nobody uses")
	return cmd
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
