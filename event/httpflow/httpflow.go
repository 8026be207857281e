package httpflow

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"net/http"

	"github.com/vinci-go/vinci/event"
)

// The headers that are read and, for the first, answered.
const (
	// CorrelationHeader may be sent by a client that knows better which requests
	// belong together, and is in every answer. [MaxCorrelationID] characters are
	// allowed, printable ASCII without blanks; any other value is as none.
	CorrelationHeader = "X-Correlation-Id"
	// TraceHeader is the W3C trace context. A malformed one is as none.
	//
	// https://www.w3.org/TR/trace-context/#traceparent-header
	TraceHeader = "Traceparent"
)

// MaxCorrelationID is the longest correlation id that is taken from a client.
const MaxCorrelationID = 64

// Options says where the parts of a flow come from. The zero value takes
// correlation and trace from the headers, or makes new ones.
type Options struct {
	// TenantID says which tenant's request it is. Take it from what an authorizer has
	// verified ([CallerFrom]), never from what a client may write as it likes. Nil: not
	// known.
	TenantID func(*http.Request) string
	// Actor says who acts where nobody was asked, on a public route. It is not called
	// for a request with a verified caller: that one is the actor, whatever the
	// request's headers say. Nil: not known.
	Actor func(*http.Request) string
	// Random fills b with random bytes; default: crypto/rand.Read, which never fails.
	Random func(b []byte)
}

// Handler puts the flow of each request into its context, for next and all that it
// commits, and the correlation id into the answer's headers. The verified caller of a
// request is the actor of its events.
//
// The trace is X-Ray's, when this is a Lambda function whose invocation X-Ray records:
// then the events that the request causes name the trace under which it is found
// there. Otherwise it is the client's, with a span of this request's own, or the one
// that Lambda has made and nobody records. Outside of Lambda a trace begins that
// nobody has asked to sample.
func Handler(next http.Handler, o Options) http.Handler {
	if o.Random == nil {
		o.Random = func(b []byte) { _, _ = rand.Read(b) } // ends the program rather than fail
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f := event.Flow{CorrelationID: r.Header.Get(CorrelationHeader), TraceParent: o.trace(r).String()}
		if !usable(f.CorrelationID) {
			f.CorrelationID = o.digits(16)
		}
		if o.TenantID != nil {
			f.TenantID = o.TenantID(r)
		}
		if c, ok := CallerFrom(r.Context()); ok {
			f.Actor = c.Principal
		} else if o.Actor != nil {
			f.Actor = o.Actor(r)
		}
		w.Header().Set(CorrelationHeader, f.CorrelationID)
		next.ServeHTTP(w, r.WithContext(event.WithFlow(r.Context(), f)))
	})
}

func (o *Options) trace(r *http.Request) event.TraceParent {
	lambda, invoked := event.ParseTraceHeader(invocationTrace(r.Context()))
	client, sent := event.ParseTraceParent(r.Header.Get(TraceHeader))
	t := event.TraceParent{Flags: "00"}
	switch {
	case invoked && lambda.Sampled() && lambda.SpanID != "":
		// Its parent is the segment that Lambda records for this invocation: what
		// names it hangs there in X-Ray's map, as under a span of our own it would not.
		return lambda
	case invoked && lambda.Sampled():
		t = lambda
	case sent:
		t = client
	case invoked:
		t = lambda
	default:
		t.TraceID = o.digits(16)
	}
	t.SpanID = o.digits(8)
	return t
}

// invocationTrace is X-Ray's header of the Lambda invocation that brought a request,
// "" when none did. This is the key under which aws-lambda-go puts it into the context;
// the environment variable _X_AMZN_TRACE_ID says the same, but of the process.
//
// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html#runtimes-api-next
func invocationTrace(ctx context.Context) string {
	header, _ := ctx.Value("x-amzn-trace-id").(string)
	return header
}

// digits are n random bytes in hexadecimal, which are not all zero: that has a
// meaning in a trace context.
func (o *Options) digits(n int) string {
	b := make([]byte, n)
	for {
		o.Random(b)
		for _, c := range b {
			if c != 0 {
				return hex.EncodeToString(b)
			}
		}
	}
}

func usable(id string) bool {
	if id == "" || len(id) > MaxCorrelationID {
		return false
	}
	for i := range len(id) {
		if id[i] <= ' ' || id[i] > '~' {
			return false
		}
	}
	return true
}
