package orm

import (
	"errors"
	"math"
	"net"
	"net/netip"
	"testing"
	"time"
)

// What is wrong with a definition is found in Define, and not by the first item.

type (
	endlessList []endlessList
	endlessMap  map[string]endlessMap
	endlessPtr  *endlessPtr
	share       float64
	ruledInner  struct {
		X string      `dynamo:"x" validate:"emial"`
		Y *ruledInner `dynamo:"y"`
	}
	// keyed embeds a Pair, and has its methods.
	keyed struct{ Pair[string, string] }
	hop   struct {
		Name string `dynamo:"name"`
		Next *hop   `dynamo:"next"`
	}
	trail struct {
		ID  string         `dynamo:"id,hash"`
		Hop *hop           `dynamo:"hop"`
		By  map[string]hop `dynamo:"by"`
	}
)

func TestDefineFindsWhatItemsWould(t *testing.T) {
	type plain struct {
		ID string `dynamo:"id,hash"`
	}
	type both struct {
		ID string `dynamo:"id,hash"`
		S  string `dynamo:"s,range"`
	}
	for name, c := range map[string]struct {
		err  error
		want []string
	}{
		"nil option":      {Define[plain, string]("things", Stream(), nil).Err(), []string{"option 2 is nil"}},
		"pointer to pair": {Define[both, *Pair[string, string]]("things").Err(), []string{"make it orm.Pair[string, string]"}},
		"embedded pair":   {Define[both, keyed]("things").Err(), []string{"make it orm.Pair[string, string]"}},
		"endlessList types": {wrong[struct {
			ID string      `dynamo:"id,hash"`
			A  endlessList `dynamo:"a" validate:"required"`
			B  endlessMap  `dynamo:"b,allowemptyelem"`
			C  endlessPtr  `dynamo:"c"`
		}](), []string{".A", ".B", ".C: a pointer to the pointer"}},
		"options of keys": {Define[struct {
			ID string `dynamo:"id,hash,null"`
			S  int    `dynamo:"s,range,omitempty" index:"by_s,hash"`
		}, Pair[string, int]]("things").Err(), []string{".ID: `,null` is about values that are left out", ".S: `,omitempty` is about"}},
		"no UTF-8": {wrong[struct {
			ID string `dynamo:"id,hash"`
			A  string `dynamo:"a\xff"`
			B  string `dynamo:"b" default:"\xff"`
			C  string `dynamo:"c" enum:"x,\xff"`
			D  struct {
				E int `dynamo:"\xff"`
			} `dynamo:"d"`
		}](), []string{`.A: the attribute name "a\xff"`, `.C: enum value "\xff"`, `.D.E: the attribute name "\xff"`}},
		"default that is no UTF-8": {wrong[struct {
			ID string `dynamo:"id,hash"`
			B  string `dynamo:"b" default:"\xff"`
		}](), []string{".B: its default cannot be stored: the text is no valid UTF-8"}},
		"default against its rules": {wrong[struct {
			ID string `dynamo:"id,hash"`
			A  string `dynamo:"a" default:"nobody" validate:"email"`
			B  *int   `dynamo:"b" default:"7" validate:"omitempty,max=5"`
			C  int    `dynamo:"c" default:"5" validate:"max=5,ltefield=D"`
			D  int    `dynamo:"d"`
		}](), []string{`.A: its default does not pass its own validate tag: it must satisfy "email"`}},
		"rules behind pointers": {wrong[struct {
			ID string      `dynamo:"id,hash"`
			A  *ruledInner `dynamo:"a"`
			B  []struct {
				Z []string `dynamo:"z" validate:"dive,nope"`
			} `dynamo:"b" validate:"dive"`
		}](), []string{`.A.X: validate:"emial": unknown rule`, `.B.Z: validate:"dive,nope": unknown rule "nope"`}},
		"keys of a list": {wrong[struct {
			ID string         `dynamo:"id,hash"`
			A  []string       `dynamo:"a" validate:"dive,keys,max=1,endkeys,required"`
			B  map[string]int `dynamo:"b" validate:"keys,max=1,endkeys"`
			C  map[string]int `dynamo:"c" validate:"dive,keys,max=1,endkeys,required"`
		}](), []string{".A: validate", ".B: validate"}},
		"unique and empty": {wrong[struct {
			ID string `dynamo:"id,hash"`
			A  string `dynamo:"a,allowempty" unique:"normalized"`
		}](), []string{".A: `,allowempty` would store an empty value"}},
		"a bound of a struct": {wrong[struct {
			ID string `dynamo:"id,hash"`
			A  *hop   `dynamo:"a" validate:"omitempty,max=5"`
			B  *hop   `dynamo:"b" validate:"required"`
		}](), []string{`.A: validate:"omitempty,max=5": rule "max=5" does not fit *orm.hop`}},
		"pointer to a set": {wrong[struct {
			ID string    `dynamo:"id,hash"`
			A  *[]string `dynamo:"a,set"`
			B  *[]string `dynamo:"b,set,omitempty"`
		}](), []string{".A: a *[]string that points at an empty set would be stored like nil"}},
		"ttl of a duration": {wrong[struct {
			ID string        `dynamo:"id,hash"`
			A  time.Duration `dynamo:"a"`
		}](TTL("a")), []string{".A: the TTL attribute is time.Duration"}},
		"ttl of a float": {wrong[struct {
			ID string  `dynamo:"id,hash"`
			A  float64 `dynamo:"a"`
		}](TTL("a")), []string{".A: the TTL attribute is float64"}},
		"ttl": {wrong[struct {
			ID string     `dynamo:"id,hash"`
			A  *time.Time `dynamo:"a,unixtime"`
		}](TTL("a")), nil},
	} {
		t.Run(name, func(t *testing.T) { checkProblems(t, c.err, c.want) })
	}
	if err := DefineSchema(&Schema{Name: "things", Hash: "id", Attributes: []AttributeSchema{{Name: "id", Type: "S"}, {Name: "\xff", Type: "S"},
		{Name: "a", Type: "S", Enum: []string{"\xff"}}, {Name: "b", Type: "S", Default: "\xff"}}}).Err(); err == nil || len(err.(interface{ Unwrap() []error }).Unwrap()) != 3 {
		t.Errorf("error is %v, want one for each text that is no UTF-8", err)
	}
}

