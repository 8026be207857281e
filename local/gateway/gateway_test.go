package gateway_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	ddbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"

	"github.com/vinci-go/vinci/local/gateway"
	"github.com/vinci-go/vinci/local/gateway/gatewaytest"
	"github.com/vinci-go/vinci/local/iam"
)

const (
	roleARN  = "arn:aws:iam::000000000000:role/app-dev-welcome"
	resource = "arn:aws:test:us-east-1:000000000000:thing"
)

// service is one that answers as it is told.
type service struct {
	prefixes []string
	serve    func(w http.ResponseWriter, r *gateway.Request)
	policy   *iam.Document
}

func (s *service) Prefixes() []string { return s.prefixes }

func (s *service) Needs(operation string, body []byte) ([]iam.Need, error) {
	switch operation {
	case "Unknown":
		return nil, gateway.UnknownOperation(operation)
	case "Refused":
		return nil, &gateway.Error{Code: "ValidationException", Message: "refused"}
	case "Free":
		return nil, nil
	}
	var in struct{}
	if err := json.Unmarshal(body, &in); err != nil {
		return nil, err
	}
	return []iam.Need{{Action: "test:" + operation, Resource: resource}}, nil
}

func (s *service) Serve(w http.ResponseWriter, r *gateway.Request) {
	if s.serve != nil {
		s.serve(w, r)
		return
	}
	if r.Operation == "Unknown" {
		gateway.WriteError(w, r, gateway.UnknownOperation(r.Operation))
		return
	}
	gateway.WriteJSON(w, r, map[string]string{"operation": r.Operation})
}

func (s *service) ResourcePolicy(arn string) *iam.Document {
	if arn == resource {
		return s.policy
	}
	return nil
}

// fixture is a gateway over one service, with a role that may do test:Do.
type fixture struct {
	service     *service
	credentials *gateway.Credentials
	url         string
	log         *bytes.Buffer

	mu    sync.Mutex
	calls []gateway.Call
}

func newFixture(t testing.TB) *fixture {
	t.Helper()
	f := &fixture{
		service:     &service{prefixes: []string{"Test", "AmazonSQS", "AWSEvents", "DynamoDB_20120810"}},
		credentials: gateway.NewCredentials(gateway.CredentialsOptions{}), log: &bytes.Buffer{},
	}
	policy, err := iam.Parse([]byte(`{"Statement":{"Effect":"Allow","Action":"test:Do","Resource":"` + resource + `"}}`))
	if err != nil {
		t.Fatal(err)
	}
	f.credentials.SetRoles(map[string]iam.Policies{roleARN: {policy}})
	server := httptest.NewServer(gateway.New(gateway.Options{
		Services: []gateway.Service{f.service}, Credentials: f.credentials, MaxBody: 1000,
		Logger: slog.New(slog.NewTextHandler(&locked{w: f.log, mu: &f.mu}, nil)), NewID: func() string { return "the-id" },
		Observer: func(c gateway.Call) {
			f.mu.Lock()
			defer f.mu.Unlock()
			f.calls = append(f.calls, c)
		},
	}))
	t.Cleanup(server.Close)
	f.url = server.URL
	return f
}

type locked struct {
	mu *sync.Mutex
	w  io.Writer
}

func (l *locked) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(p)
}

func (f *fixture) logged() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.log.String()
}

func (f *fixture) role() gateway.Keys { return f.credentials.Issue(roleARN, "welcome") }

func (f *fixture) owner() gateway.Keys { return f.credentials.Owner() }

var nobody = gateway.Keys{AccessKeyID: "AKIANOBODY", SecretAccessKey: "secret"}

// signedFor is the name in the credential scope of a call.
func signedFor(target string) string {
	prefix, _, _ := strings.Cut(target, ".")
	if name, ok := map[string]string{"": "sts", "AmazonSQS": "sqs", "AWSEvents": "events", "DynamoDB_20120810": "dynamodb"}[prefix]; ok {
		return name
	}
	return "x"
}

