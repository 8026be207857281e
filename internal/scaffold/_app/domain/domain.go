// Package domain holds what all contexts of the application share: its name.
package domain

// Application is the application's name: the source of its events and the first
// part of every physical name. A deployed application cannot change it.
const Application = "app-name"
