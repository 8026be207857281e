package eventbridge

import "testing"

// Archived is how many events an archive has, 0 for one that does not exist.
func (s *Service) Archived(name string) int64 {
	if a := s.state.Load().archives[name]; a != nil {
		return a.contents.events.Load()
	}
	return 0
}

// CloseStore makes every write fail from now on.
func (s *Service) CloseStore() { _ = s.store.close() }

// Waiting is how many deliveries are on the disk.
func (s *Service) Waiting(t *testing.T) (n int) {
	t.Helper()
	if err := s.store.scan(waiting, nil, nil, func(_, _ []byte) (bool, error) { n++; return true, nil }); err != nil {
		t.Fatal(err)
	}
	return n
}
