package scenario

import (
	"context"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/domain/users"
	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/orm"
	"github.com/vinci-go/vinci/tables"
)

const email = "alice@example.com"

// users registers a user, activates her, and prints what came of it.
func (s *Stage) users(ctx context.Context) error {
	var user struct {
		UserID string `json:"user_id"`
	}
	done, err := s.insist(ctx, Request{Method: "POST", Path: "/users", Body: map[string]string{"email": email, "name": "Alice"}, Unsigned: true}, &user, 201)
	if done {
		user.UserID, err = s.userOf(ctx, email)
	}
	if err != nil {
		return &stepError{"register " + email, "api", err}
	}
	fmt.Fprintf(s.out, "Created user: %s\n", user.UserID)

	stream := "user/" + user.UserID
	created, err := s.Event(ctx, stream, 1)
	if err != nil {
		return &stepError{"read user.created from the log", "", err}
	}
	if err := s.Delivered(ctx, created.ID, users.SendWelcome, bus.Succeeded); err != nil {
		return &stepError{"send the welcome mail", users.SendWelcome.Name, err}
	}
	err = s.logged(ctx, users.SendWelcome.Name, func(r map[string]any) bool {
		return r["msg"] == users.MsgWelcomeSent && r["to"] == email
	})
	if err != nil {
		return &stepError{"send the welcome mail", users.SendWelcome.Name, err}
	}
	fmt.Fprintf(s.out, "Welcome email sent to %s\n", email)

	if err := s.Delivered(ctx, created.ID, users.CountTotal, bus.Succeeded); err != nil {
		return &stepError{"count the user", users.CountTotal.Name, err}
	}
	stats, err := s.stats(ctx)
	if err != nil {
		return &stepError{"read the stats", "api", err}
	}
	fmt.Fprintf(s.out, "Stats updated: %d total users\n", stats.TotalUsers)

	if _, err := s.insist(ctx, Request{Method: "POST", Path: "/users/" + user.UserID + "/activate", Unsigned: true}, &user, 200); err != nil {
		return &stepError{"activate " + user.UserID, "api", err}
	}
	fmt.Fprintf(s.out, "Activated user: %s\n", user.UserID)

	activated, err := s.Event(ctx, stream, 2)
	if err != nil {
		return &stepError{"read user.activated from the log", "", err}
	}
	if err := s.Delivered(ctx, activated.ID, users.CountActive, bus.Succeeded); err != nil {
		return &stepError{"count the activation", users.CountActive.Name, err}
	}
	if stats, err = s.stats(ctx); err != nil {
		return &stepError{"read the stats", "api", err}
	}
	fmt.Fprintf(s.out, "Stats updated: %d active users\n", stats.ActiveUsers)

	// The family subscription sees the activation as well and has nothing to do.
	if err := s.Delivered(ctx, activated.ID, users.CountTotal, bus.Ignored); err != nil {
		return &stepError{"ignore the activation", users.CountTotal.Name, err}
	}
	if stats.TotalUsers != 1 || stats.ActiveUsers != 1 {
		return &stepError{"compare the stats", "", fmt.Errorf("got %d total and %d active users, wanted 1 and 1", stats.TotalUsers, stats.ActiveUsers)}
	}
	return s.table(ctx, created, activated)
}

type stats struct {
	TotalUsers  int64 `json:"total_users"`
	ActiveUsers int64 `json:"active_users"`
}

func (s *Stage) stats(ctx context.Context) (stats, error) {
	var answer stats
	_, err := s.insist(ctx, Request{Method: "GET", Path: "/stats", Unsigned: true}, &answer, 200)
	return answer, err
}

// userOf finds the user whose registration was not answered.
func (s *Stage) userOf(ctx context.Context, email string) (string, error) {
	for u, err := range tables.Users.Scan().All(ctx, s.Store) {
		if err != nil || u.Email == email {
			return u.UserID, err
		}
	}
	return "", fmt.Errorf("%s is taken, and no user has it", email)
}

// table prints what became of each event at each subscription, from the
// deliveries table.
func (s *Stage) table(ctx context.Context, events ...event.Envelope) error {
	fmt.Fprintln(s.out)
	w := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "EVENT\tTYPE\tSUBSCRIPTION\tOUTCOME\tATTEMPTS\tDURATION")
	for _, e := range events {
		for d, err := range orm.QueryTable(bus.Deliveries, e.ID).All(ctx, s.Store) {
			if err != nil {
				return &stepError{"read the deliveries", "", err}
			}
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%d\t%s\n", e.ID, e.Type, d.Subscription, d.Status, d.Attempts, d.Duration.Round(time.Microsecond))
		}
	}
	return w.Flush()
}
