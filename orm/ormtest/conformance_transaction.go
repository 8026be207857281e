package ormtest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/vinci-go/vinci/orm"
)

func testTransaction(t *testing.T, s *suite) {
	ctx := context.Background()
	st := s.newStore(t, s.things, s.entries)
	do(t, st, s.things.Put(thing{ID: "old", Status: "new", Count: 1}), s.things.Put(thing{ID: "gone"}))
	do(t, st,
		s.things.Insert(thing{ID: "a"}),
		s.things.Update("old", s.count.Add(4)).If(s.status.Eq("new")),
		s.things.Delete("gone"),
		s.entries.Insert(entry{Stream: "s", Version: 1}),
		s.things.Check("other", s.status.NotExists()),
	)
	got, err := s.things.Get(ctx, st, "old")
	must(t, err)
	if got.Count != 5 {
		t.Errorf("count is %d, want 5", got.Count)
	}
	_, err = s.things.Get(ctx, st, "gone")
	wantKind(t, err, orm.KindNotFound)

	err = orm.Exec(ctx, st,
		s.things.Insert(thing{ID: "b"}),
		s.things.Insert(thing{ID: "a", Name: "again"}),
		s.things.Update("old", s.count.Add(1)).If(s.status.Eq("closed")),
		s.entries.Put(entry{Stream: "s", Version: 2}),
		s.things.Check("nobody", s.status.Exists()),
	)
	var te *orm.TransactionError
	if !errors.As(err, &te) {
		t.Fatalf("error is %T %v, want a *orm.TransactionError", err, err)
	}
	if len(te.Reasons) != 5 {
		t.Fatalf("%d reasons, want one for each of 5 actions", len(te.Reasons))
	}
	for i, want := range []orm.Kind{"", orm.KindAlreadyExists, orm.KindConditionFailed, "", orm.KindConditionFailed} {
		r := te.Reasons[i]
		switch {
		case want == "" && r != nil:
			t.Errorf("action %d has reason %v, want none", i, r)
		case want != "" && (r == nil || r.Kind != want):
			t.Errorf("action %d has reason %v, want %q", i, r, want)
		}
	}
	if r := te.Reasons[2]; r == nil || text(r.Item["count"]) != text(num("5")) || r.Key != `"old"` || r.Op != "update" {
		t.Errorf("reason %+v does not hold the item as it was", r)
	}
	if r := te.Reasons[4]; r == nil || r.Item != nil {
		t.Errorf("reason %+v holds an item, and there is none", r)
	}
	// Nothing of it has happened.
	_, err = s.things.Get(ctx, st, "b")
	wantKind(t, err, orm.KindNotFound)
	_, err = s.entries.Get(ctx, st, orm.Key("s", int64(2)))
	wantKind(t, err, orm.KindNotFound)
}

func testTransactionRefused(t *testing.T, s *suite) {
	ctx := context.Background()
	st := s.newStore(t, s.things)
	e := wantKind(t, orm.Exec(ctx, st, s.things.Put(thing{ID: "a"}), s.things.Update("a", s.count.Add(1))), orm.KindValidation)
	if e.Key != `"a"` {
		t.Errorf("error %v does not name the item that has two actions", e)
	}
	var writes []orm.Write
	for i := range orm.MaxTransactionActions + 1 {
		writes = append(writes, s.things.Put(thing{ID: fmt.Sprint(i)}))
	}
	wantKind(t, orm.Exec(ctx, st, writes...), orm.KindTooLarge)
	do(t, st, writes[1:]...)

	wantKind(t, st.Transact(ctx, "", nil), orm.KindTooLarge)

	writes = nil
	for i := range 11 {
		writes = append(writes, s.things.Put(thing{ID: fmt.Sprint("large", i), Data: []byte(strings.Repeat("x", 390<<10))}))
	}
	wantKind(t, orm.Exec(ctx, st, writes...), orm.KindTooLarge)
	_, err := s.things.Get(ctx, st, "large0")
	wantKind(t, err, orm.KindNotFound)
}

