// Package backoff holds the waits of those who try again. Both functions are
// what a program uses; tests put their own in their place.
package backoff
