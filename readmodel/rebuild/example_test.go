package rebuild_test

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/eventlog"
	"github.com/vinci-go/vinci/orm"
	"github.com/vinci-go/vinci/orm/ormtest"
	"github.com/vinci-go/vinci/readmodel/rebuild"
)

// A read model is compared with the log that it is made from: `vinci verify` runs a
// program that calls rebuild.Main, and a test can do the same in memory.
func ExampleTool_Verify() {
	ctx, store, now := context.Background(), ormtest.New(), time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	clock := func() time.Time { return now }
	log := eventlog.New(store, eventlog.Options{Source: "shop", Now: clock})
	parts := []bus.Part{bus.OnTx(thingHappened, count)}
	inProcess, err := bus.NewInProcess(bus.InProcessOptions{Store: store, Log: log, Logger: slog.New(slog.DiscardHandler), Now: clock}, bus.Register(counted, parts...))
	if err != nil {
		fmt.Println(err)
		return
	}
	for i := range 3 {
		record := thingHappened.At(fmt.Sprint("thing/", i), event.New).Record(happened{N: i})
		if _, err := inProcess.Follow(log).Commit(ctx, eventlog.Changes{Events: []event.Record{record}}); err != nil {
			fmt.Println(err)
			return
		}
	}
	model, err := rebuild.NewModel(counted, []rebuild.Table{rebuild.Items(counts, generationOf)}, parts...)
	if err != nil {
		fmt.Println(err)
		return
	}
	tool, err := rebuild.New(model, rebuild.Options{
		Application: "shop", Deployment: "dev", Store: store, Log: log, From: now.Add(-time.Hour),
		Now: clock, Sleep: func(_ context.Context, d time.Duration) error { now = now.Add(d); return nil },
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	verify := func() {
		r, err := tool.Verify(ctx, "")
		fmt.Printf("%d events, %d items, %d differ, %v\n", r.Events, r.Items, r.Differing, err)
		for _, d := range r.Differences {
			fmt.Printf("%s is %s, expected is %s\n", d.Attribute, d.Stored, d.Expected)
		}
	}
	verify()
	if err := orm.Exec(ctx, store, counts.Update("#all", countN.Add(40))); err != nil { // somebody repairs by hand
		fmt.Println(err)
		return
	}
	verify()
	// Output:
	// 3 events, 4 items, 0 differ, <nil>
	// 3 events, 4 items, 1 differ, <nil>
	// n is 43, expected is 3
}
