package scenario_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/domain/users"
	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/eventlog"
	"github.com/vinci-go/vinci/internal/moduletest"
	"github.com/vinci-go/vinci/local"
	"github.com/vinci-go/vinci/local/synth"
	"github.com/vinci-go/vinci/orm"
	"github.com/vinci-go/vinci/scenario"
	"github.com/vinci-go/vinci/tables"
)

// full is set by `make verify`.
var full = os.Getenv("VINCI_FULL") != ""

// These make the test binary run an assembly on a data folder until it is killed.
const (
	assemblyVariable = "VINCI_SCENARIO_ASSEMBLY"
	dataVariable     = "VINCI_SCENARIO_DATA"
)

// address is what that program prints when it is ready.
type address struct {
	API, Endpoint string
	Owner         local.Credentials
}

func TestMain(m *testing.M) {
	if assembly := os.Getenv(assemblyVariable); assembly != "" {
		rt, err := local.Start(context.Background(), local.Config{Assembly: assembly, Data: os.Getenv(dataVariable)})
		if err == nil {
			err = json.NewEncoder(os.Stdout).Encode(address{rt.APIs()[0].URL, rt.Endpoint(), rt.Owner()})
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		select {}
	}
	os.Exit(m.Run())
}

// journal is the ordered subscription that the test adds to the application. Its
// handler of an activation counts under "disorder" each one that it sees before
// the registration.
var journal = bus.Subscription("journal", bus.To(event.Match("user.*")), bus.Ordered())

const journalSource = `package users

import (
	"context"
	"errors"

	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/orm"
	"github.com/vinci-go/vinci/tables"
)

var Journal = bus.Subscription("journal", bus.To(event.Match("user.*")), bus.Ordered(), bus.Writes(tables.UserStats))

func JournalCreated(_ context.Context, e event.Event[UserCreated], tx *bus.Tx) error {
	tx.Write(tables.UserStats.Update("journal/"+e.Data.UserID, tables.TotalUsers.Add(1), tables.StatsUpdatedAt.Set(e.Time)))
	return nil
}

func JournalActivated(ctx context.Context, e event.Event[UserActivated], tx *bus.Tx) error {
	key := "journal/" + e.Data.UserID
	seen, err := tables.UserStats.Get(ctx, tx, key)
	if err != nil && !errors.Is(err, orm.KindNotFound) {
		return err
	}
	if seen.TotalUsers != 1 {
		tx.Write(tables.UserStats.Update("disorder", tables.TotalUsers.Add(1), tables.StatsUpdatedAt.Set(e.Time)))
	}
	tx.Write(tables.UserStats.Update(key, tables.ActiveUsers.Add(1), tables.StatsUpdatedAt.Set(e.Time)))
	return nil
}
`

// probe is the subscription that the test adds for events that it puts on the bus,
// and into the queue, by itself. Its handler counts each under its own id.
var probe = bus.Subscription("probe", bus.To(event.Match("probe.*")))

const probeSource = `package users

import (
	"context"

	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/tables"
)

type ProbeSent struct {
	ID string ` + "`json:\"id\"`" + `
}

var Probed = event.Define[ProbeSent]("probe.sent")

var Probe = bus.Subscription("probe", bus.To(Probed), bus.Writes(tables.UserStats))

func CountProbe(_ context.Context, e event.Event[ProbeSent], tx *bus.Tx) error {
	tx.Write(tables.UserStats.Update("probe/"+e.Data.ID, tables.TotalUsers.Add(1), tables.StatsUpdatedAt.Set(e.Time)))
	return nil
}
`

const probeMain = `package main

import (
	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/domain/users"
)

func main() { bus.Start(users.Probe, bus.OnTx(users.Probed, users.CountProbe)) }
`

const journalMain = `package main

import (
	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/domain/users"
)

func main() {
	bus.Start(users.Journal, bus.OnTx(users.Created, users.JournalCreated), bus.OnTx(users.Activated, users.JournalActivated))
}
`

// timeout is that of every function with a queue. What a killed process had in hand
// comes again when the queue has hidden it for six times as long.
const timeout = 2 * time.Second

// killable synthesizes the application with two more subscriptions, one of them
// ordered, and with short time-outs. bootstrap is the program of the probe's function.
func killable(t *testing.T) (assembly, bootstrap string) {
	t.Helper()
	dir := moduletest.Copy(t, "..")
	moduletest.Write(t, filepath.Join(dir, "domain", "users", "journal.go"), journalSource)
	moduletest.Write(t, filepath.Join(dir, "lambdas", "journal", "main.go"), journalMain)
	moduletest.Write(t, filepath.Join(dir, "domain", "users", "probe.go"), probeSource)
	moduletest.Write(t, filepath.Join(dir, "lambdas", "probe", "main.go"), probeMain)
	app := filepath.Join(dir, "app.go")
	moduletest.Replace(t, app, "const counterTimeout = 5 * time.Second", fmt.Sprintf("const counterTimeout = %d * time.Second", timeout/time.Second))
	moduletest.Replace(t, app, "app.AddEvents(users.Created, users.Activated)", "app.AddEvents(users.Created, users.Activated, users.Probed)")
	moduletest.Replace(t, app, `Function: "lambdas/send_welcome", DeadLetterQueue: true`, `Function: "lambdas/send_welcome", DeadLetterQueue: true, Timeout: counterTimeout`)
	moduletest.Replace(t, app, "	app.AddAPI(", "	app.AddEventHandler(users.Journal, &constructs.EventHandlerProps{Function: \"lambdas/journal\", DeadLetterQueue: true, Timeout: counterTimeout})\n"+
		"	app.AddEventHandler(users.Probe, &constructs.EventHandlerProps{Function: \"lambdas/probe\", DeadLetterQueue: true, Timeout: counterTimeout})\n\n	app.AddAPI(")
	assembly, err := synth.Run(t.Context(), synth.Options{Dir: dir, Out: "cdk.out"})
	if err != nil {
		t.Fatal(err)
	}
	bootstrap = filepath.Join(dir, ".vinci", "bootstrap")
	build := exec.Command("go", "build", "-tags", "lambda.norpc", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", bootstrap, "./lambdas/probe")
	build.Dir, build.Env = dir, append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the probe: %v\n%s", err, out)
	}
	return assembly, bootstrap
}

// life is one run of the runtime, in a process of its own.
type life struct {
	*scenario.Stage
	endpoint string
	process  *exec.Cmd
	took     time.Duration // to the first answer
}

// launch starts a life, and does not wait for it.
func launch(t *testing.T, assembly, data string) (life, *bufio.Reader) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), assemblyVariable+"="+assembly, dataVariable+"="+data)
	cmd.Stderr = t.Output()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	l := life{process: cmd}
	t.Cleanup(func() { l.kill(t) })
	return l, bufio.NewReader(out)
}

