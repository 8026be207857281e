package tables

import (
	"time"

	"github.com/vinci-go/vinci/orm"
)

// The states of a [User].
const (
	UserPending = "pending" // registered, not yet activated
	UserActive  = "active"
)

// User is one registered user. The e-mail address is unique without regard to
// case: the normalised address is kept in an item of its own, written in the
// same transaction.
type User struct {
	UserID    string    `dynamo:"user_id,hash"`
	Email     string    `dynamo:"email" unique:"normalized" validate:"required,email,max=254"`
	Name      string    `dynamo:"name" validate:"required,max=200"`
	Status    string    `dynamo:"status" default:"pending" validate:"oneof=pending active"`
	CreatedAt time.Time `dynamo:"created_at"`
}

// Users holds one item a user.
var Users = orm.Define[User, string]("users", orm.Description("Registered users; the e-mail address is unique."))

// UserStatus is the attribute that activation changes.
var UserStatus = orm.Attr(Users, func(u *User) *string { return &u.Status })
