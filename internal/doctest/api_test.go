package doctest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/doc"
	"go/parser"
	"go/token"
	"io"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// library is what the framework exports: every package that a user can import.
type library struct {
	path  string   // below the module
	tests []string // names of its test files
	*doc.Package
	fset *token.FileSet
}

// notImported are the folders of the reference application, and of what measures and
// drives it.
var notImported = []string{"bench", "domain", "lambdas", "migrations", "readmodels", "scenario", "stacks", "tables"}

// listed is a package as the go command lists it.
type listed struct {
	Dir, ImportPath, Name              string
	Module                             struct{ Path string }
	GoFiles, TestGoFiles, XTestGoFiles []string
}

// path is the import path below the module.
func (p listed) path() string {
	return strings.TrimPrefix(strings.TrimPrefix(p.ImportPath, p.Module.Path), "/")
}

func packages(t *testing.T) []listed {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=Dir,ImportPath,Name,Module,GoFiles,TestGoFiles,XTestGoFiles", "./...")
	cmd.Dir = root
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, &stderr)
	}
	var all []listed
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listed
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
	if len(all) < 50 {
		t.Fatalf("found only %d packages", len(all))
	}
	return all
}

func libraries(t *testing.T) []library {
	t.Helper()
	var all []library
	for _, p := range packages(t) {
		parts := strings.Split(p.path(), "/")
		if p.Name == "main" || slices.Contains(parts, "internal") || slices.Contains(notImported, parts[0]) {
			continue
		}
		lib := library{path: p.path(), tests: slices.Concat(p.TestGoFiles, p.XTestGoFiles), fset: token.NewFileSet()}
		var files []*ast.File
		for _, name := range slices.Concat(p.GoFiles, p.TestGoFiles, p.XTestGoFiles) {
			f, err := parser.ParseFile(lib.fset, filepath.Join(p.Dir, name), nil, parser.ParseComments)
			if err != nil {
				t.Fatal(err)
			}
			files = append(files, f)
		}
		var err error
		if lib.Package, err = doc.NewFromFiles(lib.fset, files, p.ImportPath); err != nil {
			t.Fatal(err)
		}
		all = append(all, lib)
	}
	if len(all) < 20 {
		t.Fatalf("found only %d packages", len(all))
	}
	return all
}

// Every package says what it is for in its doc.go, where a reader looks.
func TestDocGo(t *testing.T) {
	for _, p := range packages(t) {
		if p.Name != "main" && len(p.GoFiles) > 0 && !slices.Contains(p.GoFiles, "doc.go") {
			t.Errorf("%s: there is no doc.go", p.path())
		}
	}
}

// notAlone are packages that nobody imports by themselves: the services that package
// local is made of, and what the framework's own functions are.
func notAlone(path string) bool {
	return strings.HasPrefix(path, "local/") && path != "local/localtest" || path == "eventlog/relay" || path == "eventlog/timers"
}

// Every package that a user imports shows its main use in an example that runs. What
// takes a testing.TB is shown by tests, in a file example_test.go.
func TestExamples(t *testing.T) {
	checked := 0
	for _, lib := range libraries(t) {
		if notAlone(lib.path) {
			continue
		}
		checked++
		runs := slices.ContainsFunc(examplesOf(lib), func(e *doc.Example) bool { return e.Output != "" })
		byTest := strings.HasSuffix(lib.path, "test") && slices.Contains(lib.tests, "example_test.go")
		if lib.path == "httpfunc" { // all it has is Start, which only Lambda can run
			runs = len(examplesOf(lib)) > 0
		}
		if !runs && !byTest {
			t.Errorf("%s has no example with an output", lib.path)
		}
	}
	if checked < 15 {
		t.Errorf("only %d packages were checked", checked)
	}
}

// examplesOf are those of the package and of all its symbols.
func examplesOf(lib library) []*doc.Example {
	all := slices.Clone(lib.Examples)
	for _, f := range lib.Funcs {
		all = append(all, f.Examples...)
	}
	for _, typ := range lib.Types {
		all = append(all, typ.Examples...)
		for _, f := range slices.Concat(typ.Funcs, typ.Methods) {
			all = append(all, f.Examples...)
		}
	}
	return all
}

// complaints collects what is wrong with the comments of one package.
type complaints struct {
	library
	found []string
}

