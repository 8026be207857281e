// Package privilege says when a statement of an IAM policy allows too much.
//
// There is one list of the actions that may be allowed on every resource, with the
// reason of each. The rules that every synthesis runs read it, and so do the tests
// that read the roles of a whole application.
package privilege
