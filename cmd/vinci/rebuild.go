package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/vinci-go/vinci/ops"
	"github.com/vinci-go/vinci/readmodel/rebuild"
)

// models is the folder of read models.
const models programs = "readmodels"

// modelFlags are those that the program gets as they are.
const modelFlags = " since json settle patience generation dry-run resume abort drop rate grace keep no-verify with-dead reason "

func newRebuild() *cobra.Command {
	cmd, w := newModelCommand(rebuild.CommandRebuild)
	cmd.Short = "Make a read model anew from the log, while events keep coming"
	cmd.Long = `Builds ./readmodels/NAME and runs it against the local runtime, or against the
deployment that is named. Such a program calls rebuild.Main of package
github.com/vinci-go/vinci/readmodel/rebuild. Without a name the read models are listed.

A new generation is made beside the current one, which goes on to answer. From the
beginning on, every event that comes is handled in both; what is older is sent from the
log. When all is handled and the new generation is what the log says, one item is
changed and it is the current one. Then the old one is deleted, unless --keep says
otherwise.

Ctrl-C, an error and kill -9 do no harm: the new generation goes on to follow the events
until --resume finishes it, from any machine, or --abort gives it up.`
	cmd.Example = `  vinci rebuild                               which read models there are
  vinci rebuild dashboard --dry-run
  vinci rebuild dashboard --deployment dev --rate 500 --reason 'revenue by currency'
  vinci rebuild dashboard --resume`
	f := cmd.Flags()
	f.Bool("dry-run", false, "count the events and do nothing")
	f.Bool("resume", false, "go on with the generation that is being made")
	f.Bool("abort", false, "give up the generation that is being made")
	f.Bool("drop", false, "delete the old generations that were kept")
	f.Int("rate", ops.DefaultRate, "most `EVENTS` a second")
	f.Duration("grace", rebuild.DefaultGrace, "how long after its end an old generation is deleted, at least the function's time-out")
	f.Bool("keep", false, "leave the old generation's items")
	f.Bool("no-verify", false, "flip without computing the model in memory")
	f.Bool("with-dead", false, "flip although events were given up in the new generation")
	f.StringVar(&w.as, "as", "", "`NAME` of who does it, for the record in the log (default $USER)")
	f.String("reason", "", "`TEXT` for the record in the log")
	return cmd
}

func newVerify() *cobra.Command {
	cmd, _ := newModelCommand(rebuild.CommandVerify)
	cmd.Short = "Compare a read model with the log"
	cmd.Long = `Builds ./readmodels/NAME and runs it: it computes the read model from the log in memory,
with the application's own handlers, and compares it with what is stored, item by item.
It changes nothing. What differs is looked at again, because events keep coming, until
nothing has got any further for --patience. The exit code is 1 when something differs.`
	cmd.Example = `  vinci verify dashboard
  vinci verify order_summary --deployment dev --json`
	cmd.Flags().String("generation", "", "`NAME` of another generation than the current one, as g3")
	return cmd
}

// modelOptions are what the commands themselves need to know.
type modelOptions struct {
	where
	as string
}

// newModelCommand makes what both commands have in common.
func newModelCommand(command string) (*cobra.Command, *modelOptions) {
	o := &modelOptions{}
	cmd := &cobra.Command{
		Use: command + " [NAME]",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 1 {
				return fmt.Errorf("one read model at a time, got %s", strings.Join(args, " "))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return models.list(cmd.OutOrStdout(), &o.where)
			}
			p, err := models.build(cmd, &o.where, args[0])
			if err != nil {
				return err
			}
			defer p.remove()
			return o.run(cmd, command, p)
		},
	}
	o.dirFlag(cmd)
	o.targetFlags(cmd)
	f := cmd.Flags()
	f.String("since", "", "`DAY` before the first event of the log (default: when its table was made)")
	f.Duration("settle", 0, "how far the log's index may be behind (default "+rebuild.DefaultSettle.String()+", on this machine 1s)")
	f.Duration("patience", rebuild.DefaultPatience, "how long nothing may get further")
	f.Bool("json", false, "print JSON")
	return cmd, o
}

// run asks the program whose read model it is of, and runs it to its end.
func (o *modelOptions) run(cmd *cobra.Command, command string, p *program) error {
	out, err := exec.CommandContext(cmd.Context(), p.path, rebuild.CommandSubscription).Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			return fmt.Errorf("%s: %s", p.name, strings.TrimSpace(string(exit.Stderr)))
		}
		return fmt.Errorf("ask %s for its subscription: %w", p.name, err)
	}
	sub, err := p.app.subscription(strings.TrimSpace(string(out)))
	if err != nil {
		return fmt.Errorf("%s: %w", p.name, err)
	}
	args, err := o.arguments(command, cmd.Flags(), p.target.local(), time.Duration(sub.Timeout)*time.Second)
	if err != nil {
		return err
	}
	return p.run(cmd, append([]string{command}, args...)...)
}

// localSettle is ample where an index is never behind.
const localSettle = time.Second

// arguments are the flags of the program: those that were set, and what it cannot
// know.
func (o *modelOptions) arguments(command string, f *pflag.FlagSet, local bool, timeout time.Duration) ([]string, error) {
	var out []string
	f.Visit(func(flag *pflag.Flag) {
		if strings.Contains(modelFlags, " "+flag.Name+" ") {
			out = append(out, "--"+flag.Name+"="+flag.Value.String())
		}
	})
	if local && !f.Changed("settle") {
		out = append(out, "--settle="+localSettle.String())
	}
	if command == rebuild.CommandVerify {
		return out, nil
	}
	if timeout > rebuild.DefaultGrace && !f.Changed("grace") {
		out = append(out, "--grace="+timeout.String())
	}
	as := o.as
	if as == "" {
		as = os.Getenv("USER")
	}
	if as == "" {
		return nil, errors.New("who does this? $USER is not set: say it with --as NAME, it is kept in the log")
	}
	return append(out, "--as="+as), nil
}
