package constructs

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"reflect"
	"runtime"
	"syscall"

	"github.com/aws/jsii-runtime-go"

	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/constructs/internal/build"
	"github.com/vinci-go/vinci/constructs/internal/plan"
	"github.com/vinci-go/vinci/constructs/internal/rulepack"
	"github.com/vinci-go/vinci/eventlog"
	"github.com/vinci-go/vinci/internal/definitions"
	"github.com/vinci-go/vinci/internal/names"
	"github.com/vinci-go/vinci/internal/progress"
)

// The framework's own functions. They are built from whichever module is
// synthesized: another module names them in tool lines of its go.mod
// (go get -tool github.com/vinci-go/vinci/cmd/vinci-relay).
const (
	relayCommand  = "github.com/vinci-go/vinci/cmd/vinci-relay"
	timersCommand = "github.com/vinci-go/vinci/cmd/vinci-timers"
)

// builder compiles functions: build.Build, but for tests.
type builder func(context.Context, build.Request) (map[string]string, error)

// SynthOptions say where a synthesis works.
type SynthOptions struct {
	Dir      string    // the module root; empty: the working folder
	OutDir   string    // the cloud assembly's folder; empty: CDK_OUTDIR, else cdk.out in Dir
	Progress io.Writer // gets a line about each step over two seconds, and notes; nil: none
}

// ErrInvalid is what errors.Is finds in the error of an application that was
// refused, as against a tool that is missing or a disk that is full.
var ErrInvalid = errors.New("the application is not valid")

// Synth checks the application, builds its functions and writes the cloud
// assembly to cdk.out, or to where the CDK's command line says. It is the last
// call of an app.go: when anything is wrong it prints all that is wrong and ends
// the program with exit code 1.
func (a *Application) Synth() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := a.Synthesize(ctx, &SynthOptions{Progress: os.Stderr})
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "vinci:", err)
	}
	closeCDK()
	if err != nil {
		os.Exit(1)
	}
}

// closeCDK ends the CDK's Node process, which removes its temporary folder;
// os.Exit alone would leave 2 MB behind each time. Two goroutines of the jsii
// runtime then wait for that one process, and the loser prints "Runtime process
// exited abnormally" although nothing is wrong. By then all is written and said:
// the program ends, so it may speak to nobody.
func closeCDK() {
	if null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0); err == nil {
		os.Stderr = null
	}
	jsii.Close()
}

// Synthesize is Synth for a program that goes on: a test or a tool. An
// application with mistakes gives an error that is [ErrInvalid] and lists them
// all. A program that is about to end calls jsii.Close afterwards. Only one
// synthesis may run at a time in a process, because the CDK allows no more.
//
// With the environment variable VINCI_DEFINITIONS it writes the definitions of
// the tables to the file of that name, for the vinci tool, and nothing else.
func (a *Application) Synthesize(ctx context.Context, options *SynthOptions) error {
	if options == nil {
		options = &SynthOptions{}
	}
	dir, err := filepath.Abs(options.Dir)
	if err != nil {
		return fmt.Errorf("synthesize: %w", err)
	}
	out, err := a.outDir(dir, options.OutDir)
	if err != nil {
		return err
	}
	p, err := a.complete(dir)
	if err != nil {
		return fmt.Errorf("synthesize: %w", err)
	}
	if file := a.env()(definitions.Env); file != "" {
		return writeDefinitions(p, file, a.env()(definitions.EnvParse))
	}
	started := a.startCDK()
	problems := p.Check()
	refused, behind := p.CheckLock()
	problems = append(problems, refused...)
	problems = append(problems, rulepack.CheckExceptions(shortly(a.exceptions, p.Dir))...)
	refused, crowded := p.CheckParts()
	problems = append(problems, refused...)
	// The functions are compiled even so: one run tells everything.
	assets, err := a.compile(ctx, p, options.Progress)
	startErr := started()
	if err == nil {
		err = ctx.Err() // whoever asked for the end while the CDK was still loading gets it
	}
	var failed *build.Error
	switch {
	case errors.As(err, &failed):
		problems = append(problems, buildProblems(p, failed)...)
	case err != nil:
		return fmt.Errorf("synthesize: %w", err)
	}
	if len(problems) > 0 {
		return &invalid{app: p.Name, problems: problems}
	}
	if startErr != nil {
		return startErr
	}
	for _, note := range []string{behind, crowded} {
		if note != "" && options.Progress != nil {
			fmt.Fprintln(options.Progress, "note:", note)
		}
	}
	d := &Deployment{names: p.Name, settings: Settings(p.Settings), goarch: p.GOARCH(), code: map[string]string{},
		publishesOn: p.PublishesOn(), busesOf: p.BusesOf()}
	for _, b := range p.Binaries() {
		key := b.Folder
		if key == "" {
			key = b.Package
		}
		d.code[key] = assets[b.Name]
	}
	if err := forget(out); err != nil {
		return err
	}
	err = catch(func() { a.emit(d, p, out) })
	if err == nil {
		err = a.judge(p, d, out, options.Progress)
	}
	if err != nil {
		// What is there may be half of an assembly, or one that was refused.
		return errors.Join(err, rulepack.Discard(out))
	}
	return nil
}

