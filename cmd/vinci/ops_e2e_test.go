package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/internal/moduletest"
	"github.com/vinci-go/vinci/ops"
)

// story collects what commands print, with what differs from run to run replaced, for
// one golden file.
type story struct {
	t     *testing.T
	dir   string
	text  strings.Builder
	names *strings.Replacer
	pairs []string
}

// call names something that differs from run to run.
func (s *story) call(value, name string) {
	s.pairs = append(s.pairs, value, name)
	s.names = strings.NewReplacer(s.pairs...)
}

var (
	timeText     = regexp.MustCompile(`\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d+)?Z?`)
	durationText = regexp.MustCompile(`\b\d+(\.\d+)?(µs|ms|s)\b`)
	messageText  = regexp.MustCompile(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`)
	traceText    = regexp.MustCompile(`\b00-[0-9a-f]{32}-[0-9a-f]{16}-00\b`)
	randomText   = regexp.MustCompile(`\b([A-Z2-7]{26}|[0-9a-f]{32})\b`)
	blanks       = regexp.MustCompile(`(\S) {2,}`)
)

// tell runs a command, which must succeed, and writes it down with what it printed.
func (s *story) tell(args ...string) string {
	s.t.Helper()
	out, _ := try(s.t, append(args, "--dir", s.dir)...)
	text := "$ vinci " + strings.Join(args, " ") + "\n" + out + "\n"
	text = s.names.Replace(text)
	text = timeText.ReplaceAllString(text, "TIME")
	text = durationText.ReplaceAllString(text, "DURATION")
	text = messageText.ReplaceAllString(text, "MESSAGE")
	text = traceText.ReplaceAllString(text, "TRACE")
	text = randomText.ReplaceAllString(text, "RANDOM")
	s.text.WriteString(blanks.ReplaceAllString(text, "$1  "))
	return out
}

// TestOps is a day with dead letters, through the real runtime: events are given up,
// looked into, redriven, purged and found again by a replay, sent anew with other
// data, skipped, handled once more in a namespace, and published again; and all that
// people did is in the log.
func TestOps(t *testing.T) {
	dir := moduletest.Copy(t, filepath.Join("..", ".."))
	forgetREADME(t, dir)
	users := func(file string) string { return filepath.Join(dir, "domain", "users", file) }
	moduletest.Replace(t, users("mailer.go"), `	bus.Logger(ctx)`, `	if strings.Contains(to, "@broken.") || strings.Contains(to, "@nowhere.") {
		return bus.Permanent(errors.New("no such mailbox"))
	}
	bus.Logger(ctx)`)
	moduletest.Replace(t, users("mailer.go"), `	"context"`, "\t\"context\"\n\t\"errors\"\n\t\"strings\"")
	moduletest.Replace(t, users("subscriptions.go"), `bus.To(Created))`, `bus.To(Created), bus.Rebuildable())`)
	moduletest.Replace(t, users("subscriptions.go"), `bus.To(Activated),`, `bus.To(Activated), bus.Ordered(),`)
	moduletest.Replace(t, users("handlers.go"), `func AddToActive(_ context.Context, e event.Event[UserActivated], tx *bus.Tx) error {`, `func AddToActive(_ context.Context, e event.Event[UserActivated], tx *bus.Tx) error {
	if e.Data.UserID != "" {
		return bus.Permanent(fmt.Errorf("the counter is closed"))
	}`)

	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	screen, problems := newTranscript(), newTranscript()
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("screen:\n%s\nerrors:\n%s", screen, problems)
		}
	})
	done := make(chan error, 1)
	go func() {
		err := dev(ctx, devOptions{dir: dir, data: ".vinci/data", gateway: "127.0.0.1:0", api: "127.0.0.1:0"}, screen, problems)
		fmt.Fprintf(screen, "dev ended: %v\n", err)
		done <- err
	}()
	m, at := screen.wait(t, 0, `HTTP API \S+  (\S+)|dev ended.*`)
	if m[1] == "" {
		t.Fatalf("%s\n%s", m[0], problems)
	}
	api := m[1]
	_, at = screen.wait(t, at, `following the sources`)
	s := &story{t: t, dir: dir, names: strings.NewReplacer()}
	until := func(pattern string) {
		t.Helper()
		_, at = screen.wait(t, at, pattern)
	}

	counted := func(id string) {
		t.Helper()
		screen.wait(t, 0, `count_total .*"event succeeded".*"event_id":"user/`+id+`@1"`)
	}

	t.Log("two mails that cannot be sent")
	alice := create(t, api, "alice@broken.example")
	until(`"event dead".*"event_id":"user/` + alice + `@1"`)
	bob := create(t, api, "bob@broken.example")
	until(`"event dead".*"event_id":"user/` + bob + `@1"`)
	counted(alice)
	counted(bob)
	s.call(alice, "ALICE")
	s.call(bob, "BOB")
	s.tell("history", "user.*", "--since", "1h")
	out, _ := try(t, "history", "user.*", "--limit", "1", "--json", "--dir", dir)
	var first historyJSON
	if err := json.Unmarshal([]byte(out), &first); err != nil || len(first.Events) != 1 || first.Next == "" {
		t.Fatalf("%v: %s", err, out)
	}
	out, _ = try(t, "history", "user.*", "--since", first.Since.Format(time.RFC3339), "--cursor", string(first.Next), "--dir", dir)
	contains(t, "the next page", out, "user/"+bob+"@1")
	s.tell("dlq", "list", "send_welcome")
	s.tell("dlq", "show", "send_welcome", "user/"+alice+"@1")
	s.tell("deliveries", "user/"+alice+"@1")
	s.tell("trouble", "count_total")
	out, _ = try(t, "trouble", "--dir", dir) // which lists by event id, here a random one
	contains(t, "trouble", out, "^send_welcome  about 0 waiting, 0 in flight, 2 dead$", "^  user/"+alice+"@1  user.created  dead +1 .* permanent: .*no such mailbox$", "^  user/"+bob+"@1  user.created  dead")

	t.Log("the mailer is mended, alice's mail redriven, bob's purged")
	moduletest.Replace(t, users("mailer.go"), `strings.Contains(to, "@broken.") || `, "")
	until(`changed: domain/users/mailer\.go`)
	until(`replaced .*send_welcome`)
	s.tell("dlq", "redrive", "send_welcome", "--id", "user/"+alice+"@1", "--as", "ada", "--reason", "the mailer is mended")
	until(`welcome email sent.*alice@broken`)
	until(`"event succeeded".*"event_id":"user/` + alice + `@1"`)
	s.tell("deliveries", "user/"+alice+"@1")
	s.tell("dlq", "purge", "send_welcome", "--all", "--yes", "--as", "ada")
	s.tell("dlq", "list", "send_welcome")

	t.Log("a replay sends only what has not succeeded")
	out = s.tell("replay", "send_welcome", "--since", "1h", "--dry-run")
	contains(t, "dry run", out, `^looked at 2 events: would send 1, 1 had succeeded$`, "^  user/"+bob+"@1$")
	s.tell("replay", "send_welcome", "--since", "1h", "--as", "ada")
	until(`welcome email sent.*bob@broken`)
	until(`"event succeeded".*"event_id":"user/` + bob + `@1"`)
	contains(t, "a second dry run", s.tell("replay", "send_welcome", "--since", "1h", "--type", "user.created", "--dry-run"), `would send 0, 2 had succeeded`)

	t.Log("an event is sent anew with other data, to one subscription")
	carol := create(t, api, "carol@nowhere.example")
	until(`"event dead".*"event_id":"user/` + carol + `@1"`)
	counted(carol)
	s.call(carol, "CAROL")
	data := fmt.Sprintf(`{"user_id":%q,"email":"carol@example.com","name":"Somebody"}`, carol)
	edited := regexp.MustCompile(`ops/\S+`).FindString(s.tell("dlq", "send", "send_welcome", "user/"+carol+"@1", "--data", data, "--as", "ada", "--reason", "she moved"))
	until(`welcome email sent.*carol@example\.com`)
	until(`"event succeeded".*"event_id":"` + regexp.QuoteMeta(edited) + `"`)
	s.tell("dlq", "list", "send_welcome")
	s.tell("trace", "user/"+carol+"@1")

	t.Log("a stream that is blocked goes on")
	post(t, api+"/users/"+alice+"/activate", "", 200)
	until(`"event dead".*"event_id":"user/` + alice + `@2"`)
	contains(t, "trouble", s.tell("trouble", "count_active"), "user/"+alice+"@2 +user.activated +blocked, given up")
	s.tell("dlq", "skip", "count_active", "user/"+alice+"@2", "--as", "ada")
	contains(t, "trouble", s.tell("trouble", "count_active"), "no trouble", "0 dead")

	t.Log("once more, in a namespace")
	s.tell("replay", "send_welcome", "--stream", "user/"+alice, "--again", "spring", "--as", "ada")
	until(`welcome email sent.*alice@broken`)
	until(`"event succeeded".*"event_id":"user/` + alice + `@1"`)
	s.tell("deliveries", "user/"+alice+"@1", "--again", "spring")
	if _, _, err := vinci(t, "", "replay", "count_total", "--stream", "user/"+alice, "--again", "spring", "--as", "ada", "--dir", dir); err == nil || !strings.Contains(err.Error(), "bus.Rebuildable()") {
		t.Errorf("a subscription that is not rebuildable: %v", err)
	}

	t.Log("all is published again, and nothing happens twice")
	s.tell("republish", "--since", "1h", "--type", "user.*", "--as", "ada")
	until(`"event duplicate".*"event_id":"` + regexp.QuoteMeta(edited) + `"`)
	contains(t, "the count", post(t, api+"/stats", "GET", 200), `"total_users":3`)

	var history struct{ Events []event.Envelope }
	out, _ = try(t, "history", "ops.*", "--json", "--dir", dir)
	if err := json.Unmarshal([]byte(out), &history); err != nil {
		t.Fatal(err)
	}
	var acts []string
	for _, e := range history.Events {
		acts = append(acts, e.Type+" by "+e.Actor)
	}
	const want = "ops.redriven by ada, ops.purged by ada, ops.replayed by ada, ops.replayed by ada, ops.edited by ada, ops.skipped by ada, ops.replayed by ada, ops.replayed by ada, ops.republished by ada, ops.republished by ada"
	if got := strings.Join(acts, ", "); got != want {
		t.Errorf("acts: %s\nwant %s", got, want)
	}
	s.tell("history", "--stream", "ops/send_welcome", "--data")

	t.Log("a replay is stopped, and goes on")
	stopped, stop := context.WithCancel(t.Context())
	defer stop()
	live := newTranscript()
	ended := make(chan error, 1)
	go func() {
		root := newRoot()
		root.SetOut(live)
		root.SetErr(live)
		root.SetArgs([]string{"replay", "send_welcome", "--since", "1h", "--again", "summer", "--rate", "1", "--as", "ada", "--dir", dir})
		ended <- root.ExecuteContext(stopped)
	}()
	until(`welcome email sent.*alice@broken`)
	until(`welcome email sent.*bob@broken`) // so the page with alice's is done
	stop()
	if err := <-ended; !errors.Is(err, context.Canceled) || !strings.Contains(live.String(), "stopped; vinci replay send_welcome --resume goes on") {
		t.Errorf("stopped: %v\n%s", err, live)
	}
	for says, args := range map[string][]string{
		"go on with it by --resume":   {"--since", "1h"},
		"leave out which events":      {"--resume", "--since", "1h"},
		"with the replay as it began": {"--resume", "--old"},
	} {
		if _, _, err := vinci(t, "", append([]string{"replay", "send_welcome", "--as", "ada", "--dir", dir}, args...)...); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("vinci replay %v: %v, want %q", args, err, says)
		}
	}
	out, _ = try(t, "replay", "send_welcome", "--resume", "--rate", "50", "--as", "ada", "--dir", dir)
	contains(t, "going on", out, `^events user.created from .* to send_welcome!summer$`, `^looked at [23] events: sent`)
	until(`"event succeeded".*"event_id":"` + regexp.QuoteMeta(edited) + `"`)
	if _, _, err := vinci(t, "", "replay", "send_welcome", "--resume", "--as", "ada", "--dir", dir); err == nil || !strings.Contains(err.Error(), "no replay of send_welcome waits") {
		t.Errorf("resumed twice: %v", err)
	}

	t.Log("settings")
	s.tell("settings", "list")
	s.tell("settings", "set", "payment_window", "2h", "--version", "0", "--as", "ada", "--reason", "bank holiday")
	for says, args := range map[string][]string{
		`does not take "30s": allowed is 1m0s to 720h0m0s`: {"payment_window", "30s", "--yes"},
		`its version is 1, and not 0: ada has changed it`:  {"payment_window", "3h", "--version", "0"},
		"say --version N": {"payment_window", "3h"},
	} {
		if _, _, err := vinci(t, "", append([]string{"settings", "set", "--as", "bob", "--dir", dir}, args...)...); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("vinci settings set %v: %v, want %q", args, err, says)
		}
	}
	var set settingJSON
	if asJSON(t, dir, &set, "settings", "get", "payment_window"); set.Version != 1 || set.By != "ada" || string(set.Value) != `"2h0m0s"` || set.Description == "" {
		t.Errorf("the setting is %+v", set)
	}
	s.tell("settings", "unset", "payment_window", "--version", "1", "--as", "bob")
	s.tell("settings", "history", "payment_window")

	asJSON(t, dir, &ops.Tree{}, "trace", "user/"+alice+"@1")
	asJSON(t, dir, &[]ops.DeadLetter{}, "dlq", "list", "send_welcome")
	asJSON(t, dir, &[]troubleReport{}, "trouble")
	asJSON(t, dir, &replayJSON{}, "replay", "send_welcome", "--since", "1h", "--dry-run")
	golden(t, "ops_story.txt", s.text.String())

	cancel()
	if err := <-done; err != nil {
		t.Errorf("dev: %v", err)
	}
}

// asJSON runs a command with --json and reads what it prints.
func asJSON(t *testing.T, dir string, into any, args ...string) {
	t.Helper()
	out, _ := try(t, append(args, "--json", "--dir", dir)...)
	d := json.NewDecoder(strings.NewReader(out))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		t.Errorf("vinci %s --json: %v:\n%s", strings.Join(args, " "), err, out)
	}
}

// create registers somebody and returns the id.
func create(t *testing.T, api, email string) string {
	t.Helper()
	var user struct {
		UserID string `json:"user_id"`
	}
	body := post(t, api+"/users", fmt.Sprintf(`{"email":%q,"name":"Somebody"}`, email), 201)
	if err := json.Unmarshal([]byte(body), &user); err != nil || user.UserID == "" {
		t.Fatalf("%s: %v", body, err)
	}
	return user.UserID
}

// post sends a body, or gets what is there.
func post(t *testing.T, url, body string, status int) string {
	t.Helper()
	method := http.MethodPost
	if body == http.MethodGet {
		method, body = body, ""
	}
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var b bytes.Buffer
	if _, err := b.ReadFrom(resp.Body); err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode != status {
		t.Fatalf("%s %s: %d %s", method, url, resp.StatusCode, &b)
	}
	return b.String()
}
