package local

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

func startBench(b *testing.B, dir string) *Runtime {
	b.Helper()
	r, err := Start(b.Context(), Config{Assembly: dir})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := r.Stop(context.Background()); err != nil {
			b.Error(err)
		}
	})
	return r
}

func postBench(b *testing.B, r *Runtime, id string) {
	resp, err := http.Post(r.APIs()[0].URL+"/items", "text/plain", strings.NewReader(id))
	if err != nil {
		b.Error(err)
		return
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil || resp.StatusCode != 201 {
		b.Errorf("%s: %d %v", id, resp.StatusCode, err)
	}
}

// BenchmarkStart is from nothing to everything that answers, and back.
func BenchmarkStart(b *testing.B) {
	dir := app(b)
	var started, stopped time.Duration
	for b.Loop() {
		begin := time.Now()
		r, err := Start(b.Context(), Config{Assembly: dir})
		if err != nil {
			b.Fatal(err)
		}
		started += time.Since(begin)
		begin = time.Now()
		if err := r.Stop(b.Context()); err != nil {
			b.Fatal(err)
		}
		stopped += time.Since(begin)
	}
	b.ReportMetric(float64(started.Milliseconds())/float64(b.N), "ms/start")
	b.ReportMetric(float64(stopped.Milliseconds())/float64(b.N), "ms/stop")
}

// BenchmarkReload replaces one function.
func BenchmarkReload(b *testing.B) {
	dirs := []string{app(b), app(b, `{"MODE": "api", "SUFFIX": ""}`, `{"MODE": "api", "SUFFIX": "!"}`)}
	r := startBench(b, dirs[0])
	i := 0
	for b.Loop() {
		i++
		if changes, err := r.Reload(b.Context(), dirs[i%2]); err != nil || changes.Empty() {
			b.Fatal(changes, err)
		}
	}
}

// BenchmarkWholeWay sends one item after the other from the API to the handler,
// and measures from the answer of the API to the handler's log line.
func BenchmarkWholeWay(b *testing.B) {
	r := startBench(b, app(b))
	lines := r.Subscribe(b.Context())
	var took []time.Duration
	i := 0
	for b.Loop() {
		id := fmt.Sprint("bench-", i)
		i++
		postBench(b, r, id)
		accepted := time.Now()
		for line := range lines {
			if line.Text == "handled "+id {
				break
			}
		}
		took = append(took, time.Since(accepted))
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "ms/p50")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "ms/p99")
}

// BenchmarkThroughput sends b.N items from 16 clients, and waits until all are
// handled.
func BenchmarkThroughput(b *testing.B) {
	r := startBench(b, app(b))
	lines := r.Subscribe(b.Context())
	b.ResetTimer()
	begin := time.Now()
	ids := make(chan int)
	var clients sync.WaitGroup
	for range 16 {
		clients.Go(func() {
			for id := range ids {
				postBench(b, r, fmt.Sprint("bench-", id))
			}
		})
	}
	clients.Go(func() {
		for i := range b.N {
			ids <- i
		}
		close(ids)
	})
	handled := map[string]bool{}
	for line := range lines {
		if strings.HasPrefix(line.Text, "handled ") {
			handled[line.Text] = true // at least once, so perhaps twice
		}
		if len(handled) == b.N {
			break
		}
	}
	clients.Wait()
	b.ReportMetric(float64(b.N)/time.Since(begin).Seconds(), "events/s")
}
