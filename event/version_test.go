package event_test

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/vinci-go/vinci/event"
)

// The shapes that an address had.
type (
	addressV1 struct {
		Line string `json:"line"` // street, city
	}
	addressV2 struct {
		Street string `json:"street"`
		City   string `json:"city"`
	}
	addressV3 struct {
		Street  string `json:"street"`
		City    string `json:"city" validate:"required"`
		Country string `json:"country" validate:"len=2"`
		Note    string `json:"-"`
	}
)

func splitLine(a addressV1) (addressV2, error) {
	street, city, ok := strings.Cut(a.Line, ", ")
	if !ok {
		return addressV2{}, errors.New("the line has no comma")
	}
	return addressV2{street, city}, nil
}

func addCountry(a addressV2) (addressV3, error) {
	if a.City == "Atlantis" {
		panic("no such country")
	}
	return addressV3{Street: a.Street, City: a.City, Country: "DE", Note: "lost"}, nil
}

var moved = event.Define[addressV3]("user.moved", event.Version(3), event.Upcast(2, addCountry), event.Upcast(1, splitLine))

func envelope(version int, data string) event.Envelope {
	return event.Envelope{Metadata: event.Metadata{ID: "user/1@4", Type: "user.moved", SchemaVersion: version, Actor: "alice"}, Data: []byte(data)}
}

func TestUpcast(t *testing.T) {
	if err := moved.Err(); err != nil {
		t.Fatal(err)
	}
	if moved.Since() != 1 || moved.Version() != 3 {
		t.Errorf("versions %d to %d", moved.Since(), moved.Version())
	}
	for v, want := range map[int]reflect.Type{0: nil, 1: reflect.TypeFor[addressV1](), 2: reflect.TypeFor[addressV2](), 3: reflect.TypeFor[addressV3](), 4: nil} {
		if got := moved.Shape(v); got != want {
			t.Errorf("shape of version %d is %v, want %v", v, got, want)
		}
	}
	want := addressV3{Street: "Main St", City: "Ulm", Country: "DE"}
	for v, data := range map[int]string{
		1: `{"line":"Main St, Ulm","gone":1}`,
		2: `{"street":"Main St","city":"Ulm"}`,
		3: `{"street":"Main St","city":"Ulm","country":"DE"}`,
	} {
		old := envelope(v, data)
		e, err := moved.Decode(old)
		if err != nil || e.Data != want || e.SchemaVersion != 3 || e.Actor != "alice" {
			t.Errorf("version %d: %+v, %v", v, e, err)
		}
		up, err := moved.Upcast(old)
		if err != nil || string(up.Data) != `{"street":"Main St","city":"Ulm","country":"DE"}` || up.SchemaVersion != 3 || up.ID != old.ID || up.Actor != "alice" {
			t.Errorf("version %d: %s, %+v, %v", v, up.Data, up.Metadata, err)
		}
		if string(old.Data) != data || old.SchemaVersion != v {
			t.Errorf("version %d: the event that was read has changed: %+v", v, old)
		}
	}
}

