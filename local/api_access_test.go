package local

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/vinci-go/vinci/local/gateway"
	"github.com/vinci-go/vinci/local/gateway/gatewaytest"
)

// TestAPIAccess: a route with IAM authorization takes signed requests of those
// whose policies allow it, and a route with a JWT authorizer wants a token.
func TestAPIAccess(t *testing.T) {
	r := start(t, Config{Assembly: app(t,
		`"Api": {"Type": "AWS::ApiGatewayV2::Api", "Properties": {"Name": "t-api", "ProtocolType": "HTTP"}}`,
		`"Api": {"Type": "AWS::ApiGatewayV2::Api", "Properties": {"Name": "t-api", "ProtocolType": "HTTP", "CorsConfiguration": {"AllowOrigins": ["https://app.example"], "AllowMethods": ["GET"]}}},
		 "Authorizer": {"Type": "AWS::ApiGatewayV2::Authorizer", "Properties": {"ApiId": {"Ref": "Api"}, "AuthorizerType": "JWT", "Name": "users",
			"IdentitySource": ["$request.header.Authorization"], "JwtConfiguration": {"Audience": ["app"], "Issuer": "http://127.0.0.1:1"}}}`,
		`"RouteKey": "GET /scan",`, `"RouteKey": "GET /scan", "AuthorizationType": "AWS_IAM",`,
		`"RouteKey": "GET /items/{id}",`, `"RouteKey": "GET /items/{id}", "AuthorizationType": "JWT", "AuthorizerId": {"Ref": "Authorizer"}, "AuthorizationScopes": ["read"],`,
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
	role := r.plan.Load().functions[0].RoleARN
	for _, c := range []struct {
		name, path string
		change     func(*http.Request)
		status     int
	}{
		{"unsigned", "/scan", nil, 403},
		{"the owner", "/scan", signedBy(r.credentials.Owner()), 200},
		{"a role without the permission", "/scan", signedBy(r.credentials.Issue(role, "")), 403},
		{"a key that nobody issued", "/scan", signedBy(gateway.Keys{AccessKeyID: "AKIAX", SecretAccessKey: "x"}), 403},
		{"no token", "/items/a", nil, 401},
	} {
		if resp, text := do("GET", c.path, c.change); resp.StatusCode != c.status {
			t.Errorf("%s: %d %s; want %d", c.name, resp.StatusCode, text, c.status)
		}
	}
	resp, _ := do("OPTIONS", "/scan", func(req *http.Request) {
		req.Header.Set("Origin", "https://app.example")
		req.Header.Set("Access-Control-Request-Method", "GET")
	})
	if got := resp.Header.Get("Access-Control-Allow-Origin"); resp.StatusCode != 204 || !strings.EqualFold(got, "https://app.example") {
		t.Errorf("preflight: %d %q", resp.StatusCode, got)
	}
}
