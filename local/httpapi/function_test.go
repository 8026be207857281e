package httpapi

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/vinci-go/vinci/local/lambda"
)

// TestRealFunction serves a net/http program behind aws-lambda-go-api-proxy,
// built here, through a real server.
func TestRealFunction(t *testing.T) {
	dir := t.TempDir()
	build := exec.Command("go", "build", "-tags", "lambda.norpc", "-o", filepath.Join(dir, "bootstrap"), "./testdata/site")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	functions, err := lambda.New(lambda.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := functions.Close(context.Background()); err != nil {
			t.Error(err)
		}
	}()
	const arn = "arn:aws:lambda:us-east-1:000000000000:function:site"
	if err := functions.Apply(t.Context(), []lambda.FunctionConfig{{Name: "site", ARN: arn, Dir: dir, Timeout: 20 * time.Second, MemoryMB: 128}}, nil); err != nil {
		t.Fatal(err)
	}
	h, err := New(Config{ID: "api", Routes: []Route{{Key: "$default", FunctionARN: arn}}}, functions)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(h)
	defer server.Close()

	send := func(method, target, contentType string, body []byte) (*http.Response, []byte) {
		t.Helper()
		r, err := http.NewRequest(method, server.URL+target, bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", contentType)
		r.Header.Set("User-Agent", "Mozilla/5.0 (X11, Linux)")
		r.AddCookie(&http.Cookie{Name: "session", Value: "s1"})
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		b, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp, b
	}

	resp, body := send("POST", "/users/7?q=1&q=two+words", "application/json", []byte(`{"name":"Älice"}`))
	var got struct{ ID, Q, Body, Agent string }
	if err := json.Unmarshal(body, &got); err != nil {
		t.Fatalf("%d %s: %v", resp.StatusCode, body, err)
	}
	if resp.StatusCode != 201 || got.Q != "1|two words" || got.ID != "7" || got.Body != `{"name":"Älice"}` || got.Agent != "Mozilla/5.0 (X11, Linux)" {
		t.Errorf("got %d %s", resp.StatusCode, body)
	}
	if c := resp.Header.Values("Set-Cookie"); strings.Join(c, "|") != "seen=s1|second=2" {
		t.Errorf("cookies are %q", c)
	}
	if host := resp.Header.Get("X-Host"); host != strings.TrimPrefix(server.URL, "http://") {
		t.Errorf("the function's host is %q; the server's is %s", host, server.URL)
	}
	// The trace of the invocation is the request's, with a parent of its own.
	root := resp.Header.Get("X-Request-Trace")
	if told := resp.Header.Get("X-Invocation-Trace"); !strings.HasPrefix(root, "Root=1-") || !strings.HasPrefix(told, root+";Parent=") || !strings.HasSuffix(told, ";Sampled=0") {
		t.Errorf("the function is told the trace %q, the request's is %q", told, root)
	}

	binary := []byte{0, 0xff, 0xfe, 'x'}
	if resp, body := send("POST", "/raw", "application/octet-stream", binary); !bytes.Equal(body, binary) || resp.Header.Get("Content-Type") != "application/octet-stream" {
		t.Errorf("got %d %q %v", resp.StatusCode, body, resp.Header)
	}
	if resp, _ := send("GET", "/none", "", nil); resp.StatusCode != 404 {
		t.Errorf("the function's own 404: %d", resp.StatusCode)
	}
	if resp, body := send("GET", "/panic", "", nil); resp.StatusCode != 500 || string(body) != `{"message":"Internal Server Error"}` {
		t.Errorf("a panic: %d %s", resp.StatusCode, body)
	}
	if resp, body := send("POST", "/raw", "text/plain", bytes.Repeat([]byte("x"), 7<<20)); resp.StatusCode != 413 {
		t.Errorf("7 MB: %d %s", resp.StatusCode, body)
	}
}

func BenchmarkRequest(b *testing.B) {
	h := newAPI(b, answering(`{"statusCode":200,"headers":{"content-type":"application/json"},"body":"{}"}`), nil)
	body := []byte(`{"email":"alice@example.com","name":"Alice"}`)
	for b.Loop() {
		r := httptest.NewRequest("POST", "/users/1?x=1", bytes.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		if w := do(h, r); w.Code != 200 {
			b.Fatal(w.Code)
		}
	}
}
