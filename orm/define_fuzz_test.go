package orm_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"pgregory.net/rapid"

	"github.com/vinci-go/vinci/orm"
	"github.com/vinci-go/vinci/orm/ormtest"
)

type (
	shade  string
	shadow struct {
		Text string `dynamo:"text" validate:"omitempty,max=5"`
		N    *int   `dynamo:"n"`
	}
	darkness []darkness
	twilight struct {
		Name string    `dynamo:"name"`
		Next *twilight `dynamo:"next"`
	}
)

func given[V any](v V) *V { return &v }

// fieldValues are values of the types that fields may have, right ones and wrong.
var fieldValues = []any{
	"v", "v", "v", shade("v"), 7, int8(7), int64(7), int64(7), uint16(7), 1.5, float32(1.5), true, []byte("v"), [4]byte{1}, time.Unix(7, 0).UTC(), time.Unix(7, 0).UTC(), 7 * time.Second,
	orm.DecimalFromInt(7), []string{"v"}, []int{7}, []float64{1.5}, [][]byte{{1}}, []uint8{7}, map[string]string{"v": "w"}, map[string]int{"v": 7}, map[string]bool{"v": true}, map[int]struct{}{7: {}},
	map[string]*int{"v": given(7)}, shadow{Text: "v"}, &shadow{N: given(7)}, []shadow{{Text: "v"}}, map[string]shadow{"v": {}}, given("v"), given(7), given(true), given(time.Unix(7, 0).UTC()), given([]string{"v"}),
	netip.MustParseAddr("::1"), given(netip.MustParseAddr("::1")), orm.JSON[[]int]{Value: []int{7}}, []time.Time{time.Unix(7, 0).UTC()}, [2]string{"v", "w"}, twilight{Name: "v"}, darkness{{}}, given(given(7)),
	func() {}, make(chan int), struct{}{}, struct{ x int }{7}, errors.New("v"), complex(1, 2), [0]int{}, uintptr(7),
}

// drawTag makes the tag of a field. A careful hand uses few options at once, or
// hardly a definition would be right.
func drawTag(t *rapid.T, name string, careful bool) string {
	rare := 1
	if careful {
		rare = 6
	}
	tag := name
	for _, o := range []string{"set", "omitempty", "omitemptyelem", "allowempty", "allowemptyelem", "null", "unixtime", "range", "hash", "nothing"} {
		if oneIn(t, 12*rare, o) && (o != "hash" && o != "nothing" || oneIn(t, 6, "really")) {
			tag += "," + o
		}
	}
	out := fmt.Sprintf("dynamo:%q", tag)
	for _, more := range []struct {
		key    string
		values []string
	}{
		{"index", []string{"ix1,hash", "ix1,range", "ix2,hash", "ix2,range", "ix1,range;ix2,hash", "ix", "ix3"}},
		{"localIndex", []string{"lx1,range", "lx2,range", "lx1,hash"}},
		{"default", []string{"v", "w", "7", "true", "1h", "1.5", "0x1p-2", "2026-01-02T03:04:05+05:45", "::2", "[1]", "\xff", "", "1e-300", "1e400"}},
		{"enum", []string{"v,w", "7,8", "v", "v,,w", "\xff", "::1", "1.5"}},
		{"unique", []string{"exact", "normalized", "never"}},
		{"version", []string{"true", "yes"}},
		{"stamp", []string{"created", "updated", "never"}},
		{"output", []string{"hidden"}},
		{"log", []string{"masked"}},
		{"template", []string{"{f0}#{f1}", "X#{f0}", "{f1:03}|{f2}", "{id}", "{f0}", "{f0", "{f2}%{f1}", "unique#{f0}"}},
		{"validate", []string{"required", "max=5", "oneof=v w", "dive,required", "nosuch", "min=x", "required_with=F0", "omitempty,max=5", "len=1", "eqfield=Nope", "gtfield=F1", "-", "dive,keys,max=1,endkeys,required", "unique", "email|max=3", "required_if=F0"}},
		{"description", []string{"text", "\xff"}},
	} {
		if oneIn(t, 8*rare, more.key) {
			out += fmt.Sprintf(" %s:%q", more.key, rapid.SampledFrom(more.values).Draw(t, more.key+" is"))
		}
	}
	return out
}

// oneIn is true once in n times or so: rapid prefers small numbers, and shrinks to
// them.
func oneIn(t *rapid.T, n int, label string) bool {
	return rapid.IntRange(0, n-1).Draw(t, label) == n*2/3
}

// TestDefinitionsThatAreRightWork: whatever a definition says, nothing is found
// later than in Define. When it is right, an item can be inserted, read and found
// in each of its indexes, and the schema's JSON form is the same definition.
func TestDefinitionsThatAreRightWork(t *testing.T) {
	right := 0
	rapid.Check(t, func(t *rapid.T) { right += tryDefinition(t) })
	t.Logf("%d of the definitions were right", right)
}

func FuzzDefine(f *testing.F) { f.Fuzz(rapid.MakeFuzz(func(t *rapid.T) { tryDefinition(t) })) }

