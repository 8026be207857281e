package scaffold

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"

	"github.com/vinci-go/vinci/internal/names"
)

// Framework is the module that an application is written for.
const Framework = "github.com/vinci-go/vinci"

// What the template calls its application and its module.
const (
	templateName   = "app-name"
	templateModule = "example.com/app-name"
	templateGoMod  = "go.mod.tmpl"
)

//go:embed all:_app
var template embed.FS

// Options say which application to write, and where.
type Options struct {
	Name    string // of the application, as names.New allows it
	Module  string // its module path
	Dir     string // where it goes: made when absent, else empty but for .git
	Version string // of the framework, for go.mod
	Replace string // folder of a checkout to use in its place; "": none
}

// Write writes the application and returns how many files it has. What is wrong with
// the options is told before anything is written. go.mod names the framework only: go
// mod tidy adds the rest.
func Write(o Options) (files int, err error) {
	goMod, err := o.check()
	if err != nil {
		return 0, err
	}
	replacer := strings.NewReplacer(templateModule, o.Module, templateName, o.Name)
	err = fs.WalkDir(template, "_app", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name := strings.TrimPrefix(path, "_app/")
		text := goMod
		if name == templateGoMod {
			name = "go.mod"
		} else {
			b, err := template.ReadFile(path)
			if err != nil {
				return err
			}
			text = []byte(replacer.Replace(string(b)))
		}
		files++
		file := filepath.Join(o.Dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			return err
		}
		return os.WriteFile(file, text, 0o644)
	})
	if err != nil {
		return files, fmt.Errorf("write the application: %w", err)
	}
	return files, nil
}

// check tells everything that is wrong at once, and else makes the go.mod.
func (o Options) check() (goMod []byte, err error) {
	var errs []error
	if _, err := names.New(o.Name, "local"); err != nil {
		errs = append(errs, err)
	}
	if err := module.CheckImportPath(o.Module); err != nil {
		errs = append(errs, fmt.Errorf("--module: %w: a path such as github.com/you/%s is wanted", err, o.Name))
	}
	if o.Module == Framework || strings.HasPrefix(o.Module, Framework+"/") {
		errs = append(errs, fmt.Errorf("--module %s: this is the framework's own: choose another", o.Module))
	}
	if err := empty(o.Dir); err != nil {
		errs = append(errs, err)
	}
	if o.Replace != "" {
		if err := checkout(o.Replace); err != nil {
			errs = append(errs, err)
		}
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	return o.goMod()
}

// empty refuses a folder that holds something: whose it is cannot be known. A git
// repository without files is where an application often begins.
func empty(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("--dir: %w", err)
	}
	for _, e := range entries {
		if e.Name() != ".git" {
			return fmt.Errorf("%s holds %s: name an empty folder, or a new one, with --dir", dir, e.Name())
		}
	}
	return nil
}

// checkout refuses a folder that is not the framework's.
func checkout(dir string) error {
	b, err := os.ReadFile(filepath.Join(dir, "go.mod"))
	if err != nil {
		return fmt.Errorf("--replace: %w: the folder of a checkout of %s is wanted", err, Framework)
	}
	if path := modfile.ModulePath(b); path != Framework {
		return fmt.Errorf("--replace %s: this is module %q: the folder of a checkout of %s is wanted", dir, path, Framework)
	}
	return nil
}

func (o Options) goMod() ([]byte, error) {
	b, err := template.ReadFile("_app/" + templateGoMod)
	if err != nil {
		return nil, err
	}
	f, err := modfile.Parse(templateGoMod, b, nil)
	if err != nil {
		return nil, err
	}
	err = errors.Join(f.AddModuleStmt(o.Module), f.AddRequire(Framework, o.Version))
	if o.Replace != "" {
		err = errors.Join(err, f.AddReplace(Framework, "", o.Replace, ""))
	}
	if err != nil {
		return nil, fmt.Errorf("write go.mod: %w", err)
	}
	return f.Format()
}
