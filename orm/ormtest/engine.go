package ormtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/vinci-go/vinci/internal/awsenv"
	"github.com/vinci-go/vinci/orm"
)

// Engine is a local DynamoDB engine in a process of its own, for tests that
// want a real endpoint. It ends with the test.
type Engine struct {
	Client *dynamodb.Client
	URL    string
	tables atomic.Int64
}

const engineFile = "node_modules/@dynoxide/linux-x64/dynoxide"

// StartEngine starts the engine that npm installed, with an empty database. The
// test fails, and is not skipped, when it is missing: run npm ci.
func StartEngine(t testing.TB) *Engine {
	t.Helper()
	path, err := findEngine()
	if err != nil {
		t.Fatal(err)
	}
	const tries = 3 // another process may take the free port first
	for i := range tries {
		url, err := launch(t, path, filepath.Join(t.TempDir(), "dynamodb-"+strconv.Itoa(i)))
		if err == nil {
			return &Engine{URL: url, Client: client(url)}
		}
		if i == tries-1 {
			t.Fatalf("starting the DynamoDB engine %s: %v", path, err)
		}
	}
	panic("unreachable")
}

// findEngine looks for the engine in the folders upward from here.
func findEngine() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("looking for the DynamoDB engine: %w", err)
	}
	for {
		path := filepath.Join(dir, engineFile)
		if _, err := os.Stat(path); err == nil {
			return path, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", fmt.Errorf("the DynamoDB engine %s is not installed: run npm ci", engineFile)
		}
		dir = parent
	}
}

func client(url string) *dynamodb.Client {
	return dynamodb.NewFromConfig(awsenv.Config(func(name string) string {
		return map[string]string{awsenv.Region: "us-east-1", awsenv.AccessKeyID: "local", awsenv.SecretAccessKey: "local", awsenv.EndpointURL: url}[name]
	}))
}

// launch starts the engine and waits until it answers.
func launch(t testing.TB, path, db string) (url string, err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	addr := l.Addr().(*net.TCPAddr)
	if err := l.Close(); err != nil {
		return "", err
	}
	var output bytes.Buffer
	cmd := exec.Command(path, "serve", "--host", "127.0.0.1", "--port", strconv.Itoa(addr.Port), "--db-path", db)
	cmd.Stdout, cmd.Stderr = &output, &output
	dieWithParent(cmd)
	started, exited := make(chan error, 1), make(chan error, 1)
	go func() {
		// The kernel ends the child with the thread that made it, so the thread
		// must live as long as the child.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			exited <- cmd.Wait()
		}
	}()
	if err := <-started; err != nil {
		return "", err
	}
	stop := func() {
		if err := cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
			t.Errorf("ending the DynamoDB engine: %v", err)
		}
		<-exited
	}
	for deadline := time.Now().Add(10 * time.Second); ; {
		c, err := net.DialTimeout("tcp", addr.String(), time.Second)
		if err == nil {
			t.Cleanup(stop)
			return "http://" + addr.String(), c.Close()
		}
		select {
		case err := <-exited:
			return "", fmt.Errorf("it ended at once: %v\n%s", err, output.String())
		case <-time.After(10 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			stop()
			return "", fmt.Errorf("it does not answer on %s: %w\n%s", addr, err, output.String())
		}
	}
}

// Store is a store with the given tables, all new and empty. Other stores of the
// same engine do not see them.
func (e *Engine) Store(t testing.TB, tables ...orm.Definition) orm.Store {
	t.Helper()
	prefix := "t" + strconv.FormatInt(e.tables.Add(1), 10) + "-"
	name := func(definition string) string { return prefix + definition }
	for _, d := range tables {
		if err := d.Err(); err != nil {
			t.Fatal(err)
		}
		s := d.Schema()
		if _, err := e.Client.CreateTable(context.Background(), orm.CreateTableInput(s, name(s.Name))); err != nil {
			t.Fatalf("making table %s: %v", name(s.Name), err)
		}
	}
	return orm.NewDynamoDB(e.Client, name)
}
