package lambda

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func TestIdleEnds(t *testing.T) {
	s, _ := start(t, Options{IdleTimeout: 50 * time.Millisecond}, echo())
	a, _ := call(t, s, request{Do: "echo"})
	awaitDeath(t, a.PID)
	if next, _ := call(t, s, request{Do: "echo"}); next.PID == a.PID {
		t.Error("a dead process answered")
	}
}

func TestSIGTERM(t *testing.T) {
	mark := filepath.Join(t.TempDir(), "mark")
	s, _ := start(t, Options{}, echo(env("SIGTERM_MARK", mark)))
	a, _ := call(t, s, request{Do: "echo"})
	if err := s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	awaitDeath(t, a.PID)
	if _, err := os.Stat(mark); err != nil {
		t.Errorf("the function that registered for SIGTERM did not get it: %v", err)
	}
}

func TestGrandchildren(t *testing.T) {
	s, _ := start(t, Options{}, echo())
	a, _ := call(t, s, request{Do: "child"})
	if r := invoke(t, s, request{Do: "exit", N: 1}); r.FunctionError == "" {
		t.Fatal("it did not exit")
	}
	awaitDeath(t, a.PID)
	awaitDeath(t, a.Child)
}

func TestReplaceUnderLoad(t *testing.T) {
	s, logs := start(t, Options{MaxEnvironments: 4}, echo(env("V", "0")))
	gate := filepath.Join(t.TempDir(), "gate")
	old := make(chan reply, 1)
	go func() {
		a, _ := call(t, s, request{Do: "wait", Text: gate})
		old <- a
	}()
	logs.wait(t, "waiting", 1)

	stop := make(chan struct{})
	var count atomic.Int64
	var load sync.WaitGroup
	for range 3 {
		load.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				call(t, s, request{Do: "echo"})
				count.Add(1)
			}
		})
	}
	version := func() string {
		a, _ := call(t, s, request{Do: "env"})
		return a.Env["V"]
	}
	for i := 1; i <= 5; i++ {
		if err := s.Apply(t.Context(), []FunctionConfig{echo(env("V", fmt.Sprint(i)))}, nil); err != nil {
			t.Fatal(err)
		}
		if v := version(); v != fmt.Sprint(i) {
			t.Errorf("version %d answered after %d was applied", i, i)
		}
	}
	close(stop)
	load.Wait()
	if count.Load() == 0 {
		t.Error("there was no load")
	}
	// The one from before all that is still at work, and finishes.
	select {
	case <-old:
		t.Fatal("it did not wait")
	default:
	}
	if err := os.WriteFile(gate, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	awaitDeath(t, (<-old).PID)
}

