package scenario_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// children lists the processes that this process started and that still run.
func children(t *testing.T) []int { return childrenOf(t, os.Getpid()) }

// childrenOf lists those that another process started.
func childrenOf(t *testing.T, parent int) []int {
	t.Helper()
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		t.Fatal(err)
	}
	var pids []int
	for _, file := range stats {
		b, err := os.ReadFile(file)
		if err != nil {
			continue // it ended meanwhile
		}
		// pid (name) state ppid …; the name may hold anything, parentheses too.
		text := string(b)
		end := strings.LastIndexByte(text, ')')
		fields := strings.Fields(text[end+1:])
		pid, _ := strconv.Atoi(text[:strings.IndexByte(text, ' ')])
		if fields[1] == fmt.Sprint(parent) && fields[0] != "Z" {
			pids = append(pids, pid)
		}
	}
	return pids
}

// allGone waits until the processes have ended. Their parent was killed: the
// kernel ends them, in its own time.
func allGone(t *testing.T, pids []int) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		var left []string
		for _, pid := range pids {
			stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
			if _, rest, _ := strings.Cut(string(stat), ") "); err == nil && !strings.HasPrefix(rest, "Z") {
				left = append(left, string(stat[:min(len(stat), 40)]))
			}
		}
		if len(left) == 0 {
			return
		}
		if time.Now().After(end) {
			t.Errorf("processes outlive the runtime that was killed: %v", left)
			return
		}
	}
}
