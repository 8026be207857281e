package synth

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/vinci-go/vinci/internal/definitions"
)

// Deployment is the deployment id of what runs on a laptop.
const Deployment = "local"

// Kind classifies an [Error]. Test for one with errors.Is.
type Kind string

// What can go wrong.
const (
	NoApp  Kind = "no CDK app"       // no cdk.json, or none that can be read
	NoNode Kind = "no Node"          // npm packages are missing
	Failed Kind = "synthesis failed" // the app itself failed; it has said why
)

// Error makes a Kind a target for errors.Is.
func (k Kind) Error() string { return string(k) }

// Error says what stopped a synthesis and how to mend it.
type Error struct {
	Kind    Kind
	Message string
	Err     error
}

func (e *Error) Error() string {
	if e.Err == nil {
		return e.Message
	}
	return fmt.Sprintf("%s: %v", e.Message, e.Err)
}

// Is reports whether target is this error's kind.
func (e *Error) Is(target error) bool { return target == e.Kind }

func (e *Error) Unwrap() error { return e.Err }

// Options say what to synthesize and where.
type Options struct {
	Dir    string    // folder of cdk.json
	Out    string    // folder of the assembly, made when absent; file of the definitions; relative to Dir unless absolute
	Output io.Writer // what the app prints; nil: it is kept and shown in the error

	// Deployment is the deployment id; default [Deployment].
	Deployment string
	// Env is added to the app's environment, as NAME=value.
	Env []string
}

// Run synthesizes the app for this machine's processor and returns the
// assembly's folder. Cancelling ctx ends the app and everything it started.
func Run(ctx context.Context, o Options) (string, error) {
	dir, err := filepath.Abs(o.Dir)
	if err != nil {
		return "", fmt.Errorf("synthesize %s: %w", o.Dir, err)
	}
	out := o.Out
	if !filepath.IsAbs(out) {
		out = filepath.Join(dir, out)
	}
	app, err := readApp(dir)
	if err != nil {
		return "", err
	}
	node, err := findNode(dir)
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(out, 0o755); err != nil {
		return "", fmt.Errorf("make the assembly's folder: %w", err)
	}
	if err := run(ctx, o, dir, app, "PATH="+node+string(os.PathListSeparator)+os.Getenv("PATH"), "CDK_OUTDIR="+out); err != nil {
		return "", err
	}
	return out, nil
}

// Definitions runs the app for its definitions only, which it writes to o.Out:
// package internal/definitions reads that file. It is quick, because the app
// compiles no function, and it needs no Node, because the CDK is not started.
func Definitions(ctx context.Context, o Options) error {
	dir, err := filepath.Abs(o.Dir)
	if err != nil {
		return fmt.Errorf("ask %s for its definitions: %w", o.Dir, err)
	}
	app, err := readApp(dir)
	if err != nil {
		return err
	}
	out, err := os.MkdirTemp("", "vinci-")
	if err != nil {
		return fmt.Errorf("make a temporary folder: %w", err)
	}
	defer os.RemoveAll(out) // it is empty, unless the app does not know the variable
	file := o.Out
	if !filepath.IsAbs(file) {
		file = filepath.Join(dir, file)
	}
	if err := run(ctx, o, dir, app, definitions.Env+"="+file, "CDK_OUTDIR="+out); err != nil {
		return err
	}
	if _, err := os.Stat(file); err != nil {
		return &Error{Kind: Failed, Err: err, Message: fmt.Sprintf("the app of %s (%s) wrote no definitions: it must end in Application.Synth, and use the version of Vinci that this tool is of",
			filepath.Join(dir, "cdk.json"), app.App)}
	}
	return nil
}