func begin(t *testing.T, assembly, data string) life {
	t.Helper()
	started := time.Now()
	l, out := launch(t, assembly, data)
	line, err := out.ReadString('\n')
	if err != nil {
		t.Fatalf("the runtime does not start: %v", err)
	}
	var at address
	if err := json.Unmarshal([]byte(line), &at); err != nil {
		t.Fatalf("the runtime says %q: %v", line, err)
	}
	if l.Stage, err = scenario.Connect(at.API, at.Endpoint, at.Owner); err != nil {
		t.Fatal(err)
	}
	l.endpoint, l.took = at.Endpoint, time.Since(started)
	return l
}

// kill ends it as kill -9 does, and sees to it that its children end, too. It does
// not wait for those: the next life has to live with what is left. A second time
// does nothing.
func (l life) kill(t *testing.T) (orphans []int) {
	t.Helper()
	if l.process.ProcessState != nil {
		return nil
	}
	orphans = childrenOf(t, l.process.Process.Pid)
	_ = l.process.Process.Kill() // it may have ended by itself
	_ = l.process.Wait()         // it was killed, and says so
	return orphans
}

// crowd registers and activates users, as fast as they are taken. Whatever
// happens to a request, it is not made again.
type crowd struct {
	life atomic.Pointer[life]
	http http.Client

	answered atomic.Int64 // requests

	mu        sync.Mutex
	created   []string // user ids, as far as the API said so
	activated []string
}

func (c *crowd) post(ctx context.Context, path, body string, want int, out any) bool {
	req, err := http.NewRequestWithContext(ctx, "POST", c.life.Load().API+path, strings.NewReader(body))
	if err != nil {
		return false
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return false // the runtime is dead
	}
	defer resp.Body.Close()
	if resp.StatusCode != want || json.NewDecoder(resp.Body).Decode(out) != nil {
		return false
	}
	c.answered.Add(1)
	return true
}

// work goes on until ctx ends.
func (c *crowd) work(ctx context.Context, name string) { c.register(ctx, name, math.MaxInt) }

