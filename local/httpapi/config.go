package httpapi

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/vinci-go/vinci/local/gateway"
	"github.com/vinci-go/vinci/local/lambda"
)

// Limits of HTTP APIs (http-api-quotas in the developer guide).
const (
	// MaxBody is the largest request body, in bytes.
	MaxBody = 10 * 1024 * 1024
	// MaxHead is how long the request line and the values of the headers may be
	// together, in bytes.
	MaxHead = 10240
	// MaxTimeout is the longest an integration may take.
	MaxTimeout = 30 * time.Second
)

// ErrInvalid is the kind of a configuration that is not served.
var ErrInvalid = errors.New("invalid HTTP API")

// Config is an HTTP API (AWS::ApiGatewayV2::Api with its routes and stage).
type Config struct {
	ID     string  // apiId in what functions get
	Name   string  // for people
	Routes []Route // no two of one key
	// Stage is $default, also when it is empty. The paths of any other stage begin
	// with its name.
	Stage   string
	Account string // default 000000000000
	Region  string // default us-east-1

	Authorizers []Authorizer // those that routes name
	CORS        *CORS        // nil for none
	// Signatures judges the requests to routes with IAM authorization. It may be nil
	// when there are none.
	Signatures Signatures

	Logger *slog.Logger     // says why a client got a 5xx; default: dropped
	Now    func() time.Time // default time.Now
	NewID  func() string    // request ids; default: random
}

// Route sends requests to a function.
type Route struct {
	Key         string // "POST /users", "ANY /users/{id}", "GET /files/{path+}" or "$default"
	FunctionARN string
	Timeout     time.Duration // of the integration, at least 50 ms; default and most: MaxTimeout
	// AuthorizationType is NONE (or empty), JWT or AWS_IAM.
	AuthorizationType string
	AuthorizerID      string    // for JWT
	Scopes            []string  // for JWT: a token has one of them; none asks for none
	Throttle          *Throttle // nil: none
}

// Invoker runs a function; *lambda.Service is one.
type Invoker interface {
	// Invoke runs the function, by name or ARN, to its end.
	Invoke(ctx context.Context, function string, payload []byte) (lambda.Result, error)
}

var _ Invoker = (*lambda.Service)(nil)

// New returns the handler of an API, or an error of kind ErrInvalid that tells
// everything that is wrong with c. The handler is safe for use by many goroutines.
func New(c Config, functions Invoker) (http.Handler, error) {
	if c.Stage == "" {
		c.Stage = defaultStage
	}
	if c.Account == "" {
		c.Account = gateway.DefaultAccount
	}
	if c.Region == "" {
		c.Region = gateway.DefaultRegion
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.NewID == nil {
		c.NewID = newRequestID
	}
	var errs []error
	bad := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("%w %s: %s", ErrInvalid, c.ID, fmt.Sprintf(format, args...)))
	}
	c.checkAuthorizers(bad)
	if c.CORS != nil {
		c.CORS.check(bad)
	}
	t := &table{}
	for _, r := range c.Routes {
		if r.Timeout == 0 {
			r.Timeout = MaxTimeout
		}
		if r.Timeout < 50*time.Millisecond || r.Timeout > MaxTimeout {
			bad("route %q: its time-out is %s; allowed is 50 ms to %s", r.Key, r.Timeout, MaxTimeout)
		}
		if t := r.Throttle; t != nil && (t.Rate < 0 || t.Burst < 0) {
			bad("route %q: it is throttled at %v a second, %d at once; allowed is from 0", r.Key, t.Rate, t.Burst)
		}
		if r.FunctionARN == "" {
			bad("route %q: it has no function", r.Key)
		}
		if err := t.add(r); err != nil {
			bad("route %q: %v", r.Key, err)
		}
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	t.sort()
	a := &api{cfg: c, routes: t, functions: functions, jwt: map[string]*jwtAuthorizer{}, buckets: map[string]*bucket{}}
	for _, r := range c.Routes {
		if r.Throttle != nil {
			a.buckets[r.Key] = newBucket(*r.Throttle, c.Now)
		}
	}
	for _, z := range c.Authorizers {
		source, err := parseIdentitySource(z.IdentitySource)
		if err != nil {
			return nil, err // cannot be: it was checked above
		}
		a.jwt[z.ID] = &jwtAuthorizer{config: z, source: source, now: c.Now, client: &http.Client{}}
	}
	return a, nil
}
