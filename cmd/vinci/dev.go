package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/vinci-go/vinci/internal/progress"
	"github.com/vinci-go/vinci/local"
	"github.com/vinci-go/vinci/local/synth"
)

// devPort is the port of vinci dev's AWS endpoint, beside that of vinci local: both
// may run.
const devPort = 4599

type devOptions struct {
	dir      string
	data     string
	gateway  string
	api      string
	dynamodb string
	chaos    chaosFlags

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
	f.StringVar(&o.gateway, "gateway", net.JoinHostPort("127.0.0.1", strconv.Itoa(devPort)), "loopback address of the AWS endpoint; port 0 takes a free one")
	f.StringVar(&o.api, "api", net.JoinHostPort("127.0.0.1", strconv.Itoa(localAPIPort)), "loopback address of the HTTP API; port 0 takes a free one")
	f.StringVar(&o.dynamodb, "dynamodb", "", "URL of a DynamoDB endpoint to use in place of the built-in engine")
	o.chaos.flags(f)
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
	c := local.Config{
		Data:             data,
		GatewayAddr:      o.gateway,
		APIAddr:          o.api,
		DynamoDBEndpoint: o.dynamodb,
		Logger:           slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: slog.LevelWarn})),
	}
	end, err := o.chaos.add(&c, stderr)
	if err != nil {
		return err
	}
	defer end()

	// The watch begins before the first build, so that a file saved during it is
	// not missed.
	changes, err := watch(ctx, dir)
	if err != nil {
		return err
	}
	if c.Assembly, err = synthesize(ctx, report, dir); err != nil {
		return err
	}
	return serve(ctx, report, stderr, c, func(rt *local.Runtime) error {
		if err := writeSession(dir, rt); err != nil {
			return err
		}
		defer func() {
			if err := removeSession(dir); err != nil {
				fmt.Fprintln(stderr, "vinci: stop:", err)
			}
		}()
		screen.banner(rt, rt.Owner())
		fmt.Fprintln(screen.w, "following the sources; Ctrl-C stops")
		return follow(ctx, rt, screen.log, stderr, changes, func(files string) {
			screen.notice("changed: " + files)
			if err := update(ctx, report, screen, rt, dir); err != nil && ctx.Err() == nil {
				// What runs goes on running; the next save tries again.
				screen.problem(err)
				screen.notice("what ran before goes on; the next save tries again")
			}
		})
	})
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
