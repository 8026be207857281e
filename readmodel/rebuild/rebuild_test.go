package rebuild_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/eventlog"
	"github.com/vinci-go/vinci/ops"
	"github.com/vinci-go/vinci/orm"
	"github.com/vinci-go/vinci/readmodel/rebuild"
)

// calm is a world in which nothing goes wrong: whenever the tool waits, all messages
// that are visible are handled.
type calm struct {
	*world
	t   *testing.T
	ctx context.Context
	// handles may keep a message from being handled.
	handles func(*message) bool
	slept   time.Duration
}

func newCalm(t *testing.T, sub *bus.Definition, parts ...bus.Part) *calm {
	w := &calm{world: newWorld(1, sub), t: t, ctx: event.WithFlow(t.Context(), event.Flow{Actor: "ada"}), handles: func(*message) bool { return true }}
	w.calm = true
	if parts != nil {
		w.parts = parts
		table := rebuild.Items(counts, generationOf)
		if sub == ordered {
			table = rebuild.Items(orders, generationOf)
		}
		var err error
		if w.model, err = rebuild.NewModel(sub, []rebuild.Table{table}, parts...); err != nil {
			t.Fatal(err)
		}
	}
	return w
}

func (w *calm) tool(change ...func(*rebuild.Options)) *rebuild.Tool {
	w.t.Helper()
	o := w.options()
	o.Sleep = func(_ context.Context, d time.Duration) error {
		w.slept += d
		w.now = w.now.Add(d)
		w.deliver()
		return nil
	}
	for _, c := range change {
		c(&o)
	}
	tool, err := rebuild.New(w.model, o)
	if err != nil {
		w.t.Fatal(err)
	}
	return tool
}

// deliver handles all messages that are visible, until none is.
func (w *calm) deliver() {
	w.t.Helper()
	for range 1000 {
		var kept, some []*message
		for _, m := range w.queue {
			if m.visible.After(w.now) || !w.handles(m) {
				kept = append(kept, m)
			} else {
				some = append(some, m)
			}
		}
		if len(some) == 0 {
			return
		}
		w.queue = some
		for w.consume() {
			for len(w.tasks) > 0 {
				w.step(w.tasks[0])
			}
		}
		w.queue = append(w.queue, kept...)
	}
	w.t.Fatal("messages come again and again")
}

// commitAll commits events and has them handled.
func (w *calm) commitAll(n int) {
	w.t.Helper()
	for range n {
		w.commit()
	}
	w.now = w.now.Add(10 * time.Minute)
	w.deliver()
}

func (w *calm) wantGood(current string) {
	w.t.Helper()
	if err := w.check(); err != nil {
		w.t.Error(err)
	}
	if g, err := w.generations(); err != nil || g.Current != current || g.Building != "" || len(g.Retired) != 0 {
		w.t.Errorf("generations %+v, %v", g, err)
	}
}

func (w *calm) acts() string {
	w.t.Helper()
	var out []string
	for e, err := range w.log.Stream(w.ctx, ops.Stream(w.sub.Name), 1) {
		if err != nil {
			w.t.Fatal(err)
		}
		if e.Type == ops.Rebuilt.Name() {
			a, err := ops.Rebuilt.Decode(e)
			if err != nil {
				w.t.Fatal(err)
			}
			out = append(out, fmt.Sprintf("%s %q by %s", a.Data.Phase, a.Data.Generation, e.Actor))
		}
	}
	return strings.Join(out, ", ")
}

