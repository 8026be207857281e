package orm

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// site is an item with everything that can be on the way to an attribute.
type (
	site struct {
		ID string `dynamo:"id,hash"`
		frame
		Home    spot              `dynamo:"home"`
		Work    *spot             `dynamo:"work"`
		Tree    *branch           `dynamo:"tree"`
		Spots   []spot            `dynamo:"spots"`
		Names   labels            `dynamo:"names,omitemptyelem"`
		Maybe   []*int            `dynamo:"maybe"`
		Times   []time.Time       `dynamo:"times"`
		ByName  map[string]spot   `dynamo:"by_name"`
		Visits  dayCounts         `dynamo:"visits"`
		Notes   map[string]remark `dynamo:"notes,allowemptyelem"`
		Dropped map[string]remark `dynamo:"dropped,omitemptyelem"`
		Grid    [][]string        `dynamo:"grid"`
		Deep    map[code][]spot   `dynamo:"deep"`
		Tags    []string          `dynamo:"tags,set"`
		Numbers map[int]bool      `dynamo:"numbers,set"`
		Blobs   [][]byte          `dynamo:"blobs,set"`
		Data    []byte            `dynamo:"data"`
		Flag    bool              `dynamo:"flag"`
		First   nothing           `dynamo:"first"`
		Second  nothing           `dynamo:"second"`
	}
	frame struct {
		Made struct {
			At time.Time `dynamo:"at,unixtime"`
			By string    `dynamo:"by" validate:"omitempty,email"`
		} `dynamo:"made"`
	}
	spot struct {
		corner
		Street string     `dynamo:"street"`
		Since  time.Time  `dynamo:"since"`
		Until  *time.Time `dynamo:"until,unixtime"`
		Codes  []int      `dynamo:"codes,set"`
		Empty  *string    `dynamo:"empty,allowempty"`
		Null   string     `dynamo:"null,null"`
		Floor  int        `dynamo:"floor,omitempty"`
		Hidden string     `dynamo:"-"`
		Links  []string   `dynamo:"links"`
	}
	corner struct {
		X int `dynamo:"x"`
	}
	branch struct {
		Name        string  `dynamo:"name"`
		Left, Right *branch `dynamo:",omitempty"`
	}
	labels    []string
	dayCounts map[string]int
	remark    string
	code      struct{ n byte }
	nothing   struct{}
)

func (c code) MarshalText() ([]byte, error)      { return []byte{'c', '0' + c.n}, nil }
func (c *code) UnmarshalText(b []byte) error     { c.n = b[1] - '0'; return nil }
func (nothing) MarshalText() ([]byte, error)     { return []byte("nothing"), nil }
func (*nothing) UnmarshalText(text []byte) error { return nil }

var sites = Define[site, string]("sites")

// inside makes a change of a nested attribute, and puts the value where the
// change is about in a whole item: both must be stored alike.
func inside[V any](a Attribute[site, V], v V, put func(*site)) func(t *testing.T, path string) {
	return func(t *testing.T, path string) {
		t.Helper()
		if got := pathText(a.Name(), a.into()); got != path {
			t.Errorf("the path is %s, want %s", got, path)
		}
		set := a.Set(v)
		if set.err != nil {
			t.Fatal(set.err)
		}
		p := site{ID: "p"}
		put(&p)
		item, err := sites.Encode(p)
		if err != nil {
			t.Fatal(err)
		}
		want := item[a.Name()]
		for _, s := range a.into() {
			switch c := want.(type) {
			case *types.AttributeValueMemberM:
				want = c.Value[s.Name]
			case *types.AttributeValueMemberL:
				if want = nil; s.Index < len(c.Value) {
					want = c.Value[s.Index]
				}
			default:
				t.Fatalf("%s is in a %T", path, want)
			}
		}
		if !reflect.DeepEqual(set.change.Value, want) {
			t.Errorf("set as %#v, in an item it is %#v", set.change.Value, want)
		}
		if (set.change.Op == ChangeRemove) != (want == nil) {
			t.Errorf("operation %d for %#v", set.change.Op, want)
		}
	}
}

