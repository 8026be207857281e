package orm_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"sync"
	"testing"

	"github.com/vinci-go/vinci/orm"
	"github.com/vinci-go/vinci/orm/ormtest"
)

type tally struct {
	Key   string  `dynamo:"key,hash"`
	Views int64   `dynamo:"views"`
	Small int8    `dynamo:"small"`
	Heat  float64 `dynamo:"heat"`
	In    struct {
		N int `dynamo:"n"`
	} `dynamo:"in"`
}

var (
	tallies    = orm.Define[tally, string]("tallies")
	tallyViews = orm.Number(tallies, func(t *tally) *int64 { return &t.Views })
	tallySmall = orm.Number(tallies, func(t *tally) *int8 { return &t.Small })
	tallyHeat  = orm.Number(tallies, func(t *tally) *float64 { return &t.Heat })
	views      = orm.Sharded(tallies, tallyViews, 16)
)

func TestShardedCounter(t *testing.T) {
	s := ormtest.New()
	const workers, each = 8, 50
	var all sync.WaitGroup
	for w := range workers {
		all.Go(func() {
			for i := range each {
				if err := orm.Exec(context.Background(), s, views.Add("home", 2, fmt.Sprintf("order/%d@%d", w, i))); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	if err := orm.Exec(t.Context(), s, views.Add("home#1", 5, "x"), views.Add("other", -3, "x")); err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]int64{"home": 2 * workers * each, "home#1": 5, "other": -3, "nothing": 0} {
		if got, err := views.Sum(t.Context(), s, key); err != nil || got != want {
			t.Errorf("%s is %d, %v; want %d", key, got, err, want)
		}
	}
	// More shards read what fewer wrote.
	if got, err := orm.Sharded(tallies, tallyViews, 100).Sum(t.Context(), s, "home"); err != nil || got != 2*workers*each {
		t.Errorf("with more shards it is %d, %v", got, err)
	}
}

// The same text is the same shard, and texts that are alike are not.
func TestShardOfText(t *testing.T) {
	const shards, ids = 16, 16_000
	c := orm.Sharded(tallies, tallyViews, shards)
	count := map[string]int{}
	for i := range ids {
		key := func() string {
			a, err := c.Add("k", 1, fmt.Sprintf("order/%d@1", i)).Actions(t.Context(), nil)
			if err != nil {
				t.Fatal(err)
			}
			return a[0].Table.KeyText(a[0].Key)
		}
		first := key()
		if again := key(); again != first {
			t.Fatalf("first %s, then %s", first, again)
		}
		count[first]++
	}
	for key, n := range count {
		if n < ids/shards*8/10 || n > ids/shards*12/10 {
			t.Errorf("shard %s has %d of %d", key, n, ids)
		}
	}
	if len(count) != shards {
		t.Errorf("%d shards are used", len(count))
	}
}

func TestShardedSumOverflows(t *testing.T) {
	s := ormtest.New()
	small, heat := orm.Sharded(tallies, tallySmall, 2), orm.Sharded(tallies, tallyHeat, 2)
	for i := range 2 {
		err := orm.Exec(t.Context(), s, tallies.Put(tally{Key: fmt.Sprintf("full#%d", i), Small: 100, Heat: 9e125}), tallies.Put(tally{Key: fmt.Sprintf("low#%d", i), Small: -100}))
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, key := range []string{"full", "low"} {
		if n, err := small.Sum(t.Context(), s, key); !errors.Is(err, orm.KindValidation) || !strings.Contains(err.Error(), "more than int8 holds") {
			t.Errorf("%s: sum %d, %v", key, n, err)
		}
	}
	// Each for itself, 100 and 100 are too much; with -100 they are not.
	c := orm.Sharded(tallies, tallySmall, 3)
	for i, n := range []int8{100, 100, -100} {
		if err := orm.Exec(t.Context(), s, tallies.Put(tally{Key: fmt.Sprintf("mixed#%d", i), Small: n})); err != nil {
			t.Fatal(err)
		}
	}
	if n, err := c.Sum(t.Context(), s, "mixed"); err != nil || n != 100 {
		t.Errorf("sum %d, %v; want 100", n, err)
	}
	if h, err := heat.Sum(t.Context(), s, "full"); err != nil || h != 1.8e126 || math.IsInf(h, 0) {
		t.Errorf("sum %g, %v", h, err)
	}
}

func TestShardedMistakes(t *testing.T) {
	other := orm.Define[tally, string]("others")
	inner := orm.Number(tallies, func(t *tally) *int { return &t.In.N })
	for name, c := range map[string]struct {
		make func()
		says string
	}{
		"none":    {func() { orm.Sharded(tallies, tallyViews, 0) }, "0 shards"},
		"many":    {func() { orm.Sharded(tallies, tallyViews, 101) }, "allowed are 1 to 100"},
		"another": {func() { orm.Sharded(other, tallyViews, 4) }, `no attribute of table "others"`},
		"nested":  {func() { orm.Sharded(tallies, inner, 4) }, "in.n is inside an attribute"},
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if r := fmt.Sprint(recover()); !strings.Contains(r, c.says) {
					t.Errorf("panics with %s, want %q", r, c.says)
				}
			}()
			c.make()
		})
	}
	for _, c := range []orm.ShardedCounter[tally, int64]{{}, views} {
		key, kind := "", orm.KindValidation
		if _, err := (c.Add("k", 1, "s")).Actions(t.Context(), nil); err != nil {
			key, kind = "k", orm.KindDefinition
		}
		if _, err := c.Add(key, 1, "s").Actions(t.Context(), nil); !errors.Is(err, kind) {
			t.Errorf("add: %v, want %q", err, kind)
		}
		if _, err := c.Sum(t.Context(), ormtest.New(), key); !errors.Is(err, kind) {
			t.Errorf("sum: %v, want %q", err, kind)
		}
	}
	wrong := orm.Define[struct{ N int }, string]("wrong")
	broken := orm.Sharded(wrong, orm.Number(wrong, func(w *struct{ N int }) *int { return &w.N }), 4)
	if _, err := broken.Sum(t.Context(), ormtest.New(), "k"); !errors.Is(err, orm.KindDefinition) {
		t.Errorf("of a wrong table: %v", err)
	}
}
