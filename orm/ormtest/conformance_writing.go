package ormtest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/vinci-go/vinci/orm"
)

// writing is the part of [Conformance] that is about typed writing: unique
// values, versions, stamps, composite keys, paths, defaults, and what a
// transaction of several tables says when it is cancelled.
func writing(t *testing.T, newStore func(t *testing.T, tables ...orm.Definition) orm.Store) {
	for _, c := range []struct {
		name string
		test func(*testing.T, *office)
	}{
		{"UniqueChanged", writeUniqueChanged}, {"UniqueTaken", writeUniqueTaken}, {"UniqueSeveral", writeUniqueSeveral},
		{"UniqueSetIfNotExists", writeUniqueSetIfNotExists}, {"UniqueSwapped", writeUniqueSwapped}, {"UniqueMoved", writeUniqueMoved},
		{"UniqueOutrun", writeUniqueOutrun}, {"UniqueOfKey", writeUniqueOfKey}, {"UniqueConditions", writeUniqueConditions},
		{"Version", writeVersion}, {"VersionUpdate", writeVersionUpdate}, {"VersionAndUnique", writeVersionAndUnique},
		{"Stamps", writeStamps}, {"Templates", writeTemplates}, {"TemplatesRefused", writeTemplatesRefused},
		{"Paths", writePaths}, {"Sets", writeSets}, {"OddNames", writeOddNames}, {"Optional", writeOptional}, {"Defaults", writeDefaults},
		{"ConditionFailed", writeConditionFailed}, {"SeveralTables", writeSeveralTables}, {"Tokens", writeTokens},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(t, newOffice(newStore)) })
	}
}

// clerk has two unique attributes.
type clerk struct {
	ID    string `dynamo:"id,hash"`
	Email string `dynamo:"email" unique:"normalized"`
	Badge int    `dynamo:"badge,omitempty" unique:"exact"`
	Name  string `dynamo:"name"`
}

// desk is unique by a part of its key, has a unique attribute and a version.
type desk struct {
	Room    string `dynamo:"room,hash" unique:"exact"`
	Place   int    `dynamo:"place,range"`
	Code    string `dynamo:"code" unique:"exact"`
	Note    string `dynamo:"note"`
	Version int    `dynamo:"version" version:"true"`
}

// letter has a version and stamps.
type letter struct {
	ID      string    `dynamo:"id,hash"`
	Text    string    `dynamo:"text"`
	Version int64     `dynamo:"version" version:"true"`
	Created time.Time `dynamo:"created" stamp:"created"`
	Updated time.Time `dynamo:"updated,unixtime" stamp:"updated"`
}

// parcel has composite keys, its own and those of an index.
type parcel struct {
	PK     string `dynamo:"pk,hash" template:"TENANT#{tenant}"`
	SK     string `dynamo:"sk,range" template:"{year}#{number:06}"`
	Tenant string `dynamo:"tenant"`
	Year   int    `dynamo:"year"`
	Number int    `dynamo:"number"`
	Town   string `dynamo:"town"`
	Status string `dynamo:"status"`
	Class  string `dynamo:"class"`
	Weight int    `dynamo:"weight"`
	Place  string `dynamo:"place" index:"by_place,hash" template:"{tenant}#{town}"`
	Order  string `dynamo:"order" index:"by_place,range" template:"{status}#{class}#{number:04}"`
}

// folder has paths, and names that DynamoDB reserves or that are no words.
type folder struct {
	ID      string              `dynamo:"id,hash"`
	Owner   holder              `dynamo:"the owner"`
	Lines   []line              `dynamo:"lines"`
	Words   []string            `dynamo:"list"`
	Colors  []string            `dynamo:"colors,set"`
	Years   []int               `dynamo:"years,set"`
	Visits  map[string]int      `dynamo:"visits"`
	Shelves map[string][]string `dynamo:"shelves"`
	Odd     string              `dynamo:"a.b-c #1 :x"`
	Size    string              `dynamo:"size"`
	Limit   *int                `dynamo:"limit"`
	Share   *float64            `dynamo:"share"`
	Text    string              `dynamo:"text"`
}

type holder struct {
	Name string `dynamo:"name"`
	Home struct {
		Street string `dynamo:"street"`
		Floor  int    `dynamo:"floor"`
	} `dynamo:"home"`
}

type line struct {
	Text  string `dynamo:"text"`
	Count int    `dynamo:"count"`
}

// purchase gets defaults.
type purchase struct {
	ID     string        `dynamo:"id,hash"`
	Status string        `dynamo:"status" default:"open" enum:"open,paid"`
	Rank   *int          `dynamo:"rank" default:"3"`
	Wait   time.Duration `dynamo:"wait" default:"90s"`
	Code   string        `dynamo:"code" validate:"required"`
}

