package lambda

import (
	"bytes"
	"os"
	"strconv"
	"sync"
	"syscall"
)

// maxLine is how long a log line may get before it is cut in two: CloudWatch's
// largest event (256 KB) less its 26 bytes of overhead.
const maxLine = 256*1024 - 26

// logPipe reads what a process writes and emits it as lines.
//
// flush reads what is in the pipe now, in the caller's goroutine. A function
// writes its lines before it asks for the next invocation, so a flush at that
// moment gives each line to the invocation that wrote it, with no waiting.
type logPipe struct {
	file *os.File
	raw  syscall.RawConn

	mu   sync.Mutex
	buf  []byte
	line []byte // the beginning of a line that has no end yet
	emit func(string)
}

// newLogPipe returns the pipe and its writing end, which the caller closes.
func newLogPipe(emit func(string)) (*logPipe, *os.File, error) {
	var fds [2]int
	if err := syscall.Pipe2(fds[:], syscall.O_CLOEXEC); err != nil {
		return nil, nil, os.NewSyscallError("pipe2", err)
	}
	// Only our end is non-blocking: the writing end is the child's stdout, and
	// most programs do not expect EAGAIN from it.
	if err := syscall.SetNonblock(fds[0], true); err != nil {
		_ = syscall.Close(fds[0])
		_ = syscall.Close(fds[1])
		return nil, nil, os.NewSyscallError("setnonblock", err)
	}
	file, writer := os.NewFile(uintptr(fds[0]), "log pipe"), os.NewFile(uintptr(fds[1]), "log pipe")
	raw, err := file.SyscallConn()
	if err != nil {
		_ = file.Close()
		_ = writer.Close()
		return nil, nil, err
	}
	return &logPipe{file: file, raw: raw, buf: make([]byte, 32*1024), emit: emit}, writer, nil
}

// pump emits lines until all writers are gone or the pipe is closed.
func (l *logPipe) pump() {
	// The error says that the pipe is closed, which is the other way to stop.
	_ = l.raw.Read(l.drain)
}

// flush emits everything written so far, a last line without its end too.
func (l *logPipe) flush() {
	// An error says that the pipe is closed: then everything was emitted.
	_ = l.raw.Control(func(fd uintptr) { l.drain(fd) })
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.line) > 0 {
		l.emit(string(l.line))
		l.line = l.line[:0]
	}
}

func (l *logPipe) close() { _ = l.file.Close() }

// drain reads until the pipe is empty and reports whether its end was reached.
func (l *logPipe) drain(fd uintptr) (end bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for {
		n, err := syscall.Read(int(fd), l.buf)
		switch {
		case err == syscall.EINTR:
		case err == syscall.EAGAIN:
			return false
		case err != nil || n <= 0:
			return true
		default:
			l.split(l.buf[:n])
		}
	}
}

func (l *logPipe) split(b []byte) {
	for len(b) > 0 {
		head, rest, complete := bytes.Cut(b, []byte{'\n'})
		if room := maxLine - len(l.line); len(head) > room {
			head, rest, complete = b[:room], b[room:], true
		}
		l.line = append(l.line, head...)
		b = rest
		if complete {
			l.emit(string(bytes.TrimSuffix(l.line, []byte{'\r'})))
			l.line = l.line[:0]
		}
	}
}

// peakMemory finds VmHWM, in bytes, in the text of /proc/<pid>/status.
func peakMemory(status []byte) int64 {
	_, rest, found := bytes.Cut(status, []byte("\nVmHWM:"))
	if !found {
		return 0
	}
	value, _, _ := bytes.Cut(rest, []byte("kB"))
	kb, err := strconv.ParseInt(string(bytes.TrimSpace(value)), 10, 64)
	if err != nil {
		return 0
	}
	return kb << 10
}
