package scenario_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strings"
	"time"

	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/domain/orders"
	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/orm"
	"github.com/vinci-go/vinci/readmodel"
	"github.com/vinci-go/vinci/scenario"
	"github.com/vinci-go/vinci/tables"
)

// What follows computes everything from the log once more, with nothing of what the
// application computes it with: no handler, no aggregate, no upcast. It knows the
// events as JSON only.

// told is the data of any event of an order.
type told struct {
	OrderID      string     `json:"order_id"`
	CustomerID   string     `json:"customer_id"`
	CustomerName string     `json:"customer_name"`
	Currency     string     `json:"currency"` // versions 1 and 2
	Reason       string     `json:"reason"`
	Lines        []toldLine `json:"lines"`
	Release      []toldLine `json:"release"`
	Total        json.RawMessage
	Items        []struct {
		ProductID string      `json:"product_id"`
		Title     string      `json:"title"`
		Price     json.Number `json:"price"`
		Quantity  int         `json:"quantity"`
	} `json:"items"`
	Paid   orders.Money  `json:"paid"`
	Refund *orders.Money `json:"refund"`
}

type toldLine struct {
	ProductID string `json:"product_id"`
	Quantity  int    `json:"quantity"`
}

// minor is an amount of version 1 or 2 in minor units.
func minor(amount, currency string) int64 {
	factor := map[string]int64{"EUR": 100, "JPY": 1, "KWD": 1000}[currency]
	r, ok := new(big.Rat).SetString(amount)
	if !ok || factor == 0 {
		panic("no amount: " + amount + " " + currency)
	}
	r.Mul(r, big.NewRat(factor, 1))
	if !r.IsInt() {
		panic("no amount: " + amount + " " + currency)
	}
	return r.Num().Int64()
}

// world is what the log comes to.
type world struct {
	dashboards map[[2]string]tables.Dashboard    // by tenant and month
	summaries  map[[2]string]tables.OrderSummary // by tenant and order
	stock      map[[2]string]int                 // by tenant and product
	days       map[[2]string]tables.OrderDay     // by tenant and day/currency
	audit      map[string]tables.AuditEntry      // by event id
	problems   []string
}

func (w *world) wrong(format string, args ...any) {
	w.problems = append(w.problems, fmt.Sprintf(format, args...))
}

func (w *world) month(tenant string, at time.Time, change func(*tables.Dashboard)) {
	key := [2]string{tenant, at.Format("2006-01")}
	d, ok := w.dashboards[key]
	if !ok {
		d = tables.Dashboard{Revenue: map[string]int64{}, Titles: map[string]int64{}}
	}
	change(&d)
	w.dashboards[key] = d
}

// worldOf computes the world and holds that each order's story may be told so.
func worldOf(log []event.Envelope) *world {
	w := &world{
		dashboards: map[[2]string]tables.Dashboard{}, summaries: map[[2]string]tables.OrderSummary{},
		stock: map[[2]string]int{}, days: map[[2]string]tables.OrderDay{}, audit: map[string]tables.AuditEntry{},
	}
	streams := map[string][]event.Envelope{}
	for _, e := range log {
		streams[e.Subject] = append(streams[e.Subject], e)
	}
	for stream, events := range streams {
		slices.SortFunc(events, func(a, b event.Envelope) int { return int(version(a) - version(b)) })
		w.order(stream, events)
	}
	return w
}

func version(e event.Envelope) int64 {
	_, v, err := event.ParseID(e.ID)
	if err != nil {
		panic(err)
	}
	return v
}

