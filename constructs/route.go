package constructs

import (
	"slices"
	"time"

	"github.com/vinci-go/vinci/constructs/internal/plan"
)

// Route is a route of an HTTP API and who may call it: make it with [IAM], [Public]
// or [JWT]. A Route that says nothing of its callers is one of IAM.
type Route struct {
	// Key is method and path, as API Gateway and net/http both read them:
	// "POST /users/{id}/activate".
	Key string

	who    plan.Authorization
	tokens plan.Authorizer
	scopes []string
}

// IAM are routes for callers with AWS credentials. A request is signed (Signature
// Version 4, service execute-api), and the policies of whoever signs it must allow
// execute-api:Invoke on the route:
//
//	arn:aws:execute-api:<region>:<account>:<API id>/$default/POST/orders
//
// Callers of other accounts assume a role of this one: an HTTP API has no policy of
// its own.
//
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-access-control-iam.html
func IAM(routes ...string) []Route { return routesOf(Route{who: plan.IAM}, routes) }

// Public are routes that everybody may call who knows the API's address.
func Public(routes ...string) []Route { return routesOf(Route{who: plan.Public}, routes) }

// JWTProps says whose tokens open a route.
type JWTProps struct {
	// Name is how [Settings] call these tokens, when a deployment has an issuer or an
	// audience of its own: a lower-case letter, then lower-case letters, digits or
	// underscores. Empty: "jwt". Routes with one name have one issuer and audience.
	Name string

	// Issuer is the URL of the identity provider, exactly as the claim iss of its
	// tokens says it. API Gateway finds the keys by
	// <Issuer>/.well-known/openid-configuration. It is https; in the deployment
	// "local" it may be http on this machine. Required, here or in the settings.
	Issuer string

	// Audience are the applications for which tokens count, 1 to 50: a token has one
	// of them in its claim aud, or in client_id when it has no aud. Required, here or
	// in the settings.
	Audience []string

	// Scopes, up to 10, are those of which a token must have one, in its claim scope
	// or scp; none: every valid token will do.
	Scopes []string
}

// JWT are routes for callers who bring a token of an identity provider in the
// header Authorization: OpenID Connect or OAuth 2.0, signed with RSA.
//
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-jwt-authorizer.html
func JWT(props *JWTProps, routes ...string) []Route {
	if props == nil {
		props = &JWTProps{}
	}
	return routesOf(Route{
		who:    plan.JWT,
		tokens: plan.Authorizer{Name: props.Name, Issuer: props.Issuer, Audience: slices.Clone(props.Audience)},
		scopes: slices.Clone(props.Scopes),
	}, routes)
}

func routesOf(r Route, keys []string) []Route {
	all := make([]Route, len(keys))
	for i, key := range keys {
		all[i] = r
		all[i].Key = key
	}
	return all
}

// planned is what the plan knows of routes.
func planned(routes []Route) []plan.Route {
	var all []plan.Route
	for _, r := range routes {
		all = append(all, plan.Route{Key: r.Key, Authorization: r.who, JWT: r.tokens, Scopes: r.scopes})
	}
	return all
}

// Throttling bounds how many requests each route of an API takes, of all callers
// together. What is over it gets 429, and the function is not called. API Gateway
// takes it for a target, not for a promise.
//
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-throttling.html
type Throttling struct {
	Rate  int // requests a second in the long run; zero: 1000
	Burst int // requests at once; zero: 500
}

// CORS says which pages of other origins may use an API in a browser. API Gateway
// answers preflight requests by it, without asking who calls, and puts its headers
// in the place of the function's.
//
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-cors.html
type CORS struct {
	// Origins are the pages' scheme, host and port: "https://app.example.com". Also
	// "https://*", "http://*" and, for every page there is, "*". Required.
	Origins []string

	// Methods that pages may use; empty: those of the API's routes.
	Methods []string

	// Headers that pages may send beyond those that every page may: "authorization",
	// "content-type" (for JSON), and the application's own.
	Headers []string

	// ExposeHeaders are the headers of answers that pages may read beyond those that
	// every page may: "x-correlation-id".
	ExposeHeaders []string

	// MaxAge is how long a browser may remember the answer to a preflight, up to 24h in
	// whole seconds; zero: as it likes, mostly 5 seconds.
	MaxAge time.Duration

	// Credentials lets pages send cookies. Every name must be said then: a "*" is
	// refused.
	Credentials bool
}

func (c *CORS) planned() *plan.CORS {
	if c == nil {
		return nil
	}
	return &plan.CORS{
		Origins: slices.Clone(c.Origins), Methods: slices.Clone(c.Methods), Headers: slices.Clone(c.Headers),
		ExposeHeaders: slices.Clone(c.ExposeHeaders), MaxAge: c.MaxAge, Credentials: c.Credentials,
	}
}