// run runs the app's command with the context, and with env added to the
// environment.
func run(ctx context.Context, o Options, dir string, app *cdkJSON, env ...string) error {
	deployment := o.Deployment
	if deployment == "" {
		deployment = Deployment
	}
	contextJSON, err := json.Marshal(app.contextFor(deployment))
	if err != nil {
		return fmt.Errorf("encode the context of cdk.json: %w", err)
	}

	var kept bytes.Buffer
	output := o.Output
	if output == nil {
		output = &kept
	}
	cmd := exec.CommandContext(ctx, "sh", "-c", app.App)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(),
		"CDK_CONTEXT_JSON="+string(contextJSON),
		"CDK_VALIDATION=false", // three seconds and 400 MB: `make synth` and CI have it on
	)
	cmd.Env = append(append(cmd.Env, env...), o.Env...)
	cmd.Stdout, cmd.Stderr = output, output
	// `go run` starts the app and the app starts Node: a group of their own lets
	// one signal reach them all.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 5 * time.Second
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			return fmt.Errorf("synthesize: %w", ctx.Err())
		}
		message := fmt.Sprintf("the app of %s failed (%s)", filepath.Join(dir, "cdk.json"), app.App)
		if text := said(kept.String()); text != "" {
			message += ":\n" + text
			var exit *exec.ExitError
			if errors.As(err, &exit) && exit.Exited() {
				err = nil // the app has said why: its exit status adds nothing
			}
		}
		return &Error{Kind: Failed, Message: message, Err: err}
	}
	return nil
}

// said is what the app printed, without the line that go run adds to it.
func said(output string) string {
	text := strings.TrimSpace(output)
	if cut, ok := strings.CutSuffix(text, "\nexit status 1"); ok {
		return cut
	}
	return text
}

// cdkJSON is the part of cdk.json that matters here.
type cdkJSON struct {
	App     string         `json:"app"`
	Context map[string]any `json:"context"`
}

func readApp(dir string) (*cdkJSON, error) {
	file := filepath.Join(dir, "cdk.json")
	b, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) {
		return nil, &Error{Kind: NoApp, Message: fmt.Sprintf("%s holds no cdk.json: run this in the folder of a CDK app, or name it with --dir", dir)}
	}
	if err != nil {
		return nil, &Error{Kind: NoApp, Message: "read " + file, Err: err}
	}
	var app cdkJSON
	if err := json.Unmarshal(b, &app); err != nil {
		return nil, &Error{Kind: NoApp, Message: "read " + file, Err: err}
	}
	if app.App == "" {
		return nil, &Error{Kind: NoApp, Message: file + ` has no "app": it names the command that synthesizes, such as "go run ."`}
	}
	return &app, nil
}

// contextFor is the context of cdk.json with what the CDK CLI adds to it, and
// the deployment and processor of this run.
func (a *cdkJSON) contextFor(deployment string) map[string]any {
	c := maps.Clone(a.Context)
	if c == nil {
		c = map[string]any{}
	}
	// Construct paths and asset folders in the templates: the local runtime names
	// resources by the one and finds code by the other.
	c["aws:cdk:enable-path-metadata"] = true
	c["aws:cdk:enable-asset-metadata"] = true
	c["aws:cdk:version-reporting"] = false
	c["deployment"] = deployment
	c["architecture"] = architecture()
	return c
}

// architecture is this machine's processor in Lambda's words.
func architecture() string {
	if runtime.GOARCH == "arm64" {
		return "arm64"
	}
	return "x86_64"
}

// findNode returns the folder of the Node that npm installed beside the app, or
// in a folder above it. The CDK needs a supported Node, and a machine's own may
// be too old.
func findNode(dir string) (string, error) {
	for at := dir; ; at = filepath.Dir(at) {
		bin := filepath.Join(at, "node_modules", ".bin")
		if _, err := os.Stat(filepath.Join(bin, "node")); err == nil {
			return bin, nil
		}
		if at == filepath.Dir(at) {
			break
		}
	}
	if runtime.GOOS != "linux" || runtime.GOARCH != "amd64" {
		// The npm package is for Linux x64: elsewhere the machine's own serves.
		if node, err := exec.LookPath("node"); err == nil {
			return filepath.Dir(node), nil
		}
	}
	return "", &Error{Kind: NoNode, Message: fmt.Sprintf("no node_modules/.bin/node in %s or above it: run `npm ci` there", dir)}
}
