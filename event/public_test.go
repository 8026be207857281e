package event_test

import (
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"

	"github.com/vinci-go/vinci/event"
)

type seen struct {
	Email string `json:"email" validate:"email"`
	Score float64
}

func outside(c userCreated) seen { return seen{Email: c.Email} }

func TestPublic(t *testing.T) {
	internal := event.Define[userCreated]("user.created")
	if r := internal.Record(userCreated{}); r.Public != nil || r.PublicVersion != 0 || internal.PublicType() != nil || internal.PublicVersion() != 0 {
		t.Errorf("an internal event has a public shape: %+v", r)
	}
	public := event.Public(outside, 4)
	d := event.Define[userCreated]("user.created", event.Version(2), event.Since(2), public)
	if err := d.Err(); err != nil {
		t.Fatal(err)
	}
	if d.PublicType() != reflect.TypeFor[seen]() || d.PublicVersion() != 4 || d.DataType() != reflect.TypeFor[userCreated]() {
		t.Errorf("%v version %d of %v", d.PublicType(), d.PublicVersion(), d.DataType())
	}
	r := d.At("user/1", event.New).Record(userCreated{UserID: "secret", Email: "a@b.cd"})
	if r.Err != nil || string(r.Public) != `{"email":"a@b.cd","Score":0}` || r.PublicVersion != 4 || r.SchemaVersion != 2 || !strings.Contains(string(r.Data), "secret") {
		t.Errorf("%+v, public %s", r, r.Public)
	}
	r = d.Record(userCreated{Email: "nobody"})
	if !errors.Is(r.Err, event.KindValidation) || !strings.Contains(r.Err.Error(), `record the public shape of user.created version 4: validation: member "email"`) || r.Data != nil {
		t.Errorf("%v, %s", r.Err, r.Data)
	}
	// One option in two definitions: neither sees the other.
	if err := event.Define[userCreated]("user.updated", public).Err(); err != nil {
		t.Error(err)
	}
}

func TestPublicFails(t *testing.T) {
	for want, d := range map[string]*event.Definition[userCreated]{
		"the function of event.Public panicked: oh": event.Define[userCreated]("user.created", event.Public(func(userCreated) seen { panic("oh") }, 1)),
		"cannot be encoded as JSON":                 event.Define[userCreated]("user.created", event.Public(func(userCreated) seen { return seen{"a@b.cd", math.NaN()} }, 1)),
	} {
		if r := d.Record(userCreated{}); !errors.Is(r.Err, event.KindInvalid) || !strings.Contains(r.Err.Error(), want) || r.Data != nil || r.Public != nil {
			t.Errorf("got %v, want %q", r.Err, want)
		}
	}
	for want, d := range map[string]event.Type{
		"event.Public is there twice":                   event.Define[userCreated]("a.b", event.Public(outside, 1), event.Public(outside, 1)),
		"event.Public: version 0":                       event.Define[userCreated]("a.b", event.Public(outside, 0)),
		"event.Public: its function is nil":             event.Define[userCreated]("a.b", event.Public[userCreated, seen](nil, 1)),
		"its function takes event_test.userCreated":     event.Define[seen]("a.b", event.Public(outside, 1)),
		"event.Public: data type string":                event.Define[userCreated]("a.b", event.Public(func(userCreated) string { return "" }, 1)),
		"event.Public: type chan int cannot be encoded": event.Define[userCreated]("a.b", event.Public(func(userCreated) (o struct{ C chan int }) { return }, 1)),
	} {
		if err := d.Err(); !errors.Is(err, event.KindDefinition) || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

func TestDescription(t *testing.T) {
	if d := event.Define[userCreated]("user.created", event.Description("Somebody registered.")); d.Description() != "Somebody registered." || d.Err() != nil {
		t.Errorf("%q, %v", d.Description(), d.Err())
	}
}
