package rebuild

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/eventlog"
	"github.com/vinci-go/vinci/internal/awsenv"
	"github.com/vinci-go/vinci/internal/names"
	"github.com/vinci-go/vinci/ops"
	"github.com/vinci-go/vinci/orm"
)

// The commands of a program made with [Main], its first argument.
const (
	CommandRebuild = "rebuild"
	CommandVerify  = "verify"
	// CommandSubscription prints the name of the subscription and nothing else: it
	// needs no deployment.
	CommandSubscription = "subscription"
)

// Exit codes of a program made with [Main].
const (
	exitFailed  = 1   // it differs, or could not be done
	exitUsage   = 2   // the arguments are wrong
	exitStopped = 130 // by a signal, as shells say it
)

// Main is the main function of a program readmodels/<name>, which `vinci rebuild
// <name>` and `vinci verify <name>` run, and does not return:
//
//	func main() {
//		rebuild.Main(orders.ProjectDashboard, []rebuild.Table{
//			rebuild.Items(tables.Dashboards, func(d tables.Dashboard) string { return tables.ModelGeneration(d.Model) }),
//		}, orders.DashboardHandlers()...)
//	}
//
// The parts are those of the subscription's function: build both from one source. The
// deployment, the region, the endpoint and the credentials come from the environment
// as a function's do. The first Ctrl-C stops where --resume goes on, the second one
// ends the process.
//
// The exit code is 0 when it was done or nothing differs, 1 when something differs or
// could not be done, 2 when the arguments are wrong and 130 when it was stopped.
func Main(sub *bus.Definition, tables []Table, parts ...bus.Part) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // the second signal ends the process
	info, err := os.Stderr.Stat()
	p := program{args: os.Args[1:], getenv: os.Getenv, stdout: os.Stdout, stderr: os.Stderr, now: time.Now,
		terminal: err == nil && info.Mode()&os.ModeCharDevice != 0, open: open}
	code := p.run(ctx, sub, tables, parts)
	stop()
	os.Exit(code)
}

// program is what a process gives.
type program struct {
	args           []string
	getenv         func(string) string
	stdout, stderr io.Writer
	terminal       bool // stderr is one
	now            func() time.Time
	// open reaches a deployment.
	open func(context.Context, func(string) string) (deployment, error)
}

// deployment is what a tool works on.
type deployment struct {
	names.Deployment
	store  orm.Store
	queues ops.Queues
	// born is when the table of events was made; zero: not known, or it says nothing
	// of the events in it.
	born time.Time
}

func open(ctx context.Context, getenv func(string) string) (deployment, error) {
	d, err := names.FromEnv(getenv)
	if err != nil {
		return deployment{}, fmt.Errorf("%w: run it with `vinci rebuild` or `vinci verify`", err)
	}
	store, err := orm.FromEnv(getenv)
	if err != nil {
		return deployment{}, err
	}
	config := awsenv.Config(getenv)
	out := deployment{Deployment: d, store: store, queues: ops.NewSQS(config)}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	table, err := dynamodb.NewFromConfig(config, func(o *dynamodb.Options) { o.RetryMaxAttempts = 1 }).
		DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: aws.String(d.Table(eventlog.Events.Schema().Name))})
	if err != nil {
		var dial *net.OpError
		if errors.As(err, &dial) {
			return deployment{}, fmt.Errorf("nothing answers at %s: %w", getenv(awsenv.EndpointURL), err)
		}
		return deployment{}, fmt.Errorf("describe the table of events: %w", err)
	}
	// A table that was restored is younger than what is in it.
	if table.Table != nil && table.Table.RestoreSummary == nil {
		out.born = aws.ToTime(table.Table.CreationDateTime)
	}
	return out, nil
}

// flags are those of both commands.
type flags struct {
	Options
	since                          string
	as                             string
	json                           bool
	dryRun, resume, abort, discard bool
	generation                     string
}

func (p program) run(ctx context.Context, sub *bus.Definition, tables []Table, parts []bus.Part) int {
	command := ""
	if len(p.args) > 0 {
		command = p.args[0]
	}
	fail := func(err error) int {
		if ctx.Err() != nil && errors.Is(err, context.Canceled) {
			mend := ""
			if command == CommandRebuild {
				mend = "; vinci rebuild --resume goes on, --abort gives it up"
			}
			fmt.Fprintf(p.stderr, "%s: stopped%s\n", command, mend)
			return exitStopped
		}
		fmt.Fprintf(p.stderr, "%s: %s\n", command, strings.TrimSpace(err.Error()))
		return exitFailed
	}
	model, err := NewModel(sub, tables, parts...)
	if err != nil {
		return fail(err)
	}
	var f flags
	switch command {
	case CommandSubscription:
		fmt.Fprintln(p.stdout, sub.Name)
		return 0
	case CommandRebuild, CommandVerify:
	default:
		fmt.Fprintf(p.stderr, "run it with `vinci rebuild` or `vinci verify`: the first argument is %q\n", command)
		return exitUsage
	}
	if code, done := p.parse(command, &f); done {
		return code
	}
	if f.as != "" {
		ctx = event.WithFlow(ctx, event.Flow{Actor: f.as})
	}
	d, err := p.open(ctx, p.getenv)
	if err != nil {
		return fail(err)
	}
	f.Application, f.Deployment, f.Store, f.Queues, f.Now = d.App, d.ID, d.store, d.queues, p.now
	f.Log = eventlog.New(d.store, eventlog.Options{Source: d.App, Now: p.now})
	if f.From, err = f.from(d, p.now()); err != nil {
		return fail(err)
	}
	told := &teller{w: p.stderr, terminal: p.terminal, now: p.now, last: p.now()}
	f.Progress = told.tell
	tool, err := New(model, f.Options)
	if err != nil {
		return fail(err)
	}
	if command == CommandVerify {
		err = p.verify(ctx, tool, &f, told)
	} else {
		err = p.rebuild(ctx, tool, &f, told)
	}
	if err != nil {
		return fail(err)
	}
	return 0
}