// complete makes the plan that is checked: a copy, so that Synthesize can be
// called again.
func (a *Application) complete(dir string) (*plan.Plan, error) {
	p := a.plan
	p.Dir = dir
	p.Relay, p.Timers = relayCommand, timersCommand
	p.Framework = plan.Framework{Events: eventlog.Events, Deliveries: bus.Deliveries, State: eventlog.State}
	p.Context = plan.Context(a.context)
	if a.context == nil {
		var err error
		if p.Context, err = plan.ReadContext(a.env()); err != nil {
			return nil, err
		}
	}
	p.Credentials = plan.ReadCredentials(a.env())
	if a.settings != nil {
		p.Settings = plan.Settings(a.settings(cmp.Or(p.Context[plan.KeyDeployment], p.Name.ID)))
		p.SettingsAt = placeOf(a.settings)
	}
	p.Foreign = append([]plan.Foreign(nil), p.Foreign...)
	p.Handlers = append([]plan.Handler(nil), p.Handlers...)
	p.Captures = append([]plan.Capture(nil), p.Captures...)
	p.APIs = append([]plan.API(nil), p.APIs...)
	p.SetDefaults()
	return &p, nil
}

// placeOf is the file:line of a function.
func placeOf(settings func(string) Settings) string {
	f := runtime.FuncForPC(reflect.ValueOf(settings).Pointer())
	if f == nil {
		return ""
	}
	file, line := f.FileLine(f.Entry())
	return fmt.Sprintf("%s:%d", file, line)
}

func (a *Application) env() func(string) string {
	if a.getenv != nil {
		return a.getenv
	}
	return os.Getenv
}

func (a *Application) outDir(dir, out string) (string, error) {
	if out == "" {
		out = a.env()("CDK_OUTDIR")
	}
	if out == "" {
		out = filepath.Join(dir, "cdk.out")
	}
	abs, err := filepath.Abs(out)
	if err != nil {
		return "", fmt.Errorf("synthesize into %s: %w", out, err)
	}
	return abs, nil
}

// compile builds all functions into .vinci/build, one folder an architecture, so
// that the local runtime's build and the one for AWS do not undo each other.
func (a *Application) compile(ctx context.Context, p *plan.Plan, w io.Writer) (map[string]string, error) {
	r := build.Request{
		Dir: p.Dir, Out: filepath.Join(p.Dir, ".vinci", "build", p.GOARCH()),
		GOARCH: p.GOARCH(),
	}
	if w != nil {
		r.Progress = progress.New(w)
	}
	for _, b := range p.Binaries() {
		r.Programs = append(r.Programs, build.Program{Name: b.Name, Package: b.Package})
	}
	if a.build != nil {
		return a.build(ctx, r)
	}
	return build.Build(ctx, r)
}

// buildProblems says which functions do not compile and why.
func buildProblems(p *plan.Plan, failed *build.Error) plan.Problems {
	owners := map[string]string{}
	for _, b := range p.Binaries() {
		owners[b.Name] = b.Owner
	}
	var all plan.Problems
	for _, f := range failed.Failures {
		problem := plan.Problem{
			What:   fmt.Sprintf("package %s does not build", f.Package),
			Where:  "needed by " + ownersOf(f.Programs, owners),
			Mend:   "correct what the compiler says",
			Detail: f.Output,
		}
		if f.Package == relayCommand || f.Package == timersCommand {
			problem.Mend = "let go.mod name it: go get -tool " + f.Package
		}
		all = append(all, problem)
	}
	return all
}

func ownersOf(programs []string, owners map[string]string) string {
	text := ""
	for i, name := range programs {
		if i > 0 {
			text += ", "
		}
		text += owners[name]
	}
	return text
}

// invalid is the error of an application with mistakes.
type invalid struct {
	app      names.Deployment
	problems plan.Problems
}

func (e *invalid) Error() string {
	count := fmt.Sprintf("%d problems", len(e.problems))
	if len(e.problems) == 1 {
		count = "1 problem"
	}
	return fmt.Sprintf("application %q, deployment %q: %s, nothing was synthesized\n\n%v", e.app.App, e.app.ID, count, e.problems)
}

func (e *invalid) Is(target error) bool { return target == ErrInvalid }

// needNode says in one line what the CDK would say in a panic's trace.
func needNode(getenv func(string) string) error {
	node := getenv("JSII_NODE")
	if node == "" {
		node = "node"
	}
	if _, err := exec.LookPath(node); err != nil {
		return fmt.Errorf("the CDK needs Node.js 22 or newer and %q cannot be run (%w): run npm ci and put node_modules/.bin into PATH, or name another with JSII_NODE", node, err)
	}
	return nil
}

// catch turns the CDK's way of reporting an error, a panic, into an error. A
// mistake in a program (a nil pointer in a stack of the application's own) keeps
// its trace.
func catch(f func()) (err error) {
	defer func() {
		switch r := recover().(type) {
		case nil:
		case runtime.Error:
			panic(r)
		case error:
			err = fmt.Errorf("synthesize: %w", r)
		default:
			err = fmt.Errorf("synthesize: %v", r)
		}
	}()
	f()
	return nil
}
