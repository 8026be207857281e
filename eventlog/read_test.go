package eventlog_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/eventlog"
	"github.com/vinci-go/vinci/orm"
	"github.com/vinci-go/vinci/orm/ormtest"
)

func TestStream(t *testing.T) {
	f := newFixture()
	f.seed(t, "order/1", 5)
	f.seed(t, "order/10", 2)
	for _, tt := range []struct {
		stream string
		from   int64
		want   string
	}{
		{"order/1", 1, "1 2 3 4 5"},
		{"order/1", 0, "1 2 3 4 5"},
		{"order/1", -7, "1 2 3 4 5"},
		{"order/1", 4, "4 5"},
		{"order/1", 6, ""},
		{"order/2", 1, ""},
	} {
		t.Run(fmt.Sprintf("%s from %d", tt.stream, tt.from), func(t *testing.T) {
			var got []string
			for e, err := range f.Stream(context.Background(), tt.stream, tt.from) {
				if err != nil {
					t.Fatal(err)
				}
				stream, version, err := event.ParseID(e.ID)
				if err != nil || stream != tt.stream || e.Subject != tt.stream || e.Source != "shop" {
					t.Errorf("got %+v, %v", e, err)
				}
				got = append(got, fmt.Sprint(version))
			}
			if g := strings.Join(got, " "); g != tt.want {
				t.Errorf("got %q, want %q", g, tt.want)
			}
		})
	}
	for e, err := range f.Stream(context.Background(), "order/1", 1) {
		if err != nil || e.ID != "order/1@1" {
			t.Errorf("got %s, %v", e.ID, err)
		}
		break // stopping early is allowed
	}
}

// A stream longer than a page, and a typed read of it.
func TestStreamPages(t *testing.T) {
	type doc struct{ Text string }
	def := event.Define[doc]("doc.written")
	f := newFixture()
	text := strings.Repeat("x", 300_000)
	for range 8 {
		if _, err := f.Commit(context.Background(), eventlog.Changes{Events: []event.Record{def.At("doc/1", event.Append).Record(doc{text})}}); err != nil {
			t.Fatal(err)
		}
	}
	queries, n := 0, 0
	f.store.Before(func(c ormtest.Call) error {
		if c.Op == "query" {
			queries++
			if c.Query.Eventual {
				t.Error("a stream is read eventually consistent")
			}
		}
		return nil
	})
	for e, err := range f.Stream(context.Background(), "doc/1", 1) {
		if err != nil {
			t.Fatal(err)
		}
		got, err := def.Decode(e)
		if err != nil || got.Data.Text != text {
			t.Fatalf("event %s: %v", e.ID, err)
		}
		n++
	}
	if n != 8 || queries < 2 {
		t.Errorf("%d events in %d pages, want 8 in several", n, queries)
	}
}

func TestStreamErrors(t *testing.T) {
	f := newFixture()
	f.seed(t, "order/1", 3)
	last := func(stream string) (n int, err error) {
		for _, err = range f.Stream(context.Background(), stream, 1) {
			if err == nil {
				n++
			}
		}
		return n, err
	}
	if _, err := last("order"); !errors.Is(err, event.KindInvalid) {
		t.Errorf("got %v, want kind %q", err, event.KindInvalid)
	}
	f.store.Before(func(ormtest.Call) error { return errThrottled })
	if _, err := last("order/1"); !errors.Is(err, orm.KindThrottled) {
		t.Errorf("got %v, want kind %q", err, orm.KindThrottled)
	}
	f.store.Before(nil)

	// Somebody with more rights than a function took an event out.
	if err := orm.Exec(context.Background(), f.store, eventlog.Events.Delete(orm.Key("order/1", int64(2)))); err != nil {
		t.Fatal(err)
	}
	n, err := last("order/1")
	var damaged *eventlog.DamagedError
	if n != 1 || !errors.As(err, &damaged) || damaged.Version != 2 {
		t.Errorf("got %d events and %v, want one and the missing version", n, err)
	}
}

func TestDamagedItems(t *testing.T) {
	f := newFixture()
	f.seed(t, "order/1", 1)
	for name, change := range map[string]func(orm.Item){
		"no key":       func(i orm.Item) { delete(i, "stream") },
		"no version":   func(i orm.Item) { delete(i, "version") },
		"bad stream":   func(i orm.Item) { i["stream"] = &types.AttributeValueMemberS{Value: "unique#x"} },
		"bad time":     func(i orm.Item) { i["time"] = &types.AttributeValueMemberS{Value: "today"} },
		"no time":      func(i orm.Item) { delete(i, "time") },
		"another type": func(i orm.Item) { i["data"] = &types.AttributeValueMemberBOOL{Value: true} },
	} {
		t.Run(name, func(t *testing.T) {
			item, err := eventlog.Events.Encode(f.item(t, "order/1", 1))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := fromItem(item); err != nil {
				t.Fatal(err)
			}
			change(item)
			if _, err := fromItem(item); !errors.Is(err, eventlog.KindDamaged) {
				t.Errorf("got %v, want kind %q", err, eventlog.KindDamaged)
			}
		})
	}
}
