package eventlog_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/eventlog"
	"github.com/vinci-go/vinci/orm"
)

// tally is what an order's stream comes to: it remembers the order of all it saw.
type tally struct {
	Sum  int    `json:"sum"`
	Seen string `json:"seen"`
}

func (s tally) placed(e event.Event[placed]) tally {
	return tally{s.Sum + e.Data.N, s.Seen + fmt.Sprintf("p%d ", e.Data.N)}
}

func (s tally) shipped(e event.Event[placed]) tally {
	return tally{s.Sum - e.Data.N, s.Seen + fmt.Sprintf("s%d ", e.Data.N)}
}

var tallies = eventlog.NewFold(func() tally { return tally{Sum: 100} },
	eventlog.Apply(orderPlaced, tally.placed),
	eventlog.Apply(orderShipped, tally.shipped),
	eventlog.Ignore[tally](event.Match("note.*")),
)

var noteTaken = event.Define[placed]("note.taken")

func TestLoad(t *testing.T) {
	f := newFixture()
	ctx := context.Background()
	got, version, err := eventlog.Load(ctx, f.Log, "order/1", tallies)
	if err != nil || version != 0 || got != (tally{Sum: 100}) {
		t.Errorf("a stream that does not exist: %+v at %d, %v", got, version, err)
	}
	_, err = f.Commit(ctx, eventlog.Changes{Events: []event.Record{
		orderPlaced.At("order/1", event.Expect(version)).Record(placed{5}),
		noteTaken.At("order/1", event.Append).Record(placed{7}),
		orderShipped.At("order/1", event.Append).Record(placed{2}),
	}})
	if err != nil {
		t.Fatal(err)
	}
	got, version, err = eventlog.Load(ctx, f.Log, "order/1", tallies)
	if want := (tally{103, "p5 s2 "}); err != nil || version != 3 || got != want {
		t.Errorf("got %+v at %d, %v; want %+v at 3", got, version, err, want)
	}
	if _, err := f.Commit(ctx, one("order/1", event.Expect(version))); err != nil {
		t.Errorf("the version is not the head: %v", err)
	}
}

func TestLoadErrors(t *testing.T) {
	f := newFixture()
	ctx := context.Background()
	f.seed(t, "order/1", 2)
	wrong := event.Define[placed]("wrong")
	type shipment struct{ N string }
	for name, tt := range map[string]struct {
		fold   eventlog.Fold[tally]
		stream string
		want   string
	}{
		"a type without a case": {eventlog.NewFold(func() tally { return tally{} }, eventlog.Apply(orderShipped, tally.shipped)), "order/1", "order/1@1 is a order.placed"},
		"two cases of a type":   {eventlog.NewFold(func() tally { return tally{} }, eventlog.Apply(orderPlaced, tally.placed), eventlog.Apply(orderPlaced, tally.placed)), "order/1", "two cases"},
		"an empty case":         {eventlog.NewFold(func() tally { return tally{} }, eventlog.Case[tally]{}), "order/1", "case 0"},
		"a wrong definition":    {eventlog.NewFold(func() tally { return tally{} }, eventlog.Apply(wrong, tally.placed)), "order/1", `"wrong"`},
		"other data": {eventlog.NewFold(func() tally { return tally{} },
			eventlog.Apply(event.Define[shipment]("order.placed"), func(s tally, _ event.Event[shipment]) tally { return s })), "order/1", "order.placed"},
		"no fold":  {eventlog.Fold[tally]{}, "order/1", "NewFold"},
		"a stream": {tallies, "order", "order"},
	} {
		t.Run(name, func(t *testing.T) {
			if got, version, err := eventlog.Load(ctx, f.Log, tt.stream, tt.fold); err == nil || !strings.Contains(err.Error(), tt.want) || version != 0 || got != (tally{}) {
				t.Errorf("got %+v at %d, %v; want an error saying %q", got, version, err, tt.want)
			}
		})
	}
	// An older case goes before a family that is ignored.
	fold := eventlog.NewFold(func() tally { return tally{} }, eventlog.Ignore[tally](event.Match("order.*")), eventlog.Apply(orderPlaced, tally.placed))
	if got, _, err := eventlog.Load(ctx, f.Log, "order/1", fold); err != nil || got.Sum != 2 {
		t.Errorf("got %+v, %v", got, err)
	}
}

