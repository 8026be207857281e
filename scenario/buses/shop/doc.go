// Package shop defines the events of application shop, as its own domain package would.
package shop
