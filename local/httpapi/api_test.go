package httpapi

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/vinci-go/vinci/local/lambda"
)

// invokerFunc is an Invoker.
type invokerFunc func(ctx context.Context, function string, payload []byte) (lambda.Result, error)

func (f invokerFunc) Invoke(ctx context.Context, function string, payload []byte) (lambda.Result, error) {
	return f(ctx, function, payload)
}

func answering(payload string) invokerFunc {
	return func(context.Context, string, []byte) (lambda.Result, error) {
		return lambda.Result{Payload: []byte(payload)}, nil
	}
}

func newAPI(t testing.TB, invoke invokerFunc, change func(*Config)) http.Handler {
	t.Helper()
	c := Config{
		ID: "a1b2c3", Routes: []Route{{Key: "ANY /users/{id}", FunctionARN: "f"}, {Key: "$default", FunctionARN: "f"}},
		Now:   func() time.Time { return time.Date(2020, 3, 12, 19, 3, 58, 390e6, time.UTC) },
		NewID: func() string { return "JKJaXmPLvHcESHA=" },
	}
	if change != nil {
		change(&c)
	}
	h, err := New(c, invoke)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func do(h http.Handler, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestEvent(t *testing.T) {
	var got []byte
	h := newAPI(t, func(_ context.Context, function string, payload []byte) (lambda.Result, error) {
		if function != "f" {
			t.Errorf("function is %q", function)
		}
		got = payload
		return lambda.Result{Payload: []byte(`{}`)}, nil
	}, nil)
	r := httptest.NewRequest("POST", "http://127.0.0.1:8080/users/a%20b?p=1&p=2&q=%2B%20+x&empty&bad=%zz", strings.NewReader(`{"ä":1}`))
	r.RemoteAddr = "192.0.2.1:1234"
	r.Header = http.Header{
		"Content-Type": {"application/json; charset=utf-8"}, "User-Agent": {"agent"}, "Accept": {"a", "b"},
		"Cookie": {"one=1; two=2", "three=3"}, "Connection": {"close"}, "X-Forwarded-For": {"198.51.100.7"},
		"X-Amzn-Trace-Id": {"Root=1-67891233-abcdef012345678912345678"},
	}
	if w := do(h, r); w.Code != 200 {
		t.Fatalf("got %d %s", w.Code, w.Body)
	}
	want := `{
		"version": "2.0",
		"routeKey": "ANY /users/{id}",
		"rawPath": "/users/a b",
		"rawQueryString": "p=1&p=2&q=%2B%20+x&empty&bad=%zz",
		"cookies": ["one=1", "two=2", "three=3"],
		"headers": {
			"accept": "a,b", "content-length": "8", "content-type": "application/json; charset=utf-8",
			"host": "127.0.0.1:8080", "user-agent": "agent", "x-amzn-trace-id": "Root=1-67891233-abcdef012345678912345678",
			"x-forwarded-for": "198.51.100.7, 192.0.2.1", "x-forwarded-port": "8080", "x-forwarded-proto": "http"
		},
		"queryStringParameters": {"bad": "%zz", "empty": "", "p": "1,2", "q": "+  x"},
		"requestContext": {
			"accountId": "000000000000", "apiId": "a1b2c3", "domainName": "127.0.0.1:8080", "domainPrefix": "127",
			"http": {"method": "POST", "path": "/users/a b", "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1", "userAgent": "agent"},
			"requestId": "JKJaXmPLvHcESHA=", "routeKey": "ANY /users/{id}", "stage": "$default",
			"time": "12/Mar/2020:19:03:58 +0000", "timeEpoch": 1584039838390
		},
		"pathParameters": {"id": "a b"},
		"body": "{\"ä\":1}",
		"isBase64Encoded": false
	}`
	var compact bytes.Buffer
	if err := json.Compact(&compact, []byte(want)); err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(got, []byte(`\u0026`)) {
		t.Errorf("escaped for HTML: %s", got)
	}
	// Compared as values, because the order of fields does not matter.
	if a, b := normal(t, got), normal(t, compact.Bytes()); a != b {
		t.Errorf("got\n%s\nwant\n%s", a, b)
	}
}

func normal(t *testing.T, b []byte) string {
	t.Helper()
	var v any
	if err := json.Unmarshal(b, &v); err != nil {
		t.Fatalf("%s: %v", b, err)
	}
	b, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// received runs a request and returns the event the function got.
func received(t *testing.T, r *http.Request, change func(*Config)) (e events.APIGatewayV2HTTPRequest, status int) {
	t.Helper()
	h := newAPI(t, func(_ context.Context, _ string, payload []byte) (lambda.Result, error) {
		if err := json.Unmarshal(payload, &e); err != nil {
			t.Fatal(err)
		}
		return lambda.Result{Payload: []byte(`{}`)}, nil
	}, change)
	return e, do(h, r).Code
}

func TestBodies(t *testing.T) {
	for _, c := range []struct {
		contentType, body, want string
		encoded                 bool
	}{
		{"text/plain", "hi", "hi", false},
		{"TEXT/html; charset=utf-8", "hi", "hi", false},
		{"application/json", "hi", "hi", false},
		{"application/xml", "hi", "hi", false},
		{"application/javascript", "hi", "hi", false},
		{"application/x-www-form-urlencoded", "a=b", "YT1i", true},
		{"application/octet-stream", "hi", "aGk=", true},
		{"", "hi", "aGk=", true},
		{"text/plain; x", "hi", "hi", false},
		{"text/plain", "\xff", "/w==", true},
		{"image/png", "", "", false},
	} {
		r := httptest.NewRequest("POST", "/", strings.NewReader(c.body))
		r.Header.Set("Content-Type", c.contentType)
		if e, _ := received(t, r, nil); e.Body != c.want || e.IsBase64Encoded != c.encoded {
			t.Errorf("%q %q: got %q, %t", c.contentType, c.body, e.Body, e.IsBase64Encoded)
		}
	}
}

func TestPaths(t *testing.T) {
	for target, want := range map[string]string{
		"/users/a%2Fb":    "/users/a/b",
		"/users/a%3Fb=1":  "/users/a",
		"/users/%25":      "/users/%",
		"/users/x/":       "/users/x/",
		"/users//x":       "/users//x",
		"/users/../x":     "/users/../x",
		"/%E2%82%AC":      "/€",
		"http://host/":    "/",
		"http://host?a=b": "/",
	} {
		if e, _ := received(t, httptest.NewRequest("GET", target, nil), nil); e.RawPath != want || e.RequestContext.HTTP.Path != want {
			t.Errorf("%s: got %q", target, e.RawPath)
		}
	}
}

func TestStage(t *testing.T) {
	staged := func(c *Config) { c.Stage = "dev" }
	e, _ := received(t, httptest.NewRequest("GET", "/dev/users/1", nil), staged)
	if e.RawPath != "/dev/users/1" || e.PathParameters["id"] != "1" || e.RequestContext.Stage != "dev" {
		t.Errorf("got %+v", e)
	}
	if e, _ := received(t, httptest.NewRequest("GET", "/dev", nil), staged); e.RouteKey != "$default" {
		t.Errorf("got %+v", e)
	}
	for _, target := range []string{"/users/1", "/develop", "/"} {
		if _, status := received(t, httptest.NewRequest("GET", target, nil), staged); status != 404 {
			t.Errorf("%s: %d", target, status)
		}
	}
}

func TestResponses(t *testing.T) {
	const json200 = "200 application/json "
	const failed = `500 application/json {"message":"Internal Server Error"}`
	for _, c := range []struct{ payload, want string }{
		{`{"statusCode":201,"headers":{"Content-Type":"text/html"},"body":"<p>"}`, "201 text/html <p>"},
		{`{"statusCode":200}`, "200 text/plain; charset=utf-8 "},
		{`{"statusCode":200,"body":null,"headers":null,"cookies":null,"isBase64Encoded":false}`, "200 text/plain; charset=utf-8 "},
		{`{"statusCode":200,"body":"aGk=","isBase64Encoded":true}`, "200 text/plain; charset=utf-8 hi"},
		{`{"statusCode":200,"headers":{"content-type":"text/a","x-n":1,"x-b":true,"x-e":null},"unknown":[]}`, "200 text/a "},
		{`{"message":"Hello"}`, json200 + `{"message":"Hello"}`},
		{`{"StatusCode":404}`, json200 + `{"StatusCode":404}`},
		{`"Hello"`, json200 + `"Hello"`},
		{`[1]`, json200 + `[1]`},
		{`null`, json200 + `null`},
		{`{"broken":`, json200 + `{"broken":`},
		{``, json200},
		{`{"statusCode":"200"}`, failed},
		{`{"statusCode":null}`, failed},
		{`{"statusCode":0}`, failed},
		{`{"statusCode":199}`, failed},
		{`{"statusCode":600}`, failed},
		{`{"statusCode":200.5}`, failed},
		{`{"statusCode":200,"body":{}}`, failed},
		{`{"statusCode":200,"body":"*","isBase64Encoded":true}`, failed},
		{`{"statusCode":200,"headers":{"a":["b"]}}`, failed},
		{`{"statusCode":200,"headers":[]}`, failed},
		{`{"statusCode":200,"cookies":"a=b"}`, failed},
		{`{"statusCode":204,"body":"ignored"}`, "204 text/plain; charset=utf-8 "},
	} {
		w := do(newAPI(t, answering(c.payload), nil), httptest.NewRequest("GET", "/", nil))
		if got := strings.TrimSpace(w.Result().Status[:3]) + " " + w.Header().Get("Content-Type") + " " + w.Body.String(); got != c.want {
			t.Errorf("%s:\ngot  %s\nwant %s", c.payload, got, c.want)
		}
		if w.Header().Get("Apigw-Requestid") != "JKJaXmPLvHcESHA=" {
			t.Errorf("%s: headers %v", c.payload, w.Header())
		}
	}
	w := do(newAPI(t, answering(`{"statusCode":302,"headers":{"Location":"/x","Connection":"close","x-n":1.5},"cookies":["a=1; Secure","b=2"]}`), nil),
		httptest.NewRequest("GET", "/", nil))
	if h := w.Header(); h.Get("Location") != "/x" || h.Get("X-N") != "1.5" || h.Get("Connection") != "" || strings.Join(h["Set-Cookie"], "|") != "a=1; Secure|b=2" {
		t.Errorf("headers are %v", h)
	}
}

func TestProblems(t *testing.T) {
	for _, c := range []struct {
		name   string
		result lambda.Result
		err    error
		status int
		body   string
	}{
		{"function error", lambda.Result{FunctionError: "Unhandled", Payload: []byte(`{"statusCode":200}`)}, nil, 500, `{"message":"Internal Server Error"}`},
		{"throttled", lambda.Result{}, lambda.ErrThrottled, 503, `{"message":"Service Unavailable"}`},
		{"too large", lambda.Result{}, lambda.ErrTooLarge, 413, `{"message":"Request Entity Too Large"}`},
		{"no function", lambda.Result{}, lambda.ErrNotFound, 500, `{"message":"Internal Server Error"}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := newAPI(t, func(context.Context, string, []byte) (lambda.Result, error) { return c.result, c.err }, nil)
			if w := do(h, httptest.NewRequest("GET", "/", nil)); w.Code != c.status || w.Body.String() != c.body {
				t.Errorf("got %d %s", w.Code, w.Body)
			}
		})
	}
	none := newAPI(t, answering("{}"), func(c *Config) { c.Routes = c.Routes[:1] })
	if w := do(none, httptest.NewRequest("GET", "/", nil)); w.Code != 404 || w.Body.String() != `{"message":"Not Found"}` || w.Header().Get("Content-Type") != "application/json" {
		t.Errorf("got %d %s %v", w.Code, w.Body, w.Header())
	}
}

func TestBodyLimit(t *testing.T) {
	h := newAPI(t, answering("{}"), nil)
	for size, status := range map[int]int{MaxBody: 200, MaxBody + 1: 413} {
		if w := do(h, httptest.NewRequest("POST", "/", bytes.NewReader(make([]byte, size)))); w.Code != status {
			t.Errorf("%d bytes: %d %s", size, w.Code, w.Body)
		}
	}
}

func TestIntegrationTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newAPI(t, func(ctx context.Context, _ string, _ []byte) (lambda.Result, error) {
			<-ctx.Done()
			return lambda.Result{}, context.Cause(ctx)
		}, nil)
		began := time.Now()
		w := do(h, httptest.NewRequest("GET", "/", nil))
		if took := time.Since(began); w.Code != 503 || w.Body.String() != `{"message":"Service Unavailable"}` || took != 30*time.Second {
			t.Errorf("after %s got %d %s", took, w.Code, w.Body)
		}
	})
}

func TestClientGoesAway(t *testing.T) {
	h := newAPI(t, func(ctx context.Context, _ string, _ []byte) (lambda.Result, error) {
		<-ctx.Done()
		return lambda.Result{}, context.Cause(ctx)
	}, nil)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	w := do(h, httptest.NewRequest("GET", "/", nil).WithContext(ctx))
	if len(w.Header()) > 0 || w.Body.Len() > 0 {
		t.Errorf("an answer for nobody: %v %s", w.Header(), w.Body)
	}
	broken := httptest.NewRequest("POST", "/", io.MultiReader(strings.NewReader("a"), errReader{}))
	if w := do(h, broken); w.Code != 400 {
		t.Errorf("a body that broke off: %d", w.Code)
	}
}

type errReader struct{}

func (errReader) Read([]byte) (int, error) { return 0, errors.New("broke off") }