// order tells the story of one order.
func (w *world) order(stream string, events []event.Envelope) {
	tenant, id := strings.Split(stream, "/")[1], strings.Split(stream, "/")[2]
	key := [2]string{tenant, id}
	var reserved []toldLine
	var paidAt, confirmedAt time.Time
	var paid orders.Money
	rejected := false
	for i, e := range events {
		var d told
		if err := json.Unmarshal(e.Data, &d); err != nil {
			w.wrong("%s: %v", e.ID, err)
			return
		}
		s := w.summaries[key]
		over := s.Status == "fulfilled" || s.Status == "cancelled"
		legal := version(e) == int64(i)+1 && e.TenantID == tenant && d.OrderID == id
		switch e.Type {
		case "order.placed":
			legal = legal && i == 0
			s = w.placed(tenant, e, d)
		case "inventory.reserved":
			legal = legal && !over && reserved == nil && !rejected
			reserved = d.Lines
			for _, l := range d.Lines {
				w.stock[[2]string{tenant, l.ProductID}] -= l.Quantity
			}
		case "inventory.rejected":
			legal, rejected = legal && !over && reserved == nil && !rejected, true
		case "payment.captured":
			legal = legal && s.Status == "placed" && d.Paid == orders.Money{Amount: s.Total, Currency: s.Currency}
			s.Status, s.PaidAt, paidAt, paid = "paid", e.Time, e.Time, d.Paid
			w.month(tenant, e.Time, func(m *tables.Dashboard) { m.Revenue[paid.Currency] += paid.Amount })
		case "order.confirmed":
			legal = legal && s.Status == "paid" && reserved != nil
			s.Status, s.ConfirmedAt, confirmedAt = "confirmed", e.Time, e.Time
			w.month(tenant, e.Time, func(m *tables.Dashboard) { m.Pending++ })
		case "order.fulfilled":
			legal = legal && s.Status == "confirmed"
			s.Status, s.FulfilledAt = "fulfilled", e.Time
			w.month(tenant, confirmedAt, func(m *tables.Dashboard) { m.Pending-- })
		case "order.cancelled":
			legal = legal && !over && slices.Equal(d.Release, reserved) && (d.Refund != nil) == !paidAt.IsZero()
			s.Status, s.CancelledAt, s.Reason = "cancelled", e.Time, d.Reason
			for _, l := range reserved {
				w.stock[[2]string{tenant, l.ProductID}] += l.Quantity
			}
			if !paidAt.IsZero() {
				w.month(tenant, paidAt, func(m *tables.Dashboard) { m.Revenue[paid.Currency] -= paid.Amount })
			}
			if !confirmedAt.IsZero() {
				w.month(tenant, confirmedAt, func(m *tables.Dashboard) { m.Pending-- })
			}
		case "payment.due":
		default:
			legal = false
		}
		if !legal {
			w.wrong("%s of tenant %q, %s, must not be here: the order was %q", e.ID, e.TenantID, e.Type, w.summaries[key].Status)
		}
		w.summaries[key] = s
		if e.Type != "payment.due" {
			w.audit[e.ID] = tables.AuditEntry{TenantID: tenant, EventID: e.ID, EventType: e.Type, OrderID: id, At: e.Time}
		}
	}
	if s := w.summaries[key]; rejected && s.Status != "cancelled" {
		w.wrong("order %s has no stock and is %s", stream, s.Status)
	}
	if s := w.summaries[key]; !rejected && reserved == nil && s.Status != "cancelled" {
		w.wrong("nothing came of the stock of order %s", stream)
	}
}

func (w *world) placed(tenant string, e event.Envelope, d told) tables.OrderSummary {
	total, prices := orders.Money{Currency: d.Currency}, make([]int64, len(d.Items))
	if e.SchemaVersion == 3 {
		if err := json.Unmarshal(d.Total, &total); err != nil {
			w.wrong("%s: %v", e.ID, err)
		}
	} else {
		total.Amount = minor(string(d.Total), d.Currency)
	}
	s := tables.OrderSummary{
		OrderID: d.OrderID, CustomerID: d.CustomerID, CustomerName: d.CustomerName,
		Total: total.Amount, Currency: total.Currency, Status: "placed", PlacedAt: e.Time,
	}
	sum, most := int64(0), int64(-1)
	for i, item := range d.Items {
		if e.SchemaVersion == 3 {
			prices[i], _ = item.Price.Int64() // the sum finds a mistake
		} else {
			prices[i] = minor(item.Price.String(), d.Currency)
		}
		sum += prices[i] * int64(item.Quantity)
		s.ItemCount += item.Quantity
		if prices[i] > most {
			most, s.TopItem = prices[i], item.Title
		}
	}
	if sum != total.Amount {
		w.wrong("%s: the items come to %d, the total is %d", e.ID, sum, total.Amount)
	}
	w.month(tenant, e.Time, func(m *tables.Dashboard) {
		m.Orders++
		for _, item := range d.Items {
			m.Titles[item.Title] += int64(item.Quantity)
		}
	})
	key := [2]string{tenant, e.Time.Format("2006-01-02") + "/" + total.Currency}
	day := w.days[key]
	w.days[key] = tables.OrderDay{Orders: day.Orders + 1, Pieces: day.Pieces + int64(s.ItemCount), Value: day.Value + total.Amount}
	return s
}

