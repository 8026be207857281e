package event

import (
	"path"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
)

// callerPlace is the file:line of the caller that skip says, counted as
// runtime.Caller does from here. The file is given relative to the module, so
// that a message, and whatever is generated from a definition, is the same on
// every machine. The compiler's own path is no help there: without -trimpath it
// is absolute.
func callerPlace(skip int) string {
	pc, file, line, ok := runtime.Caller(skip)
	if !ok {
		return ""
	}
	name := filepath.Base(file)
	dir := ""
	if f := runtime.FuncForPC(pc); f != nil {
		dir = packageDir(f.Name(), name)
	}
	return path.Join(dir, name) + ":" + strconv.Itoa(line)
}

// packageDir makes the folder of a package, relative to its module, from the
// name of one of its functions: example.com/app/domain/users.init.0.
func packageDir(function, file string) string {
	slash := strings.LastIndexByte(function, '/')
	dot := strings.IndexByte(function[slash+1:], '.')
	if dot < 0 {
		return ""
	}
	pkg := function[:slash+1+dot]
	if pkg == "main" {
		return "" // a main package's functions do not carry its path
	}
	if strings.HasSuffix(file, "_test.go") {
		pkg = strings.TrimSuffix(pkg, "_test")
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return pkg
	}
	if rest, ok := strings.CutPrefix(pkg, info.Main.Path+"/"); ok && info.Main.Path != "" {
		return rest
	}
	if pkg == info.Main.Path {
		return ""
	}
	return pkg
}
