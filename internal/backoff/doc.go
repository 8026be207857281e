// Package backoff holds the waits of those who try again. Its functions are
// what a program uses; tests put their own in their place.
package backoff
