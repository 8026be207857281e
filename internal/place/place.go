package place

import (
	"path"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
)

// Caller is the file:line of whoever called the function that calls Caller. The
// file is relative to its module, so that a message, and whatever is generated
// from a definition, is the same on every machine. The compiler's own path is no
// help there: without -trimpath it is absolute. It is empty when it is not known.
func Caller() string {
	pc, file, line, ok := runtime.Caller(2)
	if !ok {
		return ""
	}
	base := filepath.Base(file)
	dir := ""
	if f := runtime.FuncForPC(pc); f != nil {
		main := ""
		if info, ok := debug.ReadBuildInfo(); ok {
			main = info.Main.Path
		}
		dir = folder(f.Name(), strings.HasSuffix(base, "_test.go"), main)
	}
	return path.Join(dir, base) + ":" + strconv.Itoa(line)
}

// folder is the folder of the package that a function is in, relative to the
// main module; of another module's package it is the whole import path. function
// is the runtime's name, such as example.com/app/domain/users.init.0.
func folder(function string, test bool, mainModule string) string {
	slash := strings.LastIndexByte(function, '/') + 1
	dot := strings.IndexByte(function[slash:], '.')
	if dot < 0 {
		return ""
	}
	pkg := function[:slash+dot]
	if pkg == "main" {
		return "" // a main package's functions do not carry its path
	}
	if test {
		pkg = strings.TrimSuffix(pkg, "_test")
	}
	switch {
	case mainModule == "":
		return pkg
	case pkg == mainModule:
		return ""
	}
	return strings.TrimPrefix(pkg, mainModule+"/")
}