func TestNestedAttributes(t *testing.T) {
	at := time.Date(2026, 11, 20, 10, 30, 0, 5, time.FixedZone("", 3600))
	empty, seven := "", 7
	home := Attr(sites, func(p *site) *spot { return &p.Home })
	spots := List(sites, func(p *site) *[]spot { return &p.Spots })
	names := List(sites, func(p *site) *labels { return &p.Names })
	maybe := List(sites, func(p *site) *[]*int { return &p.Maybe })
	byName := Map(sites, func(p *site) *map[string]spot { return &p.ByName })
	visited := Map(sites, func(p *site) *dayCounts { return &p.Visits })
	notes := Map(sites, func(p *site) *map[string]remark { return &p.Notes })
	dropped := Map(sites, func(p *site) *map[string]remark { return &p.Dropped })
	grid := List(sites, func(p *site) *[][]string { return &p.Grid })
	deep := Map(sites, func(p *site) *map[code][]spot { return &p.Deep })
	spotIn := AsList(deep.Entry(code{3})).At(0)
	for path, check := range map[string]func(*testing.T, string){
		"home.x":      inside(Attr(sites, func(p *site) *int { return &p.Home.X }), 7, func(p *site) { p.Home.X = 7 }),
		"home.street": inside(Attr(sites, func(p *site) *string { return &p.Home.Street }), "", func(*site) {}),
		"home.since":  inside(Attr(sites, func(p *site) *time.Time { return &p.Home.Since }), at, func(p *site) { p.Home.Since = at }),
		"home.until":  inside(Attr(sites, func(p *site) **time.Time { return &p.Home.Until }), &at, func(p *site) { p.Home.Until = &at }),
		"home.codes":  inside(Set(sites, func(p *site) *[]int { return &p.Home.Codes }).Attribute, []int{3, 1}, func(p *site) { p.Home.Codes = []int{3, 1} }),
		"home.empty":  inside(Attr(sites, func(p *site) **string { return &p.Home.Empty }), &empty, func(p *site) { p.Home.Empty = &empty }),
		"home.null":   inside(Attr(sites, func(p *site) *string { return &p.Home.Null }), "", func(*site) {}),
		"home.floor":  inside(Field(home, func(s *spot) *int { return &s.Floor }), 0, func(*site) {}),
		"work.street": inside(Attr(sites, func(p *site) *string { return &p.Work.Street }), "s", func(p *site) { p.Work = &spot{Street: "s"} }),
		"made.at":     inside(Attr(sites, func(p *site) *time.Time { return &p.Made.At }), at, func(p *site) { p.Made.At = at }),
		"tree.name":   inside(Attr(sites, func(p *site) *string { return &p.Tree.Name }), "n", func(p *site) { p.Tree = &branch{Name: "n"} }),
		"tree.Right.Left.Left.name": inside(Attr(sites, func(p *site) *string { return &p.Tree.Right.Left.Left.Name }), "n",
			func(p *site) { p.Tree = &branch{Right: &branch{Left: &branch{Left: &branch{Name: "n"}}}} }),
		"tree.Left":         inside(Attr(sites, func(p *site) **branch { return &p.Tree.Left }), nil, func(p *site) { p.Tree = &branch{} }),
		"spots[0]":          inside(spots.At(0), spot{Street: "s"}, func(p *site) { p.Spots = []spot{{Street: "s"}} }),
		"spots[1].until":    inside(Field(spots.At(1), func(s *spot) **time.Time { return &s.Until }), &at, func(p *site) { p.Spots = []spot{{}, {Until: &at}} }),
		"spots[0].x":        inside(Field(spots.At(0), func(s *spot) *int { return &s.corner.X }), 2, func(p *site) { p.Spots = []spot{{corner: corner{2}}} }),
		"spots[0].links[1]": inside(AsList(Field(spots.At(0), func(s *spot) *[]string { return &s.Links })).At(1), "b", func(p *site) { p.Spots = []spot{{Links: []string{"a", "b"}}} }),
		"names[0]":          inside(names.At(0), "", func(p *site) { p.Names = labels{""} }),
		"maybe[0]":          inside(maybe.At(0), nil, func(p *site) { p.Maybe = []*int{nil} }),
		"maybe[1]":          inside(maybe.At(1), &seven, func(p *site) { p.Maybe = []*int{nil, &seven} }),
		"by_name.a.b":       inside(byName.Entry("a.b"), spot{Floor: 1}, func(p *site) { p.ByName = map[string]spot{"a.b": {Floor: 1}} }),
		"by_name.x.floor":   inside(Field(byName.Entry("x"), func(s *spot) *int { return &s.Floor }), 4, func(p *site) { p.ByName = map[string]spot{"x": {Floor: 4}} }),
		"visits.2026":       inside(visited.Entry("2026"), 3, func(p *site) { p.Visits = dayCounts{"2026": 3} }),
		"notes.n":           inside(notes.Entry("n"), "", func(p *site) { p.Notes = map[string]remark{"n": ""} }),
		"dropped.n":         inside(dropped.Entry("n"), "", func(p *site) { p.Dropped = map[string]remark{"n": ""} }),
		"grid[0]":           inside(grid.At(0), []string{"", "x"}, func(p *site) { p.Grid = [][]string{{"", "x"}} }),
		"grid[1][0]":        inside(AsList(grid.At(1)).At(0), "", func(p *site) { p.Grid = [][]string{nil, {""}} }),
		"deep.c3[0].street": inside(Field(spotIn, func(s *spot) *string { return &s.Street }), "s", func(p *site) { p.Deep = map[code][]spot{{3}: {{Street: "s"}}} }),
		"deep.c3[0].links":  inside(Field(spotIn, func(s *spot) *[]string { return &s.Links }), nil, func(p *site) { p.Deep = map[code][]spot{{3}: {{}}} }),
		"deep.c3[0].codes":  inside(Field(spotIn, func(s *spot) *[]int { return &s.Codes }), []int{1}, func(p *site) { p.Deep = map[code][]spot{{3}: {{Codes: []int{1}}}} }),
		"times[0]":          inside(List(sites, func(p *site) *[]time.Time { return &p.Times }).At(0), at, func(p *site) { p.Times = []time.Time{at} }),
		"made.by":           inside(Attr(sites, func(p *site) *string { return &p.Made.By }), "a@example.com", func(p *site) { p.Made.By = "a@example.com" }),
		"data":              inside(Attr(sites, func(p *site) *[]byte { return &p.Data }), []byte{1}, func(p *site) { p.Data = []byte{1} }),
	} {
		t.Run(path, func(t *testing.T) { check(t, path) })
	}
}

