package scaffold

import (
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"runtime/debug"
	"strings"
	"testing"

	"golang.org/x/mod/modfile"
)

const root = "../.."

func written(t *testing.T, o Options) map[string]string {
	t.Helper()
	n, err := Write(o)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	err = filepath.WalkDir(o.Dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, err := filepath.Rel(o.Dir, path)
		if err != nil {
			return err
		}
		b, err := os.ReadFile(path)
		files[name] = string(b)
		return err
	})
	if err != nil || len(files) != n {
		t.Fatalf("%d files, said were %d: %v", len(files), n, err)
	}
	return files
}

// Both names are replaced everywhere, also where one holds the other.
func TestNames(t *testing.T) {
	files := written(t, Options{Name: "till", Module: "github.com/me/app-name/v2", Dir: filepath.Join(t.TempDir(), "a", "b"), Version: "v1.2.3"})
	for name, text := range files {
		text = strings.ReplaceAll(text, "github.com/me/app-name/v2", "")
		if strings.Contains(text, templateName) {
			t.Errorf("%s says %s", name, templateName)
		}
	}
	for file, want := range map[string]string{
		"go.mod":                      "module github.com/me/app-name/v2\n",
		"domain/domain.go":            `const Application = "till"`,
		"package.json":                `"name": "till"`,
		"package-lock.json":           `"name": "till"`,
		"lambdas/api/main.go":         `"github.com/me/app-name/v2/domain/orders"`,
		".gitignore":                  "node_modules/",
		"README.md":                   "Go 1.26, Node.js with npm and `make`, on Linux x64",
		"schemas/order.placed/1.json": `"order.placed version 1"`,
	} {
		if !strings.Contains(files[file], want) {
			t.Errorf("%s lacks %q:\n%s", file, want, files[file])
		}
	}
}

