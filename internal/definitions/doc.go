// Package definitions is the file in which an application tells a tool what it
// consists of: its tables, events, subscriptions and settings, and what is defined about
// them.
//
// A tool cannot load an application's Go values. It runs the application, as the
// CDK does, with [Env] naming a file; the application's Synth then writes the file
// and ends, without compiling functions and without the CDK.
package definitions
