package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/vinci-go/vinci/internal/progress"
	"github.com/vinci-go/vinci/local"
	"github.com/vinci-go/vinci/local/synth"
)

type devOptions struct {
	dir      string
	data     string
	gateway  string
	api      string
	dynamodb string
	chaos    string
	chaosLog string

	withParent bool
}

func newDev() *cobra.Command {
	var o devOptions
	cmd := &cobra.Command{
		Use:   "dev",
		Short: "Run the application on this machine and follow its sources",
		Long: `Synthesizes deployment "local" into .vinci/cdk.out, runs that assembly on this
machine and follows the sources: a changed function or changed infrastructure
is built and put in place without a restart. No AWS account is needed.

It prints the URL of each HTTP API, and the endpoint and credentials with which
any AWS SDK and the aws CLI reach the tables, queues and buses; vinci tables and
vinci migrate find it by themselves in the same --dir. Function logs follow.
Ctrl-C stops everything it started; the data stays in --data.`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx := cmd.Context()
			if o.withParent {
				ctx = untilOrphaned(ctx)
			}
			return dev(ctx, o, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.dir, "dir", ".", "folder of the CDK app (cdk.json)")
	f.StringVar(&o.data, "data", filepath.Join(".vinci", "data"), "folder of tables and queues, relative to --dir; delete it to start empty")
	f.StringVar(&o.gateway, "gateway", "127.0.0.1:4599", "loopback address of the AWS endpoint; port 0 takes a free one")
	f.StringVar(&o.api, "api", "127.0.0.1:8080", "loopback address of the HTTP API; port 0 takes a free one")
	f.StringVar(&o.dynamodb, "dynamodb", "", "URL of a DynamoDB endpoint to use in place of the built-in engine")
	f.StringVar(&o.chaos, "chaos", "", "be harsher than AWS on its bad days: SEED[,NAME=RATE...], as 42 or 42,throttle=0.1,kill=0")
	f.StringVar(&o.chaosLog, "chaos-log", "", "write each decision of --chaos as a line of this file")
	f.BoolVar(&o.withParent, "with-parent", false, "stop when the process that started this one ends, however it ends")
	return cmd
}

// untilOrphaned ends when ctx does or when this process loses its parent: make
// passes no signal on when it is killed itself.
func untilOrphaned(ctx context.Context) context.Context {
	parent := os.Getppid()
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		defer cancel()
		tick := time.NewTicker(500 * time.Millisecond) // no system says it everywhere
		defer tick.Stop()
		for os.Getppid() == parent {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
		}
	}()
	return ctx
}

// dev runs until ctx ends.
func dev(ctx context.Context, o devOptions, stdout, stderr io.Writer) error {
	dir, err := filepath.Abs(o.dir)
	if err != nil {
		return fmt.Errorf("--dir %s: %w", o.dir, err)
	}
	data := o.data
	if !filepath.IsAbs(data) {
		data = filepath.Join(dir, data)
	}
	report := progress.New(stderr)
	screen := newScreen(stdout)
	harsh, tell, endLog, err := readChaos(o.chaos, o.chaosLog)
	if err != nil {
		return err
	}
	defer func() {
		if err := endLog(); err != nil {
			fmt.Fprintln(stderr, "vinci:", err)
		}
	}()
	if harsh != nil {
		fmt.Fprintf(stderr, "chaos %s\n", harsh)
	}

	// The watch begins before the first build, so that a file saved during it is
	// not missed.
	changes, err := watch(ctx, dir)
	if err != nil {
		return err
	}
	assembly, err := synthesize(ctx, report, dir)
	if err != nil {
		return err
	}
	var rt *local.Runtime
	err = report.Step("start the local runtime", func() (err error) {
		rt, err = local.Start(ctx, local.Config{
			Assembly:         assembly,
			Data:             data,
			GatewayAddr:      o.gateway,
			APIAddr:          o.api,
			DynamoDBEndpoint: o.dynamodb,
			Chaos:            harsh,
			ChaosLog:         tell,
			Logger:           slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: slog.LevelWarn})),
		})
		return err
	})
	if err != nil {
		return err
	}
	defer func() {
		// ctx has ended by now; stopping has a bound of its own.
		stopCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 15*time.Second)
		defer cancel()
		if err := rt.Stop(stopCtx); err != nil {
			fmt.Fprintln(stderr, "vinci: stop:", err)
		}
	}()
	if err := writeSession(dir, rt); err != nil {
		return err
	}
	defer func() {
		if err := removeSession(dir); err != nil {
			fmt.Fprintln(stderr, "vinci: stop:", err)
		}
	}()
	screen.banner(rt)

	logs := rt.Subscribe(ctx)
	for {
		select {
		case <-ctx.Done():
			fmt.Fprintln(stderr, "stopping")
			return nil
		case <-rt.Done():
			return fmt.Errorf("the local runtime stopped: %w: start it again; its data is kept in %s", rt.Err(), data)
		case line, ok := <-logs:
			if !ok {
				logs = nil // ctx is ending
				continue
			}
			screen.log(line)
		case files, ok := <-changes:
			if !ok {
				changes = nil // ctx is ending
				continue
			}
			screen.notice("changed: " + files)
			if err := update(ctx, report, screen, rt, dir); err != nil {
				if ctx.Err() != nil {
					continue
				}
				// What runs goes on running; the next save tries again.
				screen.problem(err)
				screen.notice("what ran before goes on; the next save tries again")
			}
		}
	}
}

// update builds and synthesizes again and puts the result in place.
func update(ctx context.Context, report *progress.Reporter, screen *screen, rt *local.Runtime, dir string) error {
	start := time.Now()
	assembly, err := synthesize(ctx, report, dir)
	if err != nil {
		return err
	}
	changes, err := rt.Reload(ctx, assembly)
	if err != nil {
		return fmt.Errorf("put the change in place: %w", err)
	}
	screen.notice(fmt.Sprintf("%s (%s)", changes, time.Since(start).Round(10*time.Millisecond)))
	return synth.Prune(assembly)
}

func synthesize(ctx context.Context, report *progress.Reporter, dir string) (string, error) {
	var assembly string
	err := report.Step("build and synthesize", func() (err error) {
		assembly, err = synth.Run(ctx, synth.Options{Dir: dir, Out: filepath.Join(".vinci", "cdk.out")})
		return err
	})
	if errors.Is(err, synth.Failed) && ctx.Err() != nil {
		return "", ctx.Err()
	}
	return assembly, err
}

// isTerminal reports whether w is a terminal, where colour is welcome.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
