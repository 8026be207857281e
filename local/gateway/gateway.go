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
	// Services are told apart by the target header of a call.
	Services []Service
	// REST are asked, in this order, for calls that name no operation in a header.
	REST []RESTService
	// Credentials says whose an access key id is. Required.
	Credentials *Credentials
	// Open lets strangers in: an access key id that nobody issued is taken as the
	// owner's, and its signature is not verified. Issued keys are verified always,
	// and a call must name some key.
	Open bool
	// Region is the one that calls must be signed for; "" means [DefaultRegion].
	Region string
	// Logger gets one line for each unknown operation, call that is denied or whose
	// signature is refused, and failure of a service; nil discards them.
	Logger *slog.Logger
	// Observer is called after each call that reached a service or was denied,
	// from the goroutine that served it; nil for none.
	Observer func(Call)
	// Hint says for people how a caller's role would come by the statement that a
	// decision lacks, "" when it does not know; nil knows nothing. It is called for
	// each denied call.
	Hint func(Caller, iam.Decision) string
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
	Caller Caller
	// Service is the target prefix, as "DynamoDB_20120810"; for a [RESTService] the
	// name that calls of it are signed with, as "lambda".
	Service   string
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
	if o.Region == "" {
		o.Region = DefaultRegion
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
	// A signed GET / is a call of a service that is not here: S3's ListBuckets.
	if target == "" && (hr.Method == http.MethodGet || hr.Method == http.MethodHead) && hr.URL.Path == "/" && hr.Header.Get("Authorization") == "" {
		g.status(w, r)
		return
	}
	c, ok := g.find(r, target)
	if !ok && target == "" && isForm(hr) {
		g.query(w, r)
		return
	}
	if !ok {
		r.REST = target == "" && g.isREST(hr)
		g.unknown(w, r, fmt.Sprintf("%s %s with X-Amz-Target %q", hr.Method, hr.URL.Path, target))
		return
	}
	if err := g.readBody(w, r); err != nil {
		WriteError(w, r, err)
		return
	}
	var policies iam.Policies
	var err error
	if r.Caller, policies, err = g.authenticate(r, c.signing); err != nil {
		WriteError(w, r, err)
		return
	}
	call := Call{Caller: r.Caller, Service: c.name, Operation: r.Operation, Body: r.Body}
	rec := &recorder{ResponseWriter: w}
	started := g.Now()
	g.serve(rec, r, c, policies, &call)
	if g.Observer != nil {
		call.Status, call.Duration = rec.code, g.Now().Sub(started)
		g.Observer(call)
	}
}

// isREST reports whether a call that no service knows is signed for one that is
// called by method and path, whose clients expect its errors.
func (g *gateway) isREST(r *http.Request) bool {
	s, _ := readSignature(r) // who calls does not matter
	for _, service := range g.REST {
		if name := signingName(service, ""); name != "" && name == s.service {
			return true
		}
	}
	return false
}

// callee is the service of one call, of either kind.
type callee struct {
	name     string           // for the observer
	signing  string           // its name in credential scopes, "" if that is not known
	policies ResourcePolicies // nil when its resources have none
	needs    func() ([]iam.Need, error)
	serve    func(w http.ResponseWriter, r *Request)
}

// find says which service serves the call, and sets the call's operation.
func (g *gateway) find(r *Request, target string) (callee, bool) {
	if target == "" {
		for _, s := range g.REST {
			operation, ok := s.Route(r.HTTP.Method, r.HTTP.URL.Path)
			if !ok {
				continue
			}
			r.Operation, r.REST = operation, true
			if l, ok := s.(interface{ BodyLimit(operation string) int64 }); ok { // it takes more than others
				r.limit = l.BodyLimit(operation)
			}
			policies, _ := s.(ResourcePolicies)
			return callee{name: signingName(s, ""), signing: signingName(s, ""), policies: policies, needs: func() ([]iam.Need, error) { return s.RESTNeeds(r) }, serve: s.Serve}, true
		}
		return callee{}, false
	}
	prefix, operation, _ := strings.Cut(target, ".")
	r.Operation = operation
	s := g.services[prefix]
	if s == nil || operation == "" || r.HTTP.Method != http.MethodPost {
		return callee{}, false
	}
	policies, _ := s.(ResourcePolicies)
	return callee{name: prefix, signing: signingName(s, prefix), policies: policies, needs: func() ([]iam.Need, error) { return s.Needs(operation, r.Body) }, serve: s.Serve}, true
}

// authenticate finds out who calls.
func (g *gateway) authenticate(r *Request, service string) (Caller, iam.Policies, error) {
	caller, policies, err := g.Credentials.Authenticate(r.HTTP, r.Body, Scope{Region: g.Region, Service: service, Now: g.Now(), Open: g.Open})
	if err != nil {
		g.Logger.Warn("call refused: nobody known has signed it", "call", calledAs(r), "why", err, "request_id", r.ID)
	}
	return caller, policies, err
}

// serve authorizes and serves. A panic of a service ends one call, not the
// process: the caller gets a 500 and the log the stack.
func (g *gateway) serve(w *recorder, r *Request, c callee, policies iam.Policies, call *Call) {
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
		needs, err := c.needs()
		if err != nil {
			g.refuse(w, r, err)
			return
		}
		call.Needs = needs
		if call.Denied = g.authorize(w, r, c.policies, policies, needs); call.Denied != nil {
			return
		}
	}
	if g.Around != nil {
		g.Around(w, r, c.serve)
	} else {
		c.serve(w, r)
	}
	if w.Header().Get("X-Amzn-Errortype") == unknownOperation { // of the owner's calls only the service finds out
		g.logUnknown(r, calledAs(r))
	}
}

func (g *gateway) refuse(w http.ResponseWriter, r *Request, err error) {
	var e *Error
	switch {
	case !errors.As(err, &e):
		e = Malformed(err)
	case e.Code == unknownOperation:
		g.unknown(w, r, "operation "+calledAs(r))
		return
	}
	WriteError(w, r, e)
}

// calledAs is how a call names its operation, for messages.
func calledAs(r *Request) string {
	if r.REST {
		return r.HTTP.Method + " " + r.HTTP.URL.Path
	}
	return r.HTTP.Header.Get("X-Amz-Target")
}
