package event_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/vinci-go/vinci/event"
)

type person struct {
	Email string `json:"email" validate:"required,email"`
}

type orderPlaced struct {
	base2
	OrderID string            `json:"order_id" validate:"required"`
	Total   int               `json:"total" validate:"min=1"`
	Lines   []orderLine       `json:"lines" validate:"min=1,dive"`
	Payer   *person           `json:"payer,omitempty"`
	Labels  map[string]string `json:"labels,omitempty" validate:"dive,keys,lowercase,endkeys,max=5"`
	From    int               `json:"from"`
	To      int               `json:"to" validate:"gtefield=From"`
}

type base2 struct {
	Shop string `json:"shop" validate:"oneof=eu us"`
}

type orderLine struct {
	SKU string `json:"sku" validate:"required"`
}

var placed = event.Define[orderPlaced]("order.placed", event.Version(2), event.Since(2))

func order(change func(*orderPlaced)) orderPlaced {
	o := orderPlaced{base2: base2{"eu"}, OrderID: "1", Total: 1, Lines: []orderLine{{"a"}}}
	if change != nil {
		change(&o)
	}
	return o
}

func TestValidation(t *testing.T) {
	if err := placed.Err(); err != nil {
		t.Fatal(err)
	}
	if r := placed.Record(order(nil)); r.Err != nil {
		t.Fatal(r.Err)
	}
	for _, tt := range []struct {
		change func(*orderPlaced)
		member string
		rule   string
	}{
		{func(o *orderPlaced) { o.OrderID = "" }, "order_id", "required"},
		{func(o *orderPlaced) { o.Total = 0 }, "total", "min=1"},
		{func(o *orderPlaced) { o.Shop = "mars" }, "shop", "oneof=eu us"},
		{func(o *orderPlaced) { o.Lines = nil }, "lines", "min=1"},
		{func(o *orderPlaced) { o.Lines = append(o.Lines, orderLine{}) }, "lines[1].sku", "required"},
		{func(o *orderPlaced) { o.Payer = &person{"alice"} }, "payer.email", "email"},
		{func(o *orderPlaced) { o.Labels = map[string]string{"a": "123456"} }, "labels[a]", "max=5"},
		{func(o *orderPlaced) { o.Labels = map[string]string{"A": "1"} }, "labels[A]", "lowercase"},
		{func(o *orderPlaced) { o.From = 5 }, "to", "gtefield=From"},
	} {
		r := placed.Record(order(tt.change))
		check := func(err error, op, id string) {
			t.Helper()
			var e *event.Error
			if !errors.Is(err, event.KindValidation) || !errors.As(err, &e) {
				t.Fatalf("%s: got %v, want kind %q", tt.member, err, event.KindValidation)
			}
			if e.Type != "order.placed" || e.Version != 2 || e.Member != tt.member || e.Reason != `must satisfy "`+tt.rule+`"` || e.Op != op || e.ID != id {
				t.Errorf("%s: got %+v", tt.member, e)
			}
			for _, part := range []string{"order.placed version 2", `"` + tt.member + `"`, tt.rule} {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("%q does not say %q", err, part)
				}
			}
		}
		check(r.Err, "record", "")
		if r.Data != nil {
			t.Errorf("%s: a wrong record has data %s", tt.member, r.Data)
		}
		// The same data from somebody who does not check.
		data, err := json.Marshal(order(tt.change))
		if err != nil {
			t.Fatal(err)
		}
		_, err = placed.Decode(event.Envelope{Metadata: event.Metadata{ID: "order/1@1", Type: "order.placed", SchemaVersion: 2}, Data: data})
		check(err, "decode", "order/1@1")
	}
	// All that is wrong is said at once.
	r := placed.At("order/1", event.New).Record(orderPlaced{})
	for _, want := range []string{`"shop"`, `"order_id"`, `"total"`, `"lines"`} {
		if r.Err == nil || !strings.Contains(r.Err.Error(), want) {
			t.Errorf("%v does not name %s", r.Err, want)
		}
	}
}

func TestDefineFindsWrongRules(t *testing.T) {
	for _, tt := range []struct {
		def          event.Type
		member, want string
	}{
		{event.Define[struct {
			A string `validate:"requierd"`
		}]("a.b"), "A", `unknown rule "requierd"`},
		{event.Define[struct {
			A struct {
				B []int `validate:"dive,max=x"`
			}
		}]("a.b"), "A.B", `rule "max=x" does not fit int`},
		{event.Define[struct {
			A []*struct {
				B int `validate:"dive"`
			}
		}]("a.b"), "A.B", "dive is for slices"},
		{event.Define[struct {
			A string `validate:"validateFn"`
		}]("a.b"), "A", "validateFn calls methods by name"},
		{event.Define[struct {
			A string `validate:"required,,max=1"`
		}]("a.b"), "A", "an empty rule"},
		{event.Define[person]("a.b", event.Public(func(person) struct {
			A string `validate:"nope"`
		} {
			panic("not called")
		}, 1)), "A", `event.Public: validate:"nope"`},
	} {
		err := tt.def.Err()
		var e *event.Error
		if !errors.Is(err, event.KindDefinition) || !strings.Contains(err.Error(), tt.want) || !errors.As(err, &e) || e.Member != tt.member {
			t.Errorf("got %v, want member %q and %q", err, tt.member, tt.want)
		}
	}
}

// The rules of most values are checked without the validator, which shows here.
func BenchmarkRecord(b *testing.B) {
	type user struct {
		UserID string `json:"user_id" validate:"required"`
		Email  string `json:"email" validate:"required,email"`
	}
	for name, def := range map[string]*event.Definition[user]{
		"internal": event.Define[user]("user.created"),
		"public":   event.Define[user]("user.created", event.Public(func(u user) user { return u }, 1)),
	} {
		b.Run(name, func(b *testing.B) {
			at := def.At("user/7f3c", event.New)
			b.ReportAllocs()
			for b.Loop() {
				if r := at.Record(user{"7f3c", "alice@example.com"}); r.Err != nil {
					b.Fatal(r.Err)
				}
			}
		})
	}
}

func BenchmarkDecodeOlder(b *testing.B) {
	e := envelope(1, `{"line":"Main St, Ulm"}`)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := moved.Decode(e); err != nil {
			b.Fatal(err)
		}
	}
}
