package bus_test

import (
	"slices"
	"testing"

	"github.com/vinci-go/vinci/orm"
	"github.com/vinci-go/vinci/orm/ormtest"
)

// A transaction that nobody answered may arrive after its event was recorded as
// failed and blocks its stream. Then the event is done, and the stream goes on.
// internal/simulation found that it did not (seed 43, 2,000 commits).
func TestOrderedLateTransaction(t *testing.T) {
	f := newOrdered(t, quiet)
	first := f.open("a", 1)[0] // the last of its stream, for the run that tries it
	var token string
	var actions []orm.Action
	f.Store.Before(func(c ormtest.Call) error {
		if c.Op != "transact" {
			return nil
		}
		token, actions = c.Token, slices.Clone(c.Actions)
		return &orm.Error{Kind: orm.KindUnavailable, Op: c.Op, Table: "all"}
	})
	if f.Deliver(first); actions == nil {
		t.Fatal("nothing was tried")
	}
	f.Store.Before(nil)
	if c := f.Checkpoint("door/a"); c.BlockedBy != first.ID {
		t.Fatalf("the stream waits for %q, want %s", c.BlockedBy, first.ID)
	}
	if err := f.Store.Transact(t.Context(), token, actions); err != nil {
		t.Fatal(err)
	}
	f.wantJournal(t, "door/a", 1)
	if c := f.Checkpoint("door/a"); c.GivenUp() {
		t.Errorf("the stream waits for a person: %+v", c)
	}
	f.Deliver(f.open("a", 1)...)
	f.wantJournal(t, "door/a", 1, 2)
}
