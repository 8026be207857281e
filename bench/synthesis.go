package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/vinci-go/vinci/local/assembly"
)

// synthesis measures the app's own process, run as the CDK CLI runs it, with and
// without the CDK's validation, and the size of each function's program.
func synthesis(ctx context.Context, o options, w io.Writer) error {
	dir, err := filepath.Abs(o.dir)
	if err != nil {
		return err
	}
	work, err := os.MkdirTemp("", "vinci-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	app, err := compiled(ctx, dir, work)
	if err != nil {
		return err
	}
	out := filepath.Join(work, "cdk.out")

	fmt.Fprintf(w, "| synthesis (app built, functions built) | seconds, median of 5 | peak memory of the largest process |\n|---|---|---|\n")
	for _, c := range []struct{ name, validation string }{
		{"with the CDK's validation", "true"},
		{"without (`make dev`, unit tests)", "false"},
	} {
		var took []time.Duration
		var peak int64
		for i := range 6 { // the first one warms up
			d, memory, err := runApp(ctx, dir, app, out, c.validation)
			if err != nil {
				return err
			}
			if i > 0 {
				took, peak = append(took, d), max(peak, memory)
			}
		}
		fmt.Fprintf(w, "| %s | %.2f | %d MB |\n", c.name, percentile(took, 0.5).Seconds(), peak>>20)
	}
	fmt.Fprintln(w)
	return sizes(out, w)
}

// compiled builds the app of a folder into work.
func compiled(ctx context.Context, dir, work string) (app string, err error) {
	app = filepath.Join(work, "app")
	build := exec.CommandContext(ctx, "go", "build", "-o", app, ".")
	build.Dir = dir
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the app: %w\n%s", err, out)
	}
	return app, nil
}

func runApp(ctx context.Context, dir, app, out, validation string) (time.Duration, int64, error) {
	cmd, err := appCommand(ctx, dir, dir, app, out, validation)
	if err != nil {
		return 0, 0, err
	}
	c, err := timed(cmd)
	return c.wall, c.peak, err
}

// appCommand runs a program in dir as the CDK's command line runs an app, with the
// context of root's cdk.json and the npm packages that are there.
func appCommand(ctx context.Context, root, dir, program, out, validation string, args ...string) (*exec.Cmd, error) {
	contextJSON, err := contextOf(filepath.Join(root, "cdk.json"))
	if err != nil {
		return nil, err
	}
	path := filepath.Join(root, "node_modules", ".bin") + string(os.PathListSeparator) + os.Getenv("PATH")
	if program == "node" { // the one that Vinci runs on
		program = filepath.Join(root, "node_modules", ".bin", "node")
	}
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "PATH="+path, "CDK_OUTDIR="+out, "CDK_CONTEXT_JSON="+contextJSON, "CDK_VALIDATION="+validation)
	return cmd, nil
}

// contextOf is the context of cdk.json with a deployment.
func contextOf(file string) (string, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	var cdk struct{ Context map[string]any }
	if err := json.Unmarshal(b, &cdk); err != nil {
		return "", fmt.Errorf("read %s: %w", file, err)
	}
	if cdk.Context == nil {
		cdk.Context = map[string]any{}
	}
	cdk.Context["deployment"] = "bench"
	cdk.Context["aws:cdk:enable-path-metadata"] = true
	cdk.Context["aws:cdk:enable-asset-metadata"] = true
	b, err = json.Marshal(cdk.Context)
	return string(b), err
}

// sizes prints the size of each function's program in the assembly.
func sizes(dir string, w io.Writer) error {
	a, err := assembly.Load(dir, assembly.Environment{Account: "000000000000", Region: "us-east-1"})
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "| function (linux/arm64) | `bootstrap` |\n|---|---|\n")
	var rows []string
	for _, r := range a.Resources {
		if r.Type != "AWS::Lambda::Function" {
			continue
		}
		info, err := os.Stat(filepath.Join(r.AssetDir, "bootstrap"))
		if err != nil {
			return err
		}
		rows = append(rows, fmt.Sprintf("| `%s` | %.1f MB |", r.ConstructPath, float64(info.Size())/(1<<20)))
	}
	slices.Sort(rows)
	_, err = fmt.Fprintf(w, "%s\n\n", strings.Join(rows, "\n"))
	return err
}
