package lambda

import (
	"syscall"
	"time"
)

// freezeAfter is how long an environment waits for work before it is frozen. AWS's
// takes its time, too. An invocation of a frozen process takes some 0.2 ms longer:
// a function that gets one invocation after the other does not pay for it.
const freezeAfter = time.Millisecond

// freeze stops the process group of an environment that is idle, as AWS freezes an
// environment whose runtime waits for work (lambda-runtime-environment in the
// developer guide): what a function left running makes no progress before the next
// invocation. Two things follow that a function meets on AWS, too: its clock jumps,
// and connections that it kept open may be gone. A child that left the process group
// goes on.
//
// A stopped process dies of SIGKILL, and with this one, as a running one does; only
// SIGTERM waits until it is thawed.
func (e *environment) freeze() {
	e.fn.mu.Lock()
	defer e.fn.mu.Unlock()
	if e.phase == idle && !e.frozen {
		e.frozen = true
		e.proc.signal(syscall.SIGSTOP)
	}
}

// thaw lets a frozen process go on. fn.mu is held.
func (e *environment) thaw() {
	if e.frozen {
		e.frozen = false
		e.proc.signal(syscall.SIGCONT)
	}
}
