package scenario_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	eventbridgetypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/domain"
	"github.com/vinci-go/vinci/domain/orders"
	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/eventlog"
	"github.com/vinci-go/vinci/internal/progress"
	"github.com/vinci-go/vinci/readmodel"
	"github.com/vinci-go/vinci/scenario"
)

// Products of every tenant, with what there is of each. There is too little of the
// last one for all who want it.
var initialStock = map[string]int{"lamp": 10_000, "clock": 10_000, "rare": 2}

// market is the running application with many tenants that order at once.
type market struct {
	*testing.T
	*scenario.Stage
	eventbridge *eventbridge.Client
	sqs         *sqs.Client
	mail, shop  *scenario.Service
	tenants     []string
	random      []*rand.Rand // of each tenant
	program     string       // of the dashboards

	mu     sync.Mutex
	placed map[string][]string // order ids by tenant, as the API said
	done   atomic.Int64        // orders that were placed
}

// TestOrders: many tenants order at once, while messages come twice, processes are
// killed and the dashboards are made anew. In the end every read model, the stock and
// the audit trail say what the log says, to the last number, and no tenant sees
// anything of another.
func TestOrders(t *testing.T) {
	tenants, each := 6, 10
	if full {
		tenants, each = 20, 25
	}
	m := openMarket(t, tenants)
	m.buildProgram()
	m.prepare()
	m.old()
	began := time.Now()

	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var trouble, customers sync.WaitGroup
	placed := make(chan struct{}, tenants*each)
	rebuilt := make(chan struct{})
	trouble.Go(func() { m.trouble(ctx, placed) })
	trouble.Go(func() {
		select {
		case <-rebuilt:
			m.rebuild(ctx)
		case <-ctx.Done():
		}
	})
	var once sync.Once
	for i := range m.tenants {
		customers.Go(func() {
			for n := range each {
				m.customer(i, n)
				placed <- struct{}{}
				if m.done.Add(1) >= int64(tenants*each/3) {
					once.Do(func() { close(rebuilt) })
				}
			}
		})
	}
	customers.Wait()
	close(placed)
	trouble.Wait()
	last := time.Now()
	m.settle()
	t.Logf("%d orders of %d tenants in %v; all settled %v after the last", tenants*each, tenants, last.Sub(began).Round(time.Millisecond), time.Since(last).Round(time.Millisecond))
	m.check()
	m.strangers()
	m.verify()
}

// openMarket starts the application, with time-outs so short that what a killed
// process had in hand comes again soon.
func openMarket(t *testing.T, tenants int) *market {
	t.Helper()
	var stderr bytes.Buffer
	stage, err := scenario.Start(t.Context(), scenario.Options{Assembly: hurried(t)}, progress.New(io.Discard), io.Discard, &stderr)
	if err != nil {
		t.Fatalf("%v\n%s", err, &stderr)
	}
	t.Cleanup(func() {
		if err := stage.Stop(context.Background()); err != nil {
			t.Error(err)
		}
		for _, pid := range children(t) {
			t.Errorf("process %d outlives the runtime", pid)
		}
		if t.Failed() {
			t.Logf("the runtime wrote:\n%s", &stderr)
		}
	})
	m := &market{
		T: t, Stage: stage, placed: map[string][]string{},
		eventbridge: eventbridge.NewFromConfig(stage.AWS()), sqs: sqs.NewFromConfig(stage.AWS()),
	}
	for i := range tenants {
		m.tenants = append(m.tenants, fmt.Sprintf("tenant-%02d", i))
		const seed = 6
		m.random = append(m.random, rand.New(rand.NewPCG(seed, uint64(i))))
	}
	// Of five mails one fails at first, and of seven orders the distributor is busy.
	m.mail = m.service(func(c scenario.ServiceCall) int { return failFirst(c, 5) })
	m.shop = m.service(func(c scenario.ServiceCall) int { return failFirst(c, 7) })
	return m
}

const marketSecret = "a secret that signs a lot"

func (m *market) service(answer func(scenario.ServiceCall) int) *scenario.Service {
	m.Helper()
	s, err := scenario.NewService(marketSecret, answer)
	if err != nil {
		m.Fatal(err)
	}
	m.Cleanup(func() {
		if err := s.Close(); err != nil {
			m.Error(err)
		}
	})
	return s
}

// failFirst fails the first call about one order in n.
func failFirst(c scenario.ServiceCall, n int) int {
	sum := 0
	for _, b := range []byte(c.OrderID) {
		sum += int(b)
	}
	if c.Nth == 1 && sum%n == 0 {
		return 503
	}
	return 200
}

