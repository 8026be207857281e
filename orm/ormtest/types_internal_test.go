package ormtest

import (
	"testing"

	"pgregory.net/rapid"
)

// FuzzTypes is the round trip of any item through the memory store.
func FuzzTypes(f *testing.F) {
	table := defineKinds()
	f.Fuzz(rapid.MakeFuzz(func(t *rapid.T) {
		everyWayBack(t, New(), table, drawKinds(t))
	}))
}
