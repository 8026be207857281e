package bus

import (
	"testing"

	"github.com/vinci-go/vinci/event"
)

// What a goroutine of the handler does after the handler has returned is
// dropped: the transaction may be on its way.
func TestTxEndsWithItsHandler(t *testing.T) {
	sub := Subscription("closing", To(bellRung), Commits(bellRung))
	tx := &Tx{access: grantedBy(sub)}
	tx.Record(bellRung.Record(rung{}))
	if err := tx.close(); err != nil {
		t.Fatal(err)
	}
	tx.Record(bellRung.Record(rung{}), event.Record{Type: "not.granted"})
	tx.Write(nil)
	if len(tx.events) != 1 || len(tx.writes) != 0 {
		t.Errorf("%d events, %d writes", len(tx.events), len(tx.writes))
	}
	if err := tx.close(); err != nil {
		t.Errorf("a problem of later: %v", err)
	}
}
