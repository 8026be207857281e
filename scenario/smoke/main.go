package main

import (
	"context"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/domain"
	"github.com/vinci-go/vinci/domain/users"
	"github.com/vinci-go/vinci/eventlog"
	"github.com/vinci-go/vinci/internal/names"
	"github.com/vinci-go/vinci/ops"
	"github.com/vinci-go/vinci/orm"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // the second Ctrl-C ends the process at once
	err := run(ctx, os.Args[1:], os.Getenv, os.Stdout)
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
	case ctx.Err() != nil:
		fmt.Fprintln(os.Stderr, "smoke: interrupted")
		os.Exit(130)
	default:
		fmt.Fprintln(os.Stderr, "smoke:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, getenv func(string) string, out io.Writer) error {
	flags := flag.NewFlagSet("smoke", flag.ContinueOnError)
	deployment := flags.String("deployment", getenv(names.EnvDeployment), "`ID` of the deployment (default $"+names.EnvDeployment+")")
	address := flags.String("url", "", "`URL` of the HTTP API")
	outputs := flags.String("outputs", "", "`FILE` that cdk deploy --outputs-file has written, to find the address in")
	timeout := flags.Duration("timeout", 3*time.Minute, "how `LONG` the whole may take")
	every := flags.Duration("every", time.Second, "how `OFTEN` to look whether an event is handled")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("no arguments are taken, got %s: see --help", strings.Join(flags.Args(), " "))
	}
	if *timeout <= 0 || *every <= 0 {
		return fmt.Errorf("--timeout %s, --every %s: both are longer than nothing", *timeout, *every)
	}
	app := getenv(names.EnvApplication)
	if app == "" {
		app = domain.Application
	}
	d, err := names.New(app, *deployment)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, *timeout)
	defer cancel()
	switch {
	case *address != "":
	case *outputs != "":
		*address, err = fromFile(*outputs)
	default:
		*address, err = fromStack(ctx, d, getenv)
	}
	if err != nil {
		return err
	}
	if u, err := url.Parse(*address); err != nil || u.Host == "" {
		return fmt.Errorf("%q is no address of an API", *address)
	}
	s, err := newSmoke(d, strings.TrimSuffix(*address, "/"), getenv)
	if err != nil {
		return err
	}
	s.wait, s.out = waiting(*every), out
	return s.run(ctx)
}

// newSmoke finds the deployment's tables as its functions do.
func newSmoke(d names.Deployment, api string, getenv func(string) string) (*smoke, error) {
	log, store, err := eventlog.FromEnv(func(name string) string {
		switch name {
		case names.EnvApplication:
			return d.App
		case names.EnvDeployment:
			return d.ID
		}
		return getenv(name)
	})
	if err != nil {
		return nil, err
	}
	o, err := newOps(d, store, log)
	if err != nil {
		return nil, err
	}
	newID := func() string { return strings.ToLower(rand.Text()) }
	return &smoke{api: api, ops: o, http: &http.Client{Timeout: 30 * time.Second}, newID: newID}, nil
}

func newOps(d names.Deployment, store orm.Store, log *eventlog.Log) (*ops.Ops, error) {
	var subs []ops.Subscription
	for _, s := range []*bus.Definition{users.SendWelcome, users.CountTotal, users.CountActive} {
		subs = append(subs, ops.Of(s))
	}
	return ops.New(ops.Options{Application: d.App, Deployment: d.ID, Store: store, Log: log, Subscriptions: subs})
}

// waiting waits for as long each time, or until ctx ends.
func waiting(every time.Duration) func(context.Context) error {
	return func(ctx context.Context) error {
		t := time.NewTimer(every)
		defer t.Stop()
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-t.C:
			return nil
		}
	}
}
