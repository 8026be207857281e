package main

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/vinci-go/vinci/internal/awsenv"
)

// localRun is a vinci local under way.
type localRun struct {
	started
	stdout *transcript
	cancel context.CancelFunc
	done   chan error
}

func runLocal(t *testing.T, args ...string) *localRun {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	l := &localRun{stdout: newTranscript(), cancel: cancel, done: make(chan error, 1)}
	stderr := newTranscript()
	root := newRoot()
	root.SetArgs(append([]string{"local", "--port", "0", "--api-port", "0"}, args...))
	root.SetOut(l.stdout)
	root.SetErr(stderr)
	go func() {
		err := root.ExecuteContext(ctx)
		io.WriteString(l.stdout, "ended\n") // so that waiting for a line ends, too
		l.done <- err
	}()
	m, _ := l.stdout.wait(t, 0, `(?s)^(\{.*?\})\n|stops\n|ended`)
	if m[0] == "ended" {
		t.Fatalf("it ended: %v\n%s", <-l.done, stderr)
	}
	if m[1] != "" {
		if err := json.Unmarshal([]byte(m[1]), &l.started); err != nil {
			t.Fatalf("%s: %v", m[1], err)
		}
	}
	return l
}

func (l *localRun) stop(t *testing.T) {
	t.Helper()
	l.cancel()
	if err := <-l.done; err != nil {
		t.Errorf("vinci local: %v", err)
	}
}

func clientConfig(endpoint, region, id, secret string) aws.Config {
	env := map[string]string{awsenv.EndpointURL: endpoint, awsenv.Region: region, awsenv.AccessKeyID: id, awsenv.SecretAccessKey: secret}
	return awsenv.Config(func(name string) string { return env[name] })
}

func tableNames(t *testing.T, c aws.Config) []string {
	t.Helper()
	out, err := dynamodb.NewFromConfig(c).ListTables(t.Context(), &dynamodb.ListTablesInput{})
	if err != nil {
		t.Fatal(err)
	}
	return out.TableNames
}

// A program with credentials of its own makes things, which are there after a
// restart, until they are reset.
func TestLocal(t *testing.T) {
	data := filepath.Join(t.TempDir(), "state")
	place := []string{"--data", data, "--json", "--region", "eu-central-1", "--account", "123456789012"}
	l := runLocal(t, place...)
	if l.PID != os.Getpid() || l.Region != "eu-central-1" || l.Data != data || l.APIs == nil || l.Notes == nil {
		t.Errorf("it says %+v", l.started)
	}
	c := clientConfig(l.Endpoint, l.Region, "somebody", "something")
	makeOrders(t, c)
	if _, err := sqs.NewFromConfig(clientConfig(l.Endpoint, l.Region, l.AccessKeyID, l.SecretAccessKey)).ListQueues(t.Context(), &sqs.ListQueuesInput{}); err != nil {
		t.Errorf("with the keys that it names: %v", err)
	}
	_, _, err := vinci(t, "", "local", "reset", "--data", data)
	if err == nil || !strings.Contains(err.Error(), "process "+strconv.Itoa(os.Getpid())+" uses "+data) {
		t.Errorf("reset while it runs: %v", err)
	}
	l.stop(t)

	l = runLocal(t, place...)
	if got := tableNames(t, clientConfig(l.Endpoint, l.Region, "x", "y")); len(got) != 1 || got[0] != "orders" {
		t.Errorf("after a restart there are the tables %v, want orders", got)
	}
	l.stop(t)

	stdout, _, err := vinci(t, "", "local", "reset", "--data", data)
	if err != nil || !regexp.MustCompile(`^deleted from \S+/state: dynamodb\.db.*queues.*B\)\n$`).MatchString(stdout) {
		t.Errorf("reset: %q, %v", stdout, err)
	}
	stdout, _, err = vinci(t, "", "local", "reset", "--data", data)
	if err != nil || stdout != "nothing is kept in "+data+"\n" {
		t.Errorf("reset once more: %q, %v", stdout, err)
	}
	l = runLocal(t, "--data", data, "--json")
	if got := tableNames(t, clientConfig(l.Endpoint, l.Region, "x", "y")); len(got) != 0 {
		t.Errorf("after a reset there are the tables %v", got)
	}
	l.stop(t)
}

// For people it prints what to export.
func TestLocalBanner(t *testing.T) {
	l := runLocal(t, "--data", "")
	for _, want := range []string{`AWS_ENDPOINT_URL=http://127\.0\.0\.1:\d+ AWS_REGION=us-east-1\n`, `AWS_ACCESS_KEY_ID=local AWS_SECRET_ACCESS_KEY=local\n`, `any credentials will do; nothing is kept; Ctrl-C stops`} {
		if !regexp.MustCompile(want).MatchString(l.stdout.String()) {
			t.Errorf("%q is not printed:\n%s", want, l.stdout)
		}
	}
	l.stop(t)
}