// TestNestedChanges is about the operations that are not Set.
func TestNestedChanges(t *testing.T) {
	n := func(s string) types.AttributeValue { return &types.AttributeValueMemberN{Value: s} }
	s := func(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }
	l := func(v ...types.AttributeValue) types.AttributeValue { return &types.AttributeValueMemberL{Value: v} }
	floor := Number(sites, func(p *site) *int { return &p.Work.Floor })
	x := Number(sites, func(p *site) *int { return &p.Home.X })
	visited := Map(sites, func(p *site) *dayCounts { return &p.Visits })
	maybe := List(sites, func(p *site) *[]*int { return &p.Maybe })
	links := List(sites, func(p *site) *[]string { return &p.Home.Links })
	tags := Set(sites, func(p *site) *[]string { return &p.Tags })
	numbers := Set(sites, func(p *site) *map[int]bool { return &p.Numbers })
	blobs := Set(sites, func(p *site) *[][]byte { return &p.Blobs })
	for name, c := range map[string]struct {
		a    Assignment[site]
		want Change
	}{
		"add":          {x.Add(-2), Change{Op: ChangeIncrement, Path: "home", Into: []Step{{Name: "x"}}, Value: n("-2")}},
		"add nothing":  {floor.Add(0), Change{Op: ChangeIncrement, Path: "work", Into: []Step{{Name: "floor"}}, Value: n("0")}},
		"count":        {AsNumber(visited.Entry("d")).Add(1), Change{Op: ChangeIncrement, Path: "visits", Into: []Step{{Name: "d"}}, Value: n("1")}},
		"append":       {links.Append("a", "b"), Change{Op: ChangeAppend, Path: "home", Into: []Step{{Name: "links"}}, Value: l(s("a"), s("b"))}},
		"prepend":      {maybe.Prepend(nil), Change{Op: ChangePrepend, Path: "maybe", Value: l(&types.AttributeValueMemberNULL{Value: true})}},
		"remove":       {links.At(2).Remove(), Change{Op: ChangeRemove, Path: "home", Into: []Step{{Name: "links"}, {Index: 2}}}},
		"if not there": {x.SetIfNotExists(1), Change{Op: ChangeSetIfNotExists, Path: "home", Into: []Step{{Name: "x"}}, Value: n("1")}},
		"add to set":   {tags.Add([]string{"a"}), Change{Op: ChangeAdd, Path: "tags", Value: &types.AttributeValueMemberSS{Value: []string{"a"}}}},
		"delete":       {numbers.Delete(map[int]bool{4: true, 5: false}), Change{Op: ChangeDelete, Path: "numbers", Value: &types.AttributeValueMemberNS{Value: []string{"4"}}}},
		"blobs":        {blobs.Add([][]byte{{1}}), Change{Op: ChangeAdd, Path: "blobs", Value: &types.AttributeValueMemberBS{Value: [][]byte{{1}}}}},
	} {
		t.Run(name, func(t *testing.T) {
			a, err := sites.Update("p", c.a).Actions(t.Context(), nil)
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(a[0].Changes, []Change{c.want}) {
				t.Errorf("changes %+v, want %+v", a[0].Changes, c.want)
			}
		})
	}
	for name, c := range map[string]struct {
		cond Condition[site]
		want Cond
	}{
		"nested":        {x.Between(1, 2), Cond{Op: CondBetween, Path: "home", Into: []Step{{Name: "x"}}, Values: []types.AttributeValue{n("1"), n("2")}}},
		"nested absent": {floor.Eq(0), Cond{Op: CondNotExists, Path: "work", Into: []Step{{Name: "floor"}}}},
		"in": {floor.In(1, 0), Cond{Op: CondOr, Of: []*Cond{{Op: CondNotExists, Path: "work", Into: []Step{{Name: "floor"}}},
			{Op: CondIn, Path: "work", Into: []Step{{Name: "floor"}}, Values: []types.AttributeValue{n("1")}}}}},
		"contains":      {links.Contains("a"), Cond{Op: CondContains, Path: "home", Into: []Step{{Name: "links"}}, Values: []types.AttributeValue{s("a")}}},
		"contains nil":  {maybe.Contains(nil), Cond{Op: CondContains, Path: "maybe", Values: []types.AttributeValue{&types.AttributeValueMemberNULL{Value: true}}}},
		"begins":        {BeginsWith(links.At(0), "a"), Cond{Op: CondBeginsWith, Path: "home", Into: []Step{{Name: "links"}, {Index: 0}}, Values: []types.AttributeValue{s("a")}}},
		"exists":        {visited.Entry("d").Exists(), Cond{Op: CondExists, Path: "visits", Into: []Step{{Name: "d"}}}},
		"size":          {links.Size().Ge(3), Cond{Op: CondGe, Path: "home", Into: []Step{{Name: "links"}}, Size: true, Values: []types.AttributeValue{n("3")}}},
		"size between":  {tags.Size().Between(1, 3), Cond{Op: CondBetween, Path: "tags", Size: true, Values: []types.AttributeValue{n("1"), n("3")}}},
		"contains all":  {tags.ContainsAll([]string{"a"}), Cond{Op: CondContains, Path: "tags", Values: []types.AttributeValue{s("a")}}},
		"contains both": {blobs.ContainsAll([][]byte{{1}, {2}}), Cond{Op: CondAnd, Of: []*Cond{{Op: CondContains, Path: "blobs", Values: []types.AttributeValue{&types.AttributeValueMemberB{Value: []byte{1}}}}, {Op: CondContains, Path: "blobs", Values: []types.AttributeValue{&types.AttributeValueMemberB{Value: []byte{2}}}}}}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := c.cond.Tree()
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(*got, c.want) {
				t.Errorf("condition %+v, want %+v", *got, c.want)
			}
		})
	}
	if c, err := tags.ContainsAll(nil).Tree(); c != nil || err != nil {
		t.Errorf("to contain all of none is %+v, %v; it holds always", c, err)
	}
}

