package httpapi

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/vinci-go/vinci/local/gateway"
	"github.com/vinci-go/vinci/local/httpapi/issuertest"
	"github.com/vinci-go/vinci/local/iam"
	"github.com/vinci-go/vinci/local/lambda"
)

func TestJWT(t *testing.T) {
	provider := issuertest.New(t)
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	good := func(change func(map[string]any)) string {
		claims := map[string]any{
			"iss": provider.URL, "aud": "app", "sub": "alice", "exp": now.Add(time.Minute).Unix(), "nbf": now.Unix(), "iat": now.Unix(),
			"scope": "orders:read orders:write", "groups": []string{"a", "b"}, "big": 12345678901234567, "admin": true,
		}
		if change != nil {
			change(claims)
		}
		return issuertest.Sign(t, jose.RS256, provider.Key, provider.KeyID, claims)
	}
	with := func(name string, value any) string { return good(func(c map[string]any) { c[name] = value }) }
	without := func(name string) string { return good(func(c map[string]any) { delete(c, name) }) }
	other, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}

	var seen []byte
	h := newAPI(t, func(_ context.Context, _ string, payload []byte) (lambda.Result, error) {
		seen = payload
		return lambda.Result{Payload: []byte(`{}`)}, nil
	}, func(c *Config) {
		c.Now = func() time.Time { return now }
		c.Authorizers = []Authorizer{
			{ID: "z", Name: "users", Issuer: provider.URL, Audience: []string{"app", "web"}},
			{ID: "q", Name: "query", Issuer: provider.URL, Audience: []string{"app"}, IdentitySource: "$request.querystring.token"},
		}
		c.Routes = []Route{
			{Key: "GET /open", FunctionARN: "f"},
			{Key: "GET /me", FunctionARN: "f", AuthorizationType: "JWT", AuthorizerID: "z"},
			{Key: "GET /orders", FunctionARN: "f", AuthorizationType: "JWT", AuthorizerID: "z", Scopes: []string{"orders:read", "admin"}},
			{Key: "GET /query", FunctionARN: "f", AuthorizationType: "JWT", AuthorizerID: "q"},
		}
	})

	for _, c := range []struct {
		name, path, header string
		status             int
		says               string // in www-authenticate
	}{
		{"a route without an authorizer asks for nothing", "/open", "", 200, ""},
		{"a token alone", "/me", good(nil), 200, ""},
		{"a token after Bearer", "/me", "Bearer " + good(nil), 200, ""},
		{"a token after bearer", "/me", "bearer " + good(nil), 200, ""},
		{"a token in the query", "/query?token=" + good(nil), "", 200, ""},
		{"one of several audiences", "/me", with("aud", []string{"x", "web"}), 200, ""},
		{"client_id stands for an absent aud", "/me", good(func(c map[string]any) { delete(c, "aud"); c["client_id"] = "app" }), 200, ""},
		{"one of the route's scopes", "/orders", good(nil), 200, ""},
		{"a scope of scp", "/orders", good(func(c map[string]any) { delete(c, "scope"); c["scp"] = []string{"admin"} }), 200, ""},
		{"RS512", "/me", issuertest.Sign(t, jose.RS512, provider.Key, "key-1", map[string]any{"iss": provider.URL, "aud": "app", "exp": now.Add(time.Hour).Unix()}), 200, ""},

		{"no token", "/me", "", 401, "Bearer"},
		{"an empty token", "/me", "Bearer ", 401, "Bearer"},
		{"no token in the query", "/query", good(nil), 401, "Bearer"},
		{"not a token", "/me", "Bearer abc", 401, "invalid_token"},
		{"another algorithm", "/me", issuertest.Sign(t, jose.HS256, []byte("01234567890123456789012345678901"), "key-1", map[string]any{"iss": provider.URL, "aud": "app"}), 401, "RS256"},
		{"a key that the issuer does not have", "/me", issuertest.Sign(t, jose.RS256, other, "key-9", map[string]any{"iss": provider.URL, "aud": "app"}), 401, "no key"},
		{"signed with another key", "/me", issuertest.Sign(t, jose.RS256, other, "key-1", map[string]any{"iss": provider.URL, "aud": "app", "exp": now.Add(time.Hour).Unix()}), 401, "signature is wrong"},
		{"a signature that was changed", "/me", good(nil)[:len(good(nil))-4] + "AAAA", 401, "signature is wrong"},
		{"another issuer", "/me", with("iss", "https://example.com"), 401, "valid issuer"},
		{"another audience", "/me", with("aud", "other"), 401, "valid audience"},
		{"aud counts where both are", "/me", good(func(c map[string]any) { c["aud"] = "other"; c["client_id"] = "app" }), 401, "valid audience"},
		{"no audience at all", "/me", without("aud"), 401, "valid audience"},
		{"expired", "/me", with("exp", now.Unix()), 401, "expired"},
		{"no expiry", "/me", without("exp"), 401, "when it expires"},
		{"not valid yet", "/me", with("nbf", now.Add(time.Second).Unix()), 401, "not valid yet"},
		{"issued in the future", "/me", with("iat", now.Add(time.Minute).Unix()), 401, "in the future"},
		{"none of the route's scopes", "/orders", with("scope", "orders:write"), 403, "insufficient_scope"},
		{"no scope", "/orders", without("scope"), 403, "insufficient_scope"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := httptest.NewRequest("GET", c.path, nil)
			if c.header != "" {
				r.Header.Set("Authorization", c.header)
			}
			seen = nil
			w := do(h, r)
			if w.Code != c.status || !strings.Contains(w.Header().Get("Www-Authenticate"), c.says) {
				t.Fatalf("got %d %s %q; want %d with %q", w.Code, w.Body, w.Header().Get("Www-Authenticate"), c.status, c.says)
			}
			if (seen != nil) != (c.status == 200) {
				t.Error("the function ran for a request that was refused, or did not for one that was not")
			}
			want := map[int]string{200: `{}`, 401: `{"message":"Unauthorized"}`, 403: `{"message":"Forbidden"}`}[c.status]
			if w.Body.String() != want {
				t.Errorf("the body is %s; want %s", w.Body, want)
			}
		})
	}

	t.Run("what the function sees", func(t *testing.T) {
		r := httptest.NewRequest("GET", "/orders", nil)
		r.Header.Set("Authorization", good(nil))
		do(h, r)
		var e struct {
			RequestContext struct{ Authorizer json.RawMessage }
		}
		if err := json.Unmarshal(seen, &e); err != nil {
			t.Fatal(err)
		}
		sameJSON(t, e.RequestContext.Authorizer, `{"jwt":{"claims":{"admin":"true","aud":"app","big":"12345678901234567","exp":"1795262460",
			"groups":"[a b]","iat":"1795262400","iss":"`+provider.URL+`","nbf":"1795262400","scope":"orders:read orders:write","sub":"alice"},
			"scopes":["orders:read"]}}`)
	})

	t.Run("a new key of the issuer is found", func(t *testing.T) {
		before := provider.Fetched.Load()
		provider.Change(t, "key-2")
		r := httptest.NewRequest("GET", "/me", nil)
		r.Header.Set("Authorization", good(nil))
		if w := do(h, r); w.Code != 401 || provider.Fetched.Load() != before {
			t.Errorf("within ten seconds of a fetch: %d, %d fetches", w.Code, provider.Fetched.Load()-before)
		}
		now = now.Add(keysAgain)
		if w := do(h, r); w.Code != 200 || provider.Fetched.Load() != before+1 {
			t.Errorf("ten seconds later: %d, %d fetches", w.Code, provider.Fetched.Load()-before)
		}
	})

	t.Run("an issuer that does not answer", func(t *testing.T) {
		now = now.Add(keysFor)
		provider.Fails.Store(true)
		r := httptest.NewRequest("GET", "/me", nil)
		r.Header.Set("Authorization", good(nil))
		if w := do(h, r); w.Code != 401 || !strings.Contains(w.Header().Get("Www-Authenticate"), "503") {
			t.Errorf("got %d %q", w.Code, w.Header().Get("Www-Authenticate"))
		}
	})
}

