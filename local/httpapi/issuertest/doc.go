// Package issuertest is an identity provider for tests of routes that take tokens: a
// real server with real keys on this machine.
package issuertest
