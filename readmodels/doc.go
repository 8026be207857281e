// Package readmodels says which tables the application's read models have. Each has a
// program in a folder of its own, which `vinci rebuild` and `vinci verify` run.
package readmodels
