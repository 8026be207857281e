package scenario_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/capture"
	"github.com/vinci-go/vinci/domain/orders"
	"github.com/vinci-go/vinci/eventlog"
	"github.com/vinci-go/vinci/internal/moduletest"
	"github.com/vinci-go/vinci/internal/progress"
	"github.com/vinci-go/vinci/orm"
	"github.com/vinci-go/vinci/scenario"
	"github.com/vinci-go/vinci/tables"
)

// TestLowStock runs the application with a table handler that cannot take one product
// and dies of another. Stock goes up and down in parallel: each time that it falls low
// there is one event, and what cannot be handled is in the failure queue.
func TestLowStock(t *testing.T) {
	dir := moduletest.Copy(t, "..")
	moduletest.Replace(t, filepath.Join(dir, "domain", "orders", "inventory.go"), `	before := LowStockThreshold
`, `	switch c.After.ProductID {
	case "poison":
		return bus.Permanent(fmt.Errorf("nobody sells that"))
	case "deadly":
		os.Exit(1)
	}
	before := LowStockThreshold
`)
	moduletest.Replace(t, filepath.Join(dir, "domain", "orders", "inventory.go"), `	"fmt"
`, `	"fmt"
	"os"
`)
	moduletest.Replace(t, filepath.Join(dir, "constructs", "capture.go"), `changeRetries = 100`, `changeRetries = 2`)
	var stderr bytes.Buffer
	s, err := scenario.Start(t.Context(), scenario.Options{Dir: dir}, progress.New(&stderr), io.Discard, &stderr)
	if err != nil {
		t.Fatalf("%v\n%s", err, &stderr)
	}
	defer func() {
		if err := s.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	}()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	began := time.Now().Add(-time.Minute)

	set := func(tenant, product string, n int) {
		if err := orm.Exec(ctx, s.Store, tables.Inventory.Put(tables.Stock{TenantID: tenant, ProductID: product, Available: n})); err != nil {
			t.Error(err)
		}
	}
	type product struct{ tenant, id string }
	want, all := map[product]int{}, 0
	var mu sync.Mutex
	var wg sync.WaitGroup
	for i := range 12 {
		wg.Go(func() {
			random := rand.New(rand.NewPCG(7, uint64(i)))
			p := product{fmt.Sprint("tenant-", i%3), fmt.Sprint("p", i)}
			level := orders.LowStockThreshold
			for step := range 20 {
				n := random.IntN(10)
				set(p.tenant, p.id, n)
				if n < orders.LowStockThreshold && level >= orders.LowStockThreshold {
					mu.Lock()
					want[p]++
					all++
					mu.Unlock()
				}
				level = n
				if i == 5 && step == 10 {
					set(p.tenant, "poison", 1)
					set(p.tenant, "deadly", 1)
				}
			}
		})
	}
	wg.Wait()

	failures := receive(ctx, t, s, scenario.Deployment.DeadLetterQueue(orders.LowStock.Name), 2)
	var own, lambdas int
	for _, m := range failures {
		var f capture.Failure
		if err := json.Unmarshal([]byte(*m.Body), &f); err != nil {
			t.Fatal(err)
		}
		switch {
		case f.Handler == "low_stock":
			own++
			if f.Item != `"tenant-2", "poison"` || aws.ToString(m.MessageAttributes[bus.AttrErrorKind].StringValue) != string(bus.KindPermanent) {
				t.Errorf("failure %s: %v", *m.Body, m.MessageAttributes)
			}
		case strings.Contains(*m.Body, "DDBStreamBatchInfo") && strings.Contains(*m.Body, `"batchSize":1,`):
			lambdas++
		default:
			t.Errorf("failure %s", *m.Body)
		}
	}
	if own != 1 || lambdas != 1 {
		t.Errorf("%d messages of our own and %d of Lambda's in the failure queue, want one each", own, lambdas)
	}
	// The deadly change was the last obstacle: what follows it is handled.
	set("tenant-0", "last", 0)
	want[product{"tenant-0", "last"}] = 1
	all++
	for {
		got, n := map[product]int{}, 0
		for e, err := range s.Log.History(eventlog.HistoryQuery{Types: []string{orders.Low.Name()}, From: began}).All(ctx) {
			if err != nil {
				t.Fatal(err)
			}
			var low orders.InventoryLow
			if err := json.Unmarshal(e.Data, &low); err != nil {
				t.Fatal(err)
			}
			got[product{e.TenantID, low.ProductID}]++
			n++
			if !strings.HasPrefix(e.CausationID, "change/inventory/") || e.CorrelationID != e.CausationID {
				t.Errorf("event %+v", e.Metadata)
			}
		}
		if n >= all && got[product{"tenant-0", "last"}] == 1 {
			if !maps.Equal(got, want) || all < 20 {
				t.Errorf("alerts %v\nwant %v", got, want)
			}
			break
		}
		select {
		case <-ctx.Done():
			t.Fatalf("%d of %d alerts: %v, want %v\n%s", n, all, got, want, &stderr)
		case <-time.After(50 * time.Millisecond): // between two looks at a condition that nothing signals
		}
	}
	if d, err := bus.Deliveries.Get(ctx, s.Store, orm.Key(idOf(t, failures), orders.LowStock.Name)); err != nil || d.Status != bus.Dead {
		t.Errorf("the record of the poison: %+v, %v", d, err)
	}
}

// idOf is the record id in our own message.
func idOf(t *testing.T, messages []types.Message) string {
	t.Helper()
	for _, m := range messages {
		var f capture.Failure
		if err := json.Unmarshal([]byte(*m.Body), &f); err == nil && f.ID != "" {
			return f.ID
		}
	}
	t.Fatal("no message of our own")
	return ""
}

// receive waits for n messages in a queue.
func receive(ctx context.Context, t *testing.T, s *scenario.Stage, queue string, n int) (all []types.Message) {
	t.Helper()
	client := sqs.NewFromConfig(s.AWS())
	url, err := client.GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: &queue})
	if err != nil {
		t.Fatal(err)
	}
	for len(all) < n {
		out, err := client.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
			QueueUrl: url.QueueUrl, WaitTimeSeconds: 5, MaxNumberOfMessages: 10, VisibilityTimeout: 600, MessageAttributeNames: []string{"All"},
		})
		if err != nil {
			t.Fatalf("after %d of %d messages: %v\n%v", len(all), n, err, s.Runtime.Lines("low_stock"))
		}
		all = append(all, out.Messages...)
	}
	return all
}
