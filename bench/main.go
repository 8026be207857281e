// Command bench measures what docs/performance.md reports and prints it as
// Markdown. `make bench` runs it after the packages' own benchmarks.
//
// It measures whole things as a user meets them: binaries, a synthesis, the way
// of an event through the local runtime. It asserts nothing.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
)

type options struct {
	dir    string
	events int
}

func main() {
	os.Exit(run())
}

func run() int {
	var o options
	flag.StringVar(&o.dir, "dir", ".", "folder of the CDK app")
	flag.IntVar(&o.events, "events", 20_000, "events to send before the second look at speed")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := bench(ctx, o, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		return 1
	}
	return 0
}

func bench(ctx context.Context, o options, w io.Writer) error {
	if err := machine(w); err != nil {
		return err
	}
	if err := synthesis(ctx, o, w); err != nil {
		return err
	}
	if err := cost(ctx, o, w); err != nil {
		return err
	}
	return way(ctx, o, w)
}
