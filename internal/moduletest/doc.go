// Package moduletest gives tests a copy of this module's sources that they may
// edit, as a user would.
package moduletest
