package local

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/vinci-go/vinci/internal/awsenv"
	"github.com/vinci-go/vinci/local/dynamodb"
)

// patience is how long a test waits for what takes milliseconds when all is well.
const patience = 30 * time.Second

// start runs the assembly, and checks at the end of the test that Stop leaves
// nothing.
func start(t *testing.T, c Config) *Runtime {
	t.Helper()
	if c.Logger == nil {
		c.Logger = slog.New(slog.NewTextHandler(t.Output(), nil))
	}
	r, err := Start(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop(t, r) })
	return r
}

func stop(t *testing.T, r *Runtime) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := r.Stop(ctx); err != nil {
		t.Errorf("stop: %v", err)
	}
	if left := children(t); len(left) > 0 {
		t.Errorf("processes are left after Stop: %v", left)
	}
}

// children are the ids of this process's children.
func children(t *testing.T) []string { return childrenOf(t, "self") }

func childrenOf(t *testing.T, pid string) []string {
	t.Helper()
	files, err := filepath.Glob("/proc/" + pid + "/task/*/children")
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			continue // the thread has ended
		}
		all = append(all, strings.Fields(string(data))...)
	}
	return all
}

// call makes an HTTP request to the runtime's one API.
func call(t *testing.T, r *Runtime, method, path, body string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, r.APIs()[0].URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "text/plain")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

// httpPost sends text and gives the status of the answer.
func httpPost(t *testing.T, url, body string) (int, error) {
	t.Helper()
	resp, err := http.Post(url, "text/plain", strings.NewReader(body))
	if err != nil {
		return 0, err
	}
	return resp.StatusCode, resp.Body.Close()
}

// put makes an item through the API.
func put(t *testing.T, r *Runtime, id string) {
	t.Helper()
	if status, text := call(t, r, "POST", "/items", id); status != 201 {
		t.Fatalf("POST /items %s: %d %s", id, status, text)
	}
}

// awaitItem reads an item until the handler has marked it.
func awaitItem(t *testing.T, r *Runtime, id, want string) {
	t.Helper()
	last := ""
	await(t, "item "+id+" to be "+want, func() bool {
		_, last = call(t, r, "GET", "/items/"+id, "")
		return last == want
	}, func() string { return last })
}

func await(t *testing.T, what string, ok func() bool, last func() string) {
	t.Helper()
	for end := time.Now().Add(patience); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited in vain for %s: %s", what, last())
		}
	}
}

// awsConfig is that of an SDK client with the developer's own credentials.
func awsConfig(r *Runtime) aws.Config {
	owner := r.Owner()
	env := map[string]string{
		awsenv.Region: owner.Region, awsenv.AccessKeyID: owner.AccessKeyID, awsenv.SecretAccessKey: owner.SecretAccessKey,
		awsenv.EndpointURL: r.Endpoint(),
	}
	return awsenv.Config(func(name string) string { return env[name] })
}

func queueClient(r *Runtime) *sqs.Client { return sqs.NewFromConfig(awsConfig(r)) }

// TestWholeWay sends an item through API, table, stream, relay, bus, queue and
// handler, and then looks at what else a running assembly promises.
func TestWholeWay(t *testing.T) {
	r := start(t, Config{Assembly: app(t)})
	lines := r.Subscribe(t.Context())
	put(t, r, "one")
	awaitItem(t, r, "one", "handled")
	for line := range lines {
		if line.Function == "work" && line.Text == "handled one" {
			if line.RequestID == "" || line.Time.IsZero() {
				t.Errorf("log line without request id or time: %+v", line)
			}
			break
		}
	}
	if got := r.Functions(); !slices.Equal(got, []string{"api", "relay", "work"}) {
		t.Errorf("functions: %v", got)
	}

	t.Run("denied", func(t *testing.T) {
		_, text := call(t, r, "GET", "/scan", "")
		for _, want := range []string{"AccessDeniedException", "is not authorized to perform: dynamodb:Scan on resource: arn:aws:dynamodb:us-east-1:000000000000:table/t-items", `"Action":"dynamodb:Scan"`} {
			if !strings.Contains(text, want) {
				t.Errorf("answer does not say %q: %s", want, text)
			}
		}
	})
	t.Run("no route", func(t *testing.T) {
		if status, _ := call(t, r, "DELETE", "/items", ""); status != 404 {
			t.Errorf("status %d, want 404", status)
		}
	})
	t.Run("poison", func(t *testing.T) {
		put(t, r, "poison-1")
		put(t, r, "two")
		awaitItem(t, r, "two", "handled") // the rest of the batch is not held up
		client := queueClient(r)
		var body string
		await(t, "the poison in the dead-letter queue", func() bool {
			out, err := client.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{
				QueueUrl: aws.String(r.Endpoint() + "/000000000000/t-work_dlq"), WaitTimeSeconds: 20,
			})
			if err != nil {
				t.Fatal(err)
			}
			if len(out.Messages) > 0 {
				body = *out.Messages[0].Body
			}
			return body != ""
		}, func() string { return fmt.Sprint(r.Lines("work")) })
		if !strings.Contains(body, `"poison-1"`) || !strings.Contains(body, `"detail-type":"item.created"`) {
			t.Errorf("dead letter: %s", body)
		}
	})
	t.Run("killed", func(t *testing.T) {
		for i := range 10 {
			put(t, r, fmt.Sprint("killed-", i))
		}
		killed := 0
		for _, pid := range r.Processes("work") {
			if err := syscall.Kill(pid, syscall.SIGKILL); err == nil {
				killed++
			}
		}
		if killed == 0 {
			t.Error("the function has no process")
		}
		for i := range 10 {
			awaitItem(t, r, fmt.Sprint("killed-", i), "handled")
		}
	})
	t.Run("many at once", func(t *testing.T) {
		var wg sync.WaitGroup
		for i := range 50 {
			wg.Go(func() {
				id := fmt.Sprint("many-", i)
				if status, err := httpPost(t, r.APIs()[0].URL+"/items", id); err != nil || status != 201 {
					t.Errorf("%s: %d %v", id, status, err)
				}
			})
		}
		wg.Wait()
		for i := range 50 {
			awaitItem(t, r, fmt.Sprint("many-", i), "handled")
		}
	})
}