type office struct {
	newStore  func(t *testing.T, tables ...orm.Definition) orm.Store
	clerks    *orm.Table[clerk, string]
	email     orm.Attribute[clerk, string]
	name      orm.Attribute[clerk, string]
	badge     orm.Attribute[clerk, int]
	desks     *orm.Table[desk, orm.Pair[string, int]]
	code      orm.Attribute[desk, string]
	note      orm.Attribute[desk, string]
	letters   *orm.Table[letter, string]
	text      orm.Attribute[letter, string]
	created   orm.Attribute[letter, time.Time]
	parcels   *orm.Table[parcel, orm.Pair[string, string]]
	byPlace   *orm.Index[parcel, string, string]
	town      orm.Attribute[parcel, string]
	status    orm.Attribute[parcel, string]
	class     orm.Attribute[parcel, string]
	weight    orm.NumberAttribute[parcel, int]
	folders   *orm.Table[folder, string]
	purchases *orm.Table[purchase, string]
}

func newOffice(newStore func(t *testing.T, tables ...orm.Definition) orm.Store) *office {
	o := &office{newStore: newStore}
	o.clerks = orm.Define[clerk, string]("clerks")
	o.email = orm.Attr(o.clerks, func(x *clerk) *string { return &x.Email })
	o.name = orm.Attr(o.clerks, func(x *clerk) *string { return &x.Name })
	o.badge = orm.Attr(o.clerks, func(x *clerk) *int { return &x.Badge })
	o.desks = orm.Define[desk, orm.Pair[string, int]]("desks")
	o.code = orm.Attr(o.desks, func(x *desk) *string { return &x.Code })
	o.note = orm.Attr(o.desks, func(x *desk) *string { return &x.Note })
	o.letters = orm.Define[letter, string]("letters")
	o.text = orm.Attr(o.letters, func(x *letter) *string { return &x.Text })
	o.created = orm.Attr(o.letters, func(x *letter) *time.Time { return &x.Created })
	o.parcels = orm.Define[parcel, orm.Pair[string, string]]("parcels")
	o.byPlace = orm.IndexOf(o.parcels, func(x *parcel) *string { return &x.Place }, func(x *parcel) *string { return &x.Order })
	o.town = orm.Attr(o.parcels, func(x *parcel) *string { return &x.Town })
	o.status = orm.Attr(o.parcels, func(x *parcel) *string { return &x.Status })
	o.class = orm.Attr(o.parcels, func(x *parcel) *string { return &x.Class })
	o.weight = orm.Number(o.parcels, func(x *parcel) *int { return &x.Weight })
	o.folders = orm.Define[folder, string]("folders")
	made := 0
	o.purchases = orm.Define[purchase, string]("purchases", orm.DefaultFunc(func(x *purchase) *string { return &x.ID }, func() string {
		made++
		return fmt.Sprintf("made%d", made)
	}))
	return o
}

// claims are the unique values that a table keeps: attribute#value=owner, sorted.
func claims(t *testing.T, st orm.Reader, d orm.Definition) []string {
	t.Helper()
	s := d.Schema()
	page, err := st.Scan(context.Background(), &orm.ScanRequest{Table: s})
	must(t, err)
	if page.Next != nil {
		t.Fatal("the table is more than a page")
	}
	var out []string
	for _, item := range page.Items {
		if !s.HoldsUniqueValue(item) {
			continue
		}
		key := item[s.Hash].(*types.AttributeValueMemberS).Value
		owner, ok := item["unique_owner"].(*types.AttributeValueMemberM)
		if !ok {
			t.Fatalf("unique item %v has no owner", item)
		}
		out = append(out, strings.TrimPrefix(key, "unique#")+"="+strings.Trim(s.KeyText(owner.Value), `"`))
	}
	slices.Sort(out)
	return out
}

func wantClaims(t *testing.T, st orm.Reader, d orm.Definition, want ...string) {
	t.Helper()
	if got := claims(t, st, d); !slices.Equal(got, want) {
		t.Fatalf("unique values are %q, want %q", got, want)
	}
}

func (o *office) wantClerk(t *testing.T, st orm.Reader, want clerk) {
	t.Helper()
	got, err := o.clerks.Get(context.Background(), st, want.ID)
	must(t, err)
	if got != want {
		t.Fatalf("the item is %+v, want %+v", got, want)
	}
}

