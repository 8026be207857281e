package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/vinci-go/vinci/local"
)

// session is where a running `vinci dev` is reached, for the other commands. Its
// keys are made anew at each start.
type session struct {
	PID             int    `json:"pid"`
	Endpoint        string `json:"endpoint"`
	Region          string `json:"region"`
	AccessKeyID     string `json:"access_key_id"`
	SecretAccessKey string `json:"secret_access_key"`
}

func sessionFile(dir string) string { return filepath.Join(dir, ".vinci", "dev.json") }

// writeSession tells the other commands of a runtime. The file is the owner's
// alone: it holds keys, if only to this machine's tables.
func writeSession(dir string, rt *local.Runtime) error {
	owner := rt.Owner()
	b, err := json.MarshalIndent(session{PID: os.Getpid(), Endpoint: rt.Endpoint(), Region: owner.Region,
		AccessKeyID: owner.AccessKeyID, SecretAccessKey: owner.SecretAccessKey}, "", "\t")
	if err != nil {
		return fmt.Errorf("encode the session: %w", err)
	}
	// A file of another mode would keep it.
	if err := os.Remove(sessionFile(dir)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("replace the session's file: %w", err)
	}
	if err := os.WriteFile(sessionFile(dir), b, 0o600); err != nil {
		return fmt.Errorf("tell other commands where the runtime is: %w", err)
	}
	return nil
}

// removeSession takes back what writeSession wrote, unless another process has
// written since.
func removeSession(dir string) error {
	s, err := readSession(dir)
	if err != nil || s == nil || s.PID != os.Getpid() {
		return err
	}
	return os.Remove(sessionFile(dir))
}

// readSession finds the `vinci dev` that runs in dir; nil when none does, also
// when one was killed.
func readSession(dir string) (*session, error) {
	b, err := os.ReadFile(sessionFile(dir))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("find the running vinci dev: %w", err)
	}
	var s session
	if err := json.Unmarshal(b, &s); err != nil {
		return nil, fmt.Errorf("find the running vinci dev: %s: %w: delete the file", sessionFile(dir), err)
	}
	if s.PID <= 0 || errors.Is(syscall.Kill(s.PID, 0), syscall.ESRCH) {
		return nil, nil
	}
	return &s, nil
}
