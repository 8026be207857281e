package users

import (
	"context"

	"github.com/vinci-go/vinci/bus"
)

// Mailer sends the mails of this context.
type Mailer interface {
	// SendWelcome greets a new user. key is the same for every attempt at the
	// same mail: a provider that takes an idempotency key sends it once.
	SendWelcome(ctx context.Context, to, name, key string) error
}

// LogMailer writes a log line in place of a mail. It is the mailer of the local
// deployment and of this reference application, which has no mail provider; a
// team puts its provider's client behind [Mailer] here.
type LogMailer struct{}

// MsgWelcomeSent is the log message of a welcome mail; "to" holds the address.
const MsgWelcomeSent = "welcome email sent"

// SendWelcome implements [Mailer].
func (LogMailer) SendWelcome(ctx context.Context, to, name, key string) error {
	bus.Logger(ctx).InfoContext(ctx, MsgWelcomeSent, "to", to, "name", name, "idempotency_key", key)
	return nil
}

var _ Mailer = LogMailer{}
