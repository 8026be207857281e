package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/vinci-go/vinci/internal/progress"
	"github.com/vinci-go/vinci/local"
)

// stopWithin bounds how long functions may take to finish after Ctrl-C.
const stopWithin = 15 * time.Second

// serve is how every command runs the local runtime: it starts one, has body use
// it, and stops it, also when ctx has ended.
func serve(ctx context.Context, report *progress.Reporter, stderr io.Writer, c local.Config, body func(*local.Runtime) error) error {
	var rt *local.Runtime
	err := report.Step("start the local runtime", func() (err error) {
		rt, err = local.Start(ctx, c)
		return err
	})
	if err != nil {
		return err
	}
	defer func() {
		// ctx has ended by now; stopping has a bound of its own.
		stopCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopWithin)
		defer cancel()
		if err := rt.Stop(stopCtx); err != nil {
			fmt.Fprintln(stderr, "vinci: stop:", err)
		}
	}()
	return body(rt)
}

// follow hands on what the functions log, and what changes, until ctx ends or the
// runtime does. A nil channel of changes is one on which nothing comes.
func follow(ctx context.Context, rt *local.Runtime, log func(local.LogLine), stderr io.Writer, changes <-chan string, changed func(files string)) error {
	logs := rt.Subscribe(ctx)
	for {
		select {
		case <-ctx.Done():
			fmt.Fprintln(stderr, "stopping")
			return nil
		case <-rt.Done():
			return fmt.Errorf("the local runtime stopped: %w: start it again; its data is kept", rt.Err())
		case line, ok := <-logs:
			if !ok {
				logs = nil // ctx is ending
				continue
			}
			log(line)
		case files, ok := <-changes:
			if !ok {
				changes = nil // ctx is ending
				continue
			}
			changed(files)
		}
	}
}
