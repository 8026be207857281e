package lambda

import (
	"bytes"
	"strconv"
	"syscall"
	"time"
)

// outOfMemory is the error type of a function that took more memory than it has.
const outOfMemory = "Runtime.OutOfMemory"

const (
	// watchMemory is how often the memory of a process that works is looked at.
	watchMemory = 20 * time.Millisecond
	// peakEvery is how old the peak may be that the end of an invocation goes by.
	peakEvery = 100 * time.Millisecond
)

// usedMemory is the most memory the process has had in RAM so far, in bytes. The
// peak costs the kernel as much as everything else at the end of an invocation, so
// it is asked for every 0.1 s; what the process has at the moment is always asked
// for. fn.mu is held.
func (e *environment) usedMemory() int64 {
	if now := time.Now(); now.Sub(e.memoryAt) > peakEvery {
		e.memory, e.memoryAt = max(e.memory, e.proc.maxMemory()), now
	}
	e.memory = max(e.memory, e.proc.memory())
	return e.memory
}

// overMemory kills the process when used, in bytes, is more than the function has,
// and reports whether it did. AWS's limit is the kernel's: the process dies at the
// page that is too much. Here it is watched: every 20 ms while an invocation or the
// start runs, and when it ends. The peak counts, so that one between two looks is
// not missed. Only the bootstrap itself is counted, not its children. fn.mu is held.
func (e *environment) overMemory(used int64) bool {
	if e.tooBig || used <= int64(e.v.cfg.MemoryMB)<<20 {
		return e.tooBig
	}
	e.tooBig = true
	if inv := e.current.Load(); inv != nil && !inv.finished && !inv.timedOut {
		inv.outOfMemory = true
		inv.timer.Stop()
	}
	if e.phase == busy {
		e.phase = ending
	}
	e.proc.signal(syscall.SIGKILL)
	return true
}

// watchMemory looks at the memory of a process that works, and again after a while.
func (e *environment) watchMemory() {
	select {
	case <-e.launched:
	case <-e.quit:
		return
	}
	used := e.proc.maxMemory()
	e.fn.mu.Lock()
	defer e.fn.mu.Unlock()
	e.memory, e.memoryAt = max(e.memory, used), time.Now()
	if (e.phase == starting || e.phase == busy) && !e.overMemory(used) {
		e.memoryTimer.Reset(watchMemory)
	}
}

// residentMemory finds the resident pages in the text of /proc/<pid>/statm and
// returns them in bytes.
func residentMemory(statm []byte, pageSize int64) int64 {
	fields := bytes.Fields(statm)
	if len(fields) < 2 {
		return 0
	}
	pages, err := strconv.ParseInt(string(fields[1]), 10, 64)
	if err != nil {
		return 0
	}
	return pages * pageSize
}
