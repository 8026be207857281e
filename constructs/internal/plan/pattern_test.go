package plan

import (
	"encoding/json"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/event/pattern"
)

// TestPattern: the rule that goes to EventBridge matches exactly the events that
// the subscription's selectors match in Go, of this application and no other,
// whatever the order of the selectors.
func TestPattern(t *testing.T) {
	word := rapid.SampledFrom([]string{"user", "users", "order", "created", "deleted"})
	rapid.Check(t, func(t *rapid.T) {
		selector := rapid.Custom(func(t *rapid.T) event.Selector {
			a, b := word.Draw(t, "first"), word.Draw(t, "second")
			return event.Match(rapid.SampledFrom([]string{a + "." + b, a + ".*", "*." + b}).Draw(t, "selector"))
		})
		selectors := rapid.SliceOfN(selector, 1, 5).Draw(t, "selectors")
		rule, err := json.Marshal(Pattern("shop", selectors))
		if err != nil {
			t.Fatal(err)
		}
		reversed := make([]event.Selector, 0, len(selectors))
		for i := range selectors {
			reversed = append(reversed, selectors[len(selectors)-1-i])
		}
		if again, _ := json.Marshal(Pattern("shop", reversed)); string(again) != string(rule) {
			t.Fatalf("the order of the selectors changes the pattern:\n%s\n%s", rule, again)
		}
		compiled, err := pattern.Compile(rule)
		if err != nil {
			t.Fatalf("pattern %s: %v", rule, err)
		}
		eventType := word.Draw(t, "subject") + "." + word.Draw(t, "verb")
		want := false
		for _, s := range selectors {
			want = want || s.Matches(eventType)
		}
		for source, wanted := range map[string]bool{"shop": want, "shop2": false} {
			e, err := json.Marshal(map[string]any{"source": source, "detail-type": eventType, "detail": map[string]any{}})
			if err != nil {
				t.Fatal(err)
			}
			if got, err := compiled.Match(e); err != nil || got != wanted {
				t.Fatalf("pattern %s on %s: %v, %v; want %v", rule, e, got, err, wanted)
			}
		}
	})
}

type ordered struct {
	Total   int    `json:"total"`
	Country string `json:"country"`
}

var (
	orderPlaced = event.Define[ordered]("order.placed")
	orderPaid   = event.Define[ordered]("order.paid")
	total       = event.Path(orderPlaced, func(o *ordered) *int { return &o.Total })
	country     = event.Path(orderPaid, func(o *ordered) *string { return &o.Country })
)

func TestPatternOfContent(t *testing.T) {
	acme := event.Tenant.Eq("acme")
	tests := []struct {
		name      string
		selectors []event.Selector
		want      string
	}{
		{"by type", []event.Selector{orderPaid, event.Match("user.*"), orderPlaced},
			`{"detail-type":["order.paid","order.placed",{"prefix":"user."}],"source":["shop"]}`},
		{"one", []event.Selector{event.Where(orderPlaced, total.Gt(5))},
			`{"detail":{"data":{"total":[{"numeric":[">",5]}]}},"detail-type":["order.placed"],"source":["shop"]}`},
		{"the same content", []event.Selector{event.Where(orderPlaced, acme), event.Where(event.Match("user.*"), acme)},
			`{"detail":{"tenantid":["acme"]},"detail-type":["order.placed",{"prefix":"user."}],"source":["shop"]}`},
		{"beside a type", []event.Selector{event.Where(orderPlaced, total.Gt(5)), orderPaid, event.Match("user.*")},
			`{"$or":[{"detail":{"data":{"total":[{"numeric":[">",5]}]}},"detail-type":["order.placed"]},{"detail-type":["order.paid",{"prefix":"user."}]}],"source":["shop"]}`},
		{"two of one type", []event.Selector{event.Where(orderPlaced, total.Lt(0)), event.Where(orderPlaced, total.Gt(5), acme)},
			`{"$or":[{"detail":{"data":{"total":[{"numeric":["<",0]}]}},"detail-type":["order.placed"]},{"detail":{"data":{"total":[{"numeric":[">",5]}]},"tenantid":["acme"]},"detail-type":["order.placed"]}],"source":["shop"]}`},
		{"large numbers", []event.Selector{event.Where(orderPlaced, total.Eq(1<<53))},
			`{"detail":{"data":{"total":[9007199254740992]}},"detail-type":["order.placed"],"source":["shop"]}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for range 2 {
				got, err := patternText(Pattern("shop", tt.selectors))
				if err != nil || string(got) != tt.want {
					t.Errorf("pattern %v\n%s\nwant\n%s", err, got, tt.want)
				}
				if _, err := pattern.Compile(got); err != nil {
					t.Error(err)
				}
				slices.Reverse(tt.selectors)
			}
		})
	}
}

// The rule of a subscription matches exactly what one of its selectors' own
// patterns does.
func TestPatternOfContentMatches(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		bound := rapid.IntRange(-2, 2)
		selector := rapid.Custom(func(t *rapid.T) event.Selector {
			n := bound.Draw(t, "bound")
			return rapid.SampledFrom([]event.Selector{
				orderPlaced, orderPaid, event.Match("order.*"),
				event.Where(orderPlaced, total.Gt(n)), event.Where(orderPlaced, total.Le(n), event.Tenant.Eq("acme")),
				event.Where(orderPaid, country.In("de", "fr")), event.Where(event.Match("*.paid"), event.Tenant.NotEq("acme")),
			}).Draw(t, "selector")
		})
		selectors := rapid.SliceOfN(selector, 1, 4).Draw(t, "selectors")
		whole, err := json.Marshal(Pattern("shop", selectors))
		if err != nil {
			t.Fatal(err)
		}
		rule, err := pattern.Compile(whole)
		if err != nil {
			t.Fatalf("pattern %s: %v", whole, err)
		}
		detail := map[string]any{"data": ordered{Total: bound.Draw(t, "total"), Country: rapid.SampledFrom([]string{"de", "us"}).Draw(t, "country")}}
		if tenant := rapid.SampledFrom([]string{"", "acme", "other"}).Draw(t, "tenant"); tenant != "" {
			detail["tenantid"] = tenant
		}
		e, err := json.Marshal(map[string]any{"source": "shop", "detail": detail, "detail-type": rapid.SampledFrom([]string{"order.placed", "order.paid", "order.lost", "bill.paid"}).Draw(t, "type")})
		if err != nil {
			t.Fatal(err)
		}
		want := false
		for _, s := range selectors {
			one, err := pattern.Compile(s.Pattern())
			if err != nil {
				t.Fatal(err)
			}
			ok, err := one.Match(e)
			if err != nil {
				t.Fatal(err)
			}
			want = want || ok
		}
		if got, err := rule.Match(e); err != nil || got != want {
			t.Fatalf("pattern %s on %s: %v, %v; want %v", whole, e, got, err, want)
		}
	})
}
