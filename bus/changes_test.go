package bus

import (
	"context"
	"strings"
	"testing"

	"github.com/vinci-go/vinci/internal/capturing"
	"github.com/vinci-go/vinci/orm/ormtest"
)

// TestNewChanges: what is wrong with the wiring is told. What it does, package
// capture tests.
func TestNewChanges(t *testing.T) {
	h := capturing.Handler[*Tx]{Place: "a.go:1", Run: func(context.Context, any, *Tx) error { return nil }}
	tx := h
	tx.Tx = true
	sub := &Definition{Name: "follow"}
	for _, c := range []struct {
		o    ConsumerOptions
		h    capturing.Handler[*Tx]
		want string
	}{
		{ConsumerOptions{}, h, "the definition is nil"},
		{ConsumerOptions{Subscription: sub}, h, "Store is nil"},
		{ConsumerOptions{Subscription: sub, Parts: []Part{On(bellRung, ring)}}, h, "a handler for an event among the parts"},
		{ConsumerOptions{Subscription: sub, Store: ormtest.New(), Queue: noQueue{}}, tx, "the handler at a.go:1 is transactional"},
	} {
		if _, err := NewChanges(c.o, c.h); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("want %q, got %v", c.want, err)
		}
	}
	if _, err := NewChanges(ConsumerOptions{Subscription: sub, Store: ormtest.New(), Queue: noQueue{}}, h); err != nil {
		t.Error(err)
	}
}