func TestRebuild(t *testing.T) {
	for _, sub := range []*bus.Definition{counted, ordered} {
		t.Run(sub.Name, func(t *testing.T) {
			w := newCalm(t, sub)
			w.commitAll(20)
			dry, err := w.tool().DryRun(w.ctx)
			if err != nil || !dry.DryRun || dry.Sent != 20 || dry.Generation != "g2" || w.acts() != "" {
				t.Errorf("dry run: %+v, %v", dry, err)
			}
			r, err := w.tool().Start(w.ctx)
			if err != nil || !r.Flipped || r.Generation != "g2" || r.Before != "" || r.Sent != 20 || !r.Report.OK() || r.Report.Events != 20 || r.Dropped == 0 {
				t.Fatalf("%+v, %v", r, err)
			}
			w.wantGood("g2")
			w.commitAll(5)
			if r, err = w.tool(func(o *rebuild.Options) { o.Keep = true }).Start(w.ctx); err != nil || r.Dropped != 0 || r.Kept != "g2" {
				t.Fatalf("kept: %+v, %v", r, err)
			}
			if g, err := w.generations(); err != nil || len(g.Retired) != 1 {
				t.Errorf("kept: %+v, %v", g, err)
			}
			if _, err := w.tool().Resume(w.ctx); !errors.Is(err, rebuild.ErrNone) {
				t.Errorf("what is kept stays: %v", err)
			}
			if r, err = w.tool().Drop(w.ctx); err != nil || r.Dropped == 0 {
				t.Errorf("drop: %+v, %v", r, err)
			}
			w.wantGood("g3")
			const acts = `began "g2" by ada, flipped "g2" by ada, dropped "" by ada, began "g3" by ada, flipped "g3" by ada, dropped "g2" by ada`
			if got := w.acts(); got != acts {
				t.Errorf("acts %s", got)
			}
			for _, item := range w.memory.Items(eventlog.State) {
				s, err := eventlog.State.Decode(item)
				if err != nil {
					t.Fatal(err)
				}
				if s.Kind == eventlog.StateReplay || s.Kind == eventlog.StateCheckpoint && !strings.Contains(s.Key, "!g3/") {
					t.Errorf("left over: %s", s.Key)
				}
			}
		})
	}
}

func TestRefused(t *testing.T) {
	w := newCalm(t, counted)
	w.commitAll(3)
	if _, err := w.tool().Start(t.Context()); err == nil || !strings.Contains(err.Error(), "Actor") {
		t.Errorf("nobody: %v", err)
	}
	for name, do := range map[string]func(*rebuild.Tool, context.Context) (rebuild.Result, error){"resume": (*rebuild.Tool).Resume, "abort": (*rebuild.Tool).Abort, "drop": (*rebuild.Tool).Drop} {
		if _, err := do(w.tool(), w.ctx); !errors.Is(err, rebuild.ErrNone) {
			t.Errorf("%s: %v", name, err)
		}
	}
	stop := errors.New("stop")
	stopped := func(o *rebuild.Options) { o.Sleep = func(context.Context, time.Duration) error { return stop } }
	if _, err := w.tool(stopped).Start(w.ctx); !errors.Is(err, stop) {
		t.Fatal(err)
	}
	if _, err := w.tool().Start(w.ctx); !errors.Is(err, rebuild.ErrBuilding) {
		t.Errorf("a second one: %v", err)
	}
	if _, err := w.tool().Abort(w.ctx); err != nil {
		t.Error(err)
	}
	w.now = w.now.Add(time.Hour)
	w.deliver()
	w.wantGood("")
	if _, err := w.tool(stopped).Start(w.ctx); !errors.Is(err, stop) {
		t.Fatal(err)
	}
	w.now = w.now.Add(bus.MinRetention/2 + time.Hour)
	if _, err := w.tool().Resume(w.ctx); !errors.Is(err, rebuild.ErrTooOld) {
		t.Errorf("after ten days: %v", err)
	}
	// No number is used twice.
	if g, err := w.generations(); err != nil || g.Building != "g3" {
		t.Errorf("%+v, %v", g, err)
	}
	// Somebody gives it up while it is being made.
	if _, err := w.tool().Abort(w.ctx); err != nil {
		t.Fatal(err)
	}
	once := false
	_, err := w.tool(func(o *rebuild.Options) {
		sleep := o.Sleep
		o.Sleep = func(ctx context.Context, d time.Duration) error {
			if !once {
				once = true
				if _, err := w.tool().Abort(w.ctx); err != nil {
					t.Error(err)
				}
			}
			return sleep(ctx, d)
		}
	}).Start(w.ctx)
	if !errors.Is(err, rebuild.ErrLost) && !errors.Is(err, ops.KindRefused) {
		t.Errorf("given up meanwhile: %v", err)
	}
	w.wantGood("")
}