func TestApplyKeepsWhatDidNotChange(t *testing.T) {
	dir := copyDir(t)
	c := echo(func(c *FunctionConfig) { c.Dir = dir })
	s, _ := start(t, Options{}, c)
	a, _ := call(t, s, request{Do: "echo"})
	if err := s.Apply(t.Context(), []FunctionConfig{c}, nil); err != nil {
		t.Fatal(err)
	}
	b, _ := call(t, s, request{Do: "echo"})
	if b.PID != a.PID {
		t.Error("an unchanged function was replaced")
	}
	// Another file in the asset is another code.
	if err := os.WriteFile(filepath.Join(dir, "data"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := s.Apply(t.Context(), []FunctionConfig{c}, nil); err != nil {
		t.Fatal(err)
	}
	if b, _ = call(t, s, request{Do: "echo"}); b.PID == a.PID {
		t.Error("a function with changed code was not replaced")
	}
	awaitDeath(t, a.PID)
	// Removed: it ends, and is no longer found.
	if err := s.Apply(t.Context(), nil, nil); err != nil {
		t.Fatal(err)
	}
	awaitDeath(t, b.PID)
	if _, err := s.Invoke(t.Context(), "echo", nil); !errors.Is(err, ErrNotFound) {
		t.Errorf("a removed function: %v", err)
	}
}

// TestRemovedWhileRunning: a removed function finishes what it runs, and one of
// the same name that comes later is another.
func TestRemovedWhileRunning(t *testing.T) {
	s, logs := start(t, Options{}, echo(env("V", "1")))
	gate := filepath.Join(t.TempDir(), "gate")
	old := make(chan reply, 1)
	go func() {
		a, _ := call(t, s, request{Do: "wait", Text: gate})
		old <- a
	}()
	logs.wait(t, "waiting", 1)
	for _, functions := range [][]FunctionConfig{nil, nil, {echo(env("V", "2"))}} {
		if err := s.Apply(t.Context(), functions, nil); err != nil {
			t.Fatal(err)
		}
	}
	if len(s.draining) != 1 {
		t.Errorf("%d functions are draining", len(s.draining))
	}
	if a, _ := call(t, s, request{Do: "env"}); a.Env["V"] != "2" {
		t.Errorf("version %s answered", a.Env["V"])
	}
	if err := os.WriteFile(gate, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	f := s.draining[0]
	awaitDeath(t, (<-old).PID)
	eventually(t, f, func() bool { return f.old[0].live == 0 })
	if err := s.Apply(t.Context(), nil, nil); err != nil {
		t.Fatal(err)
	}
	if len(s.draining) != 1 || s.draining[0] == f {
		t.Error("a function that is gone is still kept")
	}
}

func TestCloseWaits(t *testing.T) {
	s, logs := start(t, Options{}, echo())
	gate := filepath.Join(t.TempDir(), "gate")
	done := make(chan reply, 1)
	go func() {
		a, _ := call(t, s, request{Do: "wait", Text: gate})
		done <- a
	}()
	logs.wait(t, "waiting", 1)
	closed := make(chan error, 1)
	go func() { closed <- s.Close(context.Background()) }()
	for { // until Close has begun
		if _, err := s.Invoke(t.Context(), "echo", nil); errors.Is(err, ErrClosed) {
			break
		}
	}
	if err := os.WriteFile(gate, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	a := <-done
	if err := <-closed; err != nil {
		t.Error(err)
	}
	awaitDeath(t, a.PID)
	if err := s.Apply(t.Context(), nil, nil); !errors.Is(err, ErrClosed) {
		t.Errorf("apply after close: %v", err)
	}
}

func TestCloseUnderLoad(t *testing.T) {
	s, logs := start(t, Options{MaxEnvironments: 4}, echo())
	var pids sync.Map
	errs := make(chan error, 8)
	for range 8 {
		go func() {
			for {
				r, err := s.Invoke(context.Background(), "echo", []byte(`{}`))
				if err != nil {
					errs <- err
					return
				}
				var a reply
				if r.FunctionError == "" && json.Unmarshal(r.Payload, &a) == nil {
					pids.Store(a.PID, true)
				}
			}
		}()
	}
	hung := make(chan Result, 1)
	go func() {
		r, _ := s.Invoke(context.Background(), "echo", []byte(`{"Do":"hang"}`))
		hung <- r
	}()
	logs.wait(t, "hanging", 1)
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	if err := s.Close(ctx); !errors.Is(err, ErrInterrupted) {
		t.Errorf("close with a hanging invocation: %v", err)
	}
	for range 8 {
		if err := <-errs; !errors.Is(err, ErrClosed) {
			t.Errorf("got %v", err)
		}
	}
	if r := <-hung; describe(t, r).ErrorMessage != "RequestId: "+r.RequestID+" Error: Runtime exited with error: signal: killed" {
		t.Errorf("the hanging one got %s", r.Payload)
	}
	pids.Range(func(pid, _ any) bool { awaitDeath(t, pid.(int)); return true })
	if err := s.Close(context.Background()); err != nil {
		t.Errorf("close again: %v", err)
	}
}

// parentMode, set to the function's folder, makes the test binary a parent that
// is to be killed.
const parentMode = "VINCI_LAMBDA_TEST_PARENT"

// actAsParent prints the pid of a function's process and waits for its own death.
func actAsParent() {
	s, err := New(Options{})
	if err == nil {
		err = s.Apply(context.Background(), []FunctionConfig{echo()}, nil)
	}
	if err != nil {
		fmt.Println(err)
		return
	}
	// Many goroutines, so that Go makes, and could retire, many threads.
	for range 4 {
		r, err := s.Invoke(context.Background(), "echo", []byte(`{}`))
		if err != nil {
			fmt.Println(err)
			return
		}
		var a reply
		if err := json.Unmarshal(r.Payload, &a); err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(a.PID)
	}
	if os.Getenv("FROZEN") == "" {
		go func() { _, _ = s.Invoke(context.Background(), "echo", []byte(`{"Do":"hang"}`)) }()
	}
	select {}
}

func TestParentKilled(t *testing.T) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), parentMode+"="+echoDir)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	pid := 0
	for range 4 {
		if !lines.Scan() {
			t.Fatal("the parent ended early")
		}
		if _, err := fmt.Sscan(lines.Text(), &pid); err != nil {
			t.Fatalf("%q: %v", lines.Text(), err)
		}
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	awaitDeath(t, pid)
	if err := cmd.Wait(); err == nil || !strings.Contains(err.Error(), "killed") {
		t.Errorf("the parent ended with %v", err)
	}
}

func TestValidate(t *testing.T) {
	s, _ := start(t, Options{Queues: &fakeQueues{}}, echo())
	other := map[string]string{"x86_64": "arm64", "arm64": "x86_64"}[hostArchitecture()]
	bad := echo(func(c *FunctionConfig) {
		c.Timeout = MaxTimeout + time.Second
		c.MemoryMB = 64
		c.Architecture = other
		c.Env = map[string]string{"AWS_REGION": "x", "BIG": strings.Repeat("x", maxEnvBytes)}
		c.Dir = t.TempDir()
	})
	retries := 20000
	err := s.Apply(t.Context(), []FunctionConfig{bad, echo(), echo(named("no name"))}, []MappingConfig{
		{ID: "a", FunctionName: "nobody", SourceARN: "arn:aws:sqs:us-east-1:0:q", BatchSize: 11, MaxConcurrency: 1, BisectOnError: true},
		{ID: "a", FunctionName: "echo", SourceARN: "arn:aws:s3:::bucket"},
		{ID: "c", FunctionName: "echo", SourceARN: "arn:aws:dynamodb:us-east-1:0:table/t/stream/l", MaxRetries: &retries,
			MaxRecordAge: time.Second, OnFailureARN: "arn:aws:sns:us-east-1:0:t", FilterPatterns: []string{`{"a":1}`}},
	})
	if !errors.Is(err, ErrInvalid) {
		t.Fatalf("got %v", err)
	}
	for _, want := range []string{
		"time-out is 15m1s", "memory is 64 MB", "built for " + other, "AWS_REGION is reserved", "at most 4096", "no bootstrap",
		`"echo": invalid configuration: another one has its name`, `"no name": invalid configuration: the name must be`,
		`there is no function "nobody"`, "batch size 11 needs", "maximum concurrency is 1", "are for streams",
		`"a": invalid configuration: another one has its id`, "is not the ARN of an SQS queue",
		"starting position is", "retry attempts are 20000", "record age is 1s", "failure destination", "filter pattern", "no stream service",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error does not say %q:\n%v", want, err)
		}
	}
	call(t, s, request{Do: "echo"}) // nothing was changed
}
