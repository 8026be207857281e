package migrate

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/vinci-go/vinci/internal/awsenv"
	"github.com/vinci-go/vinci/internal/names"
	"github.com/vinci-go/vinci/orm"
)

// localDeployment is what runs on a laptop.
const localDeployment = "local"

// Exit codes of a program made with [Main].
const (
	exitFailed  = 1   // items failed, or the run could not go on
	exitUsage   = 2   // the flags are wrong
	exitStopped = 130 // by a signal, as shells say it
)

// Main is the main function of a migration, and does not return. name is that of
// its folder below migrations/. It reads the flags that -help lists, finds the
// deployment, the region, the endpoint and the credentials in the environment as
// a function does ([orm.FromEnv]; `vinci migrate` sets it), and runs the
// migration. The first Ctrl-C finishes the items in hand and writes the
// checkpoint, the second one ends the process.
//
// The exit code is 0 when every item was handled, 1 when items failed or the run
// could not go on, 2 when the flags are wrong and 130 when it was stopped.
//
// Flags of the program's own, defined with package flag before Main is called,
// work; Main parses them.
func Main[T, K any](name string, table *orm.Table[T, K], fn Func[T]) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // the second signal ends the process
	p := program{flags: flag.CommandLine, args: os.Args[1:], getenv: os.Getenv, stdout: os.Stdout, stderr: os.Stderr, terminal: isTerminal(os.Stderr)}
	code := execute(ctx, p, name, table, fn)
	stop()
	os.Exit(code)
}

// program is what a process gives a migration.
type program struct {
	flags          *flag.FlagSet
	args           []string
	getenv         func(string) string
	stdout, stderr io.Writer
	terminal       bool // stderr is one
}

func execute[T, K any](ctx context.Context, p program, name string, table *orm.Table[T, K], fn Func[T]) int {
	o := Options{Output: p.stdout, Progress: p.stderr, Terminal: p.terminal}
	if code, done := p.parse(name, &o); done {
		return code
	}
	fail := func(err error) int {
		fmt.Fprintf(p.stderr, "%s: %v\n", name, err)
		return exitFailed
	}
	d, err := names.FromEnv(p.getenv)
	if err != nil {
		return fail(fmt.Errorf("%w: run it with `vinci migrate %s`", err, name))
	}
	if o.Store, err = orm.FromEnv(p.getenv); err != nil {
		return fail(err)
	}
	o.Deployment = d.ID
	if o.Checkpoint == "" {
		o.Checkpoint = Checkpoint(d.ID, name)
	}
	if table.Err() == nil {
		o.Items, o.TableID, err = describe(ctx, p.getenv, table.Schema().Name, d)
	}
	var s Summary
	if err == nil {
		s, err = Run(ctx, name, table, fn, o)
	}
	return p.finish(name, o, s, err)
}

// Checkpoint is the file, relative to the module's folder, in which a migration
// keeps where it is.
func Checkpoint(deployment, name string) string {
	return filepath.Join(".vinci", "migrations", deployment, name+".json")
}

// parse reads the flags into o; done says that there is nothing more to do.
func (p program) parse(name string, o *Options) (code int, done bool) {
	f := p.flags
	f.Init(name, flag.ContinueOnError)
	f.SetOutput(p.stderr)
	f.Usage = func() {
		fmt.Fprintf(p.stderr, "The migration %s changes every item of its table. Flags:\n", name)
		f.PrintDefaults()
	}
	f.Float64Var(&o.Rate, "rate", DefaultRate, "`items` a second at most; -1: as fast as it goes")
	f.IntVar(&o.Segments, "segments", 0, "`parts` of the table that are read side by side (default 1, or as the run began)")
	f.IntVar(&o.PageSize, "page", DefaultPageSize, "`items` read at once, and between two checkpoints")
	f.IntVar(&o.MaxFailures, "max-failures", DefaultMaxFailures, "stop when so many `items` have failed")
	f.BoolVar(&o.DryRun, "dry-run", false, "write nothing, print what would be written")
	f.BoolVar(&o.Restart, "restart", false, "begin anew, also when it has finished")
	f.StringVar(&o.Checkpoint, "checkpoint", "", "`file` that keeps where the run is (default "+Checkpoint("DEPLOYMENT", name)+")")
	switch err := f.Parse(p.args); {
	case errors.Is(err, flag.ErrHelp):
		return 0, true
	case err != nil:
		return exitUsage, true // it has said why
	case f.NArg() > 0:
		fmt.Fprintf(p.stderr, "%s: unknown argument %q: flags begin with a dash\n", name, f.Arg(0))
		return exitUsage, true
	case o.Rate == 0 || o.PageSize < 1 || o.MaxFailures < 1:
		fmt.Fprintf(p.stderr, "%s: -rate, -page and -max-failures cannot be 0 (a rate of -1 is no limit)\n", name)
		return exitUsage, true
	}
	return 0, false
}

// finish says what the run has come to.
func (p program) finish(name string, o Options, s Summary, err error) int {
	if s.Before {
		fmt.Fprintf(p.stdout, "%s: it has finished before (%s): --restart runs it again\n", name, o.Checkpoint)
	}
	if err == nil || s.Looked > 0 { // else it never began
		if printErr := s.Print(p.stdout, name, o.DryRun); printErr != nil {
			err = errors.Join(err, printErr)
		}
	}
	var dial *net.OpError
	switch {
	case err == nil:
		return 0
	case errors.Is(err, ErrStopped):
		fmt.Fprintf(p.stderr, "%s: stopped; the next run goes on from here\n", name)
		return exitStopped
	case errors.As(err, &dial) && o.Deployment == localDeployment:
		err = fmt.Errorf("nothing answers at %s: start the local runtime with `vinci dev`", p.getenv(awsenv.EndpointURL))
	case errors.Is(err, orm.KindNoTable) && o.Deployment == localDeployment:
		err = fmt.Errorf("%w: `vinci dev` has to run with it", err)
	case errors.Is(err, orm.KindNoTable):
		err = fmt.Errorf("%w: deploy it first: make deploy DEPLOYMENT=%s", err, o.Deployment)
	case errors.Is(err, ErrFailures):
		err = fmt.Errorf("%w: mend what is wrong and run it again, it tries them first", err)
	}
	fmt.Fprintf(p.stderr, "%s: %s\n", name, strings.TrimSpace(err.Error()))
	return exitFailed
}

// describe returns DynamoDB's own count of a table's items, which it renews about
// every six hours, and its id of the table; neither when they cannot be had, as
// without the permission. The count is for the progress only. An error says that there is no such table or that nobody answers: better now than
// after all tries.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TableDescription.html
func describe(ctx context.Context, getenv func(string) string, table string, d names.Deployment) (items int64, id string, err error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	client := dynamodb.NewFromConfig(awsenv.Config(getenv), func(o *dynamodb.Options) { o.RetryMaxAttempts = 1 })
	out, err := client.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: aws.String(d.Table(table))})
	var absent *types.ResourceNotFoundException
	var dial *net.OpError
	switch {
	case errors.As(err, &absent):
		return 0, "", &orm.Error{Kind: orm.KindNoTable, Op: "describe", Table: table, Err: errors.New(d.Table(table))}
	case errors.As(err, &dial):
		return 0, "", &orm.Error{Kind: orm.KindUnavailable, Op: "describe", Table: table, Err: err}
	case err != nil || out.Table == nil:
		return 0, "", nil
	}
	return aws.ToInt64(out.Table.ItemCount), aws.ToString(out.Table.TableId), nil
}

// isTerminal reports whether f is a terminal.
func isTerminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
