package scenario_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/domain/users"
	"github.com/vinci-go/vinci/internal/moduletest"
	"github.com/vinci-go/vinci/internal/progress"
	"github.com/vinci-go/vinci/local/chaos"
	"github.com/vinci-go/vinci/scenario"
)

// chaosVariable names one configuration to run instead: the one that a failure has
// printed.
const chaosVariable = "VINCI_CHAOS"

// The application under chaos: what the API acknowledged is in the log, every
// event reaches every subscription, the counters count each once, the ordered
// subscription sees each user's events in their order, and every user gets the
// welcome mail, under one key however often it is sent.
func TestChaos(t *testing.T) {
	seeds, registrations := 3, 8
	if full {
		seeds, registrations = 12, 200
	}
	var configs []chaos.Config
	for seed := range uint64(seeds) {
		configs = append(configs, chaos.Default(seed))
	}
	if text := os.Getenv(chaosVariable); text != "" {
		c, err := chaos.Parse(text)
		if err != nil {
			t.Fatalf("%s: %v", chaosVariable, err)
		}
		configs = []chaos.Config{c}
	}
	assembly, _ := killable(t)
	hasten(t, assembly)
	const atOnce = 3 // most of the time they wait
	next := make(chan chaos.Config)
	var wg sync.WaitGroup
	wg.Go(func() {
		t.Run("what make run prints", func(t *testing.T) { testChaosRun(t, assembly, configs[0]) })
	})
	for range atOnce {
		wg.Go(func() {
			for c := range next {
				t.Run(fmt.Sprint("seed ", c.Seed), func(t *testing.T) { testChaos(t, assembly, c, registrations) })
			}
		})
	}
	for _, c := range configs {
		next <- c
	}
	close(next)
	wg.Wait()
}

// hasten lets what a killed function had in hand come again after three seconds
// instead of twelve. Six times the function's time-out is Vinci's rule; AWS asks for
// no less than the time-out.
func hasten(t *testing.T, assembly string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(assembly, "*.template.json"))
	if err != nil {
		t.Fatal(err)
	}
	property := regexp.MustCompile(`"VisibilityTimeout": 12\b`)
	variable := regexp.MustCompile(`("` + bus.EnvVisibilityTimeout + `": )"12"`)
	queues, functions := 0, 0
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		queues += len(property.FindAll(b, -1))
		functions += len(variable.FindAll(b, -1))
		b = property.ReplaceAll(b, []byte(`"VisibilityTimeout": 3`))
		moduletest.Write(t, file, string(variable.ReplaceAll(b, []byte(`$1"3"`))))
	}
	if want := len(subscriptions) + 2; queues != want || functions != want {
		t.Fatalf("the templates have %d queues and %d functions with a visibility time-out of 12 s, want %d each", queues, functions, want)
	}
}

// What the scenario prints is true under chaos, too: it makes requests again that
// the API did not answer, and everything counts once.
func testChaosRun(t *testing.T, assembly string, harsh chaos.Config) {
	var stdout, stderr bytes.Buffer
	// A message comes again 90 s after its function was killed, and that may happen
	// more than once.
	err := scenario.Run(t.Context(), scenario.Options{Assembly: assembly, Timeout: 5 * time.Minute, Chaos: &harsh}, &stdout, &stderr)
	if err != nil {
		t.Fatalf("%v\n%s%s", err, &stdout, &stderr)
	}
	m := printed.FindStringSubmatch(stdout.String())
	if m == nil || m[1] != m[2] {
		t.Errorf("printed:\n%s\nwanted to match:\n%s", &stdout, printed)
	}
	if !strings.Contains(stderr.String(), "chaos "+harsh.String()) {
		t.Errorf("the seed is not told: %s", &stderr)
	}
}

// printed is what matters of wanted: how often something was tried may differ.
var printed = regexp.MustCompile(`^Created user: ([0-9a-f]{20})
Welcome email sent to alice@example\.com
Stats updated: 1 total users
Activated user: ([0-9a-f]{20})
Stats updated: 1 active users
`)

