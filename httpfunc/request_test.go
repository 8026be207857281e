package httpfunc

import (
	"encoding/base64"
	"io"
	"net/http"
	"reflect"
	"testing"

	"github.com/aws/aws-lambda-go/events"
)

// TestRequest: a handler sees what a server would show it, whole. A comma in a header is
// a part of it, a # in a query as well, and a method is one only as it is written.
func TestRequest(t *testing.T) {
	body := base64.StdEncoding.EncodeToString([]byte{0, 0xff})
	for name, test := range map[string]struct {
		change func(*events.APIGatewayV2HTTPRequest)
		look   func(*http.Request) any
		want   any
	}{
		"a comma": {
			func(e *events.APIGatewayV2HTTPRequest) { e.Headers = map[string]string{"idempotency-key": "a,b"} },
			func(r *http.Request) any { return r.Header["Idempotency-Key"] }, []string{"a,b"},
		},
		"the host": {
			func(e *events.APIGatewayV2HTTPRequest) { e.Headers = map[string]string{"host": "other.example.com"} },
			func(r *http.Request) any { return r.Host + " " + r.Header.Get("Host") }, "api.example.com ",
		},
		"cookies": {
			func(e *events.APIGatewayV2HTTPRequest) {
				e.Cookies = []string{"a=1", "b=2"}
				e.Headers = map[string]string{"accept": "text/html"}
			},
			func(r *http.Request) any { return r.Header }, http.Header{"Cookie": {"a=1; b=2"}, "Accept": {"text/html"}},
		},
		"a fragment in the query": {
			func(e *events.APIGatewayV2HTTPRequest) { e.RawQueryString = "a=1#%zz" },
			func(r *http.Request) any { return r.URL.RawQuery + " " + r.URL.Fragment }, "a=1#%zz ",
		},
		"a line break in the query": {
			func(e *events.APIGatewayV2HTTPRequest) { e.RawQueryString = "a=1\n{}" },
			func(r *http.Request) any { return r.URL.Query().Get("a") }, "1\n{}",
		},
		"the method": {
			func(e *events.APIGatewayV2HTTPRequest) { e.RequestContext.HTTP.Method = "post" },
			func(r *http.Request) any { return r.Method }, "post",
		},
		"from where": {
			func(e *events.APIGatewayV2HTTPRequest) { e.RequestContext.HTTP.SourceIP = "192.0.2.1" },
			func(r *http.Request) any { return r.RemoteAddr }, "192.0.2.1",
		},
		"the request line": {
			func(e *events.APIGatewayV2HTTPRequest) { e.RawPath, e.RawQueryString = "/a b", "c=d" },
			func(r *http.Request) any { return r.RequestURI + " " + r.URL.String() }, "/a%20b?c=d https://api.example.com/a%20b?c=d",
		},
		"a path that looks like a host": {
			func(e *events.APIGatewayV2HTTPRequest) { e.RawPath = "//evil.example.com/x" },
			func(r *http.Request) any { return r.URL.Host + " " + r.URL.Path }, "api.example.com //evil.example.com/x",
		},
		"bytes": {
			func(e *events.APIGatewayV2HTTPRequest) { e.Body, e.IsBase64Encoded = body, true },
			func(r *http.Request) any {
				b, err := io.ReadAll(r.Body)
				return []any{b, r.ContentLength, err}
			}, []any{[]byte{0, 0xff}, int64(2), nil},
		},
	} {
		t.Run(name, func(t *testing.T) {
			var got any
			f := newFunction(t, "100", func(_ http.ResponseWriter, r *http.Request) { got = test.look(r) })
			e := request("POST", "/")
			test.change(&e)
			if resp, err := f.handle(t.Context(), e); err != nil || resp.StatusCode != 200 || !reflect.DeepEqual(got, test.want) {
				t.Errorf("%d, %v: the handler sees %q, want %q", resp.StatusCode, err, got, test.want)
			}
		})
	}
}

// A body that is not base64 although it is said to be comes from nobody's client: it is
// an error of the invocation.
func TestMalformedBody(t *testing.T) {
	f := newFunction(t, "100", func(http.ResponseWriter, *http.Request) { t.Error("the handler is called") })
	e := request("POST", "/")
	e.Body, e.IsBase64Encoded = "%%%", true
	if _, err := f.handle(t.Context(), e); err == nil {
		t.Error("no error")
	}
}
