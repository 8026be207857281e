package plan

import (
	"cmp"
	"errors"
	"fmt"
	"go/build"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/vinci-go/vinci/internal/names"
)

// The names of the framework's own functions. A hyphen is not allowed in the name
// of a function folder, so they cannot meet one.
const (
	RelayName  = "vinci-relay"
	TimersName = "vinci-timers"
)

// Binary is a program to be built: one function's code.
type Binary struct {
	Name    string // the last part of its path
	Package string // as go build takes it
	Folder  string // empty for the framework's own
	Owner   string // who needs it, for messages
	At      string
}

// Binaries returns the programs that can be built, sorted by name: the
// functions whose folders are sound, and the framework's own.
func (p *Plan) Binaries() []Binary {
	var all []Binary
	seen := map[string]bool{}
	for _, b := range p.functions() {
		if seen[b.Name] || badFolder(p.Dir, b) != nil {
			continue
		}
		seen[b.Name] = true
		all = append(all, b)
	}
	if p.EventBus {
		all = append(all, Binary{Name: RelayName, Package: p.Relay, Owner: "the framework's relay"},
			Binary{Name: TimersName, Package: p.Timers, Owner: "the framework's timers"})
	}
	slices.SortFunc(all, func(a, b Binary) int { return cmp.Compare(a.Name, b.Name) })
	return all
}

// functions lists every use of a function folder, in the order of recording.
func (p *Plan) functions() []Binary {
	var all []Binary
	use := func(folder, owner, at string) {
		all = append(all, Binary{Name: path.Base(folder), Package: "./" + folder, Folder: folder, Owner: owner, At: at})
	}
	for _, h := range p.Handlers {
		if h.Subscription != nil {
			use(h.Function.Folder, fmt.Sprintf("subscription %q", h.Subscription.Name), h.At)
		}
	}
	for _, h := range p.Captures {
		if h.Definition != nil {
			use(h.Function.Folder, fmt.Sprintf("%s %q", captureSubject, h.Definition.Name), h.At)
		}
	}
	for _, a := range p.APIs {
		use(a.Function.Folder, fmt.Sprintf("API %q", a.Name), a.At)
	}
	for _, s := range p.Stacks {
		for _, folder := range s.Functions {
			use(folder, fmt.Sprintf("stack %q", s.Name), s.At)
		}
	}
	return all
}

// checkFunctions checks the folders, and that each has a name of its own: go
// build with a folder for its output silently keeps one of two programs of one
// name.
func (c *checker) checkFunctions() {
	first := map[string]Binary{}
	for _, b := range c.functions() {
		if p := badFolder(c.Dir, b); p != nil {
			p.What = fmt.Sprintf("%s: %s", b.Owner, p.What)
			p.Where = b.At
			c.add(*p)
			continue
		}
		other, ok := first[b.Name]
		switch {
		case !ok:
			first[b.Name] = b
		case other.Folder != b.Folder:
			c.add(Problem{
				What:    fmt.Sprintf("function %q: the folders %s (%s) and %s (%s) have the same name", b.Name, other.Folder, other.Owner, b.Folder, b.Owner),
				Where:   both(other.At, b.At),
				Allowed: "one function a folder name",
				Mend:    "rename one of the folders",
			})
		case other.Owner != b.Owner:
			c.add(Problem{
				What:    fmt.Sprintf("function %q: folder %s is used by %s and by %s", b.Name, b.Folder, other.Owner, b.Owner),
				Where:   both(other.At, b.At),
				Allowed: "one function a subscription, table handler, API or stack: each has a role of its own",
				Mend:    "make a second folder with a main.go that wires the same code",
			})
		}
	}
}

const allowedFolder = "the folder of a Go main package below the module root, such as lambdas/send_welcome"

// badFolder reports what is wrong with a function's folder, nil when it holds a
// main package. It reads package clauses only: the compiler finds the rest.
func badFolder(dir string, b Binary) *Problem {
	folder := b.Folder
	problem := func(mend, format string, args ...any) *Problem {
		return &Problem{What: fmt.Sprintf(format, args...), Allowed: allowedFolder, Mend: mend}
	}
	if folder == "" {
		return problem("name the function's folder in Function", "no function folder is named")
	}
	if !filepath.IsLocal(filepath.FromSlash(folder)) || path.Clean(folder) != folder || folder == "." || strings.Contains(folder, `\`) {
		return problem("write the path from the module root, with slashes", "function folder %q is not a plain path below the module root", folder)
	}
	if err := names.Check(b.Name); err != nil {
		return &Problem{What: fmt.Sprintf("function folder %s: %v", folder, err), Mend: "rename the folder"}
	}
	abs := filepath.Join(dir, filepath.FromSlash(folder))
	info, err := os.Stat(abs)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return problem("make the folder with a main.go in it, or correct the path", "function folder %s does not exist", folder)
	case err != nil:
		return problem("", "function folder %s: %v", folder, err)
	case !info.IsDir():
		return problem("name the folder that holds the file", "function folder %s is a file", folder)
	}
	target := build.Default
	target.GOOS, target.CgoEnabled = "linux", false
	pkg, err := target.ImportDir(abs, 0)
	var none *build.NoGoError
	switch {
	case errors.As(err, &none):
		return problem("write a main.go there", "function folder %s has no Go file", folder)
	case err != nil:
		return problem("correct the file", "function folder %s: %s", folder, strings.ReplaceAll(err.Error(), dir+string(filepath.Separator), ""))
	case pkg.Name != "main":
		return problem("begin its files with package main", "function folder %s is package %s, not package main", folder, pkg.Name)
	}
	return nil
}