func writeUniqueChanged(t *testing.T, o *office) {
	st := o.newStore(t, o.clerks)
	do(t, st, o.clerks.Insert(clerk{ID: "1", Email: "Ann@example.com", Name: "Ann"}))
	wantClaims(t, st, o.clerks, "email#ann@example.com=1")
	for _, step := range []struct {
		w    orm.Write
		want clerk
		says string // the claim, empty for none
	}{
		{o.clerks.Update("1", o.email.Set("eve@example.com")), clerk{ID: "1", Email: "eve@example.com", Name: "Ann"}, "email#eve@example.com=1"},
		{o.clerks.Update("1", o.email.Set("eve@example.com")), clerk{ID: "1", Email: "eve@example.com", Name: "Ann"}, "email#eve@example.com=1"},
		{o.clerks.Update("1", o.email.Set("EVE@example.com")), clerk{ID: "1", Email: "EVE@example.com", Name: "Ann"}, "email#eve@example.com=1"}, // reads the same
		{o.clerks.Update("1", o.name.Set("Eve")), clerk{ID: "1", Email: "EVE@example.com", Name: "Eve"}, "email#eve@example.com=1"},
		{o.clerks.Put(clerk{ID: "1", Email: " eve@example.com"}), clerk{ID: "1", Email: " eve@example.com"}, "email#eve@example.com=1"},
		{o.clerks.Put(clerk{ID: "1", Email: "straße@example.com"}), clerk{ID: "1", Email: "straße@example.com"}, "email#strasse@example.com=1"},
		{o.clerks.Put(clerk{ID: "1", Name: "none"}), clerk{ID: "1", Name: "none"}, ""},
		{o.clerks.Update("1", o.email.Set("again@example.com")), clerk{ID: "1", Email: "again@example.com", Name: "none"}, "email#again@example.com=1"},
		{o.clerks.Update("1", o.email.Set("")), clerk{ID: "1", Name: "none"}, ""},
		{o.clerks.Update("1", o.email.Set("x@example.com"), o.name.Remove()), clerk{ID: "1", Email: "x@example.com"}, "email#x@example.com=1"},
		{o.clerks.Update("1", o.email.Remove()), clerk{ID: "1"}, ""},
		{o.clerks.Update("1", o.email.Remove()), clerk{ID: "1"}, ""},
	} {
		do(t, st, step.w)
		o.wantClerk(t, st, step.want)
		if step.says == "" {
			wantClaims(t, st, o.clerks)
		} else {
			wantClaims(t, st, o.clerks, step.says)
		}
	}
	do(t, st, o.clerks.Update("2", o.email.Set("new@example.com"))) // creates the item
	o.wantClerk(t, st, clerk{ID: "2", Email: "new@example.com"})
	got, err := o.clerks.Apply(context.Background(), st, o.clerks.Update("2", o.email.Set("newer@example.com")))
	if want := (clerk{ID: "2", Email: "newer@example.com"}); err != nil || got != want {
		t.Errorf("applied is %+v, %v; want %+v", got, err, want)
	}
	wantClaims(t, st, o.clerks, "email#newer@example.com=2")
	do(t, st, o.clerks.Delete("2"))
	do(t, st, o.clerks.Delete("2"))
	do(t, st, o.clerks.Delete("1"))
	wantClaims(t, st, o.clerks)
	do(t, st, o.clerks.Insert(clerk{ID: "3", Email: "ann@example.com"})) // was given back
}

func writeUniqueTaken(t *testing.T, o *office) {
	ctx := context.Background()
	st := o.newStore(t, o.clerks)
	ann, bob := clerk{ID: "1", Email: "ann@example.com", Badge: 1}, clerk{ID: "2", Email: "bob@example.com", Badge: 2}
	do(t, st, o.clerks.Insert(ann), o.clerks.Insert(bob))
	for _, w := range []orm.Write{
		o.clerks.Insert(clerk{ID: "3", Email: "ANN@example.com"}),
		o.clerks.Put(clerk{ID: "3", Email: "Ann@Example.com"}),
		o.clerks.Put(clerk{ID: "2", Email: "ann@example.com", Badge: 2}),
		o.clerks.Update("2", o.email.Set("ann@example.com")),
		o.clerks.Update("3", o.email.Set("ann@example.com")),
		o.clerks.Update("3", o.email.SetIfNotExists("ann@example.com")),
	} {
		e := wantKind(t, orm.Exec(ctx, st, w), orm.KindAlreadyExists)
		if e.Attribute != "email" || e.Table != "clerks" || !strings.Contains(e.Key, "unique#email#ann@example.com") {
			t.Errorf("error %+v does not name the value of the attribute", e)
		}
	}
	e := wantKind(t, orm.Exec(ctx, st, o.clerks.Update("2", o.badge.Set(1), o.email.Set("other@example.com"))), orm.KindAlreadyExists)
	if e.Attribute != "badge" {
		t.Errorf("error %+v names another attribute than badge", e)
	}
	o.wantClerk(t, st, ann)
	o.wantClerk(t, st, bob)
	_, err := o.clerks.Get(ctx, st, "3")
	wantKind(t, err, orm.KindNotFound)
	wantClaims(t, st, o.clerks, "badge#1=1", "badge#2=2", "email#ann@example.com=1", "email#bob@example.com=2")
}

