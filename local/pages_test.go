package local

import (
	"net/http"
	"strings"
	"testing"
)

// TestPages: a web page in the developer's browser reaches nothing, whatever it sends.
func TestPages(t *testing.T) {
	r := start(t, Config{Open: true})
	// A request that a page may send without asking first.
	call := func(header, value string) int {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), "POST", r.Endpoint()+"/2015-03-31/functions/f/invocations?X-Amz-Credential=a/b/c/d/e", strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		if header == "Host" {
			req.Host = value
		} else if header != "" {
			req.Header.Set(header, value)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		return resp.StatusCode
	}
	for _, c := range []struct{ header, value string }{
		{"Origin", "https://evil.example"}, {"Origin", "null"}, {"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-origin"},
		{"Host", "evil.example:4566"}, {"Host", "localhost.evil.example"}, {"Host", "10.0.0.1:4566"},
	} {
		if status := call(c.header, c.value); status != http.StatusForbidden {
			t.Errorf("%s: %s: %d", c.header, c.value, status)
		}
	}
	for _, c := range []struct{ header, value string }{{"", ""}, {"Sec-Fetch-Site", "none"}, {"Host", "localhost:4566"}, {"Host", "sqs.us-east-1.localhost:4566"}, {"Host", "[::1]:4566"}} {
		if status := call(c.header, c.value); status != http.StatusNotFound { // the function does not exist
			t.Errorf("%s %s: %d; want the gateway's own answer", c.header, c.value, status)
		}
	}
}
