// Package orders is the order context: orders that are placed, paid, confirmed and
// fulfilled, or cancelled, and all that follows from it.
//
// An order is event-sourced. Its state is nothing but the events of its stream
// (order.go); the service loads it, decides and commits (service.go). Six reactions
// to an order that was placed are independent of each other and of the response:
// one file each. Read models (summary.go, dashboard.go) are made from events alone and
// answer every query (queries.go). A process with a time-out (process.go) cancels what
// is not paid.
//
// Everything belongs to a tenant, and the tenant is part of every key: what belongs
// to another is not found, because it is not where one looks.
//
// The package names no AWS package: with orm/ormtest and bus/bustest all of it is
// tested with nothing running.
package orders
