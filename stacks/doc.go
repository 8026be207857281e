// Package stacks says how the application's constructs are grouped into
// CloudFormation stacks, and what each deployment has otherwise than others. app.go
// passes [Layout] and [Settings] to the framework.
//
// A stack is what is deployed, rolled back and deleted as one. The framework
// gives each table, the bus, the log and each API a stack of its own; what is
// left to decide is where subscriptions go.
package stacks
