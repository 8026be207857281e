package bus

import (
	"path"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
)

// callerPlace is the file:line of the caller that skip says, counted as
// runtime.Caller does from here. The file is relative to its module, made from
// the name of the function: the compiler's own path is another on every machine.
func callerPlace(skip int) string {
	pc, file, line, ok := runtime.Caller(skip)
	if !ok {
		return ""
	}
	base := filepath.Base(file)
	dir := ""
	if f := runtime.FuncForPC(pc); f != nil {
		dir = folderOf(f.Name(), strings.HasSuffix(base, "_test.go"))
	}
	return path.Join(dir, base) + ":" + strconv.Itoa(line)
}

// folderOf is the folder, in its module, of the package that a function is in.
func folderOf(function string, test bool) string {
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
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Path == "" {
		return pkg
	}
	if pkg == info.Main.Path {
		return ""
	}
	return strings.TrimPrefix(pkg, info.Main.Path+"/")
}