func writeUniqueSeveral(t *testing.T, o *office) {
	st := o.newStore(t, o.clerks)
	do(t, st, o.clerks.Put(clerk{ID: "1", Email: "a@x", Badge: 7}))
	wantClaims(t, st, o.clerks, "badge#7=1", "email#a@x=1")
	do(t, st, o.clerks.Update("1", o.badge.Set(8)))
	wantClaims(t, st, o.clerks, "badge#8=1", "email#a@x=1")
	do(t, st, o.clerks.Update("1", o.badge.Set(9), o.email.Set("b@x")))
	wantClaims(t, st, o.clerks, "badge#9=1", "email#b@x=1")
	do(t, st, o.clerks.Put(clerk{ID: "1", Badge: 10}), o.clerks.Put(clerk{ID: "2", Badge: 11}), o.clerks.Put(clerk{ID: "3"}))
	wantClaims(t, st, o.clerks, "badge#10=1", "badge#11=2")
	do(t, st, o.clerks.Delete("1"), o.clerks.Delete("3"), o.clerks.Update("2", o.badge.Set(0), o.email.Set("7")))
	wantClaims(t, st, o.clerks, "email#7=2")
}

func writeUniqueSetIfNotExists(t *testing.T, o *office) {
	st := o.newStore(t, o.clerks)
	do(t, st, o.clerks.Update("1", o.email.SetIfNotExists("a@x")))
	wantClaims(t, st, o.clerks, "email#a@x=1")
	do(t, st, o.clerks.Update("1", o.email.SetIfNotExists("b@x"), o.badge.SetIfNotExists(4)))
	o.wantClerk(t, st, clerk{ID: "1", Email: "a@x", Badge: 4})
	wantClaims(t, st, o.clerks, "badge#4=1", "email#a@x=1")
	do(t, st, o.clerks.Insert(clerk{ID: "2", Email: "b@x"})) // was never claimed
}

// Two items cannot swap their values in one transaction, because DynamoDB takes
// one action an item and each value is one. Nothing is written.
func writeUniqueSwapped(t *testing.T, o *office) {
	ctx := context.Background()
	st := o.newStore(t, o.clerks)
	ann, bob := clerk{ID: "1", Email: "ann@x"}, clerk{ID: "2", Email: "bob@x"}
	do(t, st, o.clerks.Insert(ann), o.clerks.Insert(bob))
	for _, writes := range [][]orm.Write{
		{o.clerks.Update("1", o.email.Set("bob@x")), o.clerks.Update("2", o.email.Set("ann@x"))},
		{o.clerks.Delete("1"), o.clerks.Insert(clerk{ID: "3", Email: "ann@x"})},
		{o.clerks.Insert(clerk{ID: "3", Email: "eve@x"}), o.clerks.Insert(clerk{ID: "4", Email: "Eve@x"})},
	} {
		e := wantKind(t, orm.Exec(ctx, st, writes...), orm.KindValidation)
		if e.Attribute != "email" || !strings.Contains(e.Error(), "two transactions") {
			t.Errorf("error %q does not say which attribute, and how to mend it", e)
		}
	}
	o.wantClerk(t, st, ann)
	o.wantClerk(t, st, bob)
	wantClaims(t, st, o.clerks, "email#ann@x=1", "email#bob@x=2")
}

// What one transaction gave back, the next may take.
func writeUniqueMoved(t *testing.T, o *office) {
	st := o.newStore(t, o.clerks)
	do(t, st, o.clerks.Insert(clerk{ID: "1", Email: "ann@x"}), o.clerks.Insert(clerk{ID: "2", Email: "bob@x"}))
	do(t, st, o.clerks.Update("1", o.email.Set("between@x")))
	do(t, st, o.clerks.Update("2", o.email.Set("ann@x")))
	do(t, st, o.clerks.Update("1", o.email.Set("bob@x")))
	wantClaims(t, st, o.clerks, "email#ann@x=2", "email#bob@x=1")
}

// between does something after each of the first n reads of a write.
type between struct {
	orm.Store
	n  int
	do func(i int) error
}

func (b *between) Get(ctx context.Context, r *orm.GetRequest) (orm.Item, error) {
	item, err := b.Store.Get(ctx, r)
	if b.n > 0 && err == nil {
		b.n--
		err = b.do(b.n)
	}
	return item, err
}

// Backoff does not wait.
func (b *between) Backoff(ctx context.Context, _ int) error { return ctx.Err() }

