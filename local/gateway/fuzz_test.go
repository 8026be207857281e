package gateway_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/vinci-go/vinci/local/gateway"
	"github.com/vinci-go/vinci/local/iam"
)

// FuzzServeHTTP sends any bytes that a server would take as a request. Whatever
// they are, the answer has the shape of AWS's, nothing panics, and no body is read
// beyond the limit.
func FuzzServeHTTP(f *testing.F) {
	const limit = 200
	credentials := gateway.NewCredentials(gateway.CredentialsOptions{})
	policy, err := iam.Parse([]byte(`{"Statement":{"Effect":"Allow","Action":"test:Do","Resource":"` + resource + `"}}`))
	if err != nil {
		f.Fatal(err)
	}
	credentials.SetRoles(map[string]iam.Policies{roleARN: {policy}})
	var log bytes.Buffer
	handler := func(open bool) http.Handler {
		return gateway.New(gateway.Options{
			Services: []gateway.Service{&service{prefixes: []string{"Test", "AmazonSQS", "DynamoDB_20120810"}}}, REST: []gateway.RESTService{restService{}},
			Credentials: credentials, MaxBody: limit, Open: open, Now: func() time.Time { return signedAt }, Logger: slog.New(slog.NewTextHandler(&log, nil)),
		})
	}
	closed, open := handler(false), handler(true)
	for _, d := range []func(*draft){
		func(*draft) {},
		func(d *draft) { d.keys = credentials.Issue(roleARN, "f") },
		func(d *draft) { d.presign, d.expires = true, 900 },
		func(d *draft) { d.header.Set("X-Amz-Target", "AmazonSQS.Unknown") },
		func(d *draft) { d.header.Set("X-Amz-Target", "Test.Do"); d.body = strings.Repeat("x", limit+1) },
		func(d *draft) { d.method, d.path, d.service, d.header = "PUT", "/things/a", "lambda", http.Header{} },
		func(d *draft) {
			d.service, d.body, d.header = "sts", "Action=GetCallerIdentity&Version=2011-06-15", http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}
		},
	} {
		drafted := newDraft(credentials.Owner())
		d(&drafted)
		var wire bytes.Buffer
		if err := drafted.signed(f).Write(&wire); err != nil {
			f.Fatal(err)
		}
		f.Add(wire.Bytes())
	}
	for _, raw := range []string{
		"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: a\r\nX-Amz-Target: Test.Do\r\nTransfer-Encoding: chunked\r\nAuthorization: AWS4-HMAC-SHA256 Credential=a/b/c/d/e\r\n\r\n5\r\nabcde\r\n0\r\n\r\n",
		"POST /?X-Amz-Credential=a%2Fb%2Fc%2Fd%2Fe&X-Amz-Expires=9 HTTP/1.1\r\nHost: a\r\nX-Amz-Target: Test.Do\r\nContent-Length: 5\r\n\r\nab",
		"POST /a//../b HTTP/1.1\r\nHost: a\r\nAuthorization: AWS4-HMAC-SHA256 =,=,\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 3\r\n\r\n%zz",
	} {
		f.Add([]byte(raw))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		for _, h := range []http.Handler{closed, open} {
			r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(raw)))
			if err != nil {
				return // no server lets it through
			}
			body := &counting{r: r.Body}
			r.Body = body
			log.Reset()
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			if body.n > limit+1 {
				t.Fatalf("%d bytes of the body were read, the limit is %d", body.n, limit)
			}
			checkAnswer(t, w, log.String())
		}
	})
}

// checkAnswer wants one of the shapes that AWS's errors and answers have.
func checkAnswer(t *testing.T, w *httptest.ResponseRecorder, log string) {
	t.Helper()
	if w.Code < 200 || w.Code >= 600 || strings.Contains(log, "panicked") {
		t.Fatalf("status %d: %s\n%s", w.Code, w.Body, log)
	}
	if w.Header().Get("X-Amzn-Requestid") == "" {
		t.Fatalf("no request id: %d %v", w.Code, w.Header())
	}
	code := ""
	switch ct := w.Header().Get("Content-Type"); ct {
	case "text/xml":
		var e struct {
			Code string `xml:"Error>Code"`
		}
		if err := xml.Unmarshal(w.Body.Bytes(), &e); err != nil {
			t.Fatalf("no XML: %v: %q", err, w.Body)
		}
		code = e.Code
	case "application/json", "application/x-amz-json-1.0", "application/x-amz-json-1.1":
		var e map[string]any
		if err := json.Unmarshal(w.Body.Bytes(), &e); err != nil {
			t.Fatalf("no JSON: %v: %q", err, w.Body)
		}
		if code = w.Header().Get("X-Amzn-Errortype"); code == "" {
			break
		}
		kind, _ := e["__type"].(string)
		if fault, _ := e["Type"].(string); ct == "application/json" && fault == "" || ct != "application/json" && !strings.HasSuffix(kind, code) {
			t.Fatalf("an error of another shape: %s", w.Body)
		}
		if message, _ := e["message"].(string); message == "" {
			t.Fatalf("an error without a message: %s", w.Body)
		}
	default:
		t.Fatalf("content type %q: %s", ct, w.Body)
	}
	if (code == "") != (w.Code == http.StatusOK) {
		t.Fatalf("status %d with error %q: %s", w.Code, code, w.Body)
	}
	if n := strings.Count(log, "unknown operation"); (code == "UnknownOperationException" || code == "InvalidAction") != (n == 1) {
		t.Fatalf("error %q and %d log lines of unknown operations:\n%s", code, n, log)
	}
}

type counting struct {
	r io.ReadCloser
	n int64
}

func (c *counting) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

func (c *counting) Close() error { return c.r.Close() }

// BenchmarkGateway is the gateway's own work for a call, without the network and
// with a service that does nothing: signature and IAM ("role"), signature only
// ("owner"), and neither ("open").
func BenchmarkGateway(b *testing.B) {
	policy, err := iam.Parse([]byte(`{"Statement":[
		{"Effect":"Allow","Action":["dynamodb:GetItem","dynamodb:Query"],"Resource":["arn:aws:dynamodb:us-east-1:000000000000:table/a","arn:aws:dynamodb:us-east-1:000000000000:table/b"]},
		{"Effect":"Allow","Action":"test:Do","Resource":"` + resource + `"}]}`))
	if err != nil {
		b.Fatal(err)
	}
	credentials := gateway.NewCredentials(gateway.CredentialsOptions{})
	credentials.SetRoles(map[string]iam.Policies{roleARN: {policy}})
	h := gateway.New(gateway.Options{
		Services: []gateway.Service{&service{prefixes: []string{"Test"}}}, Credentials: credentials, Open: true, Now: func() time.Time { return signedAt },
	})
	body := fmt.Sprintf(`{"x":%q}`, strings.Repeat("x", 300))
	for _, c := range []struct {
		name string
		keys gateway.Keys
	}{{"open", nobody}, {"owner", credentials.Owner()}, {"role", credentials.Issue(roleARN, "f")}} {
		b.Run(c.name, func(b *testing.B) {
			d := newDraft(c.keys)
			d.service, d.body = "x", body
			d.header.Set("X-Amz-Target", "Test.Do")
			r, raw := arrives(b, d.signed(b))
			b.ReportAllocs()
			for b.Loop() {
				r.Body = io.NopCloser(bytes.NewReader(raw))
				w := httptest.NewRecorder()
				h.ServeHTTP(w, r)
				if w.Code != 200 {
					b.Fatal(w.Body)
				}
			}
		})
	}
}
