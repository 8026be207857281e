package orm

import (
	"context"
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// guest has whatever a definition can say that an order does not.
type guest struct {
	PK      string    `dynamo:"pk,hash" template:"GUEST#{house}#{room:04}" description:"House and room."`
	SK      string    `dynamo:"sk,range" output:"hidden"`
	House   string    `dynamo:"house"`
	Room    int       `dynamo:"room"`
	State   colour    `dynamo:"state" enum:"booked,here,gone" default:"booked" index:"by_state,hash"`
	Stars   *int      `dynamo:"stars" enum:"1,2,3" default:"2"`
	Grade   version   `dynamo:"grade" enum:"1.0,2.0" default:"1.0"`
	Arrived time.Time `dynamo:"arrived,unixtime" stamp:"created" localIndex:"by_arrival,range"`
	Seen    time.Time `dynamo:"seen" stamp:"updated"`
	Edition int64     `dynamo:"edition" version:"true"`
	Card    string    `dynamo:"card" log:"masked" unique:"exact"`
	Code    string    `dynamo:"code" output:"hidden"`
	Rate    float64   `dynamo:"rate" default:"1e2"`
	Tax     float64   `dynamo:"tax" default:"+0.07"`
	Stay    *int64    `dynamo:"stay" default:"+3"`
	Until   time.Time `dynamo:"until,unixtime" default:"2030-01-02T03:04:05Z"`
	Since   time.Time `dynamo:"since" default:"2030-01-02T03:04:05.500+02:00"`
	Vip     bool      `dynamo:"vip" default:"true"`
	Labels  []string  `dynamo:"labels,set"`
	Blob    []byte    `dynamo:"blob"`
}

var guests = Define[guest, Pair[string, string]]("guests", Description("Who is here."), Stream(), TTL("until"),
	Include("by_state", "room"), KeysOnly("by_arrival"), Deploy(Settings{Tags: map[string]string{"team": "desk"}}),
	DefaultFunc(func(g *guest) *string { return &g.SK }, func() string { return "sk1" }))

func TestGuestSchema(t *testing.T) {
	if err := guests.Err(); err != nil {
		t.Fatal(err)
	}
	golden(t, "schema_guests.json", guests.Schema())
}

// A schema in its JSON form is the same definition again.
func TestSchemaRoundTrip(t *testing.T) {
	for _, def := range []Definition{orders, guests, parcels, everythings, Define[clock, string]("clocks")} {
		t.Run(def.Schema().Name, func(t *testing.T) {
			if err := def.Err(); err != nil {
				t.Fatal(err)
			}
			text, err := json.Marshal(def.Schema())
			if err != nil {
				t.Fatal(err)
			}
			var read Schema
			if err := json.Unmarshal(text, &read); err != nil {
				t.Fatal(err)
			}
			again := DefineSchema(&read)
			if err := again.Err(); err != nil {
				t.Fatal(err)
			}
			got, want := *again.Schema(), *def.Schema()
			if !strings.HasPrefix(got.DefinedAt, "orm/runtime_test.go:") {
				t.Errorf("it is defined at %s, want here", got.DefinedAt)
			}
			got.DefinedAt, want.DefinedAt = "", ""
			if !reflect.DeepEqual(got, want) {
				t.Errorf("the schema is\n%+v, want\n%+v", got, want)
			}
			if err := DefineSchema(def.Schema()).Err(); err != nil {
				t.Error(err)
			}
		})
	}
}

// At run time an item gets the same defaults, keys, stamps and checks as its
// struct does.
func TestRuntimeItems(t *testing.T) {
	raw := DefineSchema(guests.Schema())
	given := Item{"house": storedS("h"), "room": storedN("7"), "sk": storedS("sk1")}
	g := guests.Fill(guest{House: "h", Room: 7})
	filled := raw.Fill(given)
	if len(given) != 3 {
		t.Errorf("the given item is changed: %v", given)
	}
	key, err := raw.KeyOf(filled)
	if err != nil || len(key) != 2 || valueText(key["pk"]) != `"GUEST#h#0007"` || valueText(key["sk"]) != `"sk1"` {
		t.Errorf("key is %v, %v", key, err)
	}
	now := time.Date(2026, 1, 2, 3, 4, 5, 600, time.FixedZone("", 3600))
	ofStruct, err := guests.Encode(g)
	if err != nil {
		t.Fatal(err)
	}
	delete(ofStruct, "edition") // a zero is stored, and absent in the item that was given
	for p, item := range map[*plan]Item{guests.plan: ofStruct, raw.plan: filled} {
		if err := p.stampItem("put", item, now); err != nil {
			t.Fatal(err)
		}
		if err := p.compose("put", item); err != nil {
			t.Fatal(err)
		}
	}
	for name := range ofStruct {
		if !reflect.DeepEqual(filled[name], ofStruct[name]) {
			t.Errorf("%s is %s at run time, %s of the struct", name, valueText(filled[name]), valueText(ofStruct[name]))
		}
	}
	if len(filled) != len(ofStruct) {
		t.Errorf("%d attributes at run time, %d of the struct", len(filled), len(ofStruct))
	}

	filled["state"], filled["stars"] = storedS("lost"), storedN("4")
	err = raw.plan.check("put", nil, &filled)
	if got := Errors(err); len(got) != 2 || got[0].Attribute != "state" || got[1].Attribute != "stars" {
		t.Errorf("error is %v, want state and stars", err)
	}
}

func TestRuntimeKeys(t *testing.T) {
	raw := DefineSchema(orders.Schema())
	reader := stub{}
	ctx := context.Background()
	for what, c := range map[string]struct {
		key  Item
		want string
	}{
		"fine":       {Item{"tenant": storedS("t"), "number": storedN("1")}, "not found"},
		"more":       {Item{"tenant": storedS("t"), "number": storedN("1"), "total": storedN("1")}, "total is no key attribute: the key is tenant, number"},
		"less":       {Item{"tenant": storedS("t")}, "(attribute number): a key cannot be empty"},
		"nothing":    {nil, "(attribute tenant): a key cannot be empty"},
		"other type": {Item{"tenant": storedS("t"), "number": storedS("1")}, "the key is stored as S here, and as N in the table"},
	} {
		if _, err := raw.Get(ctx, reader, c.key); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error is %v, want %q", what, err, c.want)
		}
	}
	item := Item{"tenant": storedS("t"), "number": storedN("1"), "more": storedS("x")}
	got, err := raw.Get(ctx, stub{item: item}, Item{"tenant": storedS("t"), "number": storedN("1")})
	if err != nil || !reflect.DeepEqual(got, item) {
		t.Errorf("read is %v, %v, want %v", got, err, item)
	}
	got["more"] = storedS("y")
	if valueText(item["more"]) != `"x"` {
		t.Error("what was read is the store's own map")
	}
}

