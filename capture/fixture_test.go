package capture_test

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"testing"

	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/capture"
	"github.com/vinci-go/vinci/capture/capturetest"
	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/orm"
)

type box struct {
	Room  string `dynamo:"room,hash"`
	N     int    `dynamo:"n,range"`
	Label string `dynamo:"label"`
	Count int    `dynamo:"count"`
}

type total struct {
	Room string `dynamo:"room,hash"`
	Sum  int    `dynamo:"sum"`
}

type moved struct {
	N  int `json:"n"`
	By int `json:"by"`
}

var (
	boxes   = orm.Define[box, orm.Pair[string, int]]("boxes", orm.Stream())
	totals  = orm.Define[total, string]("totals")
	sum     = orm.Number(totals, func(t *total) *int { return &t.Sum })
	counted = event.Define[moved]("box.counted")

	follow = capture.Define("follow", boxes, bus.Writes(totals), bus.Commits(counted),
		capture.Tenant(boxes, func(b *box) *string { return &b.Room }))
)

func put(room string, n, count int) orm.Write {
	return boxes.Put(box{Room: room, N: n, Count: count})
}

// add keeps the sum of a room, and commits each change of it.
func add(_ context.Context, c capture.Change[box], tx *bus.Tx) error {
	by := 0
	if c.After != nil {
		by += c.After.Count
	}
	if c.Before != nil {
		by -= c.Before.Count
	}
	tx.Write(totals.Update(c.Item().Room, sum.Add(by)))
	tx.Record(counted.Record(moved{c.Item().N, by}))
	return nil
}

func sumOf(t *testing.T, k *capturetest.Kit, room string) int {
	t.Helper()
	got, err := totals.Get(t.Context(), k.Store, room)
	if err != nil {
		t.Fatal(err)
	}
	return got.Sum
}

// journal is what a handler has seen, safe for concurrent use.
type journal struct {
	mu    sync.Mutex
	lines []string
}

func (j *journal) add(format string, args ...any) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.lines = append(j.lines, fmt.Sprintf(format, args...))
}

func (j *journal) all() []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return append([]string(nil), j.lines...)
}

// see writes a change down: operation, key, count before and after.
func (j *journal) see(c capture.Change[box]) {
	text := func(b *box) string {
		if b == nil {
			return "-"
		}
		return fmt.Sprint(b.Count)
	}
	j.add("%s %s/%d %s>%s", c.Operation, c.Item().Room, c.Item().N, text(c.Before), text(c.After))
}

var quiet = slog.New(slog.DiscardHandler)
