package scenario_test

import (
	"bytes"
	"context"
	"io"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/domain/users"
	"github.com/vinci-go/vinci/eventlog"
	"github.com/vinci-go/vinci/internal/moduletest"
	"github.com/vinci-go/vinci/internal/progress"
	"github.com/vinci-go/vinci/scenario"
)

// TestTimers runs the application with one change: a user who is not activated by
// hand is activated by a timer. So a function of the application, under its own
// role, sets one timer that fires and one that it cancels.
func TestTimers(t *testing.T) {
	const wait = 3 * time.Second // in which Bob is activated by hand
	dir := moduletest.Copy(t, "..")
	service := filepath.Join(dir, "domain", "users", "service.go")
	moduletest.Replace(t, service, `Created.At(stream(user.UserID), event.New).Record(UserCreated{UserID: user.UserID, Email: user.Email, Name: user.Name}),
		},
`, `Created.At(stream(user.UserID), event.New).Record(UserCreated{UserID: user.UserID, Email: user.Email, Name: user.Name}),
		},
		Timers: []eventlog.Timer{{
			ID: stream(user.UserID) + "/activation", Due: s.now().Add(3 * time.Second),
			Event: Activated.At(stream(user.UserID), event.Append).Record(UserActivated{UserID: user.UserID}),
		}},
`)
	moduletest.Replace(t, service, `		Events: []event.Record{Activated.At(stream(userID)`, `		Cancel: []string{stream(userID) + "/activation"},
		Events: []event.Record{Activated.At(stream(userID)`)

	var stderr bytes.Buffer
	s, err := scenario.Start(t.Context(), scenario.Options{Dir: dir}, progress.New(&stderr), io.Discard, &stderr)
	if err != nil {
		t.Fatalf("%v\n%s", err, &stderr)
	}
	defer func() {
		if err := s.Stop(context.Background()); err != nil {
			t.Error(err)
		}
		for _, pid := range children(t) {
			t.Errorf("process %d outlives the runtime", pid)
		}
	}()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()

	// Bob's timer would be due before Alice's, so when hers has fired, his would have.
	bob, alice := register(ctx, t, s, "bob"), register(ctx, t, s, "alice")
	if err := s.Call(ctx, "POST", "/users/"+bob+"/activate", nil, &struct{}{}, 200); err != nil {
		t.Fatal(err)
	}
	began, err := s.Event(ctx, "user/"+alice, 1)
	if err != nil {
		t.Fatal(err)
	}
	for {
		if fired, err := s.Event(ctx, "user/"+alice, 2); err == nil {
			if fired.Type != users.Activated.Name() || fired.CorrelationID != began.CorrelationID || fired.Time.Sub(began.Time) < wait-wait/10 { // the service looked at its clock before the log did
				t.Errorf("fired %+v, want an activation %s after %s, of the same request", fired.Metadata, wait, began.Time)
			}
			break
		}
		select {
		case <-ctx.Done():
			t.Fatalf("the timer did not fire:\n%v\n%s", s.Runtime.Lines("timers"), &stderr)
		case <-time.After(20 * time.Millisecond): // between two looks at a condition that nothing signals
		}
	}
	// What a timer fires goes the way of every event.
	for _, id := range []string{"user/" + alice + "@2", "user/" + bob + "@2"} {
		if err := s.Delivered(ctx, id, users.CountActive, bus.Succeeded); err != nil {
			t.Fatalf("%v\n%s", err, &stderr)
		}
	}
	if e, err := s.Event(ctx, "user/"+bob, 3); err == nil {
		t.Errorf("the cancelled timer fired: %+v", e.Metadata)
	}
	for timer, err := range s.Log.DueTimers(ctx, time.Now().Add(time.Hour)) {
		t.Errorf("timer %s is left, %v", timer.ID, err)
	}
	// The function is called every second; calls with nothing to do leave no lines.
	starts := 0
	for _, line := range s.Runtime.Lines("timers") {
		if strings.HasPrefix(line.Text, "START ") {
			starts++
		}
	}
	if starts != 1 {
		t.Errorf("the log of the timers function shows %d calls, want the one that fired", starts)
	}
	if there, err := eventlog.State.Exists(ctx, s.Store, eventlog.TimerKey("user/"+bob+"/activation")); there || err != nil {
		t.Errorf("the cancelled timer is there: %v, %v", there, err)
	}
}

// register makes a user through the API and returns the id.
func register(ctx context.Context, t *testing.T, s *scenario.Stage, name string) string {
	t.Helper()
	var user struct {
		UserID string `json:"user_id"`
	}
	if err := s.Call(ctx, "POST", "/users", map[string]string{"email": name + "@example.com", "name": name}, &user, 201); err != nil {
		t.Fatal(err)
	}
	return user.UserID
}