// do makes a call; without keys it sends no credentials.
func (f *fixture) do(t testing.TB, keys gateway.Keys, target, body string, header ...string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, f.url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-amz-json-1.1")
	if target != "" {
		req.Header.Set("X-Amz-Target", target)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	if keys.AccessKeyID != "" {
		gatewaytest.Sign(t, req, keys, signedFor(target), body)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, string(raw)
}

func TestAnswers(t *testing.T) {
	f := newFixture(t)
	owner := f.owner()
	for _, c := range []struct {
		name         string
		key          gateway.Keys
		target, body string
		header       []string
		status       int
		want         []string // parts of the answer's body
	}{
		{name: "the owner may do everything", key: owner, target: "Test.Whatever", body: `{}`, status: 200, want: []string{`{"operation":"Whatever"}`}},
		{name: "the role may do what its policy allows", key: f.role(), target: "Test.Do", body: `{}`, status: 200, want: []string{`{"operation":"Do"}`}},
		{name: "a call that needs nothing", key: f.role(), target: "Test.Free", body: `{}`, status: 200, want: []string{`"Free"`}},
		{name: "the role may do nothing else", key: f.role(), target: "Test.Other", body: `{}`, status: 400, want: []string{
			`"__type":"com.amazon.coral.service#AccessDeniedException"`,
			`User: arn:aws:sts::000000000000:assumed-role/app-dev-welcome/welcome is not authorized to perform: test:Other on resource: ` + resource + ` because no identity-based policy allows the test:Other action`,
			`{\"Effect\":\"Allow\",\"Action\":\"test:Other\",\"Resource\":\"` + resource + `\"}`,
		}},
		{name: "a role without policies", key: f.credentials.Issue("arn:aws:iam::000000000000:role/x", ""), target: "Test.Do", body: `{}`, status: 400, want: []string{"AccessDeniedException", "assumed-role/x/vinci"}},
		{name: "no credentials", target: "Test.Do", status: 400, want: []string{"com.amazon.coral.service#MissingAuthenticationTokenException", "Request is missing Authentication Token"}},
		{name: "unknown credentials", key: nobody, target: "Test.Do", status: 400, want: []string{"com.amazon.coral.service#UnrecognizedClientException", "The security token included in the request is invalid."}},
		{name: "another algorithm", target: "Test.Do", header: []string{"Authorization", "Basic abc"}, status: 400, want: []string{"IncompleteSignatureException"}},
		{name: "no credential", target: "Test.Do", header: []string{"Authorization", "AWS4-HMAC-SHA256 Signature=0"}, status: 400, want: []string{"IncompleteSignatureException"}},
		{name: "a short credential", target: "Test.Do", header: []string{"Authorization", "AWS4-HMAC-SHA256 Credential=a/b"}, status: 400, want: []string{"IncompleteSignatureException"}},
		{name: "unknown service", key: owner, target: "Nobody.Do", status: 400, want: []string{"com.amazon.coral.service#UnknownOperationException", "Nobody.Do"}},
		{name: "unknown operation", key: f.role(), target: "Test.Unknown", status: 400, want: []string{"com.amazon.coral.service#UnknownOperationException", "Test.Unknown"}},
		{name: "unknown operation, called by the owner", key: owner, target: "AmazonSQS.Unknown", body: `{}`, status: 400, want: []string{"com.amazon.coral.service#UnknownOperationException"}},
		{name: "no operation", key: owner, target: "Test", status: 400, want: []string{"UnknownOperationException"}},
		{name: "no target", key: owner, status: 400, want: []string{"UnknownOperationException"}},
		{name: "a malformed body", key: f.role(), target: "Test.Do", body: `{`, status: 400, want: []string{"com.amazon.coral.service#SerializationException"}},
		{name: "the service's own refusal", key: f.role(), target: "Test.Refused", body: `{}`, status: 400, want: []string{`"__type":"ValidationException"`, "refused"}},
		{name: "a body at the limit", key: owner, target: "Test.Do", body: strings.Repeat("x", 1000), status: 200},
		{name: "a body over the limit", key: owner, target: "Test.Do", body: strings.Repeat("x", 1001), status: 413, want: []string{"RequestEntityTooLargeException", "1000 bytes"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			res, body := f.do(t, c.key, c.target, c.body, c.header...)
			if res.StatusCode != c.status {
				t.Errorf("status %d; want %d: %s", res.StatusCode, c.status, body)
			}
			for _, want := range c.want {
				if !strings.Contains(body, want) {
					t.Errorf("body %s lacks %s", body, want)
				}
			}
			if id := res.Header.Get("X-Amzn-Requestid"); id != "the-id" {
				t.Errorf("request id %q", id)
			}
			if ct := res.Header.Get("Content-Type"); ct != "application/x-amz-json-1.1" {
				t.Errorf("content type %q; want the request's", ct)
			}
		})
	}
	for _, want := range []string{"Nobody.Do", "Test.Unknown", "AmazonSQS.Unknown"} {
		if n := strings.Count(f.logged(), want); n != 1 {
			t.Errorf("unknown operation %s was logged %d times; want once", want, n)
		}
	}
}

func TestChunkedBodyOverTheLimit(t *testing.T) {
	f := newFixture(t)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, f.url, io.MultiReader(strings.NewReader(strings.Repeat("x", 5000)))) // no Content-Length
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-Amz-Target", "Test.Do")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusRequestEntityTooLarge {
		t.Fatalf("status %d", res.StatusCode)
	}
}

