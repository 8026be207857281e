// Package bounded runs handlers in the time that a Lambda invocation has, and
// keeps enough of it for recording what became of them.
//
// A goroutine cannot be stopped from outside. So a handler that does not return
// when its context ends is left behind, and whoever left it must see to it that
// the process ends before it takes on more work: see [Runner.Overrunning].
package bounded
