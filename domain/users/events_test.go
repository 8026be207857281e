package users_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/vinci-go/vinci/domain/users"
	"github.com/vinci-go/vinci/event"
)

// TestEventsKeepTheirRules: what cannot be true is not committed.
func TestEventsKeepTheirRules(t *testing.T) {
	for _, tt := range []struct {
		record event.Record
		want   string // "" for right
	}{
		{users.Created.Record(users.UserCreated{UserID: "1", Email: "a@b.cd", Name: "A"}), ""},
		{users.Created.Record(users.UserCreated{UserID: "1", Email: "a@b.cd"}), `user.created version 1: validation: member "name": must satisfy "required"`},
		{users.Created.Record(users.UserCreated{UserID: "1", Email: "nobody", Name: "A"}), `member "email": must satisfy "email"`},
		{users.Activated.Record(users.UserActivated{}), `member "user_id": must satisfy "required"`},
	} {
		switch err := tt.record.Err; {
		case tt.want == "" && err != nil:
			t.Error(err)
		case tt.want != "" && (!errors.Is(err, event.KindValidation) || !strings.Contains(err.Error(), tt.want)):
			t.Errorf("got %v, want %q", err, tt.want)
		}
	}
}
