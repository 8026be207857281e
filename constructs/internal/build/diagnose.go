package build

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// Failure is one package that does not build.
type Failure struct {
	Package  string   // its import path
	Programs []string // names of the programs that need it, sorted
	Output   string   // what the compiler or the go command said
}

// Error is every package that did not build.
type Error struct{ Failures []Failure }

func (e *Error) Error() string {
	var b strings.Builder
	for i, f := range e.Failures {
		if i > 0 {
			b.WriteByte('\n')
		}
		fmt.Fprintf(&b, "package %s does not build (needed by %s):\n%s", f.Package, strings.Join(f.Programs, ", "), f.Output)
	}
	return b.String()
}

// listed is what go list says of one package.
type listed struct {
	ImportPath string
	Match      []string
	Deps       []string
	Error      *listError
	DepsErrors []*listError
}

type listError struct {
	ImportStack []string
	Pos         string
	Err         string
}

// diagnose finds out which packages are broken and which programs need them. A
// package that cannot be loaded (an import that is not there) keeps go build
// from compiling anything at all; the programs that do load are then built by
// themselves, so that their mistakes are told in the same run.
func (r Request) diagnose(ctx context.Context, output string) error {
	packages, err := r.list(ctx)
	if err != nil {
		return fmt.Errorf("build functions: %w\n%s", err, strings.TrimSpace(output))
	}
	failures := map[string]*Failure{}
	add := func(pkg, text string, programs ...string) {
		f := failures[pkg]
		if f == nil {
			f = &Failure{Package: pkg}
			failures[pkg] = f
		}
		f.Programs = append(f.Programs, programs...)
		if text = strings.TrimSpace(text); text != "" && !strings.Contains(f.Output, text) {
			f.Output = strings.TrimPrefix(f.Output+"\n"+text, "\n")
		}
	}

	var sound []Program
	for _, p := range r.Programs {
		l, ok := packages[p.Package]
		if !ok {
			add(p.Package, "go list does not know this package", p.Name)
			continue
		}
		errs := l.DepsErrors
		if l.Error != nil {
			errs = append([]*listError{l.Error}, errs...)
		}
		if len(errs) == 0 {
			sound = append(sound, p)
			continue
		}
		for _, e := range errs {
			pkg := l.ImportPath
			if n := len(e.ImportStack); n > 0 {
				pkg = e.ImportStack[n-1] // where the import is written, however deep
			}
			text := e.Err
			if e.Pos != "" {
				text = r.relative(e.Pos) + ": " + e.Err
			}
			add(pkg, text, p.Name)
		}
	}
	if len(sound) > 0 && len(sound) < len(r.Programs) {
		args := []string{"build", "-trimpath", "-buildvcs=false", "-tags", tags, "-ldflags=-s -w", "-o", "/dev/null"}
		for _, p := range sound {
			args = append(args, p.Package)
		}
		_, stderr, _ := r.goTool(ctx, args...) // its failure is what is asked for
		output = string(stderr)
	}
	if len(sound) > 0 {
		for pkg, text := range groups(output) {
			add(pkg, text)
			for _, p := range sound {
				if l := packages[p.Package]; l.ImportPath == pkg || slices.Contains(l.Deps, pkg) {
					add(pkg, "", p.Name)
				}
			}
		}
	}
	if len(failures) == 0 {
		return fmt.Errorf("build functions: go build failed:\n%s", strings.TrimSpace(output))
	}
	result := &Error{}
	for _, f := range failures {
		slices.Sort(f.Programs)
		f.Programs = slices.Compact(f.Programs)
		result.Failures = append(result.Failures, *f)
	}
	slices.SortFunc(result.Failures, func(a, b Failure) int { return strings.Compare(a.Package, b.Package) })
	return result
}

// list asks the go command about every program, by the package as requested.
func (r Request) list(ctx context.Context) (map[string]listed, error) {
	args := []string{"list", "-e", "-tags", tags, "-json=ImportPath,Match,Deps,Error,DepsErrors"}
	for _, p := range r.Programs {
		args = append(args, p.Package)
	}
	stdout, stderr, err := r.goTool(ctx, args...)
	if err != nil {
		return nil, fmt.Errorf("go list: %w: %s", err, bytes.TrimSpace(stderr))
	}
	all := map[string]listed{}
	for d := json.NewDecoder(bytes.NewReader(stdout)); ; {
		var l listed
		if err := d.Decode(&l); errors.Is(err, io.EOF) {
			return all, nil
		} else if err != nil {
			return nil, fmt.Errorf("go list: read its answer: %w", err)
		}
		for _, m := range l.Match {
			all[m] = l
		}
	}
}

// relative takes the folder of this machine out of a position.
func (r Request) relative(pos string) string {
	abs, err := filepath.Abs(r.Dir)
	if err != nil {
		return pos
	}
	return strings.TrimPrefix(pos, abs+string(filepath.Separator))
}

var header = regexp.MustCompile(`(?m)^# (\S+).*$`)

// groups divides the compiler's output by package: go build writes "# package"
// before what it has to say of one.
func groups(output string) map[string]string {
	all := map[string]string{}
	marks := header.FindAllStringSubmatchIndex(output, -1)
	for i, m := range marks {
		end := len(output)
		if i+1 < len(marks) {
			end = marks[i+1][0]
		}
		all[output[m[2]:m[3]]] += strings.TrimLeft(output[m[1]:end], "\n")
	}
	return all
}
