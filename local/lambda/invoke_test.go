package lambda

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

func TestInvoke(t *testing.T) {
	s, logs := start(t, Options{NewID: sequence("request-")}, echo())
	before := time.Now()
	a, result := call(t, s, request{Do: "echo", Text: "hello"})
	if a.Text != "hello" || a.ID != "request-1" || result.RequestID != "request-1" || a.ARN != echo().ARN {
		t.Errorf("got %+v, %+v", a, result)
	}
	if d := a.Deadline.Sub(before); d < 15*time.Second || d > 25*time.Second {
		t.Errorf("the deadline is %s after the start; the time-out is 20 s", d)
	}
	// By ARN, too, and in the same process.
	byARN, err := s.Invoke(t.Context(), echo().ARN, []byte(`{}`))
	if err != nil {
		t.Fatal(err)
	}
	var again reply
	if err := json.Unmarshal(byARN.Payload, &again); err != nil {
		t.Fatal(err)
	}
	if again.PID != a.PID || again.Calls != 2 {
		t.Errorf("the second call ran in process %d as call %d; want %d, 2", again.PID, again.Calls, a.PID)
	}
	if pids := s.Processes("echo"); !slices.Equal(pids, []int{a.PID}) {
		t.Errorf("processes are %d; want %d", pids, a.PID)
	}
	want := []string{
		`^START RequestId: request-1 Version: \$LATEST$`,
		`^END RequestId: request-1$`,
		`^REPORT RequestId: request-1\tDuration: [0-9]+\.[0-9]{2} ms\tBilled Duration: [0-9]+ ms\tMemory Size: 128 MB\tMax Memory Used: [1-9][0-9]* MB\tInit Duration: [0-9]+\.[0-9]{2} ms\t$`,
	}
	got := logs.texts("request-1")
	if len(got) != len(want) {
		t.Fatalf("lines are %q", got)
	}
	for i := range want {
		if !regexp.MustCompile(want[i]).MatchString(got[i]) {
			t.Errorf("line %d is %q; want %s", i, got[i], want[i])
		}
	}
	if second := logs.texts("request-2"); strings.Contains(second[len(second)-1], "Init Duration") {
		t.Errorf("the second report has an init duration: %q", second)
	}
	if tail := string(result.LogTail); tail != strings.Join(got, "\n")+"\n" {
		t.Errorf("the log tail is %q", tail)
	}
}

func sequence(prefix string) func() string {
	var mu sync.Mutex
	n := 0
	return func() string {
		mu.Lock()
		defer mu.Unlock()
		n++
		return fmt.Sprint(prefix, n)
	}
}

func TestFunctionErrors(t *testing.T) {
	s, logs := start(t, Options{}, echo(timeout(10*time.Second)))
	first, _ := call(t, s, request{Do: "echo"})

	if d := describe(t, invoke(t, s, request{Do: "error", Text: "bad"})); d != (described{"errorString", "bad"}) {
		t.Errorf("a returned error is %+v", d)
	}
	a, _ := call(t, s, request{Do: "echo"})
	if a.PID != first.PID {
		t.Error("a returned error ended the process")
	}

	panicked := invoke(t, s, request{Do: "panic", Text: "oh"})
	if d := describe(t, panicked); d != (described{"string", "oh"}) {
		t.Errorf("a panic is %+v", d)
	}
	if !strings.Contains(string(panicked.Payload), `"stackTrace"`) {
		t.Errorf("a panic has no stack: %s", panicked.Payload)
	}
	contains(t, logs.texts(panicked.RequestID), "Runtime exited with error: exit status 1", "REPORT RequestId: "+panicked.RequestID)
	a, _ = call(t, s, request{Do: "echo"})
	if a.PID == first.PID {
		t.Error("the process outlived its panic")
	}

	for _, code := range []int{0, 5} {
		r := invoke(t, s, request{Do: "exit", N: code})
		want := "RequestId: " + r.RequestID + " Error: Runtime exited with error: exit status 5"
		if code == 0 {
			want = "RequestId: " + r.RequestID + " Error: Runtime exited without providing a reason"
		}
		if d := describe(t, r); d != (described{"Runtime.ExitError", want}) {
			t.Errorf("exit %d is %+v", code, d)
		}
		contains(t, logs.texts(r.RequestID), want, "Status: error\tError Type: Runtime.ExitError")
	}
	if next, _ := call(t, s, request{Do: "echo"}); next.Calls != 1 {
		t.Errorf("after a crash the process is at call %d", next.Calls)
	}
}