func sameJSON(t *testing.T, got []byte, want string) {
	t.Helper()
	var g, w any
	if err := json.Unmarshal(got, &g); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(want), &w); err != nil {
		t.Fatal(err)
	}
	a, _ := json.Marshal(g)
	b, _ := json.Marshal(w)
	if string(a) != string(b) {
		t.Errorf("got  %s\nwant %s", a, b)
	}
}

// signatures lets one access key in.
type signatures struct{ needs []iam.Need }

func (s *signatures) Authorize(r *http.Request, body []byte, need iam.Need) (gateway.Caller, error) {
	s.needs = append(s.needs, need)
	if r.Header.Get("Authorization") != "good" || string(body) != "body" {
		return gateway.Caller{}, errors.New("the signature does not match")
	}
	return gateway.Caller{AccessKeyID: "ASIA1", RoleARN: "arn:aws:iam::000000000000:role/caller", Session: "s", Account: "000000000000"}, nil
}

func TestIAMAuthorization(t *testing.T) {
	s := &signatures{}
	var seen []byte
	h := newAPI(t, func(_ context.Context, _ string, payload []byte) (lambda.Result, error) {
		seen = payload
		return lambda.Result{Payload: []byte(`{}`)}, nil
	}, func(c *Config) {
		c.Signatures, c.Stage = s, "v1"
		c.Routes = []Route{{Key: "POST /users/{id}", FunctionARN: "f", AuthorizationType: "AWS_IAM"}}
	})
	r := httptest.NewRequest("POST", "/v1/users/7", strings.NewReader("body"))
	if w := do(h, r); w.Code != 403 || w.Body.String() != `{"message":"Forbidden"}` || seen != nil {
		t.Errorf("unsigned: %d %s", w.Code, w.Body)
	}
	r = httptest.NewRequest("POST", "/v1/users/7", strings.NewReader("body"))
	r.Header.Set("Authorization", "good")
	if w := do(h, r); w.Code != 200 {
		t.Fatalf("signed: %d %s", w.Code, w.Body)
	}
	if n := s.needs[1]; n.Action != "execute-api:Invoke" || n.Resource != "arn:aws:execute-api:us-east-1:000000000000:a1b2c3/v1/POST/users/7" {
		t.Errorf("asked for %+v", n)
	}
	var e struct {
		RequestContext struct{ Authorizer json.RawMessage }
	}
	if err := json.Unmarshal(seen, &e); err != nil {
		t.Fatal(err)
	}
	sameJSON(t, e.RequestContext.Authorizer, `{"iam":{"accessKey":"ASIA1","accountId":"000000000000","callerId":"ASIA1:s","cognitoIdentity":null,
		"principalOrgId":null,"userArn":"arn:aws:sts::000000000000:assumed-role/caller/s","userId":"ASIA1:s"}}`)
}

