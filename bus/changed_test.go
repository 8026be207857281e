package bus_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/bus/bustest"
	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/orm"
	"github.com/vinci-go/vinci/orm/ormtest"
)

// guest has a unique attribute and a version.
type guest struct {
	ID      string `dynamo:"id,hash"`
	Email   string `dynamo:"email" unique:"normalized" validate:"required,email"`
	Visits  int    `dynamo:"visits"`
	Version int64  `dynamo:"version" version:"true"`
}

var (
	guests     = orm.Define[guest, string]("guests")
	guestEmail = orm.Attr(guests, func(g *guest) *string { return &g.Email })
	guestDoor  = bus.Subscription("guest_door", bus.To(doorOpened), bus.Writes(guests))
)

// guestKit is a kit with one guest. Before each of the first n transactions of
// its handler somebody else gives the guest another address.
func guestKit(t *testing.T, n int, fn func(context.Context, event.Event[opened], *bus.Tx) error) *bustest.Kit {
	t.Helper()
	k := bustest.New(t, guestDoor, bus.OnTx(doorOpened, fn))
	if err := orm.Exec(t.Context(), k.Store, guests.Insert(guest{ID: "g", Email: "first@example.com"})); err != nil {
		t.Fatal(err)
	}
	others := 0
	k.Store.Before(func(c ormtest.Call) error {
		if c.Op != "transact" || c.Token == "" || others == n {
			return nil
		}
		others++
		return orm.Exec(context.Background(), k.Store, guests.Update("g", guestEmail.Set(fmt.Sprintf("other%d@example.com", others))))
	})
	return k
}

func wantGuest(t *testing.T, k *bustest.Kit, want guest) {
	t.Helper()
	if g, err := guests.Get(t.Context(), k.Store, "g"); err != nil || g != want {
		t.Errorf("guest %+v, %v; want %+v", g, err, want)
	}
	if n := len(k.Store.Items(guests)); n != 2 {
		t.Errorf("%d items, want the guest and the one address that it has", n)
	}
}

func TestOnTxUniqueChangedMeanwhile(t *testing.T) {
	runs := 0
	k := guestKit(t, 2, func(_ context.Context, _ event.Event[opened], tx *bus.Tx) error {
		runs++
		tx.Write(guests.Update("g", guestEmail.Set("last@example.com")))
		return nil
	})
	e := opening(k, 1)
	if r := k.Deliver(e, e); r[0].Again || r[1].Again {
		t.Errorf("receipts %+v", r)
	}
	if runs != 4 { // the last is the duplicate's
		t.Errorf("%d runs", runs)
	}
	wantDelivery(t, k.Delivery(e.ID), bus.Succeeded, 1, "")
	wantGuest(t, k, guest{ID: "g", Email: "last@example.com", Version: 4})
}

// To be outrun is nobody's failure, and uses no attempt up.
func TestOnTxOutrunEachTime(t *testing.T) {
	k := guestKit(t, 5, func(_ context.Context, _ event.Event[opened], tx *bus.Tx) error {
		tx.Write(guests.Update("g", guestEmail.Set("last@example.com")))
		return nil
	})
	e := opening(k, 1)
	if r := k.Deliver(e)[0]; !r.Again {
		t.Errorf("receipt %+v", r)
	}
	wantDelivery(t, k.Delivery(e.ID), bus.Failed, 0, "contention")
	wantDelivery(t, k.Settle(e), bus.Succeeded, 1, "")
	wantGuest(t, k, guest{ID: "g", Email: "last@example.com", Version: 7})
}

// A handler that read an older version runs again, and reads the newer one.
func TestOnTxVersionConflict(t *testing.T) {
	var read []int64
	k := guestKit(t, 2, func(ctx context.Context, _ event.Event[opened], tx *bus.Tx) error {
		g, err := guests.Get(ctx, tx, "g")
		if err != nil {
			return err
		}
		read = append(read, g.Version)
		g.Visits++
		tx.Write(guests.Put(g))
		return nil
	})
	e := opening(k, 1)
	if r := k.Deliver(e)[0]; r.Again {
		t.Errorf("receipt %+v", r)
	}
	if fmt.Sprint(read) != "[1 2 3]" {
		t.Errorf("versions read: %v", read)
	}
	wantDelivery(t, k.Delivery(e.ID), bus.Succeeded, 1, "")
	wantGuest(t, k, guest{ID: "g", Email: "other2@example.com", Visits: 1, Version: 4})
}

func TestOnTxVersionConflictForGood(t *testing.T) {
	runs := 0
	k := guestKit(t, 0, func(_ context.Context, _ event.Event[opened], tx *bus.Tx) error {
		runs++
		tx.Write(guests.Delete("g").AtVersion(7))
		return nil
	})
	e := opening(k, 1)
	if r := k.Deliver(e)[0]; !r.Again || runs != 5 {
		t.Errorf("receipt %+v after %d runs", r, runs)
	}
	wantDelivery(t, k.Delivery(e.ID), bus.Failed, 1, "version conflict")
}

func TestOnTxInvalidWrite(t *testing.T) {
	runs := 0
	k := guestKit(t, 0, func(_ context.Context, _ event.Event[opened], tx *bus.Tx) error {
		runs++
		tx.Write(guests.Update("h", guestEmail.Set("h@example.com")))
		tx.Write(guests.Update("g", guestEmail.Set("nobody")))
		return nil
	})
	e := opening(k, 1)
	if r := k.Deliver(e)[0]; !r.Again || runs != 1 {
		t.Errorf("receipt %+v after %d runs, want one", r, runs)
	}
	d := k.Delivery(e.ID)
	wantDelivery(t, d, bus.Failed, 1, "validation")
	for _, want := range []string{"tx.Write", "write 2: ", "(attribute email)", `must satisfy "email"`} {
		if !strings.Contains(d.ErrorMessage, want) {
			t.Errorf("message %q does not say %q", d.ErrorMessage, want)
		}
	}
	if _, err := guests.Get(t.Context(), k.Store, "h"); !errors.Is(err, orm.KindNotFound) {
		t.Errorf("the other write happened: %v", err)
	}
}