// ask sends a request of a tenant and wants a status.
func (m *market) ask(tenant, method, path string, body, out any, status int) {
	m.Helper()
	if err := m.Do(m.Context(), scenario.Request{Method: method, Path: path, Tenant: tenant, Body: body}, out, status); err != nil {
		m.Errorf("%s: %v", tenant, err)
	}
}

// prepare gives each tenant stock, and most of them services.
func (m *market) prepare() {
	for i, tenant := range append(slices.Clone(m.tenants), oldTenant) {
		for product, available := range initialStock {
			m.ask(tenant, "PUT", "/inventory/"+product, map[string]int{"available": available}, nil, 200)
		}
		if i%3 != 2 {
			m.ask(tenant, "PUT", "/endpoints/mail", map[string]string{"url": m.mail.URL, "secret": marketSecret}, nil, 200)
			m.ask(tenant, "PUT", "/endpoints/distributor", map[string]string{"url": m.shop.URL, "secret": marketSecret}, nil, 200)
		}
	}
}

// order is the API's answer about an order.
type order struct {
	OrderID string       `json:"order_id"`
	Status  string       `json:"status"`
	Total   orders.Money `json:"total"`
}

// wish is what a customer of a tenant orders.
func (m *market) wish(i, n int) orders.PlaceOrder {
	random := m.random[i]
	p := orders.PlaceOrder{
		CustomerID: fmt.Sprintf("c%d", n), CustomerName: fmt.Sprintf("Customer %d", n),
		Email: fmt.Sprintf("customer%d@example.com", n), Currency: []string{"EUR", "EUR", "JPY", "KWD"}[random.IntN(4)],
	}
	products := []string{"lamp", "clock"}
	if n%8 == 5 {
		products = []string{"rare"}
	}
	for _, product := range products[:1+random.IntN(len(products))] {
		p.Items = append(p.Items, orders.Item{
			ProductID: product, Title: fmt.Sprintf("%s no. %d", product, random.IntN(3)), Price: int64(1 + random.IntN(10_000)), Quantity: 1 + random.IntN(4),
		})
	}
	return p
}

// customer places an order, and does with it what the n-th customer does.
func (m *market) customer(i, n int) {
	tenant, p := m.tenants[i], m.wish(i, n)
	if n%8 == 4 {
		p.PayWithin = 1
	}
	o := m.place(tenant, fmt.Sprintf("%s/%d", tenant, n), p, n%8 == 1)
	path := "/orders/" + o.OrderID
	pay := func() { m.ask(tenant, "POST", path+"/pay", o.Total, nil, 200) }
	switch n % 8 {
	case 0:
		pay()
		if m.confirm(tenant, o.OrderID) {
			m.ask(tenant, "POST", path+"/fulfil", map[string]string{"tracking_number": "T"}, nil, 200)
		}
	case 1:
		pay()
		m.confirm(tenant, o.OrderID)
	case 2:
		pay()
		m.ask(tenant, "POST", path+"/cancel", map[string]string{"reason": "changed my mind"}, nil, 200)
	case 6: // both at once: the order is cancelled, and paid before that or not
		var both sync.WaitGroup
		both.Go(func() {
			status, answer, err := m.Answer(m.Context(), scenario.Request{Method: "POST", Path: path + "/pay", Tenant: tenant, Body: o.Total})
			if err != nil || status != 200 && status != 409 {
				m.Errorf("pay while it is cancelled: %d %s %v", status, answer, err)
			}
		})
		both.Go(func() {
			m.ask(tenant, "POST", path+"/cancel", map[string]string{"reason": "changed my mind"}, nil, 200)
		})
		both.Wait()
	case 7:
		wrong := orders.Money{Amount: o.Total.Amount + 1, Currency: o.Total.Currency}
		m.ask(tenant, "POST", path+"/pay", wrong, nil, 422)
		pay()
		if m.confirm(tenant, o.OrderID) {
			m.ask(tenant, "POST", path+"/cancel", map[string]string{"reason": "lost"}, nil, 200)
		}
	}
}

