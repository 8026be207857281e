// Package scaffold writes a new application: what `vinci new` makes.
//
// The application is the folder _app, as files. The go command does not look into a
// folder of such a name, so the template is a module of its own that still can be
// embedded; only its go.mod has another name, because a folder with a go.mod cannot.
// It is called app-name, its module example.com/app-name, and both are replaced in
// every file as they are written. That what is written builds, tests, synthesizes and
// runs is shown in cmd/vinci, which follows docs/start.md.
package scaffold
