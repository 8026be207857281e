package orm_test

import (
	"context"
	"fmt"
	"os"

	"github.com/vinci-go/vinci/orm"
	"github.com/vinci-go/vinci/orm/ormtest"
)

type Reading struct {
	Sensor string  `dynamo:"sensor,hash"`
	Second int64   `dynamo:"second,range"`
	Value  float64 `dynamo:"value"`
}

var (
	Readings     = orm.Define[Reading, orm.Pair[string, int64]]("readings")
	ReadingValue = orm.Attr(Readings, func(r *Reading) *float64 { return &r.Value })
)

// readings is a store with five of them.
func readings(ctx context.Context) orm.Store {
	store := ormtest.New()
	var all []Reading
	for i := range int64(5) {
		all = append(all, Reading{"door", 100 + i, float64(i) / 2})
	}
	if err := Readings.PutBatch(ctx, store, all); err != nil {
		panic(err)
	}
	return store
}

func ExampleQuery_All() {
	ctx := context.Background()
	store := readings(ctx)

	warm := orm.QueryTable(Readings, "door").Filter(ReadingValue.Ge(0.5))
	for r, err := range warm.Descending().Limit(3).All(ctx, store) {
		if err != nil {
			panic(err)
		}
		fmt.Println(r.Second, r.Value)
	}
	// Output:
	// 104 2
	// 103 1.5
	// 102 1
}

// A page's cursor may be sent to a client and come back in its next request.
func ExampleQuery_Page() {
	ctx := context.Background()
	store := readings(ctx)

	query := orm.QueryTable(Readings, "door").From(101).Limit(3)
	var cursor orm.Cursor
	for {
		page, err := query.StartAt(cursor).Page(ctx, store)
		if err != nil {
			panic(err)
		}
		fmt.Println(len(page.Items), "from", page.Items[0].Second)
		if cursor = page.Next; cursor == "" {
			break
		}
	}
	_, err := query.Descending().StartAt("AQIDBA").Page(ctx, store)
	fmt.Println(err)
	// Output:
	// 3 from 101
	// 1 from 104
	// query readings: validation: this is no cursor: give the text of Page's Next as it was, or none to begin at the beginning
}

func ExampleExport() {
	ctx := context.Background()
	n, err := orm.Export(ctx, readings(ctx), Readings, os.Stdout)
	fmt.Println(n, err)
	// Output:
	// {"Item":{"second":{"N":"100"},"sensor":{"S":"door"},"value":{"N":"0"}}}
	// {"Item":{"second":{"N":"101"},"sensor":{"S":"door"},"value":{"N":"0.5"}}}
	// {"Item":{"second":{"N":"102"},"sensor":{"S":"door"},"value":{"N":"1"}}}
	// {"Item":{"second":{"N":"103"},"sensor":{"S":"door"},"value":{"N":"1.5"}}}
	// {"Item":{"second":{"N":"104"},"sensor":{"S":"door"},"value":{"N":"2"}}}
	// 5 <nil>
}
