// Package jsonfields says which members encoding/json makes of a struct: their
// names, their order and when they are left out. encoding/json keeps that to
// itself; whoever describes the JSON without making it needs it.
package jsonfields
