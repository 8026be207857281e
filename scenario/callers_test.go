package scenario_test

import (
	"context"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/vinci-go/vinci/domain/orders"
	"github.com/vinci-go/vinci/local/localtest"
	"github.com/vinci-go/vinci/scenario"
)

// TestCallers: who may call which route of the reference application, and whom its
// events name for it.
func TestCallers(t *testing.T) {
	app := localtest.Start(t, localtest.Options{})
	stage, err := scenario.Connect(app.URL(t), app.Endpoint(), app.Credentials())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	wish := orders.PlaceOrder{
		CustomerID: "c1", CustomerName: "Ada", Email: "ada@example.com", Currency: "EUR",
		Items: []orders.Item{{ProductID: "lamp", Title: "Lamp", Price: 1250, Quantity: 1}},
	}
	place := scenario.Request{Method: "POST", Path: "/orders", Tenant: "acme", Body: wish}

	// Without a signature, and with one of somebody who may not.
	const forbidden = `{"message":"Forbidden"}`
	unsigned := place
	unsigned.Unsigned = true
	if status, answer, err := stage.Answer(ctx, unsigned); err != nil || status != 403 || string(answer) != forbidden {
		t.Errorf("unsigned: %d %s %v, want 403 %s", status, answer, err, forbidden)
	}
	stranger := app.Credentials()
	stranger.SecretAccessKey += "x"
	wrong, err := scenario.Connect(app.URL(t), app.Endpoint(), stranger)
	if err != nil {
		t.Fatal(err)
	}
	if status, answer, err := wrong.Answer(ctx, place); err != nil || status != 403 || string(answer) != forbidden {
		t.Errorf("signed with a wrong secret: %d %s %v, want 403 %s", status, answer, err, forbidden)
	}

	// With one of somebody who may: that is the actor, whatever the headers say.
	var placed struct {
		OrderID string `json:"order_id"`
	}
	signed := place
	signed.Header = http.Header{"X-Actor": {"mallory"}, "X-Amzn-Caller": {"mallory"}}
	if err := stage.Do(ctx, signed, &placed, 201); err != nil {
		t.Fatal(err)
	}
	e, err := stage.Event(ctx, orders.Stream("acme", placed.OrderID), 1)
	if err != nil {
		t.Fatal(err)
	}
	if want := "arn:aws:iam::000000000000:root"; e.Actor != want {
		t.Errorf("the actor of %s is %q, want %q", e.ID, e.Actor, want)
	}

	// People register themselves; nobody knows who they are.
	if e, err := stage.Event(ctx, "user/"+register(ctx, t, stage, "ada"), 1); err != nil || e.Actor != "" {
		t.Errorf("the actor of %s is %q, %v", e.ID, e.Actor, err)
	}

	// No route takes a body that is larger than app.go says.
	large := map[string]string{"email": "ada@example.com", "name": strings.Repeat("a", 64<<10)}
	status, answer, err := stage.Answer(ctx, scenario.Request{Method: "POST", Path: "/users", Body: large, Unsigned: true})
	if err != nil || status != 413 || string(answer) != `{"title":"Request Entity Too Large","status":413,"detail":"the body is over 65536 bytes"}` {
		t.Errorf("a large body: %d %s %v", status, answer, err)
	}

	t.Run("curl", func(t *testing.T) { runCurl(t, app) })
}

// runCurl runs the command of docs/orders.md as it stands there.
func runCurl(t *testing.T, app *localtest.App) {
	curl, err := exec.LookPath("curl")
	if err != nil {
		t.Skip("curl is not installed")
	}
	page, err := os.ReadFile(filepath.Join("..", "docs", "orders.md"))
	if err != nil {
		t.Fatal(err)
	}
	command := regexp.MustCompile("(?s)```sh\n(curl .*?)```").FindSubmatch(page)
	if command == nil {
		t.Fatal("docs/orders.md shows no curl command")
	}
	keys := app.Credentials()
	script := strings.Replace(string(command[1]), "curl ", curl+" --silent --show-error --fail-with-body ", 1)
	cmd := exec.CommandContext(t.Context(), "sh", "-euc", script)
	cmd.Env = append(os.Environ(), "API="+app.URL(t), "AWS_REGION="+keys.Region, "AWS_ACCESS_KEY_ID="+keys.AccessKeyID, "AWS_SECRET_ACCESS_KEY="+keys.SecretAccessKey)
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), `"status":"placed"`) {
		t.Errorf("%s%s%v", command[1], out, err)
	}
}