func TestLocalRefuses(t *testing.T) {
	busy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer busy.Close()
	port := strconv.Itoa(busy.Addr().(*net.TCPAddr).Port)
	for _, tt := range []struct {
		args []string
		want string
	}{
		{[]string{"--port", "70000"}, "--port 70000: allowed are 1 to 65535, and 0 for a free one"},
		{[]string{"--api-port", "-1"}, "--api-port -1: allowed are"},
		{[]string{"--account", "12"}, `--account "12": an account's id has 12 digits`},
		{[]string{"--log-level", "loud"}, "allowed are debug, info, warn and error"},
		{[]string{"--chaos", "x"}, "--chaos x: "},
		{[]string{"--host", "0.0.0.0"}, "which other machines can reach"},
		{[]string{"--port", port}, "port " + port + " for the AWS endpoint is in use by process " + strconv.Itoa(os.Getpid())},
		{[]string{"--port", "0", "--assembly", "nowhere"}, "synthesize"},
		{[]string{"rest"}, `did you mean "reset"`},
		{[]string{"reset", "--data", ""}, "name the folder to empty"},
	} {
		args := append([]string{"local", "--data", ""}, tt.args...)
		if _, _, err := vinci(t, "", args...); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("vinci %v: error %v, want one that says %q", args, err, tt.want)
		}
	}
}

func TestConfirm(t *testing.T) {
	for answer, want := range map[string]bool{"y\n": true, "YES\n": true, " yes": true, "\n": false, "": false, "no\n": false, "yesterday\n": false} {
		var asked strings.Builder
		got, err := confirm(strings.NewReader(answer), &asked, "sure?")
		if got != want || err != nil || asked.String() != "sure? [y/N] " {
			t.Errorf("%q: %v, %v, asked %q", answer, got, err, &asked)
		}
	}
}

// The program itself: killed, it leaves nothing that the next one has to wait for;
// interrupted, it ends cleanly.
func TestLocalProcess(t *testing.T) {
	bin, data := buildVinci(t), filepath.Join(t.TempDir(), "state")
	engine, err := nearestEngine(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	launch := func() (*exec.Cmd, started, *transcript) {
		t.Helper()
		stdout, stderr := newTranscript(), newTranscript()
		cmd := exec.Command(bin, "local", "--port", "0", "--data", data, "--engine", engine, "--json")
		cmd.Dir = t.TempDir() // outside any project
		cmd.Stdout, cmd.Stderr = stdout, stderr
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { cmd.Process.Kill() }) // it has ended when all went well
		m, _ := stdout.wait(t, 0, `(?s)^(\{.*?\})\n`)
		var s started
		if err := json.Unmarshal([]byte(m[1]), &s); err != nil {
			t.Fatalf("%s: %v", m[1], err)
		}
		return cmd, s, stderr
	}
	for i := range 3 {
		cmd, s, _ := launch()
		c := clientConfig(s.Endpoint, s.Region, "a", "b")
		if i == 0 {
			makeOrders(t, c)
		}
		putOrder(t, c, strconv.Itoa(i))
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		cmd.Wait() // reports the signal
	}
	cmd, s, stderr := launch()
	c := clientConfig(s.Endpoint, s.Region, "a", "b")
	out, err := dynamodb.NewFromConfig(c).Scan(t.Context(), &dynamodb.ScanInput{TableName: aws.String("orders")})
	if err != nil || out.Count != 3 {
		t.Errorf("after three kills there are %d items, %v; want 3", out.Count, err)
	}
	if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil || stderr.String() != "stopping\n" {
		t.Errorf("interrupted, it ends with %v and says %q", err, stderr)
	}
	if left := processesOf(t, data); len(left) > 0 {
		t.Errorf("left are %v", left)
	}
}

func makeOrders(t *testing.T, c aws.Config) {
	t.Helper()
	_, err := dynamodb.NewFromConfig(c).CreateTable(t.Context(), &dynamodb.CreateTableInput{
		TableName: aws.String("orders"), BillingMode: types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{{AttributeName: aws.String("id"), AttributeType: types.ScalarAttributeTypeS}},
		KeySchema:            []types.KeySchemaElement{{AttributeName: aws.String("id"), KeyType: types.KeyTypeHash}},
	})
	if err != nil {
		t.Fatal(err)
	}
}

func putOrder(t *testing.T, c aws.Config, id string) {
	t.Helper()
	_, err := dynamodb.NewFromConfig(c).PutItem(t.Context(), &dynamodb.PutItemInput{
		TableName: aws.String("orders"), Item: map[string]types.AttributeValue{"id": &types.AttributeValueMemberS{Value: id}},
	})
	if err != nil {
		t.Fatal(err)
	}
}
