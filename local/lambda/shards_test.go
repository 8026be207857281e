package lambda

import (
	"context"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// parted is a stream whose records are in the shards by their numbers.
type parted struct {
	*fakeStreams
	shards int
}

func (p parted) Shards(string) (all []LatestStreams) {
	for i := range p.shards {
		all = append(all, oneShard{p, i})
	}
	return all
}

func (p parted) LatestPosition(context.Context, string) (string, error) { return "", nil }

type oneShard struct {
	parted
	index int
}

func (s oneShard) ReadStream(ctx context.Context, table, from string, n int, wait time.Duration) ([]StreamRecord, string, error) {
	for {
		records, next, err := s.fakeStreams.ReadStream(ctx, table, from, 1, wait)
		if err != nil || len(records) == 0 {
			return nil, next, err
		}
		sequence, err := strconv.Atoi(records[0].SequenceNumber)
		if err != nil || sequence%s.shards == s.index {
			return records, next, err
		}
		from = next
	}
}

// Each shard is read for itself, at the same time, and keeps a position of its own:
// one that is stuck holds up no other.
func TestShards(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		streams := parted{&fakeStreams{}, 2}
		streams.put("a", "b", "c", "d", "e", "f")
		run := func(f *streamFunction, whole string) {
			m := &streamMapping{
				cfg: MappingConfig{ID: "m", SourceARN: streamARN, BatchSize: 1}, table: "events", streams: streams, invoke: f.invoke,
				log: slog.New(slog.DiscardHandler), now: time.Now, positions: positions{dir: dir, id: "m", source: streamARN},
			}
			if whole != "" {
				if err := m.positions.save(whole); err != nil {
					t.Fatal(err)
				}
			}
			poll, stop := context.WithCancel(t.Context())
			var wg sync.WaitGroup
			wg.Go(func() { newShardedMapping(m, streams.Shards("events")).run(poll, t.Context()) })
			time.Sleep(5 * time.Second)
			stop()
			wg.Wait()
		}
		events := func(f *streamFunction) string {
			var all []string
			for _, e := range f.events {
				all = append(all, strings.Join(e, ""))
			}
			slices.Sort(all)
			return strings.Join(slices.Compact(all), "")
		}
		// The first record of the first shard is poison.
		f := &streamFunction{poison: map[string]bool{"a": true}}
		if run(f, ""); events(f) != "abdf" {
			t.Errorf("with a shard that is stuck it got %s", events(f))
		}
		f = &streamFunction{}
		if run(f, ""); events(f) != "ace" {
			t.Errorf("after a restart it got %s", events(f))
		}
		// What was done before the stream had shards is not done again.
		streams.put("g", "h", "i")
		f = &streamFunction{}
		if run(f, strconv.Itoa(firstSequence+7)); events(f) != "i" {
			t.Errorf("behind a position of the whole stream it got %s", events(f))
		}
	})
}

func TestLater(t *testing.T) {
	for _, c := range [][3]string{{"", "", ""}, {"", "1", "1"}, {"9", "10", "10"}, {"00010", "9", "00010"}, {"21", "12", "21"}} {
		if got := later(c[0], c[1]); got != c[2] {
			t.Errorf("later of %q and %q is %q", c[0], c[1], got)
		}
	}
}
