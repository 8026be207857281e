package main

import (
	"fmt"
	"io"
	"time"
)

// teller tells how far something has come: in place on a terminal every half second,
// else a line every ten seconds.
type teller struct {
	to       io.Writer
	terminal bool
	every    time.Duration
	last     time.Time
	shown    bool
}

func newTeller(to io.Writer) *teller {
	c := &teller{to: to, terminal: isTerminal(to), every: 10 * time.Second, last: time.Now()}
	if c.terminal {
		c.every = 500 * time.Millisecond
	}
	return c
}

func (c *teller) tell(text func() string) {
	if time.Since(c.last) < c.every {
		return
	}
	c.last = time.Now()
	if c.terminal {
		c.shown = true
		fmt.Fprint(c.to, "\r\x1b[K", text())
		return
	}
	fmt.Fprintln(c.to, text())
}

// end takes the line off the terminal.
func (c *teller) end() {
	if c.shown {
		fmt.Fprint(c.to, "\r\x1b[K")
		c.shown = false
	}
}
