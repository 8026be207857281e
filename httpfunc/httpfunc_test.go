package httpfunc

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"pgregory.net/rapid"

	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/event/httpflow"
	"github.com/vinci-go/vinci/internal/names"
)

func newFunction(t testing.TB, limit string, handler http.HandlerFunc) *function {
	t.Helper()
	f, err := fromEnv(func(name string) string { return map[string]string{names.EnvMaxBody: limit}[name] }, handler)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func request(method, path string) events.APIGatewayV2HTTPRequest {
	e := events.APIGatewayV2HTTPRequest{RawPath: path}
	e.RequestContext.HTTP.Method, e.RequestContext.DomainName = method, "api.example.com"
	return e
}

// TestCaller: who API Gateway has verified is in the context and is the actor, and
// what the client writes into headers is not.
func TestCaller(t *testing.T) {
	for name, test := range map[string]struct {
		authorizer string // requestContext.authorizer, as API Gateway sends it
		want       httpflow.Caller
		ok         bool
		actor      string
	}{
		"a public route": {`null`, httpflow.Caller{}, false, "mallory"},
		"an empty one":   {`{}`, httpflow.Caller{}, false, "mallory"},
		"IAM": {
			`{"iam":{"accessKey":"AKIA","accountId":"123456789012","callerId":"AIDA","cognitoIdentity":null,"principalOrgId":null,"userArn":"arn:aws:iam::123456789012:user/shop","userId":"AIDA"}}`,
			httpflow.Caller{Scheme: httpflow.IAM, Principal: "arn:aws:iam::123456789012:user/shop", AccountID: "123456789012"}, true, "arn:aws:iam::123456789012:user/shop",
		},
		"a person's token": {
			`{"jwt":{"claims":{"iss":"https://id.example.com","sub":"alice","client_id":"web"},"scopes":["orders:read"]}}`,
			httpflow.Caller{
				Scheme: httpflow.JWT, Principal: "alice", Issuer: "https://id.example.com",
				Claims: map[string]string{"iss": "https://id.example.com", "sub": "alice", "client_id": "web"}, Scopes: []string{"orders:read"},
			}, true, "alice",
		},
		"a program's token": {
			`{"jwt":{"claims":{"client_id":"batch"},"scopes":null}}`,
			httpflow.Caller{Scheme: httpflow.JWT, Principal: "batch", Claims: map[string]string{"client_id": "batch"}}, true, "batch",
		},
		"a token without a name": {
			`{"jwt":{"claims":{"aud":"web"},"scopes":null}}`,
			httpflow.Caller{Scheme: httpflow.JWT, Claims: map[string]string{"aud": "web"}}, true, "",
		},
	} {
		t.Run(name, func(t *testing.T) {
			called := false
			f := newFunction(t, "10", httpflow.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				called = true
				got, ok := httpflow.CallerFrom(r.Context())
				if ok != test.ok || !reflect.DeepEqual(got, test.want) {
					t.Errorf("the caller is %+v, %v; want %+v, %v", got, ok, test.want, test.ok)
				}
				if actor := event.FlowFrom(r.Context()).Actor; actor != test.actor {
					t.Errorf("the actor is %q, want %q", actor, test.actor)
				}
			}), httpflow.Options{Actor: func(r *http.Request) string { return r.Header.Get("X-Actor") }}).ServeHTTP)
			e := request("GET", "/me")
			e.Headers = map[string]string{"x-actor": "mallory"}
			if err := json.Unmarshal([]byte(test.authorizer), &e.RequestContext.Authorizer); err != nil {
				t.Fatal(err)
			}
			if _, err := f.handle(t.Context(), e); err != nil || !called {
				t.Errorf("called %v: %v", called, err)
			}
		})
	}
}

// TestBodyLimit: what counts is what the client sent, and a body over the limit does
// not reach the handler.
func TestBodyLimit(t *testing.T) {
	for _, test := range []struct {
		length  int
		encoded bool
		status  int
	}{{0, false, 200}, {9, false, 200}, {10, false, 200}, {11, false, 413}, {0, true, 200}, {8, true, 200}, {9, true, 200}, {10, true, 200}, {11, true, 413}, {12, true, 413}, {1000, true, 413}} {
		body := strings.Repeat("x", test.length)
		called := false
		f := newFunction(t, "10", func(_ http.ResponseWriter, r *http.Request) {
			called = true
			if got, err := io.ReadAll(r.Body); err != nil || string(got) != body {
				t.Errorf("the handler reads %q, %v", got, err)
			}
		})
		e := request("POST", "/")
		e.Body = body
		if test.encoded {
			e.Body, e.IsBase64Encoded = base64.StdEncoding.EncodeToString([]byte(body)), true
		}
		resp, err := f.handle(t.Context(), e)
		if err != nil || resp.StatusCode != test.status || called != (test.status == 200) {
			t.Errorf("%d bytes, base64 %v: %d, called %v, %v; want %d", test.length, test.encoded, resp.StatusCode, called, err, test.status)
		}
		if test.status == 413 {
			const want = `{"title":"Request Entity Too Large","status":413,"detail":"the body is over 10 bytes"}`
			if resp.Body != want || resp.Headers["content-type"] != "application/problem+json" {
				t.Errorf("the answer is %s %v, want %s", resp.Body, resp.Headers, want)
			}
		}
	}
}

