package names

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestNew(t *testing.T) {
	tests := []struct {
		app, id string
		says    []string // empty: allowed
	}{
		{"user-system", "dev", nil},
		{"a", "a", nil},
		{strings.Repeat("a", 24), strings.Repeat("a", 16), nil},
		{"a1-b2", "pr123", nil},
		{"", "dev", []string{`application name ""`}},
		{"User", "dev", []string{`application name "User"`, "lower-case"}},
		{"1app", "dev", []string{`application name "1app"`}},
		{strings.Repeat("a", 25), "dev", []string{"application name"}},
		{"app_x", "dev", []string{"application name"}},
		{"app", "", []string{"deployment id is missing", "-c deployment=ID"}},
		{"app", "pr-123", []string{`deployment id "pr-123"`}},
		{"app", strings.Repeat("a", 17), []string{"deployment id"}},
		{"App", "Dev", []string{`application name "App"`, `deployment id "Dev"`}},
	}
	for _, tt := range tests {
		_, err := New(tt.app, tt.id)
		if (err == nil) != (len(tt.says) == 0) {
			t.Errorf("New(%q, %q): %v", tt.app, tt.id, err)
			continue
		}
		for _, want := range tt.says {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("New(%q, %q): %q lacks %q", tt.app, tt.id, err, want)
			}
		}
	}
}

func TestCheck(t *testing.T) {
	for _, name := range []string{"users", "user_stats", "a", "a1_"} {
		if err := Check(name); err != nil {
			t.Errorf("Check(%q): %v", name, err)
		}
	}
	for _, name := range []string{"", "Users", "1users", "user-stats", "_users", "users.x", "users_dlq", "users_undelivered", "ünïcode"} {
		if err := Check(name); err == nil {
			t.Errorf("Check(%q) allows it", name)
		}
	}
}

func TestFromEnv(t *testing.T) {
	env := map[string]string{EnvApplication: "app", EnvDeployment: "dev"}
	d, err := FromEnv(func(name string) string { return env[name] })
	if err != nil || d != (Deployment{App: "app", ID: "dev"}) {
		t.Errorf("%+v, %v", d, err)
	}
	if _, err := FromEnv(func(string) string { return "" }); err == nil || !strings.Contains(err.Error(), EnvDeployment) {
		t.Errorf("empty environment: %v", err)
	}
}

// Two deployments, or two definitions, never share a physical name.
func TestNamesDoNotCollide(t *testing.T) {
	app := rapid.StringMatching(`[a-z][a-z0-9-]{0,23}`)
	id := rapid.StringMatching(`[a-z][a-z0-9]{0,15}`)
	name := rapid.StringMatching(`[a-z][a-z0-9_]{0,20}`).Filter(func(s string) bool { return Check(s) == nil })
	rapid.Check(t, func(t *rapid.T) {
		a := Deployment{app.Draw(t, "app"), id.Draw(t, "id")}
		b := Deployment{app.Draw(t, "other app"), id.Draw(t, "other id")}
		x, y := name.Draw(t, "name"), name.Draw(t, "other name")
		if a == b && x == y {
			t.Skip("the same")
		}
		queues := func(d Deployment, n string) []string {
			return []string{d.Queue(n), d.DeadLetterQueue(n), d.UndeliveredQueue(n)}
		}
		for _, p := range queues(a, x) {
			for _, q := range queues(b, y) {
				if p == q {
					t.Fatalf("%v %s and %v %s are both %s", a, x, b, y, p)
				}
			}
		}
	})
}

// An archive is called as its bus.
func TestBusNameFitsArchive(t *testing.T) {
	d, err := New(strings.Repeat("a", 24), strings.Repeat("b", 16))
	if err != nil || len(d.Bus()) > MaxArchive {
		t.Errorf("%s has %d characters, %v", d.Bus(), len(d.Bus()), err)
	}
	getenv := func(string) string { return "" }
	if got := d.BusFromEnv(getenv); got != d.Bus() {
		t.Errorf("without %s the bus is %s", EnvBus, got)
	}
	if got := d.BusFromEnv(func(name string) string { return map[string]string{EnvBus: "till-dev-bus"}[name] }); got != "till-dev-bus" {
		t.Errorf("with %s the bus is %s", EnvBus, got)
	}
}

func TestNamesOfOneDeployment(t *testing.T) {
	d := Deployment{"shop", "pr1"}
	for want, got := range map[string]string{
		"shop-pr1-users":            d.Table("users"),
		"shop-pr1-bus":              d.Bus(),
		"shop-pr1-send_welcome":     d.Queue("send_welcome"),
		"shop-pr1-send_welcome_dlq": d.DeadLetterQueue("send_welcome"),
		"shop-pr1-mail_undelivered": d.UndeliveredQueue("mail"),
		"shop-pr1-relay_failed":     d.RelayFailedQueue(),
		"shop-pr1-alarms":           d.AlarmTopic(),
		"shop-pr1-table-user-stats": d.Stack("table_user_stats"),
	} {
		if got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}
