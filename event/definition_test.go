package event_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/vinci-go/vinci/event"
)

type userCreated struct {
	UserID string `json:"user_id"`
	Email  string `json:"email"`
}

var created = event.Define[userCreated]("user.created", event.Version(2), event.Since(2))

func TestDefinition(t *testing.T) {
	if err := created.Err(); err != nil {
		t.Fatal(err)
	}
	if created.Name() != "user.created" || created.String() != "user.created" || created.Version() != 2 {
		t.Errorf("got %s, %s, version %d", created.Name(), created, created.Version())
	}
	if got := event.Define[userCreated]("user.created").Version(); got != 1 {
		t.Errorf("default version is %d, want 1", got)
	}
	if got, want := created.Rule(), (event.Rule{Exact: "user.created"}); got != want {
		t.Errorf("rule %+v, want %+v", got, want)
	}
	if !created.Matches("user.created") || created.Matches("user.createdx") {
		t.Error("a definition matches its own type only")
	}
	if got := created.DefinedAt(); !strings.HasPrefix(got, "event/definition_test.go:") {
		t.Errorf("defined at %q, want event/definition_test.go:<line>", got)
	}
}

type selfEncoded struct{ text string }

func (s selfEncoded) MarshalJSON() ([]byte, error) { return json.Marshal(s.text) }

type selfObject struct{ text string }

func (s selfObject) MarshalJSON() ([]byte, error) {
	return json.Marshal(map[string]string{"text": s.text})
}

type tree struct {
	Name     string
	Children []*tree
}

type stringer interface{ String() string }

func TestDefineFindsWrongData(t *testing.T) {
	tests := []struct {
		name   string
		def    event.Type
		member string // "" for none
		want   string // "" for right
	}{
		{"empty struct", event.Define[struct{}]("a.b"), "", ""},
		{"nested", event.Define[struct {
			At   time.Time
			Tags map[string][]int
			Any  any
		}]("a.b"), "", ""},
		{"contains itself", event.Define[tree]("a.b"), "", ""},
		{"encodes itself as object", event.Define[selfObject]("a.b"), "", ""},
		{"left out", event.Define[struct {
			C chan int `json:"-"`
		}]("a.b"), "", ""},
		{"unexported", event.Define[struct{ c chan int }]("a.b"), "", ""},
		{"string", event.Define[string]("a.b"), "", "data type string: allowed is a struct"},
		{"pointer", event.Define[*userCreated]("a.b"), "", "allowed is a struct"},
		{"encodes itself as string", event.Define[selfEncoded]("a.b"), "", "not as a JSON object"},
		{"time", event.Define[time.Time]("a.b"), "", "not as a JSON object"},
		{"channel", event.Define[struct{ C chan int }]("a.b"), "C", "type chan int cannot be encoded"},
		{"func deep inside", event.Define[struct {
			A []map[string]struct{ F func() }
		}]("a.b"), "A.F", "type func() cannot be encoded"},
		{"complex", event.Define[struct{ C complex128 }]("a.b"), "C", "cannot be encoded"},
		{"interface", event.Define[struct{ S stringer }]("a.b"), "S", "cannot be decoded"},
		{"map key", event.Define[struct{ M map[float64]int }]("a.b"), "M", "map keys of type float64"},
		{"one name twice", event.Define[struct {
			X string
			B string `json:"X"`
		}]("a.b"), "B", `JSON name "X" is field X's too`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := tt.def.Err()
			if tt.want == "" {
				if err != nil {
					t.Fatalf("got %v, want no error", err)
				}
				return
			}
			checkDefinitionError(t, err, tt.want)
			var e *event.Error
			if errors.As(err, &e); e.Member != tt.member {
				t.Errorf("member %q, want %q", e.Member, tt.member)
			}
			if got := tt.def.Rule(); got != (event.Rule{}) {
				t.Errorf("a wrong definition has rule %+v, want none", got)
			}
		})
	}
}

func checkDefinitionError(t *testing.T, err error, want string) {
	t.Helper()
	if !errors.Is(err, event.KindDefinition) {
		t.Fatalf("got %v, want an error of kind %q", err, event.KindDefinition)
	}
	for _, part := range []string{want, "event/definition_test.go:"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("error %q does not say %q", err, part)
		}
	}
}

