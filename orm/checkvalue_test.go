package orm

import (
	"context"
	"reflect"
	"strings"
	"testing"
	"time"
)

// visit has values that are checked.
type visit struct {
	ID     string       `dynamo:"id,hash"`
	State  colour       `dynamo:"state" enum:"open,done"`
	Mood   string       `dynamo:"mood,omitempty" enum:"good,bad"`
	Stars  *int8        `dynamo:"stars" enum:"1,2"`
	Floor  uint16       `dynamo:"floor,omitempty" enum:"1,2"`
	Grade  *version     `dynamo:"grade" enum:"1.0,2.5"`
	Pin    string       `dynamo:"pin,omitempty" enum:"1111,2222" log:"masked"`
	Email  string       `dynamo:"email" validate:"required,email"`
	Again  string       `dynamo:"again" validate:"omitempty,max=3,nefield=Email"`
	Other  string       `dynamo:"other" validate:"required_without=Email"`
	Names  []string     `dynamo:"names" validate:"max=2,dive,required"`
	Place  visitPlace   `dynamo:"place"`
	Next   *visitPlace  `dynamo:"next"`
	Places []visitPlace `dynamo:"places"`
	Free   string       `dynamo:"free"`
	At     time.Time    `dynamo:"at"`
}

type visitPlace struct {
	City string `dynamo:"city" validate:"required"`
	Zip  string `dynamo:"zip" validate:"omitempty,len=5"`
}

var visits = Define[visit, string]("visits")

func TestCheckValue(t *testing.T) {
	if err := visits.Err(); err != nil {
		t.Fatal(err)
	}
	three, two := int8(3), int8(2)
	for name, c := range map[string]struct {
		attribute string
		value     any
		want      string // a part of the error; empty: none
	}{
		"enum":                       {"state", colour("open"), ""},
		"not in the enum":            {"state", colour("shut"), `"shut" is none of the values it may have: allowed are open, done`},
		"letter case":                {"state", colour("Open"), "is none of"},
		"empty":                      {"state", colour(""), `"" is none of`},
		"empty that is left out":     {"mood", "", ""},
		"zero that is left out":      {"floor", uint16(0), ""},
		"number":                     {"floor", uint16(2), ""},
		"number not in the enum":     {"floor", uint16(12), `"12" is none of`},
		"nil":                        {"stars", (*int8)(nil), ""},
		"pointer":                    {"stars", &two, ""},
		"pointer not in the enum":    {"stars", &three, `"3" is none of`},
		"text type":                  {"grade", &version{2, 5}, ""},
		"text type not in the enum":  {"grade", &version{2, 6}, `"2.6" is none of`},
		"masked":                     {"pin", "1234", "*** is none of"},
		"rule":                       {"email", "a@example.com", ""},
		"broken rule":                {"email", "a", `must satisfy "email"`},
		"required":                   {"email", "", `must satisfy "required"`},
		"rules on other fields":      {"again", "abc", ""},
		"a rule beside them":         {"again", "abcd", `must satisfy "max=3"`},
		"only rules on other fields": {"other", "", ""},
		"elements":                   {"names", []string{"a", "b"}, ""},
		"broken element":             {"names", []string{"a", ""}, `must satisfy "required"`},
		"broken length":              {"names", []string{"a", "b", "c"}, `must satisfy "max=2"`},
		"struct":                     {"place", visitPlace{City: "Ulm"}, ""},
		"broken struct":              {"place", visitPlace{Zip: "1"}, "city: must satisfy \"required\"\nzip: must satisfy \"len=5\""},
		"pointer to a struct":        {"next", &visitPlace{}, "city: must satisfy"},
		"no struct":                  {"next", (*visitPlace)(nil), ""},
		"nothing to check":           {"free", "x", ""},
		"a time":                     {"at", time.Time{}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			err := visits.plan.checkValue(visits.plan.byName[c.attribute], reflect.ValueOf(c.value))
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("error is %v, want %q", err, c.want)
			}
			if err != nil && strings.Contains(err.Error(), "1234") {
				t.Errorf("error %v says a masked value", err)
			}
		})
	}
	// The check of one value is that of the whole item.
	err := second(visits.Insert(visit{ID: "a", State: "shut", Floor: 3, Email: "a@example.com", Place: visitPlace{City: "Ulm"}}).Actions(context.Background(), nil))
	var attributes []string
	for _, e := range Errors(err) {
		attributes = append(attributes, e.Attribute)
	}
	if got := strings.Join(attributes, " "); got != "state floor" {
		t.Errorf("attributes with errors are %s, want state and floor: %v", got, err)
	}
	if err := second(visits.Insert(visit{ID: "a", State: "done", Email: "a@example.com", Place: visitPlace{City: "Ulm"}}).Actions(context.Background(), nil)); err != nil {
		t.Error(err)
	}
}

