package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/domain/users"
	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/eventlog"
	"github.com/vinci-go/vinci/internal/progress"
	"github.com/vinci-go/vinci/orm"
	"github.com/vinci-go/vinci/scenario"
	"github.com/vinci-go/vinci/tables"
)

const (
	singles = 300  // events sent one at a time, for the latency
	burst   = 2000 // events sent as fast as they are taken, for the rate
	writers = 8    // of a burst
)

// way measures the way of an event through the local runtime: commit, stream,
// relay, bus, queue, function, outcome.
func way(ctx context.Context, o options, w io.Writer) (err error) {
	var stderr bytes.Buffer
	stage, err := scenario.Start(ctx, scenario.Options{Dir: o.dir}, progress.New(&stderr), io.Discard, &stderr)
	if err != nil {
		return fmt.Errorf("%w\n%s", err, &stderr)
	}
	defer func() { err = errors.Join(err, stage.Stop(ctx)) }()
	b := &load{Stage: stage}

	if err := b.functions(ctx, w); err != nil {
		return err
	}
	fmt.Fprintf(w, "| way of an event, 3 subscriptions | p50 | p99 | commits/s | events/s | deliveries/s |\n|---|---|---|---|---|---|\n")
	if err := b.measure(ctx, w, "at the start"); err != nil {
		return err
	}
	if rest := int64(o.events) - b.events(); rest > 0 {
		if _, err := b.burst(ctx, int(rest/2), b.commitPair); err != nil {
			return err
		}
	}
	if err := b.measure(ctx, w, fmt.Sprintf("after %d events", b.events())); err != nil {
		return err
	}
	fmt.Fprintln(w)
	return nil
}

// load sends events and waits for their outcomes.
type load struct {
	*scenario.Stage
	sent   atomic.Int64 // users created
	active atomic.Int64 // of them, those committed together with their activation
}

// events is how many have been committed.
func (b *load) events() int64 { return b.sent.Load() + b.active.Load() }

// commit commits one user.created and returns its id.
func (b *load) commit(ctx context.Context) (string, error) {
	id := strconv.FormatInt(b.sent.Add(1), 10)
	committed, err := b.Log.Commit(ctx, eventlog.Changes{Events: []event.Record{
		users.Created.At("user/"+id, event.New).Record(users.UserCreated{UserID: id, Email: id + "@example.com", Name: "User " + id}),
	}})
	if err != nil {
		return "", err
	}
	return committed.Events[0].ID, nil
}

func (b *load) measure(ctx context.Context, w io.Writer, when string) error {
	var took []time.Duration
	for range singles {
		start := time.Now()
		id, err := b.commit(ctx)
		if err != nil {
			return err
		}
		if err := b.Delivered(ctx, id, users.CountTotal, bus.Succeeded); err != nil {
			return err
		}
		// The delivery's own time stamp: when the function was done, not when this
		// program looked.
		d, err := bus.Deliveries.Get(ctx, b.Store, orm.Key(id, users.CountTotal.Name))
		if err != nil {
			return err
		}
		took = append(took, d.LastAt.Sub(start))
	}
	rate, err := b.burst(ctx, burst, b.commitPair)
	if err != nil {
		return err
	}
	// A commit of the burst has two events, and each goes to two subscriptions.
	_, err = fmt.Fprintf(w, "| %s | %s | %s | %.0f | %.0f | %.0f |\n", when,
		percentile(took, 0.5).Round(100*time.Microsecond), percentile(took, 0.99).Round(100*time.Microsecond), rate, 2*rate, 4*rate)
	return err
}

// commitPair commits user.created and user.activated of one user together, so that
// all three subscriptions of the application have something to do.
func (b *load) commitPair(ctx context.Context) error {
	id := strconv.FormatInt(b.sent.Add(1), 10)
	b.active.Add(1)
	_, err := b.Log.Commit(ctx, eventlog.Changes{Events: []event.Record{
		users.Created.At("user/"+id, event.New).Record(users.UserCreated{UserID: id, Email: id + "@example.com", Name: "User " + id}),
		users.Activated.At("user/"+id, event.Expect(1)).Record(users.UserActivated{UserID: id}),
	}})
	return err
}

// burst commits n times from several writers and returns how many commits a second
// were handled by every subscription, from the first commit to the last outcome.
func (b *load) burst(ctx context.Context, n int, commit func(context.Context) error) (float64, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	start := time.Now()
	var left atomic.Int64
	left.Store(int64(n))
	var wg sync.WaitGroup
	for range writers {
		wg.Go(func() {
			for left.Add(-1) >= 0 {
				if err := commit(ctx); err != nil {
					cancel(err)
					return
				}
			}
		})
	}
	wg.Wait()
	if err := context.Cause(ctx); err != nil {
		return 0, err
	}
	// count_total and count_active add every event to one item; send_welcome is
	// done when its queue is empty.
	for {
		stats, err := tables.UserStats.Get(ctx, b.Store, tables.GlobalStats)
		if err != nil && !errors.Is(err, orm.KindNotFound) {
			return 0, err
		}
		if stats.TotalUsers == b.sent.Load() && stats.ActiveUsers == b.active.Load() {
			break
		}
		if err := pause(ctx); err != nil {
			return 0, err
		}
	}
	for {
		empty, err := b.Empty(ctx, users.SendWelcome)
		if err != nil {
			return 0, err
		}
		if empty {
			break
		}
		if err := pause(ctx); err != nil {
			return 0, err
		}
	}
	return float64(n) / time.Since(start).Seconds(), nil
}

func pause(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(20 * time.Millisecond):
		return nil
	}
}

// functions measures the cold start and the warm invocation of the API's
// function: what the runtime's REPORT lines say, and what a client sees.
func (b *load) functions(ctx context.Context, w io.Writer) error {
	const calls = 500
	var took []time.Duration
	for range calls {
		start := time.Now()
		req, err := http.NewRequestWithContext(ctx, "GET", b.API+"/stats", nil)
		if err != nil {
			return err
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			return err
		}
		_, err = io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
		if err != nil {
			return err
		}
		took = append(took, time.Since(start))
	}
	var inits, runs []time.Duration
	for _, line := range b.Runtime.Lines("api") {
		if !strings.HasPrefix(line.Text, "REPORT ") {
			continue
		}
		if d, ok := reported(line.Text, "Init Duration"); ok {
			inits = append(inits, d)
		} else if d, ok := reported(line.Text, "Duration"); ok {
			runs = append(runs, d)
		}
	}
	_, err := fmt.Fprintf(w, `| function `+"`api`"+`, GET /stats | p50 | p99 |
|---|---|---|
| cold start: process start to first poll | %s | |
| warm, in the function (one GetItem) | %s | %s |
| warm, as the HTTP client sees it | %s | %s |

`, percentile(inits, 0.5), percentile(runs, 0.5), percentile(runs, 0.99),
		percentile(took, 0.5).Round(10*time.Microsecond), percentile(took, 0.99).Round(10*time.Microsecond))
	return err
}

// reported reads one duration of a REPORT line: tab-separated "name: 1.23 ms".
func reported(line, name string) (time.Duration, bool) {
	for part := range strings.SplitSeq(line, "\t") {
		value, ok := strings.CutPrefix(strings.TrimSpace(part), name+": ")
		if !ok {
			continue
		}
		d, err := time.ParseDuration(strings.ReplaceAll(value, " ", ""))
		return d, err == nil
	}
	return 0, false
}
