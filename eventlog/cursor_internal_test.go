package eventlog

import (
	"errors"
	"testing"
	"time"

	"github.com/vinci-go/vinci/orm/ormtest"
)

// Whoever makes up a cursor, digest and all, gets an error or a place inside of
// the history, and never more.
func FuzzCursor(f *testing.F) {
	from := time.Date(2026, 11, 21, 5, 0, 0, 0, time.UTC)
	l := New(ormtest.New(), Options{Source: "shop", Now: func() time.Time { return from.Add(time.Hour) }})
	h := l.History(HistoryQuery{Types: []string{"order.placed"}, From: from, To: from.Add(72 * time.Hour)})
	f.Add([]byte("2026-11-21T05:00:00.000000000Z\x01order/1"))
	f.Add([]byte("2026-11-24T04:59:59.999999999Z\xff\xff\xff\xff\xff\xff\xff\xff\x7forder/1"))
	f.Add([]byte("2026-11-24T05:00:00.000000000Z\x01order/1"))
	f.Add([]byte("2026-11-21T05:00:00.000000000Z\x00order/1"))
	f.Add([]byte("2026-11-21T14:00:00.0000+09:00\x01order/1"))
	f.Add([]byte("2026-11-21T05:00:00.000000000Z\x01"))
	f.Add([]byte("short"))
	f.Fuzz(func(t *testing.T, at []byte) {
		c := Cursor(cursorText.EncodeToString(append(append([]byte{cursorVersion}, h.digest(at)...), at...)))
		m, err := h.open(c)
		if err != nil {
			if !errors.Is(err, KindQuery) {
				t.Fatalf("%q: %v is not of kind %q", at, err, KindQuery)
			}
			return
		}
		if m.time < h.from || m.time > h.to || m.version < 1 {
			t.Fatalf("%q opens as %+v, outside of the history", at, m)
		}
		again, err := h.open(h.cursor(*m))
		if err != nil || *again != *m {
			t.Fatalf("%q: got %+v, %v; want %+v", at, again, err, m)
		}
		for _, err := range h.StartAt(c).All(t.Context()) { // nothing is there
			t.Fatalf("%q: %v", at, err)
		}
	})
}
