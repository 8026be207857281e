package tablelock

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
)

// What mends a file. It holds what was agreed, so the mend is never to write it
// anew from the sources without a word.
const (
	mend = "take it back from git (`git checkout -- " + File + "`), or delete it and run `vinci tables lock`, which then agrees to the tables as they are"

	// Each side of a merge agreed to what could be done alone; together that may be
	// more than one deployment can do.
	mendMerge = "take the side that is deployed (`git checkout --ours " + File + "`, or --theirs), and run `vinci tables lock`: it says what the other side changes, and whether one deployment can do both"
)

// Read reads a lock. A file that is not there is an error that is
// fs.ErrNotExist; one that [Write] could not have written is refused.
func Read(file string) (*Lock, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read the lock of the tables: %w", err)
	}
	l, err := Decode(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return l, nil
}

// Write replaces the file. The same lock is written as the same bytes.
func Write(file string, l *Lock) error {
	b, err := Encode(l)
	if err != nil {
		return err
	}
	if err := os.WriteFile(file, b, 0o644); err != nil {
		return fmt.Errorf("write the lock of the tables: %w", err)
	}
	return nil
}

// Encode is the file's content: indented, so that a review shows each change on a
// line, and sorted.
func Encode(l *Lock) ([]byte, error) {
	if err := l.check(); err != nil {
		return nil, fmt.Errorf("encode the lock of the tables: %w", err)
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(l); err != nil {
		return nil, fmt.Errorf("encode the lock of the tables: %w", err)
	}
	return b.Bytes(), nil
}

// Decode reads what [Encode] made.
func Decode(b []byte) (*Lock, error) {
	if bytes.HasPrefix(b, []byte("<<<<<<< ")) || bytes.Contains(b, []byte("\n<<<<<<< ")) {
		return nil, errors.New("it has the marks of a merge: " + mendMerge)
	}
	// The version first: a newer form may have fields that are unknown here.
	var form struct {
		Version *int `json:"version"`
	}
	if err := json.Unmarshal(b, &form); err != nil {
		return nil, fmt.Errorf("it is no lock of tables (%w): %s", err, mend)
	}
	if form.Version == nil || *form.Version < 1 {
		return nil, errors.New("it is no lock of tables, it has no version: " + mend)
	}
	if *form.Version > version {
		return nil, fmt.Errorf("it has version %d, and this Vinci knows version %d: use the Vinci that wrote it, or a newer one", *form.Version, version)
	}
	l := &Lock{}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(l); err != nil {
		return nil, fmt.Errorf("it is no lock of tables (%w): %s", err, mend)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something follows the lock: " + mend)
	}
	if l.Tables == nil {
		l.Tables = []Table{}
	}
	l.sort()
	if err := l.check(); err != nil {
		return nil, fmt.Errorf("%w: %s", err, mend)
	}
	return l, nil
}

// check finds what a lock may not hold.
func (l *Lock) check() error {
	seen := map[string]bool{}
	for i := range l.Tables {
		t := &l.Tables[i]
		switch {
		case t.Name == "":
			return errors.New("a table has no name")
		case seen[t.Name]:
			return fmt.Errorf("table %q is there twice", t.Name)
		}
		seen[t.Name] = true
		if err := t.check(); err != nil {
			return fmt.Errorf("table %q: %w", t.Name, err)
		}
	}
	return nil
}

func (t *Table) check() error {
	used := map[string]bool{}
	key := func(what, hash, sort string) error {
		if hash == "" {
			return fmt.Errorf("%s has no partition key", what)
		}
		for _, name := range []string{hash, sort} {
			if name == "" {
				continue
			}
			used[name] = true
			if kind := t.Attributes[name]; !slices.Contains([]string{"S", "N", "B"}, kind) {
				return fmt.Errorf("attribute %q, a key of %s, has type %q: keys have S, N or B", name, what, kind)
			}
		}
		return nil
	}
	if err := key("the table", t.Hash, t.Sort); err != nil {
		return err
	}
	if t.Warm.Read < 0 || t.Warm.Write < 0 {
		return errors.New("its warm throughput is below 0")
	}
	seen := map[string]bool{}
	for _, x := range t.Indexes {
		switch {
		case x.Warm.Read < 0 || x.Warm.Write < 0:
			return fmt.Errorf("the warm throughput of index %q is below 0", x.Name)
		case x.Name == "":
			return errors.New("an index has no name")
		case seen[x.Name]:
			return fmt.Errorf("index %q is there twice", x.Name)
		}
		seen[x.Name] = true
		if err := key(fmt.Sprintf("index %q", x.Name), x.Hash, x.Sort); err != nil {
			return err
		}
	}
	for name := range t.Attributes {
		if !used[name] {
			return fmt.Errorf("attribute %q is part of no key", name)
		}
	}
	return nil
}
