package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// peer is an emulator that runs in a process of its own.
type peer struct {
	endpoint string
	run      *exec.Cmd
	output   *bytes.Buffer // what it said, for errors
	started  time.Duration // from the start of the process to its first answer
}

// aws is the configuration of clients of it. Both take any credentials.
func (p *peer) aws() aws.Config {
	return aws.Config{
		Region: "us-east-1", BaseEndpoint: &p.endpoint,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "test", SecretAccessKey: "test"}, nil
		}),
	}
}

// stop ends the process and waits for it.
func (p *peer) stop() error {
	if err := p.run.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	timer := time.AfterFunc(10*time.Second, func() { _ = p.run.Process.Kill() }) // it may have ended meanwhile
	defer timer.Stop()
	var exit *exec.ExitError
	if err := p.run.Wait(); err != nil && !errors.As(err, &exit) { // how it answers SIGTERM is its own affair
		return err
	}
	return nil
}

// memory is the resident memory of the process and of its children, in MB.
func (p *peer) memory() (own, children float64, err error) {
	if own, err = residentMB(p.run.Process.Pid); err != nil {
		return 0, 0, err
	}
	procs, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return 0, 0, err
	}
	for _, file := range procs {
		stat, err := os.ReadFile(file)
		if err != nil {
			continue // it has ended
		}
		// pid (name) state ppid …; the name may hold anything.
		rest := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
		if len(rest) < 2 || rest[1] != strconv.Itoa(p.run.Process.Pid) {
			continue
		}
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(file)))
		if err != nil {
			return 0, 0, err
		}
		if mb, err := residentMB(pid); err == nil {
			children += mb
		}
	}
	return own, children, nil
}

func residentMB(pid int) (float64, error) {
	text, err := field(fmt.Sprintf("/proc/%d/status", pid), "VmRSS")
	if err != nil {
		return 0, err
	}
	kb, err := strconv.ParseFloat(strings.TrimSuffix(text, " kB"), 64)
	return kb / 1024, err
}

// startVinci builds the tool and starts `vinci local` with no assembly.
func startVinci(ctx context.Context, dir, data string) (*peer, error) {
	tool := filepath.Join(dir, ".vinci", "bin", "vinci")
	build := exec.CommandContext(ctx, "go", "build", "-o", tool, "./cmd/vinci")
	build.Dir = dir
	if out, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("build the vinci tool: %w\n%s", err, out)
	}
	run := exec.CommandContext(ctx, tool, "local", "--port", "0", "--data", data, "--json")
	run.Dir = dir
	p := &peer{run: run, output: &bytes.Buffer{}}
	run.Stderr = p.output
	stdout, err := run.StdoutPipe()
	if err != nil {
		return nil, err
	}
	began := time.Now()
	if err := run.Start(); err != nil {
		return nil, err
	}
	line, err := bufio.NewReader(stdout).ReadBytes('\n')
	var ready struct {
		Endpoint string `json:"endpoint"`
	}
	if err == nil {
		err = json.Unmarshal(line, &ready)
	}
	if err != nil || ready.Endpoint == "" {
		return nil, errors.Join(fmt.Errorf("vinci local said %q where its endpoint was expected: %v\n%s", line, err, p.output), p.stop())
	}
	p.endpoint, p.started = ready.Endpoint, time.Since(began)
	return p, nil
}

// startFauxqs starts the fauxqs of bench/node_modules on the Node of the project.
// Without a data folder it keeps everything in memory.
func startFauxqs(ctx context.Context, dir, data string) (*peer, error) {
	main, err := filepath.Abs(filepath.Join(dir, "bench/node_modules/fauxqs/dist/server.js"))
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(main); err != nil {
		return nil, fmt.Errorf("fauxqs is not installed: run npm ci in bench: %w", err)
	}
	node, err := filepath.Abs(filepath.Join(dir, "node_modules/.bin/node"))
	if err != nil {
		return nil, err
	}
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	run := exec.CommandContext(ctx, node, main)
	run.Env = append(os.Environ(), "FAUXQS_PORT="+port, "FAUXQS_LOGGER=false", "FAUXQS_DATA_DIR=", "FAUXQS_PERSISTENCE=false")
	if data != "" {
		if err := os.MkdirAll(data, 0o755); err != nil {
			return nil, err
		}
		run.Env = append(run.Env, "FAUXQS_DATA_DIR="+data, "FAUXQS_PERSISTENCE=true")
	}
	p := &peer{run: run, output: &bytes.Buffer{}, endpoint: "http://127.0.0.1:" + port}
	run.Stdout, run.Stderr = p.output, p.output
	began := time.Now()
	if err := run.Start(); err != nil {
		return nil, err
	}
	if err := answers(ctx, p.endpoint); err != nil {
		return nil, errors.Join(fmt.Errorf("fauxqs does not answer: %w\n%s", err, p.output), p.stop())
	}
	p.started = time.Since(began)
	return p, nil
}

// answers waits until something at the URL answers HTTP, whatever it says.
func answers(ctx context.Context, url string) error {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		resp, err := http.DefaultClient.Do(req)
		if err == nil {
			_, err = io.Copy(io.Discard, resp.Body)
			return errors.Join(err, resp.Body.Close())
		}
		if pause(ctx) != nil {
			return err
		}
	}
}

func freePort() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	return port, err
}
