// Command vinci is the command line tool of the framework.
//
// vinci dev runs an application on this machine and keeps it up to date with its
// sources; vinci local serves AWS's protocols to any program, with or without an
// application; vinci doctor checks the machine.
//
// vinci new writes a new application.
//
// vinci tables lists the application's tables and looks into them; vinci migrate
// changes every item of one; vinci events lists what happens in the application, and
// vinci schemas checks that it stays readable. vinci stacks says which stack each
// subscription is in.
//
// vinci history, trace, deliveries and trouble show what became of events; vinci dlq,
// replay and republish mend what went wrong. vinci rebuild makes a read model anew from
// the log, and vinci verify compares one with it. vinci settings changes what functions
// go by while they run.
//
// vinci new writes an application to begin with. vinci diff says what a deployment would
// change, vinci deploy makes one and goes back when it does not do, and vinci bootstrap
// prepares an account for a pipeline. Every command has --help.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
)

func main() {
	os.Exit(run())
}

func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	// After the first Ctrl-C the handler is taken away: the second one ends the
	// process at once, and with it every child.
	context.AfterFunc(ctx, stop)

	err := newRoot().ExecuteContext(ctx)
	var code exitCode
	switch {
	case err == nil:
		return 0
	case errors.As(err, &code):
		return int(code) // who has it has said why
	case errors.Is(err, context.Canceled) && ctx.Err() != nil:
		return 130 // ended by a signal, as shells say it
	}
	fmt.Fprintln(os.Stderr, "vinci:", err)
	return 1
}

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:           "vinci",
		Short:         "Event-driven applications on AWS, and on this machine",
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          noSubcommand,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.AddCommand(newDev(), newLocal(), newDoctor(), newTables(), newMigrate(), newEvents(), newSchemas(), newStacks(), newNew())
	root.AddCommand(newHistory(), newTrace(), newDeliveries(), newTrouble(), newDLQ(), newReplay(), newRepublish())
	root.AddCommand(newRebuild(), newVerify(), newSettings())
	root.AddCommand(newDiff(), newDeploy(), newBootstrap())
	return root
}
