package scaffold

import (
	"runtime/debug"

	"golang.org/x/mod/semver"
)

// Version is the version of the framework that a program was built with, when it is
// one that others can get: a release, or a commit. It is "" for a program that was
// built from a checkout, with changes or without: nobody else may have those.
func Version(info *debug.BuildInfo) string {
	modules := append([]*debug.Module{&info.Main}, info.Deps...)
	for _, m := range modules {
		if m.Path != Framework {
			continue
		}
		if m.Replace != nil || !semver.IsValid(m.Version) || semver.Build(m.Version) != "" || m.Sum == "" {
			return ""
		}
		return m.Version
	}
	return ""
}
