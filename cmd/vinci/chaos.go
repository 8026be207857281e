package main

import (
	"errors"
	"fmt"

	"github.com/vinci-go/vinci/local/chaos"
)

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