// TestRestart: what was there before is there after, and what a message still
// has to do is done then.
func TestRestart(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	// The first run's handler is never called: nothing maps its queue to it.
	r := start(t, Config{Assembly: app(t, `"BatchSize": 10, "FunctionResponseTypes"`, `"Enabled": false, "FunctionResponseTypes"`), Data: data})
	put(t, r, "kept")
	client := queueClient(r)
	url := aws.String(r.Endpoint() + "/000000000000/t-work")
	await(t, "the event in the queue", func() bool {
		out, err := client.GetQueueAttributes(t.Context(), &sqs.GetQueueAttributesInput{QueueUrl: url, AttributeNames: []types.QueueAttributeName{"All"}})
		if err != nil {
			t.Fatal(err)
		}
		return out.Attributes["ApproximateNumberOfMessages"] == "1"
	}, func() string { return fmt.Sprint(r.Lines("relay")) })
	stop(t, r)
	if _, err := os.Stat(data); err != nil {
		t.Fatalf("the data folder went with the runtime: %v", err)
	}

	again := start(t, Config{Assembly: app(t), Data: data})
	awaitItem(t, again, "kept", "handled")
}

func TestTemporaryData(t *testing.T) {
	r := start(t, Config{Assembly: app(t)})
	dir := r.config.Data
	if _, err := os.Stat(dir); err != nil {
		t.Fatal(err)
	}
	stop(t, r)
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the temporary folder is still there: %v", err)
	}
	if _, err := r.Reload(t.Context(), app(t)); !errors.Is(err, ErrStopped) {
		t.Errorf("reload after stop: %v", err)
	}
	if err := r.Err(); err != nil {
		t.Errorf("Err after Stop: %v", err)
	}
}

func TestStartErrors(t *testing.T) {
	busy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer busy.Close()
	taken := busy.Addr().String()
	_, port, _ := net.SplitHostPort(taken)
	locked := t.TempDir()
	lock, err := lockData(locked)
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Close()
	for _, tt := range []struct {
		name   string
		config Config
		kind   error
		want   string
	}{
		{"not an assembly", Config{Assembly: t.TempDir()}, nil, "has no manifest.json: synthesize"},
		{"bad assembly", Config{Assembly: app(t, `"ProtocolType": "HTTP"`, `"ProtocolType": "WEBSOCKET"`)}, ErrAssembly, "served is HTTP"},
		{"gateway port in use", Config{Assembly: app(t), GatewayAddr: taken}, ErrAddress, "port " + port + " for the AWS endpoint is in use by process " + strconv.Itoa(os.Getpid()) + " (local.test): stop the program that has it, or take another port"},
		{"API port in use", Config{Assembly: app(t), APIAddr: taken}, ErrAddress, "port " + port + " for the HTTP API is in use"},
		{"open address", Config{Assembly: app(t), GatewayAddr: "0.0.0.0:0"}, ErrAddress, "which other machines can reach: take 127.0.0.1"},
		{"no address", Config{Assembly: app(t), GatewayAddr: "here"}, ErrAddress, "must be like 127.0.0.1:8080"},
		{"no engine", Config{Assembly: app(t), Engine: "/nowhere/dynoxide"}, dynamodb.ErrNoEngine, "npm ci"},
		{"data in use", Config{Assembly: app(t), Data: locked}, ErrInUse, "process " + strconv.Itoa(os.Getpid())},
		{"function settings", Config{Assembly: app(t, `"MemorySize": 256`, `"MemorySize": 1`)}, nil, "memory is 1 MB"},
		{"no DynamoDB there", Config{Assembly: app(t), DynamoDBEndpoint: "http://" + closedPort(t)}, nil, "connection refused"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r, err := Start(t.Context(), tt.config)
			if err == nil {
				stop(t, r)
				t.Fatal("it started")
			}
			if tt.kind != nil && !errors.Is(err, tt.kind) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want one of kind %v that says %q", err, tt.kind, tt.want)
			}
			if strings.Count(err.Error(), "\n") > 1 {
				t.Errorf("the error has more than a line or two:\n%v", err)
			}
			if left := children(t); len(left) > 0 {
				t.Errorf("processes are left: %v", left)
			}
		})
	}
}

// closedPort is an address at which nothing listens.
func closedPort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// TestEngineDies: the runtime says so, in one line, and can still be stopped.
func TestEngineDies(t *testing.T) {
	var log bytes.Buffer
	r := start(t, Config{Assembly: app(t), Logger: slog.New(slog.NewTextHandler(&log, nil))})
	for _, pid := range children(t) {
		name, err := os.ReadFile("/proc/" + pid + "/comm")
		if err != nil || strings.TrimSpace(string(name)) != "dynoxide" {
			continue
		}
		n, err := strconv.Atoi(pid)
		if err != nil {
			t.Fatal(err)
		}
		if err := syscall.Kill(n, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
	}
	select {
	case <-r.Done():
	case <-time.After(patience):
		t.Fatal("Done is not closed")
	}
	if err := r.Err(); !errors.Is(err, dynamodb.ErrEngineDied) || strings.Contains(err.Error(), "\n") {
		t.Errorf("Err = %v", err)
	}
}
