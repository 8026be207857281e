package settingstest_test

import (
	"testing"

	"github.com/vinci-go/vinci/orm/ormtest"
	"github.com/vinci-go/vinci/settings"
	"github.com/vinci-go/vinci/settings/settingstest"
)

func TestSet(t *testing.T) {
	limit := settings.Define("limit", "How many there may be.", 10)
	store := ormtest.New()
	for _, want := range []int{3, 4} {
		settingstest.Set(t, store, limit, want)
		if got, err := limit.Get(t.Context(), settings.NewReader(store, settings.Options{})); err != nil || got != want {
			t.Errorf("it is %d, %v, want %d", got, err, want)
		}
	}
	if s, err := settings.Read(t.Context(), store, "limit"); err != nil || s.Version != 2 || s.By != "TestSet" {
		t.Errorf("stored is %+v, %v", s, err)
	}
}