func testToken(t *testing.T, s *suite) {
	ctx := context.Background()
	st := s.newStore(t, s.things)
	add := func(n int64) []orm.Action {
		actions, err := orm.Actions(ctx, st, s.things.Update("a", s.count.Add(n)), s.things.Put(thing{ID: "b"}))
		must(t, err)
		return actions
	}
	must(t, st.Transact(ctx, "token-1", add(1)))
	must(t, st.Transact(ctx, "token-1", add(1)))
	must(t, st.Transact(ctx, "token-2", add(1)))
	got, err := s.things.Get(ctx, st, "a")
	must(t, err)
	if got.Count != 2 {
		t.Errorf("count is %d, want 2: the repeated token must do nothing", got.Count)
	}
	wantKind(t, st.Transact(ctx, "token-1", add(5)), orm.KindValidation)
	wantKind(t, st.Transact(ctx, strings.Repeat("t", orm.MaxTokenLength+1), add(1)), orm.KindValidation)
}

func testUnique(t *testing.T, s *suite) {
	ctx := context.Background()
	st := s.newStore(t, s.members)
	do(t, st, s.members.Insert(member{ID: "m1", Email: "Alice@example.com", Badge: 7}))
	for _, same := range []string{"alice@example.com", " ALICE@EXAMPLE.COM\t", "ａｌｉｃｅ@example.com"} {
		e := wantKind(t, orm.Exec(ctx, st, s.members.Insert(member{ID: "m2", Email: same})), orm.KindAlreadyExists)
		if e.Attribute != "email" {
			t.Errorf("%q: the error names attribute %q, want email", same, e.Attribute)
		}
	}
	_, err := s.members.Get(ctx, st, "m2")
	wantKind(t, err, orm.KindNotFound)
	e := wantKind(t, orm.Exec(ctx, st, s.members.Insert(member{ID: "m2", Email: "bob@example.com", Badge: 7})), orm.KindAlreadyExists)
	if e.Attribute != "badge" {
		t.Errorf("the error names attribute %q, want badge", e.Attribute)
	}
	do(t, st, s.members.Insert(member{ID: "m2", Email: "bob@example.com"}))
	do(t, st, s.members.Insert(member{ID: "m3"}), s.members.Insert(member{ID: "m4"})) // no value is no claim
	got, err := s.members.Get(ctx, st, "m1")
	must(t, err)
	if got.Email != "Alice@example.com" {
		t.Errorf("email is %q: the item keeps it as it was written", got.Email)
	}
	_, err = s.members.Get(ctx, st, "unique#email#alice@example.com")
	wantKind(t, err, orm.KindValidation)
}

func testUniqueRace(t *testing.T, s *suite) {
	ctx := context.Background()
	st := s.newStore(t, s.members)
	const writers = 20
	errs := make([]error, writers)
	var wg sync.WaitGroup
	for i := range writers {
		wg.Go(func() {
			w := s.members.Insert(member{ID: fmt.Sprint(i), Email: "alice@example.com"})
			for { // a conflict decides nothing
				if errs[i] = orm.Exec(ctx, st, w); errs[i] == nil || !orm.Only(errs[i], orm.KindConflict, orm.KindThrottled) {
					return
				}
			}
		})
	}
	wg.Wait()
	won := 0
	for _, err := range errs {
		if err == nil {
			won++
		} else if !errors.Is(err, orm.KindAlreadyExists) {
			t.Errorf("error is %v, want kind %q", err, orm.KindAlreadyExists)
		}
	}
	if won != 1 {
		t.Errorf("%d writers won the address, want one", won)
	}
}

func testCounterRace(t *testing.T, s *suite) {
	ctx := context.Background()
	st := s.newStore(t, s.things)
	const writers, each = 8, 10
	var wg sync.WaitGroup
	for range writers {
		wg.Go(func() {
			for range each {
				for {
					err := orm.Exec(ctx, st, s.things.Update("a", s.count.Add(1)))
					if err == nil {
						break
					}
					if !orm.Only(err, orm.KindConflict, orm.KindThrottled) {
						t.Error(err)
						return
					}
				}
			}
		})
	}
	wg.Wait()
	got, err := s.things.Get(ctx, st, "a")
	must(t, err)
	if got.Count != writers*each {
		t.Errorf("count is %d, want %d", got.Count, writers*each)
	}
}
