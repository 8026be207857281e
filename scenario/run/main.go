// Command run runs the reference application on this machine and drives it
// through its HTTP API. `make run` calls it.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/vinci-go/vinci/scenario"
)

func main() {
	os.Exit(run())
}

func run() int {
	var o scenario.Options
	flag.StringVar(&o.Dir, "dir", ".", "folder of the CDK app")
	flag.StringVar(&o.Assembly, "assembly", "", "run this cloud assembly instead of synthesizing one")
	flag.DurationVar(&o.Timeout, "timeout", 30*time.Second, "how long the application may take, once it runs")
	flag.Usage = func() {
		fmt.Fprintf(flag.CommandLine.Output(), "Usage: run [flags]\n\nRuns the reference application on this machine and drives it through its HTTP API.\n\n")
		flag.PrintDefaults()
	}
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	// The second Ctrl-C ends the process at once, and with it every child.
	context.AfterFunc(ctx, stop)

	err := scenario.Run(ctx, o, os.Stdout, os.Stderr)
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
