package awsenv

import (
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
)

func env(m map[string]string) func(string) string { return func(name string) string { return m[name] } }

func TestConfig(t *testing.T) {
	c := Config(env(map[string]string{Region: "eu-central-1", AccessKeyID: "id", SecretAccessKey: "secret", SessionToken: "token"}))
	if c.Region != "eu-central-1" || c.BaseEndpoint != nil {
		t.Errorf("region is %q, endpoint %v; want eu-central-1, none", c.Region, c.BaseEndpoint)
	}
	got, err := c.Credentials.Retrieve(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got.AccessKeyID != "id" || got.SecretAccessKey != "secret" || got.SessionToken != "token" || got.CanExpire {
		t.Errorf("credentials are %+v", got)
	}
	if d, err := c.Retryer().RetryDelay(30, nil); err != nil || d > 2*time.Second {
		t.Errorf("a retry waits %s (%v), want at most 2s", d, err)
	}
}

func TestNoCredentials(t *testing.T) {
	for _, m := range []map[string]string{{}, {AccessKeyID: "id"}, {SecretAccessKey: "secret"}} {
		_, err := Config(env(m)).Credentials.Retrieve(t.Context())
		if err == nil || !strings.Contains(err.Error(), AccessKeyID) {
			t.Errorf("%v: error is %v, want one that names the variables", m, err)
		}
	}
}

// The endpoint and the credentials reach the wire, and a redirect is not
// followed with them.
func TestEndpoint(t *testing.T) {
	var authorization, token string
	calls := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		calls++
		authorization, token = r.Header.Get("Authorization"), r.Header.Get("X-Amz-Security-Token")
		http.Redirect(w, r, "/elsewhere", http.StatusFound) // one that a client can follow without the body
	}))
	defer server.Close()
	c := Config(env(map[string]string{Region: "eu-central-1", AccessKeyID: "id", SecretAccessKey: "secret", SessionToken: "token", EndpointURL: server.URL}))
	if _, err := dynamodb.NewFromConfig(c).ListTables(t.Context(), &dynamodb.ListTablesInput{}); err == nil {
		t.Error("a redirect was taken for an answer")
	}
	if !strings.Contains(authorization, "Credential=id/") || !strings.Contains(authorization, "/eu-central-1/dynamodb/") || token != "token" {
		t.Errorf("authorization is %q, token %q", authorization, token)
	}
	if calls != 1 {
		t.Errorf("%d calls came, want 1", calls)
	}
}

// The SDK's config package and what it pulls in stay out of every function.
func TestDependencies(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", ".", "../../orm").CombinedOutput()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, out)
	}
	for dep := range strings.Lines(string(out)) {
		for _, bad := range []string{"/aws-sdk-go-v2/config", "/aws-sdk-go-v2/credentials", "/service/sts", "/service/sso", "/feature/ec2"} {
			if strings.Contains(dep, bad) {
				t.Errorf("%s is pulled in", strings.TrimSpace(dep))
			}
		}
	}
}
