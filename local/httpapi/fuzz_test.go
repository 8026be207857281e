package httpapi

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/vinci-go/vinci/local/lambda"
)

// FuzzRequest: whatever a client sends, the function gets an event that the
// library reads, with the body, the query and the headers unharmed.
func FuzzRequest(f *testing.F) {
	f.Add("GET", "/users/1", "a=b&a=%20", "Accept", "x", "one=1; two=2", []byte(nil))
	f.Add("POST", "/users/a%2Fb", "q=%zz", "Content-Type", "application/json", "", []byte(`{"a":1}`))
	f.Add("PUT", "//x/%3F", "", "Content-Type", "text/plain", ";;", []byte{0xff, 0})
	f.Add("ANY", "/\x00", "=&&=", "cookie", "\x80", "=", []byte("x"))
	f.Fuzz(func(t *testing.T, method, path, query, name, value, cookie string, body []byte) {
		var e events.APIGatewayV2HTTPRequest
		called := false
		h := newAPI(t, func(_ context.Context, _ string, payload []byte) (lambda.Result, error) {
			called = true
			if err := json.Unmarshal(payload, &e); err != nil {
				t.Fatalf("%s: %v", payload, err)
			}
			return lambda.Result{Payload: []byte(`{"statusCode":200}`)}, nil
		}, nil)
		u, err := url.Parse("http://localhost" + path)
		if err != nil || u.Host != "localhost" {
			t.Skip()
		}
		u.RawQuery = strings.ToValidUTF8(query, "")
		r := &http.Request{Method: method, URL: u, Host: "localhost", Proto: "HTTP/1.1", RemoteAddr: "[::1]:5",
			Header: http.Header{}, Body: http.NoBody}
		r.Header.Set(name, strings.ToValidUTF8(value, ""))
		if cookie != "" {
			r.Header.Add("Cookie", strings.ToValidUTF8(cookie, ""))
		}
		r.Body = readCloser{bytes.NewReader(body)}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != 200 || !called {
			t.Fatalf("got %d %s", w.Code, w.Body)
		}
		got := []byte(e.Body)
		if e.IsBase64Encoded {
			if got, err = base64.StdEncoding.DecodeString(e.Body); err != nil {
				t.Fatal(err)
			}
		}
		if !bytes.Equal(got, body) {
			t.Errorf("the body is %q; sent was %q", got, body)
		}
		if e.RawQueryString != u.RawQuery {
			t.Errorf("the query is %q; sent was %q", e.RawQueryString, u.RawQuery)
		}
		if !strings.HasPrefix(e.RawPath, "/") || strings.Contains(e.RawPath, "?") {
			t.Errorf("the path is %q", e.RawPath)
		}
		if _, err := json.Marshal(e.PathParameters); err != nil || e.RequestContext.HTTP.SourceIP != "::1" {
			t.Errorf("got %+v", e.RequestContext)
		}
		for name := range e.Headers {
			if name != strings.ToLower(name) || name == "cookie" {
				t.Errorf("header %q", name)
			}
		}
	})
}

type readCloser struct{ *bytes.Reader }

func (readCloser) Close() error { return nil }

// FuzzResponse: whatever a function answers, the client gets a response.
func FuzzResponse(f *testing.F) {
	for _, s := range []string{`{"statusCode":200,"headers":{"a":1},"cookies":["x"],"body":"","isBase64Encoded":true}`, `{"statusCode":`, `null`, ``} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		w := do(newAPI(t, answering(string(payload)), nil), httptest.NewRequest("GET", "/", nil))
		if w.Code < 200 || w.Code > 599 {
			t.Errorf("%s: %d", payload, w.Code)
		}
	})
}
