package lambda

import (
	"cmp"
	"slices"
	"syscall"
)

// KillOne ends one environment with SIGKILL, as a machine that fails does: an
// invocation that it has fails with Runtime.ExitError, and the next one gets
// another environment. It is for chaos, and for tests of what a function leaves
// behind.
//
// pick chooses among n environments, idle and busy ones, numbered by function name
// and then by process id; a number that is not 0 to n-1 spares all of them. pick is
// called once, and not when there is none. function is the name of the one whose
// environment was killed. ok is false when nothing was killed, also because the
// process had ended by itself in between.
func (s *Service) KillOne(pick func(n int) int) (function string, ok bool) {
	var all []*environment
	for _, f := range s.allFunctions() {
		f.mu.Lock()
		for _, v := range append(slices.Clone(f.old), f.version) {
			if v == nil {
				continue
			}
			for e := range v.envs { // they have a process: launch puts them in after it started
				if e.phase == idle || e.phase == busy {
					all = append(all, e)
				}
			}
		}
		f.mu.Unlock()
	}
	if len(all) == 0 {
		return "", false
	}
	slices.SortFunc(all, func(a, b *environment) int {
		return cmp.Or(cmp.Compare(a.fn.name, b.fn.name), cmp.Compare(a.proc.cmd.Process.Pid, b.proc.cmd.Process.Pid))
	})
	i := pick(len(all))
	if i < 0 || i >= len(all) {
		return "", false
	}
	e := all[i]
	e.fn.mu.Lock()
	if e.phase == idle { // it must not get an invocation that could go to another one
		e.idleTimer.Stop()
		e.v.removeIdle(e)
		e.phase = ending
	}
	e.fn.mu.Unlock()
	return e.fn.name, e.proc.kill()
}

// allFunctions are the functions there are, and those removed that may run still.
func (s *Service) allFunctions() []*function {
	s.mu.RLock()
	defer s.mu.RUnlock()
	all := slices.Clone(s.draining)
	for name, f := range s.functions {
		if name == f.name { // and not its ARN
			all = append(all, f)
		}
	}
	return all
}

// kill ends the process and its group, and reports whether it was still there.
func (p *process) kill() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.reaped {
		return false
	}
	return syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL) == nil
}
