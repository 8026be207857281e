package chaos

import (
	"errors"
	"fmt"
	"os"
	"sync"
)

// LogFile writes each decision as a line of a file, in the order in which they
// were taken. It is safe for concurrent use.
type LogFile struct {
	mu   sync.Mutex
	file *os.File
	err  error // the first
}

// CreateLog makes the file, or empties it.
func CreateLog(path string) (*LogFile, error) {
	f, err := os.Create(path)
	if err != nil {
		return nil, fmt.Errorf("make the log of chaos: %w", err)
	}
	return &LogFile{file: f}, nil
}

// Tell writes a decision; it is what [Options.Log] takes. Close tells what went
// wrong.
func (l *LogFile) Tell(d Decision) {
	l.mu.Lock()
	defer l.mu.Unlock()
	// At once: a killed process leaves what it decided.
	if _, err := fmt.Fprintln(l.file, d); l.err == nil {
		l.err = err
	}
}

// Close closes the file. A decision that comes later is an error nobody sees.
func (l *LogFile) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := errors.Join(l.err, l.file.Close()); err != nil {
		return fmt.Errorf("the log of chaos is not whole: %w", err)
	}
	return nil
}
