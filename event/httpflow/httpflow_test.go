package httpflow

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/vinci-go/vinci/event"
)

const (
	trace  = "0af7651916cd43dd8448eb211c80319c"
	parent = "00-" + trace + "-b7ad6b7169203331-01"
)

func TestHandler(t *testing.T) {
	for name, test := range map[string]struct {
		correlation, traceparent string
		want                     event.Flow
	}{
		"nothing given":           {"", "", event.Flow{CorrelationID: "03030303030303030303030303030303", TraceParent: "00-01010101010101010101010101010101-0202020202020202-00"}},
		"both given":              {"order-7", parent, event.Flow{CorrelationID: "order-7", TraceParent: "00-" + trace + "-0101010101010101-01"}},
		"a longest correlation":   {strings.Repeat("c", MaxCorrelationID), parent, event.Flow{CorrelationID: strings.Repeat("c", MaxCorrelationID), TraceParent: "00-" + trace + "-0101010101010101-01"}},
		"one too long":            {strings.Repeat("c", MaxCorrelationID+1), parent, event.Flow{CorrelationID: "02020202020202020202020202020202", TraceParent: "00-" + trace + "-0101010101010101-01"}},
		"one with a blank":        {"a b", parent, event.Flow{CorrelationID: "02020202020202020202020202020202", TraceParent: "00-" + trace + "-0101010101010101-01"}},
		"one that is no ASCII":    {"ä", parent, event.Flow{CorrelationID: "02020202020202020202020202020202", TraceParent: "00-" + trace + "-0101010101010101-01"}},
		"a trace that is no such": {"order-7", "00-" + strings.Repeat("0", 32) + "-b7ad6b7169203331-01", event.Flow{CorrelationID: "order-7", TraceParent: "00-01010101010101010101010101010101-0202020202020202-00"}},
	} {
		t.Run(name, func(t *testing.T) {
			var got event.Flow
			n := byte(0)
			h := Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = event.FlowFrom(r.Context()) }), Options{
				TenantID: func(r *http.Request) string { return r.Host },
				Actor:    func(r *http.Request) string { return r.Method },
				Random: func(b []byte) {
					n++
					for i := range b {
						b[i] = n
					}
				},
			})
			r := httptest.NewRequest("PUT", "http://acme/", nil)
			r.Header.Set(CorrelationHeader, test.correlation)
			r.Header.Set(TraceHeader, test.traceparent)
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			test.want.TenantID, test.want.Actor = "acme", "PUT"
			if got != test.want {
				t.Errorf("flow is\n%+v, want\n%+v", got, test.want)
			}
			if answered := w.Header().Get(CorrelationHeader); answered != got.CorrelationID {
				t.Errorf("the answer has correlation id %q, want %q", answered, got.CorrelationID)
			}
		})
	}
}

// A verified caller is the actor, also when it has no name; nothing that a client
// wrote is asked then.
func TestVerifiedCaller(t *testing.T) {
	for name, test := range map[string]struct {
		caller *Caller
		want   string
	}{
		"a public route":         {nil, "mallory"},
		"a token":                {&Caller{Scheme: JWT, Principal: "alice"}, "alice"},
		"a signature":            {&Caller{Scheme: IAM, Principal: "arn:aws:iam::123456789012:user/shop"}, "arn:aws:iam::123456789012:user/shop"},
		"a token without a name": {&Caller{Scheme: JWT}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			var got event.Flow
			h := Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = event.FlowFrom(r.Context()) }), Options{
				Actor: func(r *http.Request) string { return r.Header.Get("X-Actor") },
			})
			r := httptest.NewRequest("PUT", "http://acme/", nil)
			r.Header.Set("X-Actor", "mallory")
			if test.caller != nil {
				r = r.WithContext(WithCaller(r.Context(), *test.caller))
			}
			h.ServeHTTP(httptest.NewRecorder(), r)
			if got.Actor != test.want {
				t.Errorf("the actor is %q, want %q", got.Actor, test.want)
			}
		})
	}
}

// TestInvocationTrace: the trace that X-Ray records counts, then the client's, then
// what nobody records. The context is as aws-lambda-go makes it.
func TestInvocationTrace(t *testing.T) {
	const root, other = "5759e988bd862e3fe1be46a994272793", "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled="
	for name, c := range map[string]struct{ lambda, client, want string }{
		"recorded":                          {other + "1", "", "00-" + root + "-53995c3f42cd8ad8-01"},
		"recorded, and the client has one":  {other + "1", parent, "00-" + root + "-53995c3f42cd8ad8-01"},
		"recorded, without a parent":        {"Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1", parent, "00-" + root + "-0101010101010101-01"},
		"not recorded":                      {other + "0", "", "00-" + root + "-0101010101010101-00"},
		"not recorded, the client has one":  {other + "0", parent, "00-" + trace + "-0101010101010101-01"},
		"not readable":                      {"Root=7", "", "00-01010101010101010101010101010101-0202020202020202-00"},
		"not readable, the client has one":  {"Root=7", parent, "00-" + trace + "-0101010101010101-01"},
		"no invocation, the client has one": {"", parent, "00-" + trace + "-0101010101010101-01"},
	} {
		n := byte(0)
		var got string
		h := Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = event.FlowFrom(r.Context()).TraceParent }), Options{Random: func(b []byte) {
			n++
			for i := range b {
				b[i] = n
			}
		}})
		//lint:ignore SA1029 the key is aws-lambda-go's
		ctx := context.WithValue(t.Context(), "x-amzn-trace-id", c.lambda)
		r := httptest.NewRequestWithContext(ctx, "GET", "/", nil)
		r.Header.Set(CorrelationHeader, "c")
		r.Header.Set(TraceHeader, c.client)
		h.ServeHTTP(httptest.NewRecorder(), r)
		if got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

// All zero means "no trace" and is never made.
func TestZerosAreNotUsed(t *testing.T) {
	calls := 0
	o := Options{Random: func(b []byte) {
		if calls++; calls > 3 {
			b[0] = 7
		}
	}}
	if got := o.digits(2); got != "0700" || calls != 4 {
		t.Errorf("digits are %s after %d calls, want 0700 after 4", got, calls)
	}
}

func TestDefaults(t *testing.T) {
	seen := map[string]bool{}
	h := Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		f := event.FlowFrom(r.Context())
		if _, ok := event.ParseTraceParent(f.TraceParent); !ok || seen[f.CorrelationID] || seen[f.TraceParent] || f.TenantID != "" || f.Actor != "" {
			t.Errorf("flow is %+v", f)
		}
		seen[f.CorrelationID], seen[f.TraceParent] = true, true
	}), Options{})
	for range 3 {
		h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
	}
}
