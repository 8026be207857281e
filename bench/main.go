// Command bench measures what docs/performance.md reports and prints it as
// Markdown. `make bench` runs it after the packages' own benchmarks.
//
// It measures whole things as a user meets them: binaries, a synthesis, the way
// of an event through the local runtime and what it costs; and the table layer beside what others
// take for the same, with the ratios. It asserts nothing.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"time"
)

type options struct {
	dir    string
	events int
	parts  string

	placing placing
}

// part is something that is measured.
type part struct {
	name    string
	measure func(context.Context, options, io.Writer) error
}

// parts are in the order in which they are measured.
var parts = []part{
	{"tables", tableLayer},
	{"synthesis", synthesis},
	{"scale", scale},
	{"typescript", besideTypeScript},
	{"queues", queueService},
	{"gateway", gatewayCosts},
	{"cost", cost},
	{"way", way},
	{"orders", placeOrders},
}

func partNames() []string {
	var names []string
	for _, p := range parts {
		names = append(names, p.name)
	}
	return names
}

func main() {
	os.Exit(run())
}

func run() int {
	var o options
	flag.StringVar(&o.dir, "dir", ".", "folder of the CDK app")
	flag.IntVar(&o.events, "events", 100_000, "events to send before the second look at speed")
	flag.StringVar(&o.parts, "parts", strings.Join(partNames(), ","), "what to measure")
	flag.IntVar(&o.placing.rate, "rate", 20, "orders a second, at the steady rate")
	flag.DurationVar(&o.placing.steady, "steady", time.Minute, "how long orders are placed at the steady rate")
	flag.DurationVar(&o.placing.burst, "burst", 20*time.Second, "how long orders are placed as fast as they are taken")
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
	chosen := strings.Split(o.parts, ",")
	for _, name := range chosen {
		if !slices.ContainsFunc(parts, func(p part) bool { return p.name == name }) {
			return fmt.Errorf("no part is called %q: there are %s", name, strings.Join(partNames(), ", "))
		}
	}
	for _, p := range parts {
		if !slices.Contains(chosen, p.name) {
			continue
		}
		if err := p.measure(ctx, o, w); err != nil {
			return err
		}
	}
	return nil
}
