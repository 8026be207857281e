package orm

import (
	"path"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
)

// callerPlace is file:line of whoever called the function that calls it, with
// the file relative to the module, so that a message is the same on every
// machine. The compiler's own path is absolute without -trimpath.
func callerPlace() string {
	pc, file, line, ok := runtime.Caller(2)
	if !ok {
		return "unknown place"
	}
	dir := ""
	if f := runtime.FuncForPC(pc); f != nil {
		dir = packageFolder(f.Name())
	}
	return path.Join(dir, filepath.Base(file)) + ":" + strconv.Itoa(line)
}

// packageFolder is the folder of a function's package, relative to the main
// module; the whole import path for a package of another module, nothing for
// package main, whose functions do not carry their path.
func packageFolder(function string) string {
	slash := strings.LastIndexByte(function, '/') + 1
	dot := strings.IndexByte(function[slash:], '.')
	if dot < 0 {
		return ""
	}
	pkg := strings.TrimSuffix(function[:slash+dot], "_test")
	if pkg == "main" {
		return ""
	}
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Path == "" {
		return pkg
	}
	if pkg == info.Main.Path {
		return ""
	}
	return strings.TrimPrefix(pkg, info.Main.Path+"/")
}
