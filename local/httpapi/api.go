package httpapi

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"

	"github.com/vinci-go/vinci/local/lambda"
)

// api is the handler of an HTTP API.
type api struct {
	cfg       Config
	routes    *table
	functions Invoker
	jwt       map[string]*jwtAuthorizer // by id
	buckets   map[string]*bucket        // by route key, of those that are throttled
}

func (a *api) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	id := a.cfg.NewID()
	resp := a.answer(r, id)
	if a.cfg.CORS != nil && !isPreflight(r) {
		a.cfg.CORS.apply(r, resp.headers)
	}
	if r.Context().Err() != nil {
		return // the client is gone
	}
	if err := resp.write(w, id); err != nil && r.Context().Err() == nil {
		a.cfg.Logger.Debug("an answer was not sent", "api", a.cfg.ID, "request", id, "error", err)
	}
}

func (a *api) answer(r *http.Request, id string) response {
	if headLength(r) > MaxHead {
		return problem(http.StatusRequestHeaderFieldsTooLarge)
	}
	if a.cfg.CORS != nil && isPreflight(r) {
		return a.cfg.CORS.preflight(r)
	}
	path := requestPath(r.URL)
	routed, ok := a.inStage(path)
	if !ok {
		return problem(http.StatusNotFound)
	}
	m, ok := a.routes.find(r.Method, routed)
	if !ok {
		return problem(http.StatusNotFound)
	}
	log := a.cfg.Logger.With("api", a.cfg.ID, "request", id, "route", m.route.Key)
	if b := a.buckets[m.route.Key]; b != nil && !b.take() {
		log.Warn("the route is throttled", "rate", b.of.Rate, "burst", b.of.Burst)
		return problem(http.StatusTooManyRequests)
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, MaxBody+1))
	switch {
	case err != nil:
		log.Debug("the request's body could not be read", "error", err)
		return problem(http.StatusBadRequest)
	case len(body) > MaxBody:
		return problem(http.StatusRequestEntityTooLarge)
	}

	who, refused := a.authorize(r.Context(), r, body, routed, m)
	if refused != nil {
		log.Warn("the request is not authorized", "why", refused.why)
		return refused.response()
	}

	ctx, cancel := context.WithTimeout(r.Context(), m.route.Timeout)
	defer cancel()
	e := newEvent(&a.cfg, r, body, path, m, id)
	e.RequestContext.Authorizer = who
	payload := e.marshal()
	// On AWS the function's own header has the root of the request's.
	ctx = lambda.WithTrace(ctx, e.Headers["x-amzn-trace-id"])
	result, err := a.functions.Invoke(ctx, m.route.FunctionARN, payload)
	switch {
	case errors.Is(err, lambda.ErrTooLarge):
		return problem(http.StatusRequestEntityTooLarge)
	case errors.Is(err, context.DeadlineExceeded):
		log.Warn("the integration timed out", "after", m.route.Timeout)
		return problem(http.StatusServiceUnavailable)
	case errors.Is(err, lambda.ErrThrottled):
		log.Warn("the function is throttled", "error", err)
		return problem(http.StatusServiceUnavailable)
	case err != nil:
		log.Warn("the function could not be invoked", "error", err)
		return problem(http.StatusInternalServerError)
	case result.FunctionError != "":
		log.Warn("the function failed", "function_request", result.RequestID, "payload", string(result.Payload))
		return problem(http.StatusInternalServerError)
	}
	resp, err := readResponse(result.Payload)
	if err != nil {
		log.Warn("the function's answer is malformed", "function_request", result.RequestID, "error", err)
		return problem(http.StatusInternalServerError)
	}
	return resp
}

// headLength is what counts towards MaxHead.
func headLength(r *http.Request) int {
	n := len(r.Method) + 1 + len(r.RequestURI) + 1 + len(r.Proto) + len(r.Host)
	for _, values := range r.Header {
		for _, v := range values {
			n += len(v)
		}
	}
	return n
}

// inStage takes the stage's name off the path.
func (a *api) inStage(path string) (string, bool) {
	if a.cfg.Stage == defaultStage {
		return path, true
	}
	rest, ok := strings.CutPrefix(path, "/"+a.cfg.Stage)
	switch {
	case !ok || rest != "" && rest[0] != '/':
		return "", false
	case rest == "":
		return "/", true
	}
	return rest, true
}
