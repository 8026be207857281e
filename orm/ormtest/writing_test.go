package ormtest_test

import (
	"context"
	"errors"
	"fmt"
	stdmaps "maps"
	"math/rand/v2"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"pgregory.net/rapid"

	"github.com/vinci-go/vinci/orm"
	"github.com/vinci-go/vinci/orm/ormtest"
)

// seat has everything that a write must keep together with the item: two unique
// values, a version, stamps, and an index whose key is composed.
type seat struct {
	ID      string    `dynamo:"id,hash" index:"by_place,range"`
	Mail    string    `dynamo:"mail" unique:"normalized"`
	Tag     int       `dynamo:"tag,omitempty" unique:"exact"`
	Area    string    `dynamo:"area"`
	Row     string    `dynamo:"row"`
	Place   string    `dynamo:"place" index:"by_place,hash" template:"{area}#{row}"`
	Ends    int64     `dynamo:"ends,omitempty"`
	Version int64     `dynamo:"version" version:"true"`
	Created time.Time `dynamo:"created" stamp:"created"`
	Updated time.Time `dynamo:"updated" stamp:"updated"`
}

var (
	seats    = orm.Define[seat, string]("seats", orm.TTL("ends"))
	byPlace  = orm.IndexOf(seats, func(s *seat) *string { return &s.Place }, func(s *seat) *string { return &s.ID })
	seatMail = orm.Attr(seats, func(s *seat) *string { return &s.Mail })
	seatTag  = orm.Attr(seats, func(s *seat) *int { return &s.Tag })
	seatEnds = orm.Attr(seats, func(s *seat) *int64 { return &s.Ends })
	seatArea = orm.Attr(seats, func(s *seat) *string { return &s.Area })
	seatRow  = orm.Attr(seats, func(s *seat) *string { return &s.Row })
)

// places are the keys of the index that the tests make.
var places = []string{"x#1", "x#2", "y#1", "y#2"}

// stopped is a store whose clock is set by hand.
type stopped struct {
	orm.Store
	now time.Time
}

func (s *stopped) Now() time.Time { return s.now }

// compose fills what is made of other attributes.
func (s seat) compose() seat {
	if s.Place = s.Area + "#" + s.Row; s.Area == "" || s.Row == "" {
		s.Place = ""
	}
	return s
}

// values are the unique values of an item, as they are kept.
func (s seat) values() []string {
	var out []string
	if s.Mail != "" {
		out = append(out, "unique#mail#"+strings.ToLower(strings.TrimSpace(s.Mail)))
	}
	if s.Tag != 0 {
		out = append(out, fmt.Sprintf("unique#tag#%d", s.Tag))
	}
	return out
}

// seatModel is what the table should hold.
type seatModel map[string]seat

// owner is who has a unique value, and until when.
type owner struct {
	id   string
	ends int64
}

// owners are the unique values and who has them.
func (m seatModel) owners() map[string]owner {
	out := map[string]owner{}
	for id, s := range m {
		for _, v := range s.values() {
			out[v] = owner{id, s.Ends}
		}
	}
	return out
}

// planned is a write and what the model says it does.
type planned struct {
	id   string
	w    orm.Write
	next *seat    // the item afterwards; nil: none
	fail orm.Kind // why it cannot be; empty: it can
	keep bool     // an insert: what is there claims nothing anew and gives nothing back
	text string   // for messages
}

// draw makes one write of an item.
func (m seatModel) draw(t *rapid.T, id string, now time.Time) planned {
	old, there := m[id]
	p := planned{id: id}
	version := func() int64 {
		return rapid.SampledFrom([]int64{old.Version, old.Version, old.Version, 0, 1, 2}).Draw(t, "version")
	}
	whole := func() seat {
		return seat{
			ID: id, Mail: drawMail(t), Tag: rapid.IntRange(0, 3).Draw(t, "tag"),
			Ends: rapid.Int64Range(0, 2).Draw(t, "ends"), Area: rapid.SampledFrom([]string{"", "x", "y"}).Draw(t, "area"), Row: rapid.SampledFrom([]string{"", "1", "2"}).Draw(t, "row"),
		}
	}
	switch p.text = rapid.SampledFrom([]string{"insert", "put", "put", "update", "update", "update", "delete"}).Draw(t, "op"); p.text {
	case "insert":
		s := whole()
		p.w, p.keep = seats.Insert(s), true
		s.Version, s.Created, s.Updated = 1, now, now
		p.next = &s
		if there {
			p.fail = orm.KindAlreadyExists
		}
	case "put":
		s := whole()
		s.Version = version()
		if rapid.Bool().Draw(t, "as read") {
			s.Created = old.Created
		}
		p.w = seats.Put(s)
		if s.Version != old.Version {
			p.fail = orm.KindVersionConflict
		}
		if s.Created.IsZero() {
			s.Created = now
		}
		s.Version, s.Updated = s.Version+1, now
		p.next = &s
	case "delete":
		d := seats.Delete(id)
		if rapid.Bool().Draw(t, "at version") {
			n := version()
			if d = d.AtVersion(n); n != old.Version {
				p.fail = orm.KindVersionConflict
			}
		}
		p.w = d
	case "update":
		m.drawUpdate(t, &p, old, now, version)
	}
	if p.next != nil {
		s := p.next.compose()
		p.next = &s
		if s.Mail != "" && strings.TrimSpace(s.Mail) == "" {
			p.fail = orm.KindValidation
		}
	}
	return p
}

