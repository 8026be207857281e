package main

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/vinci-go/vinci/event/schema"
	"github.com/vinci-go/vinci/internal/moduletest"
	"github.com/vinci-go/vinci/internal/scaffold"
	"github.com/vinci-go/vinci/internal/tablelock"
)

var (
	checkoutRoot = filepath.Join("..", "..")
	scaffolded   = filepath.Join(checkoutRoot, "internal", "scaffold", "_app")
	startPage    = filepath.Join(checkoutRoot, "docs", "start.md")
)

// TestStart follows docs/start.md, from nothing to an application of one's own: it is
// written, vetted, tested as parts and as a whole, run, extended while it runs, and
// synthesized. Every command and every edit is the page's. Two things differ from a
// reader's machine: this checkout stands for the clone, and npm links the packages that
// are installed here.
func TestStart(t *testing.T) {
	page, err := os.ReadFile(startPage)
	if err != nil {
		t.Fatal(err)
	}
	f := newFollower(t)
	for _, m := range regexp.MustCompile("(?s)\n```(sh|go|diff|text)(?: file=(\\S+))?\n(.*?)\n```").FindAllStringSubmatch(string(page), -1) {
		kind, file, body := m[1], m[2], m[3]
		switch {
		case kind == "sh":
			for line := range strings.Lines(body) {
				f.command(strings.TrimSpace(line))
			}
		case kind == "go" && file != "":
			moduletest.Write(t, filepath.Join(f.dir, file), body+"\n")
		case kind == "diff" && file != "":
			before, after := sides(body)
			moduletest.Replace(t, filepath.Join(f.dir, file), before, after)
		default:
			t.Fatalf("a block says neither a command nor the file it belongs in:\n%s", m[0])
		}
	}
	if f.dev != nil {
		t.Fatal("the page does not end what it has started")
	}

	// The page did what it says.
	for _, want := range []string{"git clone", "make test", "ok  \texample.com/shop/domain/orders", "ok  \texample.com/shop/e2e", "make dev", `{"units":3}`, `{"units":0}`, "make synth DEPLOYMENT=dev"} {
		if !strings.Contains(f.done.String(), want) {
			t.Errorf("following the page there was no %s:\n%s", want, &f.done)
		}
	}
	templates := read(t, filepath.Join(f.dir, "cdk.out", "shop-dev-subscriptions.template.json"))
	for _, want := range []string{"shop-dev-count_sales", "shop-dev-return_sales"} {
		if !strings.Contains(templates, `"`+want+`"`) {
			t.Errorf("the CloudFormation has no %s", want)
		}
	}
	f.run(f.dir, "go build ./...")
	f.run(f.dir, "go vet ./...")
	f.run(f.dir, "go tool vinci schemas")
	if out := f.run(f.dir, "gofmt -l app.go domain e2e lambdas tables"); out != "" {
		t.Errorf("not formatted: %s", out)
	}

	// What the template says is agreed about its tables and events is current.
	f.run(f.dir, "go tool vinci tables lock")
	placed := filepath.Join(schema.Dir, "order.placed", "1.json")
	for _, file := range []string{tablelock.File, placed} {
		now, template := read(t, filepath.Join(f.dir, file)), filepath.Join(scaffolded, file)
		if *updateGolden {
			moduletest.Write(t, template, now)
		}
		if read(t, template) != now {
			t.Errorf("%s is not current: run go test ./cmd/vinci -run TestStart -update", template)
		}
	}
}

// sides are a diff's lines as they were and as they will be.
func sides(diff string) (before, after string) {
	var b, a []string
	for line := range strings.SplitSeq(diff, "\n") {
		mark, text := line[:1], line[1:]
		if mark != "+" {
			b = append(b, text)
		}
		if mark != "-" {
			a = append(a, text)
		}
	}
	return strings.Join(b, "\n"), strings.Join(a, "\n")
}

