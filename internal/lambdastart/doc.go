// Package lambdastart is what a function's start and end have in common, whichever
// package runs it.
package lambdastart
