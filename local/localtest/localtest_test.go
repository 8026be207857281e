package localtest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	eventbridgetypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"

	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/domain"
	"github.com/vinci-go/vinci/domain/users"
	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/eventlog"
	"github.com/vinci-go/vinci/local"
	"github.com/vinci-go/vinci/tables"
)

// children are the processes that this one started and that still run.
func children(t *testing.T) []int {
	t.Helper()
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		t.Fatal(err)
	}
	var pids []int
	for _, file := range stats {
		b, err := os.ReadFile(file)
		if err != nil {
			continue // it ended meanwhile
		}
		_, rest, _ := strings.Cut(string(b), ") ")
		fields := strings.Fields(rest)
		pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(file)))
		if len(fields) > 1 && fields[1] == fmt.Sprint(os.Getpid()) && fields[0] != "Z" {
			pids = append(pids, pid)
		}
	}
	return pids
}

// commit puts a fact into the application's log.
func commit(t *testing.T, a *App, id string) string {
	t.Helper()
	c, err := a.Log(t).Commit(t.Context(), eventlog.Changes{Events: []event.Record{
		users.Created.At("user/"+id, event.New).Record(users.UserCreated{UserID: id, Email: id + "@example.com", Name: "User"}),
	}})
	if err != nil {
		t.Fatal(err)
	}
	return c.Events[0].ID
}

// Two at a time do not see each other, and nothing is left of either.
func TestParallel(t *testing.T) {
	before := runtime.NumGoroutine()
	var folders []string
	t.Run("group", func(t *testing.T) {
		var mu sync.Mutex
		for i := range 2 {
			t.Run(fmt.Sprint(i), func(t *testing.T) {
				t.Parallel()
				a := Start(t, Options{Configure: func(c *local.Config) {
					mu.Lock()
					defer mu.Unlock()
					folders = append(folders, c.Data)
				}})
				a.Handled(t.Context(), t, commit(t, a, "one"), users.CountTotal)
				a.Until(t.Context(), t, "the counter to be at 1", func(ctx context.Context) (bool, error) {
					stats, err := tables.UserStats.Get(ctx, a.Store(t), tables.GlobalStats)
					return stats.TotalUsers == 1, err
				})
				if got, want := a.Name(t, "users"), domain.Application+"-local-users"; got != want || !slices.Contains(a.Runtime().Tables(), want) {
					t.Errorf("table users is %s, want %s; there are %v", got, want, a.Runtime().Tables())
				}
			})
		}
	})
	if left := children(t); len(left) > 0 {
		t.Errorf("processes are left: %v", left)
	}
	for _, dir := range folders {
		if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("the data folder %s is left: %v", dir, err)
		}
	}
	// Connections of HTTP clients end a moment after their server.
	for end := time.Now().Add(10 * time.Second); runtime.NumGoroutine() > before; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			stacks := make([]byte, 1<<20)
			t.Fatalf("%d goroutines before, %d after:\n%s", before, runtime.NumGoroutine(), stacks[:runtime.Stack(stacks, true)])
		}
	}
}

// probe is a testing.TB that keeps what a helper says of a failure.
type probe struct {
	testing.TB
	failed   bool
	said     strings.Builder
	cleanups []func()
}

func (p *probe) Helper()                      {}
func (p *probe) Failed() bool                 { return p.failed }
func (p *probe) Cleanup(f func())             { p.cleanups = append(p.cleanups, f) }
func (p *probe) Logf(f string, args ...any)   { fmt.Fprintf(&p.said, f+"\n", args...) }
func (p *probe) Errorf(f string, args ...any) { p.failed = true; p.Logf(f, args...) }
func (p *probe) Fatalf(f string, args ...any) { p.Errorf(f, args...); runtime.Goexit() }
func (p *probe) Fatal(args ...any)            { p.Fatalf("%s", fmt.Sprint(args...)) }

// run does what a test does, in a goroutine that it may end, and then what it left
// to clean up.
func (p *probe) run(body func()) {
	in := func(f func()) {
		done := make(chan struct{})
		go func() { defer close(done); f() }()
		<-done
	}
	in(body)
	for _, f := range slices.Backward(p.cleanups) {
		in(f)
	}
}

func putEvent(t *testing.T, a *App, eventType, detail string) {
	t.Helper()
	out, err := eventbridge.NewFromConfig(a.AWS()).PutEvents(t.Context(), &eventbridge.PutEventsInput{Entries: []eventbridgetypes.PutEventsRequestEntry{{
		EventBusName: aws.String(a.Name(t, "bus")), Source: aws.String(domain.Application), DetailType: aws.String(eventType), Detail: aws.String(detail),
	}}})
	if err != nil || out.FailedEntryCount != 0 {
		t.Fatalf("put event: %v %v", err, out)
	}
}

