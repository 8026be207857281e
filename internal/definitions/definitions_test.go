package definitions

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/event/schema"
	"github.com/vinci-go/vinci/orm"
	"github.com/vinci-go/vinci/settings"
)

type order struct {
	ID     string `dynamo:"id,hash"`
	Status string `dynamo:"status" index:"by_status,hash" default:"new" validate:"required,max=10"`
	At     int64  `dynamo:"at"`
}

func TestRoundTrip(t *testing.T) {
	orders := orm.Define[order, string]("orders", orm.Description("Orders <of> customers & others."), orm.TTL("at"), orm.Stream(), orm.KeysOnly("by_status"))
	other := orm.Define[order, string]("carts")
	for _, d := range []orm.Definition{orders, other} {
		if err := d.Err(); err != nil {
			t.Fatal(err)
		}
	}
	events, err := schema.Describe(event.Define[order]("order.placed", event.Description("Somebody <bought>.")), event.Define[order]("cart.filled"))
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "definitions.json")
	sizes := settings.Define("sizes", "x", struct {
		Small, Large int
	}{1, 2})
	if err := Write(file, &File{Application: "shop", Tables: []*orm.Schema{orders.Schema(), other.Schema()}, Events: events, Subscriptions: []*Subscription{
		SubscriptionOf(bus.Subscription("ship", bus.To(event.Match("order.*")), bus.Ordered()), true),
		SubscriptionOf(bus.Subscription("bill", bus.To(event.Match("cart.*")), bus.Rebuildable()), false),
	}, Settings: []*Setting{SettingOf(sizes), SettingOf(settings.Define("greeting", "What is <said>.", "hello"))},
		Parsed: &Parsed{Value: sizes.Default()}}); err != nil {
		t.Fatal(err)
	}
	got, err := Read(file)
	if err != nil {
		t.Fatal(err)
	}
	if got.Application != "shop" || len(got.Tables) != 2 || got.Tables[0].Name != "carts" {
		t.Fatalf("read %+v, want shop with carts, orders", got)
	}
	want := *orders.Schema()
	want.DefinedAt = "" // a place in the sources of this machine
	if !reflect.DeepEqual(got.Table("orders"), &want) {
		t.Errorf("read %+v\nwant %+v", got.Table("orders"), &want)
	}
	placed := got.Event("order.placed")
	if subs := got.Subscriptions; len(subs) != 2 || subs[0].Name != "bill" || !subs[0].Rebuildable || subs[0].Ordered || subs[0].DeadLetterQueue || !subs[1].Ordered || !subs[1].DeadLetterQueue || len(subs[1].Patterns) != 1 || !strings.Contains(string(subs[1].Patterns[0]), `"order."`) {
		t.Errorf("read %+v", subs)
	}
	// The file is indented for people; what is stored is not.
	if all := got.Settings; len(all) != 2 || all[0].Name != "greeting" || all[0].Description != "What is <said>." || all[0].DefinedAt == "" || string(all[1].Default) != `{"Small":1,"Large":2}` || string(got.Parsed.Value) != `{"Small":1,"Large":2}` {
		t.Errorf("read %+v, %+v", all, got.Parsed)
	}
	if len(got.Events) != 2 || got.Events[0].Name != "cart.filled" || placed == nil || placed.Description != "Somebody <bought>." || placed.DefinedAt == "" || got.Event("absent") != nil {
		t.Errorf("read %+v", got.Events)
	}
	if changes, err := schema.Compare(events[0].Schema, placed.Schema); err != nil || len(changes) != 0 {
		t.Errorf("another schema: %v, %v", changes, err)
	}
	if got.Table("absent") != nil {
		t.Error("a table that is not there was found")
	}
	text, _ := os.ReadFile(file)
	if !strings.Contains(string(text), "<of> customers & others") || !strings.HasSuffix(string(text), "}\n") {
		t.Errorf("not written for people:\n%s", text)
	}
}

func TestRefused(t *testing.T) {
	file := filepath.Join(t.TempDir(), "definitions.json")
	if _, err := Read(file); err == nil || !strings.Contains(err.Error(), file) {
		t.Errorf("an absent file: %v", err)
	}
	for text, want := range map[string]string{
		`{`:                                   "unexpected EOF",
		`{"tables":[]}`:                       "names no application",
		`{"application":"a","tables":[null]}`: "table 0 has no name",
		`{"application":"a","tables":[{}]}`:   "table 0 has no name",
		`{"application":"a","tables":[],"events":[{}]}`:        "event 0 has no name",
		`{"application":"a","tables":[],"subscriptions":[{}]}`: "subscription 0 has no name",
		`{"application":"a","tables":[],"settings":[null]}`:    "setting 0 has no name",
		`{"application":"a","tables":[],"newer":1}`:            "must be of the same",
		`{"application":"a","tables":[{"name":"x","y":1}]}`:    "must be of the same",
	} {
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := Read(file); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), file) {
			t.Errorf("%s: %v, want %q and the file's name", text, err, want)
		}
	}
	if err := Write(filepath.Join(file, "below", "a file"), &File{Application: "a"}); err == nil {
		t.Error("a folder that is none: no error")
	}
	if err := Write(file, &File{Application: "a"}); err != nil {
		t.Fatal(err)
	}
	if f, err := Read(file); err != nil || len(f.Tables) != 0 {
		t.Errorf("no tables: %v, %v", f, err)
	}
}