func TestRefusedNestedWrites(t *testing.T) {
	home := Attr(sites, func(p *site) *spot { return &p.Home })
	street := Attr(sites, func(p *site) *string { return &p.Home.Street })
	by := Attr(sites, func(p *site) *string { return &p.Made.By })
	links := List(sites, func(p *site) *[]string { return &p.Home.Links })
	names := List(sites, func(p *site) *labels { return &p.Names })
	codes := Set(sites, func(p *site) *[]int { return &p.Home.Codes })
	tags := Set(sites, func(p *site) *[]string { return &p.Tags })
	visited := Map(sites, func(p *site) *dayCounts { return &p.Visits })
	times := List(sites, func(p *site) *[]time.Time { return &p.Times })
	flag := Attr(sites, func(p *site) *bool { return &p.Flag })
	one := func(a Assignment[site]) Write { return sites.Update("p", a) }
	when := func(c Condition[site]) Write { return sites.Delete("p").If(c) }
	for name, c := range map[string]struct {
		w         Write
		kind      Kind
		attribute string
		says      string
	}{
		"outer and inner":        {sites.Update("p", home.Set(spot{}), street.Set("x")), KindValidation, "home", "changed together with what is inside it, home.street"},
		"inner and outer":        {sites.Update("p", links.At(2).Set("x"), links.Append("y")), KindValidation, "home.links", "changed together with what is inside it, home.links[2]"},
		"twice":                  {sites.Update("p", links.At(2).Set("x"), links.At(2).Remove()), KindValidation, "home.links[2]", "changed twice"},
		"rule of a nested field": {one(by.Set("nobody")), KindValidation, "made.by", `must satisfy "email"`},
		"before the list":        {one(links.At(-1).Set("x")), KindValidation, "home.links", "elements count from 0"},
		"field before the list":  {one(AsNumber(Field(List(sites, func(p *site) *[]spot { return &p.Spots }).At(-1), func(s *spot) *int { return &s.X })).Add(1)), KindValidation, "spots", "elements count from 0"},
		"empty map key":          {one(visited.Entry("").Set(1)), KindValidation, "visits", "empty map key"},
		"append of none":         {one(links.Append()), KindValidation, "home.links", "nothing to add"},
		"append of dropped":      {one(names.Append("", "")), KindValidation, "names", "nothing to add"},
		"contains dropped":       {when(names.Contains("")), KindValidation, "names", "never stored"},
		"add none":               {one(tags.Add(nil)), KindValidation, "tags", "no element in the set"},
		"add to nested set":      {one(codes.Add([]int{1})), KindDefinition, "home.codes", "sets that are attributes of the table"},
		"delete of nested set":   {one(codes.Delete([]int{1})), KindDefinition, "home.codes", "sets that are attributes of the table"},
		"order of nested times":  {when(times.At(0).Lt(time.Now())), KindDefinition, "times[0]", "do not sort by time"},
		"order of a struct":      {when(home.Gt(spot{})), KindDefinition, "home", "have no order"},
		"size of a bool":         {when(flag.Size().Eq(1)), KindDefinition, "flag", "have no size"},
		"size of nothing":        {when(AttributeSize[site]{}.Eq(1)), KindDefinition, "", "must be made by Size"},
		"count what is no number": {one(AsNumber(Attribute[site, int]{table: "sites", plan: sites.plan, f: sites.plan.byName["flag"]}).Add(1)), KindDefinition, "flag",
			"stored as BOOL and cannot be counted"},
		"list of what is a set":    {one(AsList(tags.Attribute).Append("x")), KindDefinition, "tags", "stored as SS and is not a list"},
		"map of a zero attribute":  {one(AsMap(Attribute[site, dayCounts]{}).Entry("x").Set(1)), KindDefinition, "", "must be made by orm.Attr"},
		"zero list":                {one(ListAttribute[site, []int, int]{}.Append(1)), KindDefinition, "", "must be made by orm.Attr"},
		"element of a zero list":   {one(ListAttribute[site, []int, int]{}.At(0).Set(1)), KindDefinition, "", "must be made by orm.Attr"},
		"set of a zero attribute":  {one(SetAttribute[site, []int]{}.Add([]int{1})), KindDefinition, "", "must be made by orm.Attr"},
		"zero contains all":        {when(SetAttribute[site, []int]{}.ContainsAll([]int{1})), KindDefinition, "", "must be made by orm.Attr"},
		"field of a zero element":  {one(Field(Attribute[site, spot]{}, func(s *spot) *int { return &s.X }).Set(1)), KindDefinition, "", "must be made by orm.Attr"},
		"number that cannot be":    {one(Attr(sites, func(p *site) **time.Time { return &p.Work.Until }).Set(&time.Time{})), "", "", ""},
		"remove what is not there": {one(street.Remove()), "", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := c.w.Actions(t.Context(), nil)
			if c.kind == "" {
				if err != nil {
					t.Errorf("refused: %v", err)
				}
				return
			}
			if !errors.Is(err, c.kind) {
				t.Fatalf("error is %v, want kind %q", err, c.kind)
			}
			if e := Errors(err)[0]; e.Attribute != c.attribute || !strings.Contains(err.Error(), c.says) {
				t.Errorf("error is about %q and says %q, want %q and %q", e.Attribute, err, c.attribute, c.says)
			}
		})
	}
}