// place places an order, by two requests at once under one key when twice.
func (m *market) place(tenant, key string, p orders.PlaceOrder, twice bool) order {
	m.Helper()
	requests := 1
	if twice {
		requests = 2
	}
	answers := make([]order, requests)
	var all sync.WaitGroup
	for i := range answers {
		all.Go(func() {
			if err := m.Do(m.Context(), scenario.Request{Method: "POST", Path: "/orders", Tenant: tenant, Key: key, Body: p}, &answers[i], 201); err != nil {
				m.Error(err)
			}
		})
	}
	all.Wait()
	if answers[0] != answers[requests-1] {
		m.Errorf("two requests under one key: %+v and %+v", answers[0], answers[1])
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.placed[tenant] = append(m.placed[tenant], answers[0].OrderID)
	return answers[0]
}

// confirm confirms a paid order as soon as its stock is set aside; false: there was
// none, and it was cancelled.
func (m *market) confirm(tenant, id string) bool {
	m.Helper()
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(20 * time.Millisecond) { // nothing signals it
		status, answer, err := m.Answer(m.Context(), scenario.Request{Method: "POST", Path: "/orders/" + id + "/confirm", Tenant: tenant})
		switch {
		case err != nil:
			m.Errorf("confirm %s: %v", id, err)
			return false
		case status == 200:
			return true
		case status != 409:
			m.Errorf("confirm %s: %d %s", id, status, answer)
			return false
		case strings.Contains(string(answer), "the order is cancelled"):
			return false
		}
	}
	m.Errorf("nothing set the stock of %s aside", id)
	return false
}

// trouble sends messages again and kills processes, with the orders.
func (m *market) trouble(ctx context.Context, placed <-chan struct{}) {
	const seed = 66
	random := rand.New(rand.NewPCG(seed, seed))
	functions := []string{
		orders.ProjectDashboard.Name, orders.ReserveStock.Name, orders.ProjectSummary.Name, orders.AuditOrders.Name,
		orders.ConfirmOrder.Name, orders.OrderProcess.Name, orders.ReleaseStock.Name, orders.AnalyseOrders.Name,
	}
	killed, again, n := 0, 0, 0
	for range placed {
		switch n++; {
		case n%3 == 0:
			again += m.again(ctx, random)
		case n%10 == 4:
			for _, pid := range m.Runtime.Processes(functions[(n/10)%len(functions)]) {
				if syscall.Kill(pid, syscall.SIGKILL) == nil {
					killed++
				}
			}
		}
	}
	m.Logf("%d events came again, %d processes were killed", again, killed)
	if again == 0 || killed == 0 {
		m.Error("there was no trouble")
	}
}

// again publishes what has become of one order once more, and puts it into the queues
// as well.
func (m *market) again(ctx context.Context, random *rand.Rand) (events int) {
	m.mu.Lock()
	var streams []string
	for _, tenant := range m.tenants {
		for _, id := range m.placed[tenant] {
			streams = append(streams, orders.Stream(tenant, id))
		}
	}
	m.mu.Unlock()
	if len(streams) == 0 {
		return 0
	}
	for e, err := range m.Log.Stream(ctx, streams[random.IntN(len(streams))], 1) {
		if err != nil {
			m.Error(err)
			return events
		}
		events++
		detail, err := json.Marshal(e)
		if err != nil {
			m.Error(err)
			return events
		}
		out, err := m.eventbridge.PutEvents(ctx, &eventbridge.PutEventsInput{Entries: []eventbridgetypes.PutEventsRequestEntry{{
			EventBusName: aws.String(scenario.Deployment.Bus()), Source: aws.String(domain.Application), DetailType: aws.String(e.Type), Detail: aws.String(string(detail)),
		}}})
		if err != nil || out.FailedEntryCount != 0 {
			m.Errorf("publish %s again: %v %v", e.ID, err, out)
		}
		m.enqueue(ctx, e)
	}
	return events
}

// enqueue puts an event into the queue of each subscription that asks for it.
func (m *market) enqueue(ctx context.Context, e event.Envelope) {
	body, err := bus.MessageBody(e)
	if err != nil {
		m.Error(err)
		return
	}
	for _, sub := range scenario.OrderSubscriptions() {
		if !sub.Matches(e.Type) {
			continue
		}
		url, err := m.sqs.GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: aws.String(scenario.Deployment.Queue(sub.Name))})
		if err == nil {
			_, err = m.sqs.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: url.QueueUrl, MessageBody: aws.String(string(body))})
		}
		if err != nil {
			m.Errorf("send %s to %s again: %v", e.ID, sub.Name, err)
		}
	}
}

