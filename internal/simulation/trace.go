package simulation

import (
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
	about string // what to keep; empty: nothing
	kept  []string
}

// storyLines bounds a story.
const storyLines = 400

func newTrace(about string) *trace { return &trace{hash: sha256.New(), about: about} }

// note adds a line. parts are written one after another.
func (t *trace) note(s *scheduler, who string, parts ...string) {
	t.line = fmt.Appendf(t.line[:0], "%12.6f %s ", s.now.Seconds(), who)
	for _, p := range parts {
		t.line = append(t.line, p...)
	}
	t.line = append(t.line, '\n')
	t.hash.Write(t.line) // a hash.Hash never returns an error
	if t.about != "" && len(t.kept) < storyLines && strings.Contains(string(t.line), t.about) {
		t.kept = append(t.kept, string(t.line))
	}
}

func (t *trace) sum() string { return hex.EncodeToString(t.hash.Sum(nil)) }

func (t *trace) story() string { return strings.Join(t.kept, "") }
