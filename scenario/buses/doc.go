// Package buses tries out several applications and their buses: shop publishes on a bus
// of its own, till publishes and consumes on that same bus, and books only consumes.
// The tests run till and books, as real programs against the local runtime, and put on
// shop's bus what shop's relay would.
package buses
