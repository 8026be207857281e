package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/vinci-go/vinci/internal/progress"
	"github.com/vinci-go/vinci/internal/scaffold"
)

// noVersion is what go.mod says of a framework that a folder stands in for.
const noVersion = "v0.0.0"

func newNew() *cobra.Command {
	var dir, module, replace string
	cmd := &cobra.Command{
		Use:   "new NAME",
		Short: "Write a new application",
		Long: `Writes a small application that is whole: two tables, an event, its handler, an HTTP
API, tests of the parts and of all together, and what builds, runs and deploys it.
Its module uses the version of the framework that this program is of. A program that
was built from a checkout has none that others can get: --replace names the checkout
to use instead.

NAME begins every name on AWS and cannot be changed once the application is deployed.
The Go modules are fetched by "go mod tidy"; nothing else is run or installed.`,
		Example: `  vinci new shop
  vinci new shop --module github.com/me/shop --dir src/shop
  vinci new shop --replace ../vinci`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 1 {
				return nil
			}
			return fmt.Errorf("vinci new takes the application's name, and that alone: got %d arguments: see --help", len(args))
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			o := scaffold.Options{Name: args[0], Module: cmp.Or(module, "example.com/"+args[0]), Dir: cmp.Or(dir, args[0])}
			if info, ok := debug.ReadBuildInfo(); ok {
				o.Version = scaffold.Version(info)
			}
			if o.Version == "" {
				if replace == "" {
					return fmt.Errorf("this vinci was built from a checkout and so is of no version that go.mod could name: say where the checkout is, as in vinci new %s --replace ../vinci", args[0])
				}
				o.Version = noVersion
			}
			if replace != "" {
				real, err := realFolder(replace)
				if err != nil {
					return fmt.Errorf("--replace: %w", err)
				}
				o.Replace = real
			}
			return newApplication(cmd, o)
		},
	}
	f := cmd.Flags()
	f.StringVar(&dir, "dir", "", "`FOLDER` of the application, new or empty (default NAME)")
	f.StringVar(&module, "module", "", "`PATH` of its Go module (default example.com/NAME)")
	f.StringVar(&replace, "replace", "", "`FOLDER` of a checkout of the framework to use in place of a published version")
	return cmd
}

// realFolder is where a folder is, whatever links lead to it: the go command keeps what
// it has compiled by the path.
func realFolder(dir string) (string, error) {
	real, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return "", err
	}
	return filepath.Abs(real)
}

func newApplication(cmd *cobra.Command, o scaffold.Options) error {
	files, err := scaffold.Write(o)
	if err != nil {
		return err
	}
	out := cmd.OutOrStdout()
	if _, err := fmt.Fprintf(out, "%s is written to %s: %s, module %s\n", o.Name, o.Dir, plural(int64(files), "file"), o.Module); err != nil {
		return err
	}
	var note string
	err = progress.New(cmd.ErrOrStderr()).Step("fetch the Go modules (go mod tidy)", func() (err error) {
		note, err = tidy(cmd.Context(), o.Dir)
		return err
	})
	if err != nil {
		return err
	}
	if note != "" {
		fmt.Fprintln(cmd.ErrOrStderr(), note)
	}
	_, err = fmt.Fprintf(out, `
  cd %s
  make test    vet and test it, as parts and as a whole
  make dev     run it on this machine and follow its sources

make lists the other targets; README.md says what is where.
`, shellWord(o.Dir))
	return err
}

// shellWord is a text as one word of a shell's command.
func shellWord(text string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("/._-+@:", r)
	}
	if strings.IndexFunc(text, func(r rune) bool { return !plain(r) }) < 0 {
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}

// tidy completes go.mod and go.sum. Where the proxy cannot be asked for modules that
// only tests of others need, all else may be on this machine: that is enough to build,
// and the note says what is missing.
func tidy(ctx context.Context, dir string) (note string, err error) {
	problem := goCommand(ctx, dir, "mod", "tidy")
	if problem == nil || ctx.Err() != nil || errors.Is(problem, exec.ErrNotFound) {
		return "", problem
	}
	if err := goCommand(ctx, dir, "mod", "tidy", "-e"); err == nil {
		if err := goCommand(ctx, dir, "list", "-deps", "-test", "./...", "tool"); err == nil {
			return fmt.Sprintf("%s has all that it needs here, but go.sum is not complete; run go mod tidy there when the module proxy can be reached:\n%v", dir, problem), nil
		}
	}
	if ctx.Err() != nil {
		return "", ctx.Err()
	}
	return "", fmt.Errorf("%s is written, but its Go modules cannot be fetched: run go mod tidy there when this is mended:\n%w", dir, problem)
}

func goCommand(ctx context.Context, dir string, args ...string) error {
	var said bytes.Buffer
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir, cmd.Stderr = dir, &said
	// The go command removes its temporary files when it is interrupted.
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 5 * time.Second
	err := cmd.Run()
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, exec.ErrNotFound):
		return fmt.Errorf("go is missing: install Go 1.26 or newer (https://go.dev/dl): %w", err)
	}
	return fmt.Errorf("go %s: %w\n%s", strings.Join(args, " "), err, strings.TrimSpace(said.String()))
}
