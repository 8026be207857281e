package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/vinci-go/vinci/internal/stacklock"
)

// cost is what one run took.
type synthCost struct {
	wall, processor time.Duration
	peak            int64 // bytes, of the largest process
}

// timed runs a command and says what it and its children took.
func timed(cmd *exec.Cmd) (synthCost, error) {
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	before, err := children()
	if err != nil {
		return synthCost{}, err
	}
	start := time.Now()
	if err := cmd.Run(); err != nil {
		return synthCost{}, fmt.Errorf("run %s: %w\n%s", cmd, err, &output)
	}
	wall := time.Since(start)
	after, err := children()
	if err != nil {
		return synthCost{}, err
	}
	usage := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	return synthCost{wall, after - before, usage.Maxrss << 10}, nil // Linux counts kilobytes
}

// children is the processor time of all processes that were waited for, and of
// theirs: Node's is among them.
func children() (time.Duration, error) {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_CHILDREN, &u); err != nil {
		return 0, fmt.Errorf("ask for the processor time: %w", err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()), nil
}

// median is what the middle run of several took, of each figure by itself.
func median(all []synthCost) synthCost {
	var wall, processor []time.Duration
	var peak int64
	for _, c := range all {
		wall, processor, peak = append(wall, c.wall), append(processor, c.processor), max(peak, c.peak)
	}
	return synthCost{percentile(wall, 0.5), percentile(processor, 0.5), peak}
}

// inventory is what an assembly consists of.
type inventory struct {
	types   map[string]int
	stacks  int
	largest int // resources of the largest stack
	bytes   int64
}

func (i inventory) resources() int {
	n := 0
	for _, k := range i.types {
		n += k
	}
	return n
}

func inventoryOf(dir string) (inventory, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.template.json"))
	if err != nil {
		return inventory{}, err
	}
	if len(files) == 0 {
		return inventory{}, fmt.Errorf("there is no template in %s", dir)
	}
	found := inventory{types: map[string]int{}}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			return inventory{}, err
		}
		var t struct {
			Resources map[string]struct{ Type string }
		}
		if err := json.Unmarshal(b, &t); err != nil {
			return inventory{}, fmt.Errorf("read %s: %w", file, err)
		}
		for _, r := range t.Resources {
			found.types[r.Type]++
		}
		found.stacks++
		found.largest = max(found.largest, len(t.Resources))
		found.bytes += int64(len(b))
	}
	return found, nil
}

// differences names the types of which two assemblies have different numbers.
func differences(ours, theirs inventory) error {
	var errs []error
	all := maps.Clone(ours.types)
	maps.Copy(all, theirs.types)
	for _, kind := range slices.Sorted(maps.Keys(all)) {
		if a, b := ours.types[kind], theirs.types[kind]; a != b {
			errs = append(errs, fmt.Errorf("%s: %d of ours, %d of theirs", kind, a, b))
		}
	}
	return errors.Join(errs...)
}

// largeApps are the applications whose synthesis is measured beside the reference
// application's.
var largeApps = []struct{ subscriptions, tables int }{{10, 3}, {100, 33}, {300, 33}, {300, 100}}

// scale measures the synthesis of applications of several sizes. Their functions are
// all the same program under different names, built before.
func scale(ctx context.Context, o options, w io.Writer) error {
	root, err := filepath.Abs(o.dir)
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "| synthesis without the CDK's validation | resources | stacks | largest stack | templates | seconds, median of 3 | processor seconds | peak memory of the largest process |\n|---|---|---|---|---|---|---|---|\n")
	for _, size := range largeApps {
		if err := scaleOf(ctx, root, size.subscriptions, size.tables, w); err != nil {
			return err
		}
	}
	fmt.Fprintln(w)
	return nil
}

