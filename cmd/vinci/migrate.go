package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/vinci-go/vinci/orm/migrate"
)

// migrations is the folder of migrations.
const migrations programs = "migrations"

func newMigrate() *cobra.Command {
	w := &where{}
	cmd := &cobra.Command{
		Use:   "migrate [NAME] [flags] [-- FLAGS OF THE MIGRATION'S OWN]",
		Short: "Change every item of a table with a Go function, or list the migrations",
		Long: `Builds ./migrations/NAME and runs it against the local runtime, or against the
deployment that is named. Such a program calls migrate.Main of package
github.com/vinci-go/vinci/orm/migrate with a function that says how one item is
changed. Without a name the migrations are listed.

Where it is, is kept in .vinci/migrations/<deployment>/NAME.json below --dir: after
Ctrl-C, and also after kill -9, the same command goes on there. The first Ctrl-C
finishes the item in hand; the second one ends the program. A migration that has
finished is not run again without --restart.`,
		Example: `  vinci migrate                               which there are
  vinci migrate fill_status --dry-run         what it would write
  vinci migrate fill_status --deployment dev --rate 500 --segments 4`,
		Args: func(cmd *cobra.Command, args []string) error {
			own := len(args)
			if at := cmd.ArgsLenAtDash(); at >= 0 {
				own = at
			}
			if own > 1 {
				return fmt.Errorf("one migration at a time, got %s", strings.Join(args[:own], " "))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 || cmd.ArgsLenAtDash() == 0 {
				return migrations.list(cmd.OutOrStdout(), w)
			}
			p, err := migrations.build(cmd, w, args[0])
			if err != nil {
				return err
			}
			defer p.remove()
			return p.run(cmd, append(passed(cmd.Flags()), args[1:]...)...)
		},
	}
	w.dirFlag(cmd)
	w.targetFlags(cmd)
	f := cmd.Flags()
	f.Float64("rate", migrate.DefaultRate, "`items` a second at most; -1: as fast as it goes")
	f.Int("segments", 0, "`parts` of the table that are read side by side (default 1, or as the run began)")
	f.Int("page", migrate.DefaultPageSize, "`items` read at once, and between two checkpoints")
	f.Int("max-failures", migrate.DefaultMaxFailures, "stop when so many `items` have failed")
	f.Bool("dry-run", false, "write nothing, print what would be written")
	f.Bool("restart", false, "begin anew, also when it has finished")
	f.String("checkpoint", "", "`file` that keeps where the run is (default "+migrate.Checkpoint("DEPLOYMENT", "NAME")+")")
	return cmd
}

// passed are the flags that the migration gets.
func passed(f *pflag.FlagSet) []string {
	var out []string
	f.Visit(func(flag *pflag.Flag) {
		switch flag.Name {
		case "rate", "segments", "page", "max-failures", "dry-run", "restart", "checkpoint":
			out = append(out, "--"+flag.Name+"="+flag.Value.String())
		}
	})
	return out
}
