package users

import (
	"context"
	"fmt"

	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/tables"
)

// Welcome mails a new user. A mail is an outside effect: it happens at least
// once, and a key goes along by which the provider can tell a repetition.
func Welcome(m Mailer) func(context.Context, event.Event[UserCreated]) error {
	return func(ctx context.Context, e event.Event[UserCreated]) error {
		if err := m.SendWelcome(ctx, e.Data.Email, e.Data.Name, bus.IdempotencyKey(ctx)); err != nil {
			return fmt.Errorf("welcome mail to user %s: %w", e.Data.UserID, err)
		}
		return nil
	}
}

// AddToTotal counts a registration exactly once, however often it is delivered.
func AddToTotal(_ context.Context, e event.Event[UserCreated], tx *bus.Tx) error {
	tx.Write(tables.UserStats.Update(tables.GlobalStats, tables.TotalUsers.Add(1), tables.StatsUpdatedAt.Set(e.Time)))
	return nil
}

// AddToActive counts an activation exactly once.
func AddToActive(_ context.Context, e event.Event[UserActivated], tx *bus.Tx) error {
	tx.Write(tables.UserStats.Update(tables.GlobalStats, tables.ActiveUsers.Add(1), tables.StatsUpdatedAt.Set(e.Time)))
	return nil
}
