package event_test

import (
	"strings"
	"testing"

	"github.com/vinci-go/vinci/event"
)

type innerSale struct {
	Cents  int64  `json:"cents"`
	Secret string `json:"secret"`
}

type outerSale struct {
	Cents int64 `json:"cents" validate:"min=1"`
}

type outerSaleV1 struct {
	Euros int64 `json:"euros"`
}

var madeSale = event.Define[innerSale]("sale.made", event.Version(5), event.Since(5), event.Description("Somebody bought something."),
	event.Public(func(s innerSale) outerSale { return outerSale{s.Cents} }, 2))

func TestPublicOf(t *testing.T) {
	theirs := event.PublicOf[outerSale](madeSale)
	if err := theirs.Err(); err != nil {
		t.Fatal(err)
	}
	if theirs.Name() != "sale.made" || theirs.Version() != 2 || theirs.Since() != 2 || theirs.Description() != madeSale.Description() || theirs.PublicType() != nil {
		t.Errorf("%s version %d since %d, %q, public %v", theirs.Name(), theirs.Version(), theirs.Since(), theirs.Description(), theirs.PublicType())
	}
	if !strings.HasPrefix(theirs.DefinedAt(), "event/publicof_test.go:") {
		t.Errorf("defined at %s", theirs.DefinedAt())
	}
	r := madeSale.Record(innerSale{500, "pin"})
	e := event.Envelope{Metadata: event.Metadata{ID: "sale/7@1", Type: r.Type, SchemaVersion: r.PublicVersion}, Data: r.Public}
	got, err := theirs.Decode(e)
	if err != nil || got.Data != (outerSale{500}) {
		t.Errorf("decoded %+v, %v", got.Data, err)
	}

	// Events of an earlier outward shape have it for good.
	older := event.PublicOf[outerSale](madeSale, event.Upcast(1, func(o outerSaleV1) (outerSale, error) { return outerSale{o.Euros * 100}, nil }))
	e.SchemaVersion, e.Data = 1, []byte(`{"euros":3}`)
	if got, err := older.Decode(e); err != nil || got.Data != (outerSale{300}) {
		t.Errorf("decoded %+v, %v (%v)", got.Data, err, older.Err())
	}
}

func TestPublicOfRefused(t *testing.T) {
	internal := event.Define[outerSale]("sale.hidden")
	wrong := event.Define[outerSale]("sale")
	for name, tt := range map[string]struct {
		def  event.Type
		says string
	}{
		"nothing":       {event.PublicOf[outerSale](nil), "it is given no event"},
		"internal":      {event.PublicOf[outerSale](internal), "is internal"},
		"another shape": {event.PublicOf[innerSale](madeSale), "event_test.outerSale, not event_test.innerSale"},
		"wrong itself":  {event.PublicOf[outerSale](wrong), "is wrong"},
		"a wrong step":  {event.PublicOf[outerSale](madeSale, event.Upcast(7, func(o outerSaleV1) (outerSale, error) { return outerSale{}, nil })), "7"},
	} {
		if err := tt.def.Err(); err == nil || !strings.Contains(err.Error(), tt.says) || !strings.Contains(err.Error(), "publicof_test.go") {
			t.Errorf("%s: %v, want %q", name, err, tt.says)
		}
	}
}