// buildProgram builds the program of a read model as the vinci command does.
func (m *market) buildProgram() {
	m.Helper()
	m.program = filepath.Join(m.TempDir(), "dashboard")
	if out, err := exec.CommandContext(m.Context(), "go", "build", "-o", m.program, "../readmodels/dashboard").CombinedOutput(); err != nil {
		m.Fatalf("build readmodels/dashboard: %v\n%s", err, out)
	}
}

// run runs it.
func (m *market) run(ctx context.Context, args ...string) {
	m.Helper()
	cmd := exec.CommandContext(ctx, m.program, args...)
	cmd.Env = m.Environ()
	began := time.Now()
	out, err := cmd.CombinedOutput()
	m.Logf("dashboard %s, %v:\n%s", strings.Join(args, " "), time.Since(began).Round(time.Millisecond), out)
	if err != nil {
		m.Errorf("dashboard %s: %v", args[0], err)
	}
}

// rebuild makes the dashboards anew, while orders keep coming.
func (m *market) rebuild(ctx context.Context) {
	before := m.done.Load()
	// What a killed process had in hand comes again after twelve seconds: --patience
	// is longer. The old items stay, so that nothing waits for their end.
	m.run(ctx, "rebuild", "--settle=1s", "--patience=1m", "--keep", "--as=tester", "--reason=TestOrders")
	m.Logf("%d orders had been placed when the rebuild began, and %d when it was done", before, m.done.Load())
}

func (m *market) verify() { m.run(m.Context(), "verify", "--settle=1s", "--patience=1m") }

// settle waits until every event has its outcome at every subscription, in the
// generation that is current, and the queues are empty.
func (m *market) settle() {
	m.Helper()
	g, err := readmodel.Read(m.Context(), m.Store, orders.ProjectDashboard)
	if err != nil || g.Current != "g2" || g.Building != "" {
		m.Fatalf("the generations are %+v, %v; the dashboards were made anew once", g, err)
	}
	for end := time.Now().Add(90 * time.Second); ; time.Sleep(100 * time.Millisecond) { // nothing signals it
		missing := m.unsettled(g.Current)
		if len(missing) == 0 {
			return
		}
		if time.Now().After(end) {
			m.Fatalf("%d deliveries have no outcome: %v", len(missing), missing[:min(len(missing), 10)])
		}
	}
}

// unsettled lists what is still to come.
func (m *market) unsettled(generation string) (missing []string) {
	status := map[[2]string]bus.Delivery{}
	for d, err := range bus.Deliveries.Scan().All(m.Context(), m.Store) {
		if err != nil {
			m.Fatal(err)
		}
		status[[2]string{d.EventID, d.Subscription}] = d
		if d.Status == bus.Dead {
			m.Fatalf("%s at %s is dead: %s", d.EventID, d.Subscription, d.ErrorMessage)
		}
	}
	unpaid := map[string]bool{}
	for timer, err := range m.Log.DueTimers(m.Context(), time.Now().Add(time.Hour)) {
		if err != nil {
			m.Fatal(err)
		}
		unpaid[timer.ID] = true
	}
	for id := range unpaid {
		missing = append(missing, "timer "+id)
	}
	for _, e := range m.log() {
		for _, sub := range scenario.OrderSubscriptions() {
			id := e.ID
			if sub == orders.ProjectDashboard {
				id = bus.RecordID(e.ID, generation)
			}
			if d := status[[2]string{id, sub.Name}]; sub.Matches(e.Type) && !d.Status.Settled() {
				missing = append(missing, fmt.Sprintf("%s %s at %s (%s)", e.Type, id, sub.Name, d.Status))
			}
		}
	}
	for _, sub := range scenario.OrderSubscriptions() {
		empty, err := m.Empty(m.Context(), sub)
		if err != nil {
			m.Fatal(err)
		}
		if !empty {
			missing = append(missing, "messages in the queue of "+sub.Name)
		}
	}
	return missing
}

// log is the whole log of the order context.
func (m *market) log() (events []event.Envelope) {
	for stored, err := range eventlog.Events.Scan().All(m.Context(), m.Store) {
		if err != nil {
			m.Fatal(err)
		}
		if !strings.HasPrefix(stored.Stream, "order/") {
			continue
		}
		e, err := stored.Envelope(domain.Application)
		if err != nil {
			m.Fatal(err)
		}
		events = append(events, e)
	}
	return events
}

// oldTenant has orders from before version 3.
const oldTenant = "tenant-old"