// register makes some registrations, unless ctx ends before.
func (c *crowd) register(ctx context.Context, name string, most int) {
	for n := 0; n < most && ctx.Err() == nil; n++ {
		var user struct {
			ID string `json:"user_id"`
		}
		if !c.post(ctx, "/users", fmt.Sprintf(`{"email":"%s-%d@example.com","name":"User"}`, name, n), 201, &user) {
			time.Sleep(5 * time.Millisecond) // not to spin while there is no runtime
			continue
		}
		c.mu.Lock()
		c.created = append(c.created, user.ID)
		c.mu.Unlock()
		if c.post(ctx, "/users/"+user.ID+"/activate", "", 200, &user) {
			c.mu.Lock()
			c.activated = append(c.activated, user.ID)
			c.mu.Unlock()
		}
	}
}

// The runtime is killed again and again, at work and while it starts, with users
// that register and programs that use its queues, buses and tables directly: what
// was acknowledged is there, every event reaches every subscription, the counters
// count each once, the ordered subscription sees each user's events in their order,
// and nothing stays in flight for longer than its time-out.
func TestKilledUnderLoad(t *testing.T) {
	kills := 2
	if full {
		kills = 20
	}
	assembly, bootstrap := killable(t)
	data := filepath.Join(t.TempDir(), "data")
	const seed = 4
	random := rand.New(rand.NewPCG(seed, seed))
	c, p := &crowd{http: http.Client{Timeout: 10 * time.Second}}, newProgram()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var wg sync.WaitGroup
	l := begin(t, assembly, data)
	p.make(t, l, bootstrap)
	adopt := func() {
		c.life.Store(&l)
		p.life.Store(&l)
	}
	adopt()
	for i := range 4 {
		wg.Go(func() { c.work(ctx, fmt.Sprint("worker", i)) })
	}
	for _, work := range p.works() {
		wg.Go(func() { p.run(ctx, work) })
	}
	var orphans []int
	slowest := l.took
	for range kills {
		c.busy(t)
		p.busy(t)
		time.Sleep(time.Duration(random.IntN(400)) * time.Millisecond) // anywhere in what is under way
		orphans = append(orphans, l.kill(t)...)
		if random.IntN(3) == 0 { // anywhere in a start, too
			short, _ := launch(t, assembly, data)
			time.Sleep(time.Duration(random.IntN(150)) * time.Millisecond)
			orphans = append(orphans, short.kill(t)...)
		}
		l = begin(t, assembly, data)
		slowest = max(slowest, l.took)
		adopt()
	}
	c.busy(t)
	p.busy(t)
	stop()
	wg.Wait()
	t.Logf("%d kills; the API acknowledged %d registrations and %d activations; %s; the slowest of the starts took %v",
		kills, len(c.created), len(c.activated), p, slowest.Round(time.Millisecond))
	if slowest > startsWithin {
		t.Errorf("a start took %v: it waited for something that the kill had left", slowest)
	}
	allGone(t, orphans)
	l.settled(t, p)
	l.checkCrowd(t, c)
	l.checkProgram(t, p)
}

const (
	// startsWithin is ample: a start takes a tenth of a second on an idle machine.
	startsWithin = 15 * time.Second
	// settlesWithin is how long what was in flight at the last kill may take: the queue
	// shows it again after six time-outs of the function, once more when its first
	// receiver meets the lease of the one that was killed. The rest is for the machine.
	settlesWithin = 2*6*timeout + 30*time.Second
)

// busy waits until some requests were answered.
func (c *crowd) busy(t *testing.T) {
	t.Helper()
	awaitCount(t, "the HTTP API", &c.answered, 20)
}

// awaitCount waits until a counter has gone up by some.
func awaitCount(t *testing.T, what string, counter *atomic.Int64, some int64) {
	t.Helper()
	for until, end := counter.Load()+some, time.Now().Add(time.Minute); counter.Load() < until; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s answers no requests", what)
		}
	}
}

// everything lists the log and the deliveries, by event id.
func (l life) everything(t *testing.T) (log map[string]eventlog.Stored, deliveries map[string][]bus.Delivery) {
	t.Helper()
	log, deliveries = map[string]eventlog.Stored{}, map[string][]bus.Delivery{}
	for e, err := range eventlog.Events.Scan().All(t.Context(), l.Store) {
		if err != nil {
			t.Fatal(err)
		}
		log[event.EventID(e.Stream, e.Version)] = e
	}
	for d, err := range bus.Deliveries.Scan().All(t.Context(), l.Store) {
		if err != nil {
			t.Fatal(err)
		}
		deliveries[d.EventID] = append(deliveries[d.EventID], d)
	}
	return log, deliveries
}

