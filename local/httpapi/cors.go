package httpapi

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// CORS is the CORS configuration of an API. With one, the API answers preflight
// requests itself, without authorization, and puts its headers in the place of
// those that functions answer with.
//
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-cors.html
type CORS struct {
	AllowCredentials bool
	AllowHeaders     []string // "*" for all
	AllowMethods     []string // "*" for all
	AllowOrigins     []string // "https://example.com", "https://*", "http://*" or "*"
	ExposeHeaders    []string
	MaxAge           int // seconds; 0 leaves the header out
}

// isPreflight tells a browser's question from any other request.
func isPreflight(r *http.Request) bool {
	return r.Method == http.MethodOptions && r.Header.Get("Origin") != "" && r.Header.Get("Access-Control-Request-Method") != ""
}

// preflight answers the question. A browser takes an answer without headers for a
// refusal.
func (c *CORS) preflight(r *http.Request) response {
	resp := response{status: http.StatusNoContent, headers: map[string]string{}}
	origin := r.Header.Get("Origin")
	if !c.allows(origin) || !c.allowsMethod(r.Header.Get("Access-Control-Request-Method")) {
		return resp
	}
	c.addOrigin(resp.headers, origin)
	set := func(name, value string) {
		if value != "" {
			resp.headers[name] = value
		}
	}
	set("access-control-allow-methods", strings.Join(c.AllowMethods, ","))
	set("access-control-allow-headers", strings.Join(c.AllowHeaders, ","))
	if c.MaxAge > 0 {
		set("access-control-max-age", strconv.Itoa(c.MaxAge))
	}
	return resp
}

// apply puts the configured headers in the place of the function's.
func (c *CORS) apply(r *http.Request, headers map[string]string) {
	for name := range headers {
		if strings.HasPrefix(strings.ToLower(name), "access-control-") {
			delete(headers, name)
		}
	}
	origin := r.Header.Get("Origin")
	if origin == "" || !c.allows(origin) {
		return
	}
	c.addOrigin(headers, origin)
	if len(c.ExposeHeaders) > 0 {
		headers["access-control-expose-headers"] = strings.Join(c.ExposeHeaders, ",")
	}
}

func (c *CORS) addOrigin(headers map[string]string, origin string) {
	headers["access-control-allow-origin"] = origin
	if slices.Contains(c.AllowOrigins, "*") {
		headers["access-control-allow-origin"] = "*"
	} else {
		headers["vary"] = "Origin"
	}
	if c.AllowCredentials {
		headers["access-control-allow-credentials"] = "true"
	}
}

func (c *CORS) allows(origin string) bool {
	return slices.ContainsFunc(c.AllowOrigins, func(allowed string) bool {
		scheme, any := strings.CutSuffix(allowed, "*")
		return allowed == origin || any && strings.HasPrefix(origin, scheme)
	})
}

func (c *CORS) allowsMethod(method string) bool {
	return slices.Contains(c.AllowMethods, "*") || slices.Contains(c.AllowMethods, method)
}

// check reports what API Gateway refuses.
func (c *CORS) check(bad func(format string, args ...any)) {
	if c.AllowCredentials && slices.Contains(c.AllowOrigins, "*") {
		bad("CORS: credentials cannot be allowed to every origin: name the origins")
	}
	for _, o := range c.AllowOrigins {
		if o != "*" && o != "https://*" && o != "http://*" && (strings.Contains(o, "*") || !strings.Contains(o, "://")) {
			bad("CORS: origin %q: allowed are an origin with its scheme, https://*, http://* and *", o)
		}
	}
	if c.MaxAge < -1 || c.MaxAge > 86400 {
		bad("CORS: max age is %d seconds; allowed is -1 to 86400", c.MaxAge)
	}
}