func TestDefineCollectsEverything(t *testing.T) {
	d := event.Define[struct{ C chan int }]("User", event.Version(0))
	for _, want := range []string{`event type "User"`, "schema version 0", "type chan int"} {
		checkDefinitionError(t, d.Err(), want)
	}
	if r := d.Record(struct{ C chan int }{}); !errors.Is(r.Err, event.KindDefinition) {
		t.Errorf("a record of a wrong definition has error %v", r.Err)
	}
	if _, err := d.Decode(event.Envelope{}); !errors.Is(err, event.KindDefinition) {
		t.Errorf("decoding with a wrong definition: %v", err)
	}
}

// typeNames is shared by everything that takes an event type.
var typeNames = []struct {
	name string
	ok   bool
}{
	{"user.created", true},
	{"a.b", true},
	{"order_line.price_v2", true},
	{strings.Repeat("a", 126) + ".b", true},
	{strings.Repeat("a", 127) + ".b", false},
	{"", false},
	{"user", false},
	{"user.", false},
	{".created", false},
	{"User.created", false},
	{"user.Created", false},
	{"user.created.twice", false},
	{"1user.created", false},
	{"user._created", false},
	{"user-x.created", false},
	{"user.created ", false},
	{"üser.created", false},
	{"user.*", false},
}

func TestTypeNames(t *testing.T) {
	for _, tt := range typeNames {
		t.Run(tt.name, func(t *testing.T) {
			if err := event.Define[userCreated](tt.name).Err(); (err == nil) != tt.ok {
				t.Errorf("Define: got %v, want ok %v", err, tt.ok)
			}
			if err := event.CheckType(tt.name); (err == nil) != tt.ok {
				t.Errorf("CheckType: got %v, want ok %v", err, tt.ok)
			}
		})
	}
}

func TestMatch(t *testing.T) {
	tests := []struct {
		pattern string
		rule    event.Rule // zero: wrong
		yes, no []string
	}{
		{"user.created", event.Rule{Exact: "user.created"}, []string{"user.created"}, []string{"user.created_twice", "xuser.created"}},
		{"user.*", event.Rule{Prefix: "user."}, []string{"user.created", "user.activated"}, []string{"users.created", "user", "order.created"}},
		{"*.created", event.Rule{Suffix: ".created"}, []string{"user.created", "order.created"}, []string{"user.re_created", "user.activated"}},
		{"*", event.Rule{}, nil, []string{"user.created"}},
		{"*.*", event.Rule{}, nil, nil},
		{"", event.Rule{}, nil, []string{""}},
		{"user.cr*", event.Rule{}, nil, []string{"user.created"}},
		{"us*.created", event.Rule{}, nil, nil},
		{"user.*.x", event.Rule{}, nil, nil},
		{"User.*", event.Rule{}, nil, nil},
		{strings.Repeat("a", 128) + ".*", event.Rule{}, nil, nil},
	}
	for _, tt := range tests {
		t.Run(tt.pattern, func(t *testing.T) {
			s := event.Match(tt.pattern)
			if s.String() != tt.pattern {
				t.Errorf("String is %q", s)
			}
			if got := s.Rule(); got != tt.rule {
				t.Errorf("rule %+v, want %+v", got, tt.rule)
			}
			if tt.rule == (event.Rule{}) {
				checkDefinitionError(t, s.Err(), "pattern")
			} else if s.Err() != nil {
				t.Error(s.Err())
			}
			for _, name := range tt.yes {
				if !s.Matches(name) {
					t.Errorf("does not match %q", name)
				}
			}
			for _, name := range tt.no {
				if s.Matches(name) {
					t.Errorf("matches %q", name)
				}
			}
		})
	}
}

