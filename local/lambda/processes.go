package lambda

import "slices"

// Processes are the process ids of the environments that a function has at the
// moment, sorted; none for a function that is not there. It is for tests and
// tools that look at a function from outside, or end it.
func (s *Service) Processes(function string) []int {
	s.mu.RLock()
	f := s.functions[function]
	s.mu.RUnlock()
	if f == nil {
		return nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	var pids []int
	for _, v := range append(slices.Clone(f.old), f.version) {
		if v == nil {
			continue
		}
		for e := range v.envs {
			select {
			case <-e.launched:
				if e.phase != gone {
					pids = append(pids, e.proc.cmd.Process.Pid)
				}
			default: // about to start
			}
		}
	}
	slices.Sort(pids)
	return pids
}
