package domain

// Application is the application's name: the source of its events and the first
// part of every physical name.
const Application = "user-system"
