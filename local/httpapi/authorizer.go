package httpapi

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/vinci-go/vinci/local/gateway"
	"github.com/vinci-go/vinci/local/iam"
)

// The authorization types of routes that are served.
const (
	AuthorizationNone = "NONE"
	AuthorizationJWT  = "JWT"
	AuthorizationIAM  = "AWS_IAM"
)

// Authorizer is a JWT authorizer of an API (AWS::ApiGatewayV2::Authorizer).
//
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-jwt-authorizer.html
type Authorizer struct {
	ID       string
	Name     string
	Issuer   string   // base URL of the identity provider: <Issuer>/.well-known/openid-configuration leads to its keys
	Audience []string // a token is for one of them, by its aud, or by its client_id when it has no aud
	// IdentitySource says where the token is: "$request.header.Name" or
	// "$request.querystring.name", with or without "Bearer " before it.
	// Empty means $request.header.Authorization.
	IdentitySource string
}

// Signatures verifies the signature of a request to a route with IAM
// authorization and judges its signer. The gateway of the local runtime does.
type Signatures interface {
	// Authorize returns who signed the request, or an error when nobody known did or
	// the need is not allowed.
	Authorize(r *http.Request, body []byte, need iam.Need) (gateway.Caller, error)
}

// identity is who a request comes from, as the function sees it in
// requestContext.authorizer; nil for a route that asks nobody.
type identity struct {
	JWT *jwtIdentity `json:"jwt,omitempty"`
	IAM *iamIdentity `json:"iam,omitempty"`
}

type jwtIdentity struct {
	Claims map[string]string `json:"claims"`
	Scopes []string          `json:"scopes"` // null when the route asks for none
}

type iamIdentity struct {
	AccessKey       string    `json:"accessKey"`
	AccountID       string    `json:"accountId"`
	CallerID        string    `json:"callerId"`
	CognitoIdentity *struct{} `json:"cognitoIdentity"` // always null here
	PrincipalOrgID  *string   `json:"principalOrgId"`  // always null here
	UserARN         string    `json:"userArn"`
	UserID          string    `json:"userId"`
}

// refusal is an authorizer's answer to a client; nil lets a request through.
type refusal struct {
	status       int
	authenticate string // the WWW-Authenticate header, for a 401 and a 403 of a JWT authorizer
	why          string // for the log
}

func (e *refusal) response() response {
	r := problem(e.status)
	if e.authenticate != "" {
		r.headers["www-authenticate"] = e.authenticate
	}
	return r
}

// authorize asks the route's authorizer.
func (a *api) authorize(ctx context.Context, r *http.Request, body []byte, routed string, m match) (*identity, *refusal) {
	switch m.route.AuthorizationType {
	case AuthorizationJWT:
		return a.jwt[m.route.AuthorizerID].authorize(ctx, r, m.route.Scopes)
	case AuthorizationIAM:
		return a.authorizeIAM(r, body, routed)
	}
	return nil, nil
}

// authorizeIAM lets a signed request through whose signer may invoke the route.
//
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-access-control-iam.html
func (a *api) authorizeIAM(r *http.Request, body []byte, routed string) (*identity, *refusal) {
	need := iam.Need{
		Action:   "execute-api:Invoke",
		Resource: fmt.Sprintf("arn:aws:execute-api:%s:%s:%s/%s/%s%s", a.cfg.Region, a.cfg.Account, a.cfg.ID, a.cfg.Stage, r.Method, routed),
	}
	caller, err := a.cfg.Signatures.Authorize(r, body, need)
	if err != nil {
		return nil, &refusal{status: http.StatusForbidden, why: err.Error()}
	}
	user := caller.UserID()
	return &identity{IAM: &iamIdentity{AccessKey: caller.AccessKeyID, AccountID: a.cfg.Account, CallerID: user, UserARN: caller.ARN(), UserID: user}}, nil
}

// checkAuthorizers reports all that is wrong with authorizers and the routes that
// use them.
func (c *Config) checkAuthorizers(bad func(format string, args ...any)) {
	ids := map[string]bool{}
	for _, z := range c.Authorizers {
		if ids[z.ID] {
			bad("authorizer %q: there are two of it", z.ID)
		}
		ids[z.ID] = true
		if z.Issuer == "" || len(z.Audience) == 0 {
			bad("authorizer %q: it has no issuer, or no audience", z.Name)
		}
		if _, err := parseIdentitySource(z.IdentitySource); err != nil {
			bad("authorizer %q: %v", z.Name, err)
		}
	}
	for _, r := range c.Routes {
		switch r.AuthorizationType {
		case "", AuthorizationNone:
			if r.AuthorizerID != "" || len(r.Scopes) > 0 {
				bad("route %q: it has an authorizer or scopes, and authorization type NONE", r.Key)
			}
		case AuthorizationJWT:
			if !ids[r.AuthorizerID] {
				bad("route %q: there is no authorizer %q", r.Key, r.AuthorizerID)
			}
		case AuthorizationIAM:
			if r.AuthorizerID != "" || len(r.Scopes) > 0 {
				bad("route %q: IAM authorization takes neither an authorizer nor scopes", r.Key)
			}
		default:
			bad("route %q: authorization type %s is not served; served are NONE, JWT and AWS_IAM", r.Key, r.AuthorizationType)
		}
	}
}

// identitySource is where a token is.
type identitySource struct {
	header string // name of a header, or
	query  string // of a query parameter
	bearer bool   // "Bearer " must stand before it; without, it may
}

func parseIdentitySource(s string) (identitySource, error) {
	var src identitySource
	if s == "" {
		s = "$request.header.Authorization"
	}
	expression, bearer := strings.CutPrefix(s, "Bearer ")
	src.bearer = bearer
	var isHeader, isQuery bool
	src.header, isHeader = strings.CutPrefix(expression, "$request.header.")
	if !isHeader {
		src.header = ""
		src.query, isQuery = strings.CutPrefix(expression, "$request.querystring.")
	}
	if !isHeader && !isQuery || src.header+src.query == "" || strings.ContainsAny(src.header+src.query, " .$") {
		return identitySource{}, fmt.Errorf("identity source %q is neither $request.header.<name> nor $request.querystring.<name>", s)
	}
	return src, nil
}

var errNoToken = errors.New("the request has no token")

// token takes the token out of a request.
func (s identitySource) token(r *http.Request) (string, error) {
	value := ""
	if s.header != "" {
		value = r.Header.Get(s.header)
	} else {
		value = r.URL.Query().Get(s.query)
	}
	if scheme, rest, ok := strings.Cut(value, " "); ok && strings.EqualFold(scheme, "Bearer") {
		value = rest
	} else if s.bearer {
		return "", errNoToken
	}
	if value = strings.TrimSpace(value); value == "" {
		return "", errNoToken
	}
	return value, nil
}

// scopesOf are the scopes of a token: a text with spaces between them, or a list.
func scopesOf(claims map[string]any) []string {
	var all []string
	for _, name := range []string{"scope", "scp"} {
		switch v := claims[name].(type) {
		case string:
			all = append(all, strings.Fields(v)...)
		case []any:
			for _, s := range v {
				if text, ok := s.(string); ok {
					all = append(all, text)
				}
			}
		}
	}
	return all
}

// oneOf reports whether a and b share an element.
func oneOf(a, b []string) bool {
	return slices.ContainsFunc(a, func(s string) bool { return slices.Contains(b, s) })
}
