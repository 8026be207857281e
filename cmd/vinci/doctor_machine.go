package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/vinci-go/vinci/internal/listeners"
	"github.com/vinci-go/vinci/local/dynamodb"
)

// machine is how the checks look at the machine: tests give them another.
type machine struct {
	goos, goarch string
	tempDir      string
	lookPath     func(program string) (string, error)
	// run gives what a program prints on standard output, without white space
	// around it; an error holds what it prints on the other.
	run        func(ctx context.Context, dir, program string, args ...string) (string, error)
	readFile   func(path string) ([]byte, error)
	findEngine func(dir string) (string, error)
	portOwner  func(port int) (owner listeners.Process, taken bool) // owner is zero when it is not known
	freeBytes  func(dir string) (uint64, error)                     // of the file system that dir is in
	openFiles  func() (uint64, error)
	writable   func(dir string) error // also of one that is not there yet
	engines    func() ([]engineProcess, error)
}

// engineProcess is a DynamoDB engine that runs.
type engineProcess struct {
	pid, parent int
	file        string // of its database
}

// lookWithin bounds how long a program may take to tell its version.
const lookWithin = 20 * time.Second

func thisMachine() machine {
	return machine{
		goos: runtime.GOOS, goarch: runtime.GOARCH, tempDir: os.TempDir(),
		lookPath: exec.LookPath, run: runProgram, readFile: os.ReadFile, findEngine: nearestEngine,
		portOwner: portOwner, freeBytes: freeBytes, openFiles: openFiles, writable: writable, engines: runningEngines,
	}
}

func runProgram(ctx context.Context, dir, program string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, lookWithin)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir = dir
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	if err := cmd.Run(); err != nil {
		if text := strings.TrimSpace(said.String()); text != "" {
			return "", fmt.Errorf("%s (%w)", text, err)
		}
		return "", err
	}
	return strings.TrimSpace(out.String()), nil
}

// nearestEngine looks where the runtime does.
func nearestEngine(dir string) (string, error) {
	path, err := dynamodb.FindEngine(dir)
	if err == nil {
		return path, nil
	}
	program, errProgram := os.Executable()
	if errProgram != nil {
		return "", err
	}
	return dynamodb.FindEngine(filepath.Dir(program))
}

func portOwner(port int) (listeners.Process, bool) {
	l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err == nil {
		l.Close()
		return listeners.Process{}, false
	}
	owner, _ := listeners.Of(port)
	return owner, true
}

func freeBytes(dir string) (uint64, error) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(dir, &s); err != nil {
		return 0, fmt.Errorf("look at the disk of %s: %w", dir, err)
	}
	return s.Bavail * uint64(s.Bsize), nil
}

func openFiles() (uint64, error) {
	var l syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &l); err != nil {
		return 0, fmt.Errorf("look at the limit of open files: %w", err)
	}
	return l.Cur, nil
}

// writable makes a file where the folder is, or would be made, and takes it back.
func writable(dir string) error {
	at := dir
	for {
		info, err := os.Stat(at)
		if err == nil && !info.IsDir() {
			return fmt.Errorf("%s is no folder", at)
		}
		if err == nil {
			break
		}
		if !errors.Is(err, fs.ErrNotExist) || at == filepath.Dir(at) {
			return err
		}
		at = filepath.Dir(at)
	}
	f, err := os.CreateTemp(at, ".vinci-doctor-")
	if err != nil {
		return err
	}
	return errors.Join(f.Close(), os.Remove(f.Name()))
}

// runningEngines are those of all folders, as far as this user may see them.
func runningEngines() ([]engineProcess, error) {
	files, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		return nil, err
	}
	var all []engineProcess
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			continue // it has ended
		}
		args := strings.Split(strings.TrimRight(string(text), "\x00"), "\x00")
		if filepath.Base(args[0]) != "dynoxide" {
			continue
		}
		p := engineProcess{}
		for i := 1; i < len(args)-1; i++ {
			if args[i] == "--db-path" {
				p.file = args[i+1]
			}
		}
		stat, err := os.ReadFile(filepath.Join(filepath.Dir(file), "stat"))
		if err != nil {
			continue // as above
		}
		// pid (name) state ppid …
		_, rest, _ := strings.Cut(string(stat), ") ")
		if fields := strings.Fields(rest); len(fields) > 1 {
			p.parent, _ = strconv.Atoi(fields[1])
		}
		p.pid, _ = strconv.Atoi(filepath.Base(filepath.Dir(file)))
		all = append(all, p)
	}
	return all, nil
}
