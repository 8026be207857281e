package direct_test

import (
	"context"
	"fmt"

	"github.com/vinci-go/vinci/bus/direct"
	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/eventlog/relay"
)

// printer stands for the bus: relay.NewPublisher makes one of an EventBridge client.
type printer struct{}

func (printer) Publish(_ context.Context, entries []relay.Entry) ([]relay.Result, error) {
	for _, e := range entries {
		fmt.Println(e.Source, e.Type)
	}
	return make([]relay.Result, len(entries)), nil
}

// What somebody searched for may be lost: it goes to the bus without being kept.
func Example() {
	p := direct.New(direct.Options{Source: "shop", Bus: printer{}}) // direct.FromEnv(os.Getenv) in a function

	ctx := event.WithFlow(context.Background(), event.Flow{TenantID: "acme"})
	sent, err := p.Publish(ctx, searched.Record(search{Text: "tea"}))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(sent[0].Type, "of", sent[0].TenantID)
	// Output:
	// shop page.searched
	// page.searched of acme
}
