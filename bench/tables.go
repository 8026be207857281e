package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"strconv"
	"strings"
)

// tableRounds is how often each benchmark of the table layer runs. What is
// compared runs in turn, so that a busy minute of the machine slows both down.
const tableRounds = 7

// comparisons are ours and what others take for the same, all by name of the
// benchmarks in orm and orm/ormtest.
var comparisons = []struct{ what, ours, whose, theirs, allowed string }{
	{"item to attributes", "Encode", "guregu/dynamo", "EncodeGuregu", "1.10"},
	{"item to attributes", "Encode", "attributevalue", "EncodeAttributeValue", ""},
	{"insert: defaults, validation, condition too", "Insert", "guregu/dynamo, encode only", "EncodeGuregu", "1.10"},
	{"attributes to item", "Decode", "guregu/dynamo", "DecodeGuregu", "1.10"},
	{"attributes to item", "Decode", "attributevalue", "DecodeAttributeValue", ""},
	{"query with filter, up to the request", "QueryRequest", "SDK's expression builder", "QueryRequestSDK", "0.50"},
	{"update with condition, up to the request", "UpdateRequest", "SDK's expression builder", "UpdateRequestSDK", "0.50"},
}

// alone are figures that nothing stands beside.
var alone = []struct{ what, name string }{
	{"memory store: put", "MemoryPut"},
	{"memory store: get", "MemoryGet"},
	{"memory store: put, moved in an index", "MemoryPutIndexed"},
	{"memory store: query of an index, 10 items", "MemoryQueryIndex"},
	{"memory store: put and a scan of 100 items", "MemoryScan"},
	{"stream a page of 1,000 items", "StreamPage"},
}

// tableLayer measures the table layer: encoding, requests, streaming, memory store.
func tableLayer(ctx context.Context, o options, w io.Writer) error {
	var names []string
	for _, c := range comparisons {
		names = append(names, c.ours, c.theirs)
	}
	for _, a := range alone {
		names = append(names, a.name)
	}
	slices.Sort(names)
	found := figures{}
	for range tableRounds {
		run := exec.CommandContext(ctx, "go", "test", "-run", "^$", "-bench", "^Benchmark("+strings.Join(slices.Compact(names), "|")+")$",
			"-benchmem", "-benchtime", "200ms", "./orm", "./orm/ormtest")
		run.Dir = o.dir
		out, err := run.CombinedOutput()
		if err != nil {
			return fmt.Errorf("benchmarks of the table layer: %w\n%s", err, out)
		}
		found.read(string(out))
	}
	return found.write(w)
}

// figures are what was measured: by benchmark, then by unit.
type figures map[string]map[string][]float64

// read takes the output of go test.
func (f figures) read(output string) {
	for lines := bufio.NewScanner(strings.NewReader(output)); lines.Scan(); {
		words := strings.Fields(lines.Text())
		if len(words) < 4 || !strings.HasPrefix(words[0], "Benchmark") {
			continue
		}
		name, _, _ := strings.Cut(strings.TrimPrefix(words[0], "Benchmark"), "-") // the number of processors
		for i := 2; i+1 < len(words); i += 2 {
			v, err := strconv.ParseFloat(words[i], 64)
			if err != nil {
				break
			}
			if f[name] == nil {
				f[name] = map[string][]float64{}
			}
			f[name][words[i+1]] = append(f[name][words[i+1]], v)
		}
	}
}

// of is the median of what was measured.
func (f figures) of(name, unit string) (float64, error) {
	all := slices.Sorted(slices.Values(f[name][unit]))
	if len(all) == 0 {
		return 0, fmt.Errorf("benchmark %s did not report %s", name, unit)
	}
	return all[len(all)/2], nil
}

// write prints the figures as tables.
func (f figures) write(w io.Writer) error {
	var missing error
	get := func(name, unit string) float64 {
		v, err := f.of(name, unit)
		if missing == nil {
			missing = err
		}
		return v
	}
	var b strings.Builder
	fmt.Fprintf(&b, "An item of 10 fields, one of them a list of 3; medians of %d runs in turn.\n\n", tableRounds)
	b.WriteString("| | ours | beside | | ratio | wanted | allocations |\n|---|---|---|---|---|---|---|\n")
	for _, c := range comparisons {
		ours, theirs, wanted := get(c.ours, "ns/op"), get(c.theirs, "ns/op"), ""
		if c.allowed != "" {
			wanted = "at most " + c.allowed
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %.2f | %s | %.0f / %.0f |\n", c.what, micro(ours), c.whose, micro(theirs), ours/theirs, wanted, get(c.ours, "allocs/op"), get(c.theirs, "allocs/op"))
	}
	b.WriteString("\n| | time | allocations |\n|---|---|---|\n")
	for _, a := range alone {
		fmt.Fprintf(&b, "| %s | %s | %.0f |\n", a.what, micro(get(a.name, "ns/op")), get(a.name, "allocs/op"))
	}
	fmt.Fprintf(&b, "\nStreaming allocates %.2f times an item, decoding included, and holds %.0f KB while it reads 1 page, %.0f KB while it reads 100.\n\n",
		get("StreamPage", "allocs/item"), get("StreamPage", "held-B/1page")/1000, get("StreamPage", "held-B/100page")/1000)
	if missing != nil {
		return missing
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func micro(ns float64) string { return fmt.Sprintf("%.2f µs", ns/1000) }
