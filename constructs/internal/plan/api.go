package plan

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/vinci-go/vinci/internal/names"
)

// Authorization says who may call a route. The zero value asks for a signed
// request: what nobody declared is not open.
type Authorization int

// The authorizations of routes.
const (
	IAM    Authorization = iota // a request signed by somebody whose policies allow it
	Public                      // anybody
	JWT                         // a token of an issuer
)

// Route is a route and who may call it.
type Route struct {
	Key           string // "POST /users/{id}/activate"
	Authorization Authorization
	JWT           Authorizer // for JWT
	Scopes        []string   // for JWT: a token has one of them; none asks for none
}

// Authorizer is a JWT authorizer: whose tokens count, and which of them.
type Authorizer struct {
	Name     string
	Issuer   string
	Audience []string
}

// same reports whether two authorizers ask for the same.
func (a Authorizer) same(b Authorizer) bool {
	return a.Name == b.Name && a.Issuer == b.Issuer && slices.Equal(a.Audience, b.Audience)
}

// Of is the authorizer as a deployment has it: what the settings say of it goes
// before what it says itself.
func (s Settings) Of(a Authorizer) Authorizer {
	if issuer, ok := s.JWTIssuers[a.Name]; ok {
		a.Issuer = issuer
	}
	if audience, ok := s.JWTAudiences[a.Name]; ok {
		a.Audience = audience
	}
	return a
}

// Throttling bounds how many requests a route takes.
type Throttling struct {
	Rate  int // requests a second, in the long run
	Burst int // requests at once
}

// CORS says which pages of other origins may use an API in a browser.
type CORS struct {
	Origins       []string
	Methods       []string
	Headers       []string
	ExposeHeaders []string
	MaxAge        time.Duration
	Credentials   bool
}

// Defaults of what an API leaves at zero.
const (
	DefaultAuthorizer = "jwt"

	// A tenth of what API Gateway allows an account in a region, so that one API
	// that is called too much does not take the others with it.
	DefaultRate  = 1000
	DefaultBurst = 500
)

// SetDefaults fills what was left at zero. What the application holds itself is not
// changed.
func (a *API) SetDefaults() {
	a.Function.setDefaults(DefaultAPITimeout)
	if a.Name == "" {
		a.Name = DefaultAPI
	}
	a.Routes = slices.Clone(a.Routes)
	for i := range a.Routes {
		if r := &a.Routes[i]; r.Authorization == JWT && r.JWT.Name == "" {
			r.JWT.Name = DefaultAuthorizer
		}
	}
	if a.Throttling.Rate == 0 {
		a.Throttling.Rate = DefaultRate
	}
	if a.Throttling.Burst == 0 {
		a.Throttling.Burst = DefaultBurst
	}
	if a.MaxBody == 0 {
		a.MaxBody = names.DefaultMaxBody
	}
	if a.CORS != nil && len(a.CORS.Methods) == 0 {
		c := *a.CORS
		c.Methods = a.methods()
		a.CORS = &c
	}
}

// methods are those of the sound routes, sorted.
func (a *API) methods() []string {
	var all []string
	for _, m := range methods {
		if slices.ContainsFunc(a.Routes, func(r Route) bool { return strings.HasPrefix(r.Key, m+" ") }) {
			all = append(all, m)
		}
	}
	return all
}

// Authorizers are the JWT authorizers that routes ask for, sorted by name, each
// once. Rely on it when Check found nothing.
func (a *API) Authorizers() []Authorizer {
	var all []Authorizer
	for _, r := range a.Routes {
		if r.Authorization == JWT && !slices.ContainsFunc(all, func(z Authorizer) bool { return z.Name == r.JWT.Name }) {
			all = append(all, r.JWT)
		}
	}
	slices.SortFunc(all, func(x, y Authorizer) int { return cmp.Compare(x.Name, y.Name) })
	return all
}
