package migrate

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vinci-go/vinci/internal/awsenv"
	"github.com/vinci-go/vinci/internal/names"
	"github.com/vinci-go/vinci/orm"
)

// process runs a migration as its main function does.
func process(ctx context.Context, env map[string]string, fn Func[account], args ...string) (code int, stdout, stderr string) {
	var out, errs bytes.Buffer
	p := program{flags: flag.NewFlagSet("", flag.ContinueOnError), args: args, getenv: func(name string) string { return env[name] }, stdout: &out, stderr: &errs}
	code = execute(ctx, p, "to_cents", accounts, fn)
	return code, out.String(), errs.String()
}

func environment(endpoint, deployment string) map[string]string {
	return map[string]string{names.EnvApplication: "shop", names.EnvDeployment: deployment, awsenv.Region: "eu-west-1",
		awsenv.AccessKeyID: "a", awsenv.SecretAccessKey: "s", awsenv.EndpointURL: endpoint}
}

const tableID = "bf5f834a-8c78-4b2f-85e3-c13dcc5b718a"

// dynamoDB answers the two calls of a migration that writes nothing: a table of
// two items.
func dynamoDB(t *testing.T, table string) string {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		var in struct{ TableName string }
		if err != nil || json.Unmarshal(body, &in) != nil || in.TableName != table {
			w.WriteHeader(http.StatusBadRequest)
			io.WriteString(w, `{"__type":"com.amazonaws.dynamodb.v20120810#ResourceNotFoundException","message":"no"}`)
			return
		}
		switch _, op, _ := strings.Cut(r.Header.Get("X-Amz-Target"), "."); op {
		case "DescribeTable":
			io.WriteString(w, `{"Table":{"ItemCount":2,"TableId":"`+tableID+`"}}`)
		case "Scan":
			io.WriteString(w, `{"Count":2,"ScannedCount":2,"Items":[{"id":{"S":"a"},"balance":{"N":"1"},"cents":{"N":"100"}},{"id":{"S":"b"},"balance":{"N":"2"}}]}`)
		default:
			t.Errorf("%s was called", op)
		}
	}))
	t.Cleanup(s.Close)
	return s.URL
}

func TestMainRuns(t *testing.T) {
	t.Chdir(t.TempDir())
	env := environment(dynamoDB(t, "shop-dev-accounts"), "dev")
	code, out, errs := process(t.Context(), env, toCents, "--dry-run", "-rate", "1000")
	if code != 0 || out != "update accounts \"b\": set cents = 200 if balance = 2\nto_cents: looked at 2, to change 1, skipped 1, failed 0\n" {
		t.Errorf("dry run: %d\n%s%s", code, out, errs)
	}
	if !strings.Contains(errs, "table accounts of deployment dev, at most 1000 items a second; a dry run") {
		t.Errorf("it says\n%s", errs)
	}
	bad := func(context.Context, account) ([]orm.Write, error) { return nil, errors.New("bad") }
	code, out, errs = process(t.Context(), env, bad)
	if code != exitFailed || !strings.Contains(out, "looked at 2, changed 0, skipped 0, failed 2\n  failed: \"a\": bad\n  failed: \"b\": bad\n") || !strings.Contains(errs, "it tries them first") {
		t.Errorf("failures: %d\n%s%s", code, out, errs)
	}
	if b, err := os.ReadFile(filepath.Join(".vinci", "migrations", "dev", "to_cents.json")); err != nil || !strings.Contains(string(b), tableID) {
		t.Errorf("the checkpoint is %s, %v", b, err)
	}
	nothing := func(context.Context, account) ([]orm.Write, error) { return nil, nil }
	if code, out, errs = process(t.Context(), env, nothing, "--restart", "--checkpoint", "x.json"); code != 0 || !strings.Contains(out, "skipped 2") {
		t.Errorf("nothing to do: %d\n%s%s", code, out, errs)
	}
	if code, out, errs = process(t.Context(), env, bad, "--checkpoint", "x.json"); code != 0 || !strings.Contains(out, "it has finished before (x.json): --restart runs it again") {
		t.Errorf("again: %d\n%s%s", code, out, errs)
	}
	ctx, cancel := context.WithCancel(t.Context())
	code, _, errs = process(ctx, env, func(context.Context, account) ([]orm.Write, error) { cancel(); return nil, nil }, "--restart", "--rate", "0.001")
	if code != exitStopped || !strings.Contains(errs, "stopped; the next run goes on from here") {
		t.Errorf("stopped: %d\n%s", code, errs)
	}
}

func TestMainMistakes(t *testing.T) {
	t.Chdir(t.TempDir())
	ok := environment(dynamoDB(t, "shop-local-accounts"), "local")
	tests := []struct {
		name string
		env  map[string]string
		args []string
		code int
		says string
	}{
		{"help", nil, []string{"-help"}, 0, "items a second at most"},
		{"unknown flag", nil, []string{"--nothing"}, exitUsage, "nothing"},
		{"argument", nil, []string{"x"}, exitUsage, `unknown argument "x"`},
		{"no rate", nil, []string{"--rate", "0"}, exitUsage, "cannot be 0"},
		{"no page", nil, []string{"--page", "0"}, exitUsage, "cannot be 0"},
		{"no environment", nil, nil, exitFailed, "vinci migrate to_cents"},
		{"too many segments", ok, []string{"--segments", "1000001"}, exitFailed, "1000001 segments"},
		{"nothing answers", environment("http://127.0.0.1:1", "local"), nil, exitFailed, "nothing answers at http://127.0.0.1:1: start the local runtime"},
		{"no local table", environment(dynamoDB(t, "other"), "local"), nil, exitFailed, "`vinci dev` has to run with it"},
		{"not deployed", environment(dynamoDB(t, "other"), "dev"), nil, exitFailed, "make deploy DEPLOYMENT=dev"},
	}
	for _, tt := range tests {
		code, out, errs := process(t.Context(), tt.env, toCents, tt.args...)
		if code != tt.code || !strings.Contains(errs, tt.says) {
			t.Errorf("%s: %d, want %d and %q:\n%s%s", tt.name, code, tt.code, tt.says, out, errs)
		}
	}
}