// What was committed in older shapes, by older programs with looser rules.
func TestReadInTheNewestShape(t *testing.T) {
	type v1 struct {
		Name string `json:"name"`
	}
	type v2 struct {
		First string `json:"first"`
		Last  string `json:"last"`
	}
	type v3 struct {
		Full string `json:"full" validate:"max=9"` // a rule that came later
	}
	written1 := event.Define[v1]("person.named")
	written2 := event.Define[v2]("person.named", event.Version(2), event.Since(2))
	looser := event.Define[struct {
		Full string `json:"full"`
	}]("person.named", event.Version(3), event.Since(3))
	newest := event.Define[v3]("person.named", event.Version(3),
		event.Upcast(1, func(a v1) (v2, error) {
			first, last, _ := strings.Cut(a.Name, " ")
			return v2{first, last}, nil
		}),
		event.Upcast(2, func(b v2) (v3, error) { return v3{b.Last + " " + b.First}, nil }),
	)
	newer := event.Define[v3]("person.named", event.Version(4), event.Since(4))

	f := newFixture()
	ctx := context.Background()
	for _, r := range []event.Record{
		written1.At("person/1", event.Append).Record(v1{"Ada L"}),
		written2.At("person/1", event.Append).Record(v2{"Alan", "T"}),
		orderPlaced.At("person/1", event.Append).Record(placed{}),
		looser.At("person/1", event.Append).Record(struct {
			Full string `json:"full"`
		}{"Hopper Grace"}),
	} {
		if _, err := f.Commit(ctx, eventlog.Changes{Events: []event.Record{r}}); err != nil {
			t.Fatal(err)
		}
	}
	const want = "L Ada,T Alan,Hopper Grace"
	names := func(seqErr error, got []string) {
		t.Helper()
		if g := strings.Join(got, ","); seqErr != nil || g != want {
			t.Errorf("got %s, %v; want %s", g, seqErr, want)
		}
	}

	var got []string
	var failed error
	for e, err := range eventlog.Decoded(newest, f.Stream(ctx, "person/1", 1)) {
		got, failed = append(got, e.Data.Full), errors.Join(failed, err)
	}
	names(failed, got)

	got, failed = nil, nil
	for e, err := range eventlog.Newest(f.Stream(ctx, "person/1", 1), newest, orderPlaced) {
		failed = errors.Join(failed, err)
		if e.Type == "person.named" {
			_, full, _ := strings.Cut(strings.Trim(string(e.Data), `{}"`), `":"`)
			got = append(got, full)
			if e.SchemaVersion != 3 {
				t.Errorf("event %s has schema version %d", e.ID, e.SchemaVersion)
			}
		}
	}
	names(failed, got)

	fold := eventlog.NewFold(func() []string { return nil },
		eventlog.Apply(newest, func(s []string, e event.Event[v3]) []string { return append(s, e.Data.Full) }),
		eventlog.Ignore[[]string](orderPlaced))
	state, version, err := eventlog.Load(ctx, f.Log, "person/1", fold)
	if version != 4 {
		t.Errorf("version %d", version)
	}
	names(err, state)

	// What is newer than the program, and what nobody named.
	if _, err := f.Commit(ctx, eventlog.Changes{Events: []event.Record{newer.At("person/1", event.Append).Record(v3{"x"})}}); err != nil {
		t.Fatal(err)
	}
	end := func(seq func(func(event.Envelope, error) bool)) (n int, err error) {
		for _, err = range seq {
			n++
		}
		return n, err
	}
	if n, err := end(eventlog.Newest(f.Stream(ctx, "person/1", 4), newest)); n != 2 || !errors.Is(err, event.KindNewerVersion) {
		t.Errorf("got %d and %v, want kind %q at the second", n, err, event.KindNewerVersion)
	}
	if n, err := end(eventlog.Newest(f.Stream(ctx, "person/1", 1), newest)); n != 3 || err == nil || !strings.Contains(err.Error(), "order.placed") {
		t.Errorf("got %d and %v, want an error at the third", n, err)
	}
	if n, err := end(eventlog.Newest(f.Stream(ctx, "person/1", 1), event.Define[placed]("wrong"))); n != 1 || !errors.Is(err, event.KindDefinition) {
		t.Errorf("got %d and %v, want kind %q", n, err, event.KindDefinition)
	}
	if n, err := end(eventlog.Newest(f.Stream(ctx, "person", 1), newest)); n != 1 || !errors.Is(err, event.KindInvalid) {
		t.Errorf("got %d and %v, want the error of the stream", n, err)
	}
	n := 0
	for _, err = range eventlog.Decoded(newest, f.Stream(ctx, "person/1", 1)) {
		n++
	}
	if n != 4 || !errors.Is(err, event.KindNewerVersion) {
		t.Errorf("got %d and %v, want kind %q at the fourth", n, err, event.KindNewerVersion)
	}
	for _, err = range eventlog.Decoded(event.Define[placed]("wrong"), f.Stream(ctx, "person/1", 1)) {
		if !errors.Is(err, event.KindDefinition) {
			t.Errorf("got %v, want kind %q", err, event.KindDefinition)
		}
	}
	if _, _, err := eventlog.Load(ctx, f.Log, "person/1", fold); !errors.Is(err, event.KindNewerVersion) {
		t.Errorf("got %v, want kind %q", err, event.KindNewerVersion)
	}
}

