package lambda

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vinci-go/vinci/local/gateway"
)

// wantAWS wants no error, or one that has a code of AWS's.
func wantAWS(t *testing.T, err error) {
	t.Helper()
	var e *gateway.Error
	var throttled *throttledError
	if err != nil && !errors.As(asREST(err), &e) && !errors.As(asREST(err), &throttled) {
		t.Errorf("not AWS's error: %v", err)
	}
}

// FuzzREST: whatever comes in path, query and body, the answer is Lambda's: an
// error has the header and the members that SDKs read, and is not the service's
// own failure.
func FuzzREST(f *testing.F) {
	// One service for all: no input may harm it.
	start := sync.OnceValues(func() (*Service, error) { return New(Options{Queues: &fakeQueues{visibility: time.Minute}}) })
	for _, seed := range []struct{ method, path, query, body string }{
		{"POST", "/2015-03-31/functions", "", `{"FunctionName":"f","Role":"arn:aws:iam::000000000000:role/r","Runtime":"provided.al2023","Handler":"h","Code":{"ZipFile":"UEs="}}`},
		{"GET", "/2015-03-31/functions/", "Marker=%25zz&MaxItems=1", ""},
		{"GET", "/2015-03-31/functions/arn:aws:lambda:us-east-1:000000000000:function:f:$LATEST", "Qualifier=1", ""},
		{"PUT", "/2015-03-31/functions/f/code", "", `{"ZipFile":"!"}`},
		{"PUT", "/2015-03-31/functions/f/configuration", "", `{"Timeout":1e9,"Environment":{"Variables":{"a":null}}}`},
		{"POST", "/2015-03-31/functions/f/invocations", "", `{"a":`},
		{"PUT", "/2019-09-25/functions/f/event-invoke-config", "", `{"DestinationConfig":{"OnFailure":{"Destination":"arn:"}}}`},
		{"POST", "/2015-03-31/event-source-mappings", "", `{"EventSourceArn":"arn:aws:sqs:us-east-1:000000000000:q","FunctionName":"f","FilterCriteria":{"Filters":[{"Pattern":"{\"body\":[1]}"}]}}`},
		{"PUT", "/2015-03-31/event-source-mappings/x", "", `[]`},
		{"POST", "/2015-03-31/functions/f/policy", "", `{"StatementId":"s","Action":"*","Principal":"x"}`},
		{"DELETE", "/2017-03-31/tags/arn:aws:lambda:us-east-1:000000000000:function:f", "tagKeys=a", ""},
		{"GET", "/2016-08-19/account-settings", "", ""},
	} {
		f.Add(seed.method, seed.path, seed.query, []byte(seed.body))
	}
	f.Fuzz(func(t *testing.T, method, path, query string, body []byte) {
		s, err := start()
		if err != nil {
			t.Fatal(err)
		}
		operation, ok := s.Route(method, path)
		if !ok {
			return
		}
		r := &gateway.Request{
			HTTP: &http.Request{Method: method, URL: &url.URL{Path: path, RawQuery: query}, Header: http.Header{}}, Body: body,
			Operation: operation, REST: true, ID: "id", Caller: gateway.Caller{Owner: true},
		}
		r.HTTP = r.HTTP.WithContext(t.Context())
		if _, err := s.RESTNeeds(r); err != nil {
			wantAWS(t, err)
		}
		w := httptest.NewRecorder()
		s.Serve(w, r)
		if w.Code < 300 {
			return
		}
		var e struct{ Type, Message string }
		if err := json.Unmarshal(bytes.TrimSpace(w.Body.Bytes()), &e); err != nil || e.Message == "" || w.Header().Get("X-Amzn-Errortype") == "" {
			t.Errorf("%s %s: %d %v %s", method, path, w.Code, w.Header(), w.Body)
		}
		if w.Code >= 500 || strings.Contains(w.Header().Get("X-Amzn-Errortype"), "Service") {
			t.Errorf("%s %s %q: %d %s", method, path, body, w.Code, w.Body)
		}
	})
}
