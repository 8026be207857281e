package ops_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/vinci-go/vinci/bus/bustest"
	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/eventlog/relay"
	"github.com/vinci-go/vinci/ops"
)

// onBus takes entries, and refuses those of one event.
type onBus struct {
	entries []relay.Entry
	refuse  string
	broken  error
}

func (b *onBus) Publish(_ context.Context, entries []relay.Entry) ([]relay.Result, error) {
	if b.broken != nil {
		return nil, b.broken
	}
	results := make([]relay.Result, len(entries))
	for i, e := range entries {
		if strings.Contains(e.Detail, `"`+b.refuse+`"`) {
			results[i] = relay.Result{Code: "MalformedDetail", Message: "no"}
			continue
		}
		b.entries = append(b.entries, e)
	}
	return results, nil
}

func TestRepublish(t *testing.T) {
	f, _ := charging(t)
	f.commit(placed.At(at(1), event.New).Record(order{}))
	second := f.commit(placed.At(at(2), event.New).Record(order{}))[0]
	b := &onBus{refuse: second.ID}
	republisher := relay.NewRepublisher(relay.RepublishOptions{
		Log: f.first.Log, Source: bustest.Source, Publisher: b, Failures: f.ops.RelayFailures(),
		Logger: slog.New(slog.NewTextHandler(t.Output(), nil)), Now: f.now,
		Sleep: func(ctx context.Context, d time.Duration) error { f.advance(d); return ctx.Err() },
	})
	w := relay.Window{Types: []string{"order.placed"}, From: bustest.Start}
	if _, _, err := f.ops.Republish(t.Context(), republisher, w, ops.Run{}, ""); !errors.Is(err, ops.KindInvalid) {
		t.Errorf("nobody: %v", err)
	}
	p, used, err := f.ops.Republish(f.ctx, republisher, w, ops.Run{}, "the relay was down")
	if err != nil || !p.Done || p.Events != 2 || p.Failed != 1 || len(b.entries) != 1 || used.To.IsZero() {
		t.Fatalf("%+v, %+v, %v", p, used, err)
	}
	failed := f.queues.held["bustest-test-relay_failed"]
	var failure relay.Failure
	if len(failed) != 1 || json.Unmarshal([]byte(failed[0].Body), &failure) != nil || failure.EventID != second.ID {
		t.Errorf("the failure queue has %+v", failed)
	}
	b.broken = errors.New("no route to host")
	if _, _, err := f.ops.Republish(f.ctx, republisher, used, ops.Run{ID: "id1", Resumed: true}, ""); !errors.Is(err, relay.ErrNotPublished) {
		t.Errorf("got %v", err)
	}
	var phases []string
	for e, err := range f.first.Log.Stream(t.Context(), ops.RepublishStream, 1) {
		if err != nil {
			t.Fatal(err)
		}
		a, err := ops.Republished.Decode(e)
		if err != nil || a.Actor != "alice" || a.Data.Run != "id1" || !a.Data.To.Equal(used.To) {
			t.Errorf("%+v, %v", a, err)
		}
		phases = append(phases, a.Data.Phase)
	}
	if len(phases) != 4 || phases[1] != ops.Ended || phases[3] != ops.Stopped {
		t.Errorf("phases %v", phases)
	}
}
