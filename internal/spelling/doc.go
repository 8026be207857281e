// Package spelling finds out what was meant by a name that is mistyped.
package spelling
