package constructs_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vinci-go/vinci/constructs"
)

// The application of docs/api.md.

var customers = &constructs.JWTProps{
	Name:     "customers",
	Issuer:   "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_AbCdEfGhI",
	Audience: []string{"1h57kf5cpq17m0eml12EXAMPLE"},
}

var settings = func(deployment string) constructs.Settings {
	if deployment == "local" {
		return constructs.Settings{
			JWTIssuers:   map[string]string{"customers": "http://127.0.0.1:9000"},
			JWTAudiences: map[string][]string{"customers": {"test"}},
		}
	}
	return constructs.Settings{}
}

func routes() []constructs.Route {
	return slices.Concat(
		constructs.Public("GET /products", "GET /products/{id}"),
		constructs.JWT(customers, "GET /me", "POST /orders"),
		constructs.IAM("PUT /inventory/{product_id}"),
	)
}

func addAPI(app *constructs.Application) {
	app.AddAPI(&constructs.APIProps{
		Function:     "functions/api",
		Routes:       routes(),
		Throttling:   constructs.Throttling{Rate: 200, Burst: 100},
		MaxBodyBytes: 64 << 10,
		CORS: &constructs.CORS{
			Origins: []string{"https://shop.example.com"},
			Headers: []string{"authorization", "content-type"},
			MaxAge:  time.Hour,
		},
	})
}

// TestDocumentedAPI: what docs/api.md shows is accepted, and comes to what the page
// says.
func TestDocumentedAPI(t *testing.T) {
	for deployment, issuer := range map[string]string{"prod": customers.Issuer, "local": "http://127.0.0.1:9000"} {
		app := constructs.NewApplication(&constructs.ApplicationProps{
			AppName: "shop", Context: map[string]string{"deployment": deployment}, Settings: settings,
		})
		addAPI(app)
		out := constructs.Synth(t, app)
		template, err := os.ReadFile(filepath.Join(out, "shop-"+deployment+"-api.template.json"))
		if err != nil {
			t.Fatal(err)
		}
		for text, want := range map[string]int{
			`"AuthorizationType": "NONE"`: 2, `"AuthorizationType": "JWT"`: 2, `"AuthorizationType": "AWS_IAM"`: 1,
			`"Issuer": "` + issuer + `"`: 1, `"ThrottlingRateLimit": 200`: 1, `"https://shop.example.com"`: 1,
		} {
			if got := strings.Count(string(template), text); got != want {
				t.Errorf("deployment %s: %s is there %d times, want %d", deployment, text, got, want)
			}
		}
	}
}
