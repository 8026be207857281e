// Package listeners says which process listens on a TCP port of this machine, so
// that "address in use" can name a culprit. It knows Linux; elsewhere, and for the
// processes of other users, it knows nothing.
package listeners
