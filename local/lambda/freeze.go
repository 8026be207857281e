package lambda

import "syscall"

// freeze stops an idle environment's process group, as AWS freezes an environment
// whose runtime waits for work (lambda-runtime-environment in the developer guide):
// what a function left running makes no progress before the next invocation. Two
// things follow that a function meets on AWS, too: its clock jumps, and connections
// that it kept open may be gone. A child that left the process group goes on.
//
// A stopped process dies of SIGKILL, and with this one, as a running one does; only
// SIGTERM waits until it is thawed. fn.mu is held.
func (e *environment) freeze() {
	e.frozen = true
	e.proc.signal(syscall.SIGSTOP)
}

// thaw lets a frozen process go on. fn.mu is held.
func (e *environment) thaw() {
	if e.frozen {
		e.frozen = false
		e.proc.signal(syscall.SIGCONT)
	}
}
