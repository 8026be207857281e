// Command run runs the reference application on this machine and drives it
// through its HTTP API. `make run` calls it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/vinci-go/vinci/local/chaos"
	"github.com/vinci-go/vinci/scenario"
)

func main() {
	os.Exit(run())
}

// Under chaos a message waits for the visibility time-out of its queue when the
// process that had it dies: up to some minutes.
const (
	defaultTimeout = 30 * time.Second
	chaosTimeout   = 10 * time.Minute
)

func run() int {
	var o scenario.Options
	flag.StringVar(&o.Dir, "dir", ".", "folder of the CDK app")
	flag.StringVar(&o.Assembly, "assembly", "", "run this cloud assembly instead of synthesizing one")
	flag.DurationVar(&o.Timeout, "timeout", defaultTimeout, "how long the application may take, once it runs")
	var log *chaos.LogFile
	flag.Func("chaos", "make the runtime harsher than AWS on its bad days: `SEED[,NAME=RATE...]`, as 42 or 42,throttle=0.1,kill=0", func(text string) error {
		c, err := chaos.Parse(text)
		o.Chaos = &c
		return err
	})
	flag.Func("chaos-log", "write each decision of --chaos as a line of this `FILE`", func(path string) (err error) {
		log, err = chaos.CreateLog(path)
		if err == nil {
			o.ChaosLog = log.Tell
		}
		return err
	})
	flag.Usage = func() {
		fmt.Fprintf(flag.CommandLine.Output(), "Usage: run [flags]\n\nRuns the reference application on this machine and drives it through its HTTP API.\n\n")
		flag.PrintDefaults()
	}
	flag.Parse()
	if o.Chaos != nil && o.Timeout == defaultTimeout {
		o.Timeout = chaosTimeout
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	// The second Ctrl-C ends the process at once, and with it every child.
	context.AfterFunc(ctx, stop)

	err := scenario.Run(ctx, o, os.Stdout, os.Stderr)
	if log != nil {
		err = errors.Join(err, log.Close())
	}
	switch {
	case err == nil:
		return 0
	case ctx.Err() != nil:
		fmt.Fprintln(os.Stderr, "run: interrupted")
		return 130
	}
	fmt.Fprintln(os.Stderr, "run:", err)
	return 1
}