func scaleOf(ctx context.Context, root string, subscriptions, tables int, w io.Writer) error {
	// Below the module, whose dependencies it shares.
	dir, err := os.MkdirTemp(filepath.Join(root, "bench"), "large-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := writeLarge(root, dir, subscriptions, tables); err != nil {
		return err
	}
	app := filepath.Join(dir, "app")
	build := exec.CommandContext(ctx, "go", "build", "-o", app, ".")
	build.Dir = dir
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("build the application of %d subscriptions: %w\n%s", subscriptions, err, out)
	}
	out := filepath.Join(dir, "cdk.out")
	var runs []synthCost
	for i := range 4 { // the first one builds the functions
		cmd, err := appCommand(ctx, root, dir, app, out, "false")
		if err != nil {
			return err
		}
		c, err := timed(cmd)
		if err != nil {
			return err
		}
		if i > 0 {
			runs = append(runs, c)
		}
	}
	found, err := inventoryOf(out)
	if err != nil {
		return err
	}
	m := median(runs)
	_, err = fmt.Fprintf(w, "| %d subscriptions, %d tables | %d | %d | %d | %.1f MB | %.1f | %.1f | %d MB |\n", subscriptions, tables, found.resources(),
		found.stacks, found.largest, float64(found.bytes)/(1<<20), m.wall.Seconds(), m.processor.Seconds(), m.peak>>20)
	return err
}

// writeLarge writes an application of a module of its own that uses this one.
func writeLarge(root, dir string, subscriptions, tables int) error {
	var app strings.Builder
	app.WriteString(`// Written by the benchmark of the synthesis.
package main

import (
	"fmt"

	"github.com/vinci-go/vinci/bus"
	"github.com/vinci-go/vinci/constructs"
	"github.com/vinci-go/vinci/event"
	"github.com/vinci-go/vinci/orm"
)

type item struct {
	ID    string ` + "`dynamo:\"id,hash\"`" + `
	Kind  string ` + "`dynamo:\"kind\" index:\"by_kind,hash\"`" + `
}

type happened struct {
	ID string ` + "`json:\"id\"`" + `
}

func main() {
	created := event.Define[happened]("item.created")
	app := constructs.NewApplication(&constructs.ApplicationProps{AppName: "large", EventBus: true})
	app.AddEvents(created)
	var tables []orm.Definition
`)
	fmt.Fprintf(&app, `	for i := range %d {
		t := orm.Define[item, string](fmt.Sprintf("table_%%03d", i))
		app.AddTable(t)
		tables = append(tables, t)
	}
	for i := range %d {
		name := fmt.Sprintf("sub_%%03d", i)
		app.AddEventHandler(bus.Subscription(name, bus.To(created), bus.Writes(tables[i%%len(tables)])),
			&constructs.EventHandlerProps{Function: "functions/" + name, DeadLetterQueue: true})
	}
	app.Synth()
}
`, tables, subscriptions)
	files := map[string]string{"app.go": app.String()}
	for _, name := range []string{"go.mod", "go.sum"} {
		b, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			return err
		}
		files[name] = string(b)
	}
	// The module's own requirements, and the module itself: it is where it is.
	files["go.mod"] = strings.Replace(files["go.mod"], "module github.com/vinci-go/vinci\n", "module example.com/large\n", 1) +
		"\nrequire github.com/vinci-go/vinci v0.0.0\n\nreplace github.com/vinci-go/vinci => " + root + "\n"
	var members []stacklock.Member
	for i := range subscriptions {
		name := fmt.Sprintf("sub_%03d", i)
		files[filepath.Join("functions", name, "main.go")] = "package main\n\nfunc main() {}\n"
		members = append(members, stacklock.Member{Name: name, Group: "subscriptions"})
	}
	files[stacklock.File] = string(stacklock.Assign(&stacklock.Lock{}, members, stacklock.Room).Lock().Encode())
	for name, text := range files {
		file := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, []byte(text), 0o644)); err != nil {
			return err
		}
	}
	return nil
}
