package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// gatewayRounds is how often each benchmark of the local services runs.
const gatewayRounds = 5

// localFigures are benchmarks of the local services, by package.
var localFigures = []struct{ what, pkg, name string }{
	{"match an event against 10 rules of a bus", "./event/pattern", "SetMatch/rules=10"},
	{"… 100 rules", "./event/pattern", "SetMatch/rules=100"},
	{"… 1,000 rules", "./event/pattern", "SetMatch/rules=1000"},
	{"DynamoDB GetItem, the engine alone", "./local/dynamodb", "GetItem/engine"},
	{"… through the gateway, as the owner", "./local/dynamodb", "GetItem/gateway"},
	{"… through the gateway, IAM judged", "./local/dynamodb", "GetItem/gateway+IAM"},
	{"invoke a warm function that does nothing", "./local/lambda", "Invoke"},
	{"start an assembly with tables, a bus, queues and functions", "./local", "Start"},
}

// gatewayCosts measures what the gateway and the services behind it cost a call,
// and what a running system takes of the machine.
func gatewayCosts(ctx context.Context, o options, w io.Writer) error {
	names := map[string][]string{}
	var packages []string
	for _, f := range localFigures {
		if len(names[f.pkg]) == 0 {
			packages = append(packages, f.pkg)
		}
		top, _, _ := strings.Cut(f.name, "/")
		names[f.pkg] = append(names[f.pkg], top)
	}
	found := figures{}
	for range gatewayRounds {
		for _, pkg := range packages {
			run := exec.CommandContext(ctx, "go", "test", "-run", "^$", "-bench", "^Benchmark("+strings.Join(names[pkg], "|")+")$", "-benchtime", "300ms", pkg)
			run.Dir = o.dir
			out, err := run.CombinedOutput()
			if err != nil {
				return fmt.Errorf("benchmarks of %s: %w\n%s", pkg, err, out)
			}
			found.read(string(out))
		}
	}
	fmt.Fprintf(w, "Medians of %d runs.\n\n| | time |\n|---|---|\n", gatewayRounds)
	for _, f := range localFigures {
		ns, err := found.of(f.name, "ns/op")
		if err != nil {
			return err
		}
		fmt.Fprintf(w, "| %s | %s |\n", f.what, micro(ns))
	}
	fmt.Fprintln(w)
	return memory(ctx, o, w)
}

// memory measures `vinci local` with nothing in it: how soon it answers, and what
// it holds before and after a load.
func memory(ctx context.Context, o options, w io.Writer) (err error) {
	data, err := os.MkdirTemp("", "vinci-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(data)
	var p *peer
	fmt.Fprintf(w, "| `vinci local` | gateway, MB | engine and functions, MB |\n|---|---|---|\n")
	if p, err = startVinci(ctx, o.dir, filepath.Join(data, "vinci")); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.stop()) }()
	show := func(when string) error {
		own, children, err := p.memory()
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(w, "| %s | %.0f | %.0f |\n", when, own, children)
		return err
	}
	if err := show("idle, " + fmt.Sprintf("%d ms after its start", p.started.Milliseconds())); err != nil {
		return err
	}
	if err := loadQueue(ctx, p); err != nil {
		return err
	}
	if err := show(fmt.Sprintf("after %d messages from 8 clients", queueMessages)); err != nil {
		return err
	}
	_, err = fmt.Fprintln(w)
	return err
}