// check compares everything that is stored with the log.
func (m *market) check() {
	m.Helper()
	log := m.log()
	w := worldOf(log)
	for _, p := range w.problems {
		m.Error(p)
	}
	m.checkPlaced(w)
	m.checkDashboards(w)
	m.checkSummaries(w)
	m.checkStock(w)
	m.checkTrail(w)
	m.checkCalls(w)
	for _, tenant := range m.tenants {
		m.checkAPI(tenant, w)
	}
	m.checkOld()
	kinds := map[string]int{}
	for _, e := range log {
		kinds[e.Type]++
	}
	m.Logf("the log: %v", kinds)
	for _, name := range []string{
		"order.placed", "inventory.reserved", "inventory.rejected", "payment.captured",
		"payment.due", "order.confirmed", "order.fulfilled", "order.cancelled",
	} {
		if kinds[name] == 0 {
			m.Errorf("there was no %s", name)
		}
	}
}

// checkPlaced: what the API acknowledged is in the log, and nothing else is.
func (m *market) checkPlaced(w *world) {
	n := 0
	for tenant, ids := range m.placed {
		for _, id := range ids {
			n++
			if _, ok := w.summaries[[2]string{tenant, id}]; !ok {
				m.Errorf("order %s of %s was acknowledged and is not in the log", id, tenant)
			}
		}
	}
	if n != len(w.summaries) {
		m.Errorf("the log has %d orders, %d were acknowledged", len(w.summaries), n)
	}
}

// generation is where the dashboards are after the rebuild.
const generation = "g2"

func (m *market) checkDashboards(w *world) {
	stored := 0
	for d, err := range tables.Dashboards.Scan().All(m.Context(), m.Store) {
		if err != nil {
			m.Fatal(err)
		}
		g, tenant, _ := strings.Cut(d.Model, "#")
		if g != generation {
			continue // kept by the rebuild, and left alone since
		}
		stored++
		want := w.dashboards[[2]string{tenant, d.Month}]
		zero := func(_ string, n int64) bool { return n == 0 }
		maps.DeleteFunc(d.Revenue, zero)
		maps.DeleteFunc(want.Revenue, zero)
		if d.Orders != want.Orders || d.Pending != want.Pending || !maps.Equal(d.Revenue, want.Revenue) || !maps.Equal(d.Titles, want.Titles) {
			m.Errorf("the dashboard of %s for %s is %+v; the log says %+v", tenant, d.Month, d, want)
		}
	}
	if stored != len(w.dashboards) {
		m.Errorf("%d dashboards are stored; the log says %d", stored, len(w.dashboards))
	}
}

func (m *market) checkSummaries(w *world) {
	stored := 0
	for s, err := range tables.OrderSummaries.Scan().All(m.Context(), m.Store) {
		if err != nil {
			m.Fatal(err)
		}
		stored++
		tenant := strings.TrimPrefix(s.Model, "#")
		want := w.summaries[[2]string{tenant, s.OrderID}]
		want.Model, want.ModelStatus, want.Version = s.Model, s.ModelStatus, s.Version
		if fmt.Sprintf("%+v", s) != fmt.Sprintf("%+v", want) {
			m.Errorf("the summary of %s's order %s is\n%+v; the log says\n%+v", tenant, s.OrderID, s, want)
		}
	}
	if stored != len(w.summaries) {
		m.Errorf("%d summaries are stored; the log has %d orders", stored, len(w.summaries))
	}
}

func (m *market) checkStock(w *world) {
	for stock, err := range tables.Inventory.Scan().All(m.Context(), m.Store) {
		if err != nil {
			m.Fatal(err)
		}
		want := initialStock[stock.ProductID] + w.stock[[2]string{stock.TenantID, stock.ProductID}]
		if stock.Available != want || stock.Available < 0 {
			m.Errorf("%s has %d of %s; the log says %d", stock.TenantID, stock.Available, stock.ProductID, want)
		}
	}
}

// checkTrail compares the audit trail and the analytics.
func (m *market) checkTrail(w *world) {
	entries := 0
	for a, err := range tables.OrderAudit.Scan().All(m.Context(), m.Store) {
		if err != nil {
			m.Fatal(err)
		}
		entries++
		want := w.audit[a.EventID]
		want.Entry, want.Actor = a.Entry, a.Actor
		if fmt.Sprint(a) != fmt.Sprint(want) || !strings.HasSuffix(a.Entry, " "+a.EventID) {
			m.Errorf("the audit trail says %+v, the log %+v", a, want)
		}
	}
	if entries != len(w.audit) {
		m.Errorf("the audit trail has %d entries, the log %d facts", entries, len(w.audit))
	}
	days := 0
	for d, err := range tables.OrderAnalytics.Scan().All(m.Context(), m.Store) {
		if err != nil {
			m.Fatal(err)
		}
		days++
		want := w.days[[2]string{d.TenantID, d.Day}]
		if d.Orders != want.Orders || d.Pieces != want.Pieces || d.Value != want.Value {
			m.Errorf("the analytics of %s for %s are %+v; the log says %+v", d.TenantID, d.Day, d, want)
		}
	}
	if days != len(w.days) {
		m.Errorf("%d days are in the analytics; the log says %d", days, len(w.days))
	}
}

