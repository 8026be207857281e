// Package capturing is what packages bus and capture say to each other: a change of
// a table is recorded, limited, retried and given up as an event is, and nobody else
// needs to see how.
package capturing
