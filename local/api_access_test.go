package local

import (
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vinci-go/vinci/local/gateway"
	"github.com/vinci-go/vinci/local/gateway/gatewaytest"
	"github.com/vinci-go/vinci/local/httpapi/issuertest"
)

// TestAPIAccess: a route with IAM authorization takes signed requests of those whose
// policies allow it, one with a JWT authorizer the tokens of a real issuer, and each
// route as many as its limit says.
func TestAPIAccess(t *testing.T) {
	provider := issuertest.New(t)
	r := start(t, Config{Assembly: app(t,
		`"Api": {"Type": "AWS::ApiGatewayV2::Api", "Properties": {"Name": "t-api", "ProtocolType": "HTTP"}}`,
		`"Api": {"Type": "AWS::ApiGatewayV2::Api", "Properties": {"Name": "t-api", "ProtocolType": "HTTP", "CorsConfiguration": {"AllowOrigins": ["https://app.example"], "AllowMethods": ["GET"]}}},
		 "Authorizer": {"Type": "AWS::ApiGatewayV2::Authorizer", "Properties": {"ApiId": {"Ref": "Api"}, "AuthorizerType": "JWT", "Name": "users",
			"IdentitySource": ["$request.header.Authorization"], "JwtConfiguration": {"Audience": ["app"], "Issuer": "`+provider.URL+`"}}}`,
		`"RouteKey": "GET /scan",`, `"RouteKey": "GET /scan", "AuthorizationType": "AWS_IAM",`,
		`"RouteKey": "GET /items/{id}",`, `"RouteKey": "GET /items/{id}", "AuthorizationType": "JWT", "AuthorizerId": {"Ref": "Authorizer"}, "AuthorizationScopes": ["read"],`,
		`"StageName": "$default", "AutoDeploy": true`,
		`"StageName": "$default", "AutoDeploy": true, "DefaultRouteSettings": {"ThrottlingRateLimit": 100, "ThrottlingBurstLimit": 100, "DetailedMetricsEnabled": true},
		 "RouteSettings": {"POST /items": {"ThrottlingRateLimit": 0.0001, "ThrottlingBurstLimit": 2}}`,
		`{"Effect": "Allow", "Action": "dynamodb:UpdateItem",`,
		`{"Effect": "Allow", "Action": "execute-api:Invoke", "Resource": {"Fn::Sub": "arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:${Api}/$default/GET/scan"}},
		 {"Effect": "Allow", "Action": "dynamodb:UpdateItem",`,
	)})
	do := func(method, path string, change func(*http.Request)) (*http.Response, string) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), method, r.APIs()[0].URL+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		if change != nil {
			change(req)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp, string(body)
	}
	signedBy := func(keys gateway.Keys) func(*http.Request) {
		return func(req *http.Request) { gatewaytest.Sign(t, req, keys, "execute-api", "") }
	}
	with := func(issuer *issuertest.Issuer, change map[string]any) func(*http.Request) {
		claims := map[string]any{"iss": provider.URL, "aud": "app", "sub": "alice", "exp": time.Now().Add(time.Hour).Unix(), "scope": "read write"}
		for name, value := range change {
			claims[name] = value
		}
		token := issuer.Token(t, claims)
		return func(req *http.Request) { req.Header.Set("Authorization", "Bearer "+token) }
	}
	roles := map[string]string{}
	for _, f := range r.plan.Load().functions {
		roles[r.plan.Load().labels[f.Name]] = f.RoleARN
	}
	for _, c := range []struct {
		name, path string
		change     func(*http.Request)
		status     int
		body       string
	}{
		{"unsigned", "/scan", nil, 403, `{"message":"Forbidden"}`},
		{"the owner", "/scan", signedBy(r.credentials.Owner()), 200, ""},
		{"a role with the permission", "/scan", signedBy(r.credentials.Issue(roles["work"], "")), 200, ""},
		{"a role without the permission", "/scan", signedBy(r.credentials.Issue(roles["api"], "")), 403, `{"message":"Forbidden"}`},
		{"a key that nobody issued", "/scan", signedBy(gateway.Keys{AccessKeyID: "AKIAX", SecretAccessKey: "x"}), 403, `{"message":"Forbidden"}`},
		{"a token where a signature is asked for", "/scan", with(provider, nil), 403, `{"message":"Forbidden"}`},

		{"no token", "/items/a", nil, 401, `{"message":"Unauthorized"}`},
		{"a signature where a token is asked for", "/items/a", signedBy(r.credentials.Owner()), 401, `{"message":"Unauthorized"}`},
		{"a token", "/items/a", with(provider, nil), 404, ""}, // the function's own: there is no such item
		{"another issuer's token", "/items/a", with(issuertest.New(t), nil), 401, `{"message":"Unauthorized"}`},
		{"a token for somebody else", "/items/a", with(provider, map[string]any{"aud": "other"}), 401, `{"message":"Unauthorized"}`},
		{"an old token", "/items/a", with(provider, map[string]any{"exp": time.Now().Add(-time.Hour).Unix()}), 401, `{"message":"Unauthorized"}`},
		{"a token without the scope", "/items/a", with(provider, map[string]any{"scope": "write"}), 403, `{"message":"Forbidden"}`},
	} {
		if resp, text := do("GET", c.path, c.change); resp.StatusCode != c.status || c.body != "" && text != c.body {
			t.Errorf("%s: %d %s; want %d %s", c.name, resp.StatusCode, text, c.status, c.body)
		}
	}
	resp, _ := do("OPTIONS", "/scan", func(req *http.Request) {
		req.Header.Set("Origin", "https://app.example")
		req.Header.Set("Access-Control-Request-Method", "GET")
	})
	if got := resp.Header.Get("Access-Control-Allow-Origin"); resp.StatusCode != 204 || !strings.EqualFold(got, "https://app.example") {
		t.Errorf("preflight: %d %q", resp.StatusCode, got)
	}
	// A token comes back after hours.
	var statuses []int
	for range 4 {
		resp, _ := do("POST", "/items", nil)
		statuses = append(statuses, resp.StatusCode)
	}
	if slices.Contains(statuses[:2], 429) || statuses[2] != 429 || statuses[3] != 429 {
		t.Errorf("four requests where two are allowed: %d", statuses)
	}

	routes := r.APIs()[0].Routes
	if len(routes) != 3 || routes[0].Issuer != provider.URL || routes[0].Scopes[0] != "read" || routes[1].Authorization != "AWS_IAM" || routes[2].Authorization != "NONE" {
		t.Errorf("the runtime says of its routes %+v", routes)
	}
}