// No two items share the memory of a default.
func TestDefaultsAreOwn(t *testing.T) {
	type host struct {
		ID   string         `dynamo:"id,hash"`
		IP   net.IP         `dynamo:"ip" default:"127.0.0.1"`
		Tags JSON[[]string] `dynamo:"tags" default:"[\"a\"]"`
		Ptr  *JSON[[]int]   `dynamo:"ptr" default:"[1]"`
		N    *int           `dynamo:"n" default:"1"`
		Addr netip.Addr     `dynamo:"addr" default:"10.0.0.1"`
	}
	hosts := Define[host, string]("hosts")
	if err := hosts.Err(); err != nil {
		t.Fatal(err)
	}
	one := hosts.Fill(host{})
	one.IP[len(one.IP)-1], one.Tags.Value[0], one.Ptr.Value[0], *one.N = 9, "b", 2, 2
	two := hosts.Fill(host{})
	if two.IP.String() != "127.0.0.1" || two.Tags.Value[0] != "a" || two.Ptr.Value[0] != 1 || *two.N != 1 || two.Addr.String() != "10.0.0.1" {
		t.Errorf("a change to one item's defaults changed another's: %+v", two)
	}
}

// The default of a float is the same at run time, however the tag writes it.
func TestFloatDefaultsAtRunTime(t *testing.T) {
	type rates struct {
		ID string  `dynamo:"id,hash"`
		A  share   `dynamo:"a" default:"0x1p-2"`
		B  float32 `dynamo:"b" default:"0.1"`
		C  *share  `dynamo:"c" default:"1e-400"`
		D  float64 `dynamo:"d" default:"-0"`
	}
	table := Define[rates, string]("rates")
	raw := DefineSchema(table.Schema())
	if err := errors.Join(table.Err(), raw.Err()); err != nil {
		t.Fatal(err)
	}
	want, err := table.Encode(table.Fill(rates{ID: "a"}))
	if err != nil {
		t.Fatal(err)
	}
	if got := raw.Fill(Item{"id": storedS("a")}); showItem(got) != showItem(want) {
		t.Errorf("defaults at run time are %s, of the struct %s", showItem(got), showItem(want))
	}
}

