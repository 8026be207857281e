// Package peers measures the framework beside libraries that do a part of the
// same, in one run and with the same data. It is a module of its own, so that
// nobody who uses the framework depends on them:
//
//	cd bench/peers && go test -bench . -benchmem
//
// Each benchmark has a case for us and one for the peer. What each does more than
// the other is said there: read the figures with it.
package peers
