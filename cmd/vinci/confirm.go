package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
)

// confirmation asks before something that nobody can take back.
type confirmation struct{ yes bool }

func (c *confirmation) flags(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&c.yes, "yes", false, "do not ask first; needed where nobody sits at a terminal")
}

// possible fails early where it must be asked and nobody is there.
func (c *confirmation) possible(cmd *cobra.Command) error {
	if !c.yes && !asks(cmd.InOrStdin()) {
		return errors.New("nobody can be asked, for standard input is no terminal, and this cannot be taken back: say --yes if it is meant")
	}
	return nil
}

// ask is nil for a yes.
func (c *confirmation) ask(cmd *cobra.Command, question string) error {
	if c.yes {
		return nil
	}
	return ask(cmd.Context(), cmd.InOrStdin(), cmd.ErrOrStderr(), question)
}

var errNotMeant = errors.New("the answer was not yes: nothing was done")

func ask(ctx context.Context, in io.Reader, out io.Writer, question string) error {
	if _, err := fmt.Fprintf(out, "%s [y/N] ", question); err != nil {
		return err
	}
	// A read of a terminal does not end with the context, and Ctrl-C must.
	answered := make(chan string, 1)
	go func() {
		line, _ := bufio.NewReader(in).ReadString('\n') // an end without an answer is a no
		answered <- strings.ToLower(strings.TrimSpace(line))
	}()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case answer := <-answered:
		if answer == "y" || answer == "yes" {
			return nil
		}
		return errNotMeant
	}
}

// asks reports whether somebody may answer.
func asks(in io.Reader) bool {
	f, ok := in.(*os.File)
	return ok && isTerminal(f)
}