// TestRoutedPath: a mux with the API's routes takes the route that API Gateway has
// authorized. In each of these paths, as API Gateway passes them on, a part of the
// path would otherwise get lost and lead to the other route.
func TestRoutedPath(t *testing.T) {
	for path, want := range map[string]string{
		"/admin":         "POST /admin",
		"/shop/x":        "POST /{tenant}/x",
		"/admin#/x":      "POST /{tenant}/x",
		"/admin?/x":      "POST /{tenant}/x",
		"/admin%23/x":    "POST /{tenant}/x",
		"/a b%zz/x":      "POST /{tenant}/x",
		"/admin%2Fmore":  "",
		"/%61dmin":       "", // was %2561dmin: another word than admin
		"/shop/x?a=b":    "",
		"/../admin":      "", // a redirect, at most
		"/shop/../admin": "",
	} {
		got := ""
		mux := http.NewServeMux()
		for _, route := range []string{"POST /admin", "POST /{tenant}/x"} {
			mux.HandleFunc(route, func(_ http.ResponseWriter, r *http.Request) { got = route })
		}
		resp, err := newFunction(t, "10", mux.ServeHTTP).handle(t.Context(), request("POST", path))
		if err != nil || got != want {
			t.Errorf("%s is served by %q (%d, %v), want %q", path, got, resp.StatusCode, err, want)
		}
	}
}

// TestPathIsKept: whatever was routed, the handler sees the same.
func TestPathIsKept(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		path := "/" + rapid.StringOf(rapid.OneOf(rapid.SampledFrom([]rune("/?#%&;:@+ .2Fa\\\"<>")), rapid.Rune())).Draw(rt, "path")
		query := rapid.SampledFrom([]string{"", "a=b", "a=%23&b=%2F"}).Draw(rt, "query")
		seen := false
		f := newFunction(t, "10", func(_ http.ResponseWriter, r *http.Request) {
			seen = true
			if r.URL.Path != path || r.URL.RawQuery != query || r.URL.Fragment != "" {
				rt.Errorf("path %q, query %q: the handler sees %q, %q, fragment %q", path, query, r.URL.Path, r.URL.RawQuery, r.URL.Fragment)
			}
		})
		e := request("GET", path)
		e.RawQueryString = query
		if _, err := f.handle(t.Context(), e); err != nil || !seen {
			rt.Errorf("path %q: called %v, %v", path, seen, err)
		}
	})
}

// TestAnswer: the status is what net/http makes it.
func TestAnswer(t *testing.T) {
	for name, test := range map[string]struct {
		handler http.HandlerFunc
		status  int
		body    string
	}{
		"nothing is said": {func(http.ResponseWriter, *http.Request) {}, 200, ""},
		"a body alone":    {func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "hello") }, 200, "hello"},
		"a status alone":  {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(204) }, 204, ""},
		"two": {func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(409)
			io.WriteString(w, "taken")
			w.WriteHeader(200)
		}, 409, "taken"},
		"an early hint": {func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(103)
			w.WriteHeader(404)
		}, 404, ""},
	} {
		resp, err := newFunction(t, "10", test.handler).handle(t.Context(), request("GET", "/"))
		if err != nil || resp.StatusCode != test.status || resp.Body != test.body {
			t.Errorf("%s: %d %q, %v; want %d %q", name, resp.StatusCode, resp.Body, err, test.status, test.body)
		}
	}
}

func TestEnvironment(t *testing.T) {
	f, err := fromEnv(func(string) string { return "" }, http.NotFoundHandler())
	if err != nil || f.maxBody != 1<<20 {
		t.Errorf("without a limit: %+v, %v", f, err)
	}
	for _, value := range []string{"0", "-1", "1 MB", "10.5"} {
		_, err := fromEnv(func(string) string { return value }, http.NotFoundHandler())
		if err == nil || !strings.Contains(err.Error(), names.EnvMaxBody) {
			t.Errorf("%q: %v", value, err)
		}
	}
}
