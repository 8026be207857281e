package dynamodb

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// engineName is the program's file name, by which a stale one is recognised.
const engineName = "dynoxide"

// enginePath is where npm puts the engine.
var enginePath = filepath.Join("node_modules", "@dynoxide", "linux-x64", engineName)

const (
	readyWithin   = 15 * time.Second // measured: 10 ms; a cold disk takes longer
	readyInterval = 2 * time.Millisecond
	stopWithin    = 5 * time.Second
	portTries     = 5
	keptLines     = 20
)

// errPortTaken is the one failure of a start that is worth another try: between
// our finding a free port and the engine's taking it, somebody else took it.
var errPortTaken = errors.New("port taken")

// FindEngine looks for the engine in node_modules of dir and of the folders above.
func FindEngine(dir string) (string, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", fmt.Errorf("find the DynamoDB engine: %w", err)
	}
	for at := dir; ; at = filepath.Dir(at) {
		path := filepath.Join(at, enginePath)
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
			return path, nil
		}
		if at == filepath.Dir(at) {
			return "", missingEngine(filepath.Join(dir, enginePath))
		}
	}
}

func missingEngine(path string) error {
	return fmt.Errorf("%w: %s: run `npm ci` in the project's folder (Linux x64), or name another DynamoDB endpoint", ErrNoEngine, path)
}

// absolute is the one name of a file: a stale engine is found by it. The file need
// not exist, its folder is made.
func absolute(file string) (string, error) {
	file, err := filepath.Abs(file)
	if err != nil {
		return "", err
	}
	dir := filepath.Dir(file)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	if dir, err = filepath.EvalSymlinks(dir); err != nil {
		return "", err
	}
	return filepath.Join(dir, filepath.Base(file)), nil
}

// engine is the running child process.
type engine struct {
	address string // host:port
	process *os.Process
	output  *tail
	done    chan struct{} // closed when the process has ended
	err     error         // why; read after done
}

// startEngine starts the program and waits until it answers. A port that
// somebody else takes in between is tried anew.
func startEngine(ctx context.Context, program, file string, probe *http.Client) (*engine, error) {
	if info, err := os.Stat(program); err != nil || info.IsDir() {
		return nil, missingEngine(program)
	}
	var last error
	for range portTries {
		port, err := freePort()
		if err != nil {
			return nil, fmt.Errorf("find a free port for the DynamoDB engine: %w", err)
		}
		e, err := launch(program, file, port)
		if err != nil {
			return nil, fmt.Errorf("start the DynamoDB engine %s: %w", program, err)
		}
		err = e.ready(ctx, probe)
		if err == nil {
			return e, nil
		}
		e.kill()
		if last = err; !errors.Is(err, errPortTaken) {
			break
		}
	}
	return nil, last
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// launch starts the process on a thread of its own.
//
// The kernel sends Pdeathsig when the thread that made the child dies, not when
// the process does. A goroutine moves between threads and Go ends threads it does
// not need, so a child started from an ordinary goroutine can be killed at any
// time. Here one goroutine keeps its thread from the start of the child to its end,
// and takes it along at its own, because skipFlushes has changed it.
//
// The child gets a process group of its own: Ctrl-C at a terminal is sent to the
// whole group, and the engine must outlive the functions that still write.
func launch(program, file string, port int) (*engine, error) {
	cmd := exec.Command(program, "serve", "--host", "127.0.0.1", "--port", strconv.Itoa(port), "--db-path", file)
	cmd.SysProcAttr = childAttributes()
	e := &engine{address: net.JoinHostPort("127.0.0.1", strconv.Itoa(port)), output: &tail{}, done: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = e.output, e.output
	// A grandchild could hold the output open; the engine has none, but Wait must
	// not depend on it.
	cmd.WaitDelay = time.Second
	started := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // and never unlocked
		// Where the kernel does not allow it the engine flushes: that is only slower.
		_ = skipFlushes()
		err := cmd.Start()
		started <- err
		if err != nil {
			return
		}
		e.err = cmd.Wait()
		close(e.done)
	}()
	if err := <-started; err != nil {
		return nil, err
	}
	e.process = cmd.Process
	return e, nil
}

// ready waits for the first answer, or for the process's end.
func (e *engine) ready(ctx context.Context, probe *http.Client) error {
	ctx, cancel := context.WithTimeout(ctx, readyWithin)
	defer cancel()
	tick := time.NewTicker(readyInterval)
	defer tick.Stop()
	for {
		if e.answers(ctx, probe) {
			return nil
		}
		select {
		case <-e.done:
			if strings.Contains(e.output.String(), "already in use") {
				return fmt.Errorf("%w: %w", errPortTaken, e.ended())
			}
			return e.ended()
		case <-ctx.Done():
			return fmt.Errorf("the DynamoDB engine did not answer on %s within %v: %w%s", e.address, readyWithin, ctx.Err(), e.output.suffix())
		case <-tick.C:
		}
	}
}

// answers asks for the engine by name, because another program may have the port.
func (e *engine) answers(ctx context.Context, probe *http.Client) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+e.address+"/", nil)
	if err != nil {
		return false
	}
	res, err := probe.Do(req)
	if err != nil {
		return false
	}
	defer res.Body.Close()
	_, err = io.Copy(io.Discard, res.Body)
	return err == nil && res.StatusCode == http.StatusOK && strings.HasPrefix(res.Header.Get("Server"), "Dynoxide")
}

// ended says in one line how the process ended. Call it after done is closed.
func (e *engine) ended() error {
	state := "it exited without an error"
	if e.err != nil {
		state = e.err.Error()
	}
	return fmt.Errorf("%w: %s%s", ErrEngineDied, state, e.output.suffix())
}

// stop asks the process to end, then ends it, and returns after its end.
func (e *engine) stop(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, stopWithin)
	defer cancel()
	// Errors mean that it is gone already, which done tells.
	_ = e.process.Signal(syscall.SIGTERM)
	select {
	case <-e.done:
	case <-ctx.Done():
		e.kill()
	}
}

func (e *engine) kill() {
	_ = e.process.Kill() // as in stop
	<-e.done
}

// tail keeps the last lines of a process's output. It is safe for concurrent use.
type tail struct {
	mu    sync.Mutex
	part  []byte
	lines []string
}

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.part = append(t.part, p...)
	for {
		n, line, err := bufio.ScanLines(t.part, false)
		if n == 0 || err != nil {
			break
		}
		if s := strings.TrimSpace(string(line)); s != "" {
			t.lines = append(t.lines, s)
		}
		t.part = t.part[n:]
	}
	if extra := len(t.lines) - keptLines; extra > 0 {
		t.lines = append([]string(nil), t.lines[extra:]...)
	}
	return len(p), nil
}

// String is the kept lines in one line.
func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	lines := t.lines
	if s := strings.TrimSpace(string(t.part)); s != "" {
		lines = append(lines[:len(lines):len(lines)], s)
	}
	return strings.Join(lines, " | ")
}

func (t *tail) suffix() string {
	if s := t.String(); s != "" {
		return "; its last output: " + s
	}
	return "; it printed nothing"
}
