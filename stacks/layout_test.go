package stacks

import (
	"testing"

	"github.com/vinci-go/vinci/bus"
)

func TestLayout(t *testing.T) {
	for place, want := range map[string]string{
		"domain/users/subscriptions.go:12":                    "subscriptions_users",
		"domain/back-office/subscriptions.go:3":               "subscriptions_back_office",
		"example.com/shared/domain/orders/subscriptions.go:3": "subscriptions_orders",
	} {
		if got := Layout().Subscriptions(&bus.Definition{Name: "x", DefinedAt: place}); got != want {
			t.Errorf("a subscription defined at %s is in stack %q, want %q", place, got, want)
		}
	}
}
