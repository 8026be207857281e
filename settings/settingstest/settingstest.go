package settingstest

import (
	"testing"

	"github.com/vinci-go/vinci/orm"
	"github.com/vinci-go/vinci/settings"
)

// Set gives a setting a value in a store, as package ops does, but for the record in
// the log. A reader that has read it before sees it when what it knows is too old: let
// the store's clock pass, or make the reader afterwards. The test fails when the
// setting does not take the value.
func Set[T any](t testing.TB, store orm.Store, of *settings.Setting[T], value T) {
	t.Helper()
	if err := of.Err(); err != nil {
		t.Fatal(err)
	}
	raw, err := of.Encode(value)
	if err != nil {
		t.Fatalf("setting %s does not take %v: %v", of.Name(), value, err)
	}
	stored, err := settings.Read(t.Context(), store, of.Name())
	if err != nil {
		t.Fatal(err)
	}
	stored.Value, stored.By, stored.At = raw, t.Name(), store.Now()
	write, err := settings.Change(of.Name(), stored)
	if err != nil {
		t.Fatal(err)
	}
	if err := orm.Exec(t.Context(), store, write); err != nil {
		t.Fatal(err)
	}
}
