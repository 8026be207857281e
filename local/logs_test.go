package local

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"

	"pgregory.net/rapid"
)

func TestLogsLines(t *testing.T) {
	l := newLogs()
	for i := range maxLines + 3 {
		l.add(LogLine{Function: "a", Text: fmt.Sprint(i)})
	}
	l.add(LogLine{Function: "b", Text: "only"})
	got := l.Lines("a")
	if len(got) != maxLines || got[0].Text != "3" || got[maxLines-1].Text != fmt.Sprint(maxLines+2) {
		t.Errorf("%d lines, from %q to %q", len(got), got[0].Text, got[len(got)-1].Text)
	}
	if got := l.Lines("b"); len(got) != 1 || got[0].Text != "only" {
		t.Errorf("lines of b: %v", got)
	}
	if got := l.Lines("c"); len(got) != 0 {
		t.Errorf("lines of c: %v", got)
	}
}

// TestLogsSubscribe: each subscriber gets what is written after it began, in
// order and once, whatever the pace, and its channel closes with the logs.
func TestLogsSubscribe(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		before := rapid.IntRange(0, 5).Draw(rt, "before")
		after := rapid.IntRange(0, 700).Draw(rt, "after")
		l := newLogs()
		for i := range before {
			l.add(LogLine{Text: fmt.Sprint("old ", i)})
		}
		ch := l.Subscribe(context.Background())
		var writer sync.WaitGroup
		writer.Go(func() {
			for i := range after {
				l.add(LogLine{Text: fmt.Sprint(i)})
			}
			l.close()
		})
		var got []string
		for line := range ch {
			got = append(got, line.Text)
		}
		writer.Wait()
		want := make([]string, after)
		for i := range want {
			want[i] = fmt.Sprint(i)
		}
		if !slices.Equal(got, want) {
			rt.Fatalf("%d lines, want %d: %v", len(got), len(want), got)
		}
	})
}

// TestLogsSlowSubscriber: one that reads nothing holds up nobody, and then gets
// the newest lines.
func TestLogsSlowSubscriber(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLogs()
		ch := l.Subscribe(t.Context())
		l.add(LogLine{Text: "first"})
		synctest.Wait() // the subscription holds "first" now
		for i := range 2 * maxLines {
			l.add(LogLine{Text: fmt.Sprint(i)})
		}
		l.close()
		var got []string
		for line := range ch {
			got = append(got, line.Text)
		}
		if len(got) != maxLines+1 || got[0] != "first" || got[1] != fmt.Sprint(maxLines) || got[maxLines] != fmt.Sprint(2*maxLines-1) {
			t.Errorf("%d lines: %q, %q … %q", len(got), got[0], got[1], got[len(got)-1])
		}
	})
}

func TestLogsSubscribeEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLogs()
		ctx, cancel := context.WithCancel(t.Context())
		ch := l.Subscribe(ctx)
		l.add(LogLine{Text: "nobody reads this"})
		synctest.Wait()
		cancel()
		synctest.Wait()
		if line, ok := <-ch; ok {
			t.Errorf("got %v after the end", line)
		}
		l.mu.Lock()
		defer l.mu.Unlock()
		if len(l.wakers) != 0 {
			t.Error("the subscription is still registered")
		}
	})
}
