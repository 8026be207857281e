package ormtest

import (
	"os/exec"
	"syscall"
)

// dieWithParent ends the child when the test dies without ending it.
func dieWithParent(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
