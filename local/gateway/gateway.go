package gateway

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strings"
	"time"

	"github.com/vinci-go/vinci/local/iam"
)

// DefaultAccount and DefaultRegion are the local runtime's, unless its settings
// say otherwise.
const (
	DefaultAccount = "000000000000"
	DefaultRegion  = "us-east-1"
)

// DefaultMaxBody is DynamoDB's limit of a request, the largest of the services'
// here. Services check their own, smaller limits.
const DefaultMaxBody = 16 << 20

// Options are the settings of [New].
type Options struct {
	Services []Service
	// Credentials says whose an access key id is. Required.
	Credentials *Credentials
	// Logger gets one line for each unknown operation, denied call and failure of
	// a service; nil discards them.
	Logger *slog.Logger
	// Observer is called after each call that reached a service or was denied,
	// from the goroutine that served it; nil for none.
	Observer func(Call)
	// Around, if not nil, answers each call that IAM has let through, in place of the
	// service; serve is the service's answer. It may panic with http.ErrAbortHandler,
	// which cuts the connection.
	Around func(w http.ResponseWriter, r *Request, serve func(http.ResponseWriter, *Request))
	// NewID makes request ids, Now reads the clock; nil for random ids, time.Now.
	NewID func() string
	Now   func() time.Time
	// MaxBody is the limit of a request's body in bytes; 0 means [DefaultMaxBody].
	MaxBody int64
}

// Call is what [Options.Observer] is told.
type Call struct {
	Caller    Caller
	Service   string // the target prefix, as "DynamoDB_20120810"
	Operation string
	Body      []byte // of the request, not to be changed
	// Needs is what IAM was asked. It is empty for the owner, who is not asked.
	Needs []iam.Need
	// Denied is the decision that refused the call, nil if none did.
	Denied   *iam.Decision
	Status   int
	Duration time.Duration
}

type gateway struct {
	Options
	services map[string]Service
	prefixes []string
}

// New returns the handler. It panics when the options are wrong: two services of
// one prefix, or no credentials.
func New(o Options) http.Handler {
	if o.Credentials == nil {
		panic("gateway: Options.Credentials is missing")
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.NewID == nil {
		o.NewID = randomID
	}
	if o.MaxBody == 0 {
		o.MaxBody = DefaultMaxBody
	}
	g := &gateway{Options: o, services: map[string]Service{}}
	for _, s := range o.Services {
		for _, p := range s.Prefixes() {
			if g.services[p] != nil {
				panic("gateway: two services for target prefix " + p)
			}
			g.services[p] = s
			g.prefixes = append(g.prefixes, p)
		}
	}
	return g
}

// ServeHTTP serves one call.
func (g *gateway) ServeHTTP(w http.ResponseWriter, hr *http.Request) {
	r := &Request{HTTP: hr, ID: g.NewID()}
	target := hr.Header.Get("X-Amz-Target")
	switch {
	// A signed GET / is a call of a service that is not here: S3's ListBuckets.
	case target == "" && (hr.Method == http.MethodGet || hr.Method == http.MethodHead) && hr.URL.Path == "/" && hr.Header.Get("Authorization") == "":
		g.status(w, r)
		return
	case target == "" && isForm(hr):
		g.query(w, r)
		return
	}
	prefix, operation, _ := strings.Cut(target, ".")
	service := g.services[prefix]
	r.Operation = operation
	if service == nil || operation == "" || hr.Method != http.MethodPost {
		g.unknown(w, r, fmt.Sprintf("%s %s with X-Amz-Target %q", hr.Method, hr.URL.Path, target))
		return
	}
	if err := g.readBody(w, r); err != nil {
		WriteError(w, r, err)
		return
	}
	var policies iam.Policies
	var err error
	if r.Caller, policies, err = g.authenticate(hr); err != nil {
		WriteError(w, r, err)
		return
	}
	call := Call{Caller: r.Caller, Service: prefix, Operation: operation, Body: r.Body}
	rec := &recorder{ResponseWriter: w}
	started := g.Now()
	g.serve(rec, r, service, policies, &call)
	if g.Observer != nil {
		call.Status, call.Duration = rec.code, g.Now().Sub(started)
		g.Observer(call)
	}
}

// serve authorizes and serves. A panic of a service ends one call, not the
// process: the caller gets a 500 and the log the stack.
func (g *gateway) serve(w *recorder, r *Request, service Service, policies iam.Policies, call *Call) {
	defer func() {
		v := recover()
		if v == nil {
			return
		}
		if v == http.ErrAbortHandler {
			panic(v)
		}
		g.Logger.Error("a local service panicked", "service", call.Service, "operation", call.Operation, "request_id", r.ID, "panic", fmt.Sprint(v), "stack", string(debug.Stack()))
		if w.code == 0 {
			WriteError(w, r, fmt.Errorf("the local service failed: %v", v))
		}
	}()
	if !r.Caller.Owner {
		needs, err := service.Needs(r.Operation, r.Body)
		if err != nil {
			g.refuse(w, r, err)
			return
		}
		call.Needs = needs
		if call.Denied = g.authorize(w, r, service, policies, needs); call.Denied != nil {
			return
		}
	}
	if g.Around != nil {
		g.Around(w, r, service.Serve)
		return
	}
	service.Serve(w, r)
}

func (g *gateway) refuse(w http.ResponseWriter, r *Request, err error) {
	var e *Error
	switch {
	case !errors.As(err, &e):
		e = Malformed(err)
	case e.Code == "UnknownOperationException":
		g.unknown(w, r, "operation "+r.HTTP.Header.Get("X-Amz-Target"))
		return
	}
	WriteError(w, r, e)
}
