// Package domain holds what all contexts of the application share: its name.
package domain
