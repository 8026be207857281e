package orm

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var (
	parcelPK    = Composite(parcels, func(p *parcel) *string { return &p.PK })
	parcelSK    = Composite(parcels, func(p *parcel) *string { return &p.SK })
	parcelOwner = Composite(parcels, func(p *parcel) *string { return &p.ByOwner })
)

func drawParcel(t *rapid.T) parcel {
	moment := func(label string) time.Time {
		return time.Unix(rapid.Int64Range(1, 4e9).Draw(t, label), rapid.Int64Range(0, 999999999).Draw(t, label+" ns")).In(time.FixedZone("", 60*rapid.IntRange(-840, 840).Draw(t, label+" zone")))
	}
	return parcel{
		Tenant: keyPart().Draw(t, "tenant"), Depot: colour(keyPart().Draw(t, "depot")),
		Grade: version{rapid.Int().Draw(t, "major"), rapid.Int().Draw(t, "minor")},
		Sent:  rapid.Uint64().Draw(t, "sent"), At: moment("at"), Due: moment("due").Truncate(time.Second),
		Owner: keyPart().Draw(t, "owner"), Balance: rapid.Int64().Draw(t, "balance"),
	}
}

// parts are the fields of a parcel that are parts of a composite attribute.
func (p parcel) parts(of CompositeAttribute[parcel]) parcel {
	switch of.f.name {
	case "pk":
		return parcel{Tenant: p.Tenant, Depot: p.Depot}
	case "sk":
		return parcel{Grade: p.Grade, Sent: p.Sent, At: p.At.UTC(), Due: p.Due.UTC()}
	}
	return parcel{Owner: p.Owner, Balance: p.Balance}
}

func TestCompositeRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, other := drawParcel(t), drawParcel(t)
		for _, c := range []CompositeAttribute[parcel]{parcelPK, parcelSK, parcelOwner} {
			text, err := c.Of(p)
			if err != nil {
				t.Fatal(err)
			}
			back, err := c.Split(text)
			if err != nil {
				t.Fatal(err)
			}
			back.Due, back.At = back.Due.UTC(), back.At.UTC()
			if want := p.parts(c); back != want {
				t.Fatalf("%q comes back as %+v, want %+v", text, back, want)
			}
			otherText, err := c.Of(other)
			if err != nil {
				t.Fatal(err)
			}
			if (p.parts(c) == other.parts(c)) != (text == otherText) {
				t.Fatalf("%+v and %+v are composed to %q and %q", p.parts(c), other.parts(c), text, otherText)
			}
		}
	})
}

func TestCompositePrefix(t *testing.T) {
	at, due := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), time.Unix(1, 0)
	for name, c := range map[string]struct {
		of    CompositeAttribute[parcel]
		parts parcel
		want  string // or a part of the error
	}{
		"none":                 {parcelPK, parcel{}, "PARCEL#"},
		"one":                  {parcelPK, parcel{Tenant: "a"}, "PARCEL#a#"},
		"escaped":              {parcelPK, parcel{Tenant: "a#b"}, "PARCEL#a%23b#"},
		"others do not count":  {parcelPK, parcel{Tenant: "a", Owner: "b"}, "PARCEL#a#"},
		"all":                  {parcelPK, parcel{Tenant: "a", Depot: "b"}, `all parts of "PARCEL#{tenant}#{depot}" are given`},
		"gap":                  {parcelSK, parcel{Grade: version{1, 2}, Due: due}, `at is empty, and a later part of`},
		"all with an end":      {parcelSK, parcel{Grade: version{1, 2}, Sent: 1, At: at, Due: due}, "1.2/00000000000000000001/2026-01-02T03:04:05.000000000Z|1970-01-01T00:00:01.000000000Z~"},
		"padded":               {parcelSK, parcel{Grade: version{1, 2}, Sent: 42}, "1.2/00000000000000000042/"},
		"a zero in the middle": {parcelSK, parcel{Grade: version{1, 2}, At: at}, "1.2/00000000000000000000/2026-01-02T03:04:05.000000000Z|"},
		"no beginning":         {parcelSK, parcel{}, `no part of "{grade}/{sent:020}/{at}|{due}~" is given: give at least {grade}`},
		"broken":               {parcelPK, parcel{Tenant: "\xff"}, "no valid UTF-8"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := c.of.Prefix(c.parts)
			if err != nil {
				if got = err.Error(); !errors.Is(err, KindValidation) || !strings.Contains(got, c.want) {
					t.Errorf("error is %v, want %q", err, c.want)
				}
				return
			}
			if got != c.want {
				t.Errorf("prefix is %q, want %q", got, c.want)
			}
		})
	}
}

// The items of one tenant are never those of a tenant whose name begins alike.
func TestCompositePrefixHasNoNeighbours(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, other := drawParcel(t), drawParcel(t)
		if rapid.Bool().Draw(t, "begins alike") {
			other.Tenant = p.Tenant + rapid.SampledFrom([]string{"", "#", "%", "%23", "b", "→"}).Draw(t, "more")
		}
		prefix, err := parcelPK.Prefix(parcel{Tenant: p.Tenant})
		if err != nil {
			t.Fatal(err)
		}
		text, err := parcelPK.Of(other)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(text, prefix) != (p.Tenant == other.Tenant) {
			t.Fatalf("prefix %q of tenant %q, text %q of tenant %q", prefix, p.Tenant, text, other.Tenant)
		}
	})
}