// A public event keeps both of its shapes.
func TestCommitPublic(t *testing.T) {
	type outer struct {
		Count int `json:"count"`
	}
	def := event.Define[placed]("order.closed", event.Public(func(p placed) outer { return outer{p.N * 2} }, 4))
	f := newFixture()
	ctx := context.Background()
	if _, err := f.Commit(ctx, eventlog.Changes{Events: []event.Record{def.At("order/1", event.New).Record(placed{3})}}); err != nil {
		t.Fatal(err)
	}
	s := f.item(t, "order/1", 1)
	if s.Data != `{"n":3}` || s.Public != `{"count":6}` || s.PublicVersion != 4 {
		t.Errorf("got %+v", s)
	}
	for name, change := range map[string]func(*event.Record){
		"no version":     func(r *event.Record) { r.PublicVersion = 0 },
		"version alone":  func(r *event.Record) { r.Public = nil },
		"negative":       func(r *event.Record) { r.PublicVersion = -1 },
		"not an object":  func(r *event.Record) { r.Public = []byte("1") },
		"not UTF-8":      func(r *event.Record) { r.Public = []byte("{\"a\":\"\xff\"}") },
		"not JSON":       func(r *event.Record) { r.Public = []byte("{") },
		"blank, nothing": func(r *event.Record) { r.Public = []byte(" ") },
	} {
		r := def.At("order/2", event.New).Record(placed{3})
		change(&r)
		if _, err := f.Commit(ctx, eventlog.Changes{Events: []event.Record{r}}); !errors.Is(err, event.KindInvalid) {
			t.Errorf("%s: got %v, want kind %q", name, err, event.KindInvalid)
		}
	}
	if _, err := f.Get(ctx, "order/2@1"); !errors.Is(err, orm.KindNotFound) {
		t.Errorf("got %v", err)
	}
}

// An event that breaks a rule of today is read like any other: in the newest
// shape, and it says so.
func TestDecodedSaysItsShape(t *testing.T) {
	type v1 struct {
		N int `json:"n"`
	}
	type v2 struct {
		N int `json:"n" validate:"max=5"`
	}
	old := event.Define[v1]("thing.done")
	now := event.Define[v2]("thing.done", event.Version(2), event.Upcast(1, func(o v1) (v2, error) { return v2(o), nil }))
	f := newFixture()
	for _, n := range []int{5, 6} {
		if _, err := f.Commit(context.Background(), eventlog.Changes{Events: []event.Record{old.At("thing/1", event.Append).Record(v1{n})}}); err != nil {
			t.Fatal(err)
		}
	}
	for e, err := range eventlog.Decoded(now, f.Stream(context.Background(), "thing/1", 1)) {
		if err != nil || e.SchemaVersion != 2 {
			t.Errorf("%+v, %v: want schema version 2", e, err)
		}
	}
}
