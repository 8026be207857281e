package users

import "github.com/vinci-go/vinci/event"

// UserCreated says that somebody registered.
type UserCreated struct {
	UserID string `json:"user_id"`
	Email  string `json:"email"`
	Name   string `json:"name"`
}

// UserActivated says that a registered user became active.
type UserActivated struct {
	UserID string `json:"user_id"`
}

// The events of this context.
var (
	Created   = event.Define[UserCreated]("user.created", event.Version(1))
	Activated = event.Define[UserActivated]("user.activated", event.Version(1))
)

// stream is where the events of one user are kept.
func stream(userID string) string { return "user/" + userID }
