package main

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/internal/definitions"
	"github.com/vinci-go/vinci/internal/moduletest"
)

func TestRebuildArguments(t *testing.T) {
	dir := t.TempDir()
	run := func(args ...string) (string, error) {
		out, _, err := vinci(t, "", append(args, "--dir", dir)...)
		return out, err
	}
	for _, command := range []string{"rebuild", "verify"} {
		if out, err := run(command); err != nil || !strings.Contains(out, filepath.Join("readmodels", "NAME", "main.go")) {
			t.Errorf("none: %q, %v", out, err)
		}
		if _, err := run(command, "dashboard"); err == nil || !strings.Contains(err.Error(), "write its main.go in readmodels/dashboard") {
			t.Errorf("none to run: %v", err)
		}
	}
	moduletest.Write(t, filepath.Join(dir, "readmodels", "dashboard", "main.go"), "package main")
	moduletest.Write(t, filepath.Join(dir, "readmodels", "order_summary", "main.go"), "package main")
	moduletest.Write(t, filepath.Join(dir, "readmodels", "helper", "helper.go"), "package helper")
	if out, err := run("verify"); err != nil || out != "dashboard\norder_summary\n" {
		t.Errorf("list: %q, %v", out, err)
	}
	if _, err := run("rebuild", "dash"); err == nil || !strings.Contains(err.Error(), `there is no read model "dash": did you mean "dashboard"?`) {
		t.Errorf("a beginning: %v", err)
	}
	if _, err := run("rebuild", "dashboard", "order_summary"); err == nil || !strings.Contains(err.Error(), "one read model at a time") {
		t.Errorf("two: %v", err)
	}
	if _, err := run("verify", "dashboard", "--rate", "5"); err == nil || !strings.Contains(err.Error(), "unknown flag: --rate") {
		t.Errorf("verify does not send: %v", err)
	}
}

// What the program is called with: the flags that were set, and what only the tool can
// know.
func TestModelArguments(t *testing.T) {
	t.Setenv("USER", "ada")
	for _, c := range []struct {
		command, flags string
		local          bool
		timeout        time.Duration
		want           string
	}{
		{"rebuild", "", true, time.Second, "--settle=1s --as=ada"},
		{"rebuild", "", false, 5 * time.Minute, "--grace=5m0s --as=ada"},
		{"rebuild", "--grace 1s --settle 2s --as bob --keep --rate=5 --deployment dev", true, 5 * time.Minute, "--grace=1s --keep=true --rate=5 --settle=2s --as=bob"},
		{"rebuild", "--dry-run --json --reason why", false, 0, "--dry-run=true --json=true --reason=why --as=ada"},
		{"verify", "--generation g3 --patience 1m", true, time.Hour, "--generation=g3 --patience=1m0s --settle=1s"},
	} {
		cmd, o := newModelCommand(c.command)
		all := newRebuild()
		if c.command == "verify" {
			all = newVerify()
		}
		cmd.ResetFlags()
		cmd.Flags().AddFlagSet(all.Flags())
		if err := cmd.ParseFlags(strings.Fields(c.flags)); err != nil {
			t.Fatal(err)
		}
		if as := cmd.Flags().Lookup("as"); as != nil {
			o.as = as.Value.String()
		}
		got, err := o.arguments(c.command, cmd.Flags(), c.local, c.timeout)
		if err != nil || strings.Join(got, " ") != c.want {
			t.Errorf("%s %s: %q, %v, want %s", c.command, c.flags, got, err, c.want)
		}
	}
	t.Setenv("USER", "")
	cmd, o := newModelCommand("rebuild")
	if _, err := o.arguments("rebuild", cmd.Flags(), true, 0); err == nil || !strings.Contains(err.Error(), "--as NAME") {
		t.Errorf("nobody: %v", err)
	}
}

// The command builds the program, asks it for its subscription, and runs it where the
// deployment is; its exit code is the command's.
func TestRunModel(t *testing.T) {
	dir := fakeApp(t)
	t.Setenv("USER", "ada")
	sub := definitions.SubscriptionOf(bus.Subscription("project_dashboard", bus.To(event.Match("order.*")), bus.Rebuildable()), true)
	sub.Timeout = 90
	if err := definitions.Write(filepath.Join(dir, "definitions.json"), &definitions.File{Application: "shop", Subscriptions: []*definitions.Subscription{sub}}); err != nil {
		t.Fatal(err)
	}
	moduletest.Write(t, filepath.Join(dir, "go.mod"), "module example.com/shop\n\ngo 1.26\n")
	main := filepath.Join(dir, "readmodels", "dashboard", "main.go")
	program := func(subscription string) {
		moduletest.Write(t, main, `package main

import (
	"fmt"
	"os"
)

func main() {
	switch os.Args[1] {
	case "subscription":
		fmt.Println("`+subscription+`")
	case "verify":
		fmt.Println("it differs")
		os.Exit(1)
	default:
		fmt.Println(os.Args[1:], os.Getenv("VINCI_APP"), os.Getenv("VINCI_DEPLOYMENT"), os.Getenv("AWS_ENDPOINT_URL"))
	}
}
`)
	}
	program("project_dashboard")
	run := func(args ...string) (string, error) {
		out, problems, err := vinci(t, "", append(args, "--dir", dir, "--endpoint", "http://127.0.0.1:9")...)
		if problems != "" {
			t.Logf("%s", problems)
		}
		return out, err
	}
	out, err := run("rebuild", "dashboard", "--resume")
	if want := "[rebuild --resume=true --settle=1s --grace=1m30s --as=ada] shop local http://127.0.0.1:9\n"; err != nil || out != want {
		t.Errorf("%q, %v, want %q", out, err, want)
	}
	var code exitCode
	if out, err := run("verify", "dashboard"); !errors.As(err, &code) || code != 1 || out != "it differs\n" {
		t.Errorf("verify: %q, %v", out, err)
	}
	program("project_dashbord")
	if _, err := run("rebuild", "dashboard"); err == nil || !strings.Contains(err.Error(), `there is no subscription "project_dashbord": did you mean "project_dashboard"?`) {
		t.Errorf("a subscription that was not added: %v", err)
	}
	moduletest.Write(t, main, "package main\n\nfunc main() { nothing() }\n")
	if _, err := run("rebuild", "dashboard"); err == nil || !strings.Contains(err.Error(), "undefined: nothing") {
		t.Errorf("it does not build: %v", err)
	}
}
