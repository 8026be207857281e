package build

import (
	"context"
	"debug/elf"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// module writes a Go module of its own into a temporary folder.
func module(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	write(t, dir, map[string]string{"go.mod": "module example.com/shop\n\ngo 1.26\n"})
	write(t, dir, files)
	return dir
}

func write(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, content := range files {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func request(dir string, programs ...string) Request {
	r := Request{Dir: dir, Out: filepath.Join(dir, ".vinci", "build", "arm64"), GOARCH: "arm64"}
	for _, p := range programs {
		r.Programs = append(r.Programs, Program{Name: filepath.Base(p), Package: p})
	}
	return r
}

func mustBuild(t *testing.T, r Request) map[string]string {
	t.Helper()
	assets, err := Build(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	return assets
}

const hello = "package main\n\nfunc main() { println(\"hello\") }\n"

func TestBuild(t *testing.T) {
	dir := module(t, map[string]string{
		"lambdas/one/main.go": hello,
		"lambdas/two/main.go": strings.Replace(hello, "hello", "two", 1),
	})
	r := request(dir, "./lambdas/one", "./lambdas/two", "example.com/shop/lambdas/three")
	write(t, dir, map[string]string{"lambdas/three/main.go": hello})
	assets := mustBuild(t, r)
	for _, name := range []string{"one", "two", "three"} {
		entries, err := os.ReadDir(assets[name])
		if err != nil {
			t.Fatal(err)
		}
		if len(entries) != 1 || entries[0].Name() != "bootstrap" {
			t.Errorf("the asset of %s holds %v, want bootstrap alone", name, entries)
		}
		file := filepath.Join(assets[name], "bootstrap")
		info, err := os.Stat(file)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o755 {
			t.Errorf("mode of %s is %v, want 0755", name, info.Mode())
		}
		program, err := elf.Open(file)
		if err != nil {
			t.Fatalf("%s is no Linux program: %v", name, err)
		}
		if program.Machine != elf.EM_AARCH64 {
			t.Errorf("%s is for %v, want arm64", name, program.Machine)
		}
		if program.Section(".symtab") != nil {
			t.Errorf("%s has a symbol table: -s -w was not used", name)
		}
		program.Close()
	}
}

// Two checkouts of the same sources must give the same bytes, and neither may
// say where it was.
func TestSameBytesInAnotherFolder(t *testing.T) {
	files := map[string]string{"lambdas/one/main.go": hello}
	var programs [][]byte
	for range 2 {
		dir := module(t, files)
		b, err := os.ReadFile(filepath.Join(mustBuild(t, request(dir, "./lambdas/one"))["one"], "bootstrap"))
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(b), dir) {
			t.Error("the program holds the path of its module")
		}
		programs = append(programs, b)
	}
	if !slices.Equal(programs[0], programs[1]) {
		t.Error("two folders gave two programs")
	}
}

// What did not change is not written: the asset's file stays the same file.
func TestUnchanged(t *testing.T) {
	dir := module(t, map[string]string{"lambdas/one/main.go": hello, "lambdas/two/main.go": hello})
	r := request(dir, "./lambdas/one", "./lambdas/two")
	stat := func(name string) os.FileInfo {
		info, err := os.Stat(filepath.Join(r.Out, name, "bootstrap"))
		if err != nil {
			t.Fatal(err)
		}
		return info
	}
	mustBuild(t, r)
	one, two := stat("one"), stat("two")
	write(t, dir, map[string]string{"lambdas/two/main.go": strings.Replace(hello, "hello", "changed", 1)})
	mustBuild(t, r)
	if !os.SameFile(one, stat("one")) || !one.ModTime().Equal(stat("one").ModTime()) {
		t.Error("an unchanged program was written again")
	}
	if os.SameFile(two, stat("two")) {
		t.Error("a changed program was written into the old file, which may be running")
	}
}

// A mode that somebody took away is given back: it is not part of an asset's
// hash, so nothing else would notice.
func TestMode(t *testing.T) {
	dir := module(t, map[string]string{"lambdas/one/main.go": hello})
	r := request(dir, "./lambdas/one")
	file := filepath.Join(mustBuild(t, r)["one"], "bootstrap")
	if err := os.Chmod(file, 0o600); err != nil {
		t.Fatal(err)
	}
	mustBuild(t, r)
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o755 {
		t.Errorf("mode is %v (%v), want 0755", info.Mode(), err)
	}
}

func TestNothingToBuild(t *testing.T) {
	if assets, err := Build(t.Context(), Request{Dir: t.TempDir()}); err != nil || len(assets) != 0 {
		t.Errorf("no programs gave %v, %v", assets, err)
	}
}

// failuresOf builds and returns what did not compile.
func failuresOf(t *testing.T, r Request) []Failure {
	t.Helper()
	_, err := Build(t.Context(), r)
	var failed *Error
	if !errors.As(err, &failed) {
		t.Fatalf("error is %v, want a build error", err)
	}
	return failed.Failures
}

// All mistakes of all programs are told in one go: those that the compiler finds
// and those that keep a package from being loaded, which stop go build before it
// compiles anything.
func TestFailures(t *testing.T) {
	dir := module(t, map[string]string{
		"lambdas/good/main.go":    hello,
		"lambdas/types/main.go":   "package main\n\nfunc main() { undefined() }\n",
		"lambdas/types2/main.go":  "package main\n\nfunc main() { var x int = \"text\" }\n",
		"lambdas/absent/main.go":  "package main\n\nimport _ \"example.com/absent\"\n\nfunc main() {}\n",
		"lambdas/syntax/main.go":  "package main\n\nfunc main() {\n",
		"lambdas/shared1/main.go": "package main\n\nimport _ \"example.com/shop/domain\"\n\nfunc main() {}\n",
		"lambdas/shared2/main.go": "package main\n\nimport _ \"example.com/shop/domain\"\n\nfunc main() {}\n",
		"domain/domain.go":        "package domain\n\nvar X = missing\n",
		"lambdas/deep/main.go":    "package main\n\nimport _ \"example.com/shop/deep\"\n\nfunc main() {}\n",
		"deep/deep.go":            "package deep\n\nimport _ \"example.com/absent/too\"\n",
	})
	got := failuresOf(t, request(dir, "./lambdas/good", "./lambdas/types", "./lambdas/types2", "./lambdas/absent",
		"./lambdas/syntax", "./lambdas/shared1", "./lambdas/shared2", "./lambdas/deep"))
	want := []struct{ pkg, programs, output string }{
		{"example.com/shop/deep", "deep", "deep/deep.go:3:8: no required module provides package example.com/absent/too"},
		{"example.com/shop/domain", "shared1 shared2", "domain/domain.go:3:9: undefined: missing"},
		{"example.com/shop/lambdas/absent", "absent", "lambdas/absent/main.go:3:8: no required module provides package example.com/absent"},
		{"example.com/shop/lambdas/syntax", "syntax", "lambdas/syntax/main.go:4:1: syntax error"},
		{"example.com/shop/lambdas/types", "types", "lambdas/types/main.go:3:15: undefined: undefined"},
		{"example.com/shop/lambdas/types2", "types2", "lambdas/types2/main.go:3:19: declared and not used"},
	}
	if len(got) != len(want) {
		t.Fatalf("%d failures, want %d:\n%v", len(got), len(want), &Error{got})
	}
	for i, w := range want {
		g := got[i]
		if g.Package != w.pkg || strings.Join(g.Programs, " ") != w.programs {
			t.Errorf("failure %d is of %s, needed by %v; want %s, needed by %s", i, g.Package, g.Programs, w.pkg, w.programs)
		}
		if !strings.Contains(g.Output, w.output) {
			t.Errorf("failure of %s says\n%s\nwant %q in it", g.Package, g.Output, w.output)
		}
		if strings.Contains(g.Output, dir) {
			t.Errorf("failure of %s names a folder of this machine:\n%s", g.Package, g.Output)
		}
	}
}

// Mistakes that only the compiler finds need no second build.
func TestCompileFailuresOnly(t *testing.T) {
	dir := module(t, map[string]string{
		"lambdas/a/main.go": "package main\n\nfunc main() { nothing() }\n",
		"lambdas/b/main.go": "package main\n\nfunc main() { nowhere() }\n",
		"lambdas/c/main.go": hello,
	})
	got := failuresOf(t, request(dir, "./lambdas/a", "./lambdas/b", "./lambdas/c"))
	if len(got) != 2 || got[0].Programs[0] != "a" || got[1].Programs[0] != "b" {
		t.Errorf("failures are %v", &Error{got})
	}
}

// A package of another module that go.mod does not name, as the relay of a
// module without a tool line.
func TestUnknownModule(t *testing.T) {
	dir := module(t, map[string]string{"lambdas/one/main.go": hello})
	got := failuresOf(t, request(dir, "./lambdas/one", "example.com/framework/cmd/relay"))
	if len(got) != 1 || got[0].Package != "example.com/framework/cmd/relay" || !strings.Contains(got[0].Output, "no required module provides package") {
		t.Errorf("failures are %v", &Error{got})
	}
}

func TestNoModule(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{"lambdas/one/main.go": hello})
	if _, err := Build(t.Context(), request(dir, "./lambdas/one")); err == nil || !strings.Contains(err.Error(), "go.mod") {
		t.Errorf("error is %v, want one that names go.mod", err)
	}
}

func TestCancelled(t *testing.T) {
	dir := module(t, map[string]string{"lambdas/one/main.go": hello})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Build(ctx, request(dir, "./lambdas/one")); !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v, want %v", err, context.Canceled)
	}
}

// A program of the same size is not the same program.
func TestSameSize(t *testing.T) {
	dir := module(t, map[string]string{"lambdas/one/main.go": hello})
	r := request(dir, "./lambdas/one")
	file := filepath.Join(mustBuild(t, r)["one"], "bootstrap")
	before, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	write(t, dir, map[string]string{"lambdas/one/main.go": strings.Replace(hello, "hello", "jello", 1)})
	mustBuild(t, r)
	after, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if len(before) != len(after) {
		t.Fatalf("the programs have %d and %d bytes: this test needs two of one size", len(before), len(after))
	}
	if slices.Equal(before, after) {
		t.Error("the old program was kept")
	}
}

// What is no program is never taken for one.
func TestSameProgram(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{"a": "text", "b": "text", "c": "next"})
	if _, err := sameProgram(filepath.Join(dir, "a"), filepath.Join(dir, "b")); err == nil {
		t.Error("a program that is none was accepted")
	}
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if same, err := sameProgram(program, filepath.Join(dir, "absent")); same || err != nil {
		t.Errorf("a target that is absent is the same: %v, %v", same, err)
	}
	if same, err := sameProgram(program, filepath.Join(dir, "c")); same || err != nil {
		t.Errorf("a target that is a text is the same: %v, %v", same, err)
	}
	if same, err := sameProgram(program, program); !same || err != nil {
		t.Errorf("a program is not the same as itself: %v, %v", same, err)
	}
}
