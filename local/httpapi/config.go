package httpapi

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/vinci-go/vinci/local/lambda"
)

// Limits of HTTP APIs (http-api-quotas in the developer guide).
const (
	// MaxBody is the largest request body, in bytes.
	MaxBody = 10 * 1024 * 1024
	// MaxTimeout is the longest an integration may take.
	MaxTimeout = 30 * time.Second
)

// ErrInvalid is the kind of a configuration that is not served.
var ErrInvalid = errors.New("invalid HTTP API")

// Config is an HTTP API (AWS::ApiGatewayV2::Api with its routes and stage).
type Config struct {
	ID     string
	Name   string
	Routes []Route
	// Stage is $default, also when it is empty. The paths of any other stage begin
	// with its name.
	Stage   string
	Account string        // default 000000000000
	Timeout time.Duration // default and most: MaxTimeout

	Logger *slog.Logger     // says why a client got a 5xx; default: dropped
	Now    func() time.Time // default time.Now
	NewID  func() string    // request ids; default: random
}

// Route sends requests to a function.
type Route struct {
	Key         string // "POST /users", "ANY /users/{id}", "GET /files/{path+}" or "$default"
	FunctionARN string
	// AuthorizationType must be NONE or empty: authorizers are not served yet.
	AuthorizationType string
}

// Invoker runs a function; *lambda.Service is one.
type Invoker interface {
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
		c.Account = "000000000000"
	}
	if c.Timeout == 0 {
		c.Timeout = MaxTimeout
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
	if c.Timeout < 50*time.Millisecond || c.Timeout > MaxTimeout {
		bad("time-out is %s; allowed is 50 ms to %s", c.Timeout, MaxTimeout)
	}
	t := &table{}
	for _, r := range c.Routes {
		if r.AuthorizationType != "" && r.AuthorizationType != "NONE" {
			bad("route %q: authorization type %s is not served; use NONE", r.Key, r.AuthorizationType)
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
	return &api{cfg: c, routes: t, functions: functions}, nil
}
