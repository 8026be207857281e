// Package till is the domain of application till: it rings for each order of shop, and
// counts how often it rang.
package till
