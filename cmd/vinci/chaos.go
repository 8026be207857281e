package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/spf13/pflag"

	"github.com/vinci-go/vinci/local"
	"github.com/vinci-go/vinci/local/chaos"
)

// chaosFlags are those of every command that runs the local runtime.
type chaosFlags struct{ text, log string }

func (o *chaosFlags) flags(f *pflag.FlagSet) {
	f.StringVar(&o.text, "chaos", "", "be harsher than AWS on its bad days: SEED[,NAME=RATE...], as 42 or 42,throttle=0.1,kill=0")
	f.StringVar(&o.log, "chaos-log", "", "write each decision of --chaos as a line of this file")
}

// add puts what the flags say into the configuration, and says so. end is called
// when the runtime has stopped.
func (o chaosFlags) add(c *local.Config, stderr io.Writer) (end func(), err error) {
	harsh, tell, endLog, err := readChaos(o.text, o.log)
	if err != nil {
		return nil, err
	}
	c.Chaos, c.ChaosLog = harsh, tell
	if harsh != nil {
		fmt.Fprintf(stderr, "chaos %s\n", harsh)
	}
	return func() {
		if err := endLog(); err != nil {
			fmt.Fprintln(stderr, "vinci:", err)
		}
	}, nil
}

// readChaos reads the flags --chaos and --chaos-log. Without the first there is no
// configuration; end closes the log and is never nil.
func readChaos(text, logFile string) (c *chaos.Config, tell func(chaos.Decision), end func() error, err error) {
	end = func() error { return nil }
	if text == "" {
		if logFile != "" {
			err = errors.New("--chaos-log: there is nothing to write without --chaos")
		}
		return nil, nil, end, err
	}
	parsed, err := chaos.Parse(text)
	if err != nil {
		return nil, nil, end, fmt.Errorf("--chaos %s: %w", text, err)
	}
	if logFile == "" {
		return &parsed, nil, end, nil
	}
	log, err := chaos.CreateLog(logFile)
	if err != nil {
		return nil, nil, end, fmt.Errorf("--chaos-log: %w", err)
	}
	return &parsed, log.Tell, log.Close, nil
}