func TestPanicOfAServiceEndsOneCall(t *testing.T) {
	f := newFixture(t)
	f.service.serve = func(http.ResponseWriter, *gateway.Request) { panic("boom") }
	res, body := f.do(t, f.owner(), "DynamoDB_20120810.Do", `{}`)
	if res.StatusCode != 500 || !strings.Contains(body, "dynamodb.v20120810#InternalServerError") {
		t.Fatalf("status %d: %s", res.StatusCode, body)
	}
	if log := f.logged(); !strings.Contains(log, "boom") || !strings.Contains(log, "stack") {
		t.Errorf("log %q", log)
	}
	f.service.serve = nil
	if res, body := f.do(t, f.owner(), "Test.Do", `{}`); res.StatusCode != 200 {
		t.Fatalf("the next call: status %d: %s", res.StatusCode, body)
	}
}

func TestObserver(t *testing.T) {
	f := newFixture(t)
	f.do(t, f.role(), "Test.Do", `{}`)
	f.do(t, f.role(), "Test.Other", `{}`)
	f.do(t, f.owner(), "Test.Do", `{}`)
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.calls) != 3 {
		t.Fatalf("%d calls", len(f.calls))
	}
	allowed, denied, owner := f.calls[0], f.calls[1], f.calls[2]
	if allowed.Caller.RoleARN != roleARN || allowed.Service != "Test" || allowed.Operation != "Do" || allowed.Status != 200 || allowed.Denied != nil ||
		len(allowed.Needs) != 1 || allowed.Needs[0].Action != "test:Do" || allowed.Needs[0].Resource != resource || allowed.Duration <= 0 {
		t.Errorf("allowed: %+v", allowed)
	}
	if denied.Status != 400 || denied.Denied == nil || denied.Denied.Need.Action != "test:Other" {
		t.Errorf("denied: %+v", denied)
	}
	if !owner.Caller.Owner || owner.Needs != nil {
		t.Errorf("owner: %+v", owner)
	}
}