func drawMail(t *rapid.T) string {
	return rapid.SampledFrom([]string{"", "", "a", "A", "b ", "B", "c", "d", "\t"}).Draw(t, "mail")
}

func (m seatModel) drawUpdate(t *rapid.T, p *planned, old seat, now time.Time, version func() int64) {
	s := old
	s.ID, s.Updated, s.Version = p.id, now, old.Version+1
	if s.Created.IsZero() {
		s.Created = now
	}
	var changes []orm.Assignment[seat]
	mail, tag := drawMail(t), rapid.IntRange(0, 3).Draw(t, "tag")
	switch rapid.IntRange(0, 4).Draw(t, "change of mail") {
	case 0:
		changes, s.Mail = append(changes, seatMail.Set(mail)), mail
	case 1:
		changes, s.Mail = append(changes, seatMail.Remove()), ""
	case 2:
		if mail == "" {
			break // refused, which attr_test.go tests
		}
		changes = append(changes, seatMail.SetIfNotExists(mail))
		if s.Mail == "" {
			s.Mail = mail
		}
	}
	if rapid.Bool().Draw(t, "change of tag") {
		changes, s.Tag = append(changes, seatTag.Set(tag)), tag
	}
	ends := rapid.Int64Range(0, 2).Draw(t, "ends")
	switch rapid.IntRange(0, 3).Draw(t, "change of end") {
	case 0:
		changes, s.Ends = append(changes, seatEnds.Set(ends)), ends
	case 1:
		if ends > 0 {
			changes = append(changes, seatEnds.SetIfNotExists(ends))
		}
		if s.Ends == 0 {
			s.Ends = ends
		}
	}
	area, row := rapid.SampledFrom([]string{"x", "y"}).Draw(t, "area"), rapid.SampledFrom([]string{"1", "2"}).Draw(t, "row")
	switch rapid.IntRange(0, 5).Draw(t, "change of place") {
	case 0:
		changes, s.Area, s.Row = append(changes, seatArea.Set(area), seatRow.Set(row)), area, row
	case 1:
		changes, s.Area = append(changes, seatArea.Remove()), ""
	case 2:
		changes, s.Area, s.Row = append(changes, seatRow.Set(row), seatArea.Set("")), "", row
	case 3:
		changes = append(changes, seatArea.Set(area)) // the row is not known
		p.fail = orm.KindValidation
	}
	if len(changes) == 0 {
		changes, s.Tag = append(changes, seatTag.Set(tag)), tag
	}
	u := seats.Update(p.id, changes...)
	if rapid.Bool().Draw(t, "at version") {
		n := version()
		if u = u.AtVersion(n); n != old.Version && p.fail == "" {
			p.fail = orm.KindVersionConflict
		}
	}
	if rapid.IntRange(0, 3).Draw(t, "condition") == 0 {
		if u = u.If(seatArea.Eq("x")); old.Area != "x" && p.fail == "" {
			p.fail = orm.KindConditionFailed
		}
	}
	p.w, p.next = u, &s
}

// touched are the unique values that a write gives back or claims, and those of
// them that it claims.
func (m seatModel) touched(p planned) (all, claimed []string) {
	var before, after []string
	old, ok := m[p.id]
	if ok && !p.keep {
		before = old.values()
	}
	if p.next != nil {
		after = p.next.values()
	}
	if p.next != nil && p.next.Ends != old.Ends { // what stays is claimed anew
		for _, v := range before {
			if slices.Contains(after, v) {
				all = append(all, v)
			}
		}
	}
	for _, v := range before {
		if !slices.Contains(after, v) {
			all = append(all, v)
		}
	}
	for _, v := range after {
		if !slices.Contains(before, v) {
			all, claimed = append(all, v), append(claimed, v)
		}
	}
	return all, claimed
}

