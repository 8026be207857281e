package main

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
)

func TestFigures(t *testing.T) {
	f := figures{}
	for _, ns := range []string{"200", "9000", "100"} {
		f.read("goos: linux\nBenchmarkGet-2 \t 500\t " + ns + " ns/op\t 24.5 x-B/page\t 3 allocs/op\nBenchmarkPut \t 7\t 1 ns/op\nPASS\nok  \torm\t1s\n")
	}
	for _, c := range []struct {
		name, unit string
		want       float64
	}{
		{"Get", "ns/op", 200}, // the median
		{"Get", "x-B/page", 24.5},
		{"Get", "allocs/op", 3},
		{"Put", "ns/op", 1},
	} {
		if got, err := f.of(c.name, c.unit); err != nil || got != c.want {
			t.Errorf("%s of %s is %v (%v), want %v", c.unit, c.name, got, err, c.want)
		}
	}
	if _, err := f.of("Put", "allocs/op"); err == nil || !strings.Contains(err.Error(), "Put did not report allocs/op") {
		t.Errorf("error of what was not measured is %v", err)
	}
	if err := f.write(&strings.Builder{}); err == nil {
		t.Error("tables were written without figures")
	}
}

func TestTablesOfFigures(t *testing.T) {
	f := figures{}
	for i, c := range comparisons {
		f.read(fmt.Sprintf("Benchmark%s-2 1 %d ns/op 4 allocs/op\nBenchmark%s-2 1 4000 ns/op 8 allocs/op", c.ours, 1000*(i+1), c.theirs))
	}
	for _, a := range alone {
		f.read("Benchmark" + a.name + "-2 1 5000 ns/op 1.50 allocs/item 2000 held-B/1page 3000 held-B/100page 7 allocs/op")
	}
	var b strings.Builder
	if err := f.write(&b); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"| query with filter, up to the request | 6.00 µs | SDK's expression builder | 4.00 µs | 1.50 | at most 0.50 | 4 / 8 |",
		"| memory store: get | 5.00 µs | 7 |",
		"allocates 1.50 times an item, decoding included, and holds 2 KB while it reads 1 page, 3 KB while it reads 100",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("missing is %q in\n%s", want, &b)
		}
	}
}

// The names are those of benchmarks that there are: go test runs what a pattern
// matches, and says nothing of the rest.
func TestBenchmarksExist(t *testing.T) {
	var source strings.Builder
	for _, file := range []string{"../orm/bench_test.go", "../orm/request_bench_test.go", "../orm/reading_test.go", "../orm/ormtest/bench_test.go"} {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		source.Write(b)
	}
	names := []string{}
	for _, c := range comparisons {
		names = append(names, c.ours, c.theirs)
	}
	for _, a := range alone {
		names = append(names, a.name)
	}
	for _, name := range names {
		if !regexp.MustCompile(`(?m)^func Benchmark` + name + `\(b \*testing\.B\)`).MatchString(source.String()) {
			t.Errorf("there is no benchmark %s", name)
		}
	}
}
