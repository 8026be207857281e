package users_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/bus/bustest"
	"github.com/vinci-go/vinci/domain/users"
	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/tables"
)

func created(id string) event.Record {
	return users.Created.At("user/"+id, event.Append).Record(users.UserCreated{UserID: id, Email: id + "@example.com", Name: id})
}

func activated(id string) event.Record {
	return users.Activated.At("user/"+id, event.Append).Record(users.UserActivated{UserID: id})
}

// mailbox is a mailer that keeps what it sends and can fail.
type mailbox struct {
	failures int // how often it still fails
	sent     []string
}

func (m *mailbox) SendWelcome(_ context.Context, to, name, key string) error {
	if m.failures > 0 {
		m.failures--
		return errors.New("the provider is down")
	}
	m.sent = append(m.sent, fmt.Sprintf("%s %s %s", to, name, key))
	return nil
}

func TestWelcome(t *testing.T) {
	mails := &mailbox{failures: 2}
	kit := bustest.New(t, users.SendWelcome, bus.On(users.Created, users.Welcome(mails)))
	e := kit.Event(created("alice"))

	d := kit.Settle(e)
	if d.Status != bus.Succeeded || d.Attempts != 3 {
		t.Errorf("delivery %+v, want success at the third attempt", d)
	}
	if again := kit.DeliverParallel(10, e); again != 0 {
		t.Errorf("%d duplicates come again", again)
	}
	if want := "[alice@example.com alice send_welcome/user/alice@1]"; fmt.Sprint(mails.sent) != want {
		t.Errorf("sent %v, want %s", mails.sent, want)
	}
}

func TestCounters(t *testing.T) {
	tests := []struct {
		name    string
		sub     *bus.Definition
		handler bus.Handler
		record  func(string) event.Record
		read    func(tables.UserStat) int64
	}{
		{"total", users.CountTotal, bus.OnTx(users.Created, users.AddToTotal), created, func(s tables.UserStat) int64 { return s.TotalUsers }},
		{"active", users.CountActive, bus.OnTx(users.Activated, users.AddToActive), activated, func(s tables.UserStat) int64 { return s.ActiveUsers }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			kit := bustest.New(t, tt.sub, tt.handler)
			const events = 20
			for i := range events {
				e := kit.Event(tt.record(fmt.Sprintf("u%d", i)))
				kit.DeliverParallel(5, e) // some may ask for another turn
				if d := kit.Settle(e); d.Status != bus.Succeeded {
					t.Fatalf("delivery %+v", d)
				}
			}
			stats, err := tables.UserStats.Get(t.Context(), kit.Store, tables.GlobalStats)
			if err != nil {
				t.Fatal(err)
			}
			if got := tt.read(stats); got != events {
				t.Errorf("counted %d, want %d", got, events)
			}
			if stats.UpdatedAt.Sub(bustest.Start).Abs() > time.Second {
				t.Errorf("updated at %s, want the event's time %s", stats.UpdatedAt, bustest.Start)
			}
		})
	}
}

// The family subscription has nothing to do at an activation, and says so.
func TestTotalIgnoresActivation(t *testing.T) {
	kit := bustest.New(t, users.CountTotal, bus.OnTx(users.Created, users.AddToTotal))
	e := kit.Event(activated("alice"))
	if d := kit.Settle(e); d.Status != bus.Ignored {
		t.Errorf("delivery %+v, want ignored", d)
	}
	if letters := kit.DeadLetters(); len(letters) != 0 {
		t.Errorf("dead letters: %+v", letters)
	}
}
