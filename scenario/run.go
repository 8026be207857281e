package scenario

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/vinci-go/vinci/internal/progress"
	"github.com/vinci-go/vinci/local"
	"github.com/vinci-go/vinci/local/chaos"
	"github.com/vinci-go/vinci/local/gateway"
	"github.com/vinci-go/vinci/local/synth"
)

// Options say what to run.
type Options struct {
	Dir      string        // folder of the CDK app
	Assembly string        // run this cloud assembly; empty: synthesize one
	Timeout  time.Duration // how long the application may take, once it runs

	// Chaos makes the runtime harsh, nil for not; ChaosLog is told its decisions, nil
	// for nobody. The scenario then makes requests again that the API did not answer.
	Chaos    *chaos.Config
	ChaosLog func(chaos.Decision)

	// Observer is told of each call that reached the gateway; nil for none.
	Observer func(gateway.Call)
	// Polls is told of what Lambda does for event source mappings; nil for none.
	Polls func(gateway.Call)
}

// stopTimeout bounds how long stopping may take, also after ctx has ended.
const stopTimeout = 15 * time.Second

// Run does everything from the synthesis to the last child's end. An error names
// the step that failed; the log of the function to look at goes to stderr.
func Run(ctx context.Context, o Options, stdout, stderr io.Writer) (err error) {
	report := progress.New(stderr)
	stage, err := Start(ctx, o, report, stdout, stderr)
	if err != nil {
		return err
	}
	defer func() {
		if stopErr := stage.Stop(ctx); stopErr != nil && err == nil {
			err = fmt.Errorf("step stop: %w", stopErr)
		}
	}()
	ctx, cancel := context.WithTimeout(ctx, o.Timeout)
	defer cancel()
	for _, story := range []func(context.Context) error{stage.users, stage.Orders} {
		if err := story(ctx); err != nil {
			var failed *stepError
			if errors.As(err, &failed) {
				failed.showLog(stderr, stage.Runtime)
			}
			return err
		}
	}
	return nil
}

// Start synthesizes the app unless an assembly is named, and starts it with a
// fresh data folder on free ports.
func Start(ctx context.Context, o Options, report *progress.Reporter, stdout, stderr io.Writer) (*Stage, error) {
	assembly := o.Assembly
	if assembly == "" {
		err := report.Step("build the functions and synthesize the app", func() (err error) {
			assembly, err = synth.Run(ctx, synth.Options{Dir: o.Dir, Out: ".vinci/cdk.out"})
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("step synthesize: %w", err)
		}
	}
	if o.Chaos != nil {
		fmt.Fprintf(stderr, "chaos %s\n", o.Chaos)
	}
	var rt *local.Runtime
	err := report.Step("start the local runtime", func() (err error) {
		rt, err = local.Start(ctx, local.Config{
			Assembly: assembly,
			Chaos:    o.Chaos,
			ChaosLog: o.ChaosLog,
			Observer: o.Observer,
			Polls:    o.Polls,
			Logger:   slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: slog.LevelWarn})),
		})
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("step start: %w", err)
	}
	stage, err := newStage(rt, stdout)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("step connect: %w", err), stop(ctx, rt))
	}
	stage.insists = o.Chaos != nil
	return stage, nil
}

// Stop stops everything that Start started, even when ctx has ended.
func (s *Stage) Stop(ctx context.Context) error { return stop(ctx, s.Runtime) }

func stop(ctx context.Context, rt *local.Runtime) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
	defer cancel()
	return rt.Stop(ctx)
}