// A write that another one outruns is made anew from what is there then.
func writeUniqueOutrun(t *testing.T, o *office) {
	ctx := context.Background()
	for name, w := range map[string]orm.Write{
		"put":    o.clerks.Put(clerk{ID: "1", Email: "last@x"}),
		"update": o.clerks.Update("1", o.email.Set("last@x")),
		"same":   o.clerks.Put(clerk{ID: "1", Email: "first@x"}), // nothing to be given back, as it was read
		"delete": o.clerks.Delete("1"),
	} {
		for _, others := range []int{1, 4, 5} {
			st := o.newStore(t, o.clerks)
			do(t, st, o.clerks.Insert(clerk{ID: "1", Email: "first@x"}))
			b := &between{Store: st, n: others}
			b.do = func(i int) error {
				return orm.Exec(ctx, st, o.clerks.Update("1", o.email.Set(fmt.Sprintf("other%d@x", i))))
			}
			err := orm.Exec(ctx, b, w)
			switch {
			case others == 5: // the last of its tries
				e := wantKind(t, err, orm.KindChanged)
				if e.Table != "clerks" || e.Key != `"1"` || text(e.Item["email"]) != text(str("other0@x")) {
					t.Errorf("%s: error %+v does not hold the item as it is", name, e)
				}
				wantClaims(t, st, o.clerks, "email#other0@x=1")
			case err != nil:
				t.Errorf("%s: outrun %d times: %v", name, others, err)
			case name == "delete":
				wantClaims(t, st, o.clerks)
			case name == "same":
				wantClaims(t, st, o.clerks, "email#first@x=1")
			default:
				wantClaims(t, st, o.clerks, "email#last@x=1")
			}
		}
	}
}

// A part of the key may be unique: its value is claimed with the item, and given
// back with it only.
func writeUniqueOfKey(t *testing.T, o *office) {
	ctx := context.Background()
	st := o.newStore(t, o.desks)
	do(t, st, o.desks.Update(orm.Key("a", 1), o.code.Set("x")))
	wantClaims(t, st, o.desks, `code#x=a", 1`, `room#a=a", 1`)
	e := wantKind(t, orm.Exec(ctx, st, o.desks.Insert(desk{Room: "a", Place: 2})), orm.KindAlreadyExists)
	if e.Attribute != "room" {
		t.Errorf("error %+v does not name the room", e)
	}
	do(t, st, o.desks.Put(desk{Room: "a", Place: 1, Version: 1}))
	wantClaims(t, st, o.desks, `room#a=a", 1`)
	do(t, st, o.desks.Put(desk{Room: "b", Place: 2}))
	do(t, st, o.desks.Delete(orm.Key("a", 1)))
	wantClaims(t, st, o.desks, `room#b=b", 2`)
}

// The caller's own condition holds beside what a write of unique values asks for.
func writeUniqueConditions(t *testing.T, o *office) {
	ctx := context.Background()
	st := o.newStore(t, o.clerks)
	do(t, st, o.clerks.Insert(clerk{ID: "1", Email: "a@x", Name: "Ann"}))
	for _, w := range []orm.Write{
		o.clerks.Update("1", o.email.Set("b@x")).If(o.name.Eq("Bob")),
		o.clerks.Delete("1").If(o.name.Eq("Bob")),
		o.clerks.Update("2", o.email.Set("b@x")).If(o.name.Exists()),
	} {
		wantKind(t, orm.Exec(ctx, st, w), orm.KindConditionFailed)
		wantClaims(t, st, o.clerks, "email#a@x=1")
	}
	do(t, st, o.clerks.Update("1", o.email.Set("b@x")).If(o.name.Eq("Ann"), o.email.Eq("a@x")))
	wantClaims(t, st, o.clerks, "email#b@x=1")
	do(t, st, o.clerks.Delete("1").If(o.name.Eq("Ann")))
	wantClaims(t, st, o.clerks)
}

// wantVersionConflict checks the error, and the item in it.
func wantVersionConflict(t *testing.T, err error, op, key string, version string) {
	t.Helper()
	e := wantKind(t, err, orm.KindVersionConflict)
	got := ""
	if e.Item["version"] != nil {
		got = text(e.Item["version"])
	}
	want := ""
	if version != "" {
		want = text(num(version))
	}
	if e.Op != op || e.Key != key || e.Attribute != "version" || got != want {
		t.Errorf("error %+v (version %s): want a %s of %s that met version %s", e, got, op, key, want)
	}
	if errors.Is(err, orm.KindConditionFailed) || errors.Is(err, orm.KindChanged) || errors.Is(err, orm.KindAlreadyExists) {
		t.Errorf("error %v is of other kinds as well", err)
	}
}

