package ops_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/eventlog"
	"github.com/vinci-go/vinci/ops"
	"github.com/vinci-go/vinci/orm"
	"github.com/vinci-go/vinci/orm/ormtest"
	"github.com/vinci-go/vinci/settings"
)

var maxItems = settings.Define("max_items", "How many there may be.", 100)

// newSettingOps is an Ops on a store, by a clock that stands.
func newSettingOps(t *testing.T, store orm.Store) *ops.Ops {
	t.Helper()
	now := func() time.Time { return time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC) }
	o, err := ops.New(ops.Options{Application: "shop", Deployment: "test", Store: store, Log: eventlog.New(store, eventlog.Options{Source: "shop", Now: now}), Now: now})
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func as(t *testing.T, who string) context.Context {
	return event.WithFlow(t.Context(), event.Flow{Actor: who})
}

func TestSettings(t *testing.T) {
	for name, newStore := range map[string]func(*testing.T) orm.Store{
		"memory": func(*testing.T) orm.Store { return ormtest.New() },
		"engine": func(t *testing.T) orm.Store {
			return ormtest.StartEngine(t).Store(t, eventlog.State, eventlog.Events)
		},
	} {
		t.Run(name, func(t *testing.T) {
			store := newStore(t)
			o := newSettingOps(t, store)
			values := settings.NewReader(store, settings.Options{MaxAge: time.Nanosecond})
			alice, bob := as(t, "alice"), as(t, "bob")

			first, err := o.SetSetting(alice, "max_items", json.RawMessage(" 7 "), 0, "too many")
			if err != nil || first.Version != 1 || string(first.Value) != "7" || first.By != "alice" || first.Reason != "too many" || first.At.IsZero() {
				t.Fatalf("set: %+v, %v", first, err)
			}
			if n, err := maxItems.Get(t.Context(), values); err != nil || n != 7 {
				t.Errorf("a function reads %d, %v", n, err)
			}
			// Bob has looked at it before alice.
			if _, err := o.SetSetting(bob, "max_items", json.RawMessage("8"), 0, ""); !errors.Is(err, ops.KindRefused) || !strings.Contains(err.Error(), "alice has changed it") {
				t.Errorf("bob overwrites alice: %v", err)
			}
			if second, err := o.SetSetting(bob, "max_items", json.RawMessage("8"), 1, ""); err != nil || second.Version != 2 {
				t.Errorf("bob has looked again: %+v, %v", second, err)
			}
			if third, err := o.UnsetSetting(alice, "max_items", 2, "as before"); err != nil || third.Version != 3 || third.Value != nil {
				t.Errorf("unset: %+v, %v", third, err)
			}
			if n, err := maxItems.Get(t.Context(), values); err != nil || n != 100 {
				t.Errorf("a function reads %d, %v, want the default", n, err)
			}
			if _, err := o.UnsetSetting(alice, "max_items", 3, ""); !errors.Is(err, ops.KindRefused) {
				t.Errorf("unset again: %v", err)
			}
			stored, err := o.Settings(t.Context(), "never", "max_items")
			if err != nil || len(stored) != 2 || stored[0].Version != 0 || stored[1].Version != 3 || stored[1].By != "alice" {
				t.Errorf("stored are %+v, %v", stored, err)
			}

			history, err := o.SettingHistory(t.Context(), "max_items")
			if err != nil {
				t.Fatal(err)
			}
			var lines []string
			for _, e := range history {
				lines = append(lines, fmt.Sprintf("%s %d %q to %q %s", e.Actor, e.Data.Version, e.Data.Before, e.Data.After, e.Data.Reason))
			}
			const want = `alice 1 "" to "7" too many; bob 2 "7" to "8" ; alice 3 "8" to "" as before`
			if got := strings.Join(lines, "; "); got != want {
				t.Errorf("history is %s\nwant %s", got, want)
			}
		})
	}
}

func TestSettingRefused(t *testing.T) {
	store := ormtest.New()
	o := newSettingOps(t, store)
	alice := as(t, "alice")
	for name, set := range map[string]func() error{
		"nobody":  func() error { _, err := o.SetSetting(t.Context(), "a", json.RawMessage("1"), 0, ""); return err },
		"no JSON": func() error { _, err := o.SetSetting(alice, "a", json.RawMessage("{"), 0, ""); return err },
		"nothing": func() error { _, err := o.SetSetting(alice, "a", nil, 0, ""); return err },
		"no name": func() error { _, err := o.SetSetting(alice, "A b", json.RawMessage("1"), 0, ""); return err },
		"a long name": func() error {
			_, err := o.SetSetting(alice, strings.Repeat("a", 90), json.RawMessage("1"), 0, "")
			return err
		},
		"a long value": func() error {
			_, err := o.SetSetting(alice, "a", json.RawMessage(`"`+strings.Repeat("x", settings.MaxSize)+`"`), 0, "")
			return err
		},
	} {
		if err := set(); !errors.Is(err, ops.KindInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if n := len(store.Items(eventlog.State)) + len(store.Items(eventlog.Events)); n != 0 {
		t.Errorf("%d items were written", n)
	}
}

// A spoilt item is mended by setting it anew, with the version that it has.
func TestSpoiltSettingIsMended(t *testing.T) {
	store := ormtest.New()
	o := newSettingOps(t, store)
	if err := orm.Exec(t.Context(), store, eventlog.State.Put(eventlog.StateItem{Key: eventlog.SettingKey("max_items"), Data: "{", Position: 4})); err != nil {
		t.Fatal(err)
	}
	if s, err := o.SetSetting(as(t, "alice"), "max_items", json.RawMessage("7"), 4, ""); err != nil || s.Version != 5 {
		t.Errorf("%+v, %v", s, err)
	}
}

// Of many who have read the same version one changes it, and the log has that one.
func TestSettingRace(t *testing.T) {
	store := ormtest.New()
	o := newSettingOps(t, store)
	var mu sync.Mutex
	var won []string
	var wg sync.WaitGroup
	for i := range 10 {
		wg.Go(func() {
			who := fmt.Sprint("person", i)
			switch _, err := o.SetSetting(as(t, who), "max_items", json.RawMessage(fmt.Sprint(i)), 0, ""); {
			case err == nil:
				mu.Lock()
				won = append(won, who)
				mu.Unlock()
			case !errors.Is(err, ops.KindRefused):
				t.Errorf("%s: %v", who, err)
			}
		})
	}
	wg.Wait()
	history, err := o.SettingHistory(t.Context(), "max_items")
	if err != nil || len(won) != 1 || len(history) != 1 || history[0].Actor != won[0] {
		t.Errorf("%v have changed it, and the history is %+v, %v", won, history, err)
	}
}

// An answer that is lost is no second change.
func TestSettingLostAnswer(t *testing.T) {
	store := ormtest.New()
	o := newSettingOps(t, store)
	lost := false
	store.After(func(c ormtest.Call) error {
		if len(c.Actions) > 1 && !lost {
			lost = true
			return &orm.Error{Kind: orm.KindUnavailable, Op: c.Op, Table: "state", Err: errors.New("the answer is lost")}
		}
		return nil
	})
	s, err := o.SetSetting(as(t, "alice"), "max_items", json.RawMessage("7"), 0, "")
	if err != nil || s.Version != 1 || !lost {
		t.Fatalf("%+v, %v, lost %v", s, err, lost)
	}
	if history, err := o.SettingHistory(t.Context(), "max_items"); err != nil || len(history) != 1 {
		t.Errorf("history is %+v, %v", history, err)
	}
}
