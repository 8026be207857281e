package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/vinci-go/vinci/internal/progress"
	"github.com/vinci-go/vinci/orm/migrate"
)

// migrationsFolder holds one folder a migration, a program each.
const migrationsFolder = "migrations"

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
			dir, err := filepath.Abs(w.dir)
			if err != nil {
				return fmt.Errorf("--dir: %w", err)
			}
			known, err := migrations(dir)
			if err != nil {
				return err
			}
			if len(args) == 0 || cmd.ArgsLenAtDash() == 0 {
				return listMigrations(cmd.OutOrStdout(), known)
			}
			for _, name := range known {
				if name == args[0] {
					return runMigration(cmd.Context(), cmd, w, dir, name, args[1:])
				}
			}
			return unknown("migration", args[0], known, "write its main.go in "+filepath.Join(migrationsFolder, args[0]))
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

// migrations are the names of the programs below the folder.
func migrations(dir string) ([]string, error) { return programs(dir, migrationsFolder) }

// programs are the names of the programs below a folder.
func programs(dir, folder string) ([]string, error) {
	files, err := filepath.Glob(filepath.Join(dir, folder, "*", "main.go"))
	if err != nil {
		return nil, fmt.Errorf("look for %s: %w", folder, err)
	}
	names := make([]string, len(files)) // Glob sorts them
	for i, f := range files {
		names[i] = filepath.Base(filepath.Dir(f))
	}
	return names, nil
}

func listMigrations(w io.Writer, names []string) error {
	if len(names) == 0 {
		_, err := fmt.Fprintf(w, "there are no migrations: each is a program %s\n", filepath.Join(migrationsFolder, "NAME", "main.go"))
		return err
	}
	_, err := fmt.Fprintln(w, strings.Join(names, "\n"))
	return err
}

// runMigration builds the program and runs it to its end.
func runMigration(ctx context.Context, cmd *cobra.Command, w *where, dir, name string, own []string) error {
	report := progress.New(cmd.ErrOrStderr())
	app, err := loadApplication(ctx, report, dir, w.deployment)
	if err != nil {
		return err
	}
	t, err := w.target(app, os.Getenv)
	if err != nil {
		return err
	}
	temp, err := os.MkdirTemp("", "vinci-")
	if err != nil {
		return fmt.Errorf("make a temporary folder: %w", err)
	}
	defer os.RemoveAll(temp)
	program, err := buildProgram(ctx, report, dir, migrationsFolder, name, temp)
	if err != nil {
		return err
	}
	child := exec.Command(program, append(passed(cmd.Flags()), own...)...)
	child.Dir, child.Env = dir, t.environ()
	child.Stdout, child.Stderr = cmd.OutOrStdout(), cmd.ErrOrStderr()
	return runChild(ctx, child)
}

// buildProgram builds a program of the application, in a folder of programs.
func buildProgram(ctx context.Context, report *progress.Reporter, dir, folder, name, temp string) (program string, err error) {
	program = filepath.Join(temp, name)
	return program, report.Step("build "+filepath.Join(folder, name), func() error {
		build := exec.CommandContext(ctx, "go", "build", "-o", program, "./"+folder+"/"+name)
		build.Dir = dir
		if said, err := build.CombinedOutput(); err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return fmt.Errorf("build %s: %w\n%s", filepath.Join(folder, name), err, strings.TrimSpace(string(said)))
		}
		return nil
	})
}

// runChild runs a program to its end and ends with its exit code. The end of ctx,
// which is the first Ctrl-C, is passed on as one SIGINT; so is every later signal.
func runChild(ctx context.Context, child *exec.Cmd) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	// In a group of its own the terminal's Ctrl-C does not reach it besides: it
	// would count two, and the second one ends it at once. When this process is
	// killed, the kernel tells the child to stop, for as long as this thread lives.
	child.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGINT}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()

	signals := make(chan os.Signal, 4)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(signals)
	if err := child.Start(); err != nil {
		return fmt.Errorf("run %s: %w", child.Path, err)
	}
	ended := make(chan struct{})
	var passing sync.WaitGroup
	passing.Go(func() {
		passOn(ctx, signals, ended, func(s os.Signal) {
			_ = child.Process.Signal(s) // it fails when the child has ended, which Wait tells
		})
	})
	err := child.Wait()
	close(ended)
	passing.Wait()
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit) && exit.Exited():
		return exitCode(exit.ExitCode())
	case exit != nil && ctx.Err() != nil:
		return ctx.Err() // by a signal, as was asked for
	case exit != nil:
		return fmt.Errorf("the program ended by a signal (%w): the same command goes on at its last checkpoint", err)
	}
	return err
}

// passOn sends one SIGINT when ctx ends, and every signal but the first, which
// ended ctx.
func passOn(ctx context.Context, signals <-chan os.Signal, ended <-chan struct{}, send func(os.Signal)) {
	done, first := ctx.Done(), true
	for {
		select {
		case <-ended:
			return
		case <-done:
			done = nil
			send(os.Interrupt)
		case s := <-signals:
			if !first {
				send(s)
			}
			first = false
		}
	}
}

// exitCode ends this program as a child has ended, which has said why.
type exitCode int

func (e exitCode) Error() string { return fmt.Sprintf("exit status %d", int(e)) }
