package constructs

import (
	"encoding/json"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/vinci-go/vinci/bus"
)

// TestRouteAuthorizations: every route of the test application asks for what it was
// declared with, and one that nobody declared asks for a signature.
func TestRouteAuthorizations(t *testing.T) {
	api := resources(t, synth(t, testApp(false, map[string]string{"deployment": "dev"})), "shop-dev-api")
	issuers := map[string]string{}
	for id, r := range api {
		if r.Type == "AWS::ApiGatewayV2::Authorizer" {
			config := r.Properties["JwtConfiguration"].(map[string]any)
			issuers[id] = config["Issuer"].(string)
		}
	}
	got := map[string]string{}
	for _, r := range api {
		if r.Type != "AWS::ApiGatewayV2::Route" {
			continue
		}
		text, _ := r.Properties["AuthorizationType"].(string)
		if ref, ok := r.Properties["AuthorizerId"].(map[string]any); ok {
			text += " " + issuers[ref["Ref"].(string)]
		}
		if scopes, ok := r.Properties["AuthorizationScopes"].([]any); ok {
			for _, s := range scopes {
				text += " " + s.(string)
			}
		}
		got[r.Properties["RouteKey"].(string)] = text
	}
	want := map[string]string{
		"POST /users":               "NONE",
		"POST /users/{id}/activate": "AWS_IAM",
		"GET /users/{id}/audit":     "AWS_IAM", // the zero Route
		"GET /users/{id}":           "JWT https://id.example.com/",
		"GET /me":                   "JWT https://id.example.com/",
		"PUT /users/{id}":           "JWT https://id.example.com/ users:write admin",
		"GET /reports":              "JWT https://partners.example.com",
	}
	for route, text := range want {
		if got[route] != text {
			t.Errorf("%s asks for %q, want %q", route, got[route], text)
		}
	}
	if len(got) != len(want) || len(issuers) != 2 {
		t.Errorf("%d routes and %d authorizers, want %d and 2", len(got), len(issuers), len(want))
	}
}

// TestAPISettings: a deployment's own issuer and audience, and the defaults of an API
// that says nothing.
func TestAPISettings(t *testing.T) {
	app := NewApplication(&ApplicationProps{
		AppName: "shop", Context: map[string]string{"deployment": "local"},
		Settings: func(deployment string) Settings {
			return Settings{
				LogDays:    7,
				JWTIssuers: map[string]string{"jwt": "http://127.0.0.1:8080/" + deployment}, JWTAudiences: map[string][]string{"jwt": {"test"}},
			}
		},
	})
	app.build = fakeBuild
	app.AddTable(users)
	app.AddAPI(&APIProps{
		Function: "functions/api", Access: []bus.Grant{bus.Reads(users)},
		Routes: JWT(&JWTProps{Issuer: "https://id.example.com", Audience: []string{"web"}}, "GET /users/{id}"),
	})
	seen := map[string]bool{}
	for _, r := range resources(t, synth(t, app), "shop-local-api") {
		b, err := json.Marshal(r.Properties)
		if err != nil {
			t.Fatal(err)
		}
		text := string(b)
		for kind, want := range map[string]string{
			"AWS::ApiGatewayV2::Authorizer": `"JwtConfiguration":{"Audience":["test"],"Issuer":"http://127.0.0.1:8080/local"}`,
			"AWS::ApiGatewayV2::Stage":      `"DefaultRouteSettings":{"DetailedMetricsEnabled":true,"ThrottlingBurstLimit":500,"ThrottlingRateLimit":1000}`,
			"AWS::Lambda::Function":         `"VINCI_MAX_BODY_BYTES":"1048576"`,
		} {
			if r.Type == kind {
				seen[kind] = true
				if !strings.Contains(text, want) {
					t.Errorf("%s is %s\nwant %s in it", kind, text, want)
				}
			}
		}
		if r.Type == "AWS::ApiGatewayV2::Api" && strings.Contains(text, "Cors") {
			t.Errorf("CORS is not off: %s", text)
		}
		if name, _ := r.Properties["LogGroupName"].(string); name != "" {
			seen[name] = true
			if r.Properties["RetentionInDays"] != 7.0 {
				t.Errorf("the log of requests keeps %v days, want 7", r.Properties["RetentionInDays"])
			}
		}
	}
	for _, want := range []string{"AWS::ApiGatewayV2::Authorizer", "AWS::ApiGatewayV2::Stage", "AWS::Lambda::Function", "/aws/vendedlogs/api/shop-local-api"} {
		if !seen[want] {
			t.Errorf("there is no %s", want)
		}
	}
}

// TestAccessLogFormat: a line is JSON within API Gateway's limit, has what the
// documentation promises, and nothing that a client may write as it likes.
func TestAccessLogFormat(t *testing.T) {
	format := accessLogFormat()
	var line map[string]string
	if err := json.Unmarshal([]byte(format), &line); err != nil {
		t.Fatalf("%s: %v", format, err)
	}
	if len(format) > 3<<10 || strings.ContainsRune(format, '\n') {
		t.Errorf("the format has %d bytes, or is no line:\n%s", len(format), format)
	}
	if len(line) != len(accessLogFields) {
		t.Errorf("a field is there twice: %s", format)
	}
	for _, field := range accessLogFields {
		if slices.Contains([]string{"identity.userAgent", "path"}, field[1]) {
			t.Errorf("field %s is a client's text: it may have quotes", field[0])
		}
	}
	docs := string(read(t, filepath.Join("..", "docs", "api.md")))
	for _, field := range accessLogFields {
		if !strings.Contains(docs, "`"+field[0]+"`") {
			t.Errorf("docs/api.md does not explain the field %s", field[0])
		}
	}
}

type templateResource struct {
	Type       string
	Properties map[string]any
}

// resources are those of one stack.
func resources(t *testing.T, out, stack string) map[string]templateResource {
	t.Helper()
	var template struct{ Resources map[string]templateResource }
	decode(t, filepath.Join(out, stack+".template.json"), &template)
	if len(template.Resources) == 0 {
		t.Fatalf("stack %s is empty", stack)
	}
	return template.Resources
}
