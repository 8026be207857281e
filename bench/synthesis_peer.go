package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
)

// besideTypeScript measures the synthesis of the reference application beside that of
// the same resources written in TypeScript, in bench/synth-ts: both without the CDK's
// validation, one after the other in turn, all functions built before. Ours is the
// compiled app, theirs the compiled JavaScript. Ours asks the go command whether the
// functions are up to date, which theirs has nothing like; how long that takes
// alone is in a line of its own.
func besideTypeScript(ctx context.Context, o options, w io.Writer) error {
	root, err := filepath.Abs(o.dir)
	if err != nil {
		return err
	}
	theirs := filepath.Join(root, "bench", "synth-ts")
	program := filepath.Join(theirs, "out", "app.js")
	if _, err := os.Stat(program); err != nil {
		return fmt.Errorf("the TypeScript beside which we are measured is not built: npm ci --prefix bench/synth-ts && npm run build --prefix bench/synth-ts (%w)", err)
	}
	work, err := os.MkdirTemp("", "vinci-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	app, err := compiled(ctx, root, work)
	if err != nil {
		return err
	}
	outs := [2]string{filepath.Join(work, "ours"), filepath.Join(work, "theirs")}
	const rounds = 11
	var runs [2][]synthCost
	for i := range rounds + 1 { // the first one warms up
		for who := range runs {
			command := []string{app}
			if who == 1 {
				command = []string{"node", program}
			}
			c, err := timedSynthesis(ctx, root, outs[who], command)
			if err != nil {
				return err
			}
			if i > 0 {
				runs[who] = append(runs[who], c)
			}
		}
	}
	var found [2]inventory
	for who := range found {
		if found[who], err = inventoryOf(outs[who]); err != nil {
			return err
		}
	}
	if err := differences(found[0], found[1]); err != nil {
		return fmt.Errorf("bench/synth-ts does not make the same resources, extend its app.ts:\n%w", err)
	}
	checks, err := goChecks(ctx, root)
	if err != nil {
		return err
	}
	ours, other := median(runs[0]), median(runs[1])
	fmt.Fprintf(w, "| the reference application, %d resources, median of %d | seconds | processor seconds | templates |\n|---|---|---|---|\n", found[0].resources(), rounds)
	for who, name := range [2]string{"Vinci", "TypeScript CDK, the same resources"} {
		m := median(runs[who])
		fmt.Fprintf(w, "| %s | %.2f | %.2f | %d KB |\n", name, m.wall.Seconds(), m.processor.Seconds(), found[who].bytes>>10)
	}
	fmt.Fprintf(w, "| ratio | %.2f | %.2f | |\n", ours.wall.Seconds()/other.wall.Seconds(), ours.processor.Seconds()/other.processor.Seconds())
	fmt.Fprintf(w, "| of ours, the go command's look at the functions, which goes on beside the start of the CDK | %.2f | %.2f | |\n", checks.wall.Seconds(), checks.processor.Seconds())
	return asTyped(ctx, root, outs, w)
}

// timedSynthesis runs one of the two. Theirs takes the deployment and the functions
// from the environment.
func timedSynthesis(ctx context.Context, root, out string, command []string) (synthCost, error) {
	cmd, err := appCommand(ctx, root, root, command[0], out, "false", command[1:]...)
	if err != nil {
		return synthCost{}, err
	}
	cmd.Env = append(cmd.Env, "DEPLOYMENT=bench", "FUNCTIONS="+filepath.Join(root, ".vinci", "build", "arm64"))
	return timed(cmd)
}

// asTyped measures what somebody meets who runs the sources, as cdk.json does: nothing
// is compiled before but what go and tsx keep in their caches.
func asTyped(ctx context.Context, root string, outs [2]string, w io.Writer) error {
	for who, command := range [2][]string{{"go", "run", "."}, {"node", "bench/synth-ts/node_modules/tsx/dist/cli.mjs", "bench/synth-ts/app.ts"}} {
		var runs []synthCost
		for i := range 6 { // the first one warms up
			c, err := timedSynthesis(ctx, root, outs[who], command)
			if err != nil {
				return err
			}
			if i > 0 {
				runs = append(runs, c)
			}
		}
		m := median(runs)
		name := [2]string{"`go run .`, warm", "`tsx app.ts`, warm"}[who]
		fmt.Fprintf(w, "| for information: %s | %.2f | %.2f | |\n", name, m.wall.Seconds(), m.processor.Seconds())
	}
	_, err := fmt.Fprintln(w)
	return err
}

// goChecks is what a build of all functions takes when nothing changed.
func goChecks(ctx context.Context, root string) (synthCost, error) {
	work, err := os.MkdirTemp("", "vinci-bench-")
	if err != nil {
		return synthCost{}, err
	}
	defer os.RemoveAll(work)
	var runs []synthCost
	for i := range 6 { // the first one builds
		cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-tags", "lambda.norpc,validator_novalidatefn", "-ldflags=-s -w",
			"-o", work+string(filepath.Separator), "./lambdas/...", "./cmd/vinci-relay", "./cmd/vinci-timers")
		cmd.Dir = root
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH=arm64")
		c, err := timed(cmd)
		if err != nil {
			return synthCost{}, err
		}
		if i > 0 {
			runs = append(runs, c)
		}
	}
	return median(runs), nil
}
