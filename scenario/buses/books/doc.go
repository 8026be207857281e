// Package books is the domain of application books, which has no events of its own. It
// declares those of the others by itself, as an application of another team would.
package books