func writeVersion(t *testing.T, o *office) {
	ctx := context.Background()
	st := o.newStore(t, o.letters)
	get := func(id string) letter {
		t.Helper()
		l, err := o.letters.Get(ctx, st, id)
		must(t, err)
		return l
	}
	do(t, st, o.letters.Insert(letter{ID: "a", Text: "1", Version: 99}))
	l := get("a")
	if l.Version != 1 {
		t.Fatalf("an insert stored version %d, want 1", l.Version)
	}
	wantKind(t, orm.Exec(ctx, st, o.letters.Insert(letter{ID: "a"})), orm.KindAlreadyExists)
	for n := int64(2); n < 5; n++ {
		l.Text = fmt.Sprint(n)
		do(t, st, o.letters.Put(l))
		if l = get("a"); l.Version != n || l.Text != fmt.Sprint(n) {
			t.Fatalf("the put stored %+v, want version %d", l, n)
		}
	}
	for _, version := range []int64{0, 1, 3, 5, 1 << 62} {
		err := orm.Exec(ctx, st, o.letters.Put(letter{ID: "a", Version: version}))
		wantVersionConflict(t, err, "put", `"a"`, "4")
		if version == 0 && !strings.Contains(err.Error(), "no item was expected") {
			t.Errorf("error %q does not say that no item was expected", err)
		}
	}
	wantVersionConflict(t, orm.Exec(ctx, st, o.letters.Put(letter{ID: "b", Version: 1})), "put", `"b"`, "")
	do(t, st, o.letters.Put(letter{ID: "b"}))
	if l := get("b"); l.Version != 1 {
		t.Errorf("a put of a new item stored version %d, want 1", l.Version)
	}
	wantVersionConflict(t, orm.Exec(ctx, st, o.letters.Delete("a").AtVersion(3)), "delete", `"a"`, "4")
	wantVersionConflict(t, orm.Exec(ctx, st, o.letters.Delete("a").AtVersion(0)), "delete", `"a"`, "4")
	wantVersionConflict(t, orm.Exec(ctx, st, o.letters.Delete("none").AtVersion(3)), "delete", `"none"`, "")
	do(t, st, o.letters.Delete("none").AtVersion(0))
	do(t, st, o.letters.Delete("a").AtVersion(4).If(o.text.Eq("4")))
	do(t, st, o.letters.Delete("b"))
	_, err := o.letters.Get(ctx, st, "a")
	wantKind(t, err, orm.KindNotFound)
}

func writeVersionUpdate(t *testing.T, o *office) {
	ctx := context.Background()
	st := o.newStore(t, o.letters)
	apply := func(want int64, u *orm.Update[letter]) {
		t.Helper()
		l, err := o.letters.Apply(ctx, st, u)
		must(t, err)
		if l.Version != want {
			t.Fatalf("the update made version %d, want %d", l.Version, want)
		}
	}
	u := o.letters.Update("a", o.text.Set("x"))
	apply(1, u.AtVersion(0))
	apply(2, u)
	apply(3, u.AtVersion(2).If(o.text.Eq("x")))
	apply(4, o.letters.Update("a", o.text.Remove()))
	wantVersionConflict(t, orm.Exec(ctx, st, u.AtVersion(3)), "update", `"a"`, "4")
	wantVersionConflict(t, orm.Exec(ctx, st, u.AtVersion(0)), "update", `"a"`, "4")
	wantVersionConflict(t, orm.Exec(ctx, st, o.letters.Update("b", o.text.Set("x")).AtVersion(3)), "update", `"b"`, "")
	// The right version and another condition that fails is no conflict of versions.
	e := wantKind(t, orm.Exec(ctx, st, u.AtVersion(4).If(o.text.Eq("y"))), orm.KindConditionFailed)
	if text(e.Item["version"]) != text(num("4")) {
		t.Errorf("error %+v does not hold the item as it was", e)
	}
	// An item from before the table had versions.
	_, err := st.Do(ctx, orm.Action{Op: orm.OpPut, Table: o.letters.Schema(), Item: orm.Item{"id": str("old"), "text": str("y")}})
	must(t, err)
	wantVersionConflict(t, orm.Exec(ctx, st, o.letters.Update("old", o.text.Set("x")).AtVersion(1)), "update", `"old"`, "")
	old, err := o.letters.Get(ctx, st, "old")
	must(t, err)
	do(t, st, o.letters.Put(old))
	apply(2, o.letters.Update("old", o.text.Set("x")).AtVersion(1))
}

