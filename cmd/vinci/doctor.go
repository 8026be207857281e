package main

import (
	"context"
	"fmt"
	"io"
	"path/filepath"

	"github.com/spf13/cobra"
)

func newDoctor() *cobra.Command {
	var dir string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Check that this machine has what Vinci needs, and say what to do",
		Long: `Looks at what the application in --dir needs on this machine: Go, Node and the npm
packages, the CDK command line tool, the DynamoDB engine, free ports, disk space, limits
of the system, and the lines of go.mod. In a folder without a cdk.json it looks at what
vinci local needs. It changes nothing.

Each line is ok, warn or fail, and says what to do. The exit code is 1 when one is fail.`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			at, err := filepath.Abs(dir)
			if err == nil {
				at, err = filepath.EvalSymlinks(at) // processes are known by the folder's real name
			}
			if err != nil {
				return fmt.Errorf("--dir %s: %w", dir, err)
			}
			return doctor(cmd.Context(), thisMachine(), at, asJSON, cmd.OutOrStdout())
		},
	}
	cmd.Flags().StringVar(&dir, "dir", ".", "folder of the CDK app (cdk.json)")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// state is how a check came out.
type state string

const (
	fine state = "ok"
	warn state = "warn" // something works less well, or not by default
	fail state = "fail" // something does not work
)

// finding is the line of one check.
type finding struct {
	Check string `json:"check"`
	State state  `json:"state"`
	Found string `json:"found"`
	Mend  string `json:"mend,omitempty"` // what to do; "" when all is well
}

// doctor prints what it finds, and fails with exit code 1 when something does not
// work.
func doctor(ctx context.Context, m machine, dir string, asJSON bool, out io.Writer) error {
	findings := examine(ctx, m, dir)
	well := true
	for _, f := range findings {
		well = well && f.State != fail
	}
	if asJSON {
		err := writeJSON(out, struct {
			OK     bool      `json:"ok"`
			Checks []finding `json:"checks"`
		}{well, findings})
		if err != nil {
			return err
		}
	} else if err := printExamination(newScreen(out), findings); err != nil {
		return err
	}
	if !well {
		return exitCode(1)
	}
	return nil
}

func printExamination(s *screen, findings []finding) error {
	width := 0
	for _, f := range findings {
		width = max(width, len(f.Check))
	}
	colors := map[state]string{fine: dim, warn: cyan, fail: red}
	for _, f := range findings {
		text := f.Found
		if f.Mend != "" {
			text += ": " + f.Mend
		}
		if _, err := fmt.Fprintf(s.w, "%s  %-*s  %s\n", s.paint(colors[f.State], fmt.Sprintf("%-4s", f.State)), width, f.Check, text); err != nil {
			return err
		}
	}
	return nil
}
