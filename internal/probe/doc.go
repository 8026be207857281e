// Package probe finds out what a function such as
//
//	func(u *User) *string { return &u.Address.City }
//
// points at, by calling it with an empty value: a field can so be named in Go,
// checked by the compiler, without reflection by name.
package probe