func testChaos(t *testing.T, assembly string, harsh chaos.Config, registrations int) {
	var mu sync.Mutex
	kinds := map[chaos.Kind]int{}
	var log bytes.Buffer
	var stderr bytes.Buffer
	s, err := scenario.Start(t.Context(), scenario.Options{Assembly: assembly, Chaos: &harsh, ChaosLog: func(d chaos.Decision) {
		mu.Lock()
		defer mu.Unlock()
		kinds[d.Kind]++
		fmt.Fprintf(&log, "%s %s\n", time.Now().Format("15:04:05.000"), d)
	}}, progress.New(&stderr), io.Discard, &stderr)
	if err != nil {
		t.Fatalf("%v\n%s", err, &stderr)
	}
	defer func() {
		if err := s.Stop(context.Background()); err != nil {
			t.Error(err)
		}
		mu.Lock()
		defer mu.Unlock()
		t.Logf("decisions: %v", kinds)
		if t.Failed() {
			t.Logf("%s\n%s\nrun it again with %s=%s", &log, &stderr, chaosVariable, harsh)
		}
	}()
	l := life{Stage: s}
	defer func() {
		if t.Failed() {
			l.showDeadLetters(t)
		}
	}()
	c := &crowd{http: http.Client{Timeout: 10 * time.Second}}
	c.life.Store(&l)
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() { c.register(t.Context(), fmt.Sprint("worker", i), registrations/4) })
	}
	wg.Wait()
	t.Logf("the API acknowledged %d registrations and %d activations", len(c.created), len(c.activated))
	l.settled(t, newProgram())
	l.drained(t) // what comes twice has had its chance to be counted twice
	l.checkCrowd(t, c)
	l.checkMails(t)
}

// showDeadLetters shows the messages that were given up, with the reasons of those
// that the consumer gave up.
func (l life) showDeadLetters(t *testing.T) {
	client := sqs.NewFromConfig(l.AWS())
	for _, sub := range append(slices.Clone(subscriptions), journal) {
		name := scenario.Deployment.DeadLetterQueue(sub.Name)
		url, err := client.GetQueueUrl(t.Context(), &sqs.GetQueueUrlInput{QueueName: &name})
		if err != nil {
			t.Error(err)
			continue
		}
		for range 10 { // one answer may leave some out, and be lost itself
			out, err := client.ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: url.QueueUrl, MaxNumberOfMessages: 10, MessageAttributeNames: []string{"All"}})
			if err != nil {
				t.Error(err)
				continue
			}
			for _, m := range out.Messages {
				var why []string
				for name, a := range m.MessageAttributes {
					why = append(why, name+": "+*a.StringValue)
				}
				slices.Sort(why)
				t.Logf("%s: %s\n%s", name, strings.Join(why, ", "), *m.Body)
			}
		}
	}
}

// drained waits until no subscription's queue has a message.
func (l life) drained(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	for _, sub := range append(slices.Clone(subscriptions), journal, probe) {
		for {
			empty, err := l.Empty(ctx, sub)
			if err != nil {
				t.Fatalf("the queue of %s is not empty: %v", sub.Name, err)
			}
			if empty {
				break
			}
			time.Sleep(20 * time.Millisecond) // between two looks at a condition that nothing signals
		}
	}
}

// checkMails checks that every registered user got the welcome mail, and that the
// provider would have sent it once.
func (l life) checkMails(t *testing.T) {
	t.Helper()
	keys := map[string]map[string]int{} // by address
	for _, line := range l.Runtime.Lines(users.SendWelcome.Name) {
		var r struct {
			Msg, To string
			Key     string `json:"idempotency_key"`
		}
		if json.Unmarshal([]byte(line.Text), &r) != nil || r.Msg != users.MsgWelcomeSent {
			continue // Lambda's own lines are no JSON
		}
		if keys[r.To] == nil {
			keys[r.To] = map[string]int{}
		}
		keys[r.To][r.Key]++
	}
	log, _ := l.everything(t)
	registered := 0
	for _, e := range log {
		if e.Type == users.Created.Name() {
			registered++
		}
	}
	if len(keys) != registered {
		t.Errorf("%d users got a mail, %d registered", len(keys), registered)
	}
	for to, k := range keys {
		if len(k) != 1 {
			t.Errorf("%s got mails under %d keys: %v", to, len(k), k)
		}
	}
}
