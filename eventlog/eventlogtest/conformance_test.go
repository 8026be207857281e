package eventlogtest_test

import (
	"context"
	"testing"
	"time"

	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/eventlog"
	"github.com/vinci-go/vinci/eventlog/eventlogtest"
	"github.com/vinci-go/vinci/orm"
	"github.com/vinci-go/vinci/orm/ormtest"
)

func TestConformanceMemory(t *testing.T) {
	eventlogtest.Conformance(t, func(*testing.T, ...orm.Definition) orm.Store { return ormtest.New() })
}

func TestConformanceEngine(t *testing.T) {
	e := ormtest.StartEngine(t)
	eventlogtest.Conformance(t, func(t *testing.T, tables ...orm.Definition) orm.Store { return e.Store(t, tables...) })
}

func TestNew(t *testing.T) {
	type signed struct {
		N int `json:"n"`
	}
	def := event.Define[signed]("letter.signed")
	log := eventlogtest.New("shop")
	ctx := context.Background()
	for i := range 2 {
		c, err := log.Commit(ctx, eventlog.Changes{Events: []event.Record{def.At("letter/1", event.Append).Record(signed{i})}})
		if err != nil {
			t.Fatal(err)
		}
		want := time.Date(2026, 1, 1, i, 0, 0, 0, time.UTC)
		if e := c.Events[0]; c.ID != []string{"commit-1", "commit-2"}[i] || !e.Time.Equal(want) || e.Source != "shop" || e.ID != event.EventID("letter/1", int64(i+1)) {
			t.Errorf("got %+v", c)
		}
		log.Advance(time.Hour)
	}
	if n := len(log.Store.Items(eventlog.Events)); n != 2 {
		t.Errorf("the store has %d events", n)
	}
}
