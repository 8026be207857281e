// Package doctest holds no code: its test holds the README and docs/ against the
// Makefile, the vinci tool and the files they name. That the README's steps work
// is shown where they are followed, in cmd/vinci.
package doctest