func TestUpcastFails(t *testing.T) {
	young := event.Define[addressV3]("user.moved", event.Version(3), event.Upcast(2, addCountry))
	if young.Since() != 2 {
		t.Errorf("since %d", young.Since())
	}
	for _, tt := range []struct {
		def  *event.Definition[addressV3]
		e    event.Envelope
		kind event.Kind
		want string
	}{
		{moved, envelope(4, `{}`), event.KindNewerVersion, "schema version 4, this program knows up to 3"},
		{moved, envelope(1, `{"line":"nowhere"}`), event.KindUndecodable, `upcast user.moved version 1 (event user/1@4): undecodable: the step from version 1 to 2 failed: the line has no comma`},
		{moved, envelope(1, `{"line":"x, Atlantis"}`), event.KindUndecodable, "the step from version 2 to 3 failed: it panicked: no such country"},
		{moved, envelope(1, `{"line":7}`), event.KindUndecodable, "its data is no event_test.addressV1: json: cannot unmarshal number"},
		{moved, envelope(1, `null`), event.KindUndecodable, "its data is no JSON object"},
		{moved, envelope(0, `{}`), event.KindUndecodable, "this program reads versions from 1"},
		{young, envelope(1, `{"line":"a, b"}`), event.KindUndecodable, "this program reads versions from 2: add event.Upcast(1, …)"},
	} {
		_, err := tt.def.Decode(tt.e)
		_, err2 := tt.def.Upcast(tt.e)
		for _, err := range []error{err, err2} {
			if !errors.Is(err, tt.kind) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		}
	}
	// Rules hold for the newest shape, whatever the event was written as.
	_, err := moved.Decode(envelope(1, `{"line":"Main St, "}`))
	if !errors.Is(err, event.KindValidation) || !strings.Contains(err.Error(), `decode user.moved version 3 (event user/1@4): validation: member "city": must satisfy "required"`) {
		t.Errorf("got %v", err)
	}
	if _, err := moved.Upcast(envelope(1, `{"line":"Main St, "}`)); err != nil {
		t.Errorf("Upcast runs no rules: %v", err)
	}
}

func TestUpcastChainIsChecked(t *testing.T) {
	type A struct{ A int }
	type B struct{ B int }
	type C struct{ C int }
	ab := func(a A) (B, error) { return B{a.A}, nil }
	bc := func(b B) (C, error) { return C{b.B}, nil }
	for _, tt := range []struct {
		want string // "" for right
		opts []event.Option
	}{
		{"", []event.Option{event.Version(3), event.Upcast(1, ab), event.Upcast(2, bc)}},
		{"", []event.Option{event.Upcast(2, bc), event.Upcast(1, ab), event.Version(3)}},
		{"", []event.Option{event.Version(3), event.Upcast(2, bc)}},
		{"", []event.Option{event.Version(3), event.Since(3)}},
		{"", []event.Option{event.Version(1), event.Since(1)}},
		{"", nil},
		{"version 2 has nothing that reads version 1: add event.Upcast(1, …), or event.Since(2)", []event.Option{event.Version(2)}},
		{"no event.Upcast begins at version 2, and the newest is 3", []event.Option{event.Version(3), event.Upcast(1, ab)}},
		{"no event.Upcast begins at version 2, the one before version 3", []event.Option{event.Version(4), event.Upcast(1, ab), event.Upcast(3, bc)}},
		{"no event.Upcast begins at version 1, the one before version 2", []event.Option{event.Version(3), event.Since(1), event.Upcast(2, bc)}},
		{"no event.Upcast begins at version 1, and the newest is 2", []event.Option{event.Version(2), event.Since(1)}},
		{"event.Upcast(2) is there twice", []event.Option{event.Version(3), event.Upcast(2, bc), event.Upcast(2, bc)}},
		{"a step begins at a version from 1 to 0, as the newest is 1", []event.Option{event.Upcast(1, bc)}},
		{"a step begins at a version from 1 to 2, as the newest is 3", []event.Option{event.Version(3), event.Upcast(0, ab), event.Upcast(2, bc)}},
		{"event.Since(2) says that version 1 never existed", []event.Option{event.Version(3), event.Since(2), event.Upcast(1, ab), event.Upcast(2, bc)}},
		{"event.Since(4): allowed are versions from 1 to the newest, 3", []event.Option{event.Version(3), event.Since(4)}},
		{"event.Since(0)", []event.Option{event.Since(0)}},
		{"event.Upcast(2) takes event_test.B, and event.Upcast(1) returns event_test.A", []event.Option{event.Version(3), event.Upcast(2, bc), event.Upcast(1, func(a A) (A, error) { return a, nil })}},
		{"event.Upcast(2) returns event_test.B, and version 3 is event_test.C", []event.Option{event.Version(3), event.Upcast(2, func(b B) (B, error) { return b, nil })}},
		{"event.Upcast(1): its function is nil", []event.Option{event.Version(2), event.Upcast[B, C](1, nil)}},
		{"event.Upcast(1): data type []int", []event.Option{event.Version(2), event.Upcast(1, func([]int) (C, error) { return C{}, nil })}},
		{"option 0 is nil", []event.Option{nil}},
	} {
		err := event.Define[C]("a.b", tt.opts...).Err()
		switch {
		case tt.want == "" && err != nil:
			t.Errorf("got %v", err)
		case tt.want != "" && (!errors.Is(err, event.KindDefinition) || !strings.Contains(err.Error(), tt.want)):
			t.Errorf("got %v, want %q", err, tt.want)
		}
	}
}

