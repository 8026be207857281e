package localtest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// childVariable makes the test binary start the app in that folder and end.
const childVariable = "VINCI_LOCALTEST_CHILD"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childVariable); dir != "" {
		key, err := sourceKey(context.Background(), dir)
		if err == nil {
			c := counting(dir)
			var assembly string
			assembly, _, err = c.get(context.Background(), key) // the process's end releases it
			if err == nil {
				_, err = os.Stat(filepath.Join(assembly, "complete"))
			}
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// counting is a cache whose builds take a moment and leave a mark each.
func counting(dir string) cache {
	return cache{dir: filepath.Join(dir, ".vinci", "localtest"), build: func(_ context.Context, out string) error {
		mark, err := os.CreateTemp(filepath.Join(dir, ".marks"), "build")
		if err != nil {
			return err
		}
		mark.Close()
		time.Sleep(50 * time.Millisecond) // so that the others come meanwhile
		return os.WriteFile(filepath.Join(out, "complete"), nil, 0o600)
	}}
}

func module(t *testing.T, dir string, files map[string]string) string {
	t.Helper()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func builds(t *testing.T, dir string) int {
	t.Helper()
	marks, err := os.ReadDir(filepath.Join(dir, ".marks"))
	if err != nil {
		t.Fatal(err)
	}
	return len(marks)
}

// Many processes, and many goroutines of this one, share one build.
func TestOneBuild(t *testing.T) {
	dir := module(t, t.TempDir(), map[string]string{"go.mod": "module app\n", "main.go": "package main\n", ".marks/.keep": ""})
	if err := os.Remove(filepath.Join(dir, ".marks", ".keep")); err != nil {
		t.Fatal(err)
	}
	key, err := sourceKey(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 6 {
		wg.Go(func() {
			cmd := exec.Command(os.Args[0])
			cmd.Env = append(os.Environ(), childVariable+"="+dir)
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%v\n%s", err, out)
			}
		})
		wg.Go(func() {
			_, release, err := counting(dir).get(t.Context(), key)
			if err != nil {
				t.Error(err)
				return
			}
			if err := release(); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := builds(t, dir); n != 1 {
		t.Errorf("%d builds, want 1", n)
	}
}

// A build that fails is told to who asked, leaves nothing, and is tried again.
func TestBuildFails(t *testing.T) {
	c := cache{dir: filepath.Join(t.TempDir(), "cache"), build: func(context.Context, string) error { return errors.New("the app is wrong") }}
	for range 2 {
		if _, _, err := c.get(t.Context(), "key"); err == nil || err.Error() != "the app is wrong" {
			t.Errorf("error %v", err)
		}
	}
	left, err := filepath.Glob(filepath.Join(c.dir, "*"))
	if err != nil || len(left) != 1 {
		t.Errorf("left are %v, %v; want the lock file", left, err)
	}
}

// Who waits for another's build stops waiting when ctx ends.
func TestWaitEnds(t *testing.T) {
	c := cache{dir: t.TempDir(), build: func(context.Context, string) error { t.Error("it was built"); return nil }}
	lock, err := lockFile(t.Context(), filepath.Join(c.dir, "key"+lockSuffix), 2 /* LOCK_EX */)
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
	defer cancel()
	if _, _, err := c.get(ctx, "key"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v, want that of ctx", err)
	}
}

// Old assemblies go, but for those in use.
func TestPrune(t *testing.T) {
	c := cache{dir: t.TempDir(), build: func(_ context.Context, out string) error {
		return os.WriteFile(filepath.Join(out, "complete"), nil, 0o600)
	}}
	get := func(key string) func() error {
		t.Helper()
		assembly, release, err := c.get(t.Context(), key)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(filepath.Join(assembly, "complete")); err != nil {
			t.Fatal(err)
		}
		return release
	}
	abandoned := filepath.Join(c.dir, buildingMark+"1")
	if err := os.Mkdir(abandoned, 0o755); err != nil {
		t.Fatal(err)
	}
	old := time.Now().Add(-2 * time.Hour)
	if err := os.Chtimes(abandoned, old, old); err != nil {
		t.Fatal(err)
	}
	inUse := get("used")
	for i := range KeptAssemblies + 2 {
		key := fmt.Sprint("key", i)
		if err := get(key)(); err != nil {
			t.Fatal(err)
		}
		// Each was used before the next, and "used" before all.
		for n, name := range []string{"used", "key0", "key1", "key2", "key3", "key4"} {
			at := old.Add(time.Duration(n) * time.Minute)
			if err := os.Chtimes(filepath.Join(c.dir, name), at, at); err != nil && !errors.Is(err, os.ErrNotExist) {
				t.Fatal(err)
			}
		}
	}
	names := func() []string {
		entries, err := os.ReadDir(c.dir)
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, e := range entries {
			if e.IsDir() {
				names = append(names, e.Name())
			}
		}
		return names
	}
	if got, want := names(), []string{"key2", "key3", "key4", "used"}; !slices.Equal(got, want) {
		t.Errorf("left are %v, want %v", got, want)
	}
	if err := inUse(); err != nil {
		t.Fatal(err)
	}
	if err := c.prune(); err != nil {
		t.Fatal(err)
	}
	if got, want := names(), []string{"key2", "key3", "key4"}; !slices.Equal(got, want) {
		t.Errorf("left are %v, want %v", got, want)
	}
}

// What the assembly is made from changes the key, and nothing else does.
func TestSourceKey(t *testing.T) {
	root := t.TempDir()
	dir := module(t, filepath.Join(root, "app"), map[string]string{
		"go.mod": "module app\n\nreplace lib => ../lib\n\nreplace below => ./below\n", "main.go": "package main\n", "below/go.mod": "module below\n",
		"cdk.json": "{}", "templates/mail.txt": "Dear you", ".vinci/data": "1", "node_modules/x/index.js": "1", "cdk.out/manifest.json": "1", "main_test.go": "package main\n",
	})
	module(t, filepath.Join(root, "lib"), map[string]string{"go.mod": "module lib\n", "lib.go": "package lib\n"})
	key := func() string {
		t.Helper()
		k, err := sourceKey(t.Context(), dir)
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	before := key()
	for _, file := range []string{"app/.vinci/data", "app/node_modules/x/index.js", "app/cdk.out/manifest.json", "app/main_test.go"} {
		module(t, root, map[string]string{file: "changed"})
		if key() != before {
			t.Errorf("%s changes the key", file)
		}
	}
	seen := map[string]string{before: "the beginning"}
	for _, change := range []struct {
		what string
		make func() error
	}{
		{"a source", func() error {
			return os.WriteFile(filepath.Join(dir, "main.go"), []byte("package main // changed\n"), 0o644)
		}},
		{"a file to embed", func() error { return os.WriteFile(filepath.Join(dir, "templates", "mail.txt"), []byte("Hello"), 0o644) }},
		{"cdk.json", func() error { return os.WriteFile(filepath.Join(dir, "cdk.json"), []byte(`{"app":"x"}`), 0o644) }},
		{"a module beside", func() error {
			return os.WriteFile(filepath.Join(root, "lib", "lib.go"), []byte("package lib // changed\n"), 0o644)
		}},
		{"a name", func() error { return os.Rename(filepath.Join(dir, "main.go"), filepath.Join(dir, "app.go")) }},
		{"a mode", func() error { return os.Chmod(filepath.Join(dir, "app.go"), 0o755) }},
		{"a symbolic link", func() error { return os.Symlink("app.go", filepath.Join(dir, "link.go")) }},
		{"a file that is gone", func() error { return os.Remove(filepath.Join(dir, "link.go")) }},
		{"a workspace", func() error {
			module(t, root, map[string]string{"go.work": "go 1.26\n\nuse ./app\n\nuse ./other\n", "other/other.go": "package other\n"})
			return nil
		}},
	} {
		if err := change.make(); err != nil {
			t.Fatal(err)
		}
		k := key()
		if was, ok := seen[k]; ok && change.what != "a file that is gone" {
			t.Errorf("%s has the key of %s", change.what, was)
		}
		seen[k] = change.what
	}
	t.Setenv("GOFLAGS", "-tags=other")
	if _, ok := seen[key()]; ok {
		t.Error("GOFLAGS do not change the key")
	}
	t.Setenv("GOWORK", filepath.Join(root, "nowhere"))
	if _, err := sourceKey(t.Context(), dir); err == nil {
		t.Error("a workspace that is not there is no error")
	}
}

// The application's folder is found from the test's, and its absence is told.
func TestFindsTheApp(t *testing.T) {
	dir := module(t, t.TempDir(), map[string]string{"below/x": ""})
	t.Chdir(filepath.Join(dir, "below"))
	p := &probe{TB: t}
	p.run(func() { Start(p, Options{}) })
	if !p.failed || !strings.Contains(p.said.String(), "no cdk.json in "+dir) {
		t.Errorf("it says %q", &p.said)
	}
	app, err := json.Marshal(map[string]string{"app": "echo the app is wrong; exit 1"})
	if err != nil {
		t.Fatal(err)
	}
	module(t, dir, map[string]string{"cdk.json": string(app), "node_modules/.bin/node": ""})
	p = &probe{TB: t}
	p.run(func() { Start(p, Options{}) })
	if !p.failed || !strings.Contains(p.said.String(), "synthesize the application: ") || !strings.Contains(p.said.String(), "the app is wrong") {
		t.Errorf("it says %q", &p.said)
	}
}
