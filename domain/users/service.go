package users

import (
	"context"
	"errors"
	"fmt"
	"net/mail"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/eventlog"
	"github.com/vinci-go/vinci/orm"
	"github.com/vinci-go/vinci/tables"
)

// Limits of what a registration may hold, in characters. RFC 5321 allows an
// address 254.
const (
	maxEmail = 254
	maxName  = 200
)

// Service decides about users. Every change commits state and fact together. It
// is safe for concurrent use.
type Service struct {
	store orm.Reader
	log   *eventlog.Log
	now   func() time.Time
	newID func() string
}

// NewService makes a service. now and newID are injected so that tests are
// deterministic; newID must never give the same id twice.
func NewService(store orm.Reader, log *eventlog.Log, now func() time.Time, newID func() string) *Service {
	return &Service{store: store, log: log, now: now, newID: newID}
}

// Create registers a user. Errors: Invalid with the field, Taken when the
// address (compared without regard to case) belongs to somebody.
func (s *Service) Create(ctx context.Context, email, name string) (tables.User, error) {
	email, name = strings.TrimSpace(email), strings.TrimSpace(name)
	if err := checkEmail(email); err != nil {
		return tables.User{}, err
	}
	if err := checkName(name); err != nil {
		return tables.User{}, err
	}
	user := tables.User{
		UserID:    s.newID(),
		Email:     email,
		Name:      name,
		Status:    tables.UserPending,
		CreatedAt: s.now().UTC(),
	}
	_, err := s.log.Commit(ctx, eventlog.Changes{
		Writes: []orm.Write{tables.Users.Insert(user)},
		Events: []event.Record{
			Created.At(stream(user.UserID), event.New).Record(UserCreated{UserID: user.UserID, Email: user.Email, Name: user.Name}),
		},
	})
	switch {
	case errors.Is(err, orm.KindAlreadyExists):
		return tables.User{}, &Error{Kind: Taken, Field: "email", Message: "is registered already"}
	case errors.Is(err, orm.KindValidation):
		return tables.User{}, invalidItem(err)
	case err != nil:
		return tables.User{}, fmt.Errorf("create user: %w", err)
	}
	return user, nil
}

// Activate makes a pending user active. Errors: NotFound, Conflict when the user
// is active already.
func (s *Service) Activate(ctx context.Context, userID string) (tables.User, error) {
	if err := checkID(userID); err != nil {
		return tables.User{}, err
	}
	// Read first, so that nothing is left to fail once the change is committed.
	user, err := s.Get(ctx, userID)
	if err != nil {
		return tables.User{}, err
	}
	if user.Status != tables.UserPending {
		return tables.User{}, alreadyActive()
	}
	_, err = s.log.Commit(ctx, eventlog.Changes{
		Writes: []orm.Write{
			tables.Users.Update(userID, tables.UserStatus.Set(tables.UserActive)).If(tables.UserStatus.Eq(tables.UserPending)),
		},
		Events: []event.Record{Activated.At(stream(userID), event.Append).Record(UserActivated{UserID: userID})},
	})
	if errors.Is(err, orm.KindConditionFailed) { // somebody else was quicker
		return tables.User{}, alreadyActive()
	}
	if err != nil {
		return tables.User{}, fmt.Errorf("activate user %s: %w", userID, err)
	}
	user.Status = tables.UserActive
	return user, nil
}

// Get reads a user. Errors: NotFound.
func (s *Service) Get(ctx context.Context, userID string) (tables.User, error) {
	if err := checkID(userID); err != nil {
		return tables.User{}, err
	}
	user, err := tables.Users.Get(ctx, s.store, userID)
	if errors.Is(err, orm.KindNotFound) {
		return tables.User{}, noSuchUser()
	}
	if err != nil {
		return tables.User{}, fmt.Errorf("read user %s: %w", userID, err)
	}
	return user, nil
}

// Stats reads the counters. They follow the events, so they lag behind the
// users by a moment.
func (s *Service) Stats(ctx context.Context) (tables.UserStat, error) {
	stats, err := tables.UserStats.Get(ctx, s.store, tables.GlobalStats)
	if errors.Is(err, orm.KindNotFound) { // nobody has registered yet
		return tables.UserStat{StatKey: tables.GlobalStats}, nil
	}
	if err != nil {
		return tables.UserStat{}, fmt.Errorf("read user stats: %w", err)
	}
	return stats, nil
}

// invalidItem turns the table's own refusal, which is stricter than the checks
// here in a few odd cases, into one that names the request's field.
func invalidItem(err error) error {
	var item *orm.Error
	if errors.As(err, &item) && (item.Attribute == "email" || item.Attribute == "name") {
		return &Error{Kind: Invalid, Field: item.Attribute, Message: "has a value that is not allowed"}
	}
	return fmt.Errorf("create user: %w", err)
}

func alreadyActive() error {
	return &Error{Kind: Conflict, Field: "status", Message: "the user is active already"}
}

func noSuchUser() error {
	return &Error{Kind: NotFound, Field: "user_id", Message: "no user has this id"}
}

// checkID refuses what cannot be a user's id before it reaches a key or a
// stream name: both have limits that an id from a URL need not respect.
func checkID(userID string) error {
	if userID == "" || len(userID) > 64 {
		return noSuchUser()
	}
	for _, c := range userID {
		if (c < '0' || c > '9') && (c < 'a' || c > 'z') && c != '-' {
			return noSuchUser()
		}
	}
	return nil
}

func checkEmail(email string) error {
	invalid := func(message string) error { return &Error{Kind: Invalid, Field: "email", Message: message} }
	switch {
	case email == "":
		return invalid("is required")
	case utf8.RuneCountInString(email) > maxEmail:
		return invalid(fmt.Sprintf("is longer than %d characters", maxEmail))
	}
	// ParseAddress also takes "Name <address>": only a bare address will do.
	if parsed, err := mail.ParseAddress(email); err != nil || parsed.Address != email {
		return invalid("is not an e-mail address: name@example.com is the form")
	}
	return nil
}

func checkName(name string) error {
	switch {
	case name == "":
		return &Error{Kind: Invalid, Field: "name", Message: "is required"}
	case !utf8.ValidString(name):
		return &Error{Kind: Invalid, Field: "name", Message: "is not valid UTF-8"}
	case utf8.RuneCountInString(name) > maxName:
		return &Error{Kind: Invalid, Field: "name", Message: fmt.Sprintf("is longer than %d characters", maxName)}
	}
	return nil
}
