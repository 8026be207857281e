package build

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/vinci-go/vinci/internal/progress"
)

// Program is one function to be compiled.
type Program struct {
	Name    string // what go build calls it: the last part of its import path
	Package string // "./lambdas/x", or an import path
}

// Request says what to compile.
type Request struct {
	Dir      string // the module root: where go build runs
	Out      string // where programs go; made when absent
	GOARCH   string // arm64 or amd64
	Programs []Program
	Progress *progress.Reporter // says so when it takes long; nil: nobody listens
}

// bootstrap is the only name that the provided runtimes start.
const bootstrap = "bootstrap"

// Build compiles all programs with one go build and returns the asset folder of
// each by its name. An [*Error] tells what did not compile.
func Build(ctx context.Context, r Request) (map[string]string, error) {
	if len(r.Programs) == 0 {
		return map[string]string{}, nil
	}
	bin := filepath.Join(r.Out, "bin")
	if err := os.MkdirAll(bin, 0o755); err != nil {
		return nil, fmt.Errorf("build functions: %w", err)
	}
	what := fmt.Sprintf("building %d functions for linux/%s", len(r.Programs), r.GOARCH)
	report := r.Progress
	if report == nil {
		report = progress.New(io.Discard)
	}
	if err := report.Step(what, func() error { return r.compile(ctx, bin) }); err != nil {
		return nil, err
	}
	assets := map[string]string{}
	for _, p := range r.Programs {
		dir := filepath.Join(r.Out, p.Name)
		if err := place(filepath.Join(bin, p.Name), dir); err != nil {
			return nil, fmt.Errorf("build function %s: %w", p.Name, err)
		}
		assets[p.Name] = dir
	}
	return assets, nil
}

// tags are the build tags of every function. lambda.norpc leaves out the runtime
// of the retired go1.x. validator_novalidatefn leaves out the one call by name of
// the validator (a rule that package orm refuses): with a call by name in the
// program the linker must keep every exported method of every type, which makes
// it 3.5 MB bigger.
const tags = "lambda.norpc,validator_novalidatefn"

// compile runs the one go build, and looks closer when it fails.
func (r Request) compile(ctx context.Context, bin string) error {
	abs, err := filepath.Abs(bin)
	if err != nil {
		return fmt.Errorf("build functions: %w", err)
	}
	args := []string{"build", "-trimpath", "-buildvcs=false", "-tags", tags, "-ldflags=-s -w", "-o", abs + string(filepath.Separator)}
	for _, p := range r.Programs {
		args = append(args, p.Package)
	}
	_, stderr, err := r.goTool(ctx, args...)
	if err == nil {
		return nil
	}
	var exit *exec.ExitError
	if !errors.As(err, &exit) || ctx.Err() != nil {
		return fmt.Errorf("build functions: run the go command: %w", errors.Join(err, ctx.Err()))
	}
	return r.diagnose(ctx, string(stderr))
}

// goTool runs the go command for the target, with everything pinned that could
// differ between two machines.
func (r Request) goTool(ctx context.Context, args ...string) (stdout, stderr []byte, err error) {
	var out, errOut bytes.Buffer
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = r.Dir
	cmd.Stdout, cmd.Stderr = &out, &errOut
	cmd.Env = append(os.Environ(),
		"CGO_ENABLED=0", "GOOS=linux", "GOARCH="+r.GOARCH,
		"GOAMD64=v1", "GOARM64=v8.0", "GOEXPERIMENT=")
	err = cmd.Run()
	return out.Bytes(), errOut.Bytes(), err
}

// place puts a program alone into an asset folder, executable: an asset's hash
// does not cover the file's mode, so one that was once uploaded without it would
// stay broken until its content changes. A program that did not change is left
// as it is.
func place(program, dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	target := filepath.Join(dir, bootstrap)
	same, err := sameProgram(program, target)
	if err != nil {
		return err
	}
	if same {
		return os.Chmod(target, 0o755)
	}
	content, err := os.ReadFile(program)
	if err != nil {
		return err
	}
	// Through a second file, because the old program may be running: a file that
	// is being executed cannot be written, only replaced. It lies outside the
	// asset folder, which holds the program and nothing else at every moment.
	next := program + ".next"
	if err := os.WriteFile(next, content, 0o755); err != nil {
		return err
	}
	if err := os.Chmod(next, 0o755); err != nil { // whatever the umask
		return err
	}
	return os.Rename(next, target)
}