func TestExitWhileIdle(t *testing.T) {
	s, _ := start(t, Options{}, echo())
	a, _ := call(t, s, request{Do: "echo"})
	if err := syscall.Kill(a.PID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	awaitDeath(t, a.PID)
	// Reaped or not, it gets nothing any more.
	if next, _ := call(t, s, request{Do: "echo"}); next.PID == a.PID {
		t.Fatal("a dead process answered")
	}
	f := s.functions["echo"]
	eventually(t, f, func() bool { return f.version.live == 1 })
}

// eventually waits until the function is in a state.
func eventually(t *testing.T, f *function, state func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(time.Millisecond) {
		f.mu.Lock()
		ok := state()
		f.mu.Unlock()
		if ok {
			return
		}
	}
	t.Fatal("the function does not come into the state")
}

func TestTimeout(t *testing.T) {
	s, logs := start(t, Options{}, echo(timeout(300*time.Millisecond)))
	before, _ := call(t, s, request{Do: "echo"})
	began := time.Now()
	r := invoke(t, s, request{Do: "hang"})
	if took := time.Since(began); took < 300*time.Millisecond || took > 10*time.Second {
		t.Errorf("it took %s", took)
	}
	want := "RequestId: " + r.RequestID + " Error: Task timed out after 0.30 seconds"
	if d := describe(t, r); d != (described{"Sandbox.Timedout", want}) {
		t.Errorf("got %+v", d)
	}
	awaitDeath(t, before.PID)
	contains(t, logs.texts(r.RequestID), "hanging", r.RequestID+" Task timed out after 0.30 seconds", "END RequestId", "\tStatus: timeout")
	after, _ := call(t, s, request{Do: "echo"})
	if after.PID == before.PID || after.Calls != 1 {
		t.Errorf("after the time-out process %d is at call %d", after.PID, after.Calls)
	}
}

func TestPayloadLimits(t *testing.T) {
	s, _ := start(t, Options{}, echo())
	if _, err := s.Invoke(t.Context(), "echo", make([]byte, MaxPayload+1)); !errors.Is(err, ErrTooLarge) {
		t.Errorf("a large request: %v", err)
	}
	if r := invoke(t, s, request{Text: strings.Repeat("x", MaxPayload-100)}); r.FunctionError != "" {
		t.Errorf("a request within the limit: %.200s", r.Payload)
	}
	if r := invoke(t, s, request{Do: "big", N: MaxResponse}); len(r.Payload) != MaxResponse {
		t.Errorf("a response within the limit: %.200s", r.Payload)
	}
	d := describe(t, invoke(t, s, request{Do: "big", N: MaxResponse + 1}))
	if d.ErrorType != "Function.ResponseSizeTooLarge" || !strings.Contains(d.ErrorMessage, "(6291556 bytes)") {
		t.Errorf("a large response: %+v", d)
	}
	call(t, s, request{Do: "echo"})
}

func TestStreamedAnswer(t *testing.T) {
	s, _ := start(t, Options{}, echo())
	if r := invoke(t, s, request{Do: "stream", Text: "raw text"}); string(r.Payload) != "raw text" || r.FunctionError != "" {
		t.Errorf("got %+v", r)
	}
	if d := describe(t, invoke(t, s, request{Do: "broken stream"})); d != (described{"errorString", "the stream broke"}) {
		t.Errorf("got %+v", d)
	}
	if r := invoke(t, s, request{Do: "null"}); string(r.Payload) != "null" {
		t.Errorf("got %s", r.Payload)
	}
}

func TestInitErrors(t *testing.T) {
	s, logs := start(t, Options{}, echo(env("INIT", "exit")))
	r := invoke(t, s, request{})
	want := described{"Runtime.ExitError", "RequestId: " + r.RequestID + " Error: Runtime exited with error: exit status 3"}
	if d := describe(t, r); d != want {
		t.Errorf("got %+v", d)
	}
	logs.wait(t, "cannot start", 2) // tried twice, as on AWS
	contains(t, logs.texts(""), "Error: Runtime exited with error: exit status 3", "INIT_REPORT Init Duration:", "Phase: init\tStatus: error\tError Type: Runtime.ExitError")

	mark := filepath.Join(t.TempDir(), "mark")
	if err := s.Apply(t.Context(), []FunctionConfig{echo(env("INIT", "once"), env("MARK", mark))}, nil); err != nil {
		t.Fatal(err)
	}
	call(t, s, request{Do: "echo"}) // the second start succeeds
}

func TestInitTimeout(t *testing.T) {
	s, logs := start(t, Options{}, echo(env("INIT", "hang")))
	s.initTimeout = 100 * time.Millisecond
	r := invoke(t, s, request{})
	want := described{"Sandbox.Timedout", "RequestId: " + r.RequestID + " Error: Task timed out after 0.10 seconds"}
	if d := describe(t, r); d != want {
		t.Errorf("got %+v", d)
	}
	contains(t, logs.texts(""), "Phase: init\tStatus: timeout")
}

func TestNoBinary(t *testing.T) {
	dir := t.TempDir()
	bootstrap := filepath.Join(dir, "bootstrap")
	if err := os.WriteFile(bootstrap, []byte("no program"), 0o755); err != nil {
		t.Fatal(err)
	}
	s, logs := start(t, Options{}, echo(func(c *FunctionConfig) { c.Dir = dir }))
	if d := describe(t, invoke(t, s, request{})); d.ErrorType != "Runtime.InvalidEntrypoint" ||
		!strings.Contains(d.ErrorMessage, "exec format error") || !strings.Contains(d.ErrorMessage, hostArchitecture()) {
		t.Errorf("got %+v", d)
	}
	contains(t, logs.texts(""), "exec format error", "Status: error\tError Type: Runtime.InvalidEntrypoint")
	if err := os.Remove(bootstrap); err != nil {
		t.Fatal(err)
	}
	if d := describe(t, invoke(t, s, request{})); !strings.Contains(d.ErrorMessage, "Couldn't find valid bootstrap(s): ["+bootstrap+"]") {
		t.Errorf("got %+v", d)
	}
}

func TestVariables(t *testing.T) {
	t.Setenv("DEVELOPERS_SECRET", "must not be seen")
	s, _ := start(t, Options{
		Endpoint: "http://127.0.0.1:4566", Region: "eu-central-1",
		Credentials: func(role string) (string, string, string) { return "id of " + role, "secret", "token" },
	}, echo(env("TABLE", "users"), env("TZ", "Europe/Berlin"), func(c *FunctionConfig) { c.MemoryMB = 256; c.LogGroup = "group" }))
	a, _ := call(t, s, request{Do: "env"})
	if ok, _ := regexp.MatchString(`^[0-9]{4}/[0-9]{2}/[0-9]{2}/\[\$LATEST\][0-9a-f]{32}$`, a.Env["AWS_LAMBDA_LOG_STREAM_NAME"]); !ok {
		t.Errorf("log stream is %q", a.Env["AWS_LAMBDA_LOG_STREAM_NAME"])
	}
	if !strings.HasPrefix(a.Env["AWS_LAMBDA_RUNTIME_API"], "127.0.0.1:") {
		t.Errorf("runtime API is %q", a.Env["AWS_LAMBDA_RUNTIME_API"])
	}
	// aws-lambda-go sets the trace id itself.
	if !strings.HasPrefix(a.Env["_X_AMZN_TRACE_ID"], "Root=1-") {
		t.Errorf("trace id is %q", a.Env["_X_AMZN_TRACE_ID"])
	}
	if info, err := os.Stat(a.Env["TMPDIR"]); err != nil || !info.IsDir() {
		t.Errorf("TMPDIR: %v", err)
	}
	for _, name := range []string{"AWS_LAMBDA_LOG_STREAM_NAME", "AWS_LAMBDA_RUNTIME_API", "_X_AMZN_TRACE_ID", "TMPDIR"} {
		delete(a.Env, name)
	}
	want := map[string]string{
		"TABLE": "users", "TZ": "Europe/Berlin", "LANG": "en_US.UTF-8", "PATH": "/usr/local/bin:/usr/bin/:/bin:/opt/bin",
		"AWS_REGION": "eu-central-1", "AWS_DEFAULT_REGION": "eu-central-1",
		"AWS_ACCESS_KEY_ID": "id of arn:aws:iam::000000000000:role/echo", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_SESSION_TOKEN": "token",
		"AWS_ENDPOINT_URL":         "http://127.0.0.1:4566",
		"AWS_LAMBDA_FUNCTION_NAME": "echo", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256", "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
		"AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand", "AWS_LAMBDA_LOG_GROUP_NAME": "group",
		"LAMBDA_TASK_ROOT": echoDir, "LAMBDA_RUNTIME_DIR": "/var/runtime", "_HANDLER": "bootstrap",
	}
	for name, value := range want {
		if a.Env[name] != value {
			t.Errorf("%s is %q; want %q", name, a.Env[name], value)
		}
		delete(a.Env, name)
	}
	for name, value := range a.Env {
		t.Errorf("%s=%s should not be there", name, value)
	}
	if dir, err := filepath.EvalSymlinks(echoDir); err != nil || a.Dir != dir {
		t.Errorf("the working folder is %s; want %s (%v)", a.Dir, dir, err)
	}
}

func TestLogs(t *testing.T) {
	s, logs := start(t, Options{}, echo())
	const n = 300
	r := invoke(t, s, request{Do: "log", N: n})
	got := logs.texts(r.RequestID)
	if len(got) != 2*n+4 {
		t.Fatalf("%d lines; want %d", len(got), 2*n+4)
	}
	// Both streams, in the order they were written, all before the end.
	for i := range n {
		if got[1+2*i] != fmt.Sprintf("line %d", i) || got[2+2*i] != fmt.Sprintf("warn %d", i) {
			t.Fatalf("lines %d are %q, %q", i, got[1+2*i], got[2+2*i])
		}
	}
	if got[2*n+1] != "no end" || !strings.HasPrefix(got[2*n+2], "END") {
		t.Errorf("the end is %q", got[2*n+1:])
	}
	if len(r.LogTail) > tailSize || !strings.Contains(string(r.LogTail), "REPORT") || strings.Contains(string(r.LogTail), "line 1\n") {
		t.Errorf("the tail has %d bytes: %s", len(r.LogTail), r.LogTail)
	}
	if l := logs.lines[0]; l.Function != "echo" || l.Stream == "" || l.Time.IsZero() {
		t.Errorf("a line is %+v", l)
	}
}

func TestConcurrency(t *testing.T) {
	s, _ := start(t, Options{MaxEnvironments: 3}, echo())
	gate := filepath.Join(t.TempDir(), "gate")
	const calls = 9
	replies := make(chan reply, calls)
	for range calls {
		go func() {
			a, _ := call(t, s, request{Do: "wait", Text: gate})
			replies <- a
		}()
	}
	f := s.functions["echo"]
	// As many run as may, and the rest waits.
	eventually(t, f, func() bool {
		return f.inflight == calls && len(f.waiters) == calls-3 && f.version.live == 3
	})
	if err := os.WriteFile(gate, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	pids := map[int]int{}
	for range calls {
		pids[(<-replies).PID]++
	}
	if len(pids) != 3 {
		t.Errorf("processes and their calls: %v", pids)
	}
}

func TestReservedConcurrency(t *testing.T) {
	s, logs := start(t, Options{}, echo(reserved(1)), echo(named("off"), reserved(0)))
	gate := filepath.Join(t.TempDir(), "gate")
	done := make(chan struct{})
	go func() {
		defer close(done)
		call(t, s, request{Do: "wait", Text: gate})
	}()
	logs.wait(t, "waiting", 1)
	if _, err := s.Invoke(t.Context(), "echo", []byte(`{}`)); !errors.Is(err, ErrThrottled) {
		t.Errorf("the second of one: %v", err)
	}
	if _, err := s.Invoke(t.Context(), "off", []byte(`{}`)); !errors.Is(err, ErrThrottled) {
		t.Errorf("reserved 0: %v", err)
	}
	if err := os.WriteFile(gate, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	<-done
	pids := map[int]bool{}
	for range 20 { // one after the other is never refused, and one process does
		a, _ := call(t, s, request{Do: "echo"})
		pids[a.PID] = true
	}
	if len(pids) != 1 {
		t.Errorf("processes: %v", pids)
	}
}

func TestCallerGoesAway(t *testing.T) {
	s, logs := start(t, Options{MaxEnvironments: 1}, echo())
	gate := filepath.Join(t.TempDir(), "gate")
	ctx, cancel := context.WithCancel(t.Context())
	errs := make(chan error, 2)
	go func() {
		_, err := s.Invoke(ctx, "echo", mustJSON(t, request{Do: "wait", Text: gate}))
		errs <- err
	}()
	running := logs.wait(t, "waiting", 1).RequestID
	go func() { // this one waits for the environment and never gets it
		_, err := s.Invoke(ctx, "echo", mustJSON(t, request{Do: "log", N: 1}))
		errs <- err
	}()
	f := s.functions["echo"]
	eventually(t, f, func() bool { return len(f.waiters) == 1 })
	cancel()
	for range 2 {
		if err := <-errs; !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
	}
	if err := os.WriteFile(gate, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if l := logs.wait(t, "REPORT", 1); l.RequestID != running {
		t.Errorf("the report is of %s", l.RequestID)
	}
	call(t, s, request{Do: "echo"})
	if slices.ContainsFunc(logs.lines, func(l LogLine) bool { return l.Text == "line 0" }) {
		t.Error("an invocation ran that its caller had given up before it began")
	}
}

func TestUnknown(t *testing.T) {
	s, _ := start(t, Options{}, echo())
	if _, err := s.Invoke(t.Context(), "nobody", nil); !errors.Is(err, ErrNotFound) {
		t.Errorf("got %v", err)
	}
}
