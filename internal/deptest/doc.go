// Package deptest holds no code: its test checks who imports whom.
package deptest
