package simulation

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"strings"
)

// trace is everything that happened, as a hash: two runs of one seed must have
// the same. Told to look for something, it also keeps the lines about it, which
// are the story of a failure.
type trace struct {
	hash  hash.Hash
	line  []byte
	about []string // keep lines that hold one of these
	kept  []string
}

// storyLines bounds a story.
const storyLines = 400

func newTrace(about string) *trace {
	return &trace{hash: sha256.New(), about: strings.FieldsFunc(about, func(r rune) bool { return r == '|' })}
}

// note adds a line. parts are written one after another.
func (t *trace) note(s *scheduler, who string, parts ...string) {
	t.line = fmt.Appendf(t.line[:0], "%12.6f %s ", s.now.Seconds(), who)
	for _, p := range parts {
		t.line = append(t.line, p...)
	}
	t.line = append(t.line, '\n')
	t.hash.Write(t.line) // a hash.Hash never returns an error
	for _, a := range t.about {
		if len(t.kept) < storyLines && bytes.Contains(t.line, []byte(a)) {
			t.kept = append(t.kept, string(t.line))
			return
		}
	}
}

func (t *trace) sum() string { return hex.EncodeToString(t.hash.Sum(nil)) }

func (t *trace) story() string { return strings.Join(t.kept, "") }