// In a transaction a conflict of versions is the reason, not what follows of it.
func writeVersionAndUnique(t *testing.T, o *office) {
	ctx := context.Background()
	st := o.newStore(t, o.desks)
	do(t, st, o.desks.Insert(desk{Room: "a", Place: 1, Code: "x"}))
	do(t, st, o.desks.Put(desk{Room: "a", Place: 1, Code: "y", Version: 1}))
	do(t, st, o.desks.Update(orm.Key("a", 1), o.code.Set("z")).AtVersion(2))
	wantClaims(t, st, o.desks, `code#z=a", 1`, `room#a=a", 1`)
	for _, w := range []orm.Write{
		o.desks.Put(desk{Room: "a", Place: 1, Code: "w", Version: 2}),
		o.desks.Update(orm.Key("a", 1), o.code.Set("w")).AtVersion(2),
		o.desks.Delete(orm.Key("a", 1)).AtVersion(2),
	} {
		e := wantKind(t, orm.Exec(ctx, st, w), orm.KindVersionConflict)
		if text(e.Item["version"]) != text(num("3")) || text(e.Item["code"]) != text(str("z")) {
			t.Errorf("error %+v does not hold the item as it was", e)
		}
	}
	got, err := o.desks.Get(ctx, st, orm.Key("a", 1))
	must(t, err)
	if want := (desk{Room: "a", Place: 1, Code: "z", Version: 3}); got != want {
		t.Errorf("the item is %+v, want %+v", got, want)
	}
	do(t, st, o.desks.Delete(orm.Key("a", 1)).AtVersion(3))
	wantClaims(t, st, o.desks)
}

// clocked is a store with a clock that is set by hand.
type clocked struct {
	orm.Store
	now time.Time
}

func (s *clocked) Now() time.Time { return s.now }

func writeStamps(t *testing.T, o *office) {
	ctx := context.Background()
	zone := time.FixedZone("", 2*3600)
	st := &clocked{Store: o.newStore(t, o.letters)}
	step := func(day int, w orm.Write, created, updated int) {
		t.Helper()
		st.now = time.Date(2026, 11, day, 9, 30, 0, 123456789, zone)
		do(t, st, w)
		got, err := o.letters.Get(ctx, st, "a")
		must(t, err)
		want := time.Date(2026, 11, created, 7, 30, 0, 123456789, time.UTC)
		if !got.Created.Equal(want) || got.Created.Location() != time.UTC {
			t.Fatalf("day %d: created is %v, want %v", day, got.Created, want)
		}
		if want := time.Date(2026, 11, updated, 7, 30, 0, 0, time.UTC); !got.Updated.Equal(want) {
			t.Fatalf("day %d: updated is %v, want %v", day, got.Updated, want)
		}
	}
	step(1, o.letters.Insert(letter{ID: "a", Updated: time.Unix(5, 0)}), 1, 1)
	step(2, o.letters.Update("a", o.text.Set("x")), 1, 2)
	step(3, o.letters.Update("a", o.text.Remove()), 1, 3)
	l, err := o.letters.Get(ctx, st, "a")
	must(t, err)
	step(4, o.letters.Put(l), 1, 4) // as it was read
	step(5, o.letters.Put(letter{ID: "a", Version: 4}), 5, 5)
	do(t, st, o.letters.Delete("a"))
	step(6, o.letters.Update("a", o.text.Set("created by it")), 6, 6)
	do(t, st, o.letters.Delete("a"))
	u := o.letters.Put(letter{ID: "a"}) // a write is stamped when it is executed
	step(7, u, 7, 7)
	do(t, st, o.letters.Delete("a"))
	step(8, u, 8, 8)

	st.now = time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)
	l, err = o.letters.Apply(ctx, st, o.letters.Update("a", o.text.Set("y")).If(o.created.Exists()))
	must(t, err)
	if !l.Updated.Equal(st.now) || l.Created.Day() != 8 {
		t.Errorf("applied is %+v", l)
	}
}

// places queries the index by its composite keys: the numbers found.
func (o *office) places(t *testing.T, st orm.Reader, tenant, town, status string) string {
	t.Helper()
	hash, err := orm.Composite(o.parcels, func(p *parcel) *string { return &p.Place }).Of(parcel{Tenant: tenant, Town: town})
	must(t, err)
	var out []string
	for p, err := range o.byPlace.Query(hash).Prefix(status).All(context.Background(), st) {
		must(t, err)
		out = append(out, fmt.Sprint(p.Number))
	}
	return strings.Join(out, " ")
}

func (o *office) parcelKey(t *testing.T, tenant string, number int) orm.Pair[string, string] {
	t.Helper()
	key, err := o.parcels.KeyOf(parcel{Tenant: tenant, Year: 2026, Number: number})
	must(t, err)
	return key
}

