package release

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// grace is how long a program has to end after the SIGINT.
const grace = 30 * time.Second

// run runs a program to its end. Standard output goes to out. In a group of its own
// one signal reaches it and what it has started, and the terminal's Ctrl-C does not
// count twice. When this process is killed, the kernel tells it to stop.
func (o *Options) run(ctx context.Context, out io.Writer, env []string, name string, args ...string) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	runtime.LockOSThread() // the kernel's word holds for as long as the thread lives that started it
	defer runtime.UnlockOSThread()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = append(append(os.Environ(), "AWS_PAGER="), env...)
	cmd.Stdout, cmd.Stderr = out, o.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGINT}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGINT) }
	cmd.WaitDelay = grace
	err := cmd.Run()
	if err != nil && ctx.Err() != nil {
		if cmd.Process != nil {
			// What it has left behind would go on with a deployment that nobody follows.
			_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // it fails when nothing is left, as should be
		}
		return ctx.Err()
	}
	return err
}

// output runs a program and returns what it printed.
func (o *Options) output(ctx context.Context, name string, args ...string) ([]byte, error) {
	var out bytes.Buffer
	if err := o.run(ctx, &out, nil, name, args...); err != nil {
		return nil, command(err, name, args)
	}
	return out.Bytes(), nil
}

// command names the program in the error.
func command(err error, name string, args []string) error {
	if err == nil || interrupted(err) {
		return err
	}
	if len(args) > 2 {
		args = args[:2]
	}
	return fmt.Errorf("%s: %w", strings.Join(append([]string{name}, args...), " "), err)
}
