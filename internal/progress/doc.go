// Package progress tells people what a slow step does and how long it took.
//
// A step that is over within two seconds says nothing, so that a warm loop stays
// quiet; a slower one says what it does while it does it, and how long it took
// when it is done.
package progress