// What did not happen is told with what happened instead, and with the logs.
func TestFailures(t *testing.T) {
	shown := Start(t, Options{})
	known := commit(t, shown, "known")
	shown.Handled(t.Context(), t, known, users.CountTotal)
	activated, err := shown.Log(t).Commit(t.Context(), eventlog.Changes{Events: []event.Record{
		users.Activated.At("user/known", event.Append).Record(users.UserActivated{UserID: "known"}),
	}})
	if err != nil {
		t.Fatal(err)
	}
	ignored := activated.Events[0].ID
	if d := shown.Outcome(t.Context(), t, ignored, users.CountTotal); d.Status != bus.Ignored {
		t.Errorf("the activation is %s at count_total, want ignored", d.Status)
	}
	unmet := bus.Subscription("nobody", bus.To(users.Created))
	soon := func() context.Context {
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		t.Cleanup(cancel)
		return ctx
	}
	for _, tt := range []struct {
		name string
		wait func(t testing.TB)
		want []string
	}{
		{"ignored", func(t testing.TB) { shown.Handled(soon(), t, ignored, users.CountTotal) }, []string{"event user/known@2 was not handled by count_total: it is ignored: no handler is for user.activated"}},
		{"no event", func(t testing.TB) { shown.Handled(soon(), t, "user/none@1", users.CountTotal) }, []string{"deadline exceeded: the log has no such event"}},
		{"not asked for", func(t testing.TB) { shown.Outcome(soon(), t, ignored, users.SendWelcome) }, []string{"has no outcome at send_welcome", "it is user.activated, for which the subscription does not ask"}},
		{"not met", func(t testing.TB) { shown.Handled(soon(), t, known, unmet) }, []string{"it is user.created and in the log, and the subscription has not met it", "relay_failed has 0 messages and 0 in flight"}},
		{"not logged", func(t testing.TB) { shown.Logged(soon(), t, "count_total", "no such text") }, []string{`function count_total did not log "no such text"`, "count_active, count_total"}},
		{"until", func(t testing.TB) {
			shown.Until(soon(), t, "better times", func(context.Context) (bool, error) { return false, nil })
		}, []string{"wait for better times: context deadline exceeded"}},
		{"until fails", func(t testing.TB) {
			shown.Until(t.Context(), t, "better times", func(context.Context) (bool, error) { return false, errors.New("never") })
		}, []string{"wait for better times: never"}},
		{"no API of that name", func(t testing.TB) { shown.URL(t, "admin") }, []string{`0 HTTP APIs have the name "admin"`}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := &probe{TB: t}
			p.run(func() { tt.wait(p) })
			for _, want := range tt.want {
				if !p.failed || !strings.Contains(p.said.String(), want) {
					t.Errorf("it says %q, want %q", &p.said, want)
				}
			}
		})
	}

	t.Run("logs", func(t *testing.T) {
		p := &probe{TB: t}
		p.run(func() {
			a := Start(p, Options{})
			a.Handled(t.Context(), t, commit(t, a, "logged"), users.SendWelcome)
			p.Errorf("this test has failed")
		})
		for _, want := range []string{"the functions logged:", "send_welcome: ", "logged@example.com"} {
			if !strings.Contains(p.said.String(), want) {
				t.Errorf("%q is missing in:\n%s", want, &p.said)
			}
		}
	})
	t.Run("no logs of what succeeds", func(t *testing.T) {
		p := &probe{TB: t}
		p.run(func() { Start(p, Options{}) })
		if p.failed || p.said.Len() > 0 {
			t.Errorf("it says %q", &p.said)
		}
	})
	t.Run("no start", func(t *testing.T) {
		p := &probe{TB: t}
		p.run(func() { Start(p, Options{Assembly: t.TempDir()}) })
		if !p.failed || !strings.Contains(p.said.String(), "start the application: ") {
			t.Errorf("it says %q", &p.said)
		}
	})
}

// A handler that fails for good ends the wait at once, with its error.
func TestDead(t *testing.T) {
	a := Start(t, Options{})
	putEvent(t, a, users.Created.Name(), `{"specversion":"1.0","id":"user/poison@1","source":"`+domain.Application+`","type":"user.created","subject":"user/poison","time":"2026-01-02T03:04:05Z","schemaversion":1,"correlationid":"c","data":{"user_id":7}}`)
	p := &probe{TB: t}
	p.run(func() { a.Handled(t.Context(), p, "user/poison@1", users.CountTotal) })
	if !p.failed || !strings.Contains(p.said.String(), "event user/poison@1 was not handled by count_total: it is dead after ") {
		t.Errorf("it says %q", &p.said)
	}
}

// BenchmarkStart is what a test pays, with an assembly at hand.
func BenchmarkStart(b *testing.B) {
	for b.Loop() {
		p := &probe{TB: b}
		p.run(func() { Start(p, Options{}) })
		if p.failed {
			b.Fatal(&p.said)
		}
	}
}
