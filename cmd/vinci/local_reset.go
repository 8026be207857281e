package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/vinci-go/vinci/local"
)

func newLocalReset() *cobra.Command {
	var data string
	var yes bool
	cmd := &cobra.Command{
		Use:   "reset",
		Short: "Delete what vinci local keeps",
		Long: `Deletes the tables, queues and everything else that vinci local keeps in --data, and
says what it deleted. Files that it did not make there stay. While a runtime uses the
folder nothing is deleted.

At a terminal it asks first, unless --yes is given. With --data .vinci/data it empties
what vinci dev keeps.`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			dir, err := filepath.Abs(data)
			if err != nil || data == "" {
				return fmt.Errorf("--data %q: name the folder to empty", data)
			}
			if in, ok := cmd.InOrStdin().(*os.File); ok && !yes && isTerminal(in) {
				sure, err := confirm(in, cmd.ErrOrStderr(), fmt.Sprintf("delete everything that vinci keeps in %s?", dir))
				if err != nil {
					return err
				}
				if !sure {
					fmt.Fprintln(cmd.OutOrStdout(), "nothing was deleted")
					return nil
				}
			}
			return resetLocal(dir, cmd.OutOrStdout())
		},
	}
	cmd.Flags().StringVar(&data, "data", localData, "`FOLDER` to empty")
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask")
	return cmd
}

// confirm asks a question; only y and yes are a yes.
func confirm(in io.Reader, out io.Writer, question string) (bool, error) {
	fmt.Fprintf(out, "%s [y/N] ", question)
	line, err := bufio.NewReader(in).ReadString('\n')
	if err != nil && err != io.EOF {
		return false, fmt.Errorf("read the answer: %w", err)
	}
	answer := strings.ToLower(strings.TrimSpace(line))
	return answer == "y" || answer == "yes", nil
}

func resetLocal(dir string, out io.Writer) error {
	c, err := local.Reset(dir)
	if len(c.Deleted) > 0 {
		fmt.Fprintf(out, "deleted from %s: %s (%s)\n", dir, strings.Join(c.Deleted, ", "), size(c.Bytes))
	}
	if err != nil {
		return err
	}
	if len(c.Deleted) == 0 {
		fmt.Fprintf(out, "nothing is kept in %s\n", dir)
	}
	if len(c.Kept) > 0 {
		fmt.Fprintf(out, "left alone, because vinci did not make it: %s\n", strings.Join(c.Kept, ", "))
	}
	return nil
}

// size is a number of bytes for people.
func size(n int64) string {
	const kb, mb, gb = 1 << 10, 1 << 20, 1 << 30
	switch {
	case n >= gb:
		return fmt.Sprintf("%.1f GB", float64(n)/gb)
	case n >= mb:
		return fmt.Sprintf("%.1f MB", float64(n)/mb)
	case n >= kb:
		return fmt.Sprintf("%.1f KB", float64(n)/kb)
	}
	return fmt.Sprintf("%d bytes", n)
}
