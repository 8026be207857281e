package httpapi

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/vinci-go/vinci/local/lambda"
)

func TestCORS(t *testing.T) {
	calls := 0
	invoke := invokerFunc(func(context.Context, string, []byte) (lambda.Result, error) {
		calls++
		return lambda.Result{Payload: []byte(`{"statusCode":200,"body":"ok","headers":{"Access-Control-Allow-Origin":"https://function.example","x-own":"1"}}`)}, nil
	})
	named := &CORS{
		AllowOrigins: []string{"https://app.example.com", "http://*"}, AllowMethods: []string{"GET", "POST"}, AllowHeaders: []string{"authorization", "content-type"},
		ExposeHeaders: []string{"x-own"}, MaxAge: 600, AllowCredentials: true,
	}
	for _, c := range []struct {
		name          string
		cors          *CORS
		method        string
		origin, wants string // wants is Access-Control-Request-Method
		status, calls int
		headers       map[string]string // "" for one that must be absent
	}{
		{"preflight", named, "OPTIONS", "https://app.example.com", "POST", 204, 0, map[string]string{
			"Access-Control-Allow-Origin": "https://app.example.com", "Access-Control-Allow-Methods": "GET,POST", "Access-Control-Allow-Headers": "authorization,content-type",
			"Access-Control-Max-Age": "600", "Access-Control-Allow-Credentials": "true"}},
		{"preflight, any origin of a scheme", named, "OPTIONS", "http://localhost:3000", "GET", 204, 0, map[string]string{"Access-Control-Allow-Origin": "http://localhost:3000"}},
		{"preflight, another origin", named, "OPTIONS", "https://evil.example", "GET", 204, 0, map[string]string{"Access-Control-Allow-Origin": "", "Access-Control-Allow-Methods": ""}},
		{"preflight, another method", named, "OPTIONS", "https://app.example.com", "DELETE", 204, 0, map[string]string{"Access-Control-Allow-Origin": ""}},
		{"preflight, everything allowed", &CORS{AllowOrigins: []string{"*"}, AllowMethods: []string{"*"}}, "OPTIONS", "https://x.example", "PUT", 204, 0, map[string]string{
			"Access-Control-Allow-Origin": "*", "Access-Control-Allow-Methods": "*", "Access-Control-Max-Age": ""}},
		{"a request gets the configured headers in place of the function's", named, "GET", "https://app.example.com", "", 200, 1, map[string]string{
			"Access-Control-Allow-Origin": "https://app.example.com", "Access-Control-Expose-Headers": "x-own", "X-Own": "1"}},
		{"a request of another origin", named, "GET", "https://evil.example", "", 200, 1, map[string]string{"Access-Control-Allow-Origin": "", "X-Own": "1"}},
		{"a request without an origin", named, "GET", "", "", 200, 1, map[string]string{"Access-Control-Allow-Origin": ""}},
		{"OPTIONS that is no preflight goes to its route", named, "OPTIONS", "https://app.example.com", "", 200, 1, map[string]string{"X-Own": "1"}},
		{"without a configuration the function's own headers go through", nil, "GET", "https://app.example.com", "", 200, 1, map[string]string{"Access-Control-Allow-Origin": "https://function.example"}},
		{"without a configuration a preflight is a request", nil, "OPTIONS", "https://app.example.com", "GET", 200, 1, map[string]string{"X-Own": "1"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			calls = 0
			h := newAPI(t, invoke, func(config *Config) { config.CORS = c.cors })
			r := httptest.NewRequest(c.method, "/x", nil)
			for name, v := range map[string]string{"Origin": c.origin, "Access-Control-Request-Method": c.wants} {
				if v != "" {
					r.Header.Set(name, v)
				}
			}
			w := do(h, r)
			if w.Code != c.status || calls != c.calls {
				t.Errorf("got %d %s, %d calls", w.Code, w.Body, calls)
			}
			for name, want := range c.headers {
				if got := strings.Join(w.Header().Values(name), "|"); got != want {
					t.Errorf("%s is %q; want %q", name, got, want)
				}
			}
		})
	}
}

// A preflight request has no credentials, so a route's authorizer is not asked.
func TestPreflightNeedsNoToken(t *testing.T) {
	h := newAPI(t, answering("{}"), func(c *Config) {
		c.CORS = &CORS{AllowOrigins: []string{"*"}, AllowMethods: []string{"GET"}}
		c.Authorizers = []Authorizer{{ID: "z", Name: "z", Issuer: "http://127.0.0.1:1", Audience: []string{"a"}}}
		c.Routes = []Route{{Key: "$default", FunctionARN: "f", AuthorizationType: "JWT", AuthorizerID: "z"}}
	})
	r := httptest.NewRequest("OPTIONS", "/x", nil)
	r.Header.Set("Origin", "https://a.example")
	r.Header.Set("Access-Control-Request-Method", "GET")
	if w := do(h, r); w.Code != http.StatusNoContent {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
	r = httptest.NewRequest("GET", "/x", nil)
	r.Header.Set("Origin", "https://a.example")
	if w := do(h, r); w.Code != http.StatusUnauthorized || w.Header().Get("Access-Control-Allow-Origin") != "*" {
		t.Errorf("a browser cannot read the refusal: %d %v", w.Code, w.Header())
	}
}

func TestHeadLimit(t *testing.T) {
	h := newAPI(t, answering("{}"), nil)
	for _, c := range []struct{ header, status int }{{MaxHead - 200, 200}, {MaxHead, 431}} {
		r := httptest.NewRequest("GET", "/x", nil)
		r.Header.Set("X-Long", strings.Repeat("a", c.header))
		if w := do(h, r); w.Code != c.status {
			t.Errorf("a header of %d bytes: %d %s", c.header, w.Code, w.Body)
		}
	}
}
