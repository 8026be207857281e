package orders_test

import (
	"encoding/json"
	"math/rand/v2"
	"testing"

	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/capture"
	"github.com/vinci-go/vinci/capture/capturetest"
	"github.com/vinci-go/vinci/domain/orders"
	"github.com/vinci-go/vinci/orm"
	"github.com/vinci-go/vinci/tables"
)

func lowStock(t *testing.T) *capturetest.Kit {
	t.Helper()
	return capturetest.New(t, orders.LowStock, capture.OnTx(tables.Inventory, orders.AlertLowStock))
}

// alerts are what the log says of low stock: tenant, product and what is left.
func alerts(t *testing.T, kit *capturetest.Kit) (out []string) {
	t.Helper()
	for _, e := range kit.Committed() {
		var low orders.InventoryLow
		if err := json.Unmarshal(e.Data, &low); err != nil || e.Type != orders.Low.Name() {
			t.Fatalf("%s %s: %v", e.Type, e.Data, err)
		}
		out = append(out, e.TenantID+" "+low.ProductID+" "+string(rune('0'+low.Available)))
	}
	return out
}

// TestLowStock: one event each time that the stock falls below the threshold,
// however often and however the changes are delivered.
func TestLowStock(t *testing.T) {
	stock := func(n int) orm.Write {
		return tables.Inventory.Put(tables.Stock{TenantID: "acme", ProductID: "p1", Available: n})
	}
	for _, c := range []struct {
		name   string
		levels []int // of the product, one after the other; -1: removed
		want   []string
	}{
		{"plenty", []int{9, 7, 5, 8}, nil},
		{"falls", []int{9, 4}, []string{"acme p1 4"}},
		{"falls further", []int{9, 4, 3, 0}, []string{"acme p1 4"}},
		{"new and low", []int{2}, []string{"acme p1 2"}},
		{"new and at the threshold", []int{5, 4}, []string{"acme p1 4"}},
		{"twice", []int{9, 4, 6, 3}, []string{"acme p1 4", "acme p1 3"}},
		{"gone and back", []int{2, -1, 1}, []string{"acme p1 2", "acme p1 1"}},
		{"removed", []int{9, -1}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			kit := lowStock(t)
			for _, n := range c.levels {
				if n < 0 {
					kit.Write(tables.Inventory.Delete(orm.Key("acme", "p1")))
				} else {
					kit.Write(stock(n))
				}
			}
			kit.Deliver()
			for size := range 3 {
				kit.DeliverAgain(size)
			}
			if got := alerts(t, kit); len(got) != len(c.want) {
				t.Fatalf("alerts %v, want %v", got, c.want)
			} else {
				for i := range got {
					if got[i] != c.want[i] {
						t.Errorf("alerts %v, want %v", got, c.want)
					}
				}
			}
		})
	}
}

// TestLowStockOfTenants: changes of many products and tenants in any batches, each
// batch perhaps twice, make exactly the alerts that the levels say, each its tenant's.
func TestLowStockOfTenants(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	kit := lowStock(t)
	type product struct{ tenant, id string }
	level, want, all := map[product]int{}, map[product]int{}, 0
	for range 300 {
		p := product{[]string{"acme", "globex"}[random.IntN(2)], []string{"a", "b", "c"}[random.IntN(3)]}
		was, there := level[p]
		n := random.IntN(10)
		kit.Write(tables.Inventory.Put(tables.Stock{TenantID: p.tenant, ProductID: p.id, Available: n}))
		if n < orders.LowStockThreshold && (!there || was >= orders.LowStockThreshold) {
			want[p]++
			all++
		}
		level[p] = n
		if random.IntN(10) == 0 {
			kit.Deliver()
		}
		if random.IntN(30) == 0 {
			kit.DeliverAgain(1 + random.IntN(20))
		}
	}
	kit.Deliver()
	got := map[product]int{}
	for _, e := range kit.Committed() {
		var low orders.InventoryLow
		if err := json.Unmarshal(e.Data, &low); err != nil {
			t.Fatal(err)
		}
		got[product{e.TenantID, low.ProductID}]++
	}
	if all < 20 || len(kit.Committed()) != all {
		t.Errorf("%d alerts, want %d", len(kit.Committed()), all)
	}
	for p, n := range want {
		if got[p] != n {
			t.Errorf("%v: %d alerts, want %d", p, got[p], n)
		}
	}
}

// TestLowStockOfReservations: the handler sees what the reaction to an order writes.
func TestLowStockOfReservations(t *testing.T) {
	kit := lowStock(t)
	key := orm.Key("acme", "p1")
	kit.Write(tables.Inventory.Insert(tables.Stock{TenantID: "acme", ProductID: "p1", Available: 6}))
	kit.Write(tables.Inventory.Update(key, tables.StockAvailable.Add(-2)).If(tables.StockAvailable.Ge(2)))
	kit.Write(tables.Inventory.Update(key, tables.StockAvailable.Add(2)))
	kit.Write(tables.Inventory.Update(key, tables.StockAvailable.Add(-6)))
	kit.Deliver()
	if got := alerts(t, kit); len(got) != 2 || got[0] != "acme p1 4" || got[1] != "acme p1 0" {
		t.Errorf("alerts %v", got)
	}
	low := kit.Committed()[0]
	second := kit.Records()[1]
	if id := capture.RecordID("inventory", second.EventID); low.CausationID != id || low.CorrelationID != id {
		t.Errorf("cause %s and correlation %s, want %s", low.CausationID, low.CorrelationID, id)
	}
	if d := kit.Delivery(second); d.Status != bus.Succeeded || d.EventType != "inventory.modify" {
		t.Errorf("delivery %+v", d)
	}
}

func TestLowStockFits(t *testing.T) {
	if err := capture.Check(orders.LowStock, capture.OnTx(tables.Inventory, orders.AlertLowStock)); err != nil {
		t.Error(err)
	}
}
