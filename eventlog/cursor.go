package eventlog

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"slices"
	"time"

	"github.com/vinci-go/vinci/event"
)

// Cursor says where a page of a [History] ended, as text that may stand in a URL
// or a file. It may be kept as long as one likes: after a restart, in another
// process. It is bound to what is read (application, types or correlation id,
// range, direction) and is a *[QueryError] anywhere else, or when it was changed.
//
// It holds the id and the time of an event and hides them from nobody. It is not
// signed: who makes one up can begin elsewhere within what the history holds
// anyway, and reads nothing else.
type Cursor string

// A cursor's bytes: the version, a digest of what is read and of all that
// follows, the time, the event's version, its stream.
const (
	cursorVersion = 1
	cursorDigest  = 16
	cursorHead    = 1 + cursorDigest + len("2006-01-02T15:04:05.000000000Z")
	maxCursor     = 2 * (cursorHead + binary.MaxVarintLen64 + event.MaxStream)
)

var cursorText = base64.RawURLEncoding.Strict()

// cursor makes the cursor behind a mark.
func (h *History) cursor(m mark) Cursor {
	at := binary.AppendUvarint([]byte(m.time), uint64(m.version))
	at = append(at, m.stream...)
	out := append([]byte{cursorVersion}, h.digest(at)...)
	return Cursor(cursorText.EncodeToString(append(out, at...)))
}

func (h *History) digest(at []byte) []byte {
	sum := sha256.New()
	fmt.Fprintf(sum, "%d %s", len(h.text), h.text) // a hash never returns an error
	sum.Write(at)
	return sum.Sum(nil)[:cursorDigest]
}

// open takes a cursor apart.
func (h *History) open(c Cursor) (*mark, error) {
	if len(c) > maxCursor {
		return nil, &QueryError{Reason: fmt.Sprintf("the cursor has %d characters, none has more than %d", len(c), maxCursor)}
	}
	raw, err := cursorText.DecodeString(string(c))
	if err != nil || len(raw) <= cursorHead {
		return nil, &QueryError{Reason: "this is no cursor: give the text of Page.Next as it was, or none to begin at the beginning", Err: err}
	}
	if raw[0] != cursorVersion {
		return nil, &QueryError{Reason: fmt.Sprintf("the cursor is of version %d, this program knows %d: begin at the beginning", raw[0], cursorVersion)}
	}
	at := raw[1+cursorDigest:]
	if !bytes.Equal(raw[1:1+cursorDigest], h.digest(at)) {
		return nil, &QueryError{Reason: "the cursor is of another history, or was changed: use it with the query it came from, or begin at the beginning"}
	}
	m := &mark{time: string(raw[1+cursorDigest : cursorHead])}
	version, n := binary.Uvarint(raw[cursorHead:])
	if n <= 0 || version == 0 || version > 1<<63-1 {
		return nil, &QueryError{Reason: "the cursor has no version of an event"}
	}
	m.version, m.stream = int64(version), string(raw[cursorHead+n:])
	if err := event.CheckStream(m.stream); err != nil {
		return nil, &QueryError{Reason: "the cursor has no stream", Err: err}
	}
	return m, h.inside(m.time)
}

// inside refuses a place outside of what is read: nothing but this history can be
// read with a cursor, whoever made it.
func (h *History) inside(text string) error {
	t, err := time.Parse(timeLayout, text)
	if err != nil || t.UTC().Format(timeLayout) != text {
		return &QueryError{Reason: fmt.Sprintf("the cursor has no time: %q", text), Err: err}
	}
	if h.from != "" && text < h.from || h.to != "" && text > h.to {
		return &QueryError{Reason: fmt.Sprintf("the time %s is outside of the history", text)}
	}
	return nil
}

// StartAt is the same history from where the cursor says. A cursor that does not
// fit is the *[QueryError] of reading it. The empty cursor is the beginning.
func (h History) StartAt(c Cursor) History {
	if h.start = nil; c == "" || h.err != nil {
		return h
	}
	h.start, h.err = h.open(c)
	return h
}

// After is the cursor behind an event of this history, for whoever has handled it
// and wants to go on there. An event that is none of it is a *[QueryError].
func (h History) After(m event.Metadata) (Cursor, error) {
	if h.err != nil {
		return "", h.err
	}
	stream, version, err := event.ParseID(m.ID)
	if err != nil {
		return "", &QueryError{Reason: "a cursor is made from an event of the log", Err: err}
	}
	if h.types != nil && !slices.Contains(h.types, m.Type) || h.types == nil && m.CorrelationID != h.id {
		return "", &QueryError{Reason: fmt.Sprintf("event %s (%s, correlation id %q) is not in the %s", m.ID, m.Type, m.CorrelationID, h.text)}
	}
	at := mark{m.Time.UTC().Format(timeLayout), stream, version}
	if err := h.inside(at.time); err != nil {
		return "", err
	}
	return h.cursor(at), nil
}
