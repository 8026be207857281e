package eventlogtest

import (
	"errors"

	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/eventlog"
	"github.com/vinci-go/vinci/orm"
)

// books is what an account's stream comes to.
type books struct {
	Sum    int `json:"sum"`
	Events int `json:"events"`
}

var ledger = eventlog.NewFold(func() books { return books{} },
	eventlog.Apply(paidIn, func(b books, e event.Event[amount]) books { return books{b.Sum + e.Data.N, b.Events + 1} }),
	eventlog.Apply(paidOut, func(b books, e event.Event[amount]) books { return books{b.Sum - e.Data.N, b.Events + 1} }),
)

var ledgerSnapshots = eventlog.Snapshots[books]{Name: "ledger", Version: 1, Every: 3}

// wantBooks loads a stream, with snapshots and without.
func (s *suite) wantBooks(want books) {
	s.Helper()
	for name, opts := range map[string][]eventlog.LoadOption[books]{"without snapshots": nil, "with snapshots": {ledgerSnapshots}} {
		got, version, err := eventlog.Load(s.ctx, s.log, "account/1", ledger, opts...)
		if err != nil || got != want || version != int64(want.Events) {
			s.Errorf("%s: got %+v at %d, %v; want %+v", name, got, version, err, want)
		}
	}
}

var loadChecks = []check{
	{"decide and commit", func(s *suite) {
		s.wantBooks(books{})
		for i := range 4 {
			_, version, err := eventlog.Load(s.ctx, s.log, "account/1", ledger)
			if err != nil {
				s.Fatal(err)
			}
			s.commit(changes(in("account/1", event.Expect(version), i), paidOut.At("account/1", event.Append).Record(amount{N: 1})))
		}
		s.wantBooks(books{2, 8})
	}},
	{"a snapshot changes nothing but the price", func(s *suite) {
		key := eventlog.SnapshotKey("ledger", "account/1")
		for i := range 10 {
			s.commit(changes(in("account/1", event.Append, 1)))
			s.wantBooks(books{i + 1, i + 1})
		}
		item, err := eventlog.State.Get(s.ctx, s.store, key)
		if err != nil || item.Position != 9 {
			s.Fatalf("got %+v, %v; want a snapshot at 9", item, err)
		}
		// Damaged, it is ignored and replaced.
		item.Data = "{"
		if err := orm.Exec(s.ctx, s.store, eventlog.State.Put(item)); err != nil {
			s.Fatal(err)
		}
		s.wantBooks(books{10, 10})
		if item, err = eventlog.State.Get(s.ctx, s.store, key); err != nil || item.Position != 10 {
			s.Errorf("got %+v, %v; want a snapshot at 10", item, err)
		}
		if err := ledgerSnapshots.Forget(s.ctx, s.log, "account/1"); err != nil {
			s.Fatal(err)
		}
		if _, err = eventlog.State.Get(s.ctx, s.store, key); !errors.Is(err, orm.KindNotFound) {
			s.Errorf("got %v, want kind %q", err, orm.KindNotFound)
		}
		s.wantBooks(books{10, 10})
	}},
	{"a type without a case", func(s *suite) {
		s.commit(changes(event.Define[amount]("money.lost").At("account/1", event.New).Record(amount{})))
		if _, _, err := eventlog.Load(s.ctx, s.log, "account/1", ledger); err == nil {
			s.Error("no error")
		}
	}},
}
