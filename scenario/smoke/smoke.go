package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/domain/users"
	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/ops"
)

// smoke is one try of a deployment.
type smoke struct {
	api   string // address of the HTTP API
	ops   *ops.Ops
	http  *http.Client
	wait  func(context.Context) error // before something is looked at again that nothing signals
	newID func() string
	out   io.Writer
}

// run tries everything, until ctx ends.
func (s *smoke) run(ctx context.Context) error {
	// A new API may not be known to the name servers yet. Nothing else is tried twice:
	// what fails now would fail for users, too.
	if err := s.ready(ctx); err != nil {
		return err
	}
	fmt.Fprintf(s.out, "API %s answers\n", s.api)

	email := "smoke+" + s.newID() + "@example.com"
	var user struct {
		UserID string `json:"user_id"`
		Email  string `json:"email"`
		Status string `json:"status"`
	}
	if err := s.call(ctx, "POST", "/users", map[string]string{"email": email, "name": "Smoke test"}, http.StatusCreated, &user); err != nil {
		return err
	}
	if user.UserID == "" {
		return errors.New("POST /users: the answer has no user_id")
	}
	fmt.Fprintf(s.out, "registered %s as user %s\n", email, user.UserID)
	path := "/users/" + user.UserID
	for _, step := range []struct{ method, path, status string }{
		{"GET", path, "pending"}, {"POST", path + "/activate", "active"}, {"GET", path, "active"},
	} {
		if err := s.call(ctx, step.method, step.path, nil, http.StatusOK, &user); err != nil {
			return err
		}
		if user.Email != email || user.Status != step.status {
			return fmt.Errorf("%s %s: user %s has address %s and is %s, wanted %s and %s", step.method, step.path, user.UserID, user.Email, user.Status, email, step.status)
		}
	}
	fmt.Fprintf(s.out, "activated user %s\n", user.UserID)

	stream := "user/" + user.UserID
	for _, want := range []struct {
		version int64
		by      []*bus.Definition
	}{{1, []*bus.Definition{users.SendWelcome, users.CountTotal}}, {2, []*bus.Definition{users.CountActive}}} {
		if err := s.handled(ctx, event.EventID(stream, want.version), want.by); err != nil {
			return err
		}
	}
	return nil
}

// ready waits until the API answers at all.
func (s *smoke) ready(ctx context.Context) error {
	for {
		err := s.call(ctx, "GET", "/stats", nil, http.StatusOK, nil)
		if err == nil {
			return nil
		}
		if waitErr := s.wait(ctx); waitErr != nil {
			return fmt.Errorf("the API does not answer: %w", err)
		}
	}
}

func (s *smoke) call(ctx context.Context, method, path string, in any, wanted int, out any) error {
	var body io.Reader
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			return fmt.Errorf("%s %s: %w", method, path, err)
		}
		body = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, method, s.api+path, body)
	if err != nil {
		return fmt.Errorf("%s %s: %w", method, path, err)
	}
	if in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := s.http.Do(req)
	if err != nil {
		return err // it names method and URL
	}
	defer resp.Body.Close() // nothing is left in it
	answer, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return fmt.Errorf("%s %s: read the answer: %w", method, path, err)
	}
	if resp.StatusCode != wanted {
		return fmt.Errorf("%s %s: status %d, wanted %d: %s", method, path, resp.StatusCode, wanted, strings.TrimSpace(string(answer)))
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(answer, out); err != nil {
		return fmt.Errorf("%s %s: decode the answer: %w", method, path, err)
	}
	return nil
}

// handled waits until subscriptions have handled an event.
func (s *smoke) handled(ctx context.Context, id string, by []*bus.Definition) error {
	for {
		deliveries, err := s.ops.Deliveries(ctx, id)
		if err != nil {
			return fmt.Errorf("read the deliveries of %s: %w", id, err)
		}
		var open []string
		for _, sub := range by {
			i := slices.IndexFunc(deliveries, func(d ops.Delivery) bool { return d.Subscription == sub.Name })
			switch {
			case i < 0:
				open = append(open, sub.Name+" has not met it")
			case deliveries[i].State == ops.Dead:
				return fmt.Errorf("%s gave up on %s after %d attempts: %s", sub.Name, id, deliveries[i].Attempts, deliveries[i].ErrorMessage)
			case deliveries[i].State != ops.Succeeded:
				open = append(open, fmt.Sprintf("at %s it is %s after %d attempts %s", sub.Name, deliveries[i].State, deliveries[i].Attempts, deliveries[i].ErrorMessage))
			}
		}
		if len(open) == 0 {
			for _, sub := range by {
				fmt.Fprintf(s.out, "%s has handled %s\n", sub.Name, id)
			}
			return nil
		}
		if err := s.wait(ctx); err != nil {
			return fmt.Errorf("event %s was not handled in time: %s", id, strings.TrimSpace(strings.Join(open, "; ")))
		}
	}
}
