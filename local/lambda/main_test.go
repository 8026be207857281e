package lambda

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// echoDir is the asset folder of the test function, built once.
var echoDir string

func TestMain(m *testing.M) {
	if dir := os.Getenv(parentMode); dir != "" {
		echoDir = dir
		actAsParent()
		return
	}
	if dir := os.Getenv(asyncParentMode); dir != "" {
		echoDir = dir
		actAsAsyncParent(os.Getenv("STATE"), os.Getenv("MARKS"))
		return
	}
	os.Exit(runTests(m))
}

func runTests(m *testing.M) int {
	dir, err := os.MkdirTemp("", "lambda-test-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	build := exec.Command("go", "build", "-tags", "lambda.norpc", "-o", filepath.Join(dir, "bootstrap"), "./testdata/echo")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build the test function: %v\n%s", err, out)
		return 1
	}
	echoDir = dir
	return m.Run()
}

// sink keeps log lines and lets tests wait for one.
type sink struct {
	mu    sync.Mutex
	lines []LogLine
	more  chan struct{} // closed and made anew with each line
}

func newSink() *sink { return &sink{more: make(chan struct{})} }

func (s *sink) add(l LogLine) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lines = append(s.lines, l)
	close(s.more)
	s.more = make(chan struct{})
}

func (s *sink) texts(requestID string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var texts []string
	for _, l := range s.lines {
		if l.RequestID == requestID {
			texts = append(texts, l.Text)
		}
	}
	return texts
}

// wait returns the n-th line, from 1, that begins with prefix.
func (s *sink) wait(t testing.TB, prefix string, n int) LogLine {
	t.Helper()
	deadline := time.After(20 * time.Second)
	for {
		s.mu.Lock()
		found := 0
		for _, l := range s.lines {
			if strings.HasPrefix(l.Text, prefix) {
				if found++; found == n {
					s.mu.Unlock()
					return l
				}
			}
		}
		more := s.more
		s.mu.Unlock()
		select {
		case <-more:
		case <-deadline:
			t.Fatalf("no line %q; there is\n%s", prefix, s.all())
		}
	}
}

func (s *sink) all() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var b strings.Builder
	for _, l := range s.lines {
		fmt.Fprintf(&b, "%s | %s\n", l.RequestID, l.Text)
	}
	return b.String()
}

// start returns a service with these functions and closes it with the test.
func start(t testing.TB, o Options, functions ...FunctionConfig) (*Service, *sink) {
	t.Helper()
	logs := newSink()
	if o.Logs == nil {
		o.Logs = logs.add
	}
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		if err := s.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	if err := s.Apply(t.Context(), functions, nil); err != nil {
		t.Fatal(err)
	}
	return s, logs
}

// echo is the configuration of the test function.
func echo(changes ...func(*FunctionConfig)) FunctionConfig {
	c := FunctionConfig{
		Name: "echo", ARN: "arn:aws:lambda:us-east-1:000000000000:function:echo",
		Dir: echoDir, Timeout: 20 * time.Second, MemoryMB: 128,
		RoleARN: "arn:aws:iam::000000000000:role/echo",
	}
	for _, change := range changes {
		change(&c)
	}
	return c
}

func named(name string) func(*FunctionConfig) {
	return func(c *FunctionConfig) { c.Name, c.ARN = name, "arn:aws:lambda:us-east-1:000000000000:function:"+name }
}

func timeout(d time.Duration) func(*FunctionConfig) { return func(c *FunctionConfig) { c.Timeout = d } }
func reserved(n int) func(*FunctionConfig)          { return func(c *FunctionConfig) { c.Reserved = &n } }
func env(name, value string) func(*FunctionConfig) {
	return func(c *FunctionConfig) {
		if c.Env == nil {
			c.Env = map[string]string{}
		}
		c.Env[name] = value
	}
}

type request struct {
	Do   string
	Text string
	MS   int
	N    int
}

type reply struct {
	Text, ID, ARN, Dir string
	PID, Child, Calls  int
	Env                map[string]string
	Deadline           time.Time
}

// call invokes function echo and wants it to succeed.
func call(t testing.TB, s *Service, r request) (reply, Result) {
	t.Helper()
	result := invoke(t, s, r)
	if result.FunctionError != "" {
		t.Fatalf("%+v: function error: %s", r, result.Payload)
	}
	var a reply
	if err := json.Unmarshal(result.Payload, &a); err != nil {
		t.Fatalf("%s: %v", result.Payload, err)
	}
	return a, result
}

func invoke(t testing.TB, s *Service, r request) Result {
	t.Helper()
	result, err := s.Invoke(t.Context(), "echo", mustJSON(t, r))
	if err != nil {
		t.Fatalf("%+v: %v", r, err)
	}
	return result
}

func mustJSON(t testing.TB, v any) []byte {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// described is the payload of a function error.
type described struct{ ErrorType, ErrorMessage string }

func describe(t testing.TB, r Result) described {
	t.Helper()
	if r.FunctionError != "Unhandled" {
		t.Fatalf("function error is %q: %s", r.FunctionError, r.Payload)
	}
	var d described
	if err := json.Unmarshal(r.Payload, &d); err != nil {
		t.Fatalf("%s: %v", r.Payload, err)
	}
	return d
}

// awaitDeath waits until the process is gone, reaped or not.
func awaitDeath(t testing.TB, pid int) {
	t.Helper()
	fd, err := unix.PidfdOpen(pid, 0)
	if errors.Is(err, unix.ESRCH) {
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	deadline := time.Now().Add(20 * time.Second)
	for time.Now().Before(deadline) {
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 1000)
		if n > 0 {
			return
		}
		if err != nil && !errors.Is(err, unix.EINTR) {
			t.Fatal(err)
		}
	}
	t.Fatalf("process %d lives on", pid)
}

// copyDir makes another asset folder with the same bootstrap.
func copyDir(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	b, err := os.ReadFile(filepath.Join(echoDir, "bootstrap"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "bootstrap"), b, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

func contains(t testing.TB, lines []string, want ...string) {
	t.Helper()
	for _, w := range want {
		if !slices.ContainsFunc(lines, func(l string) bool { return strings.Contains(l, w) }) {
			t.Errorf("no line with %q in\n%s", w, strings.Join(lines, "\n"))
		}
	}
}