// A value that holds itself is refused, and not encoded until the memory ends.
func TestEndlessValues(t *testing.T) {
	trails := Define[trail, string]("trails")
	if err := trails.Err(); err != nil {
		t.Fatal(err)
	}
	chain := func(n int) *hop {
		var h *hop
		for range n {
			h = &hop{Name: "h", Next: h}
		}
		return h
	}
	round := chain(1)
	round.Next = round
	for name, at := range map[string]trail{"a ring": {ID: "a", Hop: round}, "a long chain": {ID: "a", Hop: chain(maxDepth + 1)}, "within a map": {ID: "a", By: map[string]hop{"x": *round}}} {
		if _, err := trails.Encode(at); !errors.Is(err, KindValidation) || !errors.Is(err, errTooDeep) {
			t.Errorf("%s: error is %v, want %v", name, err, errTooDeep)
		}
		if _, err := trails.Insert(at).Actions(t.Context(), nil); !errors.Is(err, errTooDeep) {
			t.Errorf("%s: insert says %v", name, err)
		}
	}
	attr := Attr(trails, func(t *trail) **hop { return &t.Hop })
	if _, err := trails.Update("a", attr.Set(round)).Actions(t.Context(), nil); !errors.Is(err, errTooDeep) {
		t.Errorf("set says %v", err)
	}
	// A wide value is not a deep one.
	wide := trail{ID: "a", By: map[string]hop{}}
	for i := range 3 * maxDepth {
		wide.By[string(rune('a'+i))] = *chain(10)
	}
	if _, err := trails.Encode(wide); err != nil {
		t.Error(err)
	}
}

func TestDecodeCopiesBytes(t *testing.T) {
	type files struct {
		ID   string   `dynamo:"id,hash"`
		Data []byte   `dynamo:"data"`
		Sets [][]byte `dynamo:"sets,set"`
	}
	table := Define[files, string]("files")
	item, err := table.Encode(files{ID: "a", Data: []byte("one"), Sets: [][]byte{[]byte("two")}})
	if err != nil {
		t.Fatal(err)
	}
	first, err := table.Decode(item)
	if err != nil {
		t.Fatal(err)
	}
	first.Data[0], first.Sets[0][0] = 'X', 'X'
	if second, err := table.Decode(item); err != nil || string(second.Data) != "one" || string(second.Sets[0]) != "two" {
		t.Errorf("a change to a decoded item changed the stored one: %s %s %v", second.Data, second.Sets[0], err)
	}
}

// Minus zero is zero: once in a set, and the same to every condition.
func TestMinusZero(t *testing.T) {
	type numbers struct {
		ID  string    `dynamo:"id,hash"`
		F   float64   `dynamo:"f"`
		Set []float32 `dynamo:"set,set"`
	}
	table, minus := Define[numbers, string]("numbers"), math.Copysign(0, -1)
	item, err := table.Encode(numbers{ID: "a", F: minus, Set: []float32{float32(minus), 1}})
	if err != nil || showItem(item) != `"f": N0  "id": Sa  "set": NS[0 1]  ` {
		t.Errorf("minus zero is stored as %s, %v", showItem(item), err)
	}
	if _, err := table.Encode(numbers{ID: "a", Set: []float32{0, float32(minus)}}); !errors.Is(err, errTwice) {
		t.Errorf("zero twice in a set: error is %v, want %v", err, errTwice)
	}
}

// Whole numbers are read in every form that a store may give them back in.
func TestDecodeWholeNumbers(t *testing.T) {
	type counts struct {
		ID string `dynamo:"id,hash"`
		I  int64  `dynamo:"i"`
		U  uint8  `dynamo:"u"`
	}
	table := Define[counts, string]("counts")
	for _, text := range []string{"100", "1e2", "1E+2", "100.0", "0.1e3", "+100"} {
		got, err := table.Decode(Item{"id": storedS("a"), "i": storedN(text), "u": storedN(text)})
		if err != nil || got.I != 100 || got.U != 100 {
			t.Errorf("%s is read as %+v, %v", text, got, err)
		}
	}
	for _, text := range []string{"1e3", "0.5", "-1", "1e", "ten", ""} {
		if got, err := table.Decode(Item{"id": storedS("a"), "u": storedN(text)}); !errors.Is(err, KindValidation) {
			t.Errorf("%q is read as %+v, %v: want %s", text, got, err, KindValidation)
		}
	}
}
