package users_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/vinci-go/vinci/domain"
	"github.com/vinci-go/vinci/domain/users"
	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/eventlog"
	"github.com/vinci-go/vinci/orm"
	"github.com/vinci-go/vinci/orm/ormtest"
	"github.com/vinci-go/vinci/tables"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// fixture is the user context over a memory store, with a clock that stands and
// ids that count.
type fixture struct {
	service *users.Service
	log     *eventlog.Log
	store   orm.Store
}

func newFixture() fixture {
	store := ormtest.New()
	now := func() time.Time { return noon }
	var commits, ids atomic.Int64
	log := eventlog.New(store, eventlog.Options{
		Source: domain.Application,
		Now:    now,
		NewID:  func() string { return fmt.Sprintf("commit-%d", commits.Add(1)) },
	})
	newID := func() string { return fmt.Sprintf("u%d", ids.Add(1)) }
	return fixture{users.NewService(store, log, now, newID), log, store}
}

// events reads a user's whole stream.
func (f fixture) events(t *testing.T, userID string) []event.Envelope {
	t.Helper()
	var all []event.Envelope
	for e, err := range f.log.Stream(context.Background(), "user/"+userID, 1) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, e)
	}
	return all
}

func TestCreate(t *testing.T) {
	f := newFixture()
	user, err := f.service.Create(context.Background(), " Alice@Example.com ", "Alice")
	if err != nil {
		t.Fatal(err)
	}
	want := tables.User{UserID: "u1", Email: "Alice@Example.com", Name: "Alice", Status: "pending", CreatedAt: noon}
	if user != want {
		t.Errorf("created %+v, want %+v", user, want)
	}
	stored, err := f.service.Get(context.Background(), "u1")
	if err != nil {
		t.Fatal(err)
	}
	if !stored.CreatedAt.Equal(noon) || stored.Email != want.Email || stored.Status != "pending" {
		t.Errorf("stored %+v, want %+v", stored, want)
	}
	events := f.events(t, "u1")
	if len(events) != 1 {
		t.Fatalf("%d events, want 1", len(events))
	}
	e, err := users.Created.Decode(events[0])
	if err != nil {
		t.Fatal(err)
	}
	if e.ID != "user/u1@1" || e.Type != "user.created" || e.Data != (users.UserCreated{UserID: "u1", Email: "Alice@Example.com", Name: "Alice"}) {
		t.Errorf("event %+v", e)
	}
}

func TestCreateRefuses(t *testing.T) {
	tests := []struct {
		name, email, userName string
		field                 string
	}{
		{"no email", "", "Alice", "email"},
		{"blank email", "  ", "Alice", "email"},
		{"no at", "alice.example.com", "Alice", "email"},
		{"display name", "Alice <alice@example.com>", "Alice", "email"},
		{"two addresses", "a@example.com, b@example.com", "Alice", "email"},
		{"header injection", "a@example.com\r\nBcc: b@example.com", "Alice", "email"},
		{"long email", strings.Repeat("a", 250) + "@example.com", "Alice", "email"},
		{"the table's own rule", "alice@localhost", "Alice", "email"},
		{"no name", "alice@example.com", "", "name"},
		{"long name", "alice@example.com", strings.Repeat("é", 201), "name"},
		{"broken name", "alice@example.com", "\xff", "name"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := newFixture()
			_, err := f.service.Create(context.Background(), tt.email, tt.userName)
			var refused *users.Error
			if !errors.As(err, &refused) || refused.Kind != users.Invalid || refused.Field != tt.field {
				t.Fatalf("error %v, want invalid %s", err, tt.field)
			}
			if events := f.events(t, "u1"); len(events) != 0 {
				t.Errorf("%d events were committed", len(events))
			}
			if _, err := f.service.Get(context.Background(), "u1"); !errors.Is(err, users.NotFound) {
				t.Errorf("a user was written: %v", err)
			}
		})
	}
}

func TestLimitsAreAllowed(t *testing.T) {
	f := newFixture()
	name := strings.Repeat("é", 200)
	if _, err := f.service.Create(context.Background(), "alice@example.com", name); err != nil {
		t.Error(err)
	}
}

func TestEmailIsUnique(t *testing.T) {
	f := newFixture()
	const parallel = 50
	var created, taken atomic.Int64
	var wg sync.WaitGroup
	for i := range parallel {
		wg.Go(func() {
			email := "alice@example.com"
			if i%2 == 1 {
				email = "ALICE@Example.COM"
			}
			switch _, err := f.service.Create(context.Background(), email, "Alice"); {
			case err == nil:
				created.Add(1)
			case errors.Is(err, users.Taken):
				taken.Add(1)
			default:
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if created.Load() != 1 || taken.Load() != parallel-1 {
		t.Errorf("%d created and %d refused, want 1 and %d", created.Load(), taken.Load(), parallel-1)
	}
}

func TestActivate(t *testing.T) {
	f := newFixture()
	ctx := context.Background()
	if _, err := f.service.Create(ctx, "alice@example.com", "Alice"); err != nil {
		t.Fatal(err)
	}
	user, err := f.service.Activate(ctx, "u1")
	if err != nil {
		t.Fatal(err)
	}
	if user.Status != tables.UserActive || user.Name != "Alice" {
		t.Errorf("activated %+v", user)
	}
	if events := f.events(t, "u1"); len(events) != 2 || events[1].Type != "user.activated" || events[1].ID != "user/u1@2" {
		t.Errorf("events %+v", events)
	}
	// A second activation changes nothing and commits nothing.
	if _, err := f.service.Activate(ctx, "u1"); !errors.Is(err, users.Conflict) {
		t.Errorf("second activation: %v, want a conflict", err)
	}
	if events := f.events(t, "u1"); len(events) != 2 {
		t.Errorf("%d events after the second activation, want 2", len(events))
	}
}

func TestUnknownUser(t *testing.T) {
	f := newFixture()
	// The last ones could be no key or no stream.
	for _, id := range []string{"u1", "", "unique#email#alice@example.com", strings.Repeat("a", 3000), "a/b@1"} {
		if _, err := f.service.Activate(context.Background(), id); !errors.Is(err, users.NotFound) {
			t.Errorf("activate %.20q: %v, want not found", id, err)
		}
		if _, err := f.service.Get(context.Background(), id); !errors.Is(err, users.NotFound) {
			t.Errorf("get %.20q: %v, want not found", id, err)
		}
		if len(id) < 100 && id != "" {
			if events := f.events(t, id); len(events) != 0 {
				t.Errorf("activate %q committed %d events", id, len(events))
			}
		}
	}
}

func TestStatsBeforeAnything(t *testing.T) {
	stats, err := newFixture().service.Stats(context.Background())
	if err != nil || stats.TotalUsers != 0 || stats.ActiveUsers != 0 {
		t.Errorf("stats %+v, %v", stats, err)
	}
}