func TestStamps(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 678, time.FixedZone("", 7200))
	p := guests.plan
	const utc = "2026-01-02T01:04:05.000000678Z"
	for name, c := range map[string]struct{ given, want Item }{
		"new":        {Item{}, Item{"arrived": storedN("1767315845"), "seen": storedS(utc)}},
		"zero times": {Item{"arrived": storedN(zeroUnix), "seen": storedS("0001-01-01T00:00:00Z")}, Item{"arrived": storedN("1767315845"), "seen": storedS(utc)}},
		"written again": {Item{"arrived": storedN("1"), "seen": storedS("2020-01-01T00:00:00Z"), "room": storedN("1")},
			Item{"arrived": storedN("1"), "seen": storedS(utc), "room": storedN("1")}},
	} {
		if err := p.stampItem("put", c.given, now); err != nil || !reflect.DeepEqual(c.given, c.want) {
			t.Errorf("%s: stamped is %v, %v, want %v", name, c.given, err, c.want)
		}
	}
	c, ok, err := p.stampChange(now)
	if want := (Change{Op: ChangeSet, Path: "seen", Value: storedS(utc)}); err != nil || !ok || !reflect.DeepEqual(c, want) {
		t.Errorf("change is %v, %v, %v, want %v", c, ok, err, want)
	}
	c, ok, err = p.createdChange(now)
	if want := (Change{Op: ChangeSetIfNotExists, Path: "arrived", Value: storedN("1767315845")}); err != nil || !ok || !reflect.DeepEqual(c, want) {
		t.Errorf("change is %v, %v, %v, want %v", c, ok, err, want)
	}
	if _, ok, err := orders.plan.stampChange(now); ok || err != nil {
		t.Errorf("a table without stamps has a change, %v", err)
	}
	far := time.Date(12026, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, err := range []error{p.stampItem("put", Item{}, far), third(p.stampChange(far)), third(p.createdChange(far))} {
		if err == nil || !strings.Contains(err.Error(), "the store's clock says year 12026") {
			t.Errorf("error is %v", err)
		}
	}
	// What a stamp writes is what the codec does: an item that is read and written
	// again stays the same.
	item := Item{"pk": storedS("a"), "sk": storedS("b")}
	if err := p.stampItem("put", item, now); err != nil {
		t.Fatal(err)
	}
	g, err := guests.Decode(item)
	if err != nil || !g.Seen.Equal(now) || !g.Arrived.Equal(now.Truncate(time.Second)) {
		t.Errorf("stamps are read as %v and %v, %v", g.Seen, g.Arrived, err)
	}
	again, err := guests.Encode(g)
	if err != nil || !reflect.DeepEqual(again["seen"], item["seen"]) || !reflect.DeepEqual(again["arrived"], item["arrived"]) {
		t.Errorf("stamps are written again as %v and %v, %v", again["seen"], again["arrived"], err)
	}
}

func third[A, B any](_ A, _ B, err error) error { return err }