// Who knows how a role comes by a statement tells it with the refusal.
func TestHint(t *testing.T) {
	credentials := gateway.NewCredentials(gateway.CredentialsOptions{})
	h := gateway.New(gateway.Options{
		Services: []gateway.Service{&service{prefixes: []string{"Test"}}}, Credentials: credentials,
		Hint: func(c gateway.Caller, d iam.Decision) string { return "ask " + c.Session + " for " + d.Need.Action },
	})
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader("{}"))
	r.Header.Set("X-Amz-Target", "Test.Do")
	gatewaytest.Sign(t, r, credentials.Issue(roleARN, "f"), "x", "{}")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if !strings.Contains(w.Body.String(), `\"}; ask f for test:Do)`) {
		t.Errorf("answer %s", w.Body)
	}
}

// Keys that every call has may be asked for by any policy.
func TestGlobalKeys(t *testing.T) {
	for condition, want := range map[string]bool{
		`"ArnEquals":{"aws:PrincipalArn":"` + roleARN + `"}`:                                       true,
		`"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::*:role/another"}`:                             false,
		`"StringEquals":{"aws:PrincipalAccount":"000000000000","aws:PrincipalType":"AssumedRole"}`: true,
		`"StringEquals":{"aws:RequestedRegion":"us-east-1"}`:                                       true,
		`"StringEquals":{"aws:RequestedRegion":"eu-west-1"}`:                                       false,
		`"DateLessThan":{"aws:CurrentTime":"2026-11-20T23:58:01Z"}`:                                true,
		`"DateGreaterThan":{"aws:CurrentTime":"2026-11-20T23:58:01Z"}`:                             false,
		`"NumericLessThan":{"aws:EpochTime":"2000000000"}`:                                         true,
		`"Bool":{"aws:SecureTransport":"true","aws:ViaAWSService":"false"}`:                        true,
		`"StringLike":{"aws:userid":"ASIA*:f"}`:                                                    true,
		`"Null":{"aws:username":"true"}`:                                                           true,
	} {
		policy, err := iam.Parse([]byte(`{"Statement":{"Effect":"Allow","Action":"test:Do","Resource":"*","Condition":{` + condition + `}}}`))
		if err != nil {
			t.Fatal(err)
		}
		credentials := gateway.NewCredentials(gateway.CredentialsOptions{})
		credentials.SetRoles(map[string]iam.Policies{roleARN: {policy}})
		h := gateway.New(gateway.Options{Services: []gateway.Service{&service{prefixes: []string{"Test"}}}, Credentials: credentials, Now: func() time.Time { return signedAt }})
		r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader("{}"))
		r.Header.Set("X-Amz-Target", "Test.Do")
		gatewaytest.SignAt(t, r, credentials.Issue(roleARN, "f"), "x", "{}", signedAt)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if (w.Code == 200) != want {
			t.Errorf("%s: %d %s", condition, w.Code, w.Body)
		}
	}
}

func TestRolesAreReplacedWhileServing(t *testing.T) {
	f := newFixture(t)
	key := f.role()
	if res, body := f.do(t, key, "Test.Do", `{}`); res.StatusCode != 200 {
		t.Fatalf("before: %s", body)
	}
	f.credentials.SetRoles(nil)
	if res, body := f.do(t, key, "Test.Do", `{}`); res.StatusCode != 400 || !strings.Contains(body, "AccessDenied") {
		t.Fatalf("after: %d %s", res.StatusCode, body)
	}
	if f.role() != key {
		t.Error("the role's key changed")
	}
}

func TestResourcePolicyCounts(t *testing.T) {
	f := newFixture(t)
	parse := func(effect string) *iam.Document {
		d, err := iam.ParseResource([]byte(`{"Statement":{"Effect":"` + effect + `","Principal":{"AWS":"` + roleARN + `"},"Action":"test:*","Resource":"*"}}`))
		if err != nil {
			t.Fatal(err)
		}
		return &d
	}
	f.service.policy = parse("Allow")
	if res, body := f.do(t, f.role(), "Test.Other", `{}`); res.StatusCode != 200 {
		t.Errorf("allowed by the resource: %s", body)
	}
	f.service.policy = parse("Deny")
	if _, body := f.do(t, f.role(), "Test.Do", `{}`); !strings.Contains(body, "with an explicit deny in a resource-based policy") {
		t.Errorf("denied by the resource: %s", body)
	}
}