// settled waits until every event has its outcome at every subscription.
func (l life) settled(t *testing.T, p *program) {
	t.Helper()
	began := time.Now()
	for end := began.Add(settlesWithin); ; time.Sleep(200 * time.Millisecond) {
		log, deliveries := l.everything(t)
		missing := p.unsettled(deliveries)
		for id, e := range log {
			for _, sub := range append(slices.Clone(subscriptions), journal) {
				if sub.Matches(e.Type) && !slices.ContainsFunc(deliveries[id], func(d bus.Delivery) bool { return d.Subscription == sub.Name && d.Status.Settled() }) {
					missing = append(missing, id+" at "+sub.Name)
				}
			}
		}
		if len(missing) == 0 {
			t.Logf("%d events settled %v after the last request", len(log), time.Since(began).Round(time.Millisecond))
			return
		}
		if time.Now().After(end) {
			slices.Sort(missing)
			t.Fatalf("%d deliveries have no outcome: %v", len(missing), missing[:min(len(missing), 10)])
		}
	}
}

func (l life) checkCrowd(t *testing.T, c *crowd) {
	t.Helper()
	log, deliveries := l.everything(t)
	total, active := int64(0), int64(0)
	for id, e := range log {
		if e.Type == users.Created.Name() {
			total++
		} else {
			active++
		}
		for _, d := range deliveries[id] {
			if want := d.Subscription == users.CountTotal.Name && e.Type == users.Activated.Name(); want != (d.Status == bus.Ignored) || d.Status == bus.Dead {
				t.Errorf("%s at %s is %s: %s", id, d.Subscription, d.Status, d.ErrorMessage)
			}
		}
	}
	for i, ids := range [][]string{c.created, c.activated} {
		for _, id := range ids {
			if _, ok := log[event.EventID("user/"+id, int64(i)+1)]; !ok {
				t.Errorf("version %d of user/%s was acknowledged and is not in the log", i+1, id)
			}
		}
	}
	stored := int64(0)
	for u, err := range tables.Users.Scan().All(t.Context(), l.Store) {
		if err != nil {
			t.Fatal(err)
		}
		stored++
		if _, ok := log[event.EventID("user/"+u.UserID, 1)]; !ok {
			t.Errorf("user %s is stored without the event", u.UserID)
		}
	}
	stats, err := tables.UserStats.Get(t.Context(), l.Store, tables.GlobalStats)
	if err != nil || stats.TotalUsers != total || stats.ActiveUsers != active || stored != total {
		t.Errorf("%d users are stored, the counters are at %d and %d (%v), want %d and %d", stored, stats.TotalUsers, stats.ActiveUsers, err, total, active)
	}
	for id, e := range log {
		user := strings.TrimPrefix(e.Stream, "user/")
		j, err := tables.UserStats.Get(t.Context(), l.Store, "journal/"+user)
		if got := []int64{j.TotalUsers, j.ActiveUsers}[e.Version-1]; err != nil || got != 1 {
			t.Errorf("the journal has %s %d times: %v", id, got, err)
		}
	}
	if d, err := tables.UserStats.Get(t.Context(), l.Store, "disorder"); !errors.Is(err, orm.KindNotFound) {
		t.Errorf("the journal saw %d activations before the registration: %v", d.TotalUsers, err)
	}
	client := sqs.NewFromConfig(l.AWS())
	queues := []string{scenario.Deployment.RelayFailedQueue()}
	for _, sub := range append(slices.Clone(subscriptions), journal, probe) {
		queues = append(queues, scenario.Deployment.DeadLetterQueue(sub.Name), scenario.Deployment.UndeliveredQueue(sub.Name))
	}
	for _, name := range queues {
		url, err := client.GetQueueUrl(t.Context(), &sqs.GetQueueUrlInput{QueueName: aws.String(name)})
		if err != nil {
			t.Fatal(err)
		}
		out, err := client.GetQueueAttributes(t.Context(), &sqs.GetQueueAttributesInput{QueueUrl: url.QueueUrl, AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameApproximateNumberOfMessages}})
		if err != nil || out.Attributes["ApproximateNumberOfMessages"] != "0" {
			t.Errorf("%s: %v messages, %v; nothing here is poison", name, out.Attributes, err)
		}
	}
}