// old stores orders as versions 1 and 2 of the application did: made by hand, for
// nothing in the application writes them any more.
func (m *market) old() {
	for id, stored := range map[string]event.Record{
		"old-1": {SchemaVersion: 1, Data: json.RawMessage(`{"order_id":"old-1","customer_id":"c1","customer_name":"Old One","total":30.3,"currency":"EUR","items":[{"product_id":"lamp","title":"Old Lamp","price":10.10,"quantity":3}]}`)},
		"old-2": {SchemaVersion: 1, Data: json.RawMessage(`{"order_id":"old-2","customer_id":"c2","customer_name":"Old Two","total":1200,"currency":"JPY","items":[{"product_id":"clock","title":"Old Clock","price":1200,"quantity":1}]}`)},
		"old-3": {SchemaVersion: 2, Data: json.RawMessage(`{"order_id":"old-3","customer_id":"c3","customer_name":"Old Three","total":0.29,"currency":"EUR","items":[{"product_id":"lamp","title":"Old Lamp","price":0.29,"quantity":1}],"discount_code":"HALF"}`)},
	} {
		stored.Type, stored.Stream, stored.Expected = orders.Placed.Name(), orders.Stream(oldTenant, id), event.New
		ctx := event.WithFlow(m.Context(), event.Flow{TenantID: oldTenant})
		if _, err := m.Log.Commit(ctx, eventlog.Changes{Events: []event.Record{stored}}); err != nil {
			m.Fatal(err)
		}
		m.placed[oldTenant] = append(m.placed[oldTenant], id)
	}
	// What is done with them today is in minor units.
	m.ask(oldTenant, "POST", "/orders/old-1/pay", orders.Money{Amount: 3030, Currency: "EUR"}, nil, 200)
	m.ask(oldTenant, "POST", "/orders/old-2/pay", orders.Money{Amount: 1200, Currency: "JPY"}, nil, 200)
	m.ask(oldTenant, "POST", "/orders/old-3/pay", orders.Money{Amount: 30, Currency: "EUR"}, nil, 422)
	m.ask(oldTenant, "POST", "/orders/old-3/pay", orders.Money{Amount: 29, Currency: "EUR"}, nil, 200)
}

var errStranger = errors.New("a tenant sees what is another's")

// strangers tries to see and to do by the API what is another tenant's.
func (m *market) strangers() {
	for i, tenant := range m.tenants {
		other := m.tenants[(i+1)%len(m.tenants)]
		id := m.placed[other][0]
		for _, r := range []scenario.Request{
			{Method: "GET", Path: "/orders/" + id},
			{Method: "POST", Path: "/orders/" + id + "/pay", Body: orders.Money{Amount: 1, Currency: "EUR"}},
			{Method: "POST", Path: "/orders/" + id + "/confirm"},
			{Method: "POST", Path: "/orders/" + id + "/fulfil", Body: map[string]string{"tracking_number": "T"}},
			{Method: "POST", Path: "/orders/" + id + "/cancel", Body: map[string]string{"reason": "r"}},
			{Method: "GET", Path: "/orders/..%2F" + other + "%2F" + id},
			{Method: "POST", Path: "/orders/..%2F" + other + "%2F" + id + "/cancel", Body: map[string]string{"reason": "r"}},
		} {
			r.Tenant = tenant
			if status, answer, err := m.Answer(m.Context(), r); err != nil || status != 404 {
				m.Errorf("%v: %s %s of %s by %s: %d %s %v", errStranger, r.Method, r.Path, other, tenant, status, answer, err)
			}
		}
		var page struct {
			Cursor string `json:"cursor"`
		}
		m.ask(other, "GET", "/orders?status=cancelled&limit=1", nil, &page, 200)
		if page.Cursor == "" {
			m.Errorf("%s has not two cancelled orders", other)
		}
		r := scenario.Request{Method: "GET", Path: "/orders?status=cancelled&limit=1&cursor=" + page.Cursor, Tenant: tenant}
		if status, answer, err := m.Answer(m.Context(), r); err != nil || status != 400 {
			m.Errorf("%v: the cursor of %s as %s: %d %s %v", errStranger, other, tenant, status, answer, err)
		}
	}
	for _, name := range []string{"", "nobody#", "g2#" + m.tenants[0], strings.ToUpper(m.tenants[0]), "a/../" + m.tenants[0]} {
		r := scenario.Request{Method: "GET", Path: "/dashboard", Tenant: name}
		if status, answer, err := m.Answer(m.Context(), r); err != nil || status != 400 {
			m.Errorf("%v: as tenant %q: %d %s %v", errStranger, name, status, answer, err)
		}
	}
}