// What Around answers is instead of the service, and only for calls that IAM lets
// through.
func TestAround(t *testing.T) {
	s := &service{prefixes: []string{"Test"}}
	credentials := gateway.NewCredentials(gateway.CredentialsOptions{})
	var mu sync.Mutex
	var got []string
	server := httptest.NewServer(gateway.New(gateway.Options{
		Services: []gateway.Service{s}, Credentials: credentials,
		Around: func(w http.ResponseWriter, r *gateway.Request, serve func(http.ResponseWriter, *gateway.Request)) {
			mu.Lock()
			got = append(got, r.Operation)
			mu.Unlock()
			switch r.Operation {
			case "Do":
				serve(w, r)
			default:
				gateway.WriteError(w, r, &gateway.Error{Code: "ThrottlingException"})
			}
		},
	}))
	t.Cleanup(server.Close)
	f := &fixture{service: s, credentials: credentials, url: server.URL}
	owner := credentials.Owner()
	if _, body := f.do(t, owner, "Test.Do", `{}`); body != `{"operation":"Do"}` {
		t.Errorf("served: %s", body)
	}
	if res, body := f.do(t, owner, "Test.Other", `{}`); res.StatusCode != 400 || !strings.Contains(body, "ThrottlingException") {
		t.Errorf("instead: %d %s", res.StatusCode, body)
	}
	f.do(t, f.role(), "Test.Do", `{}`) // the role may do nothing here
	mu.Lock()
	defer mu.Unlock()
	if strings.Join(got, " ") != "Do Other" {
		t.Errorf("it saw %v", got)
	}
}

func TestStatusPage(t *testing.T) {
	f := newFixture(t)
	res, err := http.Get(f.url)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var got struct {
		Status   string
		Services []string
	}
	if err := json.NewDecoder(res.Body).Decode(&got); err != nil || got.Status != "ok" || len(got.Services) != 4 {
		t.Fatalf("%+v, %v", got, err)
	}
}

// S3's ListBuckets is a GET / too. Answered with our status, the CLI would report
// a broken server.
func TestSignedGetIsACall(t *testing.T) {
	f := newFixture(t)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, f.url, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=k/20260101/us-east-1/s3/aws4_request")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if body, err := io.ReadAll(res.Body); err != nil || res.StatusCode != 400 || !strings.Contains(string(body), "UnknownOperationException") {
		t.Fatalf("status %d, %v: %s", res.StatusCode, err, body)
	}
}

func TestCallerIdentity(t *testing.T) {
	f := newFixture(t)
	form := []string{"Content-Type", "application/x-www-form-urlencoded; charset=utf-8"}
	for _, c := range []struct {
		name       string
		key        gateway.Keys
		body, want string
	}{
		{"owner", f.owner(), "Action=GetCallerIdentity&Version=2011-06-15", "<Arn>arn:aws:iam::000000000000:root</Arn>"},
		{"role", f.role(), "Action=GetCallerIdentity&Version=2011-06-15", "<Arn>arn:aws:sts::000000000000:assumed-role/app-dev-welcome/welcome</Arn>"},
		{"nobody", nobody, "Action=GetCallerIdentity", "<Code>InvalidClientTokenId</Code>"},
		{"no credentials", gateway.Keys{}, "Action=GetCallerIdentity", "<Code>MissingAuthenticationToken</Code>"},
		{"another action", f.role(), "Action=GetSessionToken", "<Code>InvalidAction</Code>"},
		{"no form", f.role(), "%zz", "<Code>SerializationException</Code>"},
	} {
		if _, body := f.do(t, c.key, "", c.body, form...); !strings.Contains(body, c.want) {
			t.Errorf("%s: %s; want %s", c.name, body, c.want)
		}
	}
}

