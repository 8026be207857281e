package localtest_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/vinci-go/vinci/domain/users"
	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/local/localtest"
	"github.com/vinci-go/vinci/tables"
)

// A test of an application, to copy: a request to its API, the event that comes of
// it, and what its subscriptions make of that.
func TestRegistrationIsCounted(t *testing.T) {
	t.Parallel()
	app := localtest.Start(t, localtest.Options{})

	resp, err := http.Post(app.URL(t)+"/users", "application/json", strings.NewReader(`{"email":"ada@example.com","name":"Ada"}`))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var user struct {
		ID string `json:"user_id"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&user); err != nil || resp.StatusCode != http.StatusCreated {
		t.Fatalf("register: %s, %v", resp.Status, err)
	}

	created := event.EventID("user/"+user.ID, 1)
	app.Handled(t.Context(), t, created, users.CountTotal)
	app.Handled(t.Context(), t, created, users.SendWelcome)
	app.Logged(t.Context(), t, "send_welcome", "ada@example.com")

	stats, err := tables.UserStats.Get(t.Context(), app.Store(t), tables.GlobalStats)
	if err != nil || stats.TotalUsers != 1 {
		t.Errorf("counted %d users, %v; want 1", stats.TotalUsers, err)
	}
}
