package dynamodb_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/vinci-go/vinci/local/dynamodb"
	"github.com/vinci-go/vinci/local/gateway"
	"github.com/vinci-go/vinci/local/gateway/gatewaytest"
)

// enginePath finds the real engine; without it nothing here means anything, so its
// absence fails the tests and does not skip them.
func enginePath(t testing.TB) string {
	t.Helper()
	path, err := dynamodb.FindEngine(".")
	if err != nil {
		t.Fatalf("run npm ci: %v", err)
	}
	return path
}

func start(t testing.TB, o dynamodb.Options) *dynamodb.Service {
	t.Helper()
	if o.Endpoint == "" {
		if o.Engine == "" {
			o.Engine = enginePath(t)
		}
		if o.File == "" {
			o.File = filepath.Join(t.TempDir(), "dynamodb.db")
		}
	}
	s, err := dynamodb.Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(context.Background()); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return s
}

// front puts a gateway before the service and returns it with an SDK client that
// has the owner's credentials.
type front struct {
	service     *dynamodb.Service
	credentials *gateway.Credentials
	url         string
}

func newFront(t testing.TB, s *dynamodb.Service, observer func(gateway.Call)) *front {
	t.Helper()
	f := &front{service: s, credentials: gateway.NewCredentials(gateway.CredentialsOptions{})}
	server := httptest.NewServer(gateway.New(gateway.Options{
		Services: []gateway.Service{s}, Credentials: f.credentials, Observer: observer, Logger: slog.New(slog.DiscardHandler),
	}))
	t.Cleanup(server.Close)
	f.url = server.URL
	return f
}

func (f *front) client(k gateway.Keys) *sdk.Client {
	return sdk.NewFromConfig(f.config(k))
}

func (f *front) config(k gateway.Keys) aws.Config {
	return aws.Config{
		Region: "us-east-1", BaseEndpoint: aws.String(f.url), RetryMaxAttempts: 1,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: k.AccessKeyID, SecretAccessKey: k.SecretAccessKey, SessionToken: k.SessionToken}, nil
		}),
	}
}

func (f *front) owner() *sdk.Client { return f.client(f.credentials.Owner()) }

func usersTable() dynamodb.TableConfig {
	return dynamodb.TableConfig{
		Name:       "app-local-users",
		Attributes: map[string]string{"user_id": "S", "status": "S"},
		Key:        []dynamodb.KeyElement{{AttributeName: "user_id", KeyType: dynamodb.Partition}},
		GlobalIndexes: []dynamodb.Index{{Name: "by_status", Projection: "KEYS_ONLY",
			Key: []dynamodb.KeyElement{{AttributeName: "status", KeyType: dynamodb.Partition}}}},
		TTLAttribute: "expires_at",
		Stream:       "NEW_AND_OLD_IMAGES",
	}
}

func apply(t testing.TB, s *dynamodb.Service, tables ...dynamodb.TableConfig) {
	t.Helper()
	if err := s.Apply(t.Context(), tables); err != nil {
		t.Fatal(err)
	}
}

func text(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

func within(t testing.TB, d time.Duration, c <-chan struct{}, what string) {
	t.Helper()
	select {
	case <-c:
	case <-time.After(d):
		t.Fatalf("%s: not within %v", what, d)
	}
}

// post makes a call without the SDK, whose own work is larger than what is
// measured, and which sends no wrong bodies.
func post(t testing.TB, url string, key gateway.Keys, operation, body string) {
	t.Helper()
	if status, answer := postRaw(t, url, key, operation, body); status != http.StatusOK {
		t.Fatalf("%s: status %d: %s", operation, status, answer)
	}
}

func postRaw(t testing.TB, url string, key gateway.Keys, operation, body string) (status int, answer []byte) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-amz-json-1.0")
	req.Header.Set("X-Amz-Target", "DynamoDB_20120810."+operation)
	gatewaytest.Sign(t, req, key, "dynamodb", body)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if answer, err = io.ReadAll(res.Body); err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, answer
}
