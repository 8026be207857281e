package gateway_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/vinci-go/vinci/local/gateway"
	"github.com/vinci-go/vinci/local/gateway/gatewaytest"
	"github.com/vinci-go/vinci/local/iam"
)

// restService serves /things/NAME.
type restService struct{}

func (restService) Route(method, path string) (string, bool) {
	name, ok := strings.CutPrefix(path, "/things/")
	return method + "Thing", ok && name != ""
}

func (restService) SigningName() string { return "lambda" }

func (restService) RESTNeeds(r *gateway.Request) ([]iam.Need, error) {
	switch r.HTTP.URL.Path {
	case "/things/unknown":
		return nil, gateway.UnknownOperation(r.Operation)
	case "/things/malformed":
		return nil, errors.New("not what it takes")
	}
	return []iam.Need{{Action: "test:" + r.Operation, Resource: resource}}, nil
}

func (restService) Serve(w http.ResponseWriter, r *gateway.Request) {
	switch r.HTTP.URL.Path {
	case "/things/gone":
		gateway.WriteError(w, r, &gateway.Error{Code: "ResourceNotFoundException", Message: "no such thing", Status: http.StatusNotFound})
	case "/things/broken":
		gateway.WriteError(w, r, errors.New("disk full"))
	default:
		gateway.WriteJSON(w, r, map[string]string{"operation": r.Operation, "body": string(r.Body)})
	}
}

func TestREST(t *testing.T) {
	credentials := gateway.NewCredentials(gateway.CredentialsOptions{})
	policy, err := iam.Parse([]byte(`{"Statement":{"Effect":"Allow","Action":"test:PUTThing","Resource":"` + resource + `"}}`))
	if err != nil {
		t.Fatal(err)
	}
	credentials.SetRoles(map[string]iam.Policies{roleARN: {policy}})
	server := httptest.NewServer(gateway.New(gateway.Options{REST: []gateway.RESTService{restService{}}, Credentials: credentials, MaxBody: 100}))
	defer server.Close()
	owner, role := credentials.Owner(), credentials.Issue(roleARN, "f")
	for _, c := range []struct {
		name, method, path, body string
		keys                     gateway.Keys
		status                   int
		code, message            string // of an error
	}{
		{"served", "PUT", "/things/a", "text", role, 200, "", ""},
		{"a form is no query call where a route is", "PUT", "/things/form", "a=b", role, 200, "", ""},
		{"denied", "GET", "/things/a", "", role, 403, "AccessDeniedException", "because no identity-based policy allows the test:GETThing action"},
		{"the service's own error", "GET", "/things/gone", "", owner, 404, "ResourceNotFoundException", "no such thing"},
		{"the service fails", "GET", "/things/broken", "", owner, 500, "ServiceException", "disk full"},
		{"malformed", "PUT", "/things/malformed", "", role, 400, "SerializationException", "not what it takes"},
		{"no credentials", "PUT", "/things/a", "", gateway.Keys{}, 403, "MissingAuthenticationTokenException", "Request is missing Authentication Token"},
		{"unknown credentials", "PUT", "/things/a", "", gateway.Keys{AccessKeyID: "AKIANOBODY", SecretAccessKey: "x"}, 403, "UnrecognizedClientException", "The security token included in the request is invalid."},
		{"an operation that the service does not know", "PUT", "/things/unknown", "", role, 404, "UnknownOperationException", "PUT /things/unknown"},
		{"a path that the service does not know", "PUT", "/nothings/a", "", role, 404, "UnknownOperationException", "PUT /nothings/a"},
		{"over the limit", "PUT", "/things/a", strings.Repeat("x", 101), owner, 413, "RequestEntityTooLargeException", "100 bytes"},
	} {
		t.Run(c.name, func(t *testing.T) {
			req, err := http.NewRequestWithContext(t.Context(), c.method, server.URL+c.path, strings.NewReader(c.body))
			if err != nil {
				t.Fatal(err)
			}
			if strings.HasSuffix(c.path, "form") {
				req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			}
			if c.keys.AccessKeyID != "" {
				gatewaytest.Sign(t, req, c.keys, "lambda", c.body)
			}
			res, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			raw, err := io.ReadAll(res.Body)
			if err != nil {
				t.Fatal(err)
			}
			if res.StatusCode != c.status || res.Header.Get("X-Amzn-Errortype") != c.code || res.Header.Get("Content-Type") != "application/json" {
				t.Fatalf("status %d, %v: %s; want %d %s", res.StatusCode, res.Header, raw, c.status, c.code)
			}
			if c.code == "" {
				if want := `{"body":"` + c.body + `","operation":"PUTThing"}`; string(raw) != want {
					t.Errorf("body %s; want %s", raw, want)
				}
				return
			}
			var got map[string]string
			if err := json.Unmarshal(raw, &got); err != nil {
				t.Fatal(err)
			}
			fault := "User"
			if c.status >= 500 {
				fault = "Service"
			}
			if got["Type"] != fault || !strings.Contains(got["Message"], c.message) || got["message"] != got["Message"] {
				t.Errorf("body %s; want %s, %q", raw, fault, c.message)
			}
		})
	}
}

// Any key opens the gateway when it is open, but an issued key stays its role's.
func TestOpen(t *testing.T) {
	credentials := gateway.NewCredentials(gateway.CredentialsOptions{})
	server := httptest.NewServer(gateway.New(gateway.Options{REST: []gateway.RESTService{restService{}}, Credentials: credentials, Open: true}))
	defer server.Close()
	for _, c := range []struct {
		name   string
		keys   gateway.Keys
		status int
	}{
		{"a stranger is the owner", gateway.Keys{AccessKeyID: "test", SecretAccessKey: "test"}, 200},
		{"a role is what it was", credentials.Issue(roleARN, "f"), 403},
		{"the owner", credentials.Owner(), 200},
		{"nobody", gateway.Keys{}, 403},
	} {
		req, err := http.NewRequestWithContext(t.Context(), "PUT", server.URL+"/things/a", nil)
		if err != nil {
			t.Fatal(err)
		}
		if c.keys.AccessKeyID != "" {
			gatewaytest.Sign(t, req, c.keys, "lambda", "")
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != c.status {
			t.Errorf("%s: status %d; want %d", c.name, res.StatusCode, c.status)
		}
	}
}