// wanted are the kinds of error that the writes together come to, any of them.
func (m seatModel) wanted(writes []planned) (kinds []orm.Kind) {
	owners, seen := m.owners(), map[string]bool{}
	for _, p := range writes {
		if p.fail == orm.KindValidation {
			return []orm.Kind{orm.KindValidation} // before anything is sent
		}
	}
	for _, p := range writes {
		all, claimed := m.touched(p)
		for _, v := range all {
			if seen[v] {
				return []orm.Kind{orm.KindValidation} // two actions on one item
			}
			seen[v] = true
		}
		for _, v := range claimed {
			if o, ok := owners[v]; ok && o.id != p.id {
				kinds = append(kinds, orm.KindAlreadyExists)
			}
		}
		if p.fail != "" {
			kinds = append(kinds, p.fail)
		}
	}
	return kinds
}

// check compares the whole table, its unique values and its index with the model.
func (m seatModel) check(t interface{ Fatalf(string, ...any) }, st orm.Reader) {
	ctx := context.Background()
	items := seatModel{}
	for s, err := range seats.Scan().All(ctx, st) {
		if err != nil {
			t.Fatalf("scan: %v", err)
		}
		items[s.ID] = s
	}
	if !stdmaps.EqualFunc(items, m, seat.equal) {
		t.Fatalf("the table holds\n%+v, want\n%+v", items, m)
	}
	if got, want := storedOwners(t, st), m.owners(); !stdmaps.Equal(got, want) {
		t.Fatalf("the unique values are\n%v, want\n%v", got, want)
	}
	for _, place := range places {
		var got, want []string
		for s, err := range byPlace.Query(place).All(ctx, st) {
			if err != nil {
				t.Fatalf("query: %v", err)
			}
			got = append(got, s.ID)
		}
		for id, s := range m {
			if s.Place == place {
				want = append(want, id)
			}
		}
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Fatalf("at place %s are %v, want %v", place, got, want)
		}
	}
}

func (s seat) equal(o seat) bool {
	same := s.Created.Equal(o.Created) && s.Updated.Equal(o.Updated)
	s.Created, s.Updated, o.Created, o.Updated = time.Time{}, time.Time{}, time.Time{}, time.Time{}
	return same && s == o
}

// storedOwners are the items of unique values.
func storedOwners(t interface{ Fatalf(string, ...any) }, st orm.Reader) map[string]owner {
	out := map[string]owner{}
	page, err := st.Scan(context.Background(), &orm.ScanRequest{Table: seats.Schema()})
	if err != nil || page.Next != nil {
		t.Fatalf("scan: %v, next %v", err, page)
	}
	for _, item := range page.Items {
		if !seats.Schema().HoldsUniqueValue(item) {
			continue
		}
		var o owner
		key := item["unique_owner"].(*types.AttributeValueMemberM).Value
		o.id = key["id"].(*types.AttributeValueMemberS).Value
		if n, ok := item["ends"].(*types.AttributeValueMemberN); ok {
			if o.ends, err = strconv.ParseInt(n.Value, 10, 64); err != nil {
				t.Fatalf("expiry of a value: %v", err)
			}
		}
		out[item["id"].(*types.AttributeValueMemberS).Value] = o
	}
	return out
}

// writesKeepTogether runs random writes and transactions, and compares the table
// with the model after each.
func writesKeepTogether(t *testing.T, steps int, newStore func() orm.Store) {
	rapid.Check(t, func(t *rapid.T) {
		st := &stopped{Store: newStore(), now: time.Date(2026, 11, 20, 0, 0, 0, 7, time.UTC)}
		m := seatModel{}
		for range rapid.IntRange(1, steps).Draw(t, "steps") {
			st.now = st.now.Add(time.Second)
			ids := rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"1", "2", "3", "4"}), 1, 3, rapid.ID).Draw(t, "ids")
			if rapid.Bool().Draw(t, "alone") {
				ids = ids[:1]
			}
			var planned []planned
			var writes []orm.Write
			for _, id := range ids {
				p := m.draw(t, id, st.now)
				planned, writes = append(planned, p), append(writes, p.w)
			}
			err := orm.Exec(context.Background(), st, writes...)
			kinds := m.wanted(planned)
			switch {
			case len(kinds) == 0 && err != nil:
				t.Fatalf("%+v of\n%+v: %v", planned, m, err)
			case len(kinds) > 0 && err == nil:
				t.Fatalf("%+v of\n%+v: no error, want %q", planned, m, kinds)
			}
			for _, k := range kinds {
				if !errors.Is(err, k) {
					t.Fatalf("%+v of\n%+v: error is %v, want kind %q", planned, m, err, k)
				}
			}
			for _, e := range orm.Errors(err) {
				if !slices.Contains(kinds, e.Kind) {
					t.Fatalf("%+v of\n%+v: error is %v, want kinds %q only", planned, m, err, kinds)
				}
			}
			if err == nil {
				for _, p := range planned {
					if delete(m, p.id); p.next != nil {
						m[p.id] = *p.next
					}
				}
			}
			m.check(t, st)
		}
	})
}

