package local

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// childVariable makes the test binary run an assembly until it is killed. Its
// data folder is in dataVariable.
const (
	childVariable = "VINCI_LOCAL_TEST_CHILD"
	dataVariable  = "VINCI_LOCAL_TEST_DATA"
)

// child is that program. It prints the API's URL when it is ready.
func child(dir string) {
	r, err := Start(context.Background(), Config{Assembly: dir, Data: os.Getenv(dataVariable)})
	if err != nil {
		fmt.Println("error:", err)
		os.Exit(1)
	}
	fmt.Println(r.APIs()[0].URL)
	select {}
}

// TestParentKilled: the death of the process that runs an assembly, by SIGKILL,
// is the death of its children, and what it had accepted is there when the
// assembly runs again.
func TestParentKilled(t *testing.T) {
	dir, data := app(t), filepath.Join(t.TempDir(), "data")
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childVariable+"="+dir, dataVariable+"="+data)
	cmd.Stderr = t.Output()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	if !lines.Scan() || !strings.HasPrefix(lines.Text(), "http://") {
		_ = cmd.Process.Kill()
		t.Fatalf("the child says %q: %v", lines.Text(), cmd.Wait())
	}
	url := lines.Text()
	for i := range 5 {
		resp, err := httpPost(t, url+"/items", fmt.Sprint("kept-", i))
		if err != nil || resp != 201 {
			t.Errorf("item %d: %d %v", i, resp, err)
		}
	}
	grandchildren := childrenOf(t, strconv.Itoa(cmd.Process.Pid))
	if len(grandchildren) < 2 {
		t.Errorf("the child has the children %v; wanted the engine and a function at least", grandchildren)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // it was killed, and says so
	for _, pid := range grandchildren {
		await(t, "process "+pid+" to die", func() bool { return dead(pid) }, func() string {
			stat, _ := os.ReadFile("/proc/" + pid + "/stat") // for the message only
			return string(stat)
		})
	}
	r := start(t, Config{Assembly: dir, Data: data})
	for i := range 5 {
		awaitItem(t, r, fmt.Sprint("kept-", i), "handled")
	}
}

// dead says whether a process has ended. One that nobody has waited for yet
// counts: its new parent may take its time.
func dead(pid string) bool {
	stat, err := os.ReadFile("/proc/" + pid + "/stat")
	if err != nil {
		return true
	}
	_, rest, _ := strings.Cut(string(stat), ") ")
	return strings.HasPrefix(rest, "Z")
}

// TestInterrupt: a group-wide SIGINT, as Ctrl-C sends it, reaches no child: they
// are told to end by the runtime, in order.
func TestInterrupt(t *testing.T) {
	r := start(t, Config{Assembly: app(t)})
	put(t, r, "one") // so that there is a function
	for _, pid := range children(t) {
		n, err := strconv.Atoi(pid)
		if err != nil {
			t.Fatal(err)
		}
		// A child that was forked just now has its group before it has its program.
		await(t, "process "+pid+" to leave our own process group", func() bool {
			group, err := syscall.Getpgid(n)
			return err != nil || group != syscall.Getpgrp() // an error: it has ended
		}, func() string { return "it is still in it" })
	}
}