func tryDefinition(t *rapid.T) (right int) {
	fields := []reflect.StructField{{Name: "ID", Type: reflect.TypeFor[string](), Tag: reflect.StructTag(`dynamo:"id,hash"`)}}
	values := []reflect.Value{reflect.ValueOf("v")}
	key, pair := reflect.TypeFor[string](), any("")
	if rapid.Bool().Draw(t, "sort key") {
		fields = append(fields, reflect.StructField{Name: "Sort", Type: reflect.TypeFor[int64](), Tag: `dynamo:"sort,range" index:"ix1,range"`})
		values = append(values, reflect.ValueOf(int64(7)))
		key, pair = reflect.TypeFor[orm.Pair[string, int64]](), any(orm.Pair[string, int64]{})
	}
	careful, types := rapid.Bool().Draw(t, "careful"), fieldValues
	if careful {
		types = types[:slices.IndexFunc(types, func(v any) bool { return reflect.TypeOf(v).Kind() == reflect.Func })]
	}
	for i := range rapid.IntRange(1, 4).Draw(t, "fields") {
		v := reflect.ValueOf(rapid.SampledFrom(types).Draw(t, "value"))
		fields = append(fields, reflect.StructField{Name: fmt.Sprint("F", i), Type: v.Type(), Tag: reflect.StructTag(drawTag(t, fmt.Sprint("f", i), careful))})
		values = append(values, v)
	}
	var opts []orm.Option
	for _, o := range []orm.Option{orm.Stream(), orm.TTL("f0"), orm.KeysOnly("ix1"), orm.Include("ix2", "f0", "f0"), orm.Include("ix1", "id"), orm.Description("v")} {
		if oneIn(t, 10, "option") && !(careful && rapid.Bool().Draw(t, "left out")) {
			opts = append(opts, o)
		}
	}
	rt := reflect.StructOf(fields)
	def := orm.DefineType("things", rt, key, pair, opts...)
	if err := def.Err(); err != nil {
		for _, one := range err.(interface{ Unwrap() []error }).Unwrap() {
			if !errors.Is(one, orm.KindDefinition) || strings.Contains(one.Error(), "runtime error") {
				t.Fatalf("%s\nproblem %v", rt, one)
			}
		}
		return 0
	}
	item := reflect.New(rt)
	for i, v := range values {
		if rapid.IntRange(0, 3).Draw(t, "given") > 0 || i == 0 || fields[i].Name == "Sort" {
			item.Elem().Field(i).Set(v)
		}
	}
	schema := def.Schema()
	text, err := json.Marshal(schema)
	if err != nil {
		t.Fatalf("%s\n%v", rt, err)
	}
	var read orm.Schema
	if err := json.Unmarshal(text, &read); err != nil {
		t.Fatalf("%s\n%v", rt, err)
	}
	again := orm.DefineSchema(&read)
	if err := again.Err(); err != nil {
		t.Fatalf("%s\nthe schema's JSON form is refused: %v", rt, err)
	}
	ctx, store := t.Context(), ormtest.New()
	if err := orm.Exec(ctx, store, def.Insert(item.Interface())); err != nil {
		if refused(err) {
			return 1
		}
		t.Fatalf("%s\n%+v\nis refused: %v", rt, item.Elem().Interface(), err)
	}
	var stored orm.Item
	for _, one := range store.Items(def) {
		if !schema.HoldsUniqueValue(one) {
			stored = one
		}
	}
	got, err := store.Get(ctx, &orm.GetRequest{Table: schema, Key: schema.KeyOf(stored)})
	if err != nil || got == nil {
		t.Fatalf("%s\nget: %v, %v", rt, got, err)
	}
	// A zero may be stored by leaving it out, and what is read need not be given.
	if once, err := def.Reencode(got); err != nil {
		t.Fatalf("%s\nreading: %v", rt, err)
	} else if twice, err := def.Reencode(once); err != nil || !reflect.DeepEqual(normal(once), normal(twice)) {
		t.Fatalf("%s\nis read as %v, and then as %v, %v", rt, once, twice, err)
	}
	for _, x := range schema.Indexes {
		if got[x.Hash] == nil || x.Sort != "" && got[x.Sort] == nil {
			continue
		}
		page, err := store.Query(ctx, &orm.QueryRequest{Table: schema, Index: x.Name, Hash: got[x.Hash]})
		if err != nil || len(page.Items) == 0 {
			t.Fatalf("%s\nindex %s: %v, %v", rt, x.Name, page, err)
		}
	}
	other := ormtest.New()
	if err := orm.Exec(ctx, other, again.Insert(got)); err != nil {
		t.Fatalf("%s\nat run time the stored item is refused: %v", rt, err)
	}
	return 1
}

// refused tells what a rule or an enum says of a value from other mistakes.
func refused(err error) bool {
	for _, e := range orm.Errors(err) {
		text := e.Error()
		if e.Kind != orm.KindValidation || !strings.Contains(text, "must satisfy") && !strings.Contains(text, "none of the values") && !strings.Contains(text, "is composed by") {
			return false
		}
	}
	return len(orm.Errors(err)) > 0
}

// normal takes sets for what they are.
func normal(item orm.Item) orm.Item {
	out := orm.Item{}
	for name, av := range item {
		switch v := av.(type) {
		case *types.AttributeValueMemberSS:
			av = &types.AttributeValueMemberSS{Value: []string{fmt.Sprint(len(v.Value))}}
		case *types.AttributeValueMemberNS:
			av = &types.AttributeValueMemberNS{Value: []string{fmt.Sprint(len(v.Value))}}
		}
		out[name] = av
	}
	return out
}