// checkCalls: the services of a tenant heard of each order, always with the same key,
// and of no other tenant's, whose secret would be another.
func (m *market) checkCalls(w *world) {
	for sub, service := range map[*bus.Definition]*scenario.Service{orders.ConfirmOrder: m.mail, orders.NotifyDistributor: m.shop} {
		heard := map[string]bool{}
		for _, c := range service.Calls() {
			if !c.Signed || !strings.HasPrefix(c.Key, sub.Name+"/order/tenant-") || !strings.HasSuffix(c.Key, "/"+c.OrderID+"@1") {
				m.Errorf("%s called about order %s with the key %q, rightly signed: %t", sub.Name, c.OrderID, c.Key, c.Signed)
			}
			if c.Status == 200 {
				heard[c.OrderID] = true
			}
		}
		for i, tenant := range append(slices.Clone(m.tenants), oldTenant) {
			for _, id := range m.placed[tenant] {
				if heard[id] != (i%3 != 2) {
					m.Errorf("%s told of order %s of %s: %t", sub.Name, id, tenant, heard[id])
				}
			}
		}
	}
}

// checkAPI: a tenant's own orders are in its lists, and no other; its dashboard is
// its own.
func (m *market) checkAPI(tenant string, w *world) {
	var listed []string
	for _, status := range orders.Statuses() {
		cursor := ""
		for {
			var page struct {
				Orders []struct {
					OrderID string `json:"order_id"`
				} `json:"orders"`
				Cursor string `json:"cursor"`
			}
			m.ask(tenant, "GET", "/orders?limit=2&status="+string(status)+"&cursor="+cursor, nil, &page, 200)
			for _, o := range page.Orders {
				listed = append(listed, o.OrderID)
				if s := w.summaries[[2]string{tenant, o.OrderID}]; s.Status != string(status) {
					m.Errorf("%s lists order %s as %s; it is %q", tenant, o.OrderID, status, s.Status)
				}
			}
			if cursor = page.Cursor; cursor == "" {
				break
			}
		}
	}
	own := slices.Sorted(slices.Values(m.placed[tenant]))
	if slices.Sort(listed); !slices.Equal(listed, own) {
		m.Errorf("%s lists %v; its orders are %v", tenant, listed, own)
	}
	for key, want := range w.dashboards {
		if key[0] != tenant {
			continue
		}
		// The function may believe for a while that the old generation is the current one.
		for end := time.Now().Add(readmodel.MaxAge); ; time.Sleep(100 * time.Millisecond) {
			answer, same := m.dashboard(tenant, key[1], want)
			if same {
				break
			}
			if time.Now().After(end) {
				m.Errorf("the dashboard of %s for %s is answered as %s; the log says %+v", tenant, key[1], answer, want)
				break
			}
		}
	}
}

// dashboard asks for a tenant's month and compares it.
func (m *market) dashboard(tenant, name string, want tables.Dashboard) (answer string, same bool) {
	m.Helper()
	var month struct {
		Orders  int64          `json:"orders"`
		Revenue []orders.Money `json:"revenue"`
		Pending int64          `json:"pending_fulfilment"`
	}
	m.ask(tenant, "GET", "/dashboard?month="+name, nil, &month, 200)
	revenue := map[string]int64{}
	for _, r := range month.Revenue {
		revenue[r.Currency] = r.Amount
	}
	return fmt.Sprintf("%+v", month), month.Orders == want.Orders && month.Pending == want.Pending && maps.Equal(revenue, want.Revenue)
}

// checkOld says the numbers of the old orders in so many words.
func (m *market) checkOld() {
	found := 0
	for d, err := range orm.QueryTable(tables.Dashboards, tables.ModelKey(generation, oldTenant)).All(m.Context(), m.Store) {
		if err != nil {
			m.Fatal(err)
		}
		found++
		if got := fmt.Sprint(d.Orders, d.Revenue, d.Titles, d.Pending); got != "3 map[EUR:3059 JPY:1200] map[Old Clock:1 Old Lamp:4] 0" {
			m.Errorf("the dashboard of the old orders is %s", got)
		}
	}
	if found != 1 {
		m.Errorf("%d dashboards of the old orders", found)
	}
}