func TestRecord(t *testing.T) {
	r := created.At("user/7f3c", event.Expect(3)).Record(userCreated{"7f3c", "alice@example.com"})
	if r.Err != nil {
		t.Fatal(r.Err)
	}
	if got, want := string(r.Data), `{"user_id":"7f3c","email":"alice@example.com"}`; got != want {
		t.Errorf("data %s, want %s", got, want)
	}
	if r.Type != "user.created" || r.SchemaVersion != 2 || r.Stream != "user/7f3c" || r.Expected != 3 {
		t.Errorf("got %+v", r)
	}
	if r := created.Record(userCreated{}); r.Err != nil || r.Stream != "" {
		t.Errorf("a fact with no aggregate: got %+v", r)
	}
	for _, tt := range []struct {
		name     string
		stream   string
		expected event.Expected
	}{
		{"no stream", "", event.New},
		{"bad stream", "order", event.New},
		{"bad expectation", "user/1", -2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if r := created.At(tt.stream, tt.expected).Record(userCreated{}); !errors.Is(r.Err, event.KindInvalid) {
				t.Errorf("got error %v, want kind %q", r.Err, event.KindInvalid)
			}
		})
	}
}

func TestRecordOfWhatCannotBeEncoded(t *testing.T) {
	type measured struct{ Value float64 }
	d := event.Define[measured]("sensor.measured")
	if d.Err() != nil {
		t.Fatal(d.Err())
	}
	r := d.At("sensor/1", event.Append).Record(measured{math.NaN()})
	if !errors.Is(r.Err, event.KindInvalid) {
		t.Fatalf("got %v", r.Err)
	}
	var cause *json.UnsupportedValueError
	if !errors.As(r.Err, &cause) {
		t.Errorf("%v does not keep its cause", r.Err)
	}
}

func TestDecode(t *testing.T) {
	meta := event.Metadata{ID: "user/1@1", Type: "user.created", SchemaVersion: 2}
	with := func(change func(*event.Envelope)) event.Envelope {
		e := event.Envelope{Metadata: meta, Data: []byte(`{"user_id":"1","email":"a@b.c","later":[1,2]}`)}
		if change != nil {
			change(&e)
		}
		return e
	}
	got, err := created.Decode(with(nil))
	if err != nil {
		t.Fatal(err)
	}
	if want := (event.Event[userCreated]{Metadata: meta, Data: userCreated{"1", "a@b.c"}}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	for _, tt := range []struct {
		name   string
		change func(*event.Envelope)
		kind   event.Kind
	}{
		{"another type", func(e *event.Envelope) { e.Type = "user.activated" }, event.KindUndecodable},
		{"newer", func(e *event.Envelope) { e.SchemaVersion = 3 }, event.KindNewerVersion},
		{"older", func(e *event.Envelope) { e.SchemaVersion = 1 }, event.KindUndecodable},
		{"null", func(e *event.Envelope) { e.Data = []byte("null") }, event.KindUndecodable},
		{"scalar", func(e *event.Envelope) { e.Data = []byte("3") }, event.KindUndecodable},
		{"list", func(e *event.Envelope) { e.Data = []byte("[]") }, event.KindUndecodable},
		{"none", func(e *event.Envelope) { e.Data = nil }, event.KindUndecodable},
		{"wrong member", func(e *event.Envelope) { e.Data = []byte(`{"user_id":7}`) }, event.KindUndecodable},
		{"cut off", func(e *event.Envelope) { e.Data = []byte(`{"user_id":"7`) }, event.KindUndecodable},
		{"newer and unreadable", func(e *event.Envelope) { e.SchemaVersion, e.Data = 3, []byte("[]") }, event.KindNewerVersion},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e, err := created.Decode(with(tt.change))
			if !errors.Is(err, tt.kind) {
				t.Fatalf("got %v, want kind %q", err, tt.kind)
			}
			if e != (event.Event[userCreated]{}) {
				t.Errorf("a failed decode returns %+v", e)
			}
			if !strings.Contains(err.Error(), "user/1@1") {
				t.Errorf("%q does not name the event", err)
			}
		})
	}
}

func ExampleDefine() {
	type OrderPlaced struct {
		OrderID string `json:"order_id"`
	}
	placed := event.Define[OrderPlaced]("order.placed")
	r := placed.At("order/7f3c", event.New).Record(OrderPlaced{OrderID: "7f3c"})
	fmt.Println(r.Type, r.Stream, string(r.Data), r.Err)
	// Output: order.placed order/7f3c {"order_id":"7f3c"} <nil>
}
