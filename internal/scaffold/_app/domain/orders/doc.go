// Package orders is the order context: placing an order and what follows from it.
//
// It names no AWS package: with orm/ormtest and bus/bustest all of it is tested
// with nothing running.
package orders
