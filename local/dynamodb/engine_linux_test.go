package dynamodb_test

import (
	"bufio"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/vinci-go/vinci/local/dynamodb"
)

// envHelper makes the test binary the owner of an engine, for tests that kill an
// owner: it starts one on the named file, prints its process id and waits.
const envHelper = "VINCI_TEST_ENGINE_OWNER"

func TestMain(m *testing.M) {
	if file := os.Getenv(envHelper); file != "" {
		engine, err := dynamodb.FindEngine(".")
		if err == nil {
			var s *dynamodb.Service
			if s, err = dynamodb.Start(context.Background(), dynamodb.Options{Engine: engine, File: file}); err == nil {
				fmt.Println("pid", s.EnginePID())
				<-s.Done()
			}
		}
		fmt.Println("owner ended:", err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func TestMissingEngineSaysWhatToDo(t *testing.T) {
	_, err := dynamodb.FindEngine(t.TempDir())
	if !errors.Is(err, dynamodb.ErrNoEngine) || !strings.Contains(err.Error(), "npm ci") {
		t.Errorf("FindEngine: %v", err)
	}
	_, err = dynamodb.Start(t.Context(), dynamodb.Options{Engine: filepath.Join(t.TempDir(), "dynoxide"), File: filepath.Join(t.TempDir(), "db")})
	if !errors.Is(err, dynamodb.ErrNoEngine) || !strings.Contains(err.Error(), "npm ci") {
		t.Errorf("Start: %v", err)
	}
}

func TestStartRefusesWrongOptions(t *testing.T) {
	for name, o := range map[string]dynamodb.Options{
		"neither file nor endpoint": {},
		"both":                      {File: "x", Endpoint: "http://127.0.0.1:1"},
		"an endpoint without host":  {Endpoint: "localhost"},
		"another scheme":            {Endpoint: "ftp://127.0.0.1"},
	} {
		if _, err := dynamodb.Start(t.Context(), o); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// A program that ends at once, and one that never answers, are reported with what
// they said.
func TestEngineThatDoesNotStart(t *testing.T) {
	program := filepath.Join(t.TempDir(), "dynoxide")
	if err := os.WriteFile(program, []byte("#!/bin/sh\necho first\necho the disk is on fire >&2\nexit 3\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	_, err := dynamodb.Start(t.Context(), dynamodb.Options{Engine: program, File: filepath.Join(t.TempDir(), "db")})
	if !errors.Is(err, dynamodb.ErrEngineDied) || !strings.Contains(err.Error(), "exit status 3") || !strings.Contains(err.Error(), "the disk is on fire") {
		t.Errorf("got %v", err)
	}
	if strings.Contains(err.Error(), "\n") {
		t.Errorf("more than one line: %q", err)
	}

	if err := os.WriteFile(program, []byte("#!/bin/sh\nexec sleep 60\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := dynamodb.Start(ctx, dynamodb.Options{Engine: program, File: filepath.Join(t.TempDir(), "db")}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v; want the deadline", err)
	}
}

func TestEngineDeathIsReported(t *testing.T) {
	s := start(t, dynamodb.Options{})
	apply(t, s, usersTable())
	f := newFront(t, s, nil)
	waiting := make(chan error, 1)
	go func() {
		_, _, err := s.ReadStream(t.Context(), "app-local-users", "", 1, time.Minute)
		waiting <- err
	}()
	if s.Err() != nil {
		t.Fatalf("before: %v", s.Err())
	}
	if err := syscall.Kill(s.EnginePID(), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	within(t, 5*time.Second, s.Done(), "the engine's death")
	if err := s.Err(); !errors.Is(err, dynamodb.ErrEngineDied) || !strings.Contains(err.Error(), "killed") || !strings.Contains(err.Error(), "listening on") {
		t.Errorf("Err: %v", err)
	}
	select {
	case err := <-waiting:
		if !errors.Is(err, dynamodb.ErrEngineDied) {
			t.Errorf("the waiting reader: %v", err)
		}
	case <-time.After(5 * time.Second):
		t.Error("the waiting reader was not told")
	}
	_, err := f.owner().GetItem(t.Context(), &sdk.GetItemInput{TableName: aws.String("app-local-users"), Key: map[string]types.AttributeValue{"user_id": text("x")}})
	var internal *types.InternalServerError
	if !errors.As(err, &internal) || !strings.Contains(err.Error(), "engine ended") {
		t.Errorf("a call: %v", err)
	}
}

func TestCloseIsNoDeath(t *testing.T) {
	s := start(t, dynamodb.Options{})
	pid := s.EnginePID()
	if err := s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	within(t, time.Second, s.Done(), "done")
	if s.Err() != nil {
		t.Errorf("Err: %v", s.Err())
	}
	if err := syscall.Kill(pid, 0); !errors.Is(err, syscall.ESRCH) {
		t.Errorf("the engine is still there: %v", err)
	}
}

func TestDataSurvivesAKill(t *testing.T) {
	file := filepath.Join(t.TempDir(), "new", "dynamodb.db")
	s := start(t, dynamodb.Options{File: file})
	apply(t, s, usersTable())
	if _, err := newFront(t, s, nil).owner().PutItem(t.Context(), &sdk.PutItemInput{TableName: aws.String("app-local-users"), Item: map[string]types.AttributeValue{"user_id": text("u1")}}); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(s.EnginePID(), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	within(t, 5*time.Second, s.Done(), "the engine's death")
	if err := s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}

	s = start(t, dynamodb.Options{File: file})
	apply(t, s, usersTable())
	out, err := newFront(t, s, nil).owner().GetItem(t.Context(), &sdk.GetItemInput{TableName: aws.String("app-local-users"), Key: map[string]types.AttributeValue{"user_id": text("u1")}})
	if err != nil || out.Item == nil {
		t.Fatalf("the item is lost: %v", err)
	}
	records, next, err := s.ReadStream(t.Context(), "app-local-users", "", 10, 0)
	if err != nil || len(records) != 1 || next != "1" {
		t.Fatalf("the stream: %d records, next %q, %v", len(records), next, err)
	}
}

func TestSecondRuntimeOnTheSameFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "dynamodb.db")
	s := start(t, dynamodb.Options{File: file})
	_, err := dynamodb.Start(t.Context(), dynamodb.Options{Engine: enginePath(t), File: file})
	if !errors.Is(err, dynamodb.ErrInUse) || !strings.Contains(err.Error(), fmt.Sprintf("process %d", os.Getpid())) {
		t.Fatalf("got %v", err)
	}
	if err := syscall.Kill(s.EnginePID(), 0); err != nil {
		t.Errorf("the first runtime's engine was hurt: %v", err)
	}
}

func TestStaleEngineIsEnded(t *testing.T) {
	// Through a link, because an earlier run may have named the folder so.
	real := t.TempDir()
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(real, link); err != nil {
		t.Fatal(err)
	}
	stale := exec.Command(enginePath(t), "serve", "--host", "127.0.0.1", "--port", "0", "--db-path", filepath.Join(real, "dynamodb.db"))
	stderr, err := stale.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := stale.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = stale.Process.Kill() }) // in case of a failure
	if !bufio.NewScanner(stderr).Scan() {
		t.Fatal("the stale engine did not start")
	}
	ended := make(chan struct{})
	go func() {
		_ = stale.Wait() // its status does not matter
		close(ended)
	}()

	s := start(t, dynamodb.Options{File: filepath.Join(link, "dynamodb.db")})
	within(t, 5*time.Second, ended, "the stale engine's end")
	if pids, err := dynamodb.EnginesOn(filepath.Join(real, "dynamodb.db")); err != nil || len(pids) != 1 || pids[0] != s.EnginePID() {
		t.Errorf("engines on the file: %v, %v; want the new one", pids, err)
	}
}

func TestEngineDiesWithItsOwner(t *testing.T) {
	file := filepath.Join(t.TempDir(), "dynamodb.db")
	owner := exec.Command(os.Args[0])
	owner.Env = append(os.Environ(), envHelper+"="+file)
	stdout, err := owner.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := owner.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(stdout)
	var pid int
	if lines.Scan() {
		_, err = fmt.Sscanf(lines.Text(), "pid %d", &pid)
	}
	if err != nil || pid == 0 {
		_ = owner.Process.Kill() // the failure below matters
		t.Fatalf("the owner said %q, %v", lines.Text(), err)
	}
	if err := owner.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = owner.Wait() // "killed"
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for deadline := time.After(5 * time.Second); ; {
		if pids, err := dynamodb.EnginesOn(file); err != nil {
			t.Fatal(err)
		} else if len(pids) == 0 {
			break
		}
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("engine %d outlived its owner", pid)
		}
	}
	start(t, dynamodb.Options{File: file}) // the lock went with its owner
}

// The statements are the engine's own, read from it: if the next version asks
// otherwise, this says so.
func TestStreamQueriesUseTheIndexes(t *testing.T) {
	file := filepath.Join(t.TempDir(), "dynamodb.db")
	start(t, dynamodb.Options{File: file})
	db, err := sql.Open("sqlite", "file:"+file)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for query, index := range map[string]string{
		`SELECT COALESCE(MAX(CAST(sequence_number AS INTEGER)), 0) + 1 FROM _stream_records WHERE table_name = 't'`: "vinci_stream_by_table",
		`SELECT event_name FROM _stream_records WHERE table_name = 't' AND shard_id = 's' AND CAST(sequence_number AS INTEGER) > 5
		 ORDER BY CAST(sequence_number AS INTEGER) LIMIT 10`: "vinci_stream_by_shard",
	} {
		var id, parent, unused int
		var plan string
		if err := db.QueryRowContext(t.Context(), "EXPLAIN QUERY PLAN "+query).Scan(&id, &parent, &unused, &plan); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(plan, "USING INDEX "+index) && !strings.Contains(plan, "USING COVERING INDEX "+index) {
			t.Errorf("%s\nplan: %s; want index %s", query, plan, index)
		}
	}
}