func read(t *testing.T, file string) string {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// follower does what a page says in its sh blocks.
type follower struct {
	t    *testing.T
	root string       // of this checkout, which stands for the clone
	app  string       // where ../shop is
	dir  string       // where the shell stands
	env  []string     // of all commands
	done bytes.Buffer // what was done, and what it answered

	dev    *exec.Cmd // make dev, while it runs
	screen *transcript
	at     int    // how far the screen was read
	url    string // of the HTTP API
	order  string // id of the order that was placed
}

// linkPackages is npm here: "npm ci" puts the packages of this checkout in place.
const linkPackages = `#!/bin/sh
set -eu
[ "$1" = ci ] && [ -f package-lock.json ] || { echo "npm $*: not expected" >&2; exit 1; }
mkdir node_modules
ln -s "$NPM_PACKAGES"/.bin "$NPM_PACKAGES"/* node_modules/
cp "$NPM_PACKAGES"/.package-lock.json node_modules/
`

func newFollower(t *testing.T) *follower {
	t.Helper()
	root, err := filepath.EvalSymlinks(checkoutRoot)
	if err == nil {
		root, err = filepath.Abs(root)
	}
	if err != nil {
		t.Fatal(err)
	}
	packages, err := filepath.EvalSymlinks(filepath.Join(root, "node_modules"))
	if err != nil {
		t.Fatal(err)
	}
	temp := t.TempDir()
	bin := filepath.Join(temp, "bin")
	moduletest.Write(t, filepath.Join(bin, "npm"), linkPackages)
	if err := os.Chmod(filepath.Join(bin, "npm"), 0o755); err != nil {
		t.Fatal(err)
	}
	f := &follower{t: t, root: root, app: filepath.Join(temp, "shop"), dir: temp}
	// curl would ask a proxy, if there is one, for this machine.
	f.env = append(os.Environ(), "NO_PROXY=127.0.0.1", "no_proxy=127.0.0.1", "NPM_PACKAGES="+packages, "PATH="+bin+string(os.PathListSeparator)+os.Getenv("PATH"))
	t.Cleanup(func() {
		if f.dev != nil {
			syscall.Kill(-f.dev.Process.Pid, syscall.SIGKILL)
			f.dev.Wait() // reports the signal
		}
		if t.Failed() {
			t.Logf("done so far:\n%s", &f.done)
			if f.screen != nil {
				t.Logf("make dev printed:\n%s", f.screen)
			}
		}
	})
	return f
}

// command does one line.
func (f *follower) command(line string) {
	f.t.Helper()
	f.t.Log(line)
	words := strings.Fields(line)
	if words[0] != "curl" && f.dev != nil {
		f.stop()
	}
	switch {
	case words[0] == "git":
		if want := "git clone https://" + scaffold.Framework; line != want {
			f.t.Fatalf("%s: want %s", line, want)
		}
		f.done.WriteString(line + "\n")
	case line == "cd vinci":
		f.dir = f.root
	case line == "cd ../shop" && f.dir == f.root:
		f.dir = f.app
	case line == "make dev":
		f.start()
	case words[0] == "curl":
		f.request(line)
	default:
		f.run(f.dir, strings.ReplaceAll(line, "../shop", f.app))
	}
}

// run runs a command to its end, and returns what it prints.
func (f *follower) run(dir, line string) string {
	f.t.Helper()
	began := time.Now()
	cmd := exec.CommandContext(f.t.Context(), "bash", "-c", line)
	cmd.Dir, cmd.Env = dir, f.env
	out, err := cmd.CombinedOutput()
	if err != nil {
		f.t.Fatalf("%s: %v\n%s", line, err, out)
	}
	f.done.WriteString(line + "\n")
	f.done.Write(out)
	f.t.Logf("%s: %s", line, time.Since(began).Round(time.Millisecond))
	return string(out)
}

// start runs make dev on free ports, as in a terminal: with what it starts in one group.
func (f *follower) start() {
	f.t.Helper()
	f.screen, f.at = newTranscript(), 0
	f.dev = exec.Command("make", "dev", "ARGS=--gateway 127.0.0.1:0 --api 127.0.0.1:0")
	f.dev.Dir, f.dev.Env = f.dir, f.env
	f.dev.Stdout, f.dev.Stderr = f.screen, f.screen
	f.dev.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := f.dev.Start(); err != nil {
		f.t.Fatal(err)
	}
	m, at := f.screen.wait(f.t, 0, `HTTP API \S+  (\S+)|Error \d`)
	if f.url = m[1]; f.url == "" {
		f.t.Fatal("make dev ended")
	}
	_, f.at = f.screen.wait(f.t, at, `following the sources`)
	f.done.WriteString("make dev\n")
}

// stop is Ctrl-C.
func (f *follower) stop() {
	f.t.Helper()
	if err := syscall.Kill(-f.dev.Process.Pid, syscall.SIGINT); err != nil {
		f.t.Fatal(err)
	}
	var exit *exec.ExitError
	if err := f.dev.Wait(); err != nil && !errors.As(err, &exit) { // make says that it was interrupted
		f.t.Fatal(err)
	}
	f.dev = nil
	if !strings.Contains(f.screen.String(), "stopping") {
		f.t.Error("make dev does not stop at Ctrl-C")
	}
	if left := processesOf(f.t, f.app); len(left) > 0 {
		f.t.Errorf("processes outlive make dev: %v", left)
	}
}

var orderID = regexp.MustCompile(`"order_id":"([^"]+)"`)

// request runs a curl. What was sold follows the orders by a moment, so it is looked at
// until it is what the page leads to.
func (f *follower) request(line string) {
	f.t.Helper()
	if f.dev == nil {
		f.t.Fatalf("%s: nothing runs", line)
	}
	if strings.Contains(line, "DELETE") { // what was saved is to be there
		_, f.at = f.screen.wait(f.t, f.at, `added .*return_sales`)
	}
	command := strings.NewReplacer("http://127.0.0.1:8080", f.url, "ORDER_ID", f.order).Replace(line)
	if !strings.Contains(line, "/sales/") {
		out := f.run(f.dir, command+` -w '\n%{http_code}'`)
		if m := orderID.FindStringSubmatch(out); m != nil {
			f.order = m[1]
		}
		if !strings.HasSuffix(out, "\n201") && !strings.HasSuffix(out, "\n204") {
			f.t.Fatalf("%s: %s", line, out)
		}
		return
	}
	want := `{"units":3}`
	if strings.Contains(f.done.String(), want) {
		want = `{"units":0}`
	}
	deadline := time.Now().Add(time.Minute)
	for !strings.Contains(f.run(f.dir, command), want) {
		if time.Now().After(deadline) {
			f.t.Fatalf("%s: it never answers %s", line, want)
		}
		time.Sleep(100 * time.Millisecond) // between two looks at a condition that nothing signals
	}
}
