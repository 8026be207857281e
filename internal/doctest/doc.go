// Package doctest holds no code: its test holds the README and docs/ against the
// Makefile, the vinci tool and the files they name. That the steps of
// the README and of start.md work is shown where they are followed, in cmd/vinci.
package doctest
