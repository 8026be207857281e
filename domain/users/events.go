package users

import "github.com/vinci-go/vinci/event"

// UserCreated says that somebody registered.
type UserCreated struct {
	UserID string `json:"user_id" validate:"required" description:"the new user"`
	Email  string `json:"email" validate:"required,email" description:"as it was typed in"`
	Name   string `json:"name" validate:"required" description:"what the user wants to be called"`
}

// UserActivated says that a registered user became active.
type UserActivated struct {
	UserID string `json:"user_id" validate:"required" description:"who became active"`
}

// The events of this context.
var (
	Created = event.Define[UserCreated]("user.created", event.Version(1),
		event.Description("Somebody registered."))
	Activated = event.Define[UserActivated]("user.activated", event.Version(1),
		event.Description("A registered user became active."))
)

// stream is where the events of one user are kept.
func stream(userID string) string { return "user/" + userID }
