// Package declare says which declaration in an application gives a function's role
// a permission that it lacks. It is the one place in the local runtime that knows
// how Vinci's constructs turn declarations into statements: the table in table.go.
// A test in package constructs compares the table with what constructs grant.
//
// It knows of resources by their computed names only, and of functions by what the
// assembly shows. For functions that Vinci's constructs did not make it has
// nothing to say.
package declare