// TestAttributeMistakes is about programs written wrong, which end at their start.
func TestAttributeMistakes(t *testing.T) {
	own := 0
	type lost struct {
		ID   string `dynamo:"id,hash"`
		Skip struct{ X int }
		Here [1]int `dynamo:"here"`
	}
	losts := Define[lost, string]("losts")
	for name, c := range map[string]struct {
		f    func()
		says string
	}{
		"elsewhere":      {func() { Attr(sites, func(*site) *int { return &own }) }, "orm.Attr: the function does not point at an attribute of table \"sites\""},
		"nil":            {func() { Attr(sites, func(*site) *int { return nil }) }, "does not point at an attribute"},
		"element":        {func() { Attr(sites, func(p *site) *string { return &p.Tags[0] }) }, "panics on an empty orm.site: runtime error: index out of range"},
		"array element":  {func() { Attr(losts, func(l *lost) *int { return &l.Here[0] }) }, "does not point at an attribute"},
		"left out":       {func() { Attr(sites, func(p *site) *string { return &p.Home.Hidden }) }, "does not point at an attribute"},
		"one place":      {func() { Attr(sites, func(p *site) *nothing { return &p.Second }) }, "First and Second are at one place in memory"},
		"list of a set":  {func() { List(sites, func(p *site) *[]string { return &p.Tags }) }, "orm.List: field Tags of table \"sites\""},
		"list of bytes":  {func() { List(sites, func(p *site) *[]byte { return &p.Data }) }, "is stored as B and is not a list"},
		"map of a set":   {func() { Map(sites, func(p *site) *map[int]bool { return &p.Numbers }) }, "is stored as NS and is not a map"},
		"set of a list":  {func() { Set(sites, func(p *site) *[]spot { return &p.Spots }) }, "is stored as L and is not a set"},
		"field of other": {func() { Field(Attr(sites, func(p *site) *spot { return &p.Home }), func(*spot) *int { return &own }) }, "orm.Field: the function does not point at a field of orm.spot, which attribute home"},
		"other panic":    {func() { Attr(sites, func(*site) *int { panic("mine") }) }, "mine"},
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if r := recover(); !strings.Contains(fmt.Sprint(r), c.says) {
					t.Errorf("panics with %v, want %q", r, c.says)
				}
			}()
			c.f()
		})
	}
	// On a wrong table nothing panics: its error says it all.
	wrong := Define[struct{ M map[string][]int }, string]("wrong")
	m := Map(wrong, func(w *struct{ M map[string][]int }) *map[string][]int { return &w.M })
	if _, err := wrong.Update("x", AsNumber(AsList(m.Entry("k")).At(0)).Add(1)).Actions(t.Context(), nil); !errors.Is(err, KindDefinition) {
		t.Errorf("error is %v", err)
	}
	if err := AsList(m.Entry("k")).At(0).Set(1).err; !errors.Is(err, KindDefinition) {
		t.Errorf("error is %v", err)
	}
}

// A type that holds itself many times over has an end.
func TestProbeEnds(t *testing.T) {
	type wide struct{ A, B, C, D, E, F *wide }
	type item struct {
		ID string `dynamo:"id,hash"`
		W  *wide  `dynamo:"w,omitempty"`
	}
	defer func() {
		if r := fmt.Sprint(recover()); !strings.Contains(r, "the function panics on an empty orm.item") {
			t.Errorf("panics with %s", r)
		}
	}()
	probe("orm.Attr", func(i *item) **wide {
		return &i.W.A.A.A.A.A.A.A.A.A.A.A.A.A.A.A.A.A.A.A.A.A.A.A.A.A.A.A.A.A.A.A.A.A.A.A
	})
}
