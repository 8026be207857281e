// Package gatewaytest signs requests for tests of services behind the gateway, where
// no SDK client makes them.
package gatewaytest
