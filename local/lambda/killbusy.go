package lambda

import (
	"cmp"
	"slices"
)

// KillBusy is [Service.KillOne] for the environments of one function that have an
// invocation: one of those that may be making a call just now. It reports whether
// it killed one.
func (s *Service) KillBusy(function string, pick func(n int) int) bool {
	s.mu.RLock()
	f := s.functions[function]
	s.mu.RUnlock()
	if f == nil {
		return false
	}
	var all []*environment
	f.mu.Lock()
	for _, v := range append(slices.Clone(f.old), f.version) {
		if v == nil {
			continue
		}
		for e := range v.envs {
			if e.phase == busy {
				all = append(all, e)
			}
		}
	}
	f.mu.Unlock()
	if len(all) == 0 {
		return false
	}
	slices.SortFunc(all, func(a, b *environment) int {
		return cmp.Compare(a.proc.cmd.Process.Pid, b.proc.cmd.Process.Pid)
	})
	i := pick(len(all))
	return i >= 0 && i < len(all) && all[i].proc.kill()
}