// Verify finds what is wrong with an item, by attribute, and tells what was lost on
// the way from what is still under way.
func TestVerify(t *testing.T) {
	w := newCalm(t, counted)
	w.commitAll(10)
	ids := make([]string, len(w.all))
	for i, e := range w.all {
		ids[i] = e.ID
	}
	verify := func() rebuild.Report {
		t.Helper()
		r, err := w.tool().Verify(w.ctx, "")
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	if r := verify(); !r.OK() || r.Items != 11 || r.Events != 10 || w.slept != 0 {
		t.Errorf("all is well: %+v after %v", r, w.slept)
	}
	if err := orm.Exec(t.Context(), w.memory,
		counts.Update("#"+ids[0], countN.Set(7)), counts.Delete("#"+ids[1]), counts.Put(mark{Key: "#more", N: 1, Text: "\x1b[31m"}), counts.Put(mark{Key: "g2#" + ids[0], N: 5})); err != nil {
		t.Fatal(err)
	}
	r := verify()
	var got []string
	for _, d := range r.Differences {
		got = append(got, fmt.Sprintf("%s %s: %s/%s", d.Key, d.Attribute, d.Stored, d.Expected))
		if d.Table != "counts" || d.Moving {
			t.Errorf("%+v", d)
		}
	}
	for _, want := range []string{ids[0] + `" n: 7/1`, ids[1] + `" : nothing/key = "#` + ids[1] + `", n = 1`, `#more" : key = "#more", n = 1`} {
		if !strings.Contains(strings.Join(got, "\n"), want) {
			t.Errorf("%s is not in\n%s", want, strings.Join(got, "\n"))
		}
	}
	if len(got) != 3 || r.Differing != 3 || r.Missing != 0 || w.slept < w.o.Patience {
		t.Errorf("%d differ, %d are missing, after %v: %q", r.Differing, r.Missing, w.slept, got)
	}
	var text strings.Builder
	if err := r.Print(&text); err != nil || !strings.Contains(text.String(), "3 items differ, 0 events are not rightly in it") || strings.Contains(text.String(), "\x1b") {
		t.Errorf("%v\n%s", err, text.String())
	}
	if err := orm.Exec(t.Context(), w.memory, counts.Update("#"+ids[0], countN.Set(1)), counts.Put(mark{Key: "#" + ids[1], N: 1}), counts.Delete("#more"), counts.Delete("g2#"+ids[0])); err != nil {
		t.Fatal(err)
	}

	// Under way: it comes while Verify waits.
	w.commit()
	if r := verify(); !r.OK() || r.Events != 11 {
		t.Errorf("under way: %+v", r)
	}
	// Lost.
	w.commit()
	w.queue = nil
	lost := w.all[len(w.all)-1]
	if r := verify(); r.Missing != 1 || r.Unhandled[0].EventID != lost.ID || r.Unhandled[0].State != "missing" || r.Differing != 2 {
		t.Errorf("lost: %+v", r)
	}
	// Recorded as handled, and not to be handled by this program.
	w.queue = nil
	w.put(event.Envelope{Metadata: lost, Data: []byte(`{"n":1}`)}, nil, 0)
	w.deliver()
	broken := newCalm(t, counted, bus.OnTx(thingHappened, func(context.Context, event.Event[happened], *bus.Tx) error { return errors.New("boom") }))
	broken.world.memory, broken.world.log, broken.world.now, broken.world.indexed = w.memory, w.log, w.now, w.indexed
	if r, err := broken.tool().Verify(w.ctx, ""); err != nil || r.Missing != 12 || r.Unhandled[0].State != "fails" || r.Unhandled[0].Error != "boom" {
		t.Errorf("fails: %+v, %v", r, err)
	}
}

// Versions and stamps say how often and when an item was written, not what is in it.
func TestNotCompared(t *testing.T) {
	type versioned struct {
		Key     string           `dynamo:"key,hash"`
		Sums    map[string]int64 `dynamo:"sums"`
		At      time.Time        `dynamo:"at" stamp:"updated"`
		Version int64            `dynamo:"version" version:"true"`
	}
	table := orm.Define[versioned, string]("versioned")
	sub := bus.Subscription("versioned", bus.To(thingHappened), bus.Writes(table), bus.Rebuildable())
	w := newWorld(1, counted)
	w.sub, w.calm = sub, true
	w.parts = []bus.Part{bus.OnTx(thingHappened, func(ctx context.Context, e event.Event[happened], tx *bus.Tx) error {
		v, err := table.Get(ctx, tx, bus.Namespace(ctx)+"#"+e.Subject)
		if errors.Is(err, orm.KindNotFound) {
			v, err = versioned{Key: bus.Namespace(ctx) + "#" + e.Subject, Sums: map[string]int64{}}, nil
		}
		v.Sums[e.Subject] += int64(e.Data.N)
		tx.Write(table.Put(v))
		return err
	})}
	var err error
	if w.model, err = rebuild.NewModel(sub, []rebuild.Table{rebuild.Items(table, func(v versioned) string { return strings.Split(v.Key, "#")[0] })}, w.parts...); err != nil {
		t.Fatal(err)
	}
	c := &calm{world: w, t: t, ctx: event.WithFlow(t.Context(), event.Flow{Actor: "ada"}), handles: func(*message) bool { return true }}
	c.commitAll(10)
	item := w.memory.Items(table)[0]
	v, err := table.Decode(item)
	if err != nil {
		t.Fatal(err)
	}
	if err := orm.Exec(t.Context(), w.memory, table.Put(v)); err != nil { // a higher version
		t.Fatal(err)
	}
	if r, err := c.tool().Verify(c.ctx, ""); err != nil || !r.OK() {
		t.Errorf("%+v, %v", r, err)
	}
	subject := strings.TrimPrefix(v.Key, "#")
	if item["version"].(*types.AttributeValueMemberN).Value == "0" {
		t.Error("it has no version")
	}
	v.Version++
	v.Sums[subject]++
	v.Sums["else"] = 3
	if err := orm.Exec(t.Context(), w.memory, table.Put(v)); err != nil {
		t.Fatal(err)
	}
	r, err := c.tool().Verify(c.ctx, "")
	if err != nil || len(r.Differences) != 2 || r.Differences[0].Attribute != "sums.else" || r.Differences[1].Attribute != "sums."+subject || r.Differences[0].Expected != "nothing" {
		t.Errorf("%+v, %v", r, err)
	}
}

// An event that cannot be handled stops the flip, unless it is given up and that is
// accepted. Behind it, a stream of an ordered subscription waits.
func TestStuck(t *testing.T) {
	for _, sub := range []*bus.Definition{counted, ordered} {
		t.Run(sub.Name, func(t *testing.T) {
			poison := ""
			fails := func(e event.Metadata) error {
				if e.ID == poison {
					return bus.Permanent(errors.New("poison"))
				}
				return nil
			}
			part := bus.OnTx(thingHappened, func(ctx context.Context, e event.Event[happened], tx *bus.Tx) error {
				return errors.Join(fails(e.Metadata), count(ctx, e, tx))
			})
			if sub == ordered {
				part = bus.OnTx(thingHappened, func(ctx context.Context, e event.Event[happened], tx *bus.Tx) error {
					return errors.Join(fails(e.Metadata), order(ctx, e, tx))
				})
			}
			w := newCalm(t, sub, part)
			w.commitAll(30)
			poison = w.all[3].ID
			r, err := w.tool().Start(w.ctx)
			if !errors.Is(err, rebuild.ErrStuck) || len(r.Stuck) == 0 || r.Stuck[0].EventID != poison || r.Stuck[0].State != "dead" || r.Flipped {
				t.Fatalf("%+v, %v", r, err)
			}
			behind := 0
			for _, u := range r.Stuck[1:] {
				if behind++; sub == counted || u.State != "behind" {
					t.Errorf("stuck: %v", u)
				}
			}
			if sub == ordered && behind == 0 {
				t.Error("nothing waits behind it")
			}
			if r, err = w.tool(func(o *rebuild.Options) { o.WithDead = true }).Resume(w.ctx); err != nil || !r.Flipped {
				t.Fatalf("accepted: %+v, %v", r, err)
			}
			if r, err := w.tool().Verify(w.ctx, "g2"); err != nil || r.Missing == 0 || r.Unhandled[0].EventID != poison {
				t.Errorf("verify tells: %+v, %v", r, err)
			}
			// Mended: the next generation has everything.
			poison, w.dead = "", nil
			if r, err = w.tool().Start(w.ctx); err != nil || !r.Report.OK() {
				t.Fatalf("mended: %+v, %v", r, err)
			}
			w.wantGood("g3")
		})
	}
}

// A message that is lost, by whatever mistake, is sent again.
func TestSentAgain(t *testing.T) {
	w := newCalm(t, counted)
	w.commitAll(10)
	lost := 0
	tool := w.tool(func(o *rebuild.Options) {
		sleep := o.Sleep
		o.Sleep = func(ctx context.Context, d time.Duration) error {
			if lost == 0 {
				lost = len(w.queue)
				w.queue = nil
			}
			return sleep(ctx, d)
		}
	})
	if r, err := tool.Start(w.ctx); err != nil || r.Sent != 10+lost || lost == 0 {
		t.Errorf("%+v, %v, %d were lost", r, err, lost)
	}
	w.wantGood("g2")
}

// What was sent anew in place of another event takes its place in a new generation, too.
func TestReplaced(t *testing.T) {
	for _, sub := range []*bus.Definition{counted, ordered} {
		w := newCalm(t, sub)
		w.commitAll(5)
		o, err := ops.New(ops.Options{Application: "sim", Deployment: "test", Store: w.memory, Log: w.log, Queues: sim{w.world}, Subscriptions: []ops.Subscription{ops.Of(sub)}, Now: w.clock, NewID: w.newID})
		if err != nil {
			t.Fatal(err)
		}
		// It is lost, and sent anew with other data.
		w.commit()
		w.queue = nil
		old := w.all[len(w.all)-1]
		if sub == ordered { // its stream waits for nothing: the event behind it would come first
			w.now = w.now.Add(time.Minute)
		}
		if _, err := o.Edit(w.ctx, sub.Name, old.ID, []byte(`{"n":1000}`), ""); err != nil {
			t.Fatal(err)
		}
		w.now = w.now.Add(10 * time.Minute)
		w.deliver()
		r, err := w.tool().Start(w.ctx)
		if err != nil || !r.Flipped {
			t.Fatalf("%s: %+v, %v", sub.Name, r, err)
		}
		d, err := bus.Deliveries.Get(t.Context(), w.memory, orm.Key(bus.RecordID(old.ID, "g2"), sub.Name))
		if err != nil || d.Status != bus.Ignored {
			t.Errorf("%s: the old event is %s, %v", sub.Name, d.Status, err)
		}
		new := w.all[len(w.all)-1]
		if d, err = bus.Deliveries.Get(t.Context(), w.memory, orm.Key(bus.RecordID(new.ID, "g2"), sub.Name)); err != nil || d.Status != bus.Succeeded {
			t.Errorf("%s: the new event is %s, %v", sub.Name, d.Status, err)
		}
	}
}

func TestNewModel(t *testing.T) {
	unique := orm.Define[struct {
		Key  string `dynamo:"key,hash"`
		Mail string `dynamo:"mail" unique:"exact"`
	}, string]("unique")
	items := []rebuild.Table{rebuild.Items(counts, generationOf)}
	for want, f := range map[string]func() error{
		"is not declared bus.Rebuildable()": func() error {
			_, err := rebuild.NewModel(bus.Subscription("m", bus.To(thingHappened), bus.Writes(counts)), items, bus.OnTx(thingHappened, count))
			return err
		},
		"is not made with bus.OnTx": func() error {
			_, err := rebuild.NewModel(counted, items, bus.On(thingHappened, func(context.Context, event.Event[happened]) error { return nil }))
			return err
		},
		"commits or publishes events": func() error {
			_, err := rebuild.NewModel(bus.Subscription("m", bus.To(thingHappened), bus.Writes(counts), bus.Rebuildable(), bus.Commits(thingHappened)), items, bus.OnTx(thingHappened, count))
			return err
		},
		"writes table counts, which is not among": func() error {
			_, err := rebuild.NewModel(counted, []rebuild.Table{rebuild.Items(orders, generationOf)}, bus.OnTx(thingHappened, count))
			return err
		},
		"it has no table": func() error {
			_, err := rebuild.NewModel(counted, nil, bus.OnTx(thingHappened, count))
			return err
		},
		"table 0 is empty": func() error {
			_, err := rebuild.NewModel(counted, []rebuild.Table{{}}, bus.OnTx(thingHappened, count))
			return err
		},
		"table unique keeps values unique": func() error {
			_, err := rebuild.NewModel(counted, append(items, rebuild.Items(unique, func(struct {
				Key  string `dynamo:"key,hash"`
				Mail string `dynamo:"mail" unique:"exact"`
			}) string {
				return ""
			})), bus.OnTx(thingHappened, count))
			return err
		},
		"no handler for it": func() error { _, err := rebuild.NewModel(counted, items); return err },
	} {
		if err := f(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
}
