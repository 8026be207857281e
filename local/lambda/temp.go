package lambda

import (
	"fmt"
	"os"
	"path/filepath"
)

// openTemp makes the folder for temporary files and empties it of what an earlier
// process left that was killed.
func (s *Service) openTemp() error {
	if s.opts.StateDir == "" {
		dir, err := os.MkdirTemp("", "vinci-lambda-")
		if err != nil {
			return fmt.Errorf("lambda: make a folder for temporary files: %w", err)
		}
		s.tmp = dir
		return nil
	}
	dir, err := filepath.Abs(filepath.Join(s.opts.StateDir, "tmp"))
	if err == nil {
		err = os.RemoveAll(dir)
	}
	if err == nil {
		err = os.MkdirAll(dir, 0o700)
	}
	if err != nil {
		return fmt.Errorf("lambda: make a folder for temporary files: %w", err)
	}
	s.tmp = dir
	return nil
}

// makeTemp makes an environment's own folder for temporary files. On AWS each
// environment has a /tmp of its own, which lives as long as it; here TMPDIR, which
// AWS does not set, leads to one. A function that writes to /tmp by that name
// shares the machine's.
func (s *Service) makeTemp() (string, error) { return os.MkdirTemp(s.tmp, "") }

func (s *Service) removeTemp(dir string) {
	if dir == "" {
		return
	}
	if err := os.RemoveAll(dir); err != nil {
		s.logger.Warn("cannot remove a function's temporary files", "folder", dir, "error", err)
	}
}
