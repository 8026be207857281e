package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/vinci-go/vinci/internal/awsenv"
	"github.com/vinci-go/vinci/internal/moduletest"
)

// transcript collects what a program prints and waits for what it should print.
type transcript struct {
	mu      sync.Mutex
	text    bytes.Buffer
	printed chan struct{} // closed and renewed at every write
}

func newTranscript() *transcript { return &transcript{printed: make(chan struct{})} }

func (tr *transcript) Write(b []byte) (int, error) {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	tr.text.Write(b)
	close(tr.printed)
	tr.printed = make(chan struct{})
	return len(b), nil
}

func (tr *transcript) String() string {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	return tr.text.String()
}

// wait returns the first match of the pattern after position from, and the
// position behind it.
func (tr *transcript) wait(t *testing.T, from int, pattern string) ([]string, int) {
	t.Helper()
	re := regexp.MustCompile(pattern)
	timeout := time.After(4 * time.Minute) // a cold build on a busy machine is slow
	for {
		tr.mu.Lock()
		text, printed := tr.text.String(), tr.printed
		tr.mu.Unlock()
		if at := re.FindStringSubmatchIndex(text[from:]); at != nil {
			return re.FindStringSubmatch(text[from:]), from + at[1]
		}
		select {
		case <-printed:
		case <-timeout:
			t.Fatalf("%q was not printed; printed was:\n%s", pattern, text[from:])
		}
	}
}

// place is a block of the README that says which file it belongs in.
var (
	fileBlock   = regexp.MustCompile("(?s)```go file=(\\S+)\n(.*?)```")
	insertBlock = regexp.MustCompile("(?s)```go insert=(\\S+) before=([^\n]+)\n(.*?)```")
)

// blocks returns what the README tells a new user to write: files, and lines to
// insert.
func blocks(t *testing.T, dir string) (files, inserts [][]string) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	files = fileBlock.FindAllStringSubmatch(string(b), -1)
	inserts = insertBlock.FindAllStringSubmatch(string(b), -1)
	if len(files) != 4 || len(inserts) != 1 {
		t.Fatalf("the README has %d files and %d insertions, want 4 and 1", len(files), len(inserts))
	}
	return files, inserts
}

// forgetREADME takes away what followREADME adds: whoever runs this test may have
// followed the README in this very checkout.
func forgetREADME(t *testing.T, dir string) {
	t.Helper()
	files, inserts := blocks(t, dir)
	for _, m := range files {
		if err := os.Remove(filepath.Join(dir, m[1])); err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
	}
	for _, m := range inserts {
		file := filepath.Join(dir, m[1])
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		moduletest.Write(t, file, strings.Replace(string(b), m[3], "", 1))
	}
}

// followREADME does what the README tells a new user to do.
func followREADME(t *testing.T, dir string) {
	t.Helper()
	files, inserts := blocks(t, dir)
	for _, m := range files {
		moduletest.Write(t, filepath.Join(dir, m[1]), m[2])
	}
	for _, m := range inserts {
		moduletest.Replace(t, filepath.Join(dir, m[1]), "\t"+m[2], m[3]+"\n\t"+m[2])
	}
}

// TestDev is a developer's session: start, follow the README, change a function,
// make a mistake, mend it, look into the tables, stop.
func TestDev(t *testing.T) {
	dir := moduletest.Copy(t, filepath.Join("..", ".."))
	forgetREADME(t, dir)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	screen, errors := newTranscript(), newTranscript()
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("screen:\n%s\nerrors:\n%s", screen, errors)
		}
	})
	done := make(chan error, 1)
	go func() {
		err := dev(ctx, devOptions{dir: dir, data: ".vinci/data", gateway: "127.0.0.1:0", api: "127.0.0.1:0"}, screen, errors)
		fmt.Fprintf(screen, "dev ended: %v\n", err) // so that waiting for a line ends, too
		done <- err
	}()
	m, at := screen.wait(t, 0, `HTTP API \S+  (\S+)|dev ended.*`)
	if m[1] == "" {
		t.Fatalf("%s\n%s", m[0], errors)
	}
	api := m[1]
	m, at = screen.wait(t, at, `AWS_ENDPOINT_URL=(\S+) AWS_REGION=(\S+)\s+export AWS_ACCESS_KEY_ID=(\S+) AWS_SECRET_ACCESS_KEY=(\S+)`)
	env := map[string]string{"AWS_ENDPOINT_URL": m[1], "AWS_REGION": m[2], "AWS_ACCESS_KEY_ID": m[3], "AWS_SECRET_ACCESS_KEY": m[4]}
	db := dynamodb.NewFromConfig(awsenv.Config(func(name string) string { return env[name] }))
	_, at = screen.wait(t, at, `following the sources`)

	followREADME(t, dir)
	_, at = screen.wait(t, at, `added .*count_domain`)
	register(t, api, "alice@example.com")
	_, at = screen.wait(t, at, `(?m)send_welcome.*alice@example\.com`)
	counted(t, db, "example.com", 1)

	t.Log("change a function")
	moduletest.Replace(t, filepath.Join(dir, "domain", "users", "mailer.go"), `"to", to,`, `"edition", "second", "to", to,`)
	_, at = screen.wait(t, at, `changed: domain/users/mailer\.go`)
	_, at = screen.wait(t, at, `send_welcome`)
	register(t, api, "bob@example.com")
	_, at = screen.wait(t, at, `second.*bob@example\.com`)
	counted(t, db, "example.com", 2)

	t.Log("make a mistake")
	events := filepath.Join(dir, "domain", "users", "renamed.go")
	moduletest.Replace(t, events, `"user.renamed"`, `"Renamed"`)
	_, at = screen.wait(t, at, `where +domain/users/renamed\.go:\d+`)
	register(t, api, "carol@example.com") // what ran goes on running
	counted(t, db, "example.com", 3)
	moduletest.Replace(t, events, `"Renamed"`, `"user.renamed"`)
	_, at = screen.wait(t, at, `changed: domain/users/renamed\.go`)
	screen.wait(t, at, `nothing changed|replaced`)

	lookIntoTables(t, dir)

	cancel()
	if err := <-done; err != nil {
		t.Errorf("dev: %v", err)
	}
	if left := processesOf(t, dir); len(left) > 0 {
		t.Errorf("processes outlive dev: %v", left)
	}
	if s, err := readSession(dir); s != nil || err != nil {
		t.Errorf("after its end it is still found: %v, %v", s, err)
	}
}

