package httpapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

const (
	// keysFor is how long the keys of an issuer are kept: API Gateway caches them
	// for two hours.
	keysFor = 2 * time.Hour
	// keysAgain is how soon an unknown key makes them be fetched again.
	keysAgain = 10 * time.Second
	// keysWithin bounds a fetch: API Gateway waits 1.5 s for the issuer.
	keysWithin = 1500 * time.Millisecond
	// maxIssuerDocument bounds what an issuer may send.
	maxIssuerDocument = 1 << 20
)

// algorithms are those that API Gateway takes: RSA only.
var algorithms = []jose.SignatureAlgorithm{jose.RS256, jose.RS384, jose.RS512}

// jwtAuthorizer judges the tokens of one authorizer.
type jwtAuthorizer struct {
	config Authorizer
	source identitySource
	now    func() time.Time
	client *http.Client
	keys   issuerKeys
}

// authorize judges a request's token. The steps and their order are API Gateway's.
func (z *jwtAuthorizer) authorize(ctx context.Context, r *http.Request, scopes []string) (*identity, *refusal) {
	text, err := z.source.token(r)
	if err != nil {
		return nil, &refusal{status: http.StatusUnauthorized, authenticate: "Bearer", why: err.Error()}
	}
	claims, err := z.verify(ctx, text)
	if err != nil {
		return nil, &refusal{
			status: http.StatusUnauthorized, why: "the token is not valid: " + err.Error(),
			authenticate: fmt.Sprintf("Bearer scope=%q error=\"invalid_token\" error_description=%q", strings.Join(scopes, " "), err.Error()),
		}
	}
	if len(scopes) > 0 && !oneOf(scopesOf(claims), scopes) {
		return nil, &refusal{
			status: http.StatusForbidden, why: fmt.Sprintf("the token has none of the route's scopes %q", scopes),
			authenticate: fmt.Sprintf("Bearer scope=%q error=\"insufficient_scope\" error_description=\"the token does not have a sufficient scope\"", strings.Join(scopes, " ")),
		}
	}
	id := &jwtIdentity{Claims: make(map[string]string, len(claims))}
	for name, v := range claims {
		id.Claims[name] = claimText(v)
	}
	for _, s := range scopesOf(claims) {
		if slices.Contains(scopes, s) {
			id.Scopes = append(id.Scopes, s)
		}
	}
	return &identity{JWT: id}, nil
}

// verify checks the signature and what API Gateway checks of the claims.
func (z *jwtAuthorizer) verify(ctx context.Context, text string) (map[string]any, error) {
	token, err := jwt.ParseSigned(text, algorithms)
	if err != nil {
		return nil, fmt.Errorf("it is no token signed with RS256, RS384 or RS512: %w", err)
	}
	key, err := z.key(ctx, token.Headers[0].KeyID)
	if err != nil {
		return nil, err
	}
	var std jwt.Claims
	var raw json.RawMessage
	if err := token.Claims(key.Key, &std, &raw); err != nil {
		return nil, errors.New("the token's signature is wrong")
	}
	decoder := json.NewDecoder(strings.NewReader(string(raw)))
	decoder.UseNumber() // a claim is shown as it was written
	claims := map[string]any{}
	if err := decoder.Decode(&claims); err != nil {
		return nil, fmt.Errorf("its claims cannot be read: %w", err)
	}
	now := z.now()
	switch audience := []string(std.Audience); {
	case std.Issuer != z.config.Issuer:
		return nil, errors.New("the token does not have a valid issuer")
	case len(audience) == 0 && !slices.Contains(z.config.Audience, textOf(claims["client_id"])),
		len(audience) > 0 && !oneOf(audience, z.config.Audience):
		return nil, errors.New("the token does not have a valid audience")
	case std.Expiry == nil:
		return nil, errors.New("the token does not say when it expires")
	case !now.Before(std.Expiry.Time()):
		return nil, errors.New("the token has expired")
	case std.NotBefore != nil && now.Before(std.NotBefore.Time()):
		return nil, errors.New("the token is not valid yet")
	case std.IssuedAt != nil && now.Before(std.IssuedAt.Time()):
		return nil, errors.New("the token was issued in the future")
	}
	return claims, nil
}

func textOf(v any) string {
	s, _ := v.(string) // a claim of another type is no client id
	return s
}

// claimText is a claim as API Gateway shows it: everything is a text, and a list
// is its elements in brackets.
func claimText(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case []any:
		parts := make([]string, len(v))
		for i, e := range v {
			parts[i] = claimText(e)
		}
		return "[" + strings.Join(parts, " ") + "]"
	case nil:
		return ""
	case map[string]any:
		b, err := json.Marshal(v)
		if err != nil {
			panic(err) // it was read from JSON a moment ago
		}
		return string(b)
	}
	return fmt.Sprint(v)
}

// issuerKeys are an issuer's public keys, fetched when they are needed.
type issuerKeys struct {
	mu      sync.Mutex
	set     jose.JSONWebKeySet
	fetched time.Time
}

// key is the issuer's key of that id. A key that is unknown makes the keys be
// fetched again, for the issuer may have a new one.
func (z *jwtAuthorizer) key(ctx context.Context, id string) (jose.JSONWebKey, error) {
	k := &z.keys
	k.mu.Lock()
	defer k.mu.Unlock()
	age := z.now().Sub(k.fetched)
	found := k.set.Key(id)
	if k.fetched.IsZero() || age >= keysFor || len(found) == 0 && age >= keysAgain {
		set, err := z.fetch(ctx)
		if err != nil {
			return jose.JSONWebKey{}, fmt.Errorf("the issuer's keys cannot be fetched: %w", err)
		}
		k.set, k.fetched = set, z.now()
		found = set.Key(id)
	}
	if len(found) == 0 {
		return jose.JSONWebKey{}, fmt.Errorf("the issuer has no key %q", id)
	}
	return found[0], nil
}

// fetch asks the issuer where its keys are, and for the keys.
func (z *jwtAuthorizer) fetch(ctx context.Context) (jose.JSONWebKeySet, error) {
	ctx, cancel := context.WithTimeout(ctx, keysWithin)
	defer cancel()
	var discovery struct {
		Keys string `json:"jwks_uri"`
	}
	var set jose.JSONWebKeySet
	url := strings.TrimSuffix(z.config.Issuer, "/") + "/.well-known/openid-configuration"
	if err := z.get(ctx, url, &discovery); err != nil {
		return set, err
	}
	if discovery.Keys == "" {
		return set, fmt.Errorf("%s has no jwks_uri", url)
	}
	return set, z.get(ctx, discovery.Keys, &set)
}

func (z *jwtAuthorizer) get(ctx context.Context, url string, into any) (err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	resp, err := z.client.Do(req)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, resp.Body.Close()) }()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %s", url, resp.Status)
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxIssuerDocument))
	if err != nil {
		return fmt.Errorf("%s: %w", url, err)
	}
	if err := json.Unmarshal(body, into); err != nil {
		return fmt.Errorf("%s: %w", url, err)
	}
	return nil
}