func (c *complaints) add(at token.Pos, format string, args ...any) {
	p := c.fset.Position(at)
	c.found = append(c.found, fmt.Sprintf("%s/%s:%d: %s", c.path, filepath.Base(p.Filename), p.Line, fmt.Sprintf(format, args...)))
}

// Every exported symbol says what it is, in a comment that begins with its name.
func TestExportedIsDocumented(t *testing.T) {
	for _, lib := range libraries(t) {
		c := &complaints{library: lib}
		c.packageComment()
		c.values(lib.Consts, lib.Vars)
		c.funcs("", lib.Funcs)
		for _, typ := range lib.Types {
			c.comment(typ.Decl.Pos(), typ.Name, typ.Doc)
			c.values(typ.Consts, typ.Vars)
			c.funcs("", typ.Funcs)
			c.funcs(typ.Name+".", typ.Methods)
			c.members(typ)
		}
		for _, text := range c.found {
			t.Error(text)
		}
	}
}

func (c *complaints) packageComment() {
	if !strings.HasPrefix(c.Doc, "Package "+c.Name+" ") {
		c.found = append(c.found, fmt.Sprintf("%s: the package comment does not begin with %q", c.path, "Package "+c.Name))
	}
}

// comment wants a comment that begins with the name, maybe behind an article.
func (c *complaints) comment(at token.Pos, name, text string) {
	short := name[strings.LastIndex(name, ".")+1:]
	switch begins := regexp.MustCompile(`^(?:(?:A|An|The) )?` + regexp.QuoteMeta(short) + `\b`); {
	case text == "":
		c.add(at, "%s has no comment", name)
	case !begins.MatchString(text) && !strings.HasPrefix(text, "Deprecated:"):
		c.add(at, "the comment of %s does not begin with its name: %q", name, firstLine(text))
	}
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line
}

// speaks are methods whose whole meaning is the interface that has them.
var speaks = []string{"Error", "Unwrap"}

func (c *complaints) funcs(of string, funcs []*doc.Func) {
	for _, f := range funcs {
		if f.Doc == "" && of != "" && slices.Contains(speaks, f.Name) {
			continue
		}
		c.comment(f.Decl.Pos(), of+f.Name, f.Doc)
	}
}

// values wants a comment for each constant and variable, or for the group that they
// stand in.
func (c *complaints) values(lists ...[]*doc.Value) {
	for _, v := range slices.Concat(lists...) {
		if v.Doc != "" {
			if !v.Decl.Lparen.IsValid() && len(v.Names) == 1 {
				c.comment(v.Decl.Pos(), v.Names[0], v.Doc)
			}
			continue
		}
		for _, s := range v.Decl.Specs {
			spec := s.(*ast.ValueSpec)
			if spec.Doc == nil && spec.Comment == nil && slices.ContainsFunc(spec.Names, (*ast.Ident).IsExported) {
				c.add(spec.Pos(), "%s has no comment", spec.Names[0].Name)
			}
		}
	}
}

// settings are the structs that a user fills in: each field has a comment.
var settings = regexp.MustCompile(`(?:Props|Options|Settings|Config)$`)

func (c *complaints) members(typ *doc.Type) {
	for _, s := range typ.Decl.Specs {
		spec := s.(*ast.TypeSpec)
		switch of := spec.Type.(type) {
		case *ast.StructType:
			if settings.MatchString(typ.Name) {
				c.fields(typ.Name, typ.Doc, of.Fields)
			}
		case *ast.InterfaceType:
			c.fields(typ.Name, "", of.Methods)
		}
	}
}

// fields wants a comment for each field and method. The type's own may speak for it, and
// that of one above it, when they name it.
func (c *complaints) fields(of, typeSaid string, list *ast.FieldList) {
	said := typeSaid
	names := func(name string) bool { return regexp.MustCompile(`\b` + name + `\b`).MatchString(said) }
	for _, f := range list.List {
		for _, name := range f.Names {
			if !name.IsExported() {
				continue
			}
			text := f.Doc.Text() + f.Comment.Text()
			if text != "" {
				said = typeSaid + text
			} else if !names(name.Name) {
				c.add(f.Pos(), "%s.%s has no comment", of, name.Name)
			}
		}
	}
}