func register(t *testing.T, api, email string) {
	t.Helper()
	body := fmt.Sprintf(`{"email":%q,"name":"Somebody"}`, email)
	resp, err := http.Post(api+"/users", "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != 201 {
		var doc any
		json.NewDecoder(resp.Body).Decode(&doc)
		t.Fatalf("register %s: %d %v", email, resp.StatusCode, doc)
	}
}

// counted waits until the README's table shows the number.
func counted(t *testing.T, db *dynamodb.Client, domain string, want int) {
	t.Helper()
	deadline := time.Now().Add(time.Minute)
	for {
		out, err := db.GetItem(t.Context(), &dynamodb.GetItemInput{
			TableName:      aws.String("user-system-local-mail_domains"),
			Key:            map[string]types.AttributeValue{"domain": &types.AttributeValueMemberS{Value: domain}},
			ConsistentRead: aws.Bool(true),
		})
		if err != nil {
			t.Fatal(err)
		}
		n, ok := out.Item["users"].(*types.AttributeValueMemberN)
		if ok && n.Value == fmt.Sprint(want) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("mail domain %s: %v, want %d users", domain, out.Item, want)
		}
		time.Sleep(20 * time.Millisecond) // between two looks at a condition that nothing signals
	}
}

// processesOf lists the processes that have the folder in their command line,
// their program or their working directory.
func processesOf(t *testing.T, dir string) []string {
	t.Helper()
	procs, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, proc := range procs {
		if filepath.Base(proc) == fmt.Sprint(os.Getpid()) {
			continue
		}
		// A process may end between these reads: what cannot be read is not there.
		cmdline, _ := os.ReadFile(filepath.Join(proc, "cmdline"))
		exe, _ := os.Readlink(filepath.Join(proc, "exe"))
		cwd, _ := os.Readlink(filepath.Join(proc, "cwd"))
		if strings.Contains(string(cmdline), dir) || strings.HasPrefix(exe, dir) || strings.HasPrefix(cwd, dir) {
			found = append(found, fmt.Sprintf("%s %s", filepath.Base(proc), bytes.ReplaceAll(cmdline, []byte{0}, []byte{' '})))
		}
	}
	return found
}

// buildVinci builds the tool.
func buildVinci(t *testing.T) string {
	t.Helper()
	bin := filepath.Join(t.TempDir(), "vinci")
	if out, err := exec.Command("go", "build", "-o", bin, ".").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return bin
}

// A parent that is killed cannot clean up: its children must end by themselves.
func TestChildrenDieWithTheParent(t *testing.T) {
	dir := moduletest.Copy(t, filepath.Join("..", ".."))
	screen := newTranscript()
	cmd := exec.Command(buildVinci(t), "dev", "--dir", dir, "--gateway", "127.0.0.1:0", "--api", "127.0.0.1:0")
	cmd.Stdout, cmd.Stderr = screen, screen
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	m, at := screen.wait(t, 0, `HTTP API \S+  (\S+)`)
	screen.wait(t, at, `following the sources`)
	register(t, m[1], "alice@example.com") // so that function processes run, too
	if len(processesOf(t, dir)) < 3 {
		t.Fatalf("found too few processes to be a test: %v", processesOf(t, dir))
	}
	if err := cmd.Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	cmd.Wait() // reports the signal
	deadline := time.Now().Add(10 * time.Second)
	for {
		left := processesOf(t, dir)
		if len(left) == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("processes outlive their parent: %v", left)
		}
		time.Sleep(20 * time.Millisecond) // between two looks at /proc
	}
}
