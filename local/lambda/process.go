package lambda

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// spawner starts child processes from one OS thread that lives as long as it.
//
// Children carry Pdeathsig SIGKILL, so that they die with this process however
// it ends. But the kernel ties that signal to the thread that forked, not to
// the process: a child started from an arbitrary goroutine would be killed when
// Go retires that thread. So all children are started by one goroutine that is
// locked to its thread and stays until close, after the last child is gone.
type spawner struct {
	starts chan spawnRequest
}

type spawnRequest struct {
	cmd    *exec.Cmd
	result chan<- error
}

func newSpawner() *spawner {
	s := &spawner{starts: make(chan spawnRequest)}
	go func() {
		// Never unlocked: when the goroutine ends, its thread ends too.
		runtime.LockOSThread()
		for r := range s.starts {
			r.result <- r.cmd.Start()
		}
	}()
	return s
}

func (s *spawner) start(cmd *exec.Cmd) error {
	result := make(chan error, 1)
	s.starts <- spawnRequest{cmd, result}
	return <-result
}

// close ends the thread. No child may be left: it would be killed.
func (s *spawner) close() { close(s.starts) }

// process is a running bootstrap. It leads a process group of its own.
type process struct {
	cmd  *exec.Cmd
	logs *logPipe

	// statm is the process's file of that name in /proc, which is read at the end of
	// each invocation; nil when it could not be opened.
	statm *os.File

	mu     sync.Mutex
	reaped bool // the pid may belong to somebody else
}

// exit says how a process ended.
type exit struct {
	reason    string // as AWS words it
	maxMemory int64  // bytes
}

// startProcess runs the bootstrap in dir with exactly the variables env. Both
// its output streams go to emit, line by line. exited is called once, when the
// process is gone and all it wrote has been emitted.
func (s *spawner) startProcess(dir string, env []string, emit func(string), exited func(exit)) (*process, error) {
	logs, stdout, err := newLogPipe(emit)
	if err != nil {
		return nil, fmt.Errorf("make the pipe for its output: %w", err)
	}
	defer stdout.Close() // the child has its own
	cmd := &exec.Cmd{
		Path:   filepath.Join(dir, "bootstrap"),
		Args:   []string{"bootstrap"},
		Dir:    dir,
		Env:    env,
		Stdout: stdout,
		Stderr: stdout,
		SysProcAttr: &syscall.SysProcAttr{
			Setpgid:   true,
			Pdeathsig: syscall.SIGKILL,
		},
	}
	if err := s.start(cmd); err != nil {
		logs.close()
		return nil, err
	}
	p := &process{cmd: cmd, logs: logs}
	if p.statm, err = os.Open(fmt.Sprintf("/proc/%d/statm", cmd.Process.Pid)); err != nil {
		p.statm = nil // it has died already; its end will tell
	}
	go logs.pump()
	go p.wait(exited)
	return p, nil
}

// wait reaps the process. It first waits without reaping: as long as the dead
// leader is not reaped its process group cannot be anybody else's, so that is
// the moment to kill what the function may have left running in it.
func (p *process) wait(exited func(exit)) {
	for {
		err := unix.Waitid(unix.P_PID, p.cmd.Process.Pid, nil, unix.WEXITED|unix.WNOWAIT, nil)
		if err != unix.EINTR {
			break // an error means that Wait below has the answer
		}
	}
	p.signal(syscall.SIGKILL)
	p.mu.Lock()
	p.reaped = true
	err := p.cmd.Wait()
	p.mu.Unlock()
	p.logs.flush()
	p.logs.close()
	if p.statm != nil {
		_ = p.statm.Close() // it was only read
	}

	e := exit{reason: "Runtime exited without providing a reason"}
	if state := p.cmd.ProcessState; state != nil {
		if !state.Success() {
			e.reason = "Runtime exited with error: " + state.String()
		}
		if usage, ok := state.SysUsage().(*syscall.Rusage); ok {
			e.maxMemory = usage.Maxrss << 10
		}
	} else if err != nil {
		e.reason = "Runtime exited with error: " + err.Error()
	}
	exited(e)
}

// signal sends sig to the process and everything in its group, or does nothing
// when it is gone.
func (p *process) signal(sig syscall.Signal) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.reaped {
		// ESRCH, the only error it can have, means that all of them are gone.
		_ = syscall.Kill(-p.cmd.Process.Pid, sig)
	}
}

// alive reports whether the process runs, or is stopped.
func (p *process) alive() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.reaped {
		return false
	}
	var info unix.Siginfo
	// With nothing to tell it succeeds and leaves info as it was.
	err := unix.Waitid(unix.P_PID, p.cmd.Process.Pid, &info, unix.WEXITED|unix.WNOWAIT|unix.WNOHANG, nil)
	return err == nil && info.Signo == 0
}

// memory is how much memory the living process has in RAM, in bytes, or 0.
func (p *process) memory() int64 {
	if p.statm == nil {
		return 0
	}
	var text [128]byte
	n, err := p.statm.ReadAt(text[:], 0)
	if err != nil && err != io.EOF {
		return 0 // it is gone
	}
	return residentMemory(text[:n], int64(os.Getpagesize()))
}

// maxMemory is the most memory the living process has used, in bytes, or 0.
func (p *process) maxMemory() int64 {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		return 0
	}
	return peakMemory(status)
}
