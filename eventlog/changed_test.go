package eventlog_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/eventlog"
	"github.com/vinci-go/vinci/orm"
	"github.com/vinci-go/vinci/orm/ormtest"
)

// renaming is a commit that changes a user's e-mail address and says so.
func renaming(to string) eventlog.Changes {
	c := one("user/1", event.Append)
	c.Writes = []orm.Write{users.Update("1", userEmail.Set(to), userCount.Add(1))}
	return c
}

func withUser(t *testing.T, f *fixture) {
	t.Helper()
	if err := orm.Exec(t.Context(), f.store, users.Insert(user{ID: "1", Email: "first@example.com"})); err != nil {
		t.Fatal(err)
	}
}

// wantUser checks the user, and that its address is the only one claimed.
func wantUser(t *testing.T, f *fixture, email string, count int) {
	t.Helper()
	u, err := users.Get(t.Context(), f.store, "1")
	if err != nil || u.Email != email || u.Count != count {
		t.Errorf("user %+v, %v; want %s, counted %d", u, err, email, count)
	}
	var claims []string
	for _, item := range f.store.Items(users) {
		if key := item["id"].(*types.AttributeValueMemberS).Value; strings.HasPrefix(key, "unique#") {
			claims = append(claims, key)
		}
	}
	if want := "[unique#email#" + email + "]"; fmt.Sprint(claims) != want {
		t.Errorf("claimed are %v, want %s", claims, want)
	}
}

// rename changes the address past the log, as another function would.
func rename(f *fixture, to string) error {
	return orm.Exec(context.Background(), f.store, users.Update("1", userEmail.Set(to)))
}

// outrunBy has somebody else change the address before each of the first n
// transactions of the log.
func outrunBy(f *fixture, n int) {
	others := 0
	f.store.Before(func(c ormtest.Call) error {
		if c.Op != "transact" || c.Token == "" || others == n {
			return nil
		}
		others++
		return rename(f, fmt.Sprintf("other%d@example.com", others))
	})
}

func TestWriteIsMadeAnew(t *testing.T) {
	f := newFixture()
	withUser(t, f)
	outrunBy(f, 3)
	c, err := f.Commit(t.Context(), renaming("last@example.com"))
	if err != nil {
		t.Fatal(err)
	}
	f.store.Before(nil)
	if c.ID != "c4" {
		t.Errorf("commit %s: each attempt has an id of its own", c.ID)
	}
	if want := "[5ms 10ms 20ms]"; fmt.Sprint(f.waits) != want {
		t.Errorf("waits %v, want %s", f.waits, want)
	}
	wantUser(t, f, "last@example.com", 1)
	wantIDs(t, f, "user/1", 1)
}

func TestWriteIsMadeAnewSoOften(t *testing.T) {
	f := newFixture()
	withUser(t, f)
	outrunBy(f, 1000)
	_, err := f.Commit(t.Context(), renaming("last@example.com"))
	if !errors.Is(err, orm.KindChanged) || errors.Is(err, eventlog.KindUnknown) {
		t.Errorf("error %v, want %q", err, orm.KindChanged)
	}
	f.store.Before(nil)
	if len(f.waits) != 9 {
		t.Errorf("%d waits, want 9", len(f.waits))
	}
	wantUser(t, f, "other10@example.com", 0)
	wantIDs(t, f, "user/1", 0)
}

// A value that is taken is no reason to try again.
func TestTakenValueIsFinal(t *testing.T) {
	f := newFixture()
	withUser(t, f)
	if err := orm.Exec(t.Context(), f.store, users.Insert(user{ID: "2", Email: "taken@example.com"})); err != nil {
		t.Fatal(err)
	}
	_, err := f.Commit(t.Context(), renaming("Taken@example.com"))
	if !errors.Is(err, orm.KindAlreadyExists) || len(f.waits) != 0 {
		t.Errorf("error %v after %d waits", err, len(f.waits))
	}
	wantIDs(t, f, "user/1", 0)
}

// The store has forgotten the token, so the repetition of a commit whose answer
// was lost meets its own change of the address.
func TestOwnChangeIsNotMadeTwice(t *testing.T) {
	tests := []struct {
		name    string
		changes eventlog.Changes
		want    error
		events  int
	}{
		{"the log shows it", renaming("last@example.com"), nil, 1},
		{"nothing shows it", eventlog.Changes{Writes: renaming("last@example.com").Writes}, eventlog.KindUnknown, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := newFixtureOn(func(m *ormtest.Memory) orm.Store { return forgetful{Memory: m} })
			withUser(t, f)
			f.store.After(on(func(n int, _ ormtest.Call) error {
				if n == 1 {
					return errLost
				}
				return nil
			}))
			if _, err := f.Commit(t.Context(), tt.changes); !errors.Is(err, tt.want) {
				t.Errorf("error %v, want %v", err, tt.want)
			}
			f.store.After(nil)
			wantUser(t, f, "last@example.com", 1)
			wantIDs(t, f, "user/1", tt.events)
		})
	}
}

// A store that does not say what a write depends on makes no changes invalid.
func TestWriteCannotBeMade(t *testing.T) {
	f := newFixture()
	withUser(t, f)
	f.store.Before(func(c ormtest.Call) error {
		if c.Op == "get" {
			return errThrottled
		}
		return nil
	})
	_, err := f.Commit(t.Context(), renaming("last@example.com"))
	if !errors.Is(err, orm.KindThrottled) || errors.Is(err, eventlog.KindInvalid) || !strings.Contains(err.Error(), "write 0") {
		t.Errorf("error %v", err)
	}
}

type ticket struct {
	ID      string `dynamo:"id,hash"`
	Version int64  `dynamo:"version" version:"true"`
}

var tickets = orm.Define[ticket, string]("tickets")

// A version that is not the expected one is the caller's to hear of, also beside
// a conflict in the log.
func TestVersionConflict(t *testing.T) {
	f := newFixture()
	if err := orm.Exec(t.Context(), f.store, tickets.Insert(ticket{ID: "1"})); err != nil {
		t.Fatal(err)
	}
	c := one("ticket/1", event.Append)
	c.Writes = []orm.Write{tickets.Put(ticket{ID: "1", Version: 7})}
	_, err := f.Commit(t.Context(), c)
	if !errors.Is(err, orm.KindVersionConflict) || errors.Is(err, eventlog.KindConflict) || len(f.waits) != 0 {
		t.Errorf("error %v after %d waits", err, len(f.waits))
	}
	f.store.Before(on(func(n int, c ormtest.Call) error { // somebody else appends in between
		if n == 1 {
			_, err := eventlog.New(f.store, eventlog.Options{Source: "shop"}).Commit(context.Background(), one("ticket/1", event.New))
			return err
		}
		return nil
	}))
	c.Events = one("ticket/1", event.New).Events
	_, err = f.Commit(t.Context(), c)
	if !errors.Is(err, orm.KindVersionConflict) || !errors.Is(err, eventlog.KindConflict) {
		t.Errorf("error %v", err)
	}
}
