// Package workflows holds no code: its tests hold .github to actionlint and to rules
// that it does not know, and run the command of every step on this machine, with
// programs in place of cdk, aws and gh.
package workflows
