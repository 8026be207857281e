// Package plan is what an application recorded, before anything is made of it:
// tables, events, handlers, APIs and stacks as plain values, and every check
// that can be made of them.
//
// It knows nothing of the CDK. A check costs microseconds and needs no Node, so
// that all mistakes of all definitions are found together, before the first
// construct is made. [Plan.Check] returns them as [Problems].
package plan