func TestGoMod(t *testing.T) {
	parse := func(o Options) *modfile.File {
		t.Helper()
		o.Name, o.Module, o.Dir = "till", "example.com/till", filepath.Join(t.TempDir(), "till")
		f, err := modfile.Parse("go.mod", []byte(written(t, o)["go.mod"]), nil)
		if err != nil {
			t.Fatal(err)
		}
		if len(f.Require) != 1 || f.Require[0].Mod.Path != Framework || f.Require[0].Mod.Version != o.Version {
			t.Errorf("it requires %v", f.Require)
		}
		return f
	}
	f := parse(Options{Version: "v1.2.3"})
	if len(f.Replace) != 0 {
		t.Errorf("it replaces %v", f.Replace)
	}
	// A folder's name may hold what go.mod must quote.
	folder := filepath.Join(t.TempDir(), "with space")
	if err := os.Mkdir(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "go.mod"), []byte("module "+Framework+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	f = parse(Options{Version: "v0.0.0", Replace: folder})
	if len(f.Replace) != 1 || f.Replace[0].New.Path != folder {
		t.Errorf("it replaces %v", f.Replace)
	}

	// What this repository builds with, its applications do.
	b, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	ours, err := modfile.Parse("go.mod", b, nil)
	if err != nil {
		t.Fatal(err)
	}
	if f.Go.Version != ours.Go.Version || f.Toolchain.Name != ours.Toolchain.Name {
		t.Errorf("go %s with %s, this repository: go %s with %s", f.Go.Version, f.Toolchain.Name, ours.Go.Version, ours.Toolchain.Name)
	}
	excludes := func(f *modfile.File) (all []string) {
		for _, e := range f.Exclude {
			all = append(all, e.Mod.String())
		}
		return all
	}
	if got, want := excludes(f), excludes(ours); !reflect.DeepEqual(got, want) {
		t.Errorf("it excludes %v, this repository %v", got, want)
	}
	for _, tool := range f.Tool {
		if _, err := os.Stat(filepath.Join(root, strings.TrimPrefix(tool.Path, Framework+"/"), "main.go")); err != nil {
			t.Errorf("tool %s: %v", tool.Path, err)
		}
	}
	if len(f.Tool) != 3 {
		t.Errorf("%d tools, want the framework's three programs", len(f.Tool))
	}
}

// All mistakes are told at once, and nothing is written.
func TestRefuses(t *testing.T) {
	taken, git, foreign := t.TempDir(), t.TempDir(), t.TempDir()
	for _, file := range []string{filepath.Join(taken, "notes.txt"), filepath.Join(git, ".git"), filepath.Join(foreign, "go.mod")} {
		if err := os.WriteFile(file, []byte("module example.com/other\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	good := Options{Name: "till", Module: "example.com/till", Dir: filepath.Join(t.TempDir(), "till"), Version: "v1.0.0"}
	for name, tt := range map[string]struct {
		change func(*Options)
		says   []string
	}{
		"name":                {func(o *Options) { o.Name = "Till" }, []string{`application name "Till"`, "lower-case"}},
		"module":              {func(o *Options) { o.Module = "a b" }, []string{"--module", "a b", "github.com/you/till"}},
		"the framework":       {func(o *Options) { o.Module = Framework }, []string{"the framework's own"}},
		"below the framework": {func(o *Options) { o.Module = Framework + "/till" }, []string{"the framework's own"}},
		"folder with files":   {func(o *Options) { o.Dir = taken }, []string{taken + " holds notes.txt", "--dir"}},
		"file for a folder":   {func(o *Options) { o.Dir = filepath.Join(taken, "notes.txt") }, []string{"--dir", "not a directory"}},
		"no checkout":         {func(o *Options) { o.Replace = taken }, []string{"--replace", "go.mod"}},
		"another checkout":    {func(o *Options) { o.Replace = foreign }, []string{"--replace", "example.com/other"}},
		"all":                 {func(o *Options) { *o = Options{Dir: taken, Replace: foreign} }, []string{"application name", "--module", "notes.txt", "--replace"}},
	} {
		o := good
		tt.change(&o)
		n, err := Write(o)
		if err == nil || n != 0 {
			t.Errorf("%s: %d files, %v", name, n, err)
			continue
		}
		for _, want := range tt.says {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %q lacks %q", name, err, want)
			}
		}
	}
	if _, err := os.Stat(good.Dir); !os.IsNotExist(err) {
		t.Errorf("something was written: %v", err)
	}
	good.Dir = git
	if _, err := Write(good); err != nil {
		t.Errorf("an empty repository is refused: %v", err)
	}
}

func TestVersion(t *testing.T) {
	app := debug.Module{Path: "example.com/till", Version: "v9.9.9", Sum: "h1:x"}
	for name, tt := range map[string]struct {
		info debug.BuildInfo
		want string
	}{
		"installed":           {debug.BuildInfo{Main: debug.Module{Path: Framework, Version: "v1.2.3", Sum: "h1:x"}}, "v1.2.3"},
		"a commit's":          {debug.BuildInfo{Main: debug.Module{Path: Framework, Version: "v0.0.0-20260102030405-0123456789ab", Sum: "h1:x"}}, "v0.0.0-20260102030405-0123456789ab"},
		"built in a checkout": {debug.BuildInfo{Main: debug.Module{Path: Framework, Version: "(devel)"}}, ""},
		"stamped by git":      {debug.BuildInfo{Main: debug.Module{Path: Framework, Version: "v1.2.4-0.20260102030405-0123456789ab"}}, ""},
		"with changes":        {debug.BuildInfo{Main: debug.Module{Path: Framework, Version: "v1.2.3+dirty"}}, ""},
		"an application's":    {debug.BuildInfo{Main: app, Deps: []*debug.Module{{Path: "a", Version: "v1.0.0"}, {Path: Framework, Version: "v1.2.3", Sum: "h1:x"}}}, "v1.2.3"},
		"with one of its own": {debug.BuildInfo{Main: app, Deps: []*debug.Module{{Path: Framework, Version: "v0.0.0", Replace: &debug.Module{Path: "/src/vinci"}}}}, ""},
		"something else's":    {debug.BuildInfo{Main: app}, ""},
	} {
		if got := Version(&tt.info); got != tt.want {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
	}
}

// The npm packages and the CDK's feature flags are those of this repository, on which
// everything was tried.
func TestPinned(t *testing.T) {
	read := func(file string) map[string]any {
		t.Helper()
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var v map[string]any
		if err := json.Unmarshal(b, &v); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		return v
	}
	same := func(what string, got, want any) {
		t.Helper()
		if want == nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %v, in this repository %v", what, got, want)
		}
	}
	app := func(name string) map[string]any { return read(filepath.Join("_app", name)) }
	ours := func(name string) map[string]any { return read(filepath.Join(root, name)) }

	same("cdk.json", app("cdk.json"), ours("cdk.json"))
	for _, key := range []string{"dependencies", "os", "cpu"} {
		same("package.json: "+key, app("package.json")[key], ours("package.json")[key])
	}
	lock, oursLock := app("package-lock.json"), ours("package-lock.json")
	for _, l := range []map[string]any{lock, oursLock} { // each has its own name and license
		delete(l, "name")
		self := l["packages"].(map[string]any)[""].(map[string]any)
		delete(self, "name")
		delete(self, "license")
	}
	same("package-lock.json", lock, oursLock)
}