// Each service's SDK must find its own typed errors in our answers.
func TestSDKsReadTheErrors(t *testing.T) {
	f := newFixture(t)
	k := f.credentials.Owner()
	config := aws.Config{Region: "us-east-1", BaseEndpoint: aws.String(f.url), RetryMaxAttempts: 1,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: k.AccessKeyID, SecretAccessKey: k.SecretAccessKey}, nil
		})}

	f.service.serve = func(w http.ResponseWriter, r *gateway.Request) {
		gateway.WriteError(w, r, fmt.Errorf("wrapped: %w", &gateway.Error{Code: "QueueDoesNotExist", QueryCode: "AWS.SimpleQueueService.NonExistentQueue", Message: "no such queue"}))
	}
	_, err := sqs.NewFromConfig(config).SendMessage(t.Context(), &sqs.SendMessageInput{QueueUrl: aws.String(f.url + "/q"), MessageBody: aws.String("x")})
	var noQueue *sqstypes.QueueDoesNotExist
	if !errors.As(err, &noQueue) || noQueue.ErrorCode() != "AWS.SimpleQueueService.NonExistentQueue" || noQueue.ErrorMessage() != "no such queue" {
		t.Errorf("sqs: %v", err)
	}

	f.service.serve = func(w http.ResponseWriter, r *gateway.Request) {
		gateway.WriteError(w, r, &gateway.Error{Code: "ResourceNotFoundException", Message: "no such table"})
	}
	_, err = dynamodb.NewFromConfig(config).DescribeTable(t.Context(), &dynamodb.DescribeTableInput{TableName: aws.String("ttt")})
	var noTable *ddbtypes.ResourceNotFoundException
	if !errors.As(err, &noTable) || noTable.ErrorMessage() != "no such table" {
		t.Errorf("dynamodb: %v", err)
	}

	f.service.serve = func(w http.ResponseWriter, r *gateway.Request) { gateway.WriteError(w, r, errors.New("disk full")) }
	_, err = eventbridge.NewFromConfig(config).ListEventBuses(t.Context(), nil)
	var api smithy.APIError
	if !errors.As(err, &api) || api.ErrorCode() != "InternalFailure" || !strings.Contains(api.ErrorMessage(), "disk full") {
		t.Errorf("eventbridge: %v", err)
	}
}

func TestDynamoDBAnswersCarryTheirChecksum(t *testing.T) {
	f := newFixture(t)
	res, body := f.do(t, f.owner(), "DynamoDB_20120810.Do", `{}`, "Content-Type", "application/x-amz-json-1.0")
	if want := fmt.Sprint(crc32.ChecksumIEEE([]byte(body))); res.Header.Get("X-Amz-Crc32") != want {
		t.Errorf("x-amz-crc32 %q; want %s", res.Header.Get("X-Amz-Crc32"), want)
	}
	if ct := res.Header.Get("Content-Type"); ct != "application/x-amz-json-1.0" {
		t.Errorf("content type %q", ct)
	}
}

func TestKeysLookLikeAWS(t *testing.T) {
	c := gateway.NewCredentials(gateway.CredentialsOptions{Owner: gateway.Keys{AccessKeyID: "AKIAMINE", SecretAccessKey: "s"}})
	if c.Owner().AccessKeyID != "AKIAMINE" {
		t.Errorf("owner %+v", c.Owner())
	}
	a, b := c.Issue(roleARN, "a"), c.Issue(roleARN, "b")
	if len(a.AccessKeyID) != 20 || !strings.HasPrefix(a.AccessKeyID, "ASIA") || len(a.SecretAccessKey) != 40 || a.SessionToken == "" {
		t.Errorf("keys %+v", a)
	}
	if a == b || c.Issue(roleARN, "a") != a {
		t.Error("each session has keys of its own, and keeps them")
	}
}