// TestUpcastPaths: it is the same event whether a reader decodes it or upcasts it
// first, and however many steps are behind it.
func TestUpcastPaths(t *testing.T) {
	word := rapid.StringMatching(`[A-Za-z<" ]{1,8}`)
	rapid.Check(t, func(t *rapid.T) {
		first := addressV1{Line: word.Draw(t, "street") + ", " + word.Draw(t, "city")}
		second, err := splitLine(first)
		if err != nil {
			t.Fatal(err)
		}
		want, err := addCountry(second)
		if err != nil {
			t.Fatal(err)
		}
		want.Note = "" // is not encoded, so that no reader sees it
		one := event.Define[addressV1]("user.moved").Record(first)
		two := event.Define[addressV2]("user.moved", event.Version(2), event.Since(2)).Record(second)
		for _, r := range []event.Record{one, two} {
			old := event.Envelope{Metadata: event.Metadata{ID: "user/1@1", Type: r.Type, SchemaVersion: r.SchemaVersion}, Data: r.Data}
			direct, err := moved.Decode(old)
			if err != nil || direct.Data != want {
				t.Fatalf("got %+v, %v, want %+v", direct.Data, err, want)
			}
			up, err := moved.Upcast(old)
			if err != nil {
				t.Fatal(err)
			}
			if later, err := moved.Decode(up); err != nil || later != direct {
				t.Fatalf("after Upcast %+v, %v; directly %+v", later, err, direct)
			}
			if again, err := moved.Upcast(up); err != nil || !reflect.DeepEqual(again, up) {
				t.Fatalf("a second Upcast makes %+v, %v of %+v", again, err, up)
			}
		}
	})
}

func FuzzUpcast(f *testing.F) {
	f.Add(1, []byte(`{"line":"a, b"}`))
	f.Add(2, []byte(`{"street":"a","city":"Atlantis"}`))
	f.Add(3, []byte(`{"country":"DE","city":"x"}`))
	f.Fuzz(func(t *testing.T, version int, data []byte) {
		e := event.Envelope{Metadata: event.Metadata{ID: "user/1@1", Type: "user.moved", SchemaVersion: version}, Data: data}
		ev, err := moved.Decode(e)
		if err != nil {
			var typed *event.Error
			if !errors.As(err, &typed) || typed.Type != "user.moved" {
				t.Fatalf("%v is no error of the event", err)
			}
			return
		}
		if ev.Data.City == "" || len([]rune(ev.Data.Country)) != 2 {
			t.Fatalf("%+v breaks a rule", ev.Data)
		}
	})
}

func ExampleUpcast() {
	type MovedV1 struct {
		Line string `json:"line"`
	}
	type Moved struct {
		Street string `json:"street"`
		City   string `json:"city"`
	}
	moved := event.Define[Moved]("user.moved", event.Version(2),
		event.Upcast(1, func(old MovedV1) (Moved, error) {
			street, city, _ := strings.Cut(old.Line, ", ")
			return Moved{street, city}, nil
		}))
	e, err := moved.Decode(event.Envelope{
		Metadata: event.Metadata{Type: "user.moved", SchemaVersion: 1},
		Data:     []byte(`{"line":"Main St, Ulm"}`),
	})
	fmt.Println(e.Data.City, e.SchemaVersion, err)
	// Output: Ulm 2 <nil>
}