// An index never has an item under keys that are not those of its attributes.
func writeTemplates(t *testing.T, o *office) {
	ctx := context.Background()
	st := o.newStore(t, o.parcels)
	key := o.parcelKey(t, "a#b", 7)
	want := func(step, town, status, found string) {
		t.Helper()
		eventually(t, step+": "+found, func() string { return step + ": " + o.places(t, st, "a#b", town, status) })
	}
	do(t, st, o.parcels.Insert(parcel{PK: "ignored", Tenant: "a#b", Year: 2026, Number: 7, Town: "Ulm", Status: "new", Class: "1", Weight: 3}))
	want("insert", "Ulm", "new#1", "7")
	do(t, st, o.parcels.Update(key, o.weight.Add(2)))
	want("no part changed", "Ulm", "new#1", "7")
	do(t, st, o.parcels.Update(key, o.town.Set("Köln")))
	want("town changed, where it was", "Ulm", "", "")
	want("town changed", "Köln", "new#1", "7")
	e := wantKind(t, orm.Exec(ctx, st, o.parcels.Update(key, o.status.Set("lost"))), orm.KindValidation)
	if e.Attribute != "order" || !strings.Contains(e.Error(), "class") {
		t.Errorf("error %q does not name the key and what is missing for it", e)
	}
	want("half of a key", "Köln", "new#1", "7")
	do(t, st, o.parcels.Update(key, o.status.Set("lost"), o.class.Set("2")))
	want("both changed, where it was", "Köln", "new#", "")
	want("both changed", "Köln", "lost#2", "7")
	do(t, st, o.parcels.Update(key, o.town.Remove()))
	want("town removed", "Köln", "", "")
	do(t, st, o.parcels.Update(key, o.town.Set("Bonn#1"), o.status.Set("found"), o.class.Set("#")))
	want("all set", "Bonn#1", "found#%23#0007", "7")
	do(t, st, o.parcels.Update(key, o.status.Set("")))
	want("status emptied", "Bonn#1", "", "")
	wantKind(t, orm.Exec(ctx, st, o.parcels.Update(key, o.status.Set("new"))), orm.KindValidation)

	got, err := o.parcels.Get(ctx, st, key)
	must(t, err)
	if w := (parcel{PK: "TENANT#a#b", SK: "2026#000007", Tenant: "a#b", Year: 2026, Number: 7, Town: "Bonn#1", Class: "#", Weight: 5, Place: "a%23b#Bonn%231"}); got != w {
		t.Errorf("the item is %+v, want %+v", got, w)
	}
	do(t, st, o.parcels.Delete(key))
	do(t, st, o.parcels.Update(key, o.town.Set("Bonn"), o.status.Set("new"), o.class.Set("1"))) // creates it, with all that its keys are made of
	want("created by an update", "Bonn", "new#1", "7")
	got, err = o.parcels.Get(ctx, st, key)
	must(t, err)
	if w := (parcel{PK: "TENANT#a#b", SK: "2026#000007", Tenant: "a#b", Year: 2026, Number: 7, Town: "Bonn", Status: "new", Class: "1", Place: "a%23b#Bonn", Order: "new#1#0007"}); got != w {
		t.Errorf("the item is %+v, want %+v", got, w)
	}
	got.Town = "Ulm"
	do(t, st, o.parcels.Put(got))
	want("put", "Ulm", "new#1", "7")
	want("put, where it was", "Bonn", "", "")
}

func writeTemplatesRefused(t *testing.T, o *office) {
	ctx := context.Background()
	st := o.newStore(t, o.parcels)
	tenant := orm.Attr(o.parcels, func(p *parcel) *string { return &p.Tenant })
	place := orm.Attr(o.parcels, func(p *parcel) *string { return &p.Place })
	sk := orm.Attr(o.parcels, func(p *parcel) *string { return &p.SK })
	key := o.parcelKey(t, "a", 1)
	for name, c := range map[string]struct {
		w         orm.Write
		attribute string
	}{
		"a part of the key":      {o.parcels.Update(key, tenant.Set("b")), "tenant"},
		"a composed key":         {o.parcels.Update(key, place.Set("b")), "place"},
		"a composed sort key":    {o.parcels.Update(key, sk.Set("b")), "sk"},
		"a part if not there":    {o.parcels.Update(key, o.town.SetIfNotExists("b")), "town"},
		"no key of the template": {o.parcels.Update(orm.Key("a", "2026#000001"), o.weight.Add(1)), "pk"},
		"a number without zeros": {o.parcels.Update(orm.Key("TENANT#a", "2026#1"), o.weight.Add(1)), "sk"},
		"insert without a part":  {o.parcels.Insert(parcel{Year: 2026, Number: 1}), "pk"},
		"put of a large number":  {o.parcels.Put(parcel{Tenant: "a", Year: 2026, Number: 1e6, Town: "x", Status: "y", Class: "z"}), "sk"},
		"large for the index":    {o.parcels.Put(parcel{Tenant: "a", Year: 2026, Number: 10_000, Town: "x", Status: "y", Class: "z"}), "order"},
	} {
		if e := wantKind(t, orm.Exec(ctx, st, c.w), orm.KindValidation); e.Attribute != c.attribute {
			t.Errorf("%s: error %+v names another attribute than %s", name, e, c.attribute)
		}
	}
}
