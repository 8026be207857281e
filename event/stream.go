package event

import (
	"fmt"
	"strconv"
	"strings"
)

// MaxStream is the longest stream id in bytes. It keeps an event id under
// SQS's 128 characters for a message group, and index keys short.
const MaxStream = 100

// CheckStream reports what is wrong with a stream id, as an *[Error] of
// [KindInvalid], and nil when it may be used. A stream id is a lower-case word,
// a slash and the aggregate's own id in printable ASCII without blanks:
// order/7f3c, ops/send_welcome. It has at most [MaxStream] characters.
func CheckStream(stream string) error {
	bad := func(format string, args ...any) error {
		return &Error{Kind: KindInvalid, Op: "stream id", Reason: fmt.Sprintf("%s: got %q, a stream id is a lower-case word, a slash and an id in printable ASCII without blanks, like order/7f3c",
			fmt.Sprintf(format, args...), clip(stream))}
	}
	if len(stream) > MaxStream {
		return bad("it has %d bytes, at most %d are allowed", len(stream), MaxStream)
	}
	word, id, found := strings.Cut(stream, "/")
	switch {
	case !found:
		return bad("it has no slash")
	case !isWord(word):
		return bad("what stands before the slash is no word of a-z, 0-9 and _ that begins with a letter")
	case id == "":
		return bad("nothing stands after the slash")
	}
	for i := range len(id) {
		if id[i] <= ' ' || id[i] > '~' {
			return bad("byte %d is no printable ASCII", len(word)+1+i)
		}
	}
	return nil
}

// EventID is the id of the event at a version of a stream: <stream>@<version>.
// It is made from where the event is, so that it needs no index to find it.
func EventID(stream string, version int64) string {
	b := make([]byte, 0, len(stream)+20)
	b = append(b, stream...)
	b = append(b, '@')
	b = strconv.AppendInt(b, version, 10)
	return string(b)
}

// ParseID takes an event id apart. The error is an *[Error] of [KindInvalid].
// An id that can be parsed is what [EventID] makes of its two parts.
func ParseID(id string) (stream string, version int64, err error) {
	bad := func(reason string, cause error) (string, int64, error) {
		return "", 0, &Error{Kind: KindInvalid, Op: "event id", ID: clip(id), Reason: reason, Err: cause}
	}
	// The stream itself may hold an @ (user/alice@example.com), the version cannot.
	at := strings.LastIndexByte(id, '@')
	if at < 0 {
		return bad("it has no @: an event id is <stream>@<version>, like order/7f3c@3", nil)
	}
	stream, digits := id[:at], id[at+1:]
	version, err = strconv.ParseInt(digits, 10, 64)
	if err != nil || version < 1 || strconv.FormatInt(version, 10) != digits {
		return bad(fmt.Sprintf("version %q is no whole number from 1, without sign or leading zeros", clip(digits)), nil)
	}
	if err := CheckStream(stream); err != nil {
		return bad("its stream cannot be one", err)
	}
	return stream, version, nil
}

// isWord reports whether s is ^[a-z][a-z0-9_]*$.
func isWord(s string) bool {
	if s == "" || s[0] < 'a' || s[0] > 'z' {
		return false
	}
	for i := 1; i < len(s); i++ {
		c := s[i]
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '_' {
			return false
		}
	}
	return true
}

// clip keeps messages readable when somebody passes a document as an id.
func clip(s string) string {
	const most = 120
	if len(s) <= most {
		return s
	}
	return s[:most] + "…"
}
