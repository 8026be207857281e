// Package users is the user context: registration, activation and what follows
// from them.
//
// It holds the events it owns (events.go), who reacts to them (subscriptions.go),
// the service that decides (service.go) and the routes that reach it
// (routes.go). It names no AWS package: with orm/ormtest and bus/bustest all of
// it is tested with nothing running.
package users
