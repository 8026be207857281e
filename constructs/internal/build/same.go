package build

import (
	"bytes"
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// sameProgram reports whether two files are the same program. Reading sixteen
// functions twice would take longer than all else that a build does when nothing
// changed, so it asks their build ids: the go command writes into each program a
// hash of its content, and compares nothing else either. A target that is no program is
// not the same; a program without a build id is compared byte by byte.
//
// https://pkg.go.dev/cmd/internal/buildid
func sameProgram(program, target string) (bool, error) {
	a, err := os.Open(program)
	if err != nil {
		return false, err
	}
	defer a.Close()
	b, err := os.Open(target)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer b.Close()
	infoA, err := a.Stat()
	if err != nil {
		return false, err
	}
	infoB, err := b.Stat()
	if err != nil {
		return false, err
	}
	if infoA.Size() != infoB.Size() {
		return false, nil
	}
	idA, err := buildID(a)
	if err != nil {
		return false, fmt.Errorf("read the build id of %s: %w", program, err)
	}
	idB, err := buildID(b)
	if err != nil || len(idA) == 0 || len(idB) == 0 {
		return sameBytes(a, b)
	}
	return bytes.Equal(idA, idB), nil
}

// buildID is the note that holds a program's build id; nil when it has none.
func buildID(r io.ReaderAt) ([]byte, error) {
	f, err := elf.NewFile(r)
	if err != nil {
		return nil, err
	}
	section := f.Section(".note.go.buildid")
	if section == nil {
		return nil, nil
	}
	return section.Data()
}

func sameBytes(a, b io.ReaderAt) (bool, error) {
	const all = 1 << 62
	contentA, err := io.ReadAll(io.NewSectionReader(a, 0, all))
	if err != nil {
		return false, err
	}
	contentB, err := io.ReadAll(io.NewSectionReader(b, 0, all))
	return bytes.Equal(contentA, contentB), err
}