// stub is a Reader that has one item.
type stub struct {
	Reader
	item Item
}

func (s stub) Get(context.Context, *GetRequest) (Item, error) { return s.item, nil }

func TestDefineSchemaWrong(t *testing.T) {
	base := func() *Schema {
		return &Schema{Name: "things", Hash: "id", Attributes: []AttributeSchema{{Name: "id", Type: "S"}, {Name: "n", Type: "N"}, {Name: "list", Type: "L"}}}
	}
	for name, c := range map[string]struct {
		change func(*Schema)
		want   []string
	}{
		"nothing":  {func(s *Schema) {}, nil},
		"empty":    {func(s *Schema) { *s = Schema{} }, []string{"there is no partition key", `name ""`}},
		"name":     {func(s *Schema) { s.Name = "Things" }, []string{`name "Things": allowed is`}},
		"keys":     {func(s *Schema) { s.Hash, s.Sort = "ix", "list" }, []string{`hash "ix" is none of the attributes: there are id, n, list`, `attribute "list": L is stored as L and cannot be a key`}},
		"one key":  {func(s *Schema) { s.Sort = "id" }, []string{`attribute "id": one attribute cannot be both keys`}},
		"time key": {func(s *Schema) { s.Attributes[0].Go = "time.Time" }, []string{`attribute "id": a time.Time in text cannot be a key`}},
		"attributes": {func(s *Schema) {
			s.Attributes = append(s.Attributes, AttributeSchema{Name: "n", Type: "S"}, AttributeSchema{Name: "", Type: "S"}, AttributeSchema{Name: "x", Type: "string"}, AttributeSchema{Name: strings.Repeat("x", 256), Type: "S"})
		}, []string{`attribute "n": it is there twice`, `attribute 4 has no name`, `attribute "x": type "string" is unknown: allowed are S, N`, "256 bytes long"}},
		"defaults": {func(s *Schema) {
			s.Attributes[1].Default, s.Attributes[2].Default = "x", "y"
			s.Attributes = append(s.Attributes, AttributeSchema{Name: "b", Type: "BOOL", Default: "yes"}, AttributeSchema{Name: "t", Type: "N", Go: "time.Time", Default: "1"}, AttributeSchema{Name: "f", Type: "N", Default: "NaN"}, AttributeSchema{Name: "i", Type: "N", Default: "1e200"})
		}, []string{`attribute "n": default "x" is no N`, `attribute "list": default "y" is no L: a default is for`, `attribute "b": default "yes"`, `attribute "t": default "1" is no time.Time`, `attribute "f": default "NaN"`, `attribute "i": default "1e200"`}},
		"enums": {func(s *Schema) {
			s.Attributes[0].Enum, s.Attributes[1].Enum, s.Attributes[2].Enum = []string{"a", "", "a"}, []string{"1", "01", "x"}, []string{"x"}
			s.Attributes[1].Default = "2"
		}, []string{`attribute "id": enum has an empty value`, `attribute "id": enum has "a" twice`, `attribute "n": enum value "01" is no number`, `attribute "n": enum value "x"`, `attribute "list": enum is for`, `attribute "n": its default "2" is none`}},
		"settings": {func(s *Schema) {
			s.Settings = Settings{RecoveryDays: 36, Indexes: map[string]IndexSettings{"by_x": {Warm: Throughput{Read: 12000}}}}
		}, []string{"Settings.RecoveryDays is 36", `Settings.Indexes names index "by_x"`}},
		"version":         {func(s *Schema) { s.Version = "list" }, []string{`attribute "list": the version is stored as L`}},
		"version?":        {func(s *Schema) { s.Version = "v" }, []string{`version "v" is none of the attributes`}},
		"version as well": {func(s *Schema) { s.Version, s.Sort = "n", "n" }, []string{`attribute "n": the version cannot be a key`}},
		"stamps": {func(s *Schema) {
			s.Attributes[1].Stamp, s.Attributes[2].Stamp = "made", "created"
		}, []string{`attribute "n": stamp "made" is unknown`, `attribute "list": stamp:"created" is for time.Time`}},
		"ttl":    {func(s *Schema) { s.TTL = "x" }, []string{`TTL attribute "x" is none`}},
		"unique": {func(s *Schema) { s.Attributes[1].Unique, s.Attributes[2].Unique = "normalized", "first" }, []string{`attribute "n": only strings are normalized`, `attribute "list": unique:"first" is unknown`, `attribute "list": L is stored as L and cannot be unique`}},
		"indexes": {func(s *Schema) {
			s.Indexes = []IndexSchema{
				{Name: "by_n", Hash: "n", Projection: "ALL", Include: []string{"list"}},
				{Name: "by_n", Hash: "n", Sort: "x", Projection: "KEYS"},
				{Name: "a", Sort: "n", Projection: "INCLUDE"},
				{Name: "by_list", Hash: "list", Projection: "INCLUDE", Include: []string{"y"}},
			}
		}, []string{`index "by_n" includes attributes, and its projection is ALL`, `index "by_n" is there twice`, `index "by_n" names "x", which is none`, `index "by_n" has the projection "KEYS": allowed are ALL`,
			`index name "a": allowed`, `index "a" includes no attribute`, `index "a" has no partition key`, `attribute "list": L is stored as L and cannot be a key of index "by_list"`, `index "by_list" names "y"`}},
		"local indexes": {func(s *Schema) {
			s.Indexes = []IndexSchema{{Name: "one", Hash: "n", Local: true, Projection: "ALL"}}
		}, []string{`local index "one" has no sort key`, `local index "one" has the partition key "n", and it shares the table's, "id"`, `local index "one": only a table with a sort key`}},
		"templates": {func(s *Schema) {
			s.Attributes[0].Template, s.Attributes[1].Template = "{n}", "{id}"
		}, []string{`attribute "id": template:"{n}": {n} is composed by a template itself`, `attribute "n": template:"{id}" makes a string, this is N`, `attribute "n": template:"{id}" is for keys`, `attribute "n": template:"{id}": {id} is composed`}},
	} {
		t.Run(name, func(t *testing.T) {
			s := base()
			c.change(s)
			before, _ := json.Marshal(s)
			checkProblems(t, DefineSchema(s).Err(), c.want)
			if after, _ := json.Marshal(s); string(after) != string(before) {
				t.Errorf("the given schema is changed from %s to %s", before, after)
			}
		})
	}
	checkProblems(t, DefineSchema(nil).Err(), []string{"the schema is nil", `name ""`})
	if err := second(DefineSchema(nil).Get(context.Background(), stub{}, nil)); err == nil {
		t.Error("a wrong definition can be used")
	}
}

// The kinds that a schema may name are those that definitions give.
func TestStoredKinds(t *testing.T) {
	for _, a := range everythings.Schema().Attributes {
		if !slices.Contains(storedKinds[:], a.Type) {
			t.Errorf("%s is stored as %s, which DefineSchema does not take", a.Name, a.Type)
		}
	}
	for av, want := range map[types.AttributeValue]string{
		&types.AttributeValueMemberS{}: "S", &types.AttributeValueMemberN{}: "N", &types.AttributeValueMemberB{}: "B", &types.AttributeValueMemberBOOL{}: "BOOL", &types.AttributeValueMemberNULL{}: "NULL",
		&types.AttributeValueMemberL{}: "L", &types.AttributeValueMemberM{}: "M", &types.AttributeValueMemberSS{}: "SS", &types.AttributeValueMemberNS{}: "NS", &types.AttributeValueMemberBS{}: "BS",
	} {
		if got := typeOf(av); got != want {
			t.Errorf("%T is %s, want %s", av, got, want)
		}
	}
}
