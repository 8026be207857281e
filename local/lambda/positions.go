package lambda

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// positions keeps how far a stream mapping has come, in a file of its own.
//
// A file is replaced by renaming, so that after SIGKILL it holds the old
// position or the new one. It is not synced: after a power cut it may be older,
// or unreadable and then counts as the stream's beginning. Both repeat records,
// which delivery at least once allows; neither loses one.
type positions struct {
	dir    string // "": nothing is kept
	id     string
	source string // a position of another stream is worth nothing
}

type keptPosition struct {
	Source   string `json:"source"`
	Position string `json:"position"`
}

func (p positions) file() string {
	// Ids are free text; hex is a file name on every system.
	return filepath.Join(p.dir, "positions", hex.EncodeToString([]byte(p.id))+".json")
}

// load returns the kept position. found is false when there is none.
func (p positions) load() (position string, found bool, err error) {
	if p.dir == "" {
		return "", false, nil
	}
	b, err := os.ReadFile(p.file())
	if errors.Is(err, fs.ErrNotExist) {
		return "", false, nil
	}
	if err != nil {
		return "", false, fmt.Errorf("read the position of mapping %s: %w", p.id, err)
	}
	var kept keptPosition
	if err := json.Unmarshal(b, &kept); err != nil {
		return "", true, fmt.Errorf("read the position of mapping %s in %s: %w", p.id, p.file(), err)
	}
	if kept.Source != p.source {
		return "", false, nil
	}
	return kept.Position, true, nil
}

func (p positions) save(position string) error {
	if p.dir == "" {
		return nil
	}
	b, err := json.Marshal(keptPosition{p.source, position})
	if err != nil {
		return err
	}
	file := p.file()
	err = os.WriteFile(file+".new", b, 0o600)
	if errors.Is(err, fs.ErrNotExist) {
		if err = os.MkdirAll(filepath.Dir(file), 0o700); err == nil {
			err = os.WriteFile(file+".new", b, 0o600)
		}
	}
	if err == nil {
		err = os.Rename(file+".new", file)
	}
	if err != nil {
		return fmt.Errorf("keep the position of mapping %s: %w", p.id, err)
	}
	return nil
}