// born is how much earlier than its table an event may say that it is.
const born = 24 * time.Hour

// from is the beginning of the log.
func (f *flags) from(d deployment, now time.Time) (time.Time, error) {
	if f.since == "" {
		if d.born.IsZero() {
			return time.Time{}, errors.New("when does the log begin? The age of its table does not say, because it was restored: --since DAY, as in 2026-03-01")
		}
		return d.born.Add(-born), nil
	}
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if t, err := time.Parse(layout, f.since); err == nil {
			return t.UTC(), nil
		}
	}
	if days, err := time.ParseDuration(strings.TrimSuffix(f.since, "d") + "h"); err == nil && strings.HasSuffix(f.since, "d") && days >= 0 {
		return now.Add(-24 * days).UTC(), nil
	}
	return time.Time{}, fmt.Errorf("--since %q: it is a day (2026-03-01, UTC), a time (2026-03-01T12:00:00Z) or how many days ago (90d)", f.since)
}

// parse reads the flags; done says that there is nothing more to do.
func (p program) parse(command string, f *flags) (code int, done bool) {
	set := flag.NewFlagSet(command, flag.ContinueOnError)
	set.SetOutput(p.stderr)
	set.StringVar(&f.since, "since", "", "`DAY` before the first event of the log (default: when the table of events was made)")
	set.BoolVar(&f.json, "json", false, "print JSON")
	set.DurationVar(&f.Settle, "settle", 0, "how far the log's index may be behind (default 1m)")
	set.DurationVar(&f.Patience, "patience", 0, "how long nothing may get further (default 3m)")
	if command == CommandVerify {
		set.StringVar(&f.generation, "generation", "", "`NAME` of another generation than the current one, as g3")
	} else {
		set.BoolVar(&f.dryRun, "dry-run", false, "count the events and do nothing")
		set.BoolVar(&f.resume, "resume", false, "go on with the generation that is being made")
		set.BoolVar(&f.abort, "abort", false, "give up the generation that is being made")
		set.BoolVar(&f.discard, "drop", false, "delete the old generations that were kept")
		set.IntVar(&f.Rate, "rate", ops.DefaultRate, "most `EVENTS` a second")
		set.DurationVar(&f.Grace, "grace", 0, "how long after its end an old generation is deleted (default 40s, at least the function's time-out)")
		set.BoolVar(&f.Keep, "keep", false, "leave the old generation's items")
		set.BoolVar(&f.NoVerify, "no-verify", false, "flip without computing the model in memory")
		set.BoolVar(&f.WithDead, "with-dead", false, "flip although events were given up in the new generation")
		set.StringVar(&f.as, "as", "", "`NAME` of who does it, for the record in the log")
		set.StringVar(&f.Reason, "reason", "", "`TEXT` for the record in the log")
	}
	switch err := set.Parse(p.args[1:]); {
	case errors.Is(err, flag.ErrHelp):
		return 0, true
	case err != nil:
		return exitUsage, true // it has said why
	case set.NArg() > 0:
		fmt.Fprintf(p.stderr, "%s: unknown argument %q: flags begin with a dash\n", command, set.Arg(0))
		return exitUsage, true
	}
	ways := 0
	for _, way := range []bool{f.dryRun, f.resume, f.abort, f.discard} {
		if way {
			ways++
		}
	}
	if ways > 1 {
		fmt.Fprintf(p.stderr, "%s: one of --dry-run, --resume, --abort and --drop\n", command)
		return exitUsage, true
	}
	return 0, false
}

func (p program) verify(ctx context.Context, t *Tool, f *flags, told *teller) error {
	generation := f.generation
	if generation == "" {
		g, err := t.Pointer(ctx)
		if err != nil {
			return err
		}
		generation = g.Current
	}
	r, err := t.Verify(ctx, generation)
	told.end()
	if err != nil {
		return err
	}
	if f.json {
		err = p.print(r)
	} else {
		err = r.Print(p.stdout)
	}
	if err == nil && !r.OK() {
		err = ErrDifferent
	}
	return err
}

func (p program) rebuild(ctx context.Context, t *Tool, f *flags, told *teller) error {
	run := t.Start
	switch {
	case f.dryRun:
		run = t.DryRun
	case f.resume:
		run = t.Resume
	case f.abort:
		run = t.Abort
	case f.discard:
		run = t.Drop
	}
	r, err := run(ctx)
	told.end()
	printed := error(nil)
	switch {
	case f.json:
		printed = p.print(r)
	case err == nil || r.Sent > 0 || r.Flipped || len(r.Stuck) > 0 || !r.Report.OK():
		printed = r.Print(p.stdout, f.abort)
	}
	switch {
	case errors.Is(err, ErrBuilding):
		err = fmt.Errorf("%w: --resume goes on with it, --abort gives it up", err)
	case errors.Is(err, ErrStuck):
		err = fmt.Errorf("%w: see why (vinci trouble), mend it and go on with --resume, flip without them by --resume --with-dead when they are dead, or give up with --abort", err)
	case errors.Is(err, ErrDifferent):
		err = fmt.Errorf("%w, so it is not flipped: look again with --resume, or give up with --abort", err)
	}
	return errors.Join(err, printed)
}

func (p program) print(v any) error {
	e := json.NewEncoder(p.stdout)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(v)
}
