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
	"slices"
	"strings"
	"sync"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/vinci-go/vinci/internal/progress"
)

// programs is a folder of the application that has a folder for each of its programs,
// which are built and run when they are asked for.
type programs string

// what is what one of them is called in a sentence.
func (p programs) what() string {
	if p == models {
		return "read model"
	}
	return "migration"
}

// names are those below a folder, sorted.
func (p programs) names(dir string) ([]string, error) {
	files, err := filepath.Glob(filepath.Join(dir, string(p), "*", "main.go"))
	if err != nil {
		return nil, fmt.Errorf("look for %s: %w", p, err)
	}
	names := make([]string, len(files)) // Glob sorts them
	for i, f := range files {
		names[i] = filepath.Base(filepath.Dir(f))
	}
	return names, nil
}

// list prints the names.
func (p programs) list(out io.Writer, w *where) error {
	names, err := p.names(w.dir)
	if err != nil {
		return err
	}
	if len(names) == 0 {
		_, err := fmt.Fprintf(out, "there are no %ss: each is a program %s\n", p.what(), filepath.Join(string(p), "NAME", "main.go"))
		return err
	}
	_, err = fmt.Fprintln(out, strings.Join(names, "\n"))
	return err
}

// program is one that was built for a deployment.
type program struct {
	app    *application
	target *target
	dir    string // of the application
	name   string // migrations/fill_status
	path   string // of the executable, in a folder of its own
}

// build builds one of the programs. remove it in the end.
func (p programs) build(cmd *cobra.Command, w *where, name string) (*program, error) {
	dir, err := filepath.Abs(w.dir)
	if err != nil {
		return nil, fmt.Errorf("--dir: %w", err)
	}
	names, err := p.names(dir)
	if err != nil {
		return nil, err
	}
	if !slices.Contains(names, name) {
		return nil, unknown(p.what(), name, names, "write its main.go in "+filepath.Join(string(p), name))
	}
	ctx, report := cmd.Context(), progress.New(cmd.ErrOrStderr())
	built := &program{dir: dir, name: filepath.Join(string(p), name)}
	if built.app, err = loadApplication(ctx, report, dir, w.deployment); err != nil {
		return nil, err
	}
	if built.target, err = w.target(built.app, os.Getenv); err != nil {
		return nil, err
	}
	temp, err := os.MkdirTemp("", "vinci-")
	if err != nil {
		return nil, fmt.Errorf("make a temporary folder: %w", err)
	}
	built.path = filepath.Join(temp, name)
	err = report.Step("build "+built.name, func() error {
		build := exec.CommandContext(ctx, "go", "build", "-o", built.path, "./"+filepath.ToSlash(built.name))
		build.Dir = dir
		if said, err := build.CombinedOutput(); err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return fmt.Errorf("build %s: %w\n%s", built.name, err, strings.TrimSpace(string(said)))
		}
		return nil
	})
	if err != nil {
		built.remove()
		return nil, err
	}
	return built, nil
}

// run runs the program to its end, with the command's own output.
func (p *program) run(cmd *cobra.Command, args ...string) error {
	child := exec.Command(p.path, args...)
	child.Dir, child.Env = p.dir, p.target.environ()
	child.Stdout, child.Stderr = cmd.OutOrStdout(), cmd.ErrOrStderr()
	return runChild(cmd.Context(), child)
}

func (p *program) remove() { _ = os.RemoveAll(filepath.Dir(p.path)) } // a temporary folder that stays is no reason to fail

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