func TestCompositeErrors(t *testing.T) {
	bad := Composite(Define[noKey, string]("things"), func(x *noKey) *string { return &x.Name })
	for what, c := range map[string]struct {
		err  error
		kind Kind
		want string
	}{
		"missing": {second(parcelPK.Of(parcel{Depot: "x"})), KindValidation, "tenant is empty"},
		"long":    {second(parcelPK.Of(parcel{Tenant: strings.Repeat("%", 700), Depot: "x"})), KindValidation, "it is 2109 bytes long, allowed are 2048"},
		"float":   {second(parcelSK.Of(parcel{Grade: version{1, 2}, At: time.Date(12026, 1, 1, 0, 0, 0, 0, time.UTC), Due: time.Unix(1, 0)})), KindValidation, "part {at}"},
		"split":   {second(parcelPK.Split("a")), KindValidation, "(attribute pk)"},
		"wrong definition": {errors.Join(second(bad.Of(noKey{})), second(bad.Prefix(noKey{})), second(bad.Split(""))), KindDefinition,
			"no partition key"},
		"by hand": {second(CompositeAttribute[parcel]{}.Of(parcel{})), KindDefinition, "must be made by orm.Composite"},
	} {
		if !errors.Is(c.err, c.kind) || !strings.Contains(fmt.Sprint(c.err), c.want) {
			t.Errorf("%s: error is %v, want %q of kind %q", what, c.err, c.want, c.kind)
		}
	}
	defer func() {
		if r := recover(); r == nil || !strings.Contains(fmt.Sprint(r), "has no template tag") {
			t.Errorf("panic says %v", r)
		}
	}()
	Composite(parcels, func(p *parcel) *string { return &p.Tenant })
}

// Masked values are in no error.
func TestCompositeErrorsMask(t *testing.T) {
	type secret struct {
		ID  string `dynamo:"id,hash" template:"{pin:04}" log:"masked"`
		Pin int    `dynamo:"pin" log:"masked"`
	}
	secrets := Define[secret, string]("secrets")
	id := Composite(secrets, func(s *secret) *string { return &s.ID })
	_, err := id.Of(secret{Pin: 123456})
	if err == nil || strings.Contains(err.Error(), "1234") {
		t.Errorf("error is %v, want one without the value", err)
	}
	if _, err = id.Split("12x4"); err == nil || strings.Contains(err.Error(), "12x4") {
		t.Errorf("error is %v, want one without the value", err)
	}
}

func TestKeyOf(t *testing.T) {
	full := parcel{Tenant: "t#", Depot: "d", Grade: version{1, 2}, Sent: 7, At: time.Unix(1, 0), Due: time.Unix(2, 0), PK: "stale"}
	got, err := parcels.KeyOf(full)
	if want := Key("PARCEL#t%23#d", "1.2/00000000000000000007/1970-01-01T00:00:01.000000000Z|1970-01-01T00:00:02.000000000Z~"); err != nil || got != want {
		t.Errorf("key is %v, %v, want %v", got, err, want)
	}
	if got, err := orders.KeyOf(order{Tenant: "t", Number: 5}); err != nil || got != Key("t", int64(5)) {
		t.Errorf("key is %v, %v", got, err)
	}
	for what, c := range map[string]struct {
		err  error
		want string
	}{
		"a part is empty": {second(parcels.KeyOf(parcel{Tenant: "t"})), "key of parcels: validation (attribute pk): it is composed by \"PARCEL#{tenant}#{depot}\", and depot is empty"},
		"empty":           {second(orders.KeyOf(order{Number: 5})), "a key cannot be empty"},
		"reserved":        {second(orders.KeyOf(order{Tenant: "unique#x"})), "the table's own"},
		"wrong":           {second(Define[noKey, string]("things").KeyOf(noKey{})), "no partition key"},
	} {
		if c.err == nil || !strings.Contains(c.err.Error(), c.want) {
			t.Errorf("%s: error is %v, want %q", what, c.err, c.want)
		}
	}
}

func TestFill(t *testing.T) {
	n := 0
	things := Define[thing, string]("things", DefaultFunc(func(x *thing) *string { return &x.ID }, func() string { n++; return fmt.Sprint("id", n) }))
	if err := things.Err(); err != nil {
		t.Fatal(err)
	}
	if a, _ := things.Schema().Attribute("id"); !a.DefaultFunc {
		t.Error("the schema does not say that a function makes the id")
	}
	given := thing{}
	if got := things.Fill(given); got != (thing{ID: "id1", A: "x"}) || given != (thing{}) {
		t.Errorf("filled is %+v, given %+v", got, given)
	}
	if got := things.Fill(thing{ID: "mine", A: "y"}); got != (thing{ID: "mine", A: "y"}) || n != 1 {
		t.Errorf("filled is %+v, %d ids were made", got, n)
	}
	if got, err := things.KeyOf(things.Fill(given)); got != "id2" || err != nil {
		t.Errorf("key of the filled item is %q, %v", got, err)
	}
	a, err := things.Insert(thing{}).Actions(context.Background(), nil)
	if err != nil || valueText(a[0].Item["id"]) != `"id3"` || valueText(a[0].Item["a"]) != `"x"` {
		t.Errorf("inserted is %v, %v, want the defaults", a, err)
	}
	bad := Define[noKey, string]("things")
	if got := bad.Fill(noKey{"x"}); got != (noKey{"x"}) {
		t.Errorf("filled is %v", got)
	}
	p := orders.Fill(order{})
	if q := orders.Fill(order{}); p.Priority == nil || *p.Priority != 3 || p.Priority == q.Priority {
		t.Error("two filled items share the value of a pointer")
	}
}