func TestWrongAuthorizers(t *testing.T) {
	_, err := New(Config{
		Authorizers: []Authorizer{{ID: "z", Name: "z"}, {ID: "z", Name: "y", Issuer: "i", Audience: []string{"a"}, IdentitySource: "$context.x"}},
		Routes: []Route{
			{Key: "GET /a", FunctionARN: "f", AuthorizationType: "JWT", AuthorizerID: "other"},
			{Key: "GET /b", FunctionARN: "f", Scopes: []string{"s"}},
			{Key: "GET /c", FunctionARN: "f", AuthorizationType: "AWS_IAM", AuthorizerID: "z"},
		},
		CORS: &CORS{AllowCredentials: true, AllowOrigins: []string{"*", "https://*.example.com", "example.com"}, MaxAge: 86401},
	}, nil)
	if !errors.Is(err, ErrInvalid) {
		t.Fatalf("got %v", err)
	}
	for _, want := range []string{
		`authorizer "z": there are two of it`, `authorizer "z": it has no issuer`, `identity source "$context.x"`, `there is no authorizer "other"`,
		`authorization type NONE`, `IAM authorization takes neither`, `credentials cannot be allowed`, `origin "https://*.example.com"`, `origin "example.com"`, `max age is 86401`,
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error does not say %s:\n%v", want, err)
		}
	}
}
