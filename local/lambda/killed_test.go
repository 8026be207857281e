package lambda

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// asyncParentMode, set to the function's folder, makes the test binary a parent that
// accepts asynchronous invocations until it is killed.
const asyncParentMode = "VINCI_LAMBDA_TEST_ASYNC_PARENT"

// actAsAsyncParent prints the id of each invocation that was accepted.
func actAsAsyncParent(state, marks string) {
	s, err := New(shortWaits(Options{StateDir: state}))
	if err == nil {
		err = s.Apply(context.Background(), []FunctionConfig{echo()}, nil)
	}
	for err == nil {
		var id string
		id, err = s.InvokeAsync(context.Background(), "echo", fmt.Appendf(nil, `{"Do":"touch","Text":%q}`, marks))
		fmt.Println(id)
	}
	fmt.Println(err)
}

// TestAsyncKilled: whatever was accepted before SIGKILL is done after it.
func TestAsyncKilled(t *testing.T) {
	state, marks := t.TempDir(), t.TempDir()
	accepted := map[string]bool{}
	for range 3 {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), asyncParentMode+"="+echoDir, "STATE="+state, "MARKS="+marks)
		cmd.Stderr = os.Stderr
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		for n := 0; n < 200 && lines.Scan(); n++ {
			accepted[lines.Text()] = true
		}
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		// What it printed before it died was accepted, too; the last line may be half.
		last := ""
		for lines.Scan() {
			if last != "" {
				accepted[last] = true
			}
			last = lines.Text()
		}
		_ = cmd.Wait() // it says that it was killed
	}
	s, _ := start(t, shortWaits(Options{StateDir: state}), echo())
	awaitNone(t, s)
	for id := range accepted {
		if _, err := os.Stat(filepath.Join(marks, id)); err != nil {
			t.Errorf("lost: %v", err)
		}
	}
	if len(accepted) < 600 {
		t.Errorf("only %d were accepted", len(accepted))
	}
}

// TestFrozenParentKilled: frozen processes die with this one, too.
func TestFrozenParentKilled(t *testing.T) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), parentMode+"="+echoDir, "FROZEN=1")
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines, pid := bufio.NewScanner(out), 0
	for range 4 {
		if !lines.Scan() {
			t.Fatal("the parent ended early")
		}
		if _, err := fmt.Sscan(lines.Text(), &pid); err != nil {
			t.Fatalf("%q: %v", lines.Text(), err)
		}
	}
	awaitState(t, pid, "T")
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	awaitDeath(t, pid)
	_ = cmd.Wait() // it says that it was killed
}