func TestWritesKeepTogether(t *testing.T) {
	writesKeepTogether(t, 60, func() orm.Store { return ormtest.New() })
}

func TestEngineWritesKeepTogether(t *testing.T) {
	e := ormtest.StartEngine(t)
	writesKeepTogether(t, 4, func() orm.Store { return e.Store(t, seats) })
}

// parallelWrites has several goroutines write the same few items at once. However
// they outrun each other, the table keeps together what belongs together, and no
// write is lost: an item that is never deleted was written as often as its
// version says.
func parallelWrites(t *testing.T, st orm.Store, writers, each int) {
	ctx := context.Background()
	var mu sync.Mutex
	written := map[string]int64{}
	count := map[string]int{}
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(uint64(w), 1))
			mail := func() string { return []string{"", "a", "B ", "b", "c", "d"}[r.IntN(6)] }
			for range each {
				id := []string{"1", "2", "3", "kept1", "kept2"}[r.IntN(5)]
				kept := strings.HasPrefix(id, "kept")
				var writes []orm.Write
				switch op := r.IntN(6); {
				case op == 0 && !kept:
					writes = []orm.Write{seats.Delete(id)}
				case op == 1:
					writes = []orm.Write{seats.Insert(seat{ID: id, Mail: mail(), Tag: r.IntN(4)})}
				case op <= 3:
					s, err := seats.Get(ctx, st, id)
					if err != nil && !errors.Is(err, orm.KindNotFound) {
						t.Error(err)
						return
					}
					s.ID, s.Mail, s.Tag, s.Ends, s.Area, s.Row = id, mail(), r.IntN(4), r.Int64N(3), "x", "1"
					writes = []orm.Write{seats.Put(s)}
				case op == 4:
					writes = []orm.Write{seats.Update(id, seatMail.Set(mail()))}
					if r.IntN(2) == 0 {
						writes = []orm.Write{seats.Update(id, seatEnds.Set(r.Int64N(3)))}
					}
				default:
					other := []string{"kept3", "kept4"}[r.IntN(2)]
					writes = []orm.Write{seats.Update(id, seatMail.Set(mail()), seatTag.Set(r.IntN(4))), seats.Update(other, seatTag.Set(r.IntN(4)))}
				}
				err := orm.Exec(ctx, st, writes...)
				mu.Lock()
				if err == nil {
					for _, w := range writes {
						actions, err := w.Actions(ctx, st)
						if err != nil {
							t.Error(err)
						}
						key := actions[0].PrimaryKey()["id"].(*types.AttributeValueMemberS).Value
						written[key]++
					}
					count["done"]++
				} else {
					for _, e := range orm.Errors(err) {
						count[string(e.Kind)]++
					}
					if !orm.Only(err, orm.KindAlreadyExists, orm.KindVersionConflict, orm.KindChanged, orm.KindConflict, orm.KindValidation) {
						t.Error(err)
					}
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	m := seatModel{}
	for s, err := range seats.Scan().All(ctx, st) {
		if err != nil {
			t.Fatal(err)
		}
		m[s.ID] = s
		if strings.HasPrefix(s.ID, "kept") && s.Version != written[s.ID] {
			t.Errorf("item %s has version %d and was written %d times", s.ID, s.Version, written[s.ID])
		}
	}
	m.check(t, st)
	if count["done"] < each || count[string(orm.KindAlreadyExists)] == 0 || count[string(orm.KindVersionConflict)] == 0 {
		t.Errorf("too little happened: %v", count)
	}
	t.Log(count)
}

func TestParallelWrites(t *testing.T) {
	m := ormtest.New()
	var again atomic.Int64
	m.Before(func(c ormtest.Call) error {
		if c.Op == "backoff" {
			again.Add(1)
		}
		runtime.Gosched()
		return nil
	})
	parallelWrites(t, m, 8, 200)
	if again.Load() == 0 {
		t.Error("no write was outrun: the test shows nothing")
	}
	t.Logf("made anew %d times", again.Load())
}

func TestEngineParallelWrites(t *testing.T) {
	parallelWrites(t, ormtest.StartEngine(t).Store(t, seats), 4, 25)
}
